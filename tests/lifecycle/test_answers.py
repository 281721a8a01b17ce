"""Claims, answers to a question about an order, and replaces: what each one changes."""

from typing import Any

import pytest

from fillwright.orders import OrderChange
from fillwright.reports import Evidence
from fillwright.states import Action, Owner, Pending
from fillwright.types import BrokerOrderId, ExecType, OrdStatus
from lifecycle.orderkit import (
    ALIAS,
    ASKED,
    B0,
    B1,
    B2,
    CANCEL,
    CHANGE,
    DOUBT,
    FILLED,
    LATER,
    NEW,
    ORDER,
    PART,
    REPLACE,
    SUBMIT,
    TOLD,
    D,
    order,
    told,
)


@pytest.mark.parametrize(("filled", "claimed"), [("4", "4"), ("2", "3"), ("0", "3"), (None, "3")])
def test_a_claim_only_grows(filled: str | None, claimed: str) -> None:
    """A claim that an old word lowers hides a fill whose execution was lost."""
    before = order(PART, filled=D(1), claimed=D(3))

    after = told(before, ExecType.NEW, filled=D(filled) if filled else None)

    assert after.claimed == D(claimed)


@pytest.mark.parametrize(
    ("kind", "evidence", "filled", "claimed"),
    [
        (ExecType.RESTATED, ASKED, "2", "2"),
        (ExecType.RESTATED, ASKED, None, "0"),
        (ExecType.RESTATED, ASKED, "5", "5"),
        (ExecType.RESTATED, TOLD, "2", "3"),
        (ExecType.ORDER_STATUS, ASKED, "2", "3"),
    ],
)
def test_only_a_restated_answer_takes_a_claim_back(
    kind: ExecType, evidence: Evidence, filled: str | None, claimed: str
) -> None:
    """Waited for without end, or forgotten too early: both leave the books wrong."""
    before = order(PART, filled=D(1), claimed=D(3))

    after = told(before, kind, evidence=evidence, filled=D(filled) if filled else None)

    assert after.claimed == D(claimed)


@pytest.mark.parametrize(
    ("filled", "claimed", "booked", "status"),
    [
        ("10", "0", "10", FILLED),
        ("10", "0", "9", PART),
        ("9", "0", "9", FILLED),
        ("9", "10", "9", PART),
        (None, "0", "9", PART),
    ],
)
def test_filled_follows_from_executions(
    filled: str | None, claimed: str, booked: str, status: OrdStatus
) -> None:
    """Called filled while an execution is missing, the position stays wrong for good."""
    before = order(PART, filled=D(booked), claimed=D(claimed), evidence=ASKED)

    after = told(before, ExecType.ORDER_STATUS, status=FILLED, filled=D(filled) if filled else None)

    assert after.status is status
    if status is FILLED:
        assert after.evidence == TOLD


def test_a_filled_word_does_not_touch_what_ended() -> None:
    """An order that was canceled with every fill booked stays canceled."""
    before = order(OrdStatus.CANCELED, filled=D(9))

    after = told(before, ExecType.ORDER_STATUS, status=FILLED, filled=D(9))

    assert after.status is OrdStatus.CANCELED


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (PART, NEW),
        (OrdStatus.CANCELED, OrdStatus.CANCELED),
        (OrdStatus.EXPIRED, OrdStatus.EXPIRED),
        (OrdStatus.REJECTED, OrdStatus.REJECTED),
        (OrdStatus.SUSPENDED, OrdStatus.SUSPENDED),
        (OrdStatus.STOPPED, OrdStatus.STOPPED),
        (OrdStatus.DONE_FOR_DAY, OrdStatus.DONE_FOR_DAY),
        (OrdStatus.PENDING_CANCEL, OrdStatus.PENDING_CANCEL),
        (OrdStatus.PENDING_REPLACE, OrdStatus.PENDING_REPLACE),
        (OrdStatus.STAGED, OrdStatus.PENDING_NEW),
    ],
)
def test_an_answer_counts_as_the_event_that_was_missed(
    status: OrdStatus, expected: OrdStatus
) -> None:
    """A cancel that only an answer shows would otherwise stay open for ever."""
    sent = order(OrdStatus.PENDING_NEW, pending=(SUBMIT,))

    assert told(sent, ExecType.ORDER_STATUS, status=status).status is expected


@pytest.mark.parametrize(
    ("fields", "quantity", "expected"),
    [
        ({}, "7", "7"),
        ({}, None, "10"),
        ({"status": OrdStatus.PENDING_REPLACE, "pending": (REPLACE,)}, "7", "10"),
        ({"base": OrdStatus.CANCELED}, "7", "10"),
    ],
)
def test_the_books_correct_a_quantity(
    fields: dict[str, Any], quantity: str | None, expected: str
) -> None:
    """A change that went past us leaves more at the broker than is reserved."""
    asked = D(quantity) if quantity else None
    after = told(order(**fields), ExecType.ORDER_STATUS, status=NEW, quantity=asked)

    assert after.quantity == D(expected)


def test_the_same_quantity_in_another_writing_is_no_change() -> None:
    """Whatever changes is counted anew in every exposure, at every answer."""
    before = order()

    after = told(before, ExecType.ORDER_STATUS, status=NEW, quantity=D("10.0"))

    assert after.quantity is before.quantity


def test_the_books_of_another_order_correct_nothing() -> None:
    """The order that was replaced still shows its old quantity."""
    for broker_order_id in (B2, None):
        after = told(
            order(),
            ExecType.ORDER_STATUS,
            status=NEW,
            quantity=D(7),
            broker_order_id=broker_order_id,
        )

        assert after.quantity == 10
    # An answer without a status is no word on its quantity.
    assert told(order(), ExecType.ORDER_STATUS, quantity=D(7)).quantity == 10
    assert told(order(), ExecType.NEW, status=NEW, quantity=D(7)).quantity == 10


def test_a_change_that_stands_is_taken_over_whole() -> None:
    """The old price, quantity or id is what the next cancel or limit would rely on."""
    before = order(
        PART,
        status=DOUBT,
        filled=D(1),
        pending=(CANCEL, REPLACE),
        earlier_broker_ids=(B0,),
    )

    after = told(before, ExecType.REPLACED, replaced_by=B2, quantity=D(9), client_order_id=None)

    assert after == before.but(
        order=CHANGE.applied_to(ORDER),
        quantity=D(20),
        broker_order_id=B2,
        earlier_broker_ids=(B0, B1),
        pending=(CANCEL,),
        evidence=TOLD,
        alias=ALIAS,
        updated_at=LATER,
    )


def test_a_change_by_the_broker_itself_counts() -> None:
    """One that nobody here asked for still changes what may trade."""
    sent = order(OrdStatus.PENDING_NEW, alias=ALIAS)

    after = told(sent, ExecType.REPLACED, replaced_by=B2, quantity=D(7), client_order_id=None)

    assert after == sent.but(
        base=NEW,
        status=NEW,
        quantity=D(7),
        broker_order_id=B2,
        earlier_broker_ids=(B1,),
        evidence=TOLD,
        updated_at=LATER,
    )


@pytest.mark.parametrize(
    ("known", "replaced_by", "current", "earlier"),
    [
        (B1, None, B1, ()),
        (B1, B1, B1, ()),
        (None, B2, B2, ()),
        (B1, B2, B2, (B1,)),
    ],
)
def test_the_id_that_stands_afterwards(
    known: BrokerOrderId | None,
    replaced_by: BrokerOrderId | None,
    current: BrokerOrderId,
    earlier: tuple[BrokerOrderId, ...],
) -> None:
    """A cancel under the old id reaches nothing."""
    after = told(
        order(broker_order_id=known),
        ExecType.REPLACED,
        replaced_by=replaced_by,
        broker_order_id=known,
    )

    assert (after.broker_order_id, after.earlier_broker_ids) == (current, earlier)
    assert (after.quantity, after.order) == (10, ORDER)


def test_a_change_does_not_release_what_is_held() -> None:
    """Shown as working, a stopped order would be waited for in vain."""
    assert told(order(OrdStatus.STOPPED), ExecType.REPLACED).status is OrdStatus.STOPPED


def test_a_change_without_a_quantity_keeps_it() -> None:
    """The event may come on the order that was replaced, with a quantity that is history."""
    priced = Pending(Action.REPLACE, "", OrderChange(limit_price="6"))
    before = order(status=OrdStatus.PENDING_REPLACE, pending=(priced,), quantity=D(12))

    after = told(before, ExecType.REPLACED, replaced_by=B2, quantity=D(10), client_order_id=None)

    assert after.quantity == 12
    assert after.order is not None
    assert str(after.order.limit_price) == "6"
    assert after.alias is None


def test_a_stranger_that_was_replaced_is_gone() -> None:
    """Its successor comes as an order of its own; both together would count twice."""
    stranger = order(owner=Owner.FOREIGN, order=None)

    after = told(stranger, ExecType.REPLACED)

    assert after == stranger.but(
        base=OrdStatus.REPLACED, status=OrdStatus.REPLACED, evidence=TOLD, updated_at=LATER
    )
    ended = order(OrdStatus.CANCELED, owner=Owner.FOREIGN, evidence=ASKED)
    assert told(ended, ExecType.REPLACED) == ended.but(updated_at=LATER)
    followed = told(stranger, ExecType.REPLACED, replaced_by=B2)
    assert (followed.status, followed.broker_order_id) == (NEW, B2)
    ours = told(order(), ExecType.REPLACED)
    assert ours.status is NEW


@pytest.mark.parametrize("kind", [ExecType.CANCELED, ExecType.NEW, ExecType.REPLACED])
def test_how_a_replaced_order_stands_is_history(kind: ExecType) -> None:
    """Read as the chain's own end, it would close an order that works under another id."""
    before = order(broker_order_id=B2, earlier_broker_ids=(B0, B1), filled=D(0))

    after = told(before, kind, filled=D(3), replaced_by=B2)

    assert after == before.but(claimed=D(3), updated_at=LATER)
