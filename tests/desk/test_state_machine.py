"""The desk against a world that crashes, loses, delays, repeats and reorders: invariants hold."""

import asyncio
import logging
import os
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from desk import invariants
from desk.kit import PRICES, World, order
from fillwright.errors import (
    BrokerUnavailable,
    DeskClosed,
    IntentConflict,
    NotCancelable,
    NotSent,
    OrderRefused,
    OrderRejected,
)
from fillwright.orders import Order, OrderChange, client_order_id_for
from fillwright.protocols import ClosePolicy
from fillwright.testing import Refused
from fillwright.types import ClientOrderId, ExecType, IntentId, OrdStatus
from fillwright.verdicts import Scope

#: What a caller must be ready for.
EXPECTED = (NotCancelable, NotSent, OrderRefused, OrderRejected, BrokerUnavailable, DeskClosed)
symbols = st.sampled_from(sorted(PRICES))
sides = st.sampled_from(["BUY", "SELL"])
quantities = st.integers(1, 12).map(str)
seconds = st.sampled_from([0.0, 0.05, 0.3, 1.0, 3.0, 7.0, 12.0])
FAULTS = [
    *(("submit", k) for k in ("drop_request", "accept_then_timeout", "accept_then_reset")),
    *(("submit", k) for k in ("accept_late", "delay", "not_sent", "reject", "rate_limited")),
    *(("cancel", k) for k in ("drop_request", "accept_then_timeout", "accept_late", "delay")),
    *(("cancel", k) for k in ("not_sent", "reject")),
    *(("replace", k) for k in ("drop_request", "accept_then_timeout", "accept_late", "delay")),
    *(("replace", k) for k in ("not_sent", "reject")),
    *((on, "lag") for on in ("find", "open_orders", "executions")),
    *((on, "unavailable") for on in ("find", "open_orders", "executions", "account", "quote")),
    *(("report", k) for k in ("duplicate", "drop", "reorder", "delay", "disconnect", "silent")),
    ("connect", "disconnect"),
]


class DeskMachine(RuleBasedStateMachine):
    """One account, one venue, one disk; desks come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.intents: dict[str, Order] = {}
        self.calls: set[asyncio.Task[Any]] = set()
        self.manual = 0
        self.world: World

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(
        latency=st.sampled_from([0.0, 0.0, 0.02, 0.4]),
        pending_steps=st.sampled_from([0, 0, 2]),
        seed=st.integers(0, 9),
    )
    def begin(self, latency: float, pending_steps: int, seed: int) -> None:
        self.run(self._begin(latency, pending_steps, seed))

    async def _begin(self, latency: float, pending_steps: int, seed: int) -> None:
        self.world = World(latency=latency, pending_steps=pending_steps, seed=seed)
        await self.world.ready()

    # ------------------------------------------------------------------ the owner

    def call(self, work: Coroutine[Any, Any, Any], run: float = 0.0) -> None:
        """Let the owner's call go as far as it can; it may take longer than this step."""
        self.run(self._call(work, run))

    async def _call(self, work: Coroutine[Any, Any, Any], run: float) -> None:
        self.calls.add(asyncio.create_task(work))
        await self.world.run(run)
        for task in [task for task in self.calls if task.done()]:
            self.calls.discard(task)
            fault = None if task.cancelled() else task.exception()
            if fault is not None and not isinstance(fault, EXPECTED):
                raise fault

    @rule(
        symbol=symbols,
        side=sides,
        quantity=quantities,
        limit=st.none() | st.sampled_from(["0.9", "0.999", "1.001", "1.1"]),
        time_in_force=st.sampled_from(["DAY", "GTC", "IOC"]),
        tag=st.sampled_from(["", "", "", "", "raise", "none"]),
        run=seconds,
    )
    def submit(
        self,
        symbol: str,
        side: str,
        quantity: str,
        limit: str | None,
        time_in_force: str,
        tag: str,
        run: float,
    ) -> None:
        fields: dict[str, Any] = {"symbol": symbol, "side": side, "quantity": quantity}
        fields["time_in_force"] = time_in_force
        if limit is not None:
            price = (PRICES[symbol] * Decimal(limit)).quantize(Decimal("0.01"))
            fields |= {"type": "LIMIT", "limit_price": str(price)}
        name = f"i{len(self.intents)}"
        self.intents[name] = order(intent_id=name, tags=(tag,) if tag else (), **fields)
        self.call(self.world.desk.submit(self.intents[name]), run)

    @rule(symbol=symbols, quantity=quantities, run=seconds)
    def submit_bracket(self, symbol: str, quantity: str, run: float) -> None:
        price = PRICES[symbol]
        name = f"i{len(self.intents)}"
        self.intents[name] = order(
            symbol=symbol,
            quantity=quantity,
            intent_id=name,
            time_in_force="GTC",
            order_class="BRACKET",
            take_profit={"limit_price": str(price + 5)},
            stop_loss={"stop_price": str(price - 5)},
        )
        self.call(self.world.desk.submit(self.intents[name]), run)

    @precondition(lambda self: self.intents)
    @rule(data=st.data(), run=seconds)
    def submit_again(self, data: st.DataObject, run: float) -> None:
        """I16: the same intent is the same order, however often and whenever it comes."""
        name = data.draw(st.sampled_from(sorted(self.intents)))
        handle = self.run(self.world.desk.submit(self.intents[name]))
        assert handle.client_order_id == self.key(name)
        self.run(self.world.run(run))

    @precondition(lambda self: self.intents)
    @rule(data=st.data())
    def submit_other_content(self, data: st.DataObject) -> None:
        """I16: the same intent with other content is refused, and nothing is sent."""
        name = data.draw(st.sampled_from(sorted(self.intents)))
        other = self.intents[name].model_copy(update={"quantity": Decimal(77)})
        before = self.world.requests.total()
        try:
            self.run(self.world.desk.submit(other))
        except IntentConflict:
            assert self.world.requests.total() == before
            return
        # Only an intent whose record a crash took may begin anew.
        self.intents[name] = other

    @precondition(lambda self: self.intents)
    @rule(data=st.data(), run=seconds)
    def cancel(self, data: st.DataObject, run: float) -> None:
        key = self.known(data)
        if key is not None:
            self.call(self.world.desk.cancel(key), run)

    @precondition(lambda self: self.intents)
    @rule(data=st.data(), quantity=st.none() | quantities, run=seconds)
    def replace(self, data: st.DataObject, quantity: str | None, run: float) -> None:
        key = self.known(data)
        if key is None:
            return
        fields = {"quantity": quantity} if quantity else {"limit_price": "19.5"}
        self.call(self.world.desk.replace(key, OrderChange.model_validate(fields)), run)

    @rule(scope=st.sampled_from([Scope.DESK, Scope.SYMBOL]), symbol=symbols)
    def halt(self, scope: Scope, symbol: str) -> None:
        name = symbol if scope is Scope.SYMBOL else ""
        self.run(self.world.desk.halt(scope, name, reason="test", by="tester"))

    @precondition(lambda self: bool(self.world.desk.halts))
    @rule()
    def resume(self) -> None:
        halted = self.world.desk.halts[0]
        self.run(self.world.desk.resume(halted.scope, halted.name, by="tester"))

    # ------------------------------------------------------------------ the world

    @rule(run=seconds)
    def pass_time(self, run: float) -> None:
        self.run(self.world.run(run))

    @rule(symbol=symbols, cents=st.integers(-150, 150), size=st.sampled_from(["2", "5", "100"]))
    def move_quote(self, symbol: str, cents: int, size: str) -> None:
        middle = PRICES[symbol] + Decimal(cents) / 100
        self.run(self._at_venue(lambda: self.world.quote(symbol, middle, size=Decimal(size))))

    @rule(
        fault=st.sampled_from(FAULTS),
        wait=st.sampled_from([0.0, 0.2, 1.0, 1.8]),
        times=st.integers(1, 3),
        hold=st.booleans(),
    )
    def break_something(self, fault: tuple[str, str], wait: float, times: int, hold: bool) -> None:
        self.world.fault(*fault, seconds=wait, times=times, hold=hold)

    @rule(data=st.data(), how=st.sampled_from(["cancel", "reject", "expire", "suspend", "resume"]))
    def venue_acts(self, data: st.DataObject, how: str) -> None:
        ours = [o for o in self.world.venue.open_orders() if o.status != "PENDING_NEW"]
        if ours:
            chosen = data.draw(st.sampled_from(ours))
            act = getattr(self.world.venue.control, how)
            self.run(self._at_venue(lambda: act(chosen.broker_order_id)))

    @rule(data=st.data(), quantity=st.integers(1, 3))
    def venue_fills(self, data: st.DataObject, quantity: int) -> None:
        """A fill by hand: for an ended order it comes late."""
        found = [
            o
            for o in self.world.venue.orders()
            if o.status not in ("PENDING_NEW", "REPLACED", "FILLED", "REJECTED")
        ]
        if not found:
            return
        chosen = data.draw(st.sampled_from(found))
        leaves = (chosen.quantity or Decimal(0)) - chosen.filled
        if leaves <= 0:
            return
        if chosen.ended:
            self.world.touched.add(chosen.broker_order_id)
        price, amount = PRICES[chosen.symbol], min(Decimal(quantity), leaves)
        control = self.world.venue.control
        self.run(self._at_venue(lambda: control.fill(chosen.broker_order_id, amount, price)))

    @rule(data=st.data(), correct=st.booleans())
    def venue_busts(self, data: st.DataObject, correct: bool) -> None:
        fills = self.world.venue.executions().items
        undone = {f.execution.corrects for f in fills}
        found = [
            f
            for f in fills
            if f.exec_type is not ExecType.TRADE_CANCEL and f.execution.execution_id not in undone
        ]
        if not found:
            return
        fill = data.draw(st.sampled_from(found))
        name, price = fill.execution.execution_id, fill.execution.price
        control = self.world.venue.control
        self.world.touched.add(fill.broker_order_id)
        if correct:
            quantity = fill.execution.quantity
            self.run(self._at_venue(lambda: control.correct(name, quantity, price + 1)))
        else:
            self.run(self._at_venue(lambda: control.bust(name)))

    @rule(symbol=symbols, side=sides, quantity=quantities)
    def somebody_else_trades(self, symbol: str, side: str, quantity: str) -> None:
        self.manual += 1
        away = "0.9" if side == "BUY" else "1.1"
        price = (PRICES[symbol] * Decimal(away)).quantize(Decimal("0.01"))
        theirs = order(
            symbol=symbol, side=side, quantity=quantity, type="LIMIT", limit_price=str(price)
        )
        name = ClientOrderId(f"by-hand-{self.manual}")
        self.run(self._at_venue(lambda: self.world.venue.submit(theirs, name)))

    async def _at_venue(self, act: Any) -> None:
        try:
            act()
        except (Refused, ValueError):
            return
        await self.world.run(0)

    # ------------------------------------------------------------------ the process

    @rule(keep=st.integers(0, 4), wait=st.sampled_from([0.0, 1.0, 4.0]))
    def crash(self, keep: int, wait: float) -> None:
        self.run(self._crash(keep, wait))

    async def _crash(self, keep: int, wait: float) -> None:
        await self.world.crash(keep)
        self.calls.clear()
        await self.world.clock.run_for(wait)
        await self.world.open()
        await self.world.run(0.1)

    @rule(policy=st.sampled_from(ClosePolicy))
    def close_and_open(self, policy: ClosePolicy) -> None:
        self.run(self._close_and_open(policy))

    async def _close_and_open(self, policy: ClosePolicy) -> None:
        await self.world.aclose(policy)
        self.calls.clear()
        await self.world.open()
        await self.world.run(0.1)

    # ------------------------------------------------------------------ what must hold

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:
        super().check_invariants(*args, **kwargs)
        if hasattr(self, "world") and hasattr(self.world, "desk"):
            self.world.raise_broken()
            invariants.every_step(self.world)

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.run(self._heal_and_look())
        finally:
            if hasattr(self, "world"):
                self.run(self.world.end())
            self.run(self.loop.shutdown_asyncgens())
            self.loop.close()

    async def _heal_and_look(self) -> None:
        """Faults off, every owner asks for his order again, and time passes until all is quiet."""
        world = self.world
        world.raise_broken()
        world.script.clear()
        for name in self.intents:
            await self._call(world.desk.submit(self.intents[name]), 0)
        for _ in range(40):
            await world.run(3)
            if invariants.quiet(world) and not self.staged():
                break
        await world.run(2 * world.limits.reconcile_every + 1)
        invariants.every_step(world)
        invariants.all_quiet(world)
        assert not self.staged()
        late = [task for task in self.calls if not task.done()]
        assert not late, f"calls that never returned: {late}"

    def staged(self) -> list[str]:
        orders = self.world.parts.keeper.ledger.orders.values()
        return [s.client_order_id for s in orders if s.status is OrdStatus.STAGED]

    def key(self, name: str) -> ClientOrderId:
        return client_order_id_for("FAKE-1", IntentId(name))

    def known(self, data: st.DataObject) -> ClientOrderId | None:
        name = data.draw(st.sampled_from(sorted(self.intents)))
        key = self.key(name)
        return key if self.world.parts.keeper.state(key) is not None else None


logging.getLogger("fillwright").setLevel(logging.CRITICAL)
EXAMPLES = int(os.environ.get("FILLWRIGHT_EXAMPLES", "70"))
TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=35,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
