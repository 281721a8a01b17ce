"""What was judged, as events of the desk's history. Pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from fillwright.book import BookView, Exposure
from fillwright.history import Deed, Event
from fillwright.orders import Order
from fillwright.types import Side
from fillwright.verdicts import Reason


def approved(
    order: Order, client_order_id: str, view: BookView, added: Exposure, *, change: bool
) -> Event:
    """An approval as it counts until its fact is recorded; a change counts in full.

    `added` is what the order adds to its symbol's exposure.
    """
    buys = order.side is Side.BUY
    return Event(
        Deed.REPLACED if change else Deed.SENT,
        view.now,
        order.symbol,
        order.side,
        client_order_id,
        added.open_buys if buys else added.open_sells,
        worth(order, view, added),
        order.limit_price or order.stop_price,
        order.strategy or "",
        order.plan_id or "",
        (),
        not only_reduces(order, view),
        order.parent_id or "",
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


def refused(order: Order, client_order_id: str, at: datetime, reasons: Iterable[Reason]) -> Event:
    """A refusal with the codes of what stopped it; its value only where the order names a price."""
    price = order.limit_price or order.stop_price
    value = order.notional
    if value is None and price is not None and order.quantity is not None:
        value = order.quantity * price
    codes = tuple(reason.code for reason in reasons if not reason.warning)
    return Event(
        Deed.REFUSED,
        at,
        order.symbol,
        order.side,
        client_order_id,
        order.quantity,
        value,
        price,
        order.strategy or "",
        order.plan_id or "",
        codes,
        parent=order.parent_id or "",
    )
