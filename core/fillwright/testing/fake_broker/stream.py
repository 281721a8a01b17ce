"""The plain stream of a venue's reports, and the pump that moves the venue on."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from fillwright.errors import FillwrightError
from fillwright.protocols import Clock
from fillwright.reports import Connected, Disconnected, ExecutionReport, StreamItem
from fillwright.testing.venue import Venue


class FakeStream:
    """Implement `TradingStream` on a venue.

    Nothing is dropped: while `backlog` reports wait for a slow reader, the pump leaves the venue
    alone, so that only the desk's own requests make more. A reader never waits for a request and
    a request never for a reader, so the two cannot block each other.
    """

    def __init__(self, venue: Venue, clock: Clock, backlog: int) -> None:
        self._venue = venue
        self._clock = clock
        self._backlog = backlog
        self._waiting: deque[StreamItem] = deque()
        self._news = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._forget: Callable[[], None] = lambda: None
        self._closed = False
        self._readers = 0

    async def reports(self) -> AsyncIterator[StreamItem]:
        """Yield `Connected`, then every report from now on; a new reader ends the one before."""
        self._stop()
        self._readers += 1
        mine = self._readers
        self._news.set()
        self._waiting.clear()
        self._waiting.append(Connected(self._clock.now()))
        self._forget = self._venue.listen(self._take)
        if self._venue.settings.step:
            self._pump = asyncio.get_running_loop().create_task(self._run(), name="fake-venue")
        while mine == self._readers and not self._closed:
            if self._waiting:
                yield self._waiting.popleft()
            else:
                self._news.clear()
                await self._news.wait()

    async def close(self) -> None:
        """Stop the pump and end the iterator."""
        self._closed = True
        pump = self._pump
        self._stop()
        self._news.set()
        if pump is not None:
            await asyncio.wait([pump])

    def _stop(self) -> None:
        self._forget()
        self._forget = lambda: None
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    def _take(self, report: ExecutionReport) -> None:
        self._waiting.append(report)
        self._news.set()

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(self._venue.settings.step)
            if len(self._waiting) >= self._backlog:
                continue
            try:
                self._venue.advance()
            except FillwrightError as fault:
                self._waiting.append(Disconnected(str(fault), self._clock.now(), final=True))
                self._news.set()
                return
