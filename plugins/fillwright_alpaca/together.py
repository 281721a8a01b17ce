"""Ask about many symbols in one request: whoever asks while one is under way shares the next.

Rules:
1. One request at a time, within the limit; nobody waits for others to come.
2. Everyone reads the answer for himself, so one symbol's fault is nobody else's. A request that is
   refused as a whole is asked again in halves, until the symbol that it is about stands alone.
3. An asker who leaves takes nobody's answer with him.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from fillwright.resilience import Lane, Limiter
from fillwright_alpaca.wire import Failure, Outcome, Reply

#: Statuses that speak of what was asked, and not of who asked or when.
_ABOUT_A_SYMBOL = frozenset({400, 404, 422})


class Together:
    """Put single questions together."""

    def __init__(
        self,
        send: Callable[[Sequence[str]], Awaitable[Outcome]],
        limiter: Limiter,
        *,
        most: int,
    ) -> None:
        """`send` asks about at most so many symbols, and never raises."""
        self._send = send
        self._limiter = limiter
        self._most = most
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}
        self._work: asyncio.Task[None] | None = None

    async def ask(self, symbol: str) -> Outcome:
        """What came of a request that was about this symbol among others."""
        answer = self._waiting.get(symbol)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._waiting[symbol] = loop.create_future()
            if self._work is None:
                self._work = loop.create_task(self._ask_all(), name="alpaca-together")
        return await asyncio.shield(answer)

    async def close(self) -> None:
        """Give up what is under way."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def _ask_all(self) -> None:
        """Ask until nobody waits."""
        asked: dict[str, asyncio.Future[Outcome]] = {}
        try:
            while self._waiting:
                await self._limiter.acquire(Lane.POLL)
                for symbol in list(self._waiting)[: self._most]:
                    asked[symbol] = self._waiting.pop(symbol)
                await self._answer(asked)
                asked = {}
        finally:
            self._work = None
            for answer in (*asked.values(), *self._waiting.values()):
                _tell(answer, Failure(sent=True, reason="the adapter was closed"))
            self._waiting.clear()

    async def _answer(self, asked: dict[str, "asyncio.Future[Outcome]"]) -> None:
        """One request, whose place in the limit is taken; more where it is refused."""
        outcome = await self._send(list(asked))
        if len(asked) > 1 and isinstance(outcome, Reply) and outcome.status in _ABOUT_A_SYMBOL:
            symbols, middle = list(asked), len(asked) // 2
            for half in (symbols[:middle], symbols[middle:]):
                await self._limiter.acquire(Lane.POLL)
                await self._answer({symbol: asked[symbol] for symbol in half})
            return
        for answer in asked.values():
            _tell(answer, outcome)


def _tell(answer: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not answer.done():
        answer.set_result(outcome)
