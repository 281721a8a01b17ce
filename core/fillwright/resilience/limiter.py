"""Keep the requests to one account within the broker's limit, the important ones first.

A token bucket that forgets. Rules:
1. In any window there are at most `limit` requests, and in any shorter time no more than the
   bucket holds and what flows in meanwhile. What was sent longer ago than a window no longer
   counts: over a long time the whole limit is there, not only the flow.
2. A tenth of the limit is kept for cancels and queries, and half of that for cancels alone. They
   wait for the flow at most, never for the end of a window.
3. Nobody passes a waiter of a more important lane, or an earlier one of the same lane.
4. The first waiter of each lane sleeps until its token; the others wait for their turn. Whoever
   leaves, served or canceled, hands the turn on, so no wakeup can be lost.
5. The broker's own count is the lower bound: until it begins anew, new risk and polls take no
   more than it says remains, less the reserve.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fillwright.protocols import Clock
from fillwright.resilience.lanes import Lane

#: In seconds. A wait ends at the latest then, to look whether the broker's answers changed it.
_LONGEST_SLEEP: Final = 1.0
#: In seconds. A shorter sleep may be lost in the rounding of the clock.
_SHORTEST_SLEEP: Final = 0.001
#: In seconds. Two answers whose resets are no further apart speak of the same count.
_SAME_COUNT: Final = 1.0
#: The bucket needs room for one request and a flow of one more.
_LEAST_LIMIT: Final = 2


@dataclass(slots=True)
class _Told:
    """What the broker said about its own count, which it begins anew at `until`."""

    until: float
    #: How many more may leave before then.
    left: float
    #: The mark of the same: what needs not wait for the end may use what flows in.
    mark: float


class Limiter:
    """Hand out the right to send one request."""

    def __init__(
        self, limit: int, *, clock: Clock, window: float = 60.0, burst: float = 0.5
    ) -> None:
        """Allow `limit` requests in any `window` seconds, the share `burst` of them at once.

        Raises ValueError for a limit under two, or a share that leaves no flow.
        """
        if limit < _LEAST_LIMIT or window <= 0 or not 0 < burst < 1:
            raise ValueError("a limit of at least 2, a window above 0 and a share between 0 and 1")
        self._clock = clock
        self._window = window
        self._burst = burst
        self._waiting: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Lane)
        self._crowd = 0
        self._sent = 0
        #: When requests left, with a mark each: its number less what had flowed in by then. Only
        #: marks that can still be the lowest are kept; the lowest says how full the bucket is.
        self._marks: deque[tuple[float, float]] = deque()
        self._told: _Told | None = None
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

        Other programs may use the same account, so `remaining` only ever takes tokens away. An
        answer about a count that has begun anew meanwhile says nothing.
        """
        now = self._clock.monotonic()
        if limit is not None and limit >= _LEAST_LIMIT and limit != self._limit:
            taken = self._capacity - self._level(now)
            self._measure(limit)
            # What was taken stays taken; the rest of a larger bucket is there at once.
            self._marks.append((now, self._mark(now, self._capacity - taken)))
        if remaining is None:
            return
        away, left = self._window, math.inf
        if reset_at is not None:
            # Their clock is not ours: an absurd time must not stop the desk for longer than that.
            away = min((reset_at - self._clock.now()).total_seconds(), self._window)
            left = float(max(remaining, 0))
        if away > 0:
            self._heed(now, _Told(now + away, left, self._mark(now, float(max(remaining, 0)))))

    def room(self, lane: Lane, seconds: float) -> int:
        """How many requests of this lane can leave in so many seconds, if no other comes."""
        now = self._clock.monotonic()
        then, spare = now + seconds, self._needs[lane] - 1.0
        level = self._capacity - self._sent + self._rate * then + self._lowest(now, then)
        level = min(level, self._capacity + self._rate * seconds, self._left(then, lane))
        return max(int(level - spare), 0)

    @property
    def waiting(self) -> int:
        """How many requests wait, for health."""
        return self._crowd

    def _measure(self, limit: int) -> None:
        self._limit = limit
        self._reserve = limit // 10
        self._capacity = float(max(int(limit * self._burst), 1 + self._reserve))
        self._rate = (limit - self._capacity) / self._window
        #: What must be in the bucket before each lane may take one.
        self._needs = (1.0, 1.0 + self._reserve // 2, 1.0 + self._reserve, 1.0 + self._reserve)
        # Marks are measured by the rate.
        self._marks.clear()
        self._told = None

    def _heed(self, now: float, told: _Told) -> None:
        """Believe the lower of two words about the same count, and the newer about another."""
        before = self._told
        if before and now < before.until and told.until <= before.until + _SAME_COUNT:
            left, mark = min(before.left, told.left), min(before.mark, told.mark)
            told = _Told(before.until, left, mark)
        self._told = told

    def _mark(self, now: float, level: float) -> float:
        """The mark by which the bucket holds `level` now."""
        return level - self._capacity + self._sent - self._rate * now

    def _level(self, now: float) -> float:
        """How many tokens the bucket holds."""
        level = self._capacity - self._sent + self._rate * now + self._lowest(now, now)
        return min(self._capacity, level)

    def _lowest(self, now: float, then: float) -> float:
        """The lowest of the marks that count now, and of the broker's if it still counts then."""
        marks, told = self._marks, self._told
        while marks and now - marks[0][0] > self._window:
            marks.popleft()
        lowest = marks[0][1] if marks else math.inf
        return min(lowest, told.mark) if told and then < told.until else lowest

    def _take(self, lane: Lane) -> bool:
        now, needs = self._clock.monotonic(), self._needs[lane]
        if self._level(now) < needs or self._left(now, lane) < needs:
            return False
        mark = self._sent - self._rate * now
        while self._marks and self._marks[-1][1] >= mark:
            self._marks.pop()
        self._marks.append((now, mark))
        self._sent += 1
        if self._told:
            self._told.left -= 1.0
        return True

    def _left(self, now: float, lane: Lane) -> float:
        """How many the broker's own count leaves for this lane."""
        told = self._told
        waits = told and now < told.until and lane >= Lane.SUBMIT
        return told.left if told and waits else math.inf

    def _until_token(self, lane: Lane) -> float:
        now, needs = self._clock.monotonic(), self._needs[lane]
        ahead = sum(map(len, self._waiting[:lane]))
        seconds = (needs + ahead - self._level(now)) / self._rate
        if self._marks:
            seconds = min(seconds, self._marks[0][0] + self._window - now)
        if self._told and self._left(now, lane) < needs:
            seconds = self._told.until - now
        return min(max(seconds, _SHORTEST_SLEEP), _LONGEST_SLEEP)

    def _leave(self, queue: deque[asyncio.Future[None]], turn: asyncio.Future[None]) -> None:
        queue.remove(turn)
        self._crowd -= 1
        # One that is done is awake already, or was canceled and hands the turn on when it leaves.
        if queue and not queue[0].done():
            queue[0].set_result(None)
