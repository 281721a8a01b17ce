"""The fold: the same reports in any order, number and repetition give the same books."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.ledger import (
    BooksOpened,
    Fact,
    Inferred,
    Ledger,
    Reported,
    Sent,
    Staged,
    decode,
    encode,
)
from fillwright.orders import Order
from fillwright.protocols import Record
from fillwright.reports import AnomalyKind, Evidence, Execution, ExecutionReport, Source
from fillwright.types import BrokerOrderId, ClientOrderId, ExecType, ExecutionId, OrdStatus, Side

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
KEY = ClientOrderId("fw-1")


def report(kind: str, execution: Execution | None = None, filled: str | None = None) -> Reported:
    said = ExecutionReport(
        ExecType(kind),
        "XYZ",
        Side.SELL,
        Evidence(Source.STREAM, "1"),
        NOW,
        KEY,
        BrokerOrderId("b1"),
        execution=execution,
        filled=Decimal(filled) if filled else None,
    )
    return Reported(KEY, NOW, said)


def trade(name: str, quantity: str, price: str, fee: str = "0") -> Reported:
    execution = Execution(ExecutionId(name), Decimal(quantity), Decimal(price), NOW, Decimal(fee))
    return report("TRADE", execution)


def opened(cash: str = "1000", held: str = "100") -> list[Fact]:
    order = Order(symbol="XYZ", side="SELL", quantity="100")
    return [
        BooksOpened(NOW, Decimal(cash), {"XYZ": Decimal(held)}),
        Staged(KEY, NOW, order, "h"),
        Sent(KEY, NOW, "h", NOW, Decimal(100), Decimal(10)),
    ]


def folded(facts: list[Fact]) -> Ledger:
    ledger = Ledger()
    for fact in facts:
        ledger.apply(fact)
    return ledger


trades = st.lists(
    st.tuples(st.integers(1, 20), st.integers(1, 500), st.integers(0, 3)), max_size=8
).map(
    lambda rows: [
        trade(f"e{n}", str(quantity), f"{price}.5", f"0.{fee}")
        for n, (quantity, price, fee) in enumerate(rows)
    ]
)


@given(trades, st.data())
def test_any_order_and_repetition(fills: list[Reported], data: st.DataObject) -> None:
    """A ledger that depends on the order of messages is wrong after every reconnect."""
    ends = [report("NEW"), *([report("CANCELED")] if data.draw(st.booleans()) else [])]
    plain = folded([*opened(), *ends[:1], *fills, *ends[1:]])
    noise = data.draw(st.permutations([*ends, *fills, *fills, *fills[:2]]))

    shuffled = folded([*opened(), *noise])

    assert shuffled.positions == plain.positions
    assert shuffled.cash == plain.cash
    assert shuffled.orders[KEY].filled == plain.orders[KEY].filled
    assert shuffled.orders[KEY].value == plain.orders[KEY].value


@given(trades)
def test_books_balance(fills: list[Reported]) -> None:
    """Position and cash that do not follow from the executions are somebody's loss."""
    ledger = folded([*opened(), *fills])
    executions = [fact.report.execution for fact in fills]

    assert ledger.positions["XYZ"] == 100 - sum(e.quantity for e in executions)
    assert ledger.cash == 1000 + sum(e.quantity * e.price - e.fee for e in executions)


@given(trades, st.integers(0, 20))
def test_settled_orders_come_back_unchanged(fills: list[Reported], late: int) -> None:
    """An order that left the memory must meet a late or repeated fill as if it had stayed."""
    facts = [*opened(), *fills, report("CANCELED")]
    kept, gone = folded(facts), folded(facts)
    gone.forget(KEY)
    more = [*fills[:2], trade("late", str(late), "7")] if late else fills[:2]

    gone.restore(facts[1:])
    for fact in more:
        kept.apply(fact)
        gone.apply(fact)

    assert gone.orders == kept.orders
    assert (gone.positions, gone.cash) == (kept.positions, kept.cash)


def test_bust_and_correction_move_the_books_back() -> None:
    """A bust that stays in the position sells shares that are not there."""
    ledger = folded([*opened(), trade("e1", "40", "10"), trade("e2", "10", "10")])
    bust = Execution(ExecutionId("b1"), Decimal(0), Decimal(0), NOW, corrects=ExecutionId("e1"))
    right = Execution(ExecutionId("c2"), Decimal(5), Decimal(11), NOW, corrects=ExecutionId("e2"))

    for _ in range(2):
        ledger.apply(report("TRADE_CANCEL", bust))
        ledger.apply(report("TRADE_CORRECT", right))

    assert ledger.positions["XYZ"] == 95
    assert ledger.cash == 1055


@pytest.mark.parametrize(("kind", "filled"), [("TRADE_CANCEL", 60), ("TRADE_CORRECT", 65)])
def test_a_fill_that_was_taken_back_before_it_came_ends_nothing(kind: str, filled: int) -> None:
    """FILLED for a moment is FILLED for ever: the rest works at the broker unwatched."""
    ledger = folded([*opened(), trade("e1", "60", "10")])
    taker = Execution(ExecutionId("x"), Decimal(5), Decimal(10), NOW, corrects=ExecutionId("e2"))
    ledger.apply(report(kind, taker))

    after = ledger.apply(trade("e2", "40", "10")).after

    assert after is not None
    assert (after.status, after.filled) == (OrdStatus.PARTIALLY_FILLED, filled)


def test_bust_of_an_unknown_execution_changes_nothing() -> None:
    """Taking back what was never booked would invent shares."""
    ledger = folded(opened())
    bust = Execution(ExecutionId("b"), Decimal(5), Decimal(0), NOW, corrects=ExecutionId("no"))

    change = ledger.apply(report("TRADE_CANCEL", bust))

    assert [a.kind for a in change.anomalies] == [AnomalyKind.BUST_OF_UNKNOWN]
    assert ledger.positions["XYZ"] == 100


@given(trades, st.data())
def test_busts_and_corrections_in_any_order(fills: list[Reported], data: st.DataObject) -> None:
    """A bust that overtakes its trade, or a correction's own bust, must not be lost."""
    said, standing = list(fills), {}
    for n, fact in enumerate(fills):
        trade_ = fact.report.execution
        standing[n] = trade_
        name, kind = (
            trade_.execution_id,
            data.draw(st.sampled_from(["", "bust", "correct", "both"])),
        )
        if kind in ("correct", "both"):
            right = Execution(ExecutionId(f"c{n}"), Decimal(3), Decimal(7), NOW, corrects=name)
            said.append(report("TRADE_CORRECT", right))
            standing[n], name = right, right.execution_id
        if kind in ("bust", "both"):
            bust = Execution(ExecutionId(f"b{n}"), Decimal(0), Decimal(0), NOW, corrects=name)
            said.append(report("TRADE_CANCEL", bust))
            del standing[n]

    ledger = folded([*opened(), *data.draw(st.permutations([*said, *said[:3]]))])

    left = list(standing.values())
    assert ledger.positions["XYZ"] == 100 - sum(e.quantity for e in left)
    assert ledger.cash == 1000 + sum(e.quantity * e.price - e.fee for e in left)
    assert ledger.orders[KEY].filled == sum(e.quantity for e in left)


def test_same_id_with_other_numbers_keeps_the_first() -> None:
    """A noisy duplicate that overwrites the first fill changes history without a bust."""
    ledger = folded([*opened(), trade("e1", "40", "10")])

    change = ledger.apply(trade("e1", "41", "10"))

    assert [a.kind for a in change.anomalies] == [AnomalyKind.DUPLICATE_DIFFERS]
    assert ledger.positions["XYZ"] == 60


def test_real_execution_replaces_the_inferred_one() -> None:
    """An inferred fill beside the real one counts the same shares twice (Nautilus #3493)."""
    ledger = folded([*opened(), report("NEW", filled="40")])
    assert ledger.orders[KEY].missing == 40
    guess = Execution(ExecutionId("inferred:b1:40"), Decimal(40), Decimal(10), NOW)
    ledger.apply(Inferred(KEY, NOW, guess))
    ledger.apply(Inferred(KEY, NOW, guess))
    assert ledger.positions["XYZ"] == 60

    ledger.apply(trade("e1", "30", "11"))
    ledger.apply(trade("e2", "10", "12"))

    assert ledger.positions["XYZ"] == 60
    assert ledger.cash == 1000 + 330 + 120
    assert ledger.orders[KEY].inferred == 0


def test_overfill_is_booked_and_reported() -> None:
    """The broker's truth wins: shares that are held must be in the books."""
    ledger = folded([*opened(), report("NEW")])

    change = ledger.apply(trade("e1", "120", "10"))

    assert [a.kind for a in change.anomalies] == [AnomalyKind.OVERFILL]
    assert ledger.positions["XYZ"] == -20
    assert ledger.orders[KEY].status is OrdStatus.FILLED


@given(trades)
def test_facts_survive_the_journal(fills: list[Reported]) -> None:
    """A fact that changes on its way through the journal makes replay another history."""
    later = NOW + timedelta(microseconds=1)
    for seq, fact in enumerate([*opened(), *fills, report("CANCELED")], 1):
        kind, key, body = encode(fact)
        assert decode(Record(seq, 1, later, kind, key, body, "")) == fact
