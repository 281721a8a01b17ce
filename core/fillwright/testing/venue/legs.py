"""The legs of bracket, OCO and OTO orders, as the venue makes them."""

from fillwright.orders import Order
from fillwright.testing.venue.books import Books
from fillwright.testing.venue.records import VenueOrder
from fillwright.types import ClientOrderId, OrderClass, OrdStatus, OrdType


def legs_of(order: Order, entry: VenueOrder, books: Books) -> list[VenueOrder]:
    """Make the legs and tie them to the entry and to each other.

    Legs of an entry are held (PENDING_NEW) until it is filled. The limit of an OCO is the order
    itself; its one leg, the stop, works at once.
    """
    oco = order.order_class is OrderClass.OCO
    legs = []
    if order.take_profit is not None and not oco:
        leg = _leg(entry, OrdType.LIMIT, books)
        leg.limit_price = order.take_profit.limit_price
        legs.append(leg)
    if order.stop_loss is not None:
        limit = order.stop_loss.limit_price
        leg = _leg(entry, OrdType.STOP if limit is None else OrdType.STOP_LIMIT, books)
        leg.stop_price, leg.limit_price = order.stop_loss.stop_price, limit
        legs.append(leg)
    if oco:
        legs[0].side, legs[0].status, legs[0].text = entry.side, OrdStatus.NEW, ""
        legs[0].queued = entry.queued
    else:
        entry.legs = tuple(leg.broker_order_id for leg in legs)
    pair = [entry, *legs] if oco else legs
    if len(pair) > 1:
        first, second = pair
        first.sibling, second.sibling = second.broker_order_id, first.broker_order_id
        second.shadow = True
    return legs


def _leg(entry: VenueOrder, kind: OrdType, books: Books) -> VenueOrder:
    broker_order_id = books.new_order_id()
    return VenueOrder(
        broker_order_id,
        # In the shape of a UUID, and not the order id.
        ClientOrderId(f"c{broker_order_id[1:]}"),
        books.new_rank(),
        entry.symbol,
        entry.side.opposite,
        kind,
        entry.time_in_force,
        entry.quantity,
        None,
        entry.submitted_at,
        entry.updated_at,
        entry.lot,
        status=OrdStatus.PENDING_NEW,
        parent=entry.client_order_id,
        entry=entry.broker_order_id,
        order_class=entry.order_class,
        text="held until the entry is filled",
    )
