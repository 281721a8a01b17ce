"""What stands beside an order: where our own rest, and what a parent's other children may do."""

from typing import Any

import pytest

from fillwright.book import ALONE
from fillwright.orders import OrderChange
from fillwright.risk import ExposureBook
from fillwright.states import Action, OrderState, Owner, Pending
from fillwright.types import ClientOrderId, OrdStatus, OrdType, Side
from risk.gatekit import NOW, D, limit_order, order


def state(asked: Any, key: str = "c-1", **fields: Any) -> OrderState:
    given: dict[str, Any] = {"status": OrdStatus.NEW, "side": Side.BUY, "quantity": D(10)} | fields
    if asked is not None:
        given |= {"side": asked.side, "quantity": asked.quantity}
    status = given.pop("status")
    symbol, side, quantity = "AAPL", given.pop("side"), given.pop("quantity")
    return OrderState(
        ClientOrderId(key), symbol, side, status, status, quantity, NOW, order=asked, **given
    )


def book(*states: OrderState) -> ExposureBook:
    exposures = ExposureBook()
    for one in states:
        exposures.update(None, one)
    return exposures


def test_the_nearest_of_each_side_counts() -> None:
    """The order that would be met first is the one to look at."""
    exposures = book(
        state(limit_order("90"), "a"),
        state(limit_order("95"), "b"),
        state(limit_order("110", Side.SELL), "c"),
        state(limit_order("105", Side.SELL), "d"),
    )
    found = exposures.beside(order(), "new")

    assert (found.highest_buy, found.lowest_sell) == (D(95), D(105))
    assert exposures.beside(order(), "b").highest_buy == D(90), "an order is not beside itself"


@pytest.mark.parametrize(
    ("asked", "price"),
    [
        (order(), D("Infinity")),
        (order(type=OrdType.STOP, stop_price="120"), None),
        (order(type=OrdType.STOP_LIMIT, stop_price="120", limit_price="121"), None),
        (None, D("Infinity")),
    ],
)
def test_orders_without_a_limit(asked: Any, price: Any) -> None:
    """A market order and a stranger's reach any price; a stop waits."""
    owner = Owner.OURS if asked else Owner.FOREIGN

    assert book(state(asked, owner=owner)).beside(order(), "new").highest_buy == price


def test_the_leg_of_a_bracket_waits_for_its_entry() -> None:
    """It is meant to stand on the other side."""
    assert book(state(None, owner=Owner.LEG)).beside(order(), "new") == ALONE


def test_a_change_that_is_open_counts_at_the_price_that_reaches_further() -> None:
    """The broker may hold either."""
    up = (Pending(Action.REPLACE, change=OrderChange(limit_price="99")),)
    down = (Pending(Action.REPLACE, change=OrderChange(limit_price="80")),)

    assert book(state(limit_order("90"), pending=up)).beside(order(), "new").highest_buy == D(99)
    assert book(state(limit_order("90"), pending=down)).beside(order(), "new").highest_buy == D(90)


@pytest.mark.parametrize("status", [OrdStatus.CANCELED, OrdStatus.FILLED, OrdStatus.REJECTED])
def test_an_ended_order_rests_nowhere(status: OrdStatus) -> None:
    """What is gone cannot be met."""
    open_one = state(limit_order("90"))
    exposures = book(open_one)
    exposures.update(open_one, state(limit_order("90"), status=status, filled=D(0)))

    assert exposures.beside(order(), "new") == ALONE


def test_only_children_of_the_same_parent_are_children() -> None:
    """In flight and in doubt with what they may still trade."""
    mine = {"parent_id": "p", "parent_quantity": "100"}
    exposures = book(
        state(limit_order("90", **mine), "a", filled=D(4)),
        state(limit_order("90", **mine), "b", status=OrdStatus.IN_DOUBT),
        state(limit_order("90", parent_id="q", parent_quantity="100"), "c"),
        state(limit_order("90"), "d"),
    )

    assert exposures.beside(order(**mine), "new").children == D(16)
    assert exposures.beside(order(**mine), "a").children == D(10)
    assert exposures.beside(order(), "new").children == 0


def test_the_number_of_buys_is_kept_with_the_number_of_orders() -> None:
    """Which side is full is not told by both together."""
    one, other = state(limit_order("90"), "a"), state(limit_order("110", Side.SELL), "b")
    exposures = book(one, other)
    held = exposures.snapshot()["AAPL"]
    exposures.update(one, None)
    rest = exposures.snapshot()["AAPL"]

    assert (held.orders, held.buy_orders) == (2, 1)
    assert (rest.orders, rest.buy_orders) == (1, 0)
