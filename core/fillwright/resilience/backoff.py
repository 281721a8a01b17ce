"""Wait between tries: longer each time, never in step with others, and only so often.

For questions and reconnects. A submit is never repeated by anything here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fillwright.protocols import Clock, Rng

#: Two to this power is beyond any cap.
_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with full jitter between `least` and `most` seconds."""

    least: float = 0.5
    most: float = 30.0

    def delay(self, attempt: int, rng: Rng) -> float:
        """Seconds to wait after the failed try number `attempt`, counted from 0."""
        doubled = self.least * 2.0 ** min(attempt + 1, _MOST_DOUBLINGS)
        return self.least + rng.random() * (min(doubled, self.most) - self.least)

    def delays(self, rng: Rng) -> Iterator[float]:
        """The delays of one outage, without end."""
        attempt = 0
        while True:
            yield self.delay(attempt, rng)
            attempt += 1


class RetryBudget:
    """Bound retries to a share of the requests and a trickle, so that an outage is not made worse.

    What is not used is kept for `window` seconds at most.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        share: float = 0.1,
        per_second: float = 1.0,
        window: float = 10.0,
    ) -> None:
        self._clock = clock
        self._share = share
        self._per_second = per_second
        self._most = max(per_second * window, 1.0)
        self._tokens = self._most
        self._at = clock.monotonic()

    def note_request(self) -> None:
        """Count a first try; each earns a share of a retry."""
        self._tokens = min(self._tokens + self._share, self._most)

    def try_retry(self) -> bool:
        """Spend one retry; False means give up for now."""
        now = self._clock.monotonic()
        self._tokens = min(self._tokens + (now - self._at) * self._per_second, self._most)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
