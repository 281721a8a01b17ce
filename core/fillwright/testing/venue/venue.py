"""The venue: one account at one deterministic broker, synchronous, with the time from its clock.

1. The same settings, clock and calls give the same history.
2. A change is safe in the state file before its answer or report goes out.
3. What was missed is not repeated: reports go to who listens, and the books tell the rest.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType

from fillwright.accounts import Account, Instrument, MarketSession, Position, Quote
from fillwright.errors import ConfigError, UnknownSymbol
from fillwright.orders import Order, OrderChange
from fillwright.protocols import Clock, Json
from fillwright.reports import Cursor, Fill, Page
from fillwright.testing.venue.admission import Admission
from fillwright.testing.venue.books import Books
from fillwright.testing.venue.changes import Changes
from fillwright.testing.venue.control import Control
from fillwright.testing.venue.instruments import Listing, listed
from fillwright.testing.venue.legs import legs_of
from fillwright.testing.venue.market import Market
from fillwright.testing.venue.matching import Matching
from fillwright.testing.venue.prices import SeededPath, Touch, read_quotes
from fillwright.testing.venue.records import VenueOrder
from fillwright.testing.venue.refusals import Refused, Why
from fillwright.testing.venue.session import Phase, next_time
from fillwright.testing.venue.settings import Replay, VenueSettings
from fillwright.testing.venue.store import Store
from fillwright.testing.venue.tape import Listener, Tape
from fillwright.types import ZERO, BrokerOrderId, ClientOrderId, OrderClass


class Venue:
    """Take orders, match them against quotes, and keep the account's books.

    Nothing runs by itself: time passes when a method is called. With `state`, the books live in
    that file and outlive the process. Orders that are handed out are the venue's own records:
    look at them, or take a `snapshot()`.
    """

    def __init__(self, settings: VenueSettings, clock: Clock, *, state: Path | None = None) -> None:
        self.settings = settings
        self._clock = clock
        file = read_quotes(settings.quotes) if settings.quotes is not None else None
        listings = listed(settings.instruments, file.symbols() if file else {})
        _check_listed(settings.positions, listings, "positions")
        now = clock.now()
        self._store = Store(state, settings.account_id) if state is not None else None
        known = self._store.load(settings.multiplier) if self._store else None
        self._books = known or _new_books(settings, listings, now)
        _check_listed(self._books.holdings, listings, f"state {state}")
        _check_listed((o.symbol for o in self._books.orders.values()), listings, f"state {state}")
        if file is not None and settings.replay is Replay.START:
            file.shift = self._books.began - file.first
        path = file or SeededPath(settings.seed, settings.volatility, settings.depth)
        self._tape = Tape(self._books)
        self._ending = _Turn(self._finish)
        self._matching = Matching(settings, self._books, self._tape, listings, path)
        self._admission = Admission(settings, self._books, self._matching)
        self._changes = Changes(settings, self._books, self._matching, self._admission)
        self.control = Control(self._books, self._tape, self._matching, self._turn)
        self._matching.start(now)
        self._finish()

    @property
    def books(self) -> Books:
        """The books as they stand, for those who show them: look and change nothing.

        Looking lets no time pass.
        """
        return self._books

    @property
    def step_number(self) -> int:
        """The step at which the venue stands."""
        return self._books.step

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hand every report from now on to `listener`; call the result to stop."""
        return self._tape.listen(listener)

    def submit(self, order: Order, client_order_id: ClientOrderId) -> VenueOrder:
        """Take an order and match it.

        Raises `Refused`, or `DuplicateClientOrderId` for an id that was ever used before.
        """
        self._begin()
        try:
            record, market = self._admission.admit(order, client_order_id)
            floor = self._matching.floor
            if self.settings.queue_when_closed:
                record.queued = not self._matching.serves(record, market)
            if order.order_class is OrderClass.SIMPLE:
                floor.enter(record, market)
            else:
                for one in (record, *legs_of(order, record, self._books)):
                    floor.enter(one, market)
                market.restless = True
            if record.expire_time is not None:
                self._matching.boundary = min(self._matching.boundary, record.expire_time)
            self._matching.take(record, market)
            return record
        finally:
            self._finish()

    def cancel(self, broker_order_id: BrokerOrderId) -> VenueOrder:
        """Take a cancel; raises `Refused`."""
        with self._turn():
            order = self._existing(broker_order_id)
            self._changes.cancel(order)
            return order

    def replace(
        self,
        broker_order_id: BrokerOrderId,
        change: OrderChange,
        client_order_id: ClientOrderId | None = None,
    ) -> VenueOrder:
        """Take a replace and return the order that stands afterwards; raises `Refused`.

        Without a client order id of its own it keeps that of the order it replaces.
        """
        with self._turn():
            order = self._existing(broker_order_id)
            return self._changes.replace(order, change, client_order_id or order.client_order_id)

    def find(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """The newest order with this client order id, ended ones included."""
        with self._turn():
            return self._books.by_client.get(client_order_id)

    def order(self, broker_order_id: BrokerOrderId) -> VenueOrder | None:
        """The order with this id."""
        with self._turn():
            return self._books.orders.get(broker_order_id)

    def orders(self) -> Sequence[VenueOrder]:
        """Every order that was ever taken, oldest first."""
        with self._turn():
            return list(self._books.orders.values())

    def open_orders(self) -> Sequence[VenueOrder]:
        """Every order that is not ended, held legs included, oldest first."""
        with self._turn():
            markets = self._matching.markets.values()
            found = [order for market in markets for order in market.working.values()]
            return sorted(found, key=lambda order: order.broker_order_id)

    def executions(self, since: Cursor | None = None) -> Page[Fill]:
        """Every execution, bust and correction since the cursor."""
        with self._turn():
            fills = self._books.fills
            start = int(since) if since is not None else 0
            return Page(tuple(fills[start:]), Cursor(str(len(fills))))

    def account(self) -> Account:
        """Balances and positions now."""
        with self._turn():
            books, floor = self._books, self._matching.floor
            positions = {symbol: self._position(symbol) for symbol in sorted(books.holdings)}
            worth = sum(
                (p.quantity * (p.market_price or ZERO) for p in positions.values()), start=ZERO
            )
            return Account(
                self.settings.account_id,
                "USD",
                books.cash,
                max(floor.buying_power(), ZERO),
                books.cash + worth,
                self._matching.now,
                MappingProxyType(positions),
                books.blocked,
            )

    def session(self) -> MarketSession:
        """The venue's clock, and whether it is open; staff may have closed it by hand."""
        with self._turn():
            now, hours = self._matching.now, self.settings.hours
            opens, closes = (next_time(hours, now, opens=one) for one in (True, False))
            return MarketSession(now, self._books.phase is Phase.OPEN, opens, closes)

    def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol; raises `UnknownSymbol`."""
        return self.listing(symbol).instrument

    def instruments(self) -> Sequence[Instrument]:
        """The rules of every listed symbol."""
        return [listing.instrument for listing in self._matching.listings.values()]

    def listing(self, symbol: str) -> Listing:
        """The rules and the base price of one symbol; raises `UnknownSymbol`."""
        if symbol not in self._matching.listings:
            raise UnknownSymbol(symbol)
        return self._matching.listings[symbol]

    def buying_power(self) -> Decimal:
        """What new buys may cost now; below zero when the market turned on the account."""
        with self._turn():
            return self._matching.floor.buying_power()

    def keep_note(self, name: str, value: Json) -> None:
        """Keep something in the books' notes, under a name."""
        with self._turn():
            self._books.notes[name] = value
            self._books.changed = True

    def quote(self, symbol: str) -> Quote:
        """The quote now, with the displayed size that is left; raises `UnknownSymbol`."""
        with self._turn():
            return self._market(symbol).quote()

    def set_quote(self, symbol: str, touch: Touch | None, *, at: datetime | None = None) -> None:
        """Show this touch from now on, fresh at each step; None goes back to the path.

        `at` is the time that the quote claims, for quotes that are to look stale.
        """
        with self._turn():
            market = self._market(symbol)
            market.pinned, market.pinned_at = touch, at
            market.step = -1
            self._matching.refresh(market)
            self._matching.match(market)

    def advance(self) -> None:
        """Let everything happen that was to happen until now."""
        self._begin()
        self._finish()

    def step(self, count: int = 1) -> None:
        """Make some steps at once, whatever the clock says."""
        with self._turn():
            for _ in range(count):
                self._matching.step()

    def close(self) -> None:
        """Let go of the state file."""
        if self._store is not None:
            self._store.close()

    def _begin(self) -> None:
        now = self._clock.now()
        if now >= self._matching.boundary:
            self._matching.advance(now)
        elif now > self._matching.now:
            self._matching.set_now(now)

    def _finish(self) -> None:
        books = self._books
        if books.changed:
            books.seen = self._matching.now
            if self._store is not None:
                self._store.save(books)
            books.changed = False
            books.changed_orders.clear()
            books.changed_symbols.clear()
        self._tape.flush()

    def _turn(self) -> "_Turn":
        """Everything that was to happen until now, then what stands under `with`."""
        self._begin()
        return self._ending

    def _market(self, symbol: str) -> Market:
        if symbol not in self._matching.listings:
            raise UnknownSymbol(symbol)
        return self._matching.market(symbol)

    def _existing(self, broker_order_id: BrokerOrderId) -> VenueOrder:
        order = self._books.orders.get(broker_order_id)
        if order is None:
            raise Refused(broker_order_id, Why.ORDER_NOT_FOUND, "order not found")
        return order

    def _position(self, symbol: str) -> Position:
        holding = self._books.holdings[symbol]
        market = self._matching.market(symbol)
        tied = market.open_sells if holding.quantity > 0 else -market.open_buys
        return Position(
            symbol,
            holding.quantity,
            holding.quantity - tied,
            holding.average_price,
            market.mark(),
        )


class _Turn:
    """Finish a turn of the venue when a `with` ends; it holds nothing, so one serves them all."""

    __slots__ = ("_finish",)

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish

    def __enter__(self) -> None:
        """It began already."""

    def __exit__(self, *_fault: object) -> None:
        self._finish()


def _check_listed(symbols: Iterable[str], listings: dict[str, Listing], where: str) -> None:
    for symbol in symbols:
        if symbol not in listings:
            raise ConfigError(where, f"{symbol} is not listed", "Add it to instruments")


def _new_books(settings: VenueSettings, listings: dict[str, Listing], now: datetime) -> Books:
    # The tail of a UUID: whose venue it is, and when it began.
    whose = blake2b(settings.account_id.encode(), digest_size=5).hexdigest()
    began = f"{int(now.timestamp() * 1000):012x}"
    tag = f"{whose[:4]}-4{whose[4:7]}-8{whose[7:]}-{began}"
    books = Books(tag, now, settings.cash, settings.multiplier)
    for symbol, quantity in settings.positions.items():
        if quantity:
            books.open_with(symbol, quantity, listings[symbol].price)
    books.close_day(lambda symbol: listings[symbol].price)
    return books
