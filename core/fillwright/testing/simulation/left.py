"""What left for the broker, and on which judgement: kept outside of any process.

Rules:
1. Each time that the checks are asked about a content, the judgement gets the next number, so that
   of two orders it is known which one was judged with the other in view.
2. What is proven not to have left is no departure.
3. A departure is `opening` when it certainly did not only reduce: by what the venue shows now, and
   by what was judged before. What staff or strangers stirred is never certain.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from fillwright.orders import Order, original_id
from fillwright.testing.simulation.moves import PRICES
from fillwright.testing.venue import VenueOrder
from fillwright.types import ZERO, ClientOrderId, OrderClass, OrdStatus

#: No quote, no limit and no fill of a scenario lies below this part of a symbol's price.
_LOWEST: Final = Decimal("0.9")
#: Says of an order whether something holds.
Under = Callable[[ClientOrderId], bool]
_WITH_LEGS: Final = frozenset({OrderClass.BRACKET, OrderClass.OTO})


class Judged(NamedTuple):
    """When the checks were asked last about one content."""

    number: int
    #: By the desk's clock.
    at: datetime


@dataclass(slots=True)
class Left:
    """One new order or one change that left; `order` is what would stand then.

    `asked` is the order before a control made it smaller.
    """

    number: int
    at: datetime
    key: ClientOrderId
    order: Order
    asked: Order
    change: bool
    opening: bool = False
    unsent: bool = False

    @property
    def price(self) -> Decimal:
        """The least that one share of it can have counted for."""
        return self.order.limit_price or PRICES[self.order.symbol] * _LOWEST


@dataclass(slots=True)
class Track:
    """One order in all its versions, and what the venue shows of it."""

    key: ClientOrderId
    versions: list[Left]
    filled: Decimal = ZERO
    leaves: Decimal = ZERO
    #: At the venue and not ended, or on its way there.
    alive: bool = False
    #: As it works at the venue.
    resting: VenueOrder | None = None
    #: The desk gave it up behind the fence: what it still does is outside of all limits.
    given_up: bool = False

    @property
    def order(self) -> Order:
        """As it left first."""
        return self.versions[0].order

    @property
    def number(self) -> int:
        """Its first judgement."""
        return self.versions[0].number

    @property
    def certain(self) -> bool:
        """Whether each version of it was opening."""
        return all(one.opening for one in self.versions)

    def reach(self, number: int) -> Decimal:
        """What filled and may still fill, as little as judgement `number` can have known of it."""
        known = [one.order.quantity or ZERO for one in self.versions if one.number <= number]
        return min(self.filled + self.leaves, max(min(known, default=ZERO), self.filled))

    def worth(self, number: int, *, opening: bool = False) -> Decimal:
        """The least that it can have counted for in totals by judgement `number`."""
        known = [v for v in self.versions if v.number <= number and (v.opening or not opening)]
        if not known or (opening and not self.versions[0].opening):
            return ZERO
        return max(v.order.quantity or ZERO for v in known) * min(v.price for v in known)


@dataclass
class Departures:
    """Everything that left in one scenario."""

    #: The tables of `[risk]` that the scenario has drawn.
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The checks of a desk.toml are asked instead, whose limits nobody here knows.
    own: bool = False
    judged: dict[str, Judged] = field(default_factory=dict)
    #: What each control said at the newest judgement of a content: whether it allowed it.
    said: dict[str, dict[str, bool]] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    #: The newest judgement when a person last lifted a halt.
    attended: int = 0
    #: Somebody set the desk's clock.
    jumped: bool = False
    #: For each intent the newest question that no control had answered by a smaller quantity.
    _wanted: dict[str | None, tuple[datetime, Order]] = field(default_factory=dict)
    _numbers: int = 0

    def judge(self, order: Order, content: str, at: datetime) -> None:
        """The checks are asked about it; `content` is its own."""
        self._numbers += 1
        self.judged[content], self.said[content] = Judged(self._numbers, at), {}
        before = self._wanted.get(order.intent_id)
        if before is None or not _made_smaller(order, at, *before):
            self._wanted[order.intent_id] = (at, order)

    @property
    def kept(self) -> bool:
        """Whether anybody is asked on whose word an order leaves; else nothing is kept."""
        return self.own or bool(self.settings)

    def attend(self) -> None:
        """A person looked."""
        self.attended = self._numbers

    def leaves(
        self, key: ClientOrderId, order: Order, asked: Order | None, *, change: bool
    ) -> Left | None:
        """It leaves; None when it left before, or when nobody was asked about it.

        Without `asked` it is what the checks were asked about before one made it smaller.
        """
        judged = self.judged.get(order.content().decode())
        if judged is None or (not change and self._went(key)):
            return None
        if asked is None:
            at, wanted = self._wanted[order.intent_id]
            asked = wanted if _made_smaller(order, at, at, wanted) else order
        one = Left(judged.number, judged.at, key, order, asked, change)
        self.left.append(one)
        return one

    def never_left(self, key: ClientOrderId, *, change: bool) -> None:
        """The newest of these is proven not to have left."""
        mine = [one for one in self.left if one.key == key and one.change is change]
        if mine:
            mine[-1].unsent = True

    def _went(self, key: ClientOrderId) -> bool:
        return any(one.key == key and not (one.change or one.unsent) for one in self.left)

    def in_order(self) -> list[Left]:
        """What left, in the order in which it was judged."""
        return sorted((o for o in self.left if not o.unsent), key=lambda one: one.number)

    def tracks(
        self, orders: Iterable[VenueOrder], *, under_way: Under, given_up: Under
    ) -> list[Track]:
        """Every order that left, as the venue has it, and whether it may still arrive there."""
        tracks: dict[ClientOrderId, Track] = {}
        for one in self.in_order():
            tracks.setdefault(one.key, Track(one.key, [])).versions.append(one)
        there: set[ClientOrderId] = set()
        for order in orders:
            key = original_id(order.client_order_id)
            there.add(key)
            track = tracks.get(key)
            if track is not None and order.parent is None:
                _show(track, order)
        for key, track in tracks.items():
            if key not in there and under_way(key):
                track.alive, track.leaves = True, track.order.quantity or ZERO
            if given_up(key):
                track.alive, track.leaves, track.given_up = False, ZERO, True
        return list(tracks.values())


def _made_smaller(order: Order, at: datetime, then: datetime, wanted: Order) -> bool:
    """Whether a control made it of `wanted` in the same chain of questions."""
    return at == then and order == wanted.model_copy(update={"quantity": order.quantity})


def _show(track: Track, order: VenueOrder) -> None:
    track.filled = max(track.filled, order.filled)
    if order.ended or order.waits_to_replace or order.status is OrdStatus.REPLACED:
        return
    track.alive = True
    track.leaves += order.leaves
    if order.status is not OrdStatus.PENDING_NEW:
        track.resting = order


def is_opening(one: Left, tracks: Iterable[Track], held: Decimal) -> bool:
    """Whether it certainly did not only reduce `held`, what the scenario began with."""
    order = one.order
    if order.order_class in _WITH_LEGS or order.quantity is None:
        return True
    room = order.side.sign * -held
    for track in tracks:
        if track.key == one.key or track.number > one.number or track.order.symbol != order.symbol:
            continue
        if track.order.side is order.side:
            room -= ZERO if track.given_up else track.reach(one.number)
        else:
            room += track.filled
    mine = next((track.filled for track in tracks if track.key == one.key), ZERO)
    return room < max(order.quantity, mine)
