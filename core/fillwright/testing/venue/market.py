"""One symbol's market at one step: the touch, what of its displayed size is left, who rests."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from fillwright.accounts import Quote
from fillwright.testing.venue.instruments import Listing
from fillwright.testing.venue.prices import Touch
from fillwright.testing.venue.records import RESTS, WAITS, VenueOrder
from fillwright.types import ZERO, BrokerOrderId, OrdType, Side


@dataclass(slots=True)
class Market:
    """Quote and resting orders of one symbol."""

    listing: Listing
    began: datetime
    #: The step whose quote this is; -1 before the first.
    step: int = -1
    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_left: Decimal = ZERO
    ask_left: Decimal = ZERO
    #: A quote that somebody set; it comes back at each step until it is set anew.
    pinned: Touch | None = None
    #: The time that a set quote claims, where it claims one.
    pinned_at: datetime | None = None
    #: Every order that is not ended, held legs included.
    working: dict[BrokerOrderId, VenueOrder] = field(default_factory=dict)
    #: An order that rests may trade now, at this very step: ask all before the next newcomer.
    restless: bool = False
    open_buys: Decimal = ZERO
    open_sells: Decimal = ZERO

    def show(self, touch: Touch, step: int, now: datetime) -> None:
        """Begin a step: a fresh quote with its whole displayed size."""
        self.bid, self.ask, self.bid_left, self.ask_left = touch
        self.step = step
        self.began = now

    def quote(self) -> Quote:
        """The quote with the size that is left."""
        at = self.pinned_at or self.began
        symbol = self.listing.instrument.symbol
        return Quote(symbol, self.bid, self.ask, self.bid_left, self.ask_left, at)

    def mark(self) -> Decimal:
        """A price for what is held: the middle, or what is known."""
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.bid or self.ask or self.listing.price

    def consume(self, side: Side, quantity: Decimal) -> None:
        """Take from the displayed size; it is gone until the next step."""
        if side is Side.BUY:
            self.ask_left -= quantity
        else:
            self.bid_left -= quantity

    def claim(self, order: VenueOrder, quantity: Decimal) -> None:
        """Let an order tie up this much of the position from now on."""
        if order.side is Side.BUY:
            self.open_buys += quantity - order.claim
        else:
            self.open_sells += quantity - order.claim
        order.claim = quantity

    def watch(self, order: VenueOrder) -> bool:
        """Move a trailing stop and pull the trigger; tell whether anything changed."""
        if order.triggered or order.type not in WAITS or order.status in RESTS:
            return False
        touch = self.ask if order.side is Side.BUY else self.bid
        if touch is None:
            return False
        moved = order.type is OrdType.TRAILING_STOP and _trail(order, touch)
        stop = order.stop_price
        if stop is not None:
            order.triggered = touch >= stop if order.side is Side.BUY else touch <= stop
        return moved or order.triggered

    def price_for(self, order: VenueOrder) -> Decimal | None:
        """What the order would trade at now; None when it would not."""
        if order.status in RESTS or (order.type in WAITS and not order.triggered):
            return None
        if order.side is Side.SELL:
            price, limit = self.bid, order.limit_price
            return None if price is None or (limit is not None and price < limit) else price
        price, limit = self.ask, order.limit_price
        if limit is None and order.notional is None:
            # What was held at submit is also the most that a buy at the market may cost.
            limit = order.hold_price
        return None if price is None or (limit is not None and price > limit) else price

    def quantity_for(self, order: VenueOrder, price: Decimal) -> Decimal:
        """How much of the order the displayed size can fill."""
        size = self.ask_left if order.side is Side.BUY else self.bid_left
        if order.quantity is not None:
            wanted = order.quantity - order.filled
            if wanted <= size:
                return wanted
        else:
            wanted = affordable(order, price)
            if wanted <= size:
                return wanted
        return (size / order.lot).to_integral_value(ROUND_DOWN) * order.lot


def affordable(order: VenueOrder, price: Decimal) -> Decimal:
    """What the rest of a buy by notional buys at `price`, in whole steps."""
    rest = (order.notional or ZERO) - order.value
    return (rest / price / order.lot).to_integral_value(ROUND_DOWN) * order.lot


def priority(order: VenueOrder) -> tuple[int, Decimal, int]:
    """Who comes first: the better price, then the earlier place in the queue."""
    if order.limit_price is None:
        return 0, ZERO, order.rank
    price = -order.limit_price if order.side is Side.BUY else order.limit_price
    return 1, price, order.rank


def _trail(order: VenueOrder, touch: Decimal) -> bool:
    best = order.watermark
    if order.side is Side.SELL:
        best = touch if best is None else max(best, touch)
    else:
        best = touch if best is None else min(best, touch)
    if best == order.watermark:
        return False
    order.watermark = best
    distance = order.trail_price or best * (order.trail_percent or ZERO) / 100
    order.stop_price = best - distance if order.side is Side.SELL else best + distance
    return True
