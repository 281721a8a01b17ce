"""Which orders are well formed here: routes, ticks, lots, legs. Pure; knows no account.

Each function returns None or a pair of kind and text.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from fillwright.accounts import Instrument
from fillwright.orders import Order
from fillwright.protocols import Routes, Table
from fillwright.testing.venue.refusals import Why
from fillwright.types import AssetClass, OrderClass, OrdType, Side, TimeInForce, text_of

Objection = tuple[Why, str] | None

_ALL = frozenset(TimeInForce)
_RESTING = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
_PLAIN = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
_LEGS = frozenset({TimeInForce.DAY, TimeInForce.GTC})

_WHOLE: Table = MappingProxyType(
    {
        OrdType.MARKET: _ALL,
        OrdType.LIMIT: _ALL,
        OrdType.STOP: _RESTING,
        OrdType.STOP_LIMIT: _RESTING,
        OrdType.TRAILING_STOP: _RESTING,
    }
)
_FRACTIONAL: Table = MappingProxyType(
    {
        OrdType.MARKET: _PLAIN,
        OrdType.LIMIT: _PLAIN,
        OrdType.STOP: frozenset({TimeInForce.DAY}),
        OrdType.STOP_LIMIT: frozenset({TimeInForce.DAY}),
    }
)
_COMPLEX: Table = MappingProxyType(dict.fromkeys(OrdType, _LEGS))
_TAKEN = Routes(
    whole=MappingProxyType(
        {
            OrderClass.SIMPLE: _WHOLE,
            OrderClass.BRACKET: _COMPLEX,
            OrderClass.OTO: _COMPLEX,
            OrderClass.OCO: MappingProxyType({OrdType.LIMIT: _LEGS}),
        }
    ),
    fractional=_FRACTIONAL,
    notional=MappingProxyType({OrdType.MARKET: _PLAIN, OrdType.LIMIT: _PLAIN}),
    extended_hours=MappingProxyType({OrdType.LIMIT: _RESTING}),
    replace=True,
    replace_fractional=True,
)
#: What the venue takes, by asset class: the same of shares and of coins.
ROUTES: Mapping[AssetClass, Routes] = MappingProxyType(dict.fromkeys(AssetClass, _TAKEN))


def may_carry(order_type: OrdType, time_in_force: TimeInForce, *, whole: bool) -> bool:
    """Whether a simple order of this type may have this time in force."""
    return time_in_force in (_WHOLE if whole else _FRACTIONAL).get(order_type, ())


def is_whole(quantity: Decimal, instrument: Instrument) -> bool:
    """Whether it is a number of whole lots."""
    return not quantity % instrument.lot


def objection_to(order: Order, instrument: Instrument) -> Objection:
    """What is wrong with the order itself."""
    if order.time_in_force not in _WHOLE[order.type]:
        text = f"time in force {order.time_in_force} is not valid for {order.type} orders"
        return Why.UNSUPPORTED, text
    if order.notional is not None or not is_whole(order.quantity or Decimal(0), instrument):
        fault = _fraction(order, instrument)
        if fault:
            return fault
    outside = _TAKEN.extended_hours.get(order.type, ())
    if order.extended_hours and order.time_in_force not in outside:
        return Why.UNSUPPORTED, "extended hours orders must be DAY, GTC or GTD limit orders"
    if order.limit_price is not None or order.stop_price is not None:
        fault = off_tick("limit_price", order.limit_price, instrument) or off_tick(
            "stop_price", order.stop_price, instrument
        )
        if fault:
            return fault
    return None if order.order_class is OrderClass.SIMPLE else _legs(order, instrument)


def off_tick(name: str, price: Decimal | None, instrument: Instrument) -> Objection:
    """Whether a price is no multiple of the tick that applies to it."""
    if price is None or not price % instrument.tick_at(price):
        return None
    text = (
        f"invalid {name} {text_of(price)}. "
        "sub-penny increment does not fulfill minimum pricing criteria"
    )
    return Why.BAD_PRICE, text


def _fraction(order: Order, instrument: Instrument) -> Objection:
    if not instrument.fractionable:
        return Why.NOT_FRACTIONABLE, f'asset "{order.symbol}" is not fractionable'
    if order.quantity is not None and order.quantity % instrument.fraction:
        step = text_of(instrument.fraction)
        return Why.BAD_QUANTITY, f"qty must be a multiple of {step}"
    if order.order_class is not OrderClass.SIMPLE:
        return Why.UNSUPPORTED, "fractional orders must be simple orders"
    if order.notional is not None and order.type not in _TAKEN.notional:
        return Why.UNSUPPORTED, "notional orders must be market or limit orders"
    if not may_carry(order.type, order.time_in_force, whole=False):
        text = (
            f"fractional {order.type} orders are not accepted "
            f"with time in force {order.time_in_force}"
        )
        return Why.UNSUPPORTED, text
    return None


def _legs(order: Order, instrument: Instrument) -> Objection:
    if order.time_in_force not in _LEGS or order.extended_hours:
        return Why.UNSUPPORTED, "complex orders must be DAY or GTC orders in regular hours"
    profit = order.take_profit.limit_price if order.take_profit else None
    stop = order.stop_loss.stop_price if order.stop_loss else None
    stop_limit = order.stop_loss.limit_price if order.stop_loss else None
    fault = (
        off_tick("take_profit.limit_price", profit, instrument)
        or off_tick("stop_loss.stop_price", stop, instrument)
        or off_tick("stop_loss.limit_price", stop_limit, instrument)
    )
    if fault:
        return fault
    if order.order_class is OrderClass.OCO and profit != order.limit_price:
        return Why.BAD_LEGS, "oco limit_price must equal take_profit.limit_price"
    # An entry that buys is left by selling: profit above, stop below.
    exits_by_selling = (order.side is Side.SELL) == (order.order_class is OrderClass.OCO)
    if profit is None or stop is None:
        return None
    if profit != stop and (profit > stop) == exits_by_selling:
        return None
    above = "above" if exits_by_selling else "below"
    return Why.BAD_LEGS, f"take_profit.limit_price must be {above} stop_loss.stop_price"
