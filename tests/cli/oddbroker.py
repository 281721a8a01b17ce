"""A broker made by hand that misbehaves as a test wants, and the plugin that hands it out."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fillwright.accounts import Account, Instrument, MarketSession, Position, Quote, TradingDay
from fillwright.hooks import AdapterRequest, hookimpl
from fillwright.protocols import Adapter, Capabilities
from fillwright.reports import Connected, Cursor, Page
from fillwright.types import Mode

#: In the place of an answer: none ever comes.
HANG = object()


class OddBroker:
    """All three parts of an adapter in one; `odd` says what is not as it should be, by question.

    A value is the answer, an exception is raised, `HANG` never answers, and a function is asked
    for the answer.
    """

    broker: Any = "odd"
    endpoint: Any = Mode.PAPER
    capabilities: Any = Capabilities(routes={}, requests_per_minute=200)

    def __init__(self, request: AdapterRequest, **odd: Any) -> None:
        self.request = request
        self.clock = request.clock
        self.executor = self.stream = self.quotes = self
        self.odd = odd
        self.asked: Counter[str] = Counter()

    async def account(self) -> Account:
        return await self._answer("account", self.sound_account)

    def sound_account(self, **fields: Any) -> Account:
        held = {"KO": Position("KO", Decimal(5))}
        known = {"account_id": "ODD-1", "currency": "USD", "cash": Decimal(100)}
        known |= {"buying_power": Decimal(200), "equity": Decimal(400), "positions": held}
        return Account(**(known | {"as_of": self.clock.now()} | fields))

    async def open_orders(self) -> Any:
        return await self._answer("open_orders", list)

    async def executions(self, since: Cursor | None) -> Any:
        self.since = since
        return await self._answer("executions", lambda: Page([], Cursor("c-1")))

    async def instrument(self, symbol: str) -> Any:
        return await self._answer("instrument", lambda: Instrument(symbol))

    async def quote(self, symbol: str) -> Any:
        return await self._answer("quote", lambda: self.sound_quote(symbol))

    def sound_quote(self, symbol: str, age: float = 0.5, **fields: Any) -> Quote:
        known = {"bid": Decimal(10), "ask": Decimal("10.5"), "bid_size": Decimal(1)}
        at = self.clock.now() - timedelta(seconds=age)
        return Quote(symbol, **(known | {"ask_size": Decimal(1), "at": at} | fields))

    async def reports(self) -> Any:
        self.asked["stream"] += 1
        for item in self.odd.get("stream", [Connected(self.clock.now())]):
            if item is HANG:
                await asyncio.Event().wait()
            if isinstance(item, Exception):
                raise item
            yield item

    async def close(self) -> None:
        await self._answer("close", lambda: None)

    async def _answer(self, question: str, sound: Callable[[], Any]) -> Any:
        self.asked[question] += 1
        answer = self.odd.get(question, sound)
        if answer is HANG:
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer


class TimedBroker(OddBroker):
    """One that tells its own time, too."""

    async def session(self) -> Any:
        return await self._answer("session", self.sound_session)

    def sound_session(self, ahead: float = 0.0, *, is_open: bool = True) -> MarketSession:
        now = self.clock.now() + timedelta(seconds=ahead)
        return MarketSession(now, is_open, now + timedelta(hours=15), now + timedelta(hours=5))

    async def calendar(self, first: date, last: date) -> list[TradingDay]:
        raise AssertionError(f"nobody needs to ask for {first} to {last}")


def build(request: AdapterRequest) -> Adapter:
    """What the plugin builds; a test puts its own in this place."""
    raise NotImplementedError


@hookimpl
def provide_adapter(request: AdapterRequest) -> Adapter:
    return build(request)
