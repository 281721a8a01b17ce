"""What may be read off one order: what it leaves, what is missing, and what it is called."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fillwright.orders import WorkingOrder
from fillwright.states import ENDED, Action, OrderState, Owner, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, OrdStatus, Side

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
KEY, FIRST, SECOND = (ClientOrderId(name) for name in ("c", "c-r1", "c-r2"))
ASKED = Pending(Action.REPLACE, alias=SECOND)
CANCEL, DOUBTED = Pending(Action.CANCEL), Pending(Action.REPLACE, "timeout")


def state(status: OrdStatus = OrdStatus.NEW, **fields: Any) -> OrderState:
    return OrderState(KEY, "XYZ", Side.SELL, status, status, D(10), NOW).but(**fields)


@pytest.mark.parametrize("status", list(OrdStatus))
def test_only_what_has_not_ended_leaves_something(status: OrdStatus) -> None:
    """Leaves of an ended order reserve money for nothing; none of a living one hide it."""
    one = state(status, filled=D(4))

    assert one.ended is (status in ENDED)
    assert one.leaves == (0 if one.ended else 6)
    assert state(status, filled=D(12)).leaves == 0
    assert state(status, quantity=None).leaves == 0


@pytest.mark.parametrize(
    ("claimed", "filled", "missing"), [("5", "3", "2"), ("3", "3", "0"), ("3", "5", "0")]
)
def test_what_is_claimed_and_not_booked_is_missing(claimed: str, filled: str, missing: str) -> None:
    """An order that is let go with a fill missing leaves the position wrong."""
    ended = state(OrdStatus.CANCELED, claimed=D(claimed), filled=D(filled))

    assert ended.missing == D(missing)
    assert ended.settled is (missing == "0")
    assert not state(claimed=D(claimed), filled=D(filled)).settled


def test_the_average_is_of_what_was_filled() -> None:
    """A division by nothing, or by the quantity, is a price that nobody paid."""
    assert state(filled=D(4), value=D(10)).average_price == D("2.5")
    assert state().average_price is None


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        ({}, False),
        ({"pending": (CANCEL,)}, False),
        ({"pending": (CANCEL, DOUBTED)}, True),
        ({"pending": (DOUBTED,)}, True),
        ({"manual": True}, True),
        ({"manual": True, "pending": (CANCEL,)}, True),
    ],
)
def test_one_doubtful_request_is_doubt(fields: dict[str, Any], doubt: bool) -> None:
    """An order in doubt that does not show it lets new risk in its symbol pass."""
    assert state(**fields).in_doubt is doubt


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, (KEY,)),
        ({"alias": FIRST}, (FIRST, KEY)),
        ({"alias": KEY}, (KEY,)),
        ({"alias": FIRST, "pending": (CANCEL, ASKED)}, (SECOND, FIRST, KEY)),
        ({"pending": (DOUBTED,)}, (KEY,)),
        ({"owner": Owner.FOREIGN}, ()),
        ({"owner": Owner.LEG, "alias": FIRST}, (FIRST,)),
    ],
)
def test_it_is_asked_for_under_every_name_that_it_may_have(
    fields: dict[str, Any], names: tuple[ClientOrderId, ...]
) -> None:
    """Not found under the one name that was tried, an order that works would be sent again."""
    assert state(**fields).names == names


def test_requests_are_found_by_kind() -> None:
    """One request read as another loses both."""
    both = state(pending=(CANCEL, DOUBTED))

    assert (both.awaiting(Action.CANCEL), both.awaiting(Action.REPLACE)) == (CANCEL, DOUBTED)
    assert both.awaiting(Action.SUBMIT) is None


@pytest.mark.parametrize(
    ("owner", "theirs", "follow"),
    [
        (Owner.OURS, True, True),
        (Owner.OURS, False, True),
        (Owner.FOREIGN, True, False),
        (Owner.FOREIGN, False, True),
        (Owner.LEG, True, False),
    ],
)
def test_strangers_requests_are_left_to_them(owner: Owner, theirs: bool, follow: bool) -> None:
    """Repeated by us, a stranger's cancel is an order of ours that nobody gave."""
    assert state(owner=owner).must_follow_up(Pending(Action.CANCEL, theirs=theirs)) is follow


def test_a_request_names_the_order_whole() -> None:
    """A cancel with the wrong id, side or quantity reaches another order."""
    one = state(broker_order_id=BrokerOrderId("b"), filled=D(4))

    assert one.working() == WorkingOrder(KEY, BrokerOrderId("b"), "XYZ", Side.SELL, D(10), D(4))


def test_a_copy_leaves_the_original_alone() -> None:
    """A state that changes under somebody's hands is two truths at once."""
    one = state()
    other = one.but(filled=D(4))

    assert (one.filled, other.filled) == (0, 4)
    assert type(other) is OrderState
