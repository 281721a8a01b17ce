"""What a scenario of the simulation costs: six orders through the real desk, and faults between.

Each kind runs the same seeds, and the kinds take turns seed by seed, so that a busy moment slows
all of them. The ratio is to six orders of the bare floor in memory, measured between.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import scenes
from fillwright.testing.simulation import Knobs, run

#: What is aimed at: scenarios of six orders a second, on one core.
AIM = 20
ORDERS = 6
#: How the knobs that a seed draws are turned.
KINDS: Mapping[str, Mapping[str, int]] = {
    "six orders, nothing goes wrong": Knobs().model_dump(),
    "six orders, journal in memory": {"orders": ORDERS, "file": 0, "controls": 0},
    "six orders, journal in a file": {"orders": ORDERS, "file": 1, "controls": 0},
    "as drawn": {},
}
#: Of these a round has so many, and behind each round the floor is measured.
_ROUND = 10
_FLOOR = 200


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one scenario."""

    name: str
    mean: float
    median: float


def measured(seeds: int) -> tuple[Sequence[Cost], float]:
    """Each kind, and six orders of the floor."""
    spent: dict[str, list[float]] = {name: [] for name in KINDS}
    floor: list[float] = []
    _all(0)
    for seed in range(seeds):
        for name, cost in _all(seed).items():
            spent[name].append(cost)
        if seed % _ROUND == 0:
            bare = asyncio.run(scenes.floor(count=_FLOOR, in_flight=100, durable=False))
            floor.append(bare.cpu * ORDERS / 1e6)
    costs = [Cost(name, sum(all_) / seeds, median(all_)) for name, all_ in spent.items()]
    return costs, median(floor)


def _all(seed: int) -> dict[str, float]:
    return {name: _timed(seed, turned) for name, turned in KINDS.items()}


def _timed(seed: int, turned: Mapping[str, int]) -> float:
    knobs = Knobs.draw(seed).but(**turned)
    begun = time.process_time()
    outcome = run(seed, knobs)
    spent = time.process_time() - begun
    if outcome.fault is not None:
        raise outcome.fault
    return spent


def report(seeds: int) -> str:
    """The table, and the aim."""
    costs, floor = measured(seeds)
    text = f"\n{'scenario':34}{'CPU ms: mean':>14}{'median':>8}{'a second':>10}"
    text += f"{'times the floor':>17}\n"
    for one in costs:
        text += f"  {one.name:32}{one.mean * 1e3:>14.1f}{one.median * 1e3:>8.1f}"
        text += f"{1 / one.mean:>10.1f}{one.mean / floor:>17.0f}\n"
    return text + f"\naimed at {AIM} scenarios of six orders a second on one core\n"


SIZES: Mapping[str, int] = {"quick": 5, "usual": 100, "full": 1_000}
