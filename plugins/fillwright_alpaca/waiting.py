"""How the stream waits: so long at most, so often at most, and for a reader that is slow.

Every wait goes through the injected clock, so that a simulation owns it.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from fillwright.errors import FillwrightError
from fillwright.protocols import Clock, Rng
from fillwright.resilience import Backoff

T = TypeVar("T")

_BACKOFF = Backoff(0.5, 30.0)
#: One attempt is earned in so many seconds: six a minute.
EARNED_EVERY = 10.0
#: Attempts that are saved up in quiet times.
SAVED = 6


class TooLate(FillwrightError):
    """Something did not happen in time."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} took longer than {seconds:g} s")


async def let_go(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait for their end; how they failed interests nobody any more."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # or asyncio would log it as never looked at


async def within(clock: Clock, seconds: float, what: str, work: Coroutine[Any, Any, T]) -> T:
    """Await `work` for at most so many seconds of the clock, then cancel it.

    Raises `TooLate`; what it came to all the same counts.
    """
    task = asyncio.create_task(work)
    timer = asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
        if not task.done():
            await let_go(task)
        elif not task.cancelled():
            task.exception()  # looked at, in case that we are cancelled too
    if task.cancelled():
        raise TooLate(what, seconds)
    return task.result()


class Pace:
    """When to try again: back-off with full jitter, and never more often than a rate.

    The bound, whatever the peer does and chance gives: in any m minutes at most 6 + 6 m attempts.
    """

    def __init__(self, clock: Clock, rng: Rng) -> None:
        self._clock = clock
        self._rng = rng
        #: Attempts in a row that proved nothing, the one under way included.
        self._failed = 0
        #: When every attempt that was taken will have been earned.
        self._paid_at = clock.monotonic()

    def proved(self) -> None:
        """The connection was good for something: its end begins a new row of failures."""
        self._failed = 1

    async def wait(self) -> None:
        """Return when the next attempt may be made, and count it as failed until it proved good."""
        delay = _BACKOFF.delay(self._failed - 1, self._rng) if self._failed else 0.0
        now = self._clock.monotonic()
        earned = self._paid_at - (SAVED - 1) * EARNED_EVERY - now
        if max(delay, earned) > 0:
            await self._clock.sleep(max(delay, earned))
        self._failed += 1
        self._paid_at = max(self._paid_at, self._clock.monotonic()) + EARNED_EVERY


class Handover(Generic[T]):
    """From one writer to one reader: nothing is dropped, and the writer waits when it is full."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[T] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> None:
        """Hand one over."""
        while len(self._items) >= self._most:
            self._room.clear()
            await self._room.wait()
        self._items.append(item)
        self._news.set()

    async def get(self) -> T | None:
        """The next one; None when there will be no more."""
        while not self._items:
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        self._room.set()
        return self._items.popleft()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._news.set()
