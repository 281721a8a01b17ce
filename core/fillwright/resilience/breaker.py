"""Stop taking new risk while the broker fails, and look with reads whether it is back.

Rules:
1. Cancels and queries always pass: they take risk away and settle doubt.
2. It opens after a streak of failures, or when too many of the last requests failed. A rejected
   order is an answer, not a failure.
3. After a while it is half open: reads alone show whether the broker is back; as many good ones
   as `probes` close it, one failure of any kind opens it for twice as long.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from fillwright.logs import get_logger
from fillwright.protocols import Clock
from fillwright.resilience.lanes import Lane

_log = get_logger(__name__)
_ALWAYS: Final = frozenset({Lane.CANCEL, Lane.QUERY})
_READS: Final = frozenset({Lane.QUERY, Lane.POLL})


class BreakerState(StrEnum):
    """Whether new risk may be taken."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When it opens and for how long, in seconds."""

    failures: int = 5
    failure_rate: float = 0.5
    #: How many of the last requests the rate is taken over; fewer say nothing.
    sample: int = 20
    open_seconds: float = 5.0
    longest_open_seconds: float = 120.0
    probes: int = 2


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of the breaker's state."""

    at: datetime
    before: BreakerState
    after: BreakerState
    reason: str


@dataclass(frozen=True, slots=True)
class BreakerHealth:
    """What an operator sees; `last` is None as long as nothing went wrong."""

    state: BreakerState
    failures_in_a_row: int
    failure_rate: float
    last: Transition | None


class CircuitBreaker:
    """Remember how the last requests to one broker went."""

    def __init__(self, clock: Clock, settings: BreakerSettings = BreakerSettings()) -> None:
        self._clock = clock
        self._settings = settings
        self._state = BreakerState.CLOSED
        self._failed_in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=settings.sample)
        self._good_probes = 0
        self._open_for = settings.open_seconds
        self._half_open_at = 0.0
        self._last: Transition | None = None

    @property
    def state(self) -> BreakerState:
        """The state now; an open breaker becomes half open when its time is over."""
        if self._state is BreakerState.OPEN and self._clock.monotonic() >= self._half_open_at:
            self._good_probes = 0
            self._change(BreakerState.HALF_OPEN, f"open for {self._open_for:g} s")
        return self._state

    def allows(self, lane: Lane) -> bool:
        """Whether a request for this purpose may be sent."""
        if self._state is BreakerState.CLOSED or lane in _ALWAYS:
            return True
        return lane in _READS and self.state is BreakerState.HALF_OPEN

    def succeeded(self, lane: Lane) -> Transition | None:
        """Note that the broker answered; the change of state, if it made one."""
        if self._state is BreakerState.CLOSED:
            self._failed_in_a_row = 0
            self._recent.append(True)
            return None
        if self.state is not BreakerState.HALF_OPEN or lane not in _READS:
            return None
        self._good_probes += 1
        if self._good_probes < self._settings.probes:
            return None
        self._failed_in_a_row = 0
        self._recent.clear()
        self._open_for = self._settings.open_seconds
        return self._change(BreakerState.CLOSED, f"{self._good_probes} reads answered")

    def failed(self, reason: str) -> Transition | None:
        """Note that the broker did not answer; the change of state, if it made one."""
        self._failed_in_a_row += 1
        self._recent.append(False)
        if self.state is BreakerState.HALF_OPEN:
            self._open_for = min(self._open_for * 2, self._settings.longest_open_seconds)
            return self._open(f"still failing: {reason}")
        if self._state is BreakerState.OPEN:
            return None
        if self._failed_in_a_row >= self._settings.failures:
            return self._open(f"{self._failed_in_a_row} failures in a row, the last: {reason}")
        full = len(self._recent) == self._settings.sample
        if full and self._rate() >= self._settings.failure_rate:
            return self._open(f"{self._rate():.0%} of {len(self._recent)} failed, last: {reason}")
        return None

    def health(self) -> BreakerHealth:
        """What an operator sees."""
        return BreakerHealth(self.state, self._failed_in_a_row, self._rate(), self._last)

    def _rate(self) -> float:
        return self._recent.count(False) / len(self._recent) if self._recent else 0.0

    def _open(self, reason: str) -> Transition:
        self._half_open_at = self._clock.monotonic() + self._open_for
        return self._change(BreakerState.OPEN, reason)

    def _change(self, after: BreakerState, reason: str) -> Transition:
        change = Transition(self._clock.now(), self._state, after, reason)
        self._state = after
        self._last = change
        log = _log.warning if after is BreakerState.OPEN else _log.info
        log("breaker_changed", before=change.before, after=after, reason=reason)
        return change
