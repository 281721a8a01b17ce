"""What the broker says of an order without a fill: what each word changes, and nothing more."""

from decimal import Decimal
from typing import Any

import pytest

from fillwright import lifecycle
from fillwright.reports import AnomalyKind
from fillwright.states import ENDED, Action, Pending
from fillwright.types import ZERO, BrokerOrderId, ExecType, OrdStatus
from lifecycle.orderkit import (
    ALIAS,
    ASKED,
    B1,
    B2,
    CANCEL,
    CHANGE,
    DOUBT,
    FILLED,
    GONE,
    KEY,
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
)


def test_any_word_proves_that_the_submit_arrived() -> None:
    """Still in doubt, an order that the broker shows would be sent again."""
    before = order(
        OrdStatus.PENDING_NEW,
        status=OrdStatus.MANUAL,
        broker_order_id=None,
        pending=(SUBMIT, CANCEL),
        manual=True,
    )

    after = told(before, ExecType.NEW)

    assert after == before.but(
        broker_order_id=B1,
        pending=(CANCEL,),
        manual=False,
        base=NEW,
        status=DOUBT,
        evidence=TOLD,
        updated_at=LATER,
    )


def test_a_word_about_another_request_leaves_a_persons_turn() -> None:
    """Cleared by any report, a doubt that waits for a person would be forgotten."""
    before = order(status=OrdStatus.MANUAL, pending=(CANCEL,), manual=True)

    after = told(before, ExecType.RESTATED)

    assert (after.manual, after.status) == (True, OrdStatus.MANUAL)


@pytest.mark.parametrize(
    ("current", "name", "expected"),
    [
        (B1, KEY, None),
        (B1, "c-r2", "c-r2"),
        (B1, None, None),
        (B2, "c-r2", None),
        (None, "c-r2", None),
    ],
)
def test_the_name_that_it_has_at_the_broker_is_kept(
    current: BrokerOrderId | None, name: str | None, expected: str | None
) -> None:
    """Asked for under a name that it does not carry, a working order is not found."""
    after = told(order(), ExecType.NEW, broker_order_id=current, client_order_id=name)

    assert after.alias == expected
    assert told(order(alias=ALIAS), ExecType.NEW, client_order_id=ALIAS).alias == ALIAS
    assert told(order(alias=ALIAS), ExecType.NEW).alias == ALIAS


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"quantity": D(7)}, D(7)),
        ({"quantity": D(7), "filled": D(3), "status": FILLED}, D(7)),
        ({"filled": D(3)}, None),
        ({"filled": D(3), "status": PART}, None),
        ({"filled": D(3), "status": FILLED}, D(3)),
    ],
)
def test_an_order_by_notional_has_a_quantity_once_the_broker_fixed_it(
    fields: dict[str, Any], expected: Decimal | None
) -> None:
    """Fixed by its first fill, the rest of it would count as nothing."""
    after = told(order(quantity=None), ExecType.NEW, **fields)

    assert after.quantity == expected


def test_a_quantity_that_is_fixed_stays() -> None:
    """A word that carries another order's quantity must not resize this one."""
    assert told(order(), ExecType.NEW, quantity=D(7)).quantity == 10


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ExecType.CANCELED, OrdStatus.CANCELED),
        (ExecType.EXPIRED, OrdStatus.EXPIRED),
        (ExecType.REJECTED, OrdStatus.REJECTED),
    ],
)
def test_an_end_is_the_brokers_word_with_its_evidence(kind: ExecType, status: OrdStatus) -> None:
    """An end without evidence, or with a request left open, cannot be trusted or closed."""
    before = order(status=OrdStatus.MANUAL, pending=(CANCEL,), manual=True, text="why")

    after = told(before, kind, text="too late")

    assert after == before.but(
        base=status,
        status=status,
        pending=(),
        manual=False,
        text="too late",
        evidence=TOLD,
        updated_at=LATER,
    )
    assert told(before, kind).text == "why"
    assert lifecycle.report(order(GONE), said(kind))[0].status is status


@pytest.mark.parametrize("status", sorted(ENDED - {GONE}))
def test_a_second_end_changes_nothing_and_is_told(status: OrdStatus) -> None:
    """Two different ends mean that one of them is wrong, and somebody must look."""
    before = order(status, text="first", evidence=ASKED)

    after, surprises = lifecycle.report(before, said(ExecType.CANCELED, text="second"))

    assert after == before.but(updated_at=LATER)
    text = f"CANCELED after {status}"
    expected = (anomaly(AnomalyKind.ILLEGAL_TRANSITION, text),)
    of_the_broker = status not in (OrdStatus.CANCELED, OrdStatus.REFUSED)
    assert surprises == (expected if of_the_broker else ())


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ExecType.SUSPENDED, OrdStatus.SUSPENDED),
        (ExecType.STOPPED, OrdStatus.STOPPED),
        (ExecType.DONE_FOR_DAY, OrdStatus.DONE_FOR_DAY),
    ],
)
def test_held_orders_stand_until_they_are_released(kind: ExecType, status: OrdStatus) -> None:
    """Read as an end, an order that is only held would come back unwatched."""
    held = told(order(text="old"), kind, text="halted")
    back = told(held, ExecType.NEW, evidence=ASKED)

    assert held == order(status, text="halted", updated_at=LATER)
    assert (back.status, back.evidence) == (NEW, ASKED)
    canceled = order(OrdStatus.CANCELED, text="old")
    assert told(canceled, kind, text="halted") == canceled.but(updated_at=LATER)


@pytest.mark.parametrize("base", [OrdStatus.STAGED, OrdStatus.PENDING_NEW, GONE])
@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (ExecType.NEW, {}, NEW),
        (ExecType.PENDING_NEW, {}, OrdStatus.PENDING_NEW),
        (ExecType.ORDER_STATUS, {}, OrdStatus.PENDING_NEW),
        (ExecType.ORDER_STATUS, {"status": NEW}, NEW),
        (ExecType.ORDER_STATUS, {"status": OrdStatus.PENDING_NEW}, OrdStatus.PENDING_NEW),
        (ExecType.ORDER_STATUS, {"status": OrdStatus.REPLACED}, OrdStatus.PENDING_NEW),
    ],
)
def test_the_first_word_tells_that_the_broker_has_it(
    base: OrdStatus, kind: ExecType, fields: dict[str, Any], expected: OrdStatus
) -> None:
    """Called unsent while it works, it would be sent a second time."""
    shown = OrdStatus.PENDING_NEW if base is OrdStatus.STAGED else base
    before = order(base, status=shown)

    after, surprises = lifecycle.report(before, said(kind, **fields))

    assert after == before.but(base=expected, status=expected, evidence=TOLD, updated_at=LATER)
    late = anomaly(AnomalyKind.LATE_ACCEPT, "the broker has it after all")
    assert surprises == ((late,) if base is GONE else ())


@pytest.mark.parametrize("kind", [ExecType.NEW, ExecType.PENDING_NEW, ExecType.ORDER_STATUS])
@pytest.mark.parametrize("base", [PART, NEW, OrdStatus.CANCELED])
def test_an_old_word_changes_nothing(kind: ExecType, base: OrdStatus) -> None:
    """NEW, told late, would take a fill or an end back."""
    filled = D(1) if base is PART else ZERO
    before = order(base, filled=filled, evidence=ASKED)

    assert told(before, kind) == before.but(updated_at=LATER)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (ExecType.CANCEL_REJECTED, {}),
        (ExecType.REPLACE_REJECTED, {}),
        (ExecType.ORDER_STATUS, {"status": OrdStatus.REJECTED}),
        (ExecType.REJECTED, {}),
    ],
)
def test_a_denial_is_no_sign_that_the_broker_has_what_was_given_up(
    kind: ExecType, fields: dict[str, Any]
) -> None:
    """An alarm for every refusal hides the one that counts."""
    assert lifecycle.report(order(GONE), said(kind, **fields))[1] == ()


@pytest.mark.parametrize(
    ("kind", "action", "status"),
    [
        (ExecType.PENDING_CANCEL, Action.CANCEL, OrdStatus.PENDING_CANCEL),
        (ExecType.PENDING_REPLACE, Action.REPLACE, OrdStatus.PENDING_REPLACE),
    ],
)
def test_a_request_that_the_broker_heard_is_in_doubt_no_more(
    kind: ExecType, action: Action, status: OrdStatus
) -> None:
    """Doubted for ever, it would be asked again; taken for its outcome, the order is lost."""
    asked = Pending(action, "timeout", CHANGE, D(20), ALIAS)
    before = order(status=DOUBT, pending=(asked,))

    after = told(before, kind)

    assert after == before.but(
        status=status,
        pending=(Pending(action, "", CHANGE, D(20), ALIAS),),
        updated_at=LATER,
    )


@pytest.mark.parametrize(
    ("kind", "action"),
    [(ExecType.PENDING_CANCEL, Action.CANCEL), (ExecType.PENDING_REPLACE, Action.REPLACE)],
)
@pytest.mark.parametrize(
    ("base", "left"),
    [(OrdStatus.PENDING_NEW, NEW), (PART, PART), (OrdStatus.STOPPED, OrdStatus.STOPPED)],
)
def test_a_request_of_somebody_else_is_known_as_theirs(
    kind: ExecType, action: Action, base: OrdStatus, left: OrdStatus
) -> None:
    """Followed up as ours, a stranger's cancel would be repeated by us."""
    after = told(order(base, filled=D(1) if base is PART else ZERO), kind)

    assert (after.base, after.pending) == (left, (Pending(action, theirs=True),))
    ended = order(OrdStatus.CANCELED)
    assert told(ended, kind) == ended.but(updated_at=LATER)


@pytest.mark.parametrize(
    ("kind", "left"), [(ExecType.CANCEL_REJECTED, REPLACE), (ExecType.REPLACE_REJECTED, CANCEL)]
)
def test_a_denied_request_is_over_and_the_other_is_not(kind: ExecType, left: Pending) -> None:
    """The wrong one dropped, a cancel that may work is forgotten."""
    before = order(status=DOUBT, pending=(CANCEL, REPLACE), text="old")

    after = told(before, kind, text="too late")

    assert after == before.but(pending=(left,), text="too late", evidence=TOLD, updated_at=LATER)


def test_a_restated_quantity_counts() -> None:
    """A quantity that the broker reduced by itself is reserved for nothing, or traded unseen."""
    after = told(order(text="old"), ExecType.RESTATED, quantity=D(7), text="reduced")

    assert after == order(quantity=D(7), text="reduced", updated_at=LATER)
    assert told(order(text="old"), ExecType.RESTATED).text == "old"
    ended = order(OrdStatus.CANCELED)
    assert told(ended, ExecType.RESTATED, quantity=D(7)).quantity == 10


def test_a_change_that_was_given_up_has_the_size_that_its_new_name_tells() -> None:
    """It came behind the fence; counted at the old size, its rest would work unwatched."""
    replaced = told(order(), ExecType.REPLACED, quantity=D(10), replaced_by=B2)
    after = told(replaced, ExecType.NEW, client_order_id=ALIAS, broker_order_id=B2, quantity=D(20))

    assert (after.quantity, after.alias, after.broker_order_id) == (D(20), ALIAS, B2)
    assert (
        told(order(alias=ALIAS), ExecType.NEW, client_order_id=ALIAS, quantity=D(5)).quantity == 10
    )
