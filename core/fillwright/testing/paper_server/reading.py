"""From the JSON of a request to the core's own order, or to a refusal."""

from decimal import Decimal
from typing import TypeVar

from pydantic import ValidationError

from fillwright.accounts import Instrument
from fillwright.orders import Order
from fillwright.testing.paper_server.calls import Call, Fields
from fillwright.testing.paper_server.refusals import ApiError, misshapen, unprocessable
from fillwright.testing.paper_server.symbols import find
from fillwright.types import ClientOrderId, OrderClass, OrdType, Side, TimeInForce

Found = TypeVar("Found")

#: Old documents say 48.
_LONGEST_ID = 128
_NEEDS_LIMIT = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT})
_NEEDS_STOP = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})
_PRICES = ("limit_price", "stop_price", "trail_price", "trail_percent")


def read_order(call: Call, fields: Fields) -> tuple[Order, Instrument]:
    """The order that is wanted."""
    instrument = _instrument(call, fields)
    side = _required(fields.word("side", Side), "side")
    order_type = _required(fields.word("type", OrdType), "type")
    time_in_force = _required(read_time_in_force(fields), "time_in_force")
    order_class = _order_class(fields)
    quantity, notional = _size(fields)
    given: dict[str, object] = {
        "symbol": instrument.symbol,
        "side": side,
        "type": order_type,
        "time_in_force": time_in_force,
        "quantity": quantity,
        "notional": notional,
        "extended_hours": fields.flag("extended_hours"),
        "order_class": order_class,
        **{name: positive(fields, name) for name in _PRICES},
        **_legs(fields, order_class),
    }
    if order_class is OrderClass.OCO and given["limit_price"] is None:
        given["limit_price"] = _limit_of_oco(given)
    _check_prices(order_type, given)
    try:
        return Order.model_validate(given), instrument
    except ValidationError as fault:
        # What our own order refuses and the checks above did not name.
        first = fault.errors(include_input=False, include_url=False, include_context=False)[0]
        raise misshapen(first["msg"].removeprefix("Value error, ")) from None


def read_time_in_force(fields: Fields) -> TimeInForce | None:
    """The time in force; good-till-date does not exist here."""
    found = fields.word("time_in_force", TimeInForce)
    if found is TimeInForce.GTD:
        raise misshapen("invalid time_in_force")
    return found


def read_client_order_id(fields: Fields) -> ClientOrderId | None:
    """The client's own id for the order, if it gave one."""
    found = fields.text("client_order_id")
    if found is not None and len(found) > _LONGEST_ID:
        raise misshapen(f"client_order_id must be no longer than {_LONGEST_ID} characters")
    return None if found is None else ClientOrderId(found)


def positive(fields: Fields, name: str) -> Decimal | None:
    """An amount above zero."""
    amount = fields.amount(name)
    if amount is not None and amount <= 0:
        raise unprocessable(f"{name} must be > 0")
    return amount


def _required(value: Found | None, name: str) -> Found:
    if value is None:
        raise misshapen(f"{name} is required")
    return value


def _instrument(call: Call, fields: Fields) -> Instrument:
    name = _required(fields.text("symbol"), "symbol")
    instrument = find(call.venue, name)
    if instrument is None:
        raise unprocessable(f'asset "{name}" not found')
    if not instrument.tradable:
        raise unprocessable(f'asset "{instrument.symbol}" is not tradable')
    return instrument


def _size(fields: Fields) -> tuple[Decimal | None, Decimal | None]:
    if "qty" in fields and "notional" in fields:
        # The code of this 400 is not confirmed.
        raise ApiError((400, 40010001), "only one of qty or notional is accepted")
    quantity, notional = positive(fields, "qty"), positive(fields, "notional")
    if quantity is None and notional is None:
        raise misshapen("qty or notional is required")
    return quantity, notional


def _order_class(fields: Fields) -> OrderClass:
    if fields.text("order_class") == "mleg":
        raise unprocessable("mleg orders are for options, which this server does not list")
    return fields.word("order_class", OrderClass) or OrderClass.SIMPLE


def _legs(fields: Fields, order_class: OrderClass) -> dict[str, object]:
    profit, loss = fields.part("take_profit"), fields.part("stop_loss")
    if order_class is OrderClass.SIMPLE:
        if profit or loss:
            raise unprocessable("simple orders have no take_profit or stop_loss")
        return {}
    kind = order_class.lower()
    if order_class is OrderClass.OTO:
        if (profit is None) == (loss is None):
            raise unprocessable("oto orders require one of take_profit and stop_loss")
    elif profit is None or loss is None:
        raise unprocessable(f"{kind} orders require take_profit and stop_loss")
    legs: dict[str, object] = {}
    if profit is not None:
        limit = _leg_price(profit, "limit_price", f"{kind} orders require take_profit.limit_price")
        legs["take_profit"] = {"limit_price": limit}
    if loss is not None:
        stop = _leg_price(loss, "stop_price", f"{kind} orders require stop_loss.stop_price")
        legs["stop_loss"] = {"stop_price": stop, "limit_price": positive(loss, "limit_price")}
    return legs


def _leg_price(leg: Fields, name: str, without: str) -> Decimal:
    price = positive(leg, name)
    if price is None:
        raise unprocessable(without)
    return price


def _limit_of_oco(given: dict[str, object]) -> object:
    profit = given["take_profit"]
    return profit["limit_price"] if isinstance(profit, dict) else None


def _check_prices(order_type: OrdType, given: dict[str, object]) -> None:
    kind = order_type.lower()
    limit, stop = given["limit_price"] is not None, given["stop_price"] is not None
    if order_type is OrdType.MARKET and (limit or stop):
        raise unprocessable("market orders require no stop or limit price")
    if limit != (order_type in _NEEDS_LIMIT):
        raise unprocessable(f"{kind} orders require {'no' if limit else 'a'} limit price")
    if stop != (order_type in _NEEDS_STOP):
        raise unprocessable(f"{kind} orders require {'no' if stop else 'a'} stop price")
    trails = sum(given[name] is not None for name in ("trail_price", "trail_percent"))
    if order_type is OrdType.TRAILING_STOP and trails != 1:
        raise unprocessable("trailing_stop orders require one of trail_price and trail_percent")
    if order_type is not OrdType.TRAILING_STOP and trails:
        raise unprocessable(f"{kind} orders require no trail")
