"""A clock that a test moves by hand."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


class ManualClock:
    """Time stands still until `advance`; sleepers wake in the order of their times."""

    def __init__(self) -> None:
        self.at = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.at + seconds, self._count, wake))
        await wake

    async def advance(self, seconds: float) -> None:
        target = self.at + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            self.at, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
                await settle()
        self.at = target


async def settle() -> None:
    """Let every task run until it waits for the clock."""
    for _ in range(6):
        await asyncio.sleep(0)
