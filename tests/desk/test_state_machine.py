"""The desk against a world that crashes, loses, delays, repeats and reorders: invariants hold."""

import asyncio
import logging
import os
from collections.abc import Coroutine, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from desk import invariants
from desk.kit import PRICES, World, order, with_dedup
from fillwright.errors import (
    BadInput,
    BrokerUnavailable,
    DeskClosed,
    IntentConflict,
    NotCancelable,
    NotSent,
    OrderRefused,
    OrderRejected,
)
from fillwright.orders import Order, OrderChange, client_order_id_for
from fillwright.protocols import ClosePolicy, Dedup
from fillwright.states import Owner
from fillwright.testing import Refused, VenueOrder
from fillwright.types import ClientOrderId, ExecType, IntentId, OrdStatus
from fillwright.verdicts import Scope

#: What a caller must be ready for.
EXPECTED = (
    BadInput,
    BrokerUnavailable,
    DeskClosed,
    NotCancelable,
    NotSent,
    OrderRefused,
    OrderRejected,
)
symbols = st.sampled_from(sorted(PRICES))
sides = st.sampled_from(["BUY", "SELL"])
quantities = st.integers(1, 12).map(str)
seconds = st.sampled_from([0.0, 0.05, 0.3, 1.0, 3.0, 7.0, 12.0])
LOST = ["drop_request", "accept_then_timeout", "accept_then_reset", "accept_late", "delay"]
#: What may become of a request; most get through.
fates = st.none() | st.sampled_from([*LOST, *LOST, "not_sent", "reject", "rate_limited"])
READS = [
    *((on, "lag") for on in ("find", "open_orders", "executions")),
    *((on, "unavailable") for on in ("find", "open_orders", "executions", "account", "quote")),
]
STREAM = [
    *(("report", k) for k in ("duplicate", "drop", "reorder", "delay", "disconnect", "silent")),
    ("connect", "disconnect"),
]
#: In seconds; the longest breaks the promise that the broker gives with `t_inflight`.
waits = st.sampled_from([0.0, 0.2, 1.0, 1.8, 6.0])


def _simple(symbol: str, side: str, quantity: str, limit: str, time_in_force: str) -> Any:
    fields = {"symbol": symbol, "side": side, "quantity": quantity, "time_in_force": time_in_force}
    if not limit:
        return fields
    price = (PRICES[symbol] * Decimal(limit)).quantize(Decimal("0.01"))
    return fields | {"type": "LIMIT", "limit_price": str(price)}


def _bracket(symbol: str, quantity: str) -> Any:
    return {
        "symbol": symbol,
        "quantity": quantity,
        "time_in_force": "GTC",
        "order_class": "BRACKET",
        "take_profit": {"limit_price": str(PRICES[symbol] + 5)},
        "stop_loss": {"stop_price": str(PRICES[symbol] - 5)},
    }


simple = st.builds(
    _simple,
    symbols,
    sides,
    quantities,
    st.sampled_from(["", "", "0.9", "0.999", "1.001", "1.1"]),
    st.sampled_from(["DAY", "GTC", "GTC", "IOC"]),
)
brackets = st.builds(_bracket, symbols, quantities)
orders = st.one_of(simple, simple, simple, simple, brackets)


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
        dedup=st.sampled_from([Dedup.SERVER, Dedup.SERVER, Dedup.TAG_ONLY]),
    )
    def begin(self, latency: float, pending_steps: int, seed: int, dedup: Dedup) -> None:
        self.world = World(
            latency=latency,
            pending_steps=pending_steps,
            seed=seed,
            capabilities=with_dedup(dedup),
        )
        self.run(self.world.ready())

    # ------------------------------------------------------------------ the owner

    def call(self, work: Coroutine[Any, Any, Any], run: float = 0.0) -> None:
        """Let the owner's call go as far as it can; it may take longer than this step."""
        self.run(self._call(work, run))

    async def _call(self, work: Coroutine[Any, Any, Any], run: float) -> None:
        self.calls.add(asyncio.create_task(work))
        await (self.world.run(run) if run else asyncio.sleep(0))
        for task in [task for task in self.calls if task.done()]:
            self.calls.discard(task)
            fault = None if task.cancelled() else task.exception()
            if fault is not None and not isinstance(fault, EXPECTED):
                raise fault

    @rule(
        what=orders,
        tag=st.sampled_from(["", "", "", "", "", "", "raise", "none"]),
        fate=fates,
        wait=waits,
        run=seconds,
    )
    def submit(
        self, what: dict[str, Any], tag: str, fate: str | None, wait: float, run: float
    ) -> None:
        self.send(fate, wait, run, tags=(tag,) if tag else (), **what)

    @rule(what=orders, fate=st.sampled_from(LOST), wait=waits, run=seconds)
    def submit_in_vain(self, what: dict[str, Any], fate: str, wait: float, run: float) -> None:
        self.send(fate, wait, run, **what)

    def send(self, fate: str | None, wait: float, run: float, **fields: Any) -> None:
        name = f"i{len(self.intents)}"
        self.intents[name] = order(intent_id=name, **fields)
        if fate is not None:
            self.world.fault("submit", fate, seconds=wait, client_order_id=self.key(name))
        self.call(self.submitted(name), run)

    async def submitted(self, name: str) -> None:
        """I16: two callers at once are one order."""
        desk, wanted = self.world.desk, self.intents[name]
        first, second = await asyncio.gather(desk.submit(wanted), desk.submit(wanted))
        assert first == second

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
    @rule(data=st.data(), fate=fates, wait=waits, run=seconds)
    def cancel(self, data: st.DataObject, fate: str | None, wait: float, run: float) -> None:
        key = self.known(data)
        if key is None:
            return
        if fate is not None:
            self.world.fault("cancel", fate, seconds=wait, client_order_id=key)
        self.call(self.world.desk.cancel(key), run)

    @precondition(lambda self: self.intents)
    @rule(data=st.data(), quantity=st.none() | quantities, fate=fates, wait=waits, run=seconds)
    def replace(
        self,
        data: st.DataObject,
        quantity: str | None,
        fate: str | None,
        wait: float,
        run: float,
    ) -> None:
        key = self.known(data)
        if key is None:
            return
        if fate is not None:
            self.world.fault("replace", fate, seconds=wait, client_order_id=key)
        state = self.world.state(key)
        price = (PRICES[state.symbol] * Decimal("0.95")).quantize(Decimal("0.01"))
        fields = {"quantity": quantity} if quantity else {"limit_price": str(price)}
        self.call(self.world.desk.replace(key, OrderChange.model_validate(fields)), run)

    @rule(scope=st.sampled_from([Scope.DESK, Scope.SYMBOL]), symbol=symbols)
    def halt_or_resume(self, scope: Scope, symbol: str) -> None:
        halts = self.world.desk.halts
        if halts:
            halted = halts[0]
            self.run(self.world.desk.resume(halted.scope, halted.name, by="tester"))
            return
        name = symbol if scope is Scope.SYMBOL else ""
        halt = self.world.desk.halt(scope, name, reason="test", by="tester")
        self.run(self.world.wait(halt))

    # ------------------------------------------------------------------ the world

    @rule(run=seconds)
    def pass_time(self, run: float) -> None:
        self.run(self.world.run(run))

    @rule(symbol=symbols, cents=st.integers(-150, 150), size=st.sampled_from(["2", "5", "100"]))
    def move_quote(self, symbol: str, cents: int, size: str) -> None:
        middle = PRICES[symbol] + Decimal(cents) / 100
        self.run(self._at_venue(lambda: self.world.quote(symbol, middle, size=Decimal(size))))

    @rule(
        faults=st.lists(st.sampled_from(READS), min_size=1, max_size=3) | st.just(READS[:3]),
        wait=waits,
        times=st.integers(1, 4),
    )
    def break_reads(self, faults: list[tuple[str, str]], wait: float, times: int) -> None:
        for fault in faults:
            self.world.fault(*fault, seconds=wait, times=times)

    @rule(fault=st.sampled_from(STREAM), wait=waits, times=st.integers(1, 3), hold=st.booleans())
    def break_stream(self, fault: tuple[str, str], wait: float, times: int, hold: bool) -> None:
        self.world.fault(*fault, seconds=wait, times=times, hold=hold)

    @rule(
        data=st.data(),
        how=st.sampled_from(
            ["cancel", "reject", "expire", "suspend", "resume", "fill", "fill", "bust", "correct"]
        ),
        run=seconds,
    )
    def venue_acts(self, data: st.DataObject, how: str, run: float) -> None:
        if how == "fill":
            self.venue_fills(data)
        elif how in ("bust", "correct"):
            self.venue_takes_back(data, correct=how == "correct")
        else:
            found = [o for o in self.world.venue.open_orders() if o.status != "PENDING_NEW"]
            if found:
                chosen = self.choose(data, found)
                act = getattr(self.world.venue.control, how)
                self.run(self._at_venue(lambda: act(chosen.broker_order_id)))
        self.run(self.world.run(run))

    def venue_fills(self, data: st.DataObject) -> None:
        """A fill by hand: for an ended order it comes late."""
        unfit = ("PENDING_NEW", "REPLACED", "FILLED", "REJECTED")
        found = [o for o in self.world.venue.orders() if o.status not in unfit]
        found = [o for o in found if (o.quantity or Decimal(0)) > o.filled]
        if not found:
            return
        chosen = self.choose(data, found)
        if chosen.ended:
            self.world.touched.add(chosen.broker_order_id)
        fill = self.world.venue.control.fill
        price = PRICES[chosen.symbol]
        self.run(self._at_venue(lambda: fill(chosen.broker_order_id, Decimal(1), price)))

    def venue_takes_back(self, data: st.DataObject, *, correct: bool) -> None:
        fills = self.world.venue.executions().items
        undone = {f.execution.corrects for f in fills}
        found = [
            f
            for f in fills
            if f.exec_type is not ExecType.TRADE_CANCEL and f.execution.execution_id not in undone
        ]
        if not found:
            return
        fill = found[data.draw(st.integers(0, len(found) - 1))]
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
        self.forget_calls()
        await self.world.clock.run_for(wait)
        await self.world.open()
        await self.world.run(0.1)

    @rule(policy=st.sampled_from(ClosePolicy))
    def close_and_open(self, policy: ClosePolicy) -> None:
        self.run(self._close_and_open(policy))

    async def _close_and_open(self, policy: ClosePolicy) -> None:
        await self.world.aclose(policy)
        self.forget_calls()
        await self.world.open()
        await self.world.run(0.1)

    # ------------------------------------------------------------------ what must hold

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:
        super().check_invariants(*args, **kwargs)
        if hasattr(self, "world") and hasattr(self.world, "desk"):
            self.run(self.world.run(0))
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

    def forget_calls(self) -> None:
        """The desk that they waited for is gone; that it said so is all right."""
        for task in self.calls:
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.calls.clear()

    def staged(self) -> list[str]:
        orders = self.world.parts.keeper.ledger.orders.values()
        return [s.client_order_id for s in orders if s.status is OrdStatus.STAGED]

    def key(self, name: str) -> ClientOrderId:
        return client_order_id_for("FAKE-1", IntentId(name))

    def choose(self, data: st.DataObject, orders: Sequence[VenueOrder]) -> VenueOrder:
        return orders[data.draw(st.integers(0, len(orders) - 1))]

    def known(self, data: st.DataObject) -> ClientOrderId | None:
        """One of the orders that are open here, or any that was ever sent."""
        ours = [s.client_order_id for s in self.world.desk.working() if s.owner is Owner.OURS]
        keys = sorted(ours) or [self.key(name) for name in sorted(self.intents)]
        key = keys[data.draw(st.integers(0, len(keys) - 1))]
        return key if self.world.parts.keeper.state(key) is not None else None


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of doubts and disconnects are what is wanted here, and no news."""
    log = logging.getLogger("fillwright")
    level = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(level)


EXAMPLES = int(os.environ.get("FILLWRIGHT_EXAMPLES", "70"))
SHRINKS = "FILLWRIGHT_NO_SHRINK" not in os.environ
TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=35,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
    phases=[p for p in Phase if SHRINKS or p is not Phase.shrink],
)
