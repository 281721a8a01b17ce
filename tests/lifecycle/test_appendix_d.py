"""FIX 4.4 appendix D, the order state change matrices that apply to equities, as tables.

Each scenario is a list of (what happens, status shown, CumQty, LeavesQty). Groups: A plain
fills, B cancels, C replaces, D sequences of replaces, E unsolicited and pending oddities,
F corrections and busts, G held, stopped and suspended, H done for day and good till canceled,
I fills around a reject, K other ends. Groups J and L (allocation instructions, trading of
multi-leg strategies) have no equity order life of their own here.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fillwright.ledger import Asked, Ledger, Refused, Reported, Sent, Settled, Staged
from fillwright.orders import Order, OrderChange
from fillwright.reports import Evidence, Execution, ExecutionReport, Source
from fillwright.states import Action
from fillwright.types import (
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    OrdStatus,
    Side,
)
from fillwright.verdicts import Reason

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
KEY = ClientOrderId("fw-1")
EVIDENCE = Evidence(Source.STREAM, "event")


class Life:
    """One order of 10,000 shares, told in short words."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        order = Order(symbol="XYZ", side="BUY", quantity="10000", type="LIMIT", limit_price="10")
        self.ledger.apply(Staged(KEY, NOW, order, "hash"))
        self.seen: list[str] = []

    def happen(self, what: str) -> tuple[str, str, str]:
        word, _, rest = what.partition(" ")
        change = getattr(self, f"_{word}")(*rest.split())
        self.seen += [str(a.kind) for a in change.anomalies]
        state = self.ledger.orders[KEY]
        return str(state.status), str(state.filled), str(state.leaves)

    def _send(self):
        return self.ledger.apply(Sent(KEY, NOW, "hash", NOW, Decimal(10000), Decimal(10)))

    def _refuse(self):
        return self.ledger.apply(Refused(KEY, NOW, (Reason("C01", "1", "0"),)))

    def _report(self, kind, **facts):
        current = self.ledger.orders[KEY].broker_order_id or BrokerOrderId("b1")
        report = ExecutionReport(
            ExecType(kind), "XYZ", Side.BUY, EVIDENCE, NOW, KEY, current, **facts
        )
        return self.ledger.apply(Reported(KEY, NOW, report))

    def _says(self, kind, quantity=None):
        return self._report(kind, quantity=Decimal(quantity) if quantity else None)

    def _status(self, status, filled="0"):
        return self._report("ORDER_STATUS", status=OrdStatus(status), filled=Decimal(filled))

    def _fill(self, name, quantity, price="10"):
        execution = Execution(ExecutionId(name), Decimal(quantity), Decimal(price), NOW)
        return self._report("TRADE", execution=execution)

    def _bust(self, name):
        execution = Execution(
            ExecutionId(f"x{name}"), Decimal(0), Decimal(0), NOW, corrects=ExecutionId(name)
        )
        return self._report("TRADE_CANCEL", execution=execution)

    def _correct(self, name, quantity, price="10"):
        execution = Execution(
            ExecutionId(f"c{name}"),
            Decimal(quantity),
            Decimal(price),
            NOW,
            corrects=ExecutionId(name),
        )
        return self._report("TRADE_CORRECT", execution=execution)

    def _ask(self, action, quantity=None):
        change = OrderChange(quantity=quantity) if quantity else None
        larger = Decimal(quantity) if quantity else None
        return self.ledger.apply(Asked(KEY, NOW, Action(action), change, larger))

    def _deny(self, action):
        return self.ledger.apply(Settled(KEY, NOW, Action(action), EVIDENCE, "too late"))

    def _replaced(self, quantity):
        return self._report("REPLACED", quantity=Decimal(quantity), replaced_by=BrokerOrderId("b2"))


START = [("send", "PENDING_NEW", 0, 10000), ("says NEW", "NEW", 0, 10000)]

SCENARIOS = {
    "A1.a filled in parts": [
        *START,
        ("fill e1 2000", "PARTIALLY_FILLED", 2000, 8000),
        ("fill e2 8000", "FILLED", 10000, 0),
    ],
    "A1.b part filled, done for day": [
        *START,
        ("fill e1 2000", "PARTIALLY_FILLED", 2000, 8000),
        ("fill e2 1000", "PARTIALLY_FILLED", 3000, 7000),
        ("says DONE_FOR_DAY", "DONE_FOR_DAY", 3000, 7000),
    ],
    "A1.c rejected by the broker": [
        ("send", "PENDING_NEW", 0, 10000),
        ("says REJECTED", "REJECTED", 0, 0),
    ],
    "A1.d rejected after it was acknowledged": [
        *START,
        ("says REJECTED", "REJECTED", 0, 0),
    ],
    "A1.e refused by our own gate": [("refuse", "REFUSED", 0, 0)],
    "B1.a cancel of an order without fills": [
        *START,
        ("ask cancel", "PENDING_CANCEL", 0, 10000),
        ("says PENDING_CANCEL", "PENDING_CANCEL", 0, 10000),
        ("says CANCELED", "CANCELED", 0, 0),
    ],
    "B1.b cancel while part filled, a fill while it is pending": [
        *START,
        ("fill e1 2000", "PARTIALLY_FILLED", 2000, 8000),
        ("ask cancel", "PENDING_CANCEL", 2000, 8000),
        ("fill e2 3000", "PENDING_CANCEL", 5000, 5000),
        ("says CANCELED", "CANCELED", 5000, 0),
    ],
    "B1.c cancel of an order that fills first": [
        *START,
        ("fill e1 2000", "PARTIALLY_FILLED", 2000, 8000),
        ("ask cancel", "PENDING_CANCEL", 2000, 8000),
        ("fill e2 8000", "FILLED", 10000, 0),
        ("deny cancel", "FILLED", 10000, 0),
    ],
    "B1.d cancel refused while the order still works": [
        *START,
        ("ask cancel", "PENDING_CANCEL", 0, 10000),
        ("says CANCEL_REJECTED", "NEW", 0, 10000),
        ("fill e1 10000", "FILLED", 10000, 0),
    ],
    "B1.e cancel before the ack": [
        ("send", "PENDING_NEW", 0, 10000),
        ("ask cancel", "PENDING_CANCEL", 0, 10000),
        ("says NEW", "PENDING_CANCEL", 0, 10000),
        ("says CANCELED", "CANCELED", 0, 0),
    ],
    "C1.a replace of the quantity, upwards": [
        *START,
        ("ask replace 11000", "PENDING_REPLACE", 0, 10000),
        ("replaced 11000", "NEW", 0, 11000),
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 10000),
    ],
    "C1.b replace while part filled, a fill while it is pending": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("ask replace 12000", "PENDING_REPLACE", 1000, 9000),
        ("fill e2 100", "PENDING_REPLACE", 1100, 8900),
        ("replaced 12000", "PARTIALLY_FILLED", 1100, 10900),
        ("fill e3 10900", "FILLED", 12000, 0),
    ],
    "C1.c replace of an order that fills first": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("ask replace 12000", "PENDING_REPLACE", 1000, 9000),
        ("fill e2 9000", "PENDING_REPLACE", 10000, 0),
        ("says REPLACE_REJECTED", "FILLED", 10000, 0),
    ],
    "C2.a replace down to what is already filled": [
        *START,
        ("fill e1 7000", "PARTIALLY_FILLED", 7000, 3000),
        ("ask replace 7000", "PENDING_REPLACE", 7000, 3000),
        ("replaced 7000", "FILLED", 7000, 0),
    ],
    "C3.a replace refused": [
        *START,
        ("ask replace 12000", "PENDING_REPLACE", 0, 10000),
        ("says REPLACE_REJECTED", "NEW", 0, 10000),
    ],
    "D1 one replace after another": [
        *START,
        ("ask replace 8000", "PENDING_REPLACE", 0, 10000),
        ("replaced 8000", "NEW", 0, 8000),
        ("ask replace 9000", "PENDING_REPLACE", 0, 8000),
        ("replaced 9000", "NEW", 0, 9000),
    ],
    "D2 a replace and a cancel at once: the cancel shows": [
        *START,
        ("ask replace 8000", "PENDING_REPLACE", 0, 10000),
        ("ask cancel", "PENDING_CANCEL", 0, 10000),
        ("replaced 8000", "PENDING_CANCEL", 0, 8000),
        ("says CANCELED", "CANCELED", 0, 0),
    ],
    "E1 unsolicited cancel": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("says CANCELED", "CANCELED", 1000, 0),
    ],
    "E2 unsolicited replace, restated": [
        *START,
        ("says RESTATED 9000", "NEW", 0, 9000),
    ],
    "F1.a part filled, then corrected and busted": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("correct e1 500", "PARTIALLY_FILLED", 500, 9500),
        ("bust ce1", "NEW", 0, 10000),
    ],
    "F1.b filled, then busted: it stays ended": [
        *START,
        ("fill e1 10000", "FILLED", 10000, 0),
        ("bust e1", "FILLED", 0, 0),
    ],
    "F1.c canceled, then busted": [
        *START,
        ("fill e1 5000", "PARTIALLY_FILLED", 5000, 5000),
        ("says CANCELED", "CANCELED", 5000, 0),
        ("bust e1", "CANCELED", 0, 0),
    ],
    "G1 suspended and released": [
        *START,
        ("says SUSPENDED", "SUSPENDED", 0, 10000),
        ("says NEW", "NEW", 0, 10000),
        ("fill e1 10000", "FILLED", 10000, 0),
    ],
    "G2 stopped is a guaranteed fill and no cancel": [
        *START,
        ("says STOPPED", "STOPPED", 0, 10000),
        ("fill e1 10000", "FILLED", 10000, 0),
    ],
    "H1 good till canceled over two days": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("says DONE_FOR_DAY", "DONE_FOR_DAY", 1000, 9000),
        ("says NEW", "PARTIALLY_FILLED", 1000, 9000),
        ("fill e2 9000", "FILLED", 10000, 0),
    ],
    "H2 good till canceled, canceled on day two": [
        *START,
        ("says DONE_FOR_DAY", "DONE_FOR_DAY", 0, 10000),
        ("ask cancel", "PENDING_CANCEL", 0, 10000),
        ("says CANCELED", "CANCELED", 0, 0),
    ],
    "I1 fill before the ack": [
        ("send", "PENDING_NEW", 0, 10000),
        ("fill e1 10000", "FILLED", 10000, 0),
        ("says NEW", "FILLED", 10000, 0),
    ],
    "I2 fill after the cancel": [
        *START,
        ("says CANCELED", "CANCELED", 0, 0),
        ("fill e1 300", "CANCELED", 300, 0),
    ],
    "I3 fill after the reject": [
        ("send", "PENDING_NEW", 0, 10000),
        ("says REJECTED", "REJECTED", 0, 0),
        ("fill e1 300", "REJECTED", 300, 0),
    ],
    "I4 fill after the end of its time": [
        *START,
        ("says EXPIRED", "EXPIRED", 0, 0),
        ("fill e1 300", "EXPIRED", 300, 0),
    ],
    "K1 fill or kill that cannot be filled": [
        *START,
        ("says CANCELED", "CANCELED", 0, 0),
    ],
    "K2 immediate or cancel, part filled": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("says CANCELED", "CANCELED", 1000, 0),
    ],
    "K3 expired with fills": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("says EXPIRED", "EXPIRED", 1000, 0),
    ],
    "status answers: a filled word without executions leaves the order open": [
        *START,
        ("status FILLED 10000", "NEW", 0, 10000),
        ("fill e1 10000", "FILLED", 10000, 0),
    ],
    "status answers: possible duplicates change nothing": [
        *START,
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("fill e1 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("status PARTIALLY_FILLED 1000", "PARTIALLY_FILLED", 1000, 9000),
        ("status NEW", "PARTIALLY_FILLED", 1000, 9000),
    ],
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_matrix(scenario: str) -> None:
    """A wrong row shows a status or a leaves quantity that sizing and limits then rely on."""
    life = Life()

    told = [(what, *life.happen(what)) for what, *_ in SCENARIOS[scenario]]

    wanted = [
        (what, status, str(cum), str(left)) for what, status, cum, left in SCENARIOS[scenario]
    ]
    assert wanted == told


LATE = [name for name in SCENARIOS if name[:2] in ("I2", "I3", "I4")]


@pytest.mark.parametrize("scenario", LATE)
def test_late_fills_are_reported(scenario: str) -> None:
    """A late fill that nobody hears of is a position that nobody knows."""
    life = Life()
    for what, *_ in SCENARIOS[scenario]:
        life.happen(what)

    assert life.seen == ["LATE_FILL"]


def test_busts_and_corrections_are_reported() -> None:
    """A fill that is taken back silently leaves the strategy with a wrong position."""
    life = Life()
    for what, *_ in SCENARIOS["F1.a part filled, then corrected and busted"]:
        life.happen(what)

    assert life.seen == ["CORRECTED", "BUSTED"]
