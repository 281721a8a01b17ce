"""Run one seed to its end, and say what came of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fillwright.testing.simulation.backend import FakeBackend, MakeBackend
from fillwright.testing.simulation.invariants import Violation
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.trace import Trace
from fillwright.testing.simulation.world import World


@dataclass(frozen=True)
class Outcome:
    """What came of one seed."""

    seed: int
    knobs: Knobs
    #: The hash over everything that happened.
    digest: str
    #: What did not hold; None when all did.
    fault: BaseException | None
    trace: Trace
    #: Callbacks that ran, and virtual seconds that passed.
    steps: int
    seconds: float

    @property
    def broken(self) -> str:
        """The name of what did not hold; empty when all did."""
        if self.fault is None:
            return ""
        named = self.fault.invariant if isinstance(self.fault, Violation) else ""
        return named or type(self.fault).__name__


def run(seed: int, knobs: Knobs | None = None, make_backend: MakeBackend = FakeBackend) -> Outcome:
    """Run a seed with its own knobs, or with others."""
    world = World(seed, knobs or Knobs.draw(seed), make_backend)
    fault: BaseException | None = None
    with _quiet():
        try:
            world.loop.run_until_complete(world.run())
        except Exception as broken:  # noqa: BLE001  # whatever it is, it is the outcome
            fault = broken
        trace, steps, seconds = world.trace, world.loop.steps, world.loop.time()
        digest = trace.digest
        world.close()
    return Outcome(seed, world.knobs, digest, fault, trace, steps, seconds)


@contextmanager
def _quiet() -> Iterator[None]:
    """Doubts and disconnects are what is wanted here, and no news."""
    log = logging.getLogger("fillwright")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
