"""Fills, busts and corrections, field by field: what each one changes, and nothing more."""

from typing import Any

import pytest

from fillwright import lifecycle
from fillwright.lifecycle.common import share
from fillwright.reports import AnomalyKind
from fillwright.states import ENDED, Action, Pending
from fillwright.types import BrokerOrderId, ExecType, OrdStatus
from lifecycle.orderkit import (
    B1,
    B2,
    CANCEL,
    DOUBT,
    FILLED,
    GONE,
    LATER,
    NEW,
    PART,
    REPLACE,
    SUBMIT,
    TOLD,
    D,
    anomaly,
    order,
    said,
    told,
    trade,
)


def test_a_fill_adds_up() -> None:
    """A sum that is off by one field is a position or a cost that nobody can explain."""
    before = order(PART, filled=D(2), value=D(10), fees=D("0.1"), claimed=D(2))

    after, surprises = lifecycle.fill(
        before, trade("e", "3", "6", "0.2"), said(ExecType.TRADE, filled=D(5))
    )

    assert surprises == ()
    assert after == before.but(
        filled=D(5), value=D(28), fees=D("0.3"), claimed=D(5), updated_at=LATER
    )


def test_what_was_claimed_is_not_forgotten_by_a_smaller_word() -> None:
    """A repeated old fill that lowers the claim hides shares that are still missing."""
    before = order(PART, filled=D(2), claimed=D(7))

    for filled in (None, D(3)):
        after, _ = lifecycle.fill(before, trade("e", "1"), said(ExecType.TRADE, filled=filled))

        assert (after.claimed, after.missing) == (D(7), D(4))


@pytest.mark.parametrize("kind", [ExecType.PENDING_CANCEL, ExecType.CANCEL_REJECTED])
def test_a_word_without_a_sum_does_not_make_ours_right(kind: ExecType) -> None:
    """Contradicted by the fill before, our sum ends the order at the next answer to a cancel."""
    before = order(PART, filled=D(15), claimed=D(5), pending=(CANCEL,))

    after, _ = lifecycle.report(before, said(kind))
    settled, _ = lifecycle.settle(before, Action.CANCEL, TOLD, "no", LATER)

    assert (after.base, settled.base) == (PART, PART)


@pytest.mark.parametrize("kind", [ExecType.SUSPENDED, ExecType.STOPPED, ExecType.DONE_FOR_DAY])
@pytest.mark.parametrize(("filled", "ends"), [(D(5), False), (D(10), True), (None, True)])
def test_an_order_that_may_fill_is_not_ended_by_our_sum(
    kind: ExecType, filled: Any, ends: bool
) -> None:
    """Suspended behind a bust that was not heard, it is FILLED here and waits there."""
    word = OrdStatus(kind)
    before = order(PART, filled=D(10), claimed=D(5))

    after, _ = lifecycle.report(before, said(kind, filled=filled, status=word))

    assert after.base is (FILLED if ends else word)


@pytest.mark.parametrize(
    ("word", "filled", "claimed", "base"),
    [
        (PART, D(5), D(5), PART),
        (PART, D(10), D(5), FILLED),
        # An old fill that comes late behind the one that made it whole.
        (PART, D(5), D(10), FILLED),
        (FILLED, D(5), D(5), FILLED),
        (PART, None, D(5), FILLED),
        (None, None, D(5), FILLED),
    ],
)
def test_what_the_broker_calls_part_of_it_is_not_made_whole_by_our_sum(
    word: OrdStatus | None, filled: Any, claimed: Any, base: OrdStatus
) -> None:
    """A fill that was taken back unheard ends an order here that goes on trading there."""
    before = order(PART, filled=D(5), claimed=claimed)

    after, _ = lifecycle.fill(
        before, trade("e", "5"), said(ExecType.TRADE, filled=filled, status=word)
    )

    assert (after.base, after.filled) == (base, D(10))


@pytest.mark.parametrize(("quantity", "over"), [("8", False), ("9", True)])
def test_more_than_was_asked_for_is_told(quantity: str, over: bool) -> None:
    """An overfill that nobody hears of is a position that is too large."""
    after, surprises = lifecycle.fill(
        order(PART, filled=D(2)), trade("e", quantity), said(ExecType.TRADE)
    )

    assert after.status is FILLED
    assert after.filled == 2 + D(quantity)
    assert surprises == ((anomaly(AnomalyKind.OVERFILL, "filled 11 of 10"),) if over else ())


@pytest.mark.parametrize("status", sorted(ENDED - {GONE}))
def test_a_fill_after_the_end_is_booked_and_told(status: OrdStatus) -> None:
    """Shares that were traded are held, whatever the order is called."""
    after, surprises = lifecycle.fill(order(status), trade("e", "1"), said(ExecType.TRADE))

    assert surprises == (anomaly(AnomalyKind.LATE_FILL, f"a fill after {status}"),)
    assert (after.status, after.filled) == (status, 1)


def test_a_fill_of_what_was_given_up_brings_it_back() -> None:
    """The broker has it after all: left for dead, its rest would work unwatched."""
    after, surprises = lifecycle.fill(order(GONE), trade("e", "1"), said(ExecType.TRADE))

    assert surprises == (anomaly(AnomalyKind.LATE_ACCEPT, "a fill after it was abandoned"),)
    assert after.status is PART


def test_a_completing_fill_answers_every_request() -> None:
    """A cancel of a filled order that stays pending would be followed up for ever."""
    before = order(status=OrdStatus.MANUAL, pending=(SUBMIT, CANCEL), manual=True)

    after, _ = lifecycle.fill(before, trade("e", "10"), said(ExecType.TRADE))

    assert after == before.but(
        base=FILLED,
        status=FILLED,
        pending=(),
        manual=False,
        filled=D(10),
        value=D(50),
        evidence=TOLD,
        updated_at=LATER,
    )


@pytest.mark.parametrize(
    ("filled", "larger", "status"),
    [("9", "20", DOUBT), ("10", "20", DOUBT), ("10", "8", FILLED), ("20", "20", FILLED)],
)
def test_a_change_to_more_keeps_a_filled_order_open(
    filled: str, larger: str, status: OrdStatus
) -> None:
    """The broker may have taken the change: called filled, its rest would trade unwatched."""
    asked = Pending(Action.REPLACE, "timeout", None, D(larger))

    after, _ = lifecycle.fill(
        order(status=DOUBT, pending=(asked,)), trade("e", filled), said(ExecType.TRADE)
    )

    assert after.status is status


def test_the_real_execution_takes_the_place_of_the_inferred_one() -> None:
    """Both together count the same shares twice, and one price too many."""
    guessed = {"filled": D(6), "value": D(60), "inferred": D(4), "inferred_value": D(48)}
    before = order(PART, claimed=D(6), **guessed)

    part, first = lifecycle.fill(before, trade("e1", "1", "10"), said(ExecType.TRADE))
    rest, second = lifecycle.fill(part, trade("e2", "5", "11"), said(ExecType.TRADE))

    expected = (anomaly(AnomalyKind.INFERRED_FILL, "the real execution came"),)
    assert first == second == expected
    assert (part.filled, part.value) == (6, 60 - 12 + 10)
    assert (part.inferred, part.inferred_value) == (3, 36)
    assert (rest.filled, rest.value) == (8, 60 - 48 + 10 + 55)
    assert (rest.inferred, rest.inferred_value) == (0, 0)


def test_an_inferred_fill_that_is_replaced_in_parts_leaves_nothing() -> None:
    """A rest in the last digit of a division stays in value and cash for good."""
    guessed = {"filled": D(3), "value": D("999.998"), "inferred": D(3)}
    now = order(PART, claimed=D(3), inferred_value=D("999.998"), **guessed)
    cash = D("1000000") - now.value

    for name in ("e1", "e2", "e3"):
        after, _ = lifecycle.fill(now, trade(name, "1", "333.33"), said(ExecType.TRADE))
        cash, now = cash - (after.value - now.value), after

    assert (now.inferred, now.inferred_value) == (0, 0)
    assert (now.value, cash) == (D("999.99"), D("999000.01"))


def test_a_bust_takes_everything_of_the_execution_back() -> None:
    """What stays of it in quantity, value, fees or claim is money or shares that are not there."""
    before = order(PART, filled=D(5), value=D(28), fees=D("0.3"), claimed=D(6))

    after, surprises = lifecycle.bust(
        before, trade("e", "3", "6", "0.2"), None, said(ExecType.TRADE_CANCEL)
    )

    assert surprises == (anomaly(AnomalyKind.BUSTED, "e"),)
    assert after == before.but(
        filled=D(2), value=D(10), fees=D("0.1"), claimed=D(3), updated_at=LATER
    )


def test_a_correction_books_what_is_right() -> None:
    """The old numbers beside the new ones count one trade twice."""
    before = order(PART, filled=D(5), value=D(28), fees=D("0.3"), claimed=D(5))

    after, surprises = lifecycle.bust(
        before,
        trade("e", "3", "6", "0.2"),
        trade("c", "2", "7", "0.05"),
        said(ExecType.TRADE_CORRECT),
    )

    assert surprises == (anomaly(AnomalyKind.CORRECTED, "e"),)
    assert after == before.but(
        filled=D(4), value=D(24), fees=D("0.15"), claimed=D(4), updated_at=LATER
    )


def test_a_claim_never_falls_below_nothing() -> None:
    """A claim below zero would hide the next fill that is missing."""
    before = order(PART, filled=D(3), value=D(15), claimed=D(1))

    after, _ = lifecycle.bust(before, trade("e", "3"), None, said(ExecType.TRADE_CANCEL))

    assert after.claimed == 0
    assert after.status is NEW


@pytest.mark.parametrize(
    ("status", "left", "expected"),
    [
        (PART, "0", NEW),
        (PART, "1", PART),
        (OrdStatus.DONE_FOR_DAY, "0", OrdStatus.DONE_FOR_DAY),
        (OrdStatus.CANCELED, "0", OrdStatus.CANCELED),
        (FILLED, "0", FILLED),
    ],
)
def test_what_a_bust_leaves_shows_what_is_left(
    status: OrdStatus, left: str, expected: OrdStatus
) -> None:
    """A partly filled order without a fill, or an ended one that lives again, misleads sizing."""
    before = order(status, filled=3 + D(left))

    after, _ = lifecycle.bust(before, trade("e", "3"), None, said(ExecType.TRADE_CANCEL))

    assert after.status is expected


@pytest.mark.parametrize(
    ("base", "filled", "fields", "expected"),
    [
        (OrdStatus.DONE_FOR_DAY, "1", {}, OrdStatus.DONE_FOR_DAY),
        (OrdStatus.STOPPED, "1", {}, OrdStatus.STOPPED),
        (OrdStatus.PENDING_NEW, "1", {}, PART),
        (OrdStatus.PENDING_NEW, "0", {}, OrdStatus.PENDING_NEW),
        (OrdStatus.STOPPED, "10", {}, FILLED),
        (NEW, "10", {"status": FILLED}, FILLED),
    ],
)
def test_what_the_fills_ask_for(
    base: OrdStatus, filled: str, fields: dict[str, Any], expected: OrdStatus
) -> None:
    """A fill that hides a hold, or one that leaves a filled order open, misleads whoever looks."""
    after = told(order(base, filled=D(filled)), ExecType.RESTATED, **fields)

    assert after.status is expected


@pytest.mark.parametrize(
    ("broker_order_id", "status", "filled", "expected"),
    [(B1, FILLED, "10", FILLED), (B2, FILLED, "10", DOUBT), (B1, PART, "10", DOUBT)],
)
def test_filled_by_the_brokers_own_word_while_a_change_is_open(
    broker_order_id: BrokerOrderId, status: OrdStatus, filled: str, expected: OrdStatus
) -> None:
    """Only the word on the order that stands can tell that the change will not come."""
    before = order(PART, status=DOUBT, pending=(REPLACE,), filled=D(filled))

    after = told(
        before,
        ExecType.RESTATED,
        status=status,
        broker_order_id=broker_order_id,
        client_order_id=None,
    )

    assert after.status is expected
    less = told(before.but(filled=D(9)), ExecType.RESTATED, status=FILLED)
    assert less.status is DOUBT


def test_what_the_table_does_not_know_is_not_shown() -> None:
    """A fault of ours that is shown as a status would be acted upon."""
    refused = order(OrdStatus.PENDING_NEW, status=OrdStatus.REFUSED)

    after, surprises = lifecycle.report(refused, said(ExecType.NEW))

    text = "REFUSED cannot become NEW (NEW)"
    assert surprises == (anomaly(AnomalyKind.ILLEGAL_TRANSITION, text),)
    assert (after.status, after.base) == (OrdStatus.REFUSED, OrdStatus.REFUSED)


def test_a_share_is_exact_where_it_is_the_whole() -> None:
    """Rounded on its way, what was inferred leaves a crumb of cash behind for good."""
    value = D("1.234567890123456789012345679")

    assert share(value, D(9), D(9)) == value
    assert share(D(48), D(3), D(4)) == 36
