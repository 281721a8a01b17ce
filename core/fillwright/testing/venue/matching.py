"""The turn of time: steps, sessions, triggers, and who trades with the displayed size."""

from collections.abc import Iterable
from datetime import UTC, datetime

from fillwright.testing.venue.books import Books
from fillwright.testing.venue.floor import Floor
from fillwright.testing.venue.instruments import Listing
from fillwright.testing.venue.market import Market, priority
from fillwright.testing.venue.prices import QuotePath
from fillwright.testing.venue.records import VenueOrder
from fillwright.testing.venue.session import Phase, next_change, phase_at
from fillwright.testing.venue.settings import VenueSettings
from fillwright.testing.venue.tape import Tape
from fillwright.types import ZERO, AssetClass, ExecType, OrdStatus, TimeInForce

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_AUCTIONS = {TimeInForce.OPG: "not filled at the open", TimeInForce.CLS: "not filled at the close"}
#: Steps that are made up for after a pause; what lay before them is skipped.
MAX_CATCH_UP = 200


class Matching:
    """Move the markets on and let orders trade.

    At each step the displayed size is whole again. Who rests trades first, by price and then
    by time; a newcomer trades with what is left.
    """

    def __init__(
        self,
        settings: VenueSettings,
        books: Books,
        tape: Tape,
        listings: dict[str, Listing],
        path: QuotePath,
    ) -> None:
        self.listings = listings
        self.markets: dict[str, Market] = {}
        self.now = _EPOCH
        #: Nothing happens by itself before this moment.
        self.boundary = _EPOCH
        self._settings = settings
        self._books = books
        self._path = path
        self.floor = Floor(books, tape, self.market)

    def start(self, now: datetime) -> None:
        """Take up the time: from `now` on, or from where the books were left."""
        begin = self._books.seen or now
        self.set_now(begin)
        self._books.step = self._step_of(begin)
        if self._books.seen is None:
            self._books.phase = phase_at(self._settings.hours, now)
        for order in self._books.orders.values():
            if not order.ended:
                self._adopt(order)
        self.advance(max(begin, now))

    def _adopt(self, order: VenueOrder) -> None:
        """Put an order of restored books back to work, with its holds."""
        market = self.market(order.symbol)
        if not order.waits_to_replace:
            market.working[order.broker_order_id] = order
            market.restless = True
        claim, order.claim = order.claim, ZERO
        market.claim(order, claim)
        self._books.held += order.held

    def market(self, symbol: str) -> Market:
        """The market of a listed symbol, at this step."""
        market = self.markets.get(symbol)
        if market is None:
            market = self.markets[symbol] = Market(self.listings[symbol], self.now)
        self.refresh(market)
        return market

    def refresh(self, market: Market) -> None:
        """Show the quote of this step, once."""
        step = self._books.step
        if market.step == step:
            return
        touch = market.pinned or self._path.at(market.listing, step, self.now)
        market.show(touch, step, self.now)

    def advance(self, now: datetime) -> None:
        """Let everything happen that was to happen until `now`, in order of time."""
        while not self._books.manual_session:
            change = next_change(self._settings.hours, self.now)
            if change > now:
                break
            self._run_steps(change)
            self._turn_session(change)
        self._run_steps(now)
        self._set_boundary()

    def step(self) -> None:
        """Make one step now."""
        self._books.extra_steps += 1
        self._books.step += 1
        self._books.changed = True
        self._match_all()

    def take(self, order: VenueOrder, market: Market) -> None:
        """Let a newcomer trade, or rest, or end at once when it may not rest."""
        market.watch(order)
        if market.restless:
            self.match(market)
        else:
            self._try(order, market)
        if order.time_in_force in _AT_ONCE and not order.ended:
            self.floor.end(order, OrdStatus.CANCELED, f"{order.time_in_force}: no more to be had")

    def match(self, market: Market) -> None:
        """Let everyone who rests in this market trade, in order of price and time."""
        market.restless = False
        for order in market.working.values():
            if market.watch(order):
                self._books.touch(order)
        ready = [order for order in market.working.values() if market.price_for(order)]
        for order in sorted(ready, key=priority):
            if not order.ended:
                self._try(order, market)

    def close(self, phase: Phase) -> None:
        """Leave the session: the closing auction, then the end of DAY orders."""
        self._auction(TimeInForce.CLS)
        self._books.close_day(self.floor.mark)
        self._books.phase = phase
        self._expire_day(extended=False)
        if phase is Phase.CLOSED:
            self._expire_day(extended=True)

    def open(self) -> None:
        """Begin a session: the opening auction, and those that were done for a day return."""
        self._books.phase = Phase.OPEN
        self._release_queued()
        for order in self._working():
            if order.status is OrdStatus.DONE_FOR_DAY:
                self.floor.set_status(order, order.standing, ExecType.RESTATED, "")
        self._auction(TimeInForce.OPG)
        self._match_all()

    def serves(self, order: VenueOrder, market: Market) -> bool:
        """Whether the market is open for this order."""
        if self._books.phase is Phase.OPEN:
            return True
        if market.listing.instrument.asset_class is AssetClass.CRYPTO:
            return True
        return order.extended_hours and self._books.phase is not Phase.CLOSED

    def set_now(self, now: datetime) -> None:
        """Let the venue's time be `now`, with nothing due until then."""
        self.now = self.floor.now = now

    def _set_boundary(self) -> None:
        interval = self._settings.interval
        moments = [next_change(self._settings.hours, self.now)]
        moments += [o.expire_time for o in self._working() if o.expire_time is not None]
        if interval:
            own = self._books.step - self._books.extra_steps
            moments.append(_EPOCH + (own + 1) * interval)
        self.boundary = min(moments)

    def _step_of(self, now: datetime) -> int:
        interval = self._settings.interval
        if not interval:
            return self._books.step
        return (now - _EPOCH) // interval + self._books.extra_steps

    def _run_steps(self, until: datetime) -> None:
        target = self._step_of(until)
        missed = target - self._books.step
        if missed > 0:
            busy = any(market.working for market in self.markets.values())
            steps = min(missed, MAX_CATCH_UP) if busy else 0
            for step in range(target - steps + 1, target + 1):
                self._books.step = step
                own = step - self._books.extra_steps
                self.set_now(max(self.now, _EPOCH + own * self._settings.interval))
                self._match_all()
            self._books.step = target
        self.set_now(max(self.now, until))
        self._expire_dated()

    def _match_all(self) -> None:
        self._expire_dated()
        for market in self.markets.values():
            if not market.working:
                continue
            self.refresh(market)
            self.match(market)
            self._settle_pending(market)

    def _try(self, order: VenueOrder, market: Market) -> None:
        if not self._in_session(order, market):
            return
        price = market.price_for(order)
        if price is None:
            return
        if order.time_in_force is TimeInForce.FOK and not self._fits(order, market):
            return
        self.floor.trade(order, market, price)

    def _fits(self, order: VenueOrder, market: Market) -> bool:
        price = market.price_for(order)
        size = market.ask_left if order.side.sign > 0 else market.bid_left
        wanted = order.leaves
        if order.notional is not None and order.quantity is None and price is not None:
            wanted = (order.notional - order.value) / price
        return wanted <= size

    def _in_session(self, order: VenueOrder, market: Market) -> bool:
        if order.symbol in self._books.halted or order.time_in_force in _AUCTIONS:
            return False
        return self.serves(order, market)

    def _settle_pending(self, market: Market) -> None:
        due = [o for o in market.working.values() if o.due is not None]
        for order in due:
            if order.ended or order.due is None or order.due > self._books.step:
                continue
            if order.status is OrdStatus.PENDING_CANCEL:
                self.floor.end(order, OrdStatus.CANCELED)
            elif order.successor is not None:
                self.floor.settle_replace(order, market)

    def _release_queued(self) -> None:
        """Acknowledge the orders that waited for their market to open."""
        for order in self._working():
            if order.queued and self.serves(order, self.market(order.symbol)):
                order.queued = False
                self.floor.say(ExecType.NEW, order)

    def _working(self) -> Iterable[VenueOrder]:
        return [o for market in self.markets.values() for o in market.working.values()]

    def _expire_dated(self) -> None:
        for market in self.markets.values():
            if market.working:
                self._expire_in(market)

    def _expire_in(self, market: Market) -> None:
        for order in tuple(market.working.values()):
            if order.expire_time is not None and order.expire_time <= self.now:
                self.floor.end(order, OrdStatus.EXPIRED, "expire_time reached")

    def _expire_day(self, *, extended: bool) -> None:
        for order in self._working():
            if order.time_in_force is not TimeInForce.DAY or order.ended:
                continue
            if order.extended_hours is extended:
                self.floor.end(order, OrdStatus.EXPIRED, "end of day")

    def _auction(self, kind: TimeInForce) -> None:
        """Trade those who wait for an auction at the touch, and end what is left of them."""
        for market in self.markets.values():
            waiting = [o for o in market.working.values() if o.time_in_force is kind]
            if not waiting:
                continue
            self.refresh(market)
            for order in sorted(waiting, key=priority):
                price = market.price_for(order)
                if price is not None and order.symbol not in self._books.halted:
                    self.floor.trade(order, market, price)
                self.floor.end(order, OrdStatus.EXPIRED, _AUCTIONS[kind])

    def _turn_session(self, now: datetime) -> None:
        """Follow the calendar at one of its moments."""
        before, after = self._books.phase, phase_at(self._settings.hours, now)
        self.set_now(now)
        self._books.phase = after
        self._books.changed = True
        if before is Phase.OPEN:
            self.close(after)
        elif after is Phase.CLOSED:
            self._expire_day(extended=True)
        if after is Phase.OPEN:
            self.open()
        else:
            self._release_queued()
            self._match_all()
