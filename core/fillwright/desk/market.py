"""Quotes, instrument rules and the account, kept fresh enough for the gate.

What could not be had is simply not here: the checks that need it refuse.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

from fillwright.accounts import Account, Instrument, Quote
from fillwright.desk.funds import Funds
from fillwright.desk.tasks import NoAnswer, answered_within, end
from fillwright.errors import BrokerUnavailable, FillwrightError, UnknownSymbol, fault_text
from fillwright.logs import get_logger
from fillwright.orders import Order
from fillwright.protocols import Adapter, Clock
from fillwright.resilience import CircuitBreaker, Lane, Limiter

_log = get_logger(__name__)
T = TypeVar("T")

#: How long the broker may take for an answer, and for one that comes in pages, in seconds. An
#: adapter that hangs would else stop whoever asks, for ever.
ANSWER_WITHIN = 10.0
PAGES_WITHIN = 60.0
#: How long the rules of a symbol are used before they are asked for again.
RULES_FOR = timedelta(hours=12)
#: How long an adapter may take to close, in seconds.
CLOSED_WITHIN = 10.0


async def account_of(adapter: Adapter, clock: Clock) -> Account:
    """Whose account it is, before there is a desk. Raises BrokerUnavailable."""
    try:
        return await answered_within(adapter.executor.account(), ANSWER_WITHIN, clock)
    except NoAnswer as fault:
        raise BrokerUnavailable("the account", str(fault)) from fault
    except FillwrightError:
        raise
    except Exception as fault:  # whatever an adapter raises is no answer
        raise BrokerUnavailable("the account", fault_text(fault)) from fault


async def let_go(close: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Have something of the adapter closed; one that hangs is left behind, and told."""
    try:
        await answered_within(close(), CLOSED_WITHIN, clock)
    except NoAnswer as fault:
        _log.error("adapter_left_open", reason=str(fault))


class Market:
    """The facts of the outside world, each with its age."""

    def __init__(  # noqa: PLR0913  # what stands between the desk and an answer
        self,
        adapter: Adapter,
        account_id: str,
        *,
        clock: Clock,
        limiter: Limiter,
        quotes: Limiter,
        breaker: CircuitBreaker,
        funds: Funds,
        max_age: float,
    ) -> None:
        self._adapter = adapter
        self._account_id = account_id
        self._clock = clock
        self._limiter = limiter
        self._limiter_of_quotes = quotes
        self._breaker = breaker
        self._funds = funds
        self._max_age = timedelta(seconds=max_age)
        self._refresh = timedelta(seconds=max_age / 2)
        self._asked: dict[str, asyncio.Task[None]] = {}
        self.quotes: dict[str, Quote] = {}
        self.instruments: dict[str, Instrument] = {}
        self.instruments_view: Mapping[str, Instrument] = MappingProxyType(self.instruments)
        #: When the rules of each were read.
        self.instruments_at: dict[str, datetime] = {}
        self.unknown: set[str] = set()
        self.account: Account | None = None
        self._quotes_view: Mapping[str, Quote] | None = None
        self._heard: Callable[[Account], None] = lambda _account: None

    def listen(self, heard: Callable[[Account], None]) -> None:
        """Tell `heard` of every account that comes."""
        self._heard = heard

    def quotes_view(self) -> Mapping[str, Quote]:
        """All quotes as they are now, frozen; one copy until something changes."""
        if self._quotes_view is None:
            self._quotes_view = MappingProxyType(self.quotes.copy())
        return self._quotes_view

    def seen(self, symbol: str) -> Quote | None:
        """The newest quote of a symbol, however old, for the record; None if it is no sound one."""
        quote = self.quotes.get(symbol)
        return quote if quote is not None and quote.sound else None

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
        await end(*self._asked.values())

    async def _prepare(self, symbol: str) -> None:
        try:
            await self.instrument(symbol)
            await self.fresh_quote(symbol)
        except UnknownSymbol:
            self.unknown.add(symbol)
        except BrokerUnavailable as fault:
            _log.warning("quote_missing", symbol=symbol, reason=str(fault))

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol, asked for anew in time. Raises UnknownSymbol, BrokerUnavailable.

        Rules that cannot be renewed are used until a check finds them too old.
        """
        known, now = self.instruments.get(symbol), self._clock.now()
        if known is not None and now - self.instruments_at[symbol] < RULES_FOR:
            return known
        try:
            known = await self.ask(lambda: self._adapter.executor.instrument(symbol))
        except UnknownSymbol:
            self.instruments.pop(symbol, None)
            raise
        except BrokerUnavailable:
            if known is None:
                raise
            return known
        self.instruments[symbol], self.instruments_at[symbol] = known, now
        self.unknown.discard(symbol)
        return known

    async def fresh_quote(self, symbol: str) -> Quote:
        """A quote asked for now. Raises UnknownSymbol, BrokerUnavailable."""
        limiter = self._limiter_of_quotes
        if not limiter.try_acquire(Lane.POLL):
            await limiter.acquire(Lane.POLL)
        quote = await self._answer(lambda: self._adapter.quotes.quote(symbol), Lane.POLL)
        self.quotes[symbol] = quote
        self._quotes_view = None
        return quote

    async def fresh_account(self, lane: Lane = Lane.POLL) -> Account:
        """The account asked for now. Raises BrokerUnavailable, also for an answer about another."""
        shown = self._funds.asking()
        account = await self.ask(self._adapter.executor.account, lane)
        if account.account_id != self._account_id:
            problem = f"it named {account.account_id}, and this desk is that of {self._account_id}"
            raise BrokerUnavailable("for the account", problem)
        self._funds.answered(shown)
        self.account = account
        self._heard(account)
        return account

    async def ask(
        self,
        question: Callable[[], Awaitable[T]],
        lane: Lane = Lane.POLL,
        *,
        within: float = ANSWER_WITHIN,
    ) -> T:
        """Put one question within the broker's limits, and note whether it was answered.

        Raises BrokerUnavailable, also when `within` seconds have passed without an answer.
        """
        if not self._limiter.try_acquire(lane):
            await self._limiter.acquire(lane)
        return await self._answer(question, lane, within)

    async def _answer(
        self, question: Callable[[], Awaitable[T]], lane: Lane, within: float = ANSWER_WITHIN
    ) -> T:
        try:
            answer = await answered_within(question(), within, self._clock)
        except UnknownSymbol:
            self._breaker.succeeded(lane)
            raise
        except Exception as fault:  # whatever an adapter raises is no answer
            self._breaker.failed(type(fault).__name__)
            if isinstance(fault, BrokerUnavailable):
                raise
            reason = str(fault) if isinstance(fault, NoAnswer) else fault_text(fault)
            raise BrokerUnavailable("a question", reason) from fault
        self._breaker.succeeded(lane)
        return answer
