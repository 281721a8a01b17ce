"""What the broker tells by itself as sources of data: its clock, and the account of the day."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from fillwright.accounts import Instrument, MarketSession
from fillwright.desk.days import DayBook
from fillwright.desk.market import Market
from fillwright.desk.tasks import end
from fillwright.inputs import Datum, Input, Session, SessionState
from fillwright.protocols import Clock, SessionSource
from fillwright.types import AssetClass

#: The broker has one clock for all symbols: it is asked again when its answer is this old.
SHARED_FOR = timedelta(seconds=10)


class BrokerClock:
    """Supply SESSION and SKEW from an adapter that tells its broker's clock.

    Crypto trades at all hours, so its session is open whatever the clock says.
    """

    supplies = frozenset({Input.SESSION, Input.SKEW})

    def __init__(self, source: SessionSource, market: Market, clock: Clock) -> None:
        self._source = source
        self._market = market
        self._clock = clock
        self._instruments: Mapping[str, Instrument] = market.instruments_view
        self._answer: tuple[datetime, MarketSession] | None = None
        self._asked: asyncio.Task[tuple[datetime, MarketSession]] | None = None

    async def fetch(self, name: str, symbol: str) -> Datum:
        """Ask the broker, or pass on what it said a moment ago. Raises BrokerUnavailable."""
        at, told = await self._told()
        if name == Input.SKEW:
            seconds = Decimal(str((told.at - at).total_seconds()))
            return Datum(name, symbol, seconds, at)
        instrument = self._instruments.get(symbol)
        if instrument is not None and instrument.asset_class is AssetClass.CRYPTO:
            return Datum(name, symbol, Session(SessionState.OPEN), at)
        state = SessionState.OPEN if told.is_open else SessionState.CLOSED
        return Datum(name, symbol, Session(state, told.next_open, told.next_close), at)

    async def _told(self) -> tuple[datetime, MarketSession]:
        """What the broker said, and when by our clock we heard it; callers share one question."""
        now = self._clock.now()
        if self._answer is not None and now - self._answer[0] <= SHARED_FOR:
            return self._answer
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_task(self._ask())
            self._asked.add_done_callback(self._heard)
        return await asyncio.shield(self._asked)

    async def _ask(self) -> tuple[datetime, MarketSession]:
        told = await self._market.ask(self._source.session)
        self._answer = self._clock.now(), told
        return self._answer

    def _heard(self, asked: asyncio.Task[tuple[datetime, MarketSession]]) -> None:
        self._asked = None
        if not asked.cancelled():
            asked.exception()  # whoever still waits is told; nobody need

    async def close(self) -> None:
        """Give up a question that is open; the adapter is closed by the desk."""
        if self._asked is not None:
            await end(self._asked)


class AccountOfTheDay:
    """Supply PNL: each account that comes is heard, and one is asked for when none came lately."""

    supplies = frozenset({Input.PNL})

    def __init__(self, market: Market, days: DayBook) -> None:
        self._market = market
        self._days = days

    async def fetch(self, name: str, symbol: str) -> Datum | None:
        """Ask for the account. Raises BrokerUnavailable."""
        del name, symbol  # there is one account, and one thing to say of it
        return self._days.heard(await self._market.fresh_account())

    async def close(self) -> None:
        """The adapter is closed by the desk."""
