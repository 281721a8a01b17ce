"""Orders of more than one leg: who belongs to whom, and how they are shown together."""

from collections.abc import Callable, Sequence

from fillwright.protocols import Json
from fillwright.testing.paper_server.showing import Stand, show_order, stand_of
from fillwright.testing.venue import Venue, VenueOrder
from fillwright.testing.venue.books import Books
from fillwright.types import OrderClass


def legs_of(books: Books, order: VenueOrder) -> list[VenueOrder]:
    """The legs of an entry, of those that were replaced too, oldest first.

    In an OCO the limit order is the entry and the stop its leg.
    """
    if order.order_class is OrderClass.SIMPLE or order.entry is not None:
        return []
    return [leg for leg in books.orders.values() if leg.entry == order.broker_order_id]


def show_family(
    venue: Venue,
    order: VenueOrder,
    legs: Sequence[VenueOrder],
    *,
    how: Callable[[VenueOrder], Stand] = stand_of,
) -> dict[str, Json]:
    """An order with its legs inside; simple orders have none."""
    shown = [show_order(venue, leg, stand=how(leg)) for leg in legs]
    return show_order(venue, order, stand=how(order), legs=shown or None)
