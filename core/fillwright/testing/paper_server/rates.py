"""How many requests an account may make: a count that begins anew with each minute."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fillwright.testing.paper_server.moments import nanoseconds

_MINUTE = 60
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a request may pass, and what the headers say about the next ones."""

    allowed: bool
    headers: Mapping[str, str]


class RateWindow:
    """Count the requests of one minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = 0
        self._taken = 0

    def take(self, now: datetime, requests: int = 1) -> Allowance:
        """Let a request pass if there is room; with `requests=0`, only look."""
        minute = nanoseconds(now) // _NANOSECONDS // _MINUTE
        if minute != self._minute:
            self._minute, self._taken = minute, 0
        allowed = self._taken + requests <= self._limit
        if allowed:
            self._taken += requests
        return Allowance(
            allowed,
            {
                "X-RateLimit-Limit": str(self._limit),
                "X-RateLimit-Remaining": str(self._limit - self._taken),
                "X-RateLimit-Reset": str((minute + 1) * _MINUTE),
            },
        )
