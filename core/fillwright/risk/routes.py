"""What the broker's tables hold of an order, and what they do not. Pure.

Rules:
1. The tables are the broker's for the instrument's asset class; where the instrument is unknown,
   those for a US equity, in lots of one.
2. Every special thing asked is looked up in its own table: a class, a fraction, a notional,
   extended hours. Each table that is asked must hold the order.
3. What no table holds is refused as it stands, never changed into something that one holds.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from types import MappingProxyType

from fillwright.accounts import Instrument
from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.protocols import Capabilities, Routes, Table
from fillwright.types import AssetClass, OrderClass
from fillwright.verdicts import Reject

UNSUPPORTED = "UNSUPPORTED"

_WHOLE = Decimal(1)
_EMPTY: Table = MappingProxyType({})


def is_ordinary(order: Order, book: BookView, takes: Capabilities) -> bool:
    """Whether it is a new, simple order for whole lots that the broker takes: the fast way."""
    quantity, instrument = order.quantity, book.instruments.get(order.symbol)
    if quantity is None or order.extended_hours or order.order_class is not OrderClass.SIMPLE:
        return False
    if quantity % (instrument.lot if instrument else _WHOLE):
        return False
    routes = takes.routes.get(instrument.asset_class if instrument else AssetClass.US_EQUITY)
    if routes is None:
        return False
    table = routes.whole.get(OrderClass.SIMPLE, _EMPTY)
    return order.time_in_force in table.get(order.type, ())


def not_taken(
    order: Order, book: BookView, takes: Capabilities, *, change: bool
) -> Iterator[Reject]:
    """Every reason why the broker does not take the order, or the change that makes it."""
    instrument = book.instrument(order.symbol)
    kind = instrument.asset_class if instrument else AssetClass.US_EQUITY
    routes = takes.routes.get(kind)
    if routes is None:
        yield _refusal(f"{kind} orders", _listed(takes.routes))
        return
    fractional = _is_fraction(order.quantity, instrument)
    if order.notional is not None:
        yield from _absent_from(routes.notional, order, f"{kind} notional")
    elif fractional:
        yield from _absent_from(routes.fractional, order, f"{kind} fractional")
    else:
        yield from _absent_whole(routes, order, kind)
    if order.extended_hours:
        yield from _absent_from(routes.extended_hours, order, f"{kind} extended-hours")
    if change:
        before = _is_fraction(book.standing, instrument)
        yield from _not_replaced(routes, order, kind, fractional=fractional or before)


def _is_fraction(quantity: Decimal | None, instrument: Instrument | None) -> bool:
    return quantity is not None and quantity % (instrument.lot if instrument else _WHOLE) != 0


def _absent_whole(routes: Routes, order: Order, kind: AssetClass) -> Iterator[Reject]:
    asked, table = order.order_class, routes.whole.get(order.order_class)
    if table is None:
        yield _refusal(f"{kind} {asked} orders", _listed(routes.whole))
    else:
        name = kind if asked is OrderClass.SIMPLE else f"{kind} {asked}"
        yield from _missing(table, order, name)


def _absent_from(table: Table, order: Order, name: str) -> Iterator[Reject]:
    """What a table for simple orders does not hold."""
    if order.order_class is not OrderClass.SIMPLE:
        yield _refusal(f"{name} {order.order_class} orders", str(OrderClass.SIMPLE))
    yield from _missing(table, order, name)


def _missing(table: Table, order: Order, name: str) -> Iterator[Reject]:
    times = table.get(order.type)
    if not times:
        kinds = [kind for kind, some in table.items() if some]
        yield _refusal(f"{name} {order.type} orders", _listed(kinds))
    elif order.time_in_force not in times:
        yield _refusal(f"{name} {order.type} {order.time_in_force} orders", _listed(times))


def _not_replaced(
    routes: Routes, order: Order, kind: AssetClass, *, fractional: bool
) -> Iterator[Reject]:
    instead = "cancel and send a new order"
    if not routes.replace:
        yield _refusal(f"a replace of {kind} orders", instead)
    elif order.notional is not None:
        yield _refusal("a replace of an order by notional", instead)
    elif fractional and not routes.replace_fractional:
        yield _refusal(f"a replace of {kind} fractional orders", f"whole lots; {instead}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _refusal(asked: str, takes: str) -> Reject:
    return Reject(UNSUPPORTED, measured=asked, limit=takes, text="the broker does not take it")
