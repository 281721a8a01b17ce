"""The fold of one order: every fact does its step, every name finds it, every change says what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fillwright import lifecycle
from fillwright.accounts import Quote
from fillwright.ledger import (
    Abandoned,
    Adopted,
    Asked,
    BooksOpened,
    Doubted,
    EndedUnsent,
    Fact,
    HandedOver,
    Inferred,
    Ledger,
    OrderFact,
    Refused,
    Reported,
    Sent,
    Settled,
    Staged,
    Unsent,
)
from fillwright.orders import Order, OrderChange
from fillwright.reports import Anomaly, AnomalyKind, Evidence, Execution, ExecutionReport, Source
from fillwright.states import Action, Owner, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, ExecType, ExecutionId, OrdStatus, Side
from fillwright.verdicts import Reason

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
KEY, OTHER, ALIAS = ClientOrderId("fw-1"), ClientOrderId("fw-2"), ClientOrderId("fw-1-r1")
B1, B2 = BrokerOrderId("b1"), BrokerOrderId("b2")
ORDER = Order(symbol="XYZ", side="SELL", quantity="100")
QUOTE = Quote("XYZ", D(9), D(10), D(1), D(1), NOW)
STAGED = Staged(KEY, NOW, ORDER, "hash")
SENT = Sent(KEY, LATER, "hash", LATER, D(90), D(10), quote=QUOTE)
PROOF = Evidence(Source.QUERY, "q")


def reported(kind: ExecType, **facts: Any) -> Reported:
    known: dict[str, Any] = {"client_order_id": KEY, "broker_order_id": B1} | facts
    told = ExecutionReport(kind, "XYZ", Side.SELL, Evidence(Source.STREAM, "1"), LATER, **known)
    return Reported(KEY, LATER, told)


def trade(name: str, quantity: str, price: str = "5", fee: str = "0") -> Reported:
    one = Execution(ExecutionId(name), D(quantity), D(price), LATER, D(fee))
    return reported(ExecType.TRADE, execution=one)


def folded(*facts: Fact) -> Ledger:
    ledger = Ledger()
    ledger.apply(BooksOpened(NOW, D(1000), {"XYZ": D(100)}))
    for fact in facts:
        ledger.apply(fact)
    return ledger


def test_staging_keeps_the_order_and_its_hash() -> None:
    """Another order under this name, or none, is what would be sent."""
    change = folded().apply(STAGED)

    expected = lifecycle.stage(KEY, ORDER, NOW, "hash")
    assert change == (STAGED, None, expected, None, ())
    assert folded(STAGED).apply(STAGED).before == expected


STEPS = [
    (
        (STAGED,),
        Refused(KEY, LATER, (Reason("C01", "1", "0"),)),
        lambda s: lifecycle.refuse(s, (Reason("C01", "1", "0"),), LATER),
    ),
    ((STAGED,), SENT, lambda s: lifecycle.send(s, LATER, D(90), LATER, QUOTE)),
    (
        (STAGED, SENT),
        Unsent(KEY, LATER, "no route"),
        lambda s: lifecycle.unsend(s, "no route", LATER),
    ),
    (
        (STAGED,),
        EndedUnsent(KEY, LATER, OrdStatus.EXPIRED, "late"),
        lambda s: lifecycle.end_unsent(s, OrdStatus.EXPIRED, "late", LATER),
    ),
    (
        (STAGED, SENT),
        Asked(KEY, LATER, Action.REPLACE, OrderChange(quantity="50"), D(50), ALIAS),
        lambda s: lifecycle.ask(
            s, Pending(Action.REPLACE, "", OrderChange(quantity="50"), D(50), ALIAS), LATER
        ),
    ),
    (
        (STAGED, SENT),
        Doubted(KEY, LATER, Action.SUBMIT, "timeout"),
        lambda s: lifecycle.doubt(s, Action.SUBMIT, "timeout", LATER),
    ),
    (
        (STAGED, SENT, Asked(KEY, NOW, Action.CANCEL)),
        Settled(KEY, LATER, Action.CANCEL, PROOF, "stands"),
        lambda s: lifecycle.settle(s, Action.CANCEL, PROOF, "stands", LATER),
    ),
    (
        (STAGED, SENT, Doubted(KEY, NOW, Action.SUBMIT, "timeout")),
        HandedOver(KEY, LATER, "look"),
        lambda s: lifecycle.hand_over(s, "look", LATER),
    ),
    (
        (STAGED, SENT, Doubted(KEY, NOW, Action.SUBMIT, "timeout")),
        Abandoned(KEY, LATER, PROOF),
        lambda s: lifecycle.abandon(s, PROOF, LATER),
    ),
    (
        (STAGED, SENT),
        reported(ExecType.NEW),
        lambda s: lifecycle.report(s, reported(ExecType.NEW).report),
    ),
]


@pytest.mark.parametrize(("first", "fact", "step"), STEPS, ids=lambda v: type(v).__name__)
def test_each_fact_does_its_own_step(first: tuple[Fact, ...], fact: OrderFact, step: Any) -> None:
    """A fact that replays as another step makes the restarted desk believe something else."""
    ledger, before = folded(*first), folded(*first).orders[KEY]
    expected, surprises = step(before)

    change = ledger.apply(fact)

    assert change == (fact, before, expected, None, surprises)
    assert expected != before
    assert ledger.orders == {KEY: expected}


@pytest.mark.parametrize("fact", [SENT, reported(ExecType.NEW), Abandoned(KEY, NOW, PROOF)])
def test_a_fact_about_no_known_order_is_told(fact: OrderFact) -> None:
    """An order that appears out of a report alone has no owner, no limit and no intent."""
    ledger = folded()

    change = ledger.apply(fact)

    text = f"{type(fact).__name__} of no known order"
    assert change == (fact, None, None, None, (Anomaly(AnomalyKind.UNKNOWN_ORDER, KEY, text),))
    assert ledger.orders == {}


def test_an_adopted_order_starts_with_what_had_traded() -> None:
    """Fills from before the books would be asked for again, and move the position again."""
    fact = Adopted(KEY, NOW, "XYZ", Side.SELL, Owner.FOREIGN, D(7), B1, OTHER, ALIAS, D(3), D(30))
    ledger = folded()

    change = ledger.apply(fact)

    state = lifecycle.adopt(
        KEY,
        "XYZ",
        Side.SELL,
        owner=Owner.FOREIGN,
        at=NOW,
        quantity=D(7),
        broker_order_id=B1,
        parent=OTHER,
        alias=ALIAS,
    ).but(filled=D(3), value=D(30), claimed=D(3))
    assert change == (fact, None, state, None, ())
    assert ledger.positions == {"XYZ": D(100)}
    assert ledger.key_for(ALIAS, None) == ledger.key_for(None, B1) == KEY
    bare = folded(Adopted(KEY, NOW, "XYZ", Side.SELL, Owner.LEG))
    assert (bare.key_for(None, None), bare.replacements(KEY)) == (None, 0)


def test_every_name_of_an_order_finds_it_and_nobody_elses() -> None:
    """A fill under a name that finds nothing, or another order, is a fill that is lost."""
    asked = Asked(KEY, NOW, Action.REPLACE, None, D(50), ALIAS)
    replaced = reported(ExecType.REPLACED, replaced_by=B2)
    ledger = folded(STAGED, SENT, reported(ExecType.NEW))
    assert ledger.key_for(None, B1) == KEY
    for fact in (asked, replaced, trade("e1", "4"), replace(STAGED, key=OTHER)):
        ledger.apply(fact)

    for name in (KEY, ALIAS):
        assert ledger.key_for(name, None) == KEY
    for name in (B1, B2):
        assert ledger.key_for(None, name) == KEY
    assert ledger.key_for(OTHER, B1) == OTHER
    assert ledger.key_for(ClientOrderId("fw-9"), B1) == KEY
    assert ledger.key_for(ClientOrderId("fw-9"), BrokerOrderId("b9")) is None
    assert ledger.key_for(None, None) is None
    late = BrokerOrderId("b3")
    ledger.apply(reported(ExecType.REPLACED, replaced_by=late))  # told of an id that is history
    assert ledger.key_for(None, late) == KEY
    ledger.forget(KEY)
    assert ledger.executions(KEY) == ()
    assert not any(ledger.key_for(n, b) for n, b in ((KEY, None), (ALIAS, None), (None, B2)))
    assert ledger.key_for(OTHER, None) == OTHER
    ledger.forget(KEY)


def test_names_for_replaces_are_never_used_twice() -> None:
    """The same id for two changes reads as a repeat at the broker, and one of them is lost."""
    second = ClientOrderId("fw-1-r2")
    ledger = folded(STAGED, SENT, reported(ExecType.NEW))
    assert ledger.replacements(KEY) == 0

    for alias in (ALIAS, ALIAS, second):
        ledger.apply(Asked(KEY, NOW, Action.REPLACE, None, D(50), alias))

    assert ledger.replacements(KEY) == 2
    assert ledger.replacements(OTHER) == 0
    ledger.apply(Adopted(KEY, NOW, "XYZ", Side.SELL, Owner.OURS, alias=KEY))
    assert ledger.replacements(KEY) == 2


def test_a_fill_moves_position_and_cash_once() -> None:
    """Moved twice, or not, the books and the account part for good."""
    ledger = folded(STAGED, SENT)

    change = ledger.apply(trade("e1", "4", "5", "0.5"))

    fact = trade("e1", "4", "5", "0.5")
    before, after = folded(STAGED, SENT).orders[KEY], ledger.orders[KEY]
    assert change == (fact, before, after, fact.report.execution, ())
    assert (ledger.positions, ledger.cash) == ({"XYZ": D(96)}, D("1019.5"))
    assert ledger.executions(KEY) == (change.execution,)
    again = ledger.apply(trade("e1", "4", "5", "0.5"))
    assert again == (fact, after, after, None, ())
    assert (ledger.positions, ledger.cash) == ({"XYZ": D(96)}, D("1019.5"))


def test_a_buy_of_something_new_opens_its_position() -> None:
    """The first fill of a symbol is a position like any other."""
    ledger = Ledger()
    ledger.apply(replace(STAGED, order=Order(symbol="ABC", side="BUY", quantity="9")))
    ledger.apply(SENT)

    ledger.apply(trade("e1", "4", "5", "0.5"))

    assert (ledger.positions, ledger.cash) == ({"ABC": D(4)}, D("-20.5"))


@pytest.mark.parametrize(("quantity", "price"), [("5", "5"), ("4", "6")])
def test_other_numbers_under_a_known_id_are_told(quantity: str, price: str) -> None:
    """A correction that comes as a repeat would pass unseen."""
    ledger = folded(STAGED, SENT, trade("e1", "4", "5"))

    change = ledger.apply(trade("e1", quantity, price))

    text = "e1 came again with other numbers; the first stands"
    assert change.anomalies == (Anomaly(AnomalyKind.DUPLICATE_DIFFERS, KEY, text),)
    assert change.execution is None
    assert ledger.cash == 1020


def test_a_late_repeat_keeps_both_surprises() -> None:
    """One anomaly in the place of another hides what was wrong first."""
    ledger = folded(STAGED, SENT, Doubted(KEY, NOW, Action.SUBMIT, "t"), trade("e1", "4"))
    ledger.orders[KEY] = ledger.orders[KEY].but(
        status=OrdStatus.ABANDONED, base=OrdStatus.ABANDONED
    )

    change = ledger.apply(trade("e1", "5"))

    kinds = [AnomalyKind.LATE_ACCEPT, AnomalyKind.DUPLICATE_DIFFERS]
    assert [a.kind for a in change.anomalies] == kinds


def test_a_bust_is_carried_out_and_told_once() -> None:
    """Repeated by the stream, it would take the shares back twice."""
    bust = Execution(ExecutionId("x1"), D(0), D(0), LATER, corrects=ExecutionId("e1"))
    fact = reported(ExecType.TRADE_CANCEL, execution=bust)
    ledger = folded(STAGED, SENT, trade("e1", "4", "5", "0.5"))
    before = ledger.orders[KEY]

    change = ledger.apply(fact)
    again = ledger.apply(fact)

    after, surprise = ledger.orders[KEY], Anomaly(AnomalyKind.BUSTED, KEY, "e1")
    assert change == (fact, before, after, bust, (surprise,))
    assert again == (fact, after, after, None, ())
    assert (ledger.positions, ledger.cash) == ({"XYZ": D(100)}, D(1000))


def test_a_bust_of_nothing_is_told_with_what_it_names() -> None:
    """Whoever looks must know which execution the broker means."""
    bust = Execution(ExecutionId("x1"), D(0), D(0), LATER, corrects=ExecutionId("e1"))

    change = folded(STAGED, SENT).apply(reported(ExecType.TRADE_CANCEL, execution=bust))

    text = "e1 is to be taken back and is not booked"
    assert change.anomalies == (Anomaly(AnomalyKind.BUST_OF_UNKNOWN, KEY, text),)
    assert change.before == folded(STAGED, SENT).orders[KEY]
    waits = folded(STAGED, SENT)
    waits.apply(reported(ExecType.TRADE_CANCEL, execution=bust))
    assert waits.execution(KEY, ExecutionId("x1")) == bust
    assert waits.executions(KEY) == ()


def test_an_inferred_fill_counts_and_is_marked() -> None:
    """Unmarked, it would stay beside the real execution when that comes."""
    ledger = folded(STAGED, SENT, trade("e1", "4"))
    guess = Execution(ExecutionId("inferred:b1:10"), D(6), D(7), LATER)
    first, before = Inferred(KEY, LATER, guess), ledger.orders[KEY]

    change = ledger.apply(first)

    after = ledger.orders[KEY]
    text = "booked 6 on the broker's word; its execution could not be had"
    surprise = Anomaly(AnomalyKind.INFERRED_FILL, KEY, text)
    assert change == (first, before, after, guess, (surprise,))
    assert (after.filled, after.value) == (10, 62)
    assert (after.inferred, after.inferred_value) == (6, 42)
    assert (ledger.positions, ledger.cash) == ({"XYZ": D(90)}, D(1062))
    assert ledger.apply(first) == (first, after, after, None, ())
    ledger.apply(Inferred(KEY, LATER, replace(guess, execution_id=ExecutionId("i2"))))
    assert (ledger.orders[KEY].inferred, ledger.orders[KEY].inferred_value) == (12, 84)
    assert (ledger.positions, ledger.cash) == ({"XYZ": D(84)}, D(1104))


def test_an_inferred_fill_that_completes_the_order_is_its_own_evidence() -> None:
    """An end must name what it follows from; too much must be told, inferred or not."""
    ledger = folded(STAGED, SENT, reported(ExecType.NEW))
    guess = Execution(ExecutionId("inferred:b1:95"), D(95), D(7), LATER)

    change = ledger.apply(Inferred(KEY, LATER, guess))

    assert change.after is not None
    assert change.after.status is OrdStatus.FILLED
    assert change.after.evidence == Evidence(Source.QUERY, "inferred:b1:95")
    assert change.after.updated_at == LATER
    kinds = [AnomalyKind.OVERFILL, AnomalyKind.INFERRED_FILL]
    assert [a.kind for a in change.anomalies] == kinds


def test_restoring_moves_nothing_even_when_it_fails() -> None:
    """Books that stop moving after a failed restore miss every later fill."""
    ledger = folded(STAGED, SENT)
    with pytest.raises(KeyError):
        ledger.restore([trade("e1", "4"), OrderFact(KEY, NOW)])
    assert (ledger.positions, ledger.cash) == ({"XYZ": D(100)}, D(1000))

    ledger.apply(trade("e2", "4"))

    assert (ledger.positions, ledger.cash) == ({"XYZ": D(96)}, D(1020))
