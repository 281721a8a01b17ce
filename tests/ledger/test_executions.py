"""Executions: booked once, taken back whole, and never lost because they came early."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fillwright.ledger import BooksOpened, EarlierFill, Ledger, Reported
from fillwright.ledger.executions import Executions
from fillwright.reports import AnomalyKind, Evidence, Execution, ExecutionReport, Source
from fillwright.states import OrderState
from fillwright.types import BrokerOrderId, ClientOrderId, ExecType, ExecutionId, OrdStatus, Side

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
KEY, OTHER = ClientOrderId("fw-1"), ClientOrderId("fw-2")
B1, B2 = BrokerOrderId("b1"), BrokerOrderId("b2")
STATE = OrderState(KEY, "XYZ", Side.BUY, OrdStatus.NEW, OrdStatus.NEW, D(100), NOW)


def execution(name: str, quantity: str = "4", price: str = "5", corrects: str = "") -> Execution:
    old = ExecutionId(corrects) if corrects else None
    return Execution(ExecutionId(name), D(quantity), D(price), NOW, D("0.1"), old)


def report(kind: ExecType, one: Execution) -> ExecutionReport:
    evidence = Evidence(Source.STREAM, "1")
    return ExecutionReport(kind, "XYZ", Side.BUY, evidence, NOW, KEY, B1, one)


def earlier(name: str, order: BrokerOrderId, quantity: str, price: str) -> EarlierFill:
    return EarlierFill(ExecutionId(name), order, D(quantity), D(price))


def test_what_was_traded_before_the_books_is_told_by_order() -> None:
    """Added to another order, shares of the opening position would count twice."""
    first, second = earlier("e1", B1, "2", "5"), earlier("e2", B1, "3", "7")
    ledger = Ledger()
    ledger.apply(BooksOpened(NOW, D(0), {}, (first, earlier("e3", B2, "9", "9"), second)))

    assert ledger.is_earlier(ExecutionId("e1"))
    assert not ledger.is_earlier(ExecutionId("e4"))
    assert ledger.traded_earlier(B1) == (D(5), D(31))
    assert ledger.traded_earlier(BrokerOrderId("b9")) == (D(0), D(0))
    nothing = ledger.traded_earlier(None)
    assert nothing == (D(0), D(0))
    assert [type(part) for part in nothing] == [Decimal, Decimal]


def test_executions_are_kept_by_order_as_they_came() -> None:
    """Two orders may not share executions, and their order tells the history."""
    executions = Executions()
    for one in (execution("e2"), execution("e1")):
        executions.book(KEY, one)
    executions.book(OTHER, execution("e1", "7"))

    assert executions.of(KEY) == (execution("e2"), execution("e1"))
    assert executions.of(OTHER) == (execution("e1", "7"),)
    assert executions.booked(OTHER, ExecutionId("e1")) == execution("e1", "7")
    assert executions.booked(OTHER, ExecutionId("e2")) is None
    executions.forget(KEY)
    assert (executions.of(KEY), executions.booked(KEY, ExecutionId("e1"))) == ((), None)
    assert executions.of(OTHER) == (execution("e1", "7"),)
    executions.forget(KEY)


def test_what_waits_is_taken_in_but_not_booked() -> None:
    """Taken in a second time, one bust would take two fills back."""
    executions = Executions()
    busts = [execution(f"b{n}", "0", "0", corrects=f"e{n}") for n in (1, 2)]
    for bust in busts:
        executions.wait(KEY, report(ExecType.TRADE_CANCEL, bust), bust)

    assert [executions.taken_in(KEY, one.execution_id) for one in busts] == busts
    assert executions.taken_in(KEY, ExecutionId("e1")) is None
    assert executions.taken_in(OTHER, ExecutionId("b1")) is None
    assert executions.of(KEY) == ()
    executions.book(KEY, execution("e3"))
    assert executions.taken_in(KEY, ExecutionId("e3")) == execution("e3")
    executions.forget(KEY)
    assert executions.taken_in(KEY, ExecutionId("b1")) is None


def test_nothing_waits_for_what_was_here_or_has_no_name() -> None:
    """A bust that waits for ever is carried out on some later execution of that name."""
    executions = Executions()
    executions.book(KEY, execution("e1", "0"))
    again, nameless = execution("b1", corrects="e1"), execution("b2")

    for one in (again, nameless):
        executions.wait(KEY, report(ExecType.TRADE_CANCEL, one), one)

    assert executions.taken_in(KEY, ExecutionId("b1")) is None
    assert executions.taken_in(KEY, ExecutionId("b2")) is None


def test_only_what_is_booked_and_counts_can_be_taken_back() -> None:
    """Taken back from nothing, or twice, a fill leaves shares in the books that are not there."""
    executions = Executions()
    executions.book(KEY, execution("e1"))
    executions.book(KEY, execution("e2", "0"))

    assert executions.to_take_back(KEY, execution("b", corrects="e1")) == execution("e1")
    assert executions.to_take_back(KEY, execution("b", corrects="e2")) is None
    assert executions.to_take_back(KEY, execution("b", corrects="e9")) is None
    assert executions.to_take_back(KEY, execution("b")) is None
    assert executions.to_take_back(OTHER, execution("b", corrects="e1")) is None


def test_a_fill_of_the_opening_position_is_booked_when_it_is_taken_back() -> None:
    """The opening position holds its shares: a bust that is ignored leaves them there."""
    executions = Executions()
    executions.open_with([earlier("e1", B1, "4", "5")])
    bust = execution("b", "0", "0", corrects="e1")
    old = Execution(ExecutionId("e1"), D(4), D(5), NOW)

    assert executions.to_take_back(KEY, bust) == old
    assert executions.of(KEY) == (old,)
    executions.take_back(KEY, old, STATE, report(ExecType.TRADE_CANCEL, bust), bust)
    assert executions.to_take_back(KEY, bust) is None


@pytest.mark.parametrize("kind", [ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT])
def test_what_is_taken_back_keeps_its_name_at_nothing(kind: ExecType) -> None:
    """Without the name a repeated fill is booked again; with its numbers it still counts."""
    executions = Executions()
    executions.book(KEY, execution("e1"))
    taker = execution("x", "3", "6", corrects="e1")
    state = STATE.but(filled=D(4), value=D(20), fees=D("0.1"))

    after, (surprise,) = executions.take_back(
        KEY, execution("e1"), state, report(kind, taker), taker
    )

    corrects = kind is ExecType.TRADE_CORRECT
    assert executions.booked(KEY, ExecutionId("e1")) == Execution(
        ExecutionId("e1"), D(0), D(5), NOW
    )
    emptied = Execution(ExecutionId("x"), D(0), D(6), NOW, corrects=ExecutionId("e1"))
    assert executions.booked(KEY, ExecutionId("x")) == (taker if corrects else emptied)
    assert (after.filled, after.value) == ((3, 18) if corrects else (0, 0))
    assert surprise.kind is (AnomalyKind.CORRECTED if corrects else AnomalyKind.BUSTED)


def test_a_chain_that_came_before_its_fill_is_carried_out_link_by_link() -> None:
    """A correction of a correction that is lost leaves the first numbers in the books."""
    ledger = Ledger()
    ledger.apply(BooksOpened(NOW, D(0), {}))
    ledger.orders[KEY] = STATE
    first = execution("c1", "3", corrects="e1")
    second = execution("c2", "2", corrects="c1")
    for one in (second, first):
        change = ledger.apply(Reported(KEY, NOW, report(ExecType.TRADE_CORRECT, one)))
        assert [a.kind for a in change.anomalies] == [AnomalyKind.BUST_OF_UNKNOWN]
        assert change.execution is None

    change = ledger.apply(Reported(KEY, NOW, report(ExecType.TRADE, execution("e1"))))

    assert [a.kind for a in change.anomalies] == [AnomalyKind.CORRECTED] * 2
    assert change.execution == execution("e1")
    assert ledger.positions == {"XYZ": D(2)}
    assert ledger.cash == D("-10.1")
    assert [(e.execution_id, e.quantity) for e in ledger.executions(KEY)] == [
        ("e1", 0),
        ("c1", 0),
        ("c2", 2),
    ]
