"""The deterministic simulation: a real desk in a machine, a network and a venue that fail by seed.

    python -m fillwright.testing.simulation run --seeds 1000 --jobs 2
    python -m fillwright.testing.simulation replay 4711

One seed decides everything: which orders are wanted, which requests are lost, when the process
dies, what the disk keeps, and which of two callbacks that are ready runs first. The same seed gives
the same events. What must hold stands in `invariants`; what a seed turns on stands in `Knobs`.

Another adapter takes part with a `Backend` of its own (`--backend my_broker.sim:MyBackend`): it
brings a venue, connects the adapter to it, and shows the scenario's faults (`SeededScript.strike`)
in its transport's own way. Checks take part through the desk.toml that names them
(`--desk desk.toml`).
"""

from fillwright.testing.simulation.backend import (
    Backend,
    DeskPorts,
    FakeBackend,
    MakeBackend,
    backend_at,
)
from fillwright.testing.simulation.cases import Case, described
from fillwright.testing.simulation.chances import Chances, SeededScript
from fillwright.testing.simulation.clock import SimClock
from fillwright.testing.simulation.invariants import (
    CATALOGUE,
    ELSEWHERE,
    Invariant,
    Violation,
    When,
)
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.loop import Deadlock, Runaway, SimLoop
from fillwright.testing.simulation.outside import Outside
from fillwright.testing.simulation.own import OwnChecks, own_checks
from fillwright.testing.simulation.run import Outcome, run
from fillwright.testing.simulation.scene import Scene
from fillwright.testing.simulation.shrink import Shrunk, shrink
from fillwright.testing.simulation.world import World

__all__ = [
    "CATALOGUE",
    "ELSEWHERE",
    "Backend",
    "Case",
    "Chances",
    "Deadlock",
    "DeskPorts",
    "FakeBackend",
    "Invariant",
    "Knobs",
    "MakeBackend",
    "Outcome",
    "Outside",
    "OwnChecks",
    "Runaway",
    "Scene",
    "SeededScript",
    "Shrunk",
    "SimClock",
    "SimLoop",
    "Violation",
    "When",
    "World",
    "backend_at",
    "described",
    "own_checks",
    "run",
    "shrink",
]
