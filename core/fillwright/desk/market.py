"""Quotes, instrument rules and the account, kept fresh enough for the gate.

What could not be had is simply not here: the checks that need it refuse.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

from fillwright.accounts import Account, Instrument, Quote
from fillwright.desk.funds import Funds
from fillwright.errors import BrokerUnavailable, UnknownSymbol, fault_text
from fillwright.logs import get_logger
from fillwright.orders import Order
from fillwright.protocols import Adapter, Clock
from fillwright.resilience import CircuitBreaker, Lane, Limiter
from fillwright.types import ZERO

_log = get_logger(__name__)
T = TypeVar("T")


class Market:
    """The facts of the outside world, each with its age."""

    def __init__(
        self,
        adapter: Adapter,
        *,
        clock: Clock,
        limiter: Limiter,
        breaker: CircuitBreaker,
        funds: Funds,
        max_age: float,
    ) -> None:
        self._adapter = adapter
        self._clock = clock
        self._limiter = limiter
        self._breaker = breaker
        self._funds = funds
        self._max_age = timedelta(seconds=max_age)
        self._refresh = timedelta(seconds=max_age / 2)
        self._asked: dict[str, asyncio.Task[None]] = {}
        self.quotes: dict[str, Quote] = {}
        self.instruments: dict[str, Instrument] = {}
        self.instruments_view: Mapping[str, Instrument] = MappingProxyType(self.instruments)
        self.unknown: set[str] = set()
        self.account: Account | None = None
        self._quotes_view: Mapping[str, Quote] | None = None

    def quotes_view(self) -> Mapping[str, Quote]:
        """All quotes as they are now, frozen; one copy until something changes."""
        if self._quotes_view is None:
            self._quotes_view = MappingProxyType(self.quotes.copy())
        return self._quotes_view

    def has(self, order: Order) -> bool:
        """Whether everything that the gate may ask about this order is here and fresh."""
        if order.symbol not in self.instruments:
            return order.symbol in self.unknown
        quote = self.quotes.get(order.symbol)
        return quote is not None and quote.age(self._clock.now()) < self._refresh

    async def prepare(self, symbol: str) -> None:
        """Get rules and a fresh quote of one symbol; several callers share one request."""
        task = self._asked.get(symbol)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._prepare(symbol))
            self._asked[symbol] = task
            task.add_done_callback(lambda _: self._asked.pop(symbol, None))
        await asyncio.shield(task)

    async def close(self) -> None:
        """Give up the questions that are still open."""
        asked = list(self._asked.values())
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    async def _prepare(self, symbol: str) -> None:
        try:
            if symbol not in self.instruments:
                await self.instrument(symbol)
            await self.fresh_quote(symbol)
        except UnknownSymbol:
            self.unknown.add(symbol)
        except BrokerUnavailable as fault:
            _log.warning("quote_missing", symbol=symbol, reason=str(fault))

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol, asked for once. Raises UnknownSymbol, BrokerUnavailable."""
        known = self.instruments.get(symbol)
        if known is None:
            known = await self.ask(lambda: self._adapter.executor.instrument(symbol))
            self.instruments[symbol] = known
            self.unknown.discard(symbol)
        return known

    async def fresh_quote(self, symbol: str) -> Quote:
        """A quote asked for now. Raises UnknownSymbol, BrokerUnavailable."""
        quote = await self.ask(lambda: self._adapter.quotes.quote(symbol))
        self.quotes[symbol] = quote
        self._quotes_view = None
        return quote

    async def fresh_account(self) -> Account:
        """The account asked for now. Raises BrokerUnavailable."""
        shown = self._funds.asking()
        account = await self.ask(self._adapter.executor.account)
        self._funds.answered(shown)
        self.account = account
        return account

    @property
    def available(self) -> Decimal:
        """Buying power now, what is reserved on top of the broker's word taken off."""
        return self.account.buying_power - self._funds.reserved if self.account else ZERO

    async def ask(self, question: Callable[[], Awaitable[T]], lane: Lane = Lane.POLL) -> T:
        """Put one question within the broker's limits, and note whether it was answered."""
        if not self._limiter.try_acquire(lane):
            await self._limiter.acquire(lane)
        try:
            answer = await question()
        except UnknownSymbol:
            self._breaker.succeeded(lane)
            raise
        except Exception as fault:  # whatever an adapter raises is no answer
            self._breaker.failed(type(fault).__name__)
            if isinstance(fault, BrokerUnavailable):
                raise
            raise BrokerUnavailable("a question", fault_text(fault)) from fault
        self._breaker.succeeded(lane)
        return answer
