"""An order is refused where it contradicts itself, before anybody else reads it."""

from typing import Any

import pytest
from pydantic import ValidationError

from fillwright.orders import Order, OrderChange

AT = "2026-11-24T15:00:00Z"
LIMIT = {"type": "LIMIT", "limit_price": "10"}
TAKE, STOP = {"limit_price": "12"}, {"stop_price": "9"}
LEGS = {"take_profit": TAKE, "stop_loss": STOP}


def order(**fields: Any) -> Order:
    return Order.model_validate({"symbol": "KO", "side": "BUY", "quantity": "1", **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"notional": "5"}, "give either quantity or notional"),
        ({"quantity": None}, "give either quantity or notional"),
        ({"type": "LIMIT"}, "limit_price goes with type LIMIT"),
        ({"limit_price": "10"}, "limit_price goes with type LIMIT"),
        ({"type": "STOP"}, "stop_price goes with type STOP"),
        ({"stop_price": "9"}, "stop_price goes with type STOP"),
        ({**LIMIT, "stop_price": "9"}, "stop_price goes with type STOP"),
        ({"type": "TRAILING_STOP"}, "needs one of trail_price and trail_percent"),
        ({"trail_price": "1"}, "needs one of trail_price and trail_percent"),
        (
            {"type": "TRAILING_STOP", "trail_price": "1", "trail_percent": "1"},
            "needs one of trail_price and trail_percent",
        ),
        ({"time_in_force": "GTD"}, "expire_time goes with time_in_force GTD"),
        ({"expire_time": AT}, "expire_time goes with time_in_force GTD"),
        (LEGS, "BRACKET and OCO need take_profit and stop_loss"),
        ({"order_class": "BRACKET", "take_profit": TAKE}, "BRACKET and OCO need take_profit"),
        ({"order_class": "OTO"}, "OTO one of them"),
        ({"order_class": "OTO", **LEGS}, "OTO one of them"),
        ({"order_class": "OCO", **LEGS}, "an OCO order is of type LIMIT"),
        ({"parent_id": "p"}, "parent_id and parent_quantity go together"),
        ({"parent_quantity": "1"}, "parent_id and parent_quantity go together"),
    ],
)
def test_an_order_that_contradicts_itself_is_none(fields: dict[str, Any], said: str) -> None:
    """Each broker reads a contradiction in its own way, and one of them as another order."""
    with pytest.raises(ValidationError, match=said):
        order(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        LIMIT,
        {"type": "STOP", "stop_price": "9"},
        {"type": "STOP_LIMIT", "stop_price": "9", "limit_price": "8"},
        {"type": "TRAILING_STOP", "trail_percent": "1.5"},
        {"time_in_force": "GTD", "expire_time": AT},
        {"order_class": "BRACKET", **LEGS},
        {"order_class": "OTO", "stop_loss": STOP},
        {"order_class": "OCO", **LIMIT, **LEGS},
        {"parent_id": "p", "parent_quantity": "3"},
    ],
)
def test_an_order_that_says_what_it_needs_is_one(fields: dict[str, Any]) -> None:
    """A rule that is too strict refuses what the broker would have taken."""
    assert order(**fields).symbol == "KO"


def test_a_change_of_nothing_is_none() -> None:
    """Sent as a replace, it takes the order's place in the queue for nothing."""
    with pytest.raises(ValidationError, match="a change names at least one field"):
        OrderChange()
