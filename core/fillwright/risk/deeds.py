"""What was judged, as events of the desk's history. Pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from fillwright.book import BookView, Exposure
from fillwright.history import Deed, Event
from fillwright.orders import Order
from fillwright.types import ZERO, Side
from fillwright.verdicts import Reason


def approved(
    order: Order, client_order_id: str, view: BookView, added: Exposure, *, change: bool
) -> Event:
    """An approval as it counts until its fact is recorded; of a change, what it adds.

    `added` is what the order adds to its symbol's exposure.
    """
    quantity = added.open_buys if order.side is Side.BUY else added.open_sells
    if view.standing is not None:
        quantity = max(quantity + view.already_filled - view.standing, ZERO)
    return Event(
        Deed.REPLACED if change else Deed.SENT,
        view.now,
        order.symbol,
        order.side,
        client_order_id,
        quantity,
        adds(order, view, added),
        order.limit_price or order.stop_price,
        order.strategy or "",
        order.plan_id or "",
        (),
        not only_reduces(order, view),
        order.parent_id or "",
        order.parent_quantity,
    )


def worth(order: Order, view: BookView, added: Exposure) -> Decimal | None:
    """What the order counts for in totals: its worst case, else by the last price that was seen.

    None when nobody ever saw a price.
    """
    if not added.unpriced:
        return added.open_buy_value if order.side is Side.BUY else added.open_sell_value
    price = _last_price(order, view)
    if price is None or order.quantity is None:
        return None
    return (order.quantity - view.already_filled) * price


def adds(order: Order, view: BookView, added: Exposure) -> Decimal | None:
    """The same; of a replace, what that is more than its order counted for."""
    value = worth(order, view, added)
    if value is None or view.standing_value is None:
        return value
    return max(value - view.standing_value, ZERO)


def _last_price(order: Order, view: BookView) -> Decimal | None:
    quote = view.quotes.get(order.symbol)
    if quote is not None and quote.finite:
        sides = [price for price in (quote.bid, quote.ask) if price is not None]
        if sides:
            return max(sides)
    position = view.account.positions.get(order.symbol)
    return (position.market_price or position.average_price) if position else None


def only_reduces(order: Order, view: BookView) -> bool:
    """Whether the order only reduces."""
    held = view.exposure(order.symbol).position
    # Most orders have nothing to reduce, and the question costs as much as a check.
    return (held < 0 if order.side is Side.BUY else held > 0) and view.reduces(order)


def more_of(order: Order, standing: Decimal | None) -> Decimal | None:
    """What a change asked for more than stood; the whole where it asked for no more shares."""
    if order.quantity is None or standing is None or order.quantity <= standing:
        return order.quantity
    return order.quantity - standing


def refused(
    order: Order,
    client_order_id: str,
    at: datetime,
    reasons: Iterable[Reason],
    quantity: Decimal | None,
) -> Event:
    """A refusal of so much with the codes of what stopped it; it has a value if it has a price."""
    price = order.limit_price or order.stop_price
    value = order.notional
    if value is None and price is not None and quantity is not None:
        value = quantity * price
    codes = tuple(reason.code for reason in reasons if not reason.warning)
    return Event(
        Deed.REFUSED,
        at,
        order.symbol,
        order.side,
        client_order_id,
        quantity,
        value,
        price,
        order.strategy or "",
        order.plan_id or "",
        codes,
        parent=order.parent_id or "",
        parent_quantity=order.parent_quantity,
    )
