"""What stands beside an order: where orders of ours rest, and how they are put together. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from fillwright.book import Beside
from fillwright.orders import Order
from fillwright.states import OrderState, Owner
from fillwright.types import ZERO, OrdType, Side

#: Where an order rests that takes any price.
_ANY: Mapping[Side, Decimal] = {Side.BUY: Decimal("Infinity"), Side.SELL: ZERO}
#: They wait for their price, and match nobody until then.
_WAITING = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP})


def rests_at(order: Order) -> Decimal | None:
    """The worst price at which it could match another order of ours; None for one that waits."""
    if order.type in _WAITING:
        return None
    return _ANY[order.side] if order.limit_price is None else order.limit_price


def resting_price(state: OrderState) -> Decimal | None:
    """The same for one under way; while a change of it is open, the price that reaches further.

    An order that somebody else placed takes any price, since its own is not known; the leg of a
    bracket waits for its entry.
    """
    if state.ended or state.owner is Owner.LEG:
        return None
    if state.order is None:
        return _ANY[state.side]
    price = rests_at(state.order)
    for pending in state.pending:
        asked = pending.change.limit_price if pending.change else None
        if asked is not None and price is not None:
            price = _further(price, asked, state.side)
    return price


def joined(beside: Beside, side: Side, price: Decimal | None, quantity: Decimal) -> Beside:
    """`beside` with one more order, of which `quantity` belongs to the same parent."""
    if price is not None:
        known = beside.highest_buy if side is Side.BUY else beside.lowest_sell
        best = price if known is None else _further(known, price, side)
        beside = (
            beside._replace(highest_buy=best)
            if side is Side.BUY
            else beside._replace(lowest_sell=best)
        )
    return beside._replace(children=beside.children + quantity) if quantity else beside


def _further(one: Decimal, other: Decimal, side: Side) -> Decimal:
    return max(one, other) if side is Side.BUY else min(one, other)
