"""Remember the names of every order that Alpaca showed: fills tell only its own id. Pure.

Rules:
1. Stream and questions share one memory, used on the loop's thread alone.
2. It is bounded: the order that was not looked at for longest is forgotten, and asked for again.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from fillwright.reports import BrokerOrder
from fillwright.types import ClientOrderId, Side
from fillwright_alpaca.messages import Raw, broker_order, list_of, object_of

#: Orders that are remembered.
MOST = 20_000


class Names(NamedTuple):
    """What an order is called, by whatever of its names one asks."""

    client_order_id: ClientOrderId | None
    #: The client order id of the entry whose leg it is.
    parent: ClientOrderId | None
    symbol: str
    side: Side


class KnownOrders:
    """Every order that was seen, by Alpaca's own id."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._names: dict[str, Names] = {}
        #: Whether any order with legs was seen since the start.
        self.any_legs = False

    def __len__(self) -> int:
        return len(self._names)

    def get(self, order_id: str) -> Names | None:
        """What is known of this order."""
        names = self._names.pop(order_id, None)
        if names is not None:
            self._names[order_id] = names
        return names

    def learn(self, raw: object) -> tuple[BrokerOrder, ...]:
        """Read an order and remember it: itself first, then its legs, each with its parent.

        The parent of an order with legs of its own sizes stands for no order and is left out.
        Raises `Unreadable`.
        """
        orders = tuple(self._read(object_of(raw, "order")))
        for order in orders:
            self._remember(order)
        return orders

    def _read(self, raw: Raw) -> Iterator[BrokerOrder]:
        legs = list_of(raw["legs"], "order's legs") if raw.get("legs") else []
        if legs or str(raw.get("order_class")) in _WITH_LEGS:
            self.any_legs = True
        if legs and raw.get("order_class") == "mleg" and not raw.get("symbol"):
            entry = None
        else:
            order_id = raw.get("id")
            known = self._names.get(order_id) if isinstance(order_id, str) else None
            order = broker_order(raw, known.parent if known else None)
            if known and order.client_order_id is None:
                order = replace(order, client_order_id=known.client_order_id)
            entry = order.client_order_id
            yield order
        for leg in legs:
            yield broker_order(object_of(leg, "order's leg"), entry)

    def _remember(self, order: BrokerOrder) -> None:
        names = Names(order.client_order_id, order.parent, order.symbol, order.side)
        self._names.pop(order.broker_order_id, None)
        self._names[order.broker_order_id] = names
        if len(self._names) > self._most:
            del self._names[next(iter(self._names))]


_WITH_LEGS = frozenset({"bracket", "oco", "oto", "mleg"})
