"""A clock that a test owns: time stands still until the test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

_START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
#: Rounds of the loop after which woken tasks have reached their next wait.
_SETTLE = 25


class ManualClock:
    """Implement `Clock` on time that only moves when it is told to.

    Sleepers wake in the order of their times, those of one moment in the order they fell asleep.
    """

    def __init__(self, start: datetime = _START) -> None:
        self._now = start
        self._monotonic = 0.0
        self._asleep: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._number = 0

    def now(self) -> datetime:
        """The time of day in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._monotonic

    @property
    def sleepers(self) -> int:
        """How many are asleep now."""
        return sum(not waiting.done() for _, _, waiting in self._asleep)

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the time this far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiting = asyncio.get_running_loop().create_future()
        self._number += 1
        wake_at = self._now + timedelta(seconds=seconds)
        heappush(self._asleep, (wake_at, self._number, waiting))
        await waiting

    def advance(self, seconds: float) -> None:
        """Move the time at once; everyone whose time has come runs when the loop turns next."""
        self._move_to(self._now + timedelta(seconds=seconds))

    async def run_for(self, seconds: float) -> None:
        """Move the time from one sleeper to the next and let each run before moving on."""
        target = self._now + timedelta(seconds=seconds)
        await self.settle()
        while self._asleep and self._asleep[0][0] <= target:
            self._move_to(self._asleep[0][0])
            await self.settle()
        self._move_to(target)
        await self.settle()

    async def settle(self) -> None:
        """Let every task that can run reach its next wait; the time stands still."""
        for _ in range(_SETTLE):
            await asyncio.sleep(0)

    def _move_to(self, target: datetime) -> None:
        self._monotonic += (target - self._now).total_seconds()
        self._now = target
        while self._asleep and self._asleep[0][0] <= target:
            _, _, waiting = heappop(self._asleep)
            if not waiting.done():
                waiting.set_result(None)
