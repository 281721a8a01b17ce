"""Run one seed to its end, and say what came of it."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fillwright.testing.simulation.backend import FakeBackend, MakeBackend
from fillwright.testing.simulation.figures import Figures
from fillwright.testing.simulation.invariants import Violation
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.own import OwnChecks
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
    figures: Figures

    @property
    def broken(self) -> str:
        """The name of what did not hold; empty when all did."""
        if self.fault is None:
            return ""
        named = self.fault.invariant if isinstance(self.fault, Violation) else ""
        return named or type(self.fault).__name__


def run(
    seed: int,
    knobs: Knobs | None = None,
    make_backend: MakeBackend = FakeBackend,
    own: OwnChecks | None = None,
) -> Outcome:
    """Run a seed with its own knobs, or with others; `own` checks are asked in every process."""
    with _quiet(), _collected():
        return _lived(World(seed, knobs or Knobs.draw(seed), make_backend, own))


def _lived(world: World) -> Outcome:
    fault: BaseException | None = None
    try:
        world.loop.run_until_complete(world.run())
    except Exception as broken:  # noqa: BLE001  # whatever it is, it is the outcome
        fault = broken
    trace, steps, seconds = world.trace, world.loop.steps, world.loop.time()
    digest, figures = trace.digest, world.figures()
    world.close()
    return Outcome(world.seed, world.knobs, digest, fault, trace, steps, seconds, figures)


@contextmanager
def _collected() -> Iterator[None]:
    """Collect a scenario's cycles once, when it is over: nearly all of it goes together."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.collect(0)
            gc.enable()


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
