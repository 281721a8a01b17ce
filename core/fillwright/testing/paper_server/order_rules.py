"""Which orders Alpaca takes, beyond what the venue itself refuses. Pure; knows no account.

1. A rule here is a documented one; where documents differ, the comment names the choice.
2. What the venue refuses all the same (ticks, steps, cover, buying power) is left to the venue.
"""

from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from types import MappingProxyType

from fillwright.accounts import Instrument, Quote
from fillwright.orders import Order
from fillwright.testing.paper_server.hours import NEW_YORK, is_trading_day
from fillwright.testing.paper_server.refusals import forbidden, unprocessable
from fillwright.testing.paper_server.writing import decimal_text
from fillwright.testing.venue import Hours
from fillwright.types import AssetClass, OrderClass, OrdType, Side, TimeInForce

_DAY, _GTC, _IOC = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC
_ALL = frozenset({_DAY, _GTC, _IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS})
_RESTING = frozenset({_DAY, _GTC})
_EQUITY: Mapping[OrdType, frozenset[TimeInForce]] = MappingProxyType(
    # IOC, FOK, OPG and CLS need to be enabled by Alpaca: here they are.
    {OrdType.MARKET: _ALL, OrdType.LIMIT: _ALL}
    | dict.fromkeys((OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP), _RESTING)
)
_CRYPTO: Mapping[OrdType, frozenset[TimeInForce]] = MappingProxyType(
    # One table shows DAY limits for crypto; the text beside it and the API's own description do
    # not. IOC for stop limits is not confirmed.
    {
        OrdType.MARKET: frozenset({_GTC, _IOC}),
        OrdType.LIMIT: frozenset({_GTC, _IOC}),
        OrdType.STOP_LIMIT: frozenset({_GTC}),
    }
)
#: From when until when an auction order is refused, in New York.
_WINDOWS = {
    TimeInForce.OPG: (time(9, 28), time(19, 0), "9:28am"),
    TimeInForce.CLS: (time(15, 50), time(19, 0), "3:50pm"),
}
_CENT = Decimal("0.01")


def check(order: Order, instrument: Instrument) -> None:
    """Raise ApiError for an order of a kind that is not taken."""
    crypto = instrument.asset_class is AssetClass.CRYPTO
    if crypto:
        _check_crypto(order)
    elif order.notional is not None or (order.quantity or 0) % instrument.lot:
        _check_fraction(order, instrument)
    check_time_in_force(order.type, order.time_in_force, instrument)
    if order.notional is not None and order.notional % _CENT:
        # Documented as two decimals in one place and as nine in another: the narrower.
        raise unprocessable("notional value must be limited to 2 decimal places")
    if order.extended_hours and (
        # One document also names GTC; the other, and the text of the error, do not.
        order.type is not OrdType.LIMIT or order.time_in_force is not _DAY
    ):
        raise unprocessable("extended hours order must be DAY limit orders")
    if order.order_class is not OrderClass.SIMPLE and order.type is OrdType.TRAILING_STOP:
        raise unprocessable("trailing stop orders must be simple orders")


def check_time_in_force(
    order_type: OrdType, time_in_force: TimeInForce, instrument: Instrument
) -> None:
    """Raise ApiError for a time in force that this type of order may not have."""
    crypto = instrument.asset_class is AssetClass.CRYPTO
    table = _CRYPTO if crypto else _EQUITY
    if order_type not in table:
        raise unprocessable("invalid order type for crypto order")
    if time_in_force in table[order_type]:
        return
    if crypto:
        raise unprocessable("invalid crypto time_in_force")
    kind = order_type.lower()
    raise unprocessable(f"time_in_force {time_in_force.lower()} is not valid for {kind} orders")


def check_new_quantity(old: Decimal | None, new: Decimal, instrument: Instrument) -> None:
    """Raise ApiError for a quantity that a replace may not ask for."""
    if new % instrument.lot:
        raise unprocessable("qty must be a whole number of shares")
    if old is not None and old % instrument.lot:
        raise unprocessable("qty of a fractional order cannot be replaced")


def check_window(time_in_force: TimeInForce, hours: Hours, now: datetime) -> None:
    """Raise ApiError for an auction order that comes too late; without hours none does."""
    window = _WINDOWS.get(time_in_force)
    local = now.astimezone(NEW_YORK)
    if window is None or hours is Hours.ALWAYS or not is_trading_day(hours, local.date()):
        return
    begins, ends, text = window
    if begins <= local.time() < ends:
        kind = time_in_force.lower()
        raise unprocessable(f"{kind} orders cannot be submitted between {text} and 7:00pm ET")


def check_base_price(order: Order, quote: Quote) -> None:
    """Raise ApiError for a stop loss on the wrong side of the price that it protects."""
    if order.stop_loss is None:
        return
    # An entry that buys is left by selling; an OCO is itself the exit.
    selling = (order.side is Side.SELL) == (order.order_class is OrderClass.OCO)
    touch = quote.bid if selling else quote.ask
    bases = [order.limit_price]
    if order.order_class is OrderClass.OCO or order.limit_price is None:
        bases.append(touch)
    stop = order.stop_loss.stop_price
    for base in bases:
        if base is None:
            continue
        if stop > base - _CENT if selling else stop < base + _CENT:
            bound = "<= base_price - 0.01" if selling else ">= base_price + 0.01"
            raise unprocessable(
                f"stop_loss.stop_price must be {bound}", base_price=decimal_text(base)
            )


def _check_crypto(order: Order) -> None:
    if order.order_class is not OrderClass.SIMPLE:
        raise unprocessable("crypto orders must be simple orders")


def _check_fraction(order: Order, instrument: Instrument) -> None:
    if not instrument.fractionable:
        raise forbidden(f'asset "{order.symbol}" is not fractionable')
    if order.order_class is not OrderClass.SIMPLE:
        raise unprocessable("fractional orders must be simple orders")
    if order.type is OrdType.TRAILING_STOP:
        text = "fractional orders must be market, limit, stop, or stop_limit orders"
        raise unprocessable(text)
    if order.time_in_force is not _DAY:
        raise unprocessable("fractional orders must be DAY orders")
    # Whether a limit order may be by notional: two documents say so, two others do not.
    if order.notional is not None and order.type not in (OrdType.MARKET, OrdType.LIMIT):
        raise unprocessable("notional orders must be market or limit orders")
