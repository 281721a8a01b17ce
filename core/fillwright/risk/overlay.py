"""What was judged a moment ago and is not in the desk's books yet, laid over a view of them.

Two orders that are judged in one go must not both pass a limit that has room for one: the second
is judged on a view that holds the first at its worst case. An overlay only ever adds.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from types import MappingProxyType

from fillwright.book import FLAT, Beside, BookView, Exposure, RecentOrder
from fillwright.history import Event, Log
from fillwright.orders import Order
from fillwright.risk import deeds
from fillwright.risk.beside import joined, rests_at
from fillwright.risk.recent import KEPT, likeness, recent_order
from fillwright.types import ZERO, Side
from fillwright.verdicts import Reason


def _sum(one: Exposure, other: Exposure) -> Exposure:
    return Exposure(
        one.position + other.position,
        one.open_buys + other.open_buys,
        one.open_sells + other.open_sells,
        one.open_buy_value + other.open_buy_value,
        one.open_sell_value + other.open_sell_value,
        one.orders + other.orders,
        one.unpriced + other.unpriced,
        one.buy_orders + other.buy_orders,
    )


class _Laid(Mapping[str, Exposure]):
    """One mapping of exposures added to another, symbol by symbol, without copying either."""

    __slots__ = ("_added", "_base")

    def __init__(self, base: Mapping[str, Exposure], added: Mapping[str, Exposure]) -> None:
        self._base = base
        self._added = added

    def __getitem__(self, symbol: str) -> Exposure:
        added = self._added.get(symbol)
        if added is None:
            return self._base[symbol]
        held = self._base.get(symbol)
        return added if held is None else _sum(held, added)

    def __iter__(self) -> Iterator[str]:
        yield from self._base
        yield from (symbol for symbol in self._added if symbol not in self._base)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Overlay:
    """What approved orders add: exposure by symbol, reserved cost, likeness, and history.

    A view that was laid once never changes: `add` replaces what earlier views look at.
    """

    __slots__ = ("_exposures", "_judged", "_log", "_passed", "_recent", "_reserved")

    def __init__(self) -> None:
        #: What makes the event of each order that was judged; the log holds those made so far.
        self._judged: list[Callable[[], Event]] = []
        self._log = Log()
        self._exposures: dict[str, Exposure] = {}
        self._reserved = ZERO
        self._recent: dict[tuple[object, ...], deque[RecentOrder]] = {}
        #: What passed, by symbol, with the most that it may trade.
        self._passed: dict[str, list[tuple[Order, Decimal]]] = {}

    def over(self, view: BookView, order: Order) -> BookView:
        """The view on which `order` is judged after everything that was added."""
        if not self._judged:
            return view
        added = self._recent.get(likeness(order))
        recent = (*view.recent, *added) if added else view.recent
        return BookView(
            view.now,
            view.account,
            _Laid(view.exposures, self._exposures),
            view.quotes,
            view.instruments,
            view.reserved + self._reserved,
            recent,
            view.already_filled,
            view.quote_max_age,
            view.standing,
            view.supplied,
            view.history.plus(partial(self._events, len(self._judged))),
            view.today,
            attended=view.attended,
            beside=self._beside(view.beside, order),
            standing_value=view.standing_value,
            standing_hold=view.standing_hold,
        )

    def _beside(self, beside: Beside, order: Order) -> Beside:
        for other, quantity in self._passed.get(order.symbol, ()):
            same = order.parent_id is not None and other.parent_id == order.parent_id
            beside = joined(beside, other.side, rests_at(other), quantity if same else ZERO)
        return beside

    def add(
        self,
        order: Order,
        view: BookView,
        client_order_id: str,
        *,
        change: bool = False,
        asked: Order | None = None,
    ) -> None:
        """Count one more order, at its worst case by `view`.

        `asked` is what its owner asked for, where a check made it smaller.
        """
        added = exposure_of(order, view)
        event = partial(deeds.approved, order, client_order_id, view, added, change=change)
        self._judged.append(event)
        held = self._exposures.get(order.symbol)
        laid = _sum(held, added) if held else added
        self._exposures = {**self._exposures, order.symbol: laid}
        self._reserved += cost_to_reserve(order, view, added)
        self._passed.setdefault(order.symbol, []).append(
            (order, added.open_buys + added.open_sells)
        )
        asked = asked or order
        alike = self._recent.setdefault(likeness(asked), deque(maxlen=KEPT))
        alike.append(recent_order(asked, client_order_id, view.now))

    def refused(
        self, order: Order, view: BookView, client_order_id: str, reasons: Iterable[Reason]
    ) -> None:
        """Let those that follow know of a refusal."""
        added = deeds.more_of(order, view.standing)
        event = partial(deeds.refused, order, client_order_id, view.now, reasons, added)
        self._judged.append(event)

    def _events(self, count: int) -> tuple[tuple[Log, int]]:
        """A log of the first so many that were judged; only the judge's thread asks."""
        for make in self._judged[self._log.end : count]:
            self._log.append(make())
        return ((self._log, count),)


def exposure_of(order: Order, view: BookView) -> Exposure:
    """What `order` alone adds to its symbol in the worst case."""
    quantity = view.worst_quantity(order)
    value = order.notional
    if value is None and quantity is not None:
        price = view.worst_price(order)
        value = None if price is None else quantity * price
    unpriced = int(quantity is None or value is None)
    quantity, value = quantity or ZERO, value or ZERO
    if order.side is Side.BUY:
        return Exposure(ZERO, quantity, ZERO, value, ZERO, 1, unpriced, 1)
    return Exposure(ZERO, ZERO, quantity, ZERO, value, 1, unpriced)


def cost_to_reserve(order: Order, view: BookView, added: Exposure | None = None) -> Decimal:
    """What `order` may take out of the buying power; zero for a sell that only reduces.

    Of a replace, what it may take more than the broker's figure shows.
    """
    added = added or exposure_of(order, view)
    if order.side is Side.BUY:
        cost = added.open_buy_value
    else:
        cost = ZERO if view.reduces(order) else added.open_sell_value
    return max(cost - view.standing_hold, ZERO) if view.standing_hold else cost


def with_order(view: BookView, order: Order) -> BookView:
    """`view` with one more order under way, at its worst case."""
    added = exposure_of(order, view)
    held = view.exposures.get(order.symbol, FLAT)
    return replace(
        view,
        exposures=MappingProxyType({**view.exposures, order.symbol: _sum(held, added)}),
        reserved=view.reserved + cost_to_reserve(order, view, added),
    )
