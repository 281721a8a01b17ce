"""How long an order may take to leave, whatever somebody does to the time of day meanwhile."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from fillwright.protocols import Clock


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when an order may leave: by the time of day, and by a clock that nobody sets."""

    at: datetime
    monotonic: float

    @classmethod
    def of(cls, clock: Clock, within: timedelta) -> Self:
        """So much from now on."""
        return cls(clock.now() + within, clock.monotonic() + within.total_seconds())

    def passed(self, clock: Clock) -> bool:
        """Whether it is too late, by either."""
        return clock.now() >= self.at or clock.monotonic() >= self.monotonic

    def left(self, clock: Clock) -> float:
        """How many seconds are left, by the nearer of both."""
        by_day = (self.at - clock.now()).total_seconds()
        return max(min(by_day, self.monotonic - clock.monotonic()), 0.0)
