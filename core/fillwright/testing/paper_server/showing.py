"""Orders as the API shows them: every field of its order object."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillwright.protocols import Json
from fillwright.testing.paper_server.hours import day_end, gtc_end
from fillwright.testing.paper_server.moments import written
from fillwright.testing.paper_server.symbols import asset_id, class_word
from fillwright.testing.paper_server.writing import decimal_text, optional_text
from fillwright.testing.venue import Venue, VenueOrder
from fillwright.types import ZERO, OrderClass, OrdStatus, Side, TimeInForce

#: Which field tells when an order ended so.
_ENDINGS = {
    "filled_at": OrdStatus.FILLED,
    "expired_at": OrdStatus.EXPIRED,
    "canceled_at": OrdStatus.CANCELED,
    "failed_at": OrdStatus.REJECTED,
    "replaced_at": OrdStatus.REPLACED,
}


@dataclass(frozen=True, slots=True)
class Stand:
    """How far an order had come at some moment."""

    word: str
    status: OrdStatus
    quantity: Decimal | None
    filled: Decimal
    average_price: Decimal | None
    at: datetime


def stand_of(order: VenueOrder) -> Stand:
    """How it stands now."""
    return Stand(
        status_word(order, order.status),
        order.status,
        order.quantity,
        order.filled,
        order.average_price,
        order.updated_at,
    )


def just_taken(order: VenueOrder, carried: VenueOrder | None = None) -> Stand:
    """How it stood when it was taken, whatever happened since.

    `carried` is the order that it replaces, whose fills it takes over (that it does so is not
    confirmed).
    """
    leg = order.entry is not None and order.order_class is not OrderClass.OCO
    word = "accepted" if order.queued else "pending_new"
    if leg and carried is None:
        word = "held"
    filled, average = (carried.filled, carried.average_price) if carried else (ZERO, None)
    status = OrdStatus.PENDING_NEW
    return Stand(word, status, order.quantity, filled, average, order.submitted_at)


def number_of(order: VenueOrder) -> int:
    """Its number among all orders of the account."""
    return int(order.broker_order_id[:8], 16)


def status_word(order: VenueOrder, status: OrdStatus) -> str:
    """A status as the API spells it."""
    if status is OrdStatus.PENDING_NEW:
        return "pending_new" if order.replaces is not None else "held"
    if status is OrdStatus.NEW and order.queued:
        return "accepted"
    return status.lower()


def class_text(order: VenueOrder) -> str:
    """The order class; a simple order has an empty one."""
    return "" if order.order_class is OrderClass.SIMPLE else order.order_class.lower()


def show_order(
    venue: Venue,
    order: VenueOrder,
    *,
    stand: Stand | None = None,
    legs: Sequence[dict[str, Json]] | None = None,
) -> dict[str, Json]:
    """The JSON of an order, as it stands now or as it stood."""
    stand = stand or stand_of(order)
    number = number_of(order)
    submitted = written(order.submitted_at, number)
    instrument = venue.instrument(order.symbol)
    replaced = stand.status is OrdStatus.REPLACED
    return {
        "id": order.broker_order_id,
        "client_order_id": order.client_order_id,
        "created_at": submitted,
        "updated_at": written(stand.at, number),
        "submitted_at": submitted,
        **_endings(order, stand),
        "expires_at": written(expires_at(venue, order), digits="000"),
        "replaced_by": order.replaced_by if replaced else None,
        "replaces": order.replaces,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": class_word(instrument),
        "notional": optional_text(order.notional),
        # As it was entered: an order by notional has no qty.
        "qty": None if order.notional is not None else optional_text(stand.quantity),
        "filled_qty": decimal_text(stand.filled),
        "filled_avg_price": optional_text(stand.average_price),
        "order_class": class_text(order),
        "order_type": order.type.lower(),
        "type": order.type.lower(),
        "side": order.side.lower(),
        "position_intent": _intent(order),
        "time_in_force": order.time_in_force.lower(),
        "limit_price": optional_text(order.limit_price),
        "stop_price": optional_text(order.stop_price),
        "status": stand.word,
        "extended_hours": order.extended_hours,
        "legs": None if legs is None else list(legs),
        "trail_percent": optional_text(order.trail_percent),
        "trail_price": optional_text(order.trail_price),
        "hwm": optional_text(order.watermark),
        "ratio_qty": None,
        "subtag": None,
        "source": None,
    }


def expires_at(venue: Venue, order: VenueOrder) -> datetime:
    """When its time in force ends."""
    if order.time_in_force is TimeInForce.GTC:
        return gtc_end(order.submitted_at)
    extended = order.extended_hours
    return day_end(venue.settings.hours, order.submitted_at, extended=extended)


def _endings(order: VenueOrder, stand: Stand) -> dict[str, Json]:
    ended = order.ended_at
    shown = {name for name, status in _ENDINGS.items() if status is stand.status}
    number = number_of(order)
    return {
        name: written(ended, number) if ended is not None and name in shown else None
        for name in _ENDINGS
    }


def _intent(order: VenueOrder) -> str:
    # What opens a position costs buying power; what closes one holds none.
    opens = order.hold_price is not None and order.entry is None
    way = "open" if opens else "close"
    return f"{'buy' if order.side is Side.BUY else 'sell'}_to_{way}"
