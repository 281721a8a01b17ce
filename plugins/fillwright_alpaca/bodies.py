"""Write what Alpaca is asked: orders and changes as JSON, every number as exact text. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from fillwright.orders import Order, OrderChange, StopLoss
from fillwright.types import (
    ClientOrderId,
    OrderClass,
    OrdType,
    Side,
    TimeInForce,
    plain,
    text_of,
)
from fillwright.verdicts import ApprovedChange
from fillwright_alpaca.messages import TIMES_IN_FORCE, TYPES

Body = dict[str, object]

_TYPES: Mapping[OrdType, str] = MappingProxyType({ours: word for word, ours in TYPES.items()})
_TIMES: Mapping[TimeInForce, str] = MappingProxyType(
    {ours: word for word, ours in TIMES_IN_FORCE.items()}
)
_SIDES = MappingProxyType({Side.BUY: "buy", Side.SELL: "sell"})
#: By the word in a body, the name of the number in an order or a change.
_PRICES = ("limit_price", "stop_price", "trail_price", "trail_percent")


class Unwritable(ValueError):
    """Something that Alpaca has no word for; it cannot be sent."""


def order_body(order: Order, client_order_id: ClientOrderId) -> Body:
    """The JSON of a new order. Raises `Unwritable`."""
    body: Body = {
        "symbol": order.symbol,
        "side": _SIDES[order.side],
        "type": _TYPES[order.type],
        "time_in_force": _time_in_force(order.time_in_force),
        "client_order_id": client_order_id,
        **_numbers(order, "notional", *_PRICES),
    }
    if order.quantity is not None:
        body["qty"] = text_of(plain(order.quantity))
    if order.extended_hours:
        body["extended_hours"] = True
    if order.order_class is not OrderClass.SIMPLE:
        body["order_class"] = order.order_class.lower()
    if order.order_class is OrderClass.OCO:
        # Its limit is the take-profit's, and stands there alone.
        body.pop("limit_price", None)
    if order.take_profit is not None:
        body["take_profit"] = {"limit_price": text_of(plain(order.take_profit.limit_price))}
    if order.stop_loss is not None:
        body["stop_loss"] = _numbers(order.stop_loss, "stop_price", "limit_price")
    return body


def change_body(change: ApprovedChange) -> Body:
    """The JSON of a replace: what changes, and the name of the order that will stand.

    Raises `Unwritable`.
    """
    asked = change.change
    body: Body = {
        "client_order_id": change.client_order_id,
        **_numbers(asked, "limit_price", "stop_price"),
    }
    if asked.quantity is not None:
        body["qty"] = text_of(plain(asked.quantity))
    if asked.time_in_force is not None:
        body["time_in_force"] = _time_in_force(asked.time_in_force)
    trail = asked.trail_price if asked.trail_price is not None else asked.trail_percent
    if trail is not None:
        body["trail"] = text_of(plain(trail))
    return body


def _numbers(given: Order | OrderChange | StopLoss, *names: str) -> dict[str, str]:
    found = ((name, getattr(given, name)) for name in names)
    return {name: text_of(plain(value)) for name, value in found if value is not None}


def _time_in_force(given: TimeInForce) -> str:
    word = _TIMES.get(given)
    if word is None:
        raise Unwritable(f"Alpaca has no time in force {given}")
    return word
