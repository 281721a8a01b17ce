"""One account of the paper server: its names, its venue, its rates, and who listens to it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fillwright.protocols import Clock, Json
from fillwright.reports import ExecutionReport
from fillwright.testing.paper_server.events import messages_of
from fillwright.testing.paper_server.hours import gtc_end
from fillwright.testing.paper_server.names import letters_of, uuid_of
from fillwright.testing.paper_server.rates import RateWindow
from fillwright.testing.paper_server.settings import PaperServerSettings
from fillwright.testing.venue import LISTINGS, ListingSettings, Refused, Venue
from fillwright.types import AssetClass, ClientOrderId, TimeInForce

Listener = Callable[[dict[str, Json]], None]
#: No GTC order is canceled sooner after its creation.
_GTC_LEAST = timedelta(days=89)


class PaperAccount:
    """An account whose names follow from the seed and its number, the first being 1."""

    def __init__(
        self,
        settings: PaperServerSettings,
        clock: Clock,
        number: int,
        *,
        state: Path | None = None,
    ) -> None:
        parts = (settings.seed, number)
        self.number = number
        self.key = "PK" + letters_of(18, "key", *parts)
        self.secret = letters_of(40, "secret", *parts)
        self.account_id = uuid_of("account", *parts)
        self.account_number = "PA3" + letters_of(9, "number", *parts)
        self.settings = settings.model_copy(
            update={"account_id": self.account_id, "instruments": _instruments(settings)}
        )
        self.rates = RateWindow(settings.requests_per_minute)
        self.data_rates = RateWindow(settings.data_requests_per_minute)
        self.venue = Venue(self.settings, clock, state=state)
        self._clock = clock
        self._listeners: list[Listener] = []
        self._sweep_at = datetime(1970, 1, 1, tzinfo=UTC)
        self.venue.listen(self._take)

    def __repr__(self) -> str:
        return f"<PaperAccount {self.account_number} key {self.key}>"

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hand the `data` of each trade_updates message to `listener`; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def advance(self) -> datetime:
        """Let everything happen that was to happen until now; return that now."""
        now = self._clock.now()
        self.venue.advance()
        if now >= self._sweep_at:
            self._cancel_old_orders(now)
        return now

    def new_client_order_id(self) -> ClientOrderId:
        """A client order id of the server's making, for the next order."""
        books = self.venue.books
        return ClientOrderId(uuid_of("client", books.tag, books.orders_made + 1))

    def _take(self, report: ExecutionReport) -> None:
        if not self._listeners:
            return
        pending_new = self.settings.pending_new_events
        for message in messages_of(self.venue, report, pending_new=pending_new):
            for listener in tuple(self._listeners):
                listener(message)

    def _cancel_old_orders(self, now: datetime) -> None:
        """Cancel the GTC orders whose ninety days are over."""
        ends = [now + _GTC_LEAST]
        for order in self.venue.open_orders():
            if order.time_in_force is not TimeInForce.GTC or order.ended:
                continue
            if gtc_end(order.submitted_at) > now:
                ends.append(gtc_end(order.submitted_at))
                continue
            try:
                self.venue.cancel(order.broker_order_id)
            except Refused:
                # A cancel or replace of it is under way already.
                ends.append(now + timedelta(hours=1))
        self._sweep_at = min(ends)


def _instruments(settings: PaperServerSettings) -> dict[str, ListingSettings]:
    """The settings' own instruments, where a coin has no whole lots: any quantity is as good."""
    changed = dict(settings.instruments)
    coins = [s for s, listing in LISTINGS.items() if _is_coin(listing.instrument.asset_class)]
    coins += [s for s, change in changed.items() if _is_coin(change.asset_class)]
    for symbol in coins:
        change = changed.get(symbol, ListingSettings())
        if change.lot is None:
            fraction = change.fraction or LISTINGS["BTC/USD"].instrument.fraction
            changed[symbol] = change.model_copy(update={"lot": fraction})
    return changed


def _is_coin(asset_class: AssetClass | None) -> bool:
    return asset_class is AssetClass.CRYPTO
