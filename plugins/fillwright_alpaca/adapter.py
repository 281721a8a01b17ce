"""One Alpaca account as the desk holds it: executor, stream, quotes, and the market's days."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import NoReturn

from requests.adapters import BaseAdapter

from fillwright.accounts import MarketSession, TradingDay
from fillwright.hooks import AdapterRequest
from fillwright.protocols import Clock, Executor, QuoteSource, RateFeed, Rng, TradingStream
from fillwright.reports import CancelOutcome
from fillwright_alpaca.calls import Caller, ThreadedCaller
from fillwright_alpaca.capabilities import capabilities
from fillwright_alpaca.exchange import Exchange, HttpClient
from fillwright_alpaca.executor import AlpacaExecutor
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.quotes import AlpacaQuotes
from fillwright_alpaca.settings import Access, read_settings
from fillwright_alpaca.socket import Connect, connect
from fillwright_alpaca.stream import AlpacaStream
from fillwright_alpaca.translate import SdkClient

#: How blocking calls are run, given what makes a client for one thread.
MakeCaller = Callable[[Callable[[], SdkClient]], Caller[HttpClient]]


class AlpacaAdapter:
    """Implement `Adapter` and `SessionSource`.

    A simulation lends a `transport` in place of the network, a `socket` in place of the stream's,
    and a `caller` in place of the threads, like `InlineCaller`.
    """

    def __init__(  # noqa: PLR0913  # the desk's ports, and the simulation's
        self,
        access: Access,
        clock: Clock,
        rng: Rng,
        rate: RateFeed,
        *,
        transport: BaseAdapter | None = None,
        caller: MakeCaller | None = None,
        socket: Connect | None = None,
    ) -> None:
        make = partial(SdkClient, access, transport)
        # One is built now: an SDK that does not fit is told before the desk starts.
        make().close()
        calls = caller(make) if caller else ThreadedCaller(make, access.total_timeout)
        orders = KnownOrders()
        self._exchange = Exchange(calls, clock, rate)
        takes = capabilities(access.total_timeout, access.proxy_timeout)
        self._account = AlpacaExecutor(self._exchange, orders, takes, access.url)
        self.executor: Executor = self._account
        self._quotes = AlpacaQuotes(self._exchange, access.feed)
        self.quotes: QuoteSource = self._quotes
        self.stream: TradingStream = AlpacaStream(
            access.stream_url,
            access.key,
            access.secret,
            clock=clock,
            rng=rng,
            connect=socket or partial(connect, proxy=access.proxy),
            orders=orders,
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("an adapter holds keys and is not copied or pickled")

    def heed_fence(self, check: Callable[[], None]) -> None:
        """Look at the desk's fence as the first byte of a change leaves."""
        self._exchange.fence = check

    async def session(self) -> MarketSession:
        """The market's clock."""
        return await self._account.session()

    async def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        """The trading days between two dates, both included."""
        return await self._account.calendar(first, last)

    async def cancel_all(self) -> Sequence[CancelOutcome]:
        """Ask for the cancel of every open order of the account, whoever placed it."""
        return await self._account.cancel_all()

    async def close(self) -> None:
        """End the stream and the threads; a silent server delays it by a second at most."""
        try:
            await self.stream.close()
            await self._quotes.close()
        finally:
            await self._exchange.close()


def build(
    request: AdapterRequest,
    *,
    transport: BaseAdapter | None = None,
    caller: MakeCaller | None = None,
    socket: Connect | None = None,
) -> AlpacaAdapter:
    """Build the adapter from its table of desk.toml. Raises `ConfigError`."""
    access = read_settings(request.name, request.settings, request.folder, request.mode)
    return AlpacaAdapter(
        access,
        request.clock,
        request.rng,
        request.rate,
        transport=transport,
        caller=caller,
        socket=socket,
    )
