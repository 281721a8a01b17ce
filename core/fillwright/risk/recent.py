"""The orders of the last moments, findable by what they ask for."""

from collections import deque
from datetime import datetime, timedelta

from fillwright.book import RecentOrder
from fillwright.orders import Order


def likeness(order: Order) -> tuple[object, ...]:
    """What two orders share that ask for the same thing."""
    return (
        order.symbol,
        order.side,
        order.quantity,
        order.notional,
        order.type,
        order.limit_price,
        order.stop_price,
        order.time_in_force,
    )


def recent_order(order: Order, client_order_id: str, at: datetime) -> RecentOrder:
    """How an approved order is remembered."""
    return RecentOrder(
        order.symbol,
        order.side,
        order.quantity,
        order.notional,
        order.type,
        order.limit_price,
        order.time_in_force,
        client_order_id,
        at,
        order.stop_price,
        order.intent_id,
    )


#: How long an order is remembered.
REMEMBERED = timedelta(seconds=60)
#: How many orders that ask for the same thing are kept; a check looks for one.
KEPT = 8
_NONE: deque[tuple[float, RecentOrder]] = deque()


class RecentOrders:
    """Remember approved orders for `window`, of those that are alike only the newest `KEPT`.

    A view's `recent` is filled from `alike`, so that neither its length nor the cost of a
    question grows with the rate of orders. What is forgotten goes by a `moment` of the monotonic
    clock: a time of day that was set forward and back must not empty the memory.
    """

    def __init__(self, window: timedelta = REMEMBERED) -> None:
        self._window = window.total_seconds()
        self._all: deque[tuple[tuple[object, ...], float]] = deque()
        self._alike: dict[tuple[object, ...], deque[tuple[float, RecentOrder]]] = {}

    def add(self, order: Order, client_order_id: str, at: datetime, moment: float) -> None:
        """Remember an order that the gate just approved, as it was asked for."""
        key = likeness(order)
        known = self._alike.get(key)
        if known is None:
            known = self._alike[key] = deque(maxlen=KEPT)
        if known and known[-1][1].client_order_id == client_order_id:
            known.pop()  # approved anew: it takes one place, not several
        known.append((moment, recent_order(order, client_order_id, at)))
        self._all.append((key, moment))
        self._forget(moment - self._window)

    def alike(self, order: Order, moment: float) -> tuple[RecentOrder, ...]:
        """The remembered orders that ask for the same thing as `order`, oldest first."""
        self._forget(moment - self._window)
        return tuple(recent for _, recent in self._alike.get(likeness(order), _NONE))

    def _forget(self, before: float) -> None:
        while self._all and self._all[0][1] < before:
            key, _ = self._all.popleft()
            known = self._alike.get(key, _NONE)
            while known and known[0][0] < before:
                known.popleft()
            if not known:
                self._alike.pop(key, None)
