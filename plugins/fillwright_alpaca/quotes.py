"""Ask Alpaca's market data for the latest quotes, of stocks and of coins."""

from collections.abc import Sequence
from functools import partial

from fillwright.accounts import Quote
from fillwright.resilience import Limiter
from fillwright_alpaca.answers import quote_of
from fillwright_alpaca.calls import Lane
from fillwright_alpaca.capabilities import REQUESTS_PER_MINUTE, SYMBOLS_IN_ONE
from fillwright_alpaca.exchange import Exchange
from fillwright_alpaca.together import Together
from fillwright_alpaca.wire import Api, Outcome, Request

#: In seconds. Two more than a minute: requests may arrive closer together than they left.
_MINUTE = 62.0


class AlpacaQuotes:
    """Implement `QuoteSource`; `feed` says by whose quotes stocks are priced."""

    def __init__(self, exchange: Exchange, feed: str) -> None:
        self._exchange = exchange
        self._feed = feed
        # Market data has a count of its own, which its headers tell.
        limiter = Limiter(REQUESTS_PER_MINUTE, clock=exchange.clock, window=_MINUTE)
        exchange.data_rate.listen(
            lambda limit, remaining, reset_at: limiter.observe(
                limit=limit, remaining=remaining, reset_at=reset_at
            )
        )
        self._stocks = Together(self._ask_stocks, limiter, most=SYMBOLS_IN_ONE)
        self._coins = Together(self._ask_coins, limiter, most=SYMBOLS_IN_ONE)

    async def quote(self, symbol: str) -> Quote:
        """The latest quote. Raises `BrokerUnavailable`, for a symbol without one too."""
        market = self._coins if "/" in symbol else self._stocks
        outcome = await market.ask(symbol)
        return self._exchange.read(outcome, f"for a quote of {symbol}", partial(quote_of, symbol))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._stocks.close()
        await self._coins.close()

    async def _ask_stocks(self, symbols: Sequence[str]) -> Outcome:
        fields = {"symbols": ",".join(symbols), "feed": self._feed}
        request = Request("GET", "/stocks/quotes/latest", fields, Api.STOCK_DATA)
        return await self._exchange.send(Lane.QUERY, request)

    async def _ask_coins(self, symbols: Sequence[str]) -> Outcome:
        fields = {"symbols": ",".join(symbols)}
        request = Request("GET", "/crypto/us/latest/quotes", fields, Api.CRYPTO_DATA)
        return await self._exchange.send(Lane.QUERY, request)
