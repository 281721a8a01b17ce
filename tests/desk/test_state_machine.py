"""The desk against a world that crashes, loses, delays, repeats and reorders: invariants hold.

`TRY_EXAMPLES` and `TRY_STEPS` make it look further, with other examples each time.
"""

import logging
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from desk.driver import Driver
from desk.kit import PRICES, World, order, with_dedup
from desk.moves import (
    LOST,
    READS,
    STREAM,
    fates,
    orders,
    quantities,
    seconds,
    sides,
    symbols,
    waits,
)
from fillwright.errors import DeskBusy, IntentConflict
from fillwright.orders import OrderChange
from fillwright.protocols import ClosePolicy, Dedup
from fillwright.types import ClientOrderId, ExecType
from fillwright.verdicts import Scope


class DeskMachine(Driver):
    """One account, one venue, one disk; desks come and go."""

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

    @precondition(lambda self: self.intents)
    @rule(data=st.data(), run=seconds)
    def submit_again(self, data: st.DataObject, run: float) -> None:
        """I16: the same intent is the same order, however often and whenever it comes."""
        name = data.draw(st.sampled_from(sorted(self.intents)))
        try:
            handle = self.run(self.world.desk.submit(self.intents[name]))
        except DeskBusy:
            # An intent that was never recorded may find the broker's rate used up.
            assert self.world.parts.keeper.state(self.key(name)) is None
        else:
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
        except DeskBusy:
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
        self.run(self.at_venue(lambda: self.world.quote(symbol, middle, size=Decimal(size))))

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
                self.run(self.at_venue(lambda: act(chosen.broker_order_id)))
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
            self.world.touch(chosen.broker_order_id)
        fill = self.world.venue.control.fill
        price = PRICES[chosen.symbol]
        self.run(self.at_venue(lambda: fill(chosen.broker_order_id, Decimal(1), price)))

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
        self.world.touch(fill.broker_order_id)
        if correct:
            quantity = fill.execution.quantity
            self.run(self.at_venue(lambda: control.correct(name, quantity, price + 1)))
        else:
            self.run(self.at_venue(lambda: control.bust(name)))

    @rule(symbol=symbols, side=sides, quantity=quantities)
    def somebody_else_trades(self, symbol: str, side: str, quantity: str) -> None:
        self.manual += 1
        away = "0.9" if side == "BUY" else "1.1"
        price = (PRICES[symbol] * Decimal(away)).quantize(Decimal("0.01"))
        theirs = order(
            symbol=symbol, side=side, quantity=quantity, type="LIMIT", limit_price=str(price)
        )
        name = ClientOrderId(f"by-hand-{self.manual}")
        self.run(self.at_venue(lambda: self.world.venue.submit(theirs, name)))

    # ------------------------------------------------------------------ the process

    @rule(keep=st.integers(0, 4), wait=st.sampled_from([0.0, 1.0, 4.0]))
    def crash(self, keep: int, wait: float) -> None:
        self.run(self.crashed(keep, wait))

    @rule(policy=st.sampled_from(ClosePolicy))
    def close_and_open(self, policy: ClosePolicy) -> None:
        self.run(self.closed(policy))


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of doubts and disconnects are what is wanted here, and no news."""
    log = logging.getLogger("fillwright")
    level = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(level)


EXAMPLES = int(os.environ.get("TRY_EXAMPLES", "100"))
SHRINKS = "TRY_NO_SHRINK" not in os.environ
TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=int(os.environ.get("TRY_STEPS", "35")),
    deadline=None,
    # The same examples each time, unless somebody goes looking for more.
    derandomize="TRY_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
    phases=[p for p in Phase if SHRINKS or p is not Phase.shrink],
)
