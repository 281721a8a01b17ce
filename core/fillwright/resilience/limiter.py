"""Keep the requests to one account within the broker's limit, the important ones first.

A token bucket. Rules:
1. In any window there are at most `limit` requests: what the bucket holds when full and what
   flows in during one window add up to it.
2. A tenth of the limit is kept for cancels and queries, and half of that for cancels alone.
3. Nobody passes a waiter of a more important lane, or an earlier one of the same lane.
4. The first waiter of each lane sleeps until its token; the others wait for their turn. Whoever
   leaves, served or canceled, hands the turn on, so no wakeup can be lost.
"""

import asyncio
import math
from collections import deque
from datetime import datetime
from typing import Final

from fillwright.protocols import Clock
from fillwright.resilience.lanes import Lane

#: In seconds. A wait ends at the latest then, to look whether the broker's answers changed it.
_LONGEST_SLEEP: Final = 1.0
#: In seconds. A shorter sleep may be lost in the rounding of the clock.
_SHORTEST_SLEEP: Final = 0.001
#: The bucket needs room for one request and a flow of one more.
_LEAST_LIMIT: Final = 2


class Limiter:
    """Hand out the right to send one request."""

    def __init__(
        self, limit: int, *, clock: Clock, window: float = 60.0, burst: float = 0.5
    ) -> None:
        """Allow `limit` requests in any `window` seconds, and the share `burst` of them at once.

        Raises ValueError for a limit under two, or a share that leaves no flow.
        """
        if limit < _LEAST_LIMIT or window <= 0 or not 0 < burst < 1:
            raise ValueError("a limit of at least 2, a window above 0 and a share between 0 and 1")
        self._clock = clock
        self._window = window
        self._burst = burst
        self._waiting: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Lane)
        self._crowd = 0
        self._paused_until = 0.0
        self._at = clock.monotonic()
        self._tokens = math.inf
        self._measure(limit)

    def try_acquire(self, lane: Lane) -> bool:
        """Take the right to send now; False where `acquire` would wait."""
        if self._crowd and any(self._waiting[: lane + 1]):
            return False
        return self._take(lane)

    async def acquire(self, lane: Lane) -> None:
        """Wait for the right to send."""
        if self.try_acquire(lane):
            return
        queue = self._waiting[lane]
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._crowd += 1
        try:
            if queue[0] is not turn:
                await turn
            while any(self._waiting[:lane]) or not self._take(lane):
                await self._clock.sleep(self._until_token(lane))
        finally:
            self._leave(queue, turn)

    def observe(
        self,
        *,
        limit: int | None = None,
        remaining: int | None = None,
        reset_at: datetime | None = None,
    ) -> None:
        """Follow what the broker's answer said about its own count.

        Other programs may use the same account, so `remaining` only ever takes tokens away. When
        it is down to the reserve, new risk and polls pause until `reset_at`.
        """
        if limit is not None and limit >= _LEAST_LIMIT and limit != self._limit:
            self._measure(limit)
        if remaining is None:
            return
        self._flow()
        self._tokens = min(self._tokens, float(max(remaining, 0)))
        self._paused_until = 0.0
        if remaining <= self._reserve and reset_at is not None:
            # Their clock is not ours: an absurd time must not stop the desk for longer than that.
            away = (reset_at - self._clock.now()).total_seconds()
            self._paused_until = self._at + min(max(away, 0.0), self._window)

    @property
    def waiting(self) -> int:
        """How many requests wait, for health."""
        return self._crowd

    def _measure(self, limit: int) -> None:
        self._limit = limit
        self._reserve = limit // 10
        self._capacity = float(max(int(limit * self._burst), 1 + self._reserve))
        self._rate = (limit - self._capacity) / self._window
        self._tokens = min(self._tokens, self._capacity)
        #: What must be in the bucket before each lane may take one.
        self._needs = (1.0, 1.0 + self._reserve // 2, 1.0 + self._reserve, 1.0 + self._reserve)

    def _flow(self) -> None:
        now = self._clock.monotonic()
        tokens = self._tokens + (now - self._at) * self._rate
        self._tokens = min(self._capacity, tokens)
        self._at = now

    def _take(self, lane: Lane) -> bool:
        self._flow()
        if self._tokens < self._needs[lane]:
            return False
        if self._paused_until > self._at and lane >= Lane.SUBMIT:
            return False
        self._tokens -= 1.0
        return True

    def _until_token(self, lane: Lane) -> float:
        ahead = sum(map(len, self._waiting[:lane]))
        seconds = (self._needs[lane] + ahead - self._tokens) / self._rate
        if lane >= Lane.SUBMIT:
            seconds = max(seconds, self._paused_until - self._at)
        return min(max(seconds, _SHORTEST_SLEEP), _LONGEST_SLEEP)

    def _leave(self, queue: deque[asyncio.Future[None]], turn: asyncio.Future[None]) -> None:
        queue.remove(turn)
        self._crowd -= 1
        # One that is done is awake already, or was canceled and hands the turn on when it leaves.
        if queue and not queue[0].done():
            queue[0].set_result(None)
