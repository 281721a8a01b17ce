"""One fake broker account as the desk holds it: venue, executor, stream and quotes."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

from fillwright.accounts import MarketSession, TradingDay
from fillwright.protocols import Clock, Executor, QuoteSource, Rng, TradingStream
from fillwright.reports import CancelOutcome
from fillwright.testing.chance import SeededRng
from fillwright.testing.fake_broker.executor import FakeExecutor, FakeQuotes, Wire
from fillwright.testing.fake_broker.faults import FaultyExecutor, FaultyQuotes, Late, Send
from fillwright.testing.fake_broker.faulty_stream import FaultyStream
from fillwright.testing.fake_broker.history import History
from fillwright.testing.fake_broker.script import FaultScript, Kind, On
from fillwright.testing.fake_broker.settings import FakeBrokerSettings
from fillwright.testing.fake_broker.stream import FakeStream
from fillwright.testing.venue import Venue, trading_day


class FakeBroker:
    """Implement `Adapter` on a venue.

    Without `faults` in the settings and without a `script`, nothing stands between the desk and
    the plain executor and stream. A given `venue` is used as it is, and outlives this adapter.
    """

    def __init__(
        self,
        settings: FakeBrokerSettings,
        clock: Clock,
        *,
        rng: Rng | None = None,
        script: FaultScript | None = None,
        venue: Venue | None = None,
    ) -> None:
        chance = rng or SeededRng(settings.seed)
        self._owns_venue = venue is None
        self.venue = venue or Venue(settings, clock, state=settings.state)
        wire = Wire(settings.latency, clock, chance)
        plain = FakeExecutor(self.venue, wire)
        self.executor: Executor = plain
        self._cancel_all: Send[Sequence[CancelOutcome]] = plain.cancel_all
        self.quotes: QuoteSource = FakeQuotes(self.venue, wire)
        self.stream: TradingStream = FakeStream(self.venue, clock, settings.backlog)
        self._late = Late(clock)
        history = History(self.venue, clock)
        lags = any(fault.fault is Kind.LAG for fault in settings.faults)
        if lags or (script is not None and script.may_lag):
            history.start()
        if script is None and settings.faults:
            script = FaultScript(settings.faults, chance)
        self.script = script
        if script is not None:
            self._put_between(script, clock, history)

    async def cancel_all(self) -> Sequence[CancelOutcome]:
        """Ask for the cancel of every open order."""
        return await self._cancel_all()

    async def session(self) -> MarketSession:
        """The venue's clock."""
        return self.venue.session()

    async def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        """The days on which the venue opens, by its regular hours; there are no holidays."""
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        found = (trading_day(self.venue.settings.hours, day) for day in days)
        return [day for day in found if day is not None]

    async def close(self) -> None:
        """Stop the stream, give up what was late, let go of the state file."""
        await self.stream.close()
        await self._late.close()
        if self._owns_venue:
            self.venue.close()

    def _put_between(self, script: FaultScript, clock: Clock, history: History) -> None:
        faulty = FaultyExecutor(self.executor, script, clock, history, self._late)
        self._cancel_all = partial(
            faulty.request, On.CANCEL_ALL, "all open orders", self._cancel_all
        )
        self.executor = faulty
        self.quotes = FaultyQuotes(self.quotes, script, clock)
        self.stream = FaultyStream(self.stream, script, clock, self._late)
