"""What the stream saw of each order: how far it was filled, and by which executions. Pure.

It is bounded: what was not looked at for longest is forgotten. A frame about something forgotten
does not continue what is known, so that it is a gap and never a wrong booking.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Generic, NamedTuple, TypeVar

from fillwright.reports import BrokerOrder, Execution
from fillwright.types import ZERO, OrdStatus, plain

K = TypeVar("K")
V = TypeVar("V")

#: Orders, executions and names that are remembered, each.
MOST = 20_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_CENT = Decimal("0.01")
_FINEST = Decimal("0.000000001")
#: A price or amount from here on is nonsense, and too long to be rounded exactly.
_ABSURD = 15


class Point(NamedTuple):
    """An order at one cumulative quantity [14], with its average price [6] where that is known."""

    filled: Decimal = ZERO
    average: Decimal | None = None


@dataclass(slots=True)
class Track:
    """One order as the stream saw it."""

    #: Where the last execution that was booked led.
    traded: Point = field(default_factory=Point)
    #: The furthest that any frame claimed; behind a gap that is further.
    claimed: Point = field(default_factory=Point)
    #: The newest time that the broker gave a frame about it.
    at: datetime = _LONG_AGO
    #: Status and filled quantity as they were told last.
    told: tuple[OrdStatus, Decimal] | None = None
    #: Whether it is known to have taken the place of the order that it replaces.
    born: bool = False

    def claim(self, order: BrokerOrder) -> None:
        """Note how far a frame says that it was filled."""
        if order.filled >= self.claimed.filled:
            self.claimed = _point(order)

    def trade(self, order: BrokerOrder) -> None:
        """Note where an execution that is booked led."""
        self.traded = _point(order)
        self.claim(order)

    def begin_at(self, order: BrokerOrder) -> None:
        """Take the broker's word for how far it is filled: executions were taken back."""
        self.traded = self.claimed = _point(order)


def _point(order: BrokerOrder) -> Point:
    return Point(order.filled, order.average_price)


class Seen(NamedTuple):
    """An execution that was told, and the broker's own name of it, which nothing else shows."""

    execution: Execution
    name: str | None

    def repeated_by(self, quantity: Decimal, name: str | None) -> bool:
        """Whether a frame with these facts is about the same execution."""
        same = self.name is None or name is None or self.name == name
        return same and self.execution.quantity == quantity


class Bounded(Generic[K, V]):
    """A dictionary of the keys that were used last."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._items: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: K) -> V | None:
        """What is kept under this key."""
        value = self._items.pop(key, None)
        if value is not None:
            self._items[key] = value
        return value

    def keep(self, key: K, value: V) -> V:
        """Keep it, and forget the oldest where there is no room."""
        self._items.pop(key, None)
        self._items[key] = value
        if len(self._items) > self._most:
            del self._items[next(iter(self._items))]
        return value


def price_of(told: Decimal, quantity: Decimal, before: Point, after: Point) -> Decimal | None:
    """The price of the execution that led from one point to the next; None when it is nonsense.

    Alpaca's manual calls the price of a fill event an average price, and nobody has shown whose
    average it is on a partial fill. So it is held against what the order's own averages say: the
    execution is worth filled * average after it, less the same before it. The averages are
    rounded, to the decimals that they show and at least to the cent, so this value may be off by
    one such unit for each share filled. Within that the told price stands; beyond it, it was not
    this execution's, and the derived price counts, to the decimals that it is good for.
    """
    if after.average is None or (before.filled and before.average is None):
        return told
    average = before.average or ZERO
    value = after.filled * after.average - before.filled * average
    derived = value / quantity
    unit = min(_unit(after.average), _unit(average), _CENT)
    doubt = unit * (after.filled + before.filled) / quantity
    if abs(derived - told) <= doubt:
        return told
    if derived <= 0 or derived.adjusted() >= _ABSURD:
        return None
    grain = min(max(Decimal(1).scaleb(doubt.adjusted() + 1), _FINEST), _CENT)
    return plain(derived.quantize(grain, ROUND_HALF_EVEN))


def _unit(average: Decimal) -> Decimal:
    """One of the last decimal that a number shows."""
    _, _, exponent = average.as_tuple()
    return Decimal(1).scaleb(min(int(exponent), 0))
