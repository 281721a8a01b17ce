"""Make a failing scenario small: the same thing breaks, with less around it.

In this order: the oldest callback first instead of a drawn one, knobs off one by one, fewer
orders, fewer of everything that is counted, a shorter horizon. What no longer breaks with the same
seed is tried again with seeds nearby, because a smaller scenario draws other numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from fillwright.testing.simulation.backend import FakeBackend, MakeBackend
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.own import OwnChecks
from fillwright.testing.simulation.run import Outcome, run

#: How many seeds nearby are tried for each step.
NEARBY: Final = 40
_HORIZONS: Final = (1, 2, 5, 10)
_COUNTS: Final = (
    *("kills", "takeovers", "drains", "staff", "moves", "strangers", "halts", "conflicts"),
    *("canceled_callers", "jumps", "pending_steps", "latency", "disk_latency"),
)


@dataclass(frozen=True)
class Shrunk:
    """The smallest scenario that was found, and how many runs that took."""

    outcome: Outcome
    runs: int


class Shrinker:
    """Look for smaller scenarios in which the same invariant breaks."""

    def __init__(
        self,
        outcome: Outcome,
        *,
        most_runs: int = 1500,
        make_backend: MakeBackend = FakeBackend,
        own: OwnChecks | None = None,
    ) -> None:
        self._best = outcome
        self._broken = outcome.broken
        self._most = most_runs
        self._make_backend = make_backend
        self._own = own
        self._tried: dict[tuple[int, str], bool] = {}
        self.runs = 0

    def shrink(self, tell: Callable[[Shrunk], None] = lambda _: None) -> Shrunk:
        """Try everything that makes it smaller, until nothing does."""
        for nearby in (0, NEARBY):
            smaller = True
            while smaller and self.runs < self._most:
                smaller = False
                for knobs in self._candidates(self._best.knobs):
                    if self._breaks(knobs, nearby):
                        smaller = True
                        tell(Shrunk(self._best, self.runs))
                        break
        return Shrunk(self._best, self.runs)

    def _breaks(self, knobs: Knobs, nearby: int) -> bool:
        """Whether the same breaks with these knobs, with this seed or one nearby."""
        for away in range(nearby + 1):
            seed = self._best.seed + away
            key = (seed, knobs.model_dump_json())
            if key in self._tried:
                continue
            if self.runs >= self._most:
                return False
            self.runs += 1
            outcome = run(seed, knobs, self._make_backend, self._own)
            self._tried[key] = True
            if outcome.broken == self._broken:
                self._best = outcome
                return True
        return False

    def _candidates(self, knobs: Knobs) -> Iterator[Knobs]:
        if not knobs.fifo:
            yield knobs.but(fifo=True)
        yield from _with_less(knobs)
        for orders in _below(knobs.orders):
            yield knobs.but(orders=orders)
        for name in _COUNTS:
            for count in _below(getattr(knobs, name)):
                yield knobs.but(**{name: count})
        for horizon in _HORIZONS:
            if horizon < knobs.horizon:
                yield knobs.but(horizon=horizon)


def _with_less(knobs: Knobs) -> Iterator[Knobs]:
    """Half of the knobs off, then one at a time."""
    turned_on = knobs.turned_on
    half = len(turned_on) // 2
    if half > 1:
        for part in (turned_on[:half], turned_on[half:]):
            yield knobs.but(**dict.fromkeys(part, 0))
    for name in turned_on:
        yield knobs.but(**{name: 0})


def _below(count: int) -> Iterator[int]:
    """Smaller numbers, the smallest first, not all of them."""
    tried = sorted({0, 1, 2, count // 4, count // 2, count - 1})
    yield from (number for number in tried if 0 <= number < count)


def shrink(
    outcome: Outcome,
    *,
    most_runs: int = 1500,
    tell: Callable[[Shrunk], None] = lambda _: None,
    make_backend: MakeBackend = FakeBackend,
    own: OwnChecks | None = None,
) -> Shrunk:
    """The smallest scenario in which the same breaks, as far as so many runs find it."""
    shrinker = Shrinker(outcome, most_runs=most_runs, make_backend=make_backend, own=own)
    return shrinker.shrink(tell)
