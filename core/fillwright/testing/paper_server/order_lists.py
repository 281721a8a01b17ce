"""Orders: looking them up, one or many."""

from collections.abc import Callable
from dataclasses import dataclass

from fillwright.protocols import Json
from fillwright.testing.paper_server.calls import Call, Fields
from fillwright.testing.paper_server.families import legs_of, show_family
from fillwright.testing.paper_server.moments import nanoseconds
from fillwright.testing.paper_server.orders import existing
from fillwright.testing.paper_server.refusals import misshapen, not_found
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.showing import number_of, show_order
from fillwright.testing.paper_server.symbols import class_word
from fillwright.testing.paper_server.writing import answer
from fillwright.testing.venue import Venue, VenueOrder
from fillwright.types import AssetClass, BrokerOrderId, ClientOrderId, Side

_PAGE, _LONGEST_PAGE = 50, 500
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_CLASSES = (
    *("us_equity", "us_option", "crypto", "crypto_perp", "treasury", "corporate"),
    *("global_equity", "us_index", "us_equity_chain", "ipo", "all"),
)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders a list shall hold; what is empty or None asks for nothing."""

    status: str = "open"
    after: int | None = None
    until: int | None = None
    after_number: int | None = None
    before_number: int | None = None
    symbols: frozenset[str] = frozenset()
    side: Side | None = None
    classes: frozenset[str] = frozenset()

    def takes(self, venue: Venue, order: VenueOrder) -> bool:
        """Whether an order belongs in the list."""
        if self.status != "all" and order.ended != (self.status == "closed"):
            return False
        return self._takes_time(order) and self._takes_kind(venue, order)

    def _takes_time(self, order: VenueOrder) -> bool:
        number = number_of(order)
        submitted = nanoseconds(order.submitted_at, number)
        return (
            (self.after is None or submitted > self.after)
            and (self.until is None or submitted < self.until)
            and (self.after_number is None or number > self.after_number)
            and (self.before_number is None or number < self.before_number)
        )

    def _takes_kind(self, venue: Venue, order: VenueOrder) -> bool:
        instrument = venue.instrument(order.symbol)
        # A coin pair may be asked for without its slash.
        coin = instrument.asset_class is AssetClass.CRYPTO
        names = {order.symbol, order.symbol.replace("/", "")} if coin else {order.symbol}
        return (
            (not self.symbols or bool(names & self.symbols))
            and self.side in (None, order.side)
            and (not self.classes or class_word(instrument) in self.classes)
        )


def get_order(call: Call) -> Answer:
    """`GET /v2/orders/{id}`."""
    order = existing(call)
    return answer(200, _shown(call, order))


def get_order_by_client_id(call: Call) -> Answer:
    """`GET /v2/orders:by_client_order_id`: ended orders too."""
    name = call.query.text("client_order_id")
    if name is None:
        raise misshapen("client_order_id is required")
    order = call.venue.books.by_client.get(ClientOrderId(name))
    if order is None:
        raise not_found(f"order not found for {name}")
    return answer(200, _shown(call, order))


def list_orders(call: Call) -> Answer:
    """`GET /v2/orders`."""
    query = call.query
    limit = query.count("limit", _PAGE, _LONGEST_PAGE)
    newest_first = query.choice("direction", ("desc", "asc")) == "desc"
    nested = query.flag("nested")
    wanted = _read_filter(call, query)
    found = [o for o in call.venue.books.orders.values() if wanted.takes(call.venue, o)]
    found.sort(key=number_of, reverse=newest_first)
    if nested:
        return answer(200, [*map(_family_shower(call), _rolled_up(found)[:limit])])
    return answer(200, [show_order(call.venue, order) for order in found[:limit]])


def _read_filter(call: Call, query: Fields) -> OrderFilter:
    side = query.choice("side", ("", *_SIDES))
    classes = query.words("asset_class")
    for word in classes:
        if word not in _CLASSES:
            raise misshapen("invalid asset_class")
    after_number = _number(call, query, "after_order_id")
    before_number = _number(call, query, "before_order_id")
    if after_number is not None and before_number is not None:
        raise misshapen("before_order_id and after_order_id are mutually exclusive")
    return OrderFilter(
        status=query.choice("status", ("open", "closed", "all")),
        after=query.moment("after"),
        until=query.moment("until"),
        after_number=after_number,
        before_number=before_number,
        symbols=frozenset(query.words("symbols")),
        side=_SIDES.get(side),
        classes=frozenset() if "all" in classes else frozenset(classes),
    )


def _number(call: Call, query: Fields, name: str) -> int | None:
    order_id = query.uuid(name)
    if order_id is None:
        return None
    order = call.venue.books.orders.get(BrokerOrderId(order_id))
    if order is None:
        raise not_found(f"order not found for {order_id}")
    return number_of(order)


def _rolled_up(orders: list[VenueOrder]) -> list[VenueOrder]:
    """Without the legs whose entry is in the list too; others stand for themselves.

    What becomes of a leg whose entry the filter left out is not confirmed: it must not be lost.
    """
    present = {order.broker_order_id for order in orders}
    return [order for order in orders if order.entry not in present]


def _family_shower(call: Call) -> Callable[[VenueOrder], dict[str, Json]]:
    legs: dict[str, list[VenueOrder]] = {}
    for order in call.venue.books.orders.values():
        if order.entry is not None:
            legs.setdefault(order.entry, []).append(order)
    return lambda order: show_family(call.venue, order, legs.get(order.broker_order_id, ()))


def _shown(call: Call, order: VenueOrder) -> dict[str, Json]:
    if call.query.flag("nested"):
        return show_family(call.venue, order, legs_of(call.venue.books, order))
    return show_order(call.venue, order)
