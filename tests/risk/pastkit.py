"""Views with a past, and with data besides quotes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fillwright.book import BookView
from fillwright.history import Deed, Event, History, Log
from fillwright.inputs import ACCOUNT_WIDE, Datum, Supplied
from fillwright.orders import Order
from fillwright.risk.overlay import Overlay
from fillwright.types import Side
from risk.gatekit import NOW, D, view

TODAY = NOW - timedelta(hours=10)


def event(kind: Deed = Deed.SENT, ago: float = 0.5, **fields: Any) -> Event:
    """Something that was done so many seconds ago; amounts are text."""
    given: dict[str, Any] = {"symbol": "AAPL", "side": Side.BUY, "client_order_id": "fw-0"}
    for name in ("quantity", "notional", "price"):
        if isinstance(fields.get(name), str):
            fields[name] = D(fields[name])
    if "parent" in fields:
        fields.setdefault("parent_quantity", D(100))
    return Event(kind, NOW - timedelta(seconds=ago), **(given | fields))


def sent(count: int, ago: float = 0.5, kind: Deed = Deed.SENT, **fields: Any) -> list[Event]:
    """So many alike."""
    return [event(kind, ago, client_order_id=f"fw-{n}", **fields) for n in range(count)]


def after(*events: Event, book: BookView | None = None, **fields: Any) -> BookView:
    """A view in which all this was done, in the order of its times."""
    log = Log(sorted(events, key=lambda one: one.at))
    past = History(((log, log.end),), NOW - timedelta(hours=27))
    return replace(book or view(**fields), history=past, today=TODAY)


def supplied(
    book: BookView, *, age: float = 1, offers: tuple[str, ...] = (), **values: object
) -> BookView:
    """The view with these inputs, so many seconds old, and with sources for them."""
    at = NOW - timedelta(seconds=age)
    data = [
        Datum(name, "" if name in ACCOUNT_WIDE else "AAPL", v, at) for name, v in values.items()
    ]
    found = {**book.supplied.data, **{(one.name, one.symbol): one for one in data}}
    offered = frozenset({*offers, *values, *book.supplied.offered})
    return replace(book, supplied=Supplied(found, offered=offered))


def judged(book: BookView, *orders: Order) -> BookView:
    """The view on which the next order is judged after these passed in the same batch."""
    overlay = Overlay()
    for number, one in enumerate(orders):
        overlay.add(one, overlay.over(book, one), f"batch-{number}")
    return overlay.over(book, orders[-1])


def at(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)
