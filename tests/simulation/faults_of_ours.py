"""Faults of our own, to prove that the simulation would find them.

From the folder of the tests, `python -m simulation.faults_of_ours` looks for every one of them, or
for those that are named, and writes the table.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fillwright.testing.simulation import run
from simulation import faults_of_books, faults_of_process, faults_of_requests
from simulation.planting import Mutant, planted

MUTANTS: Sequence[Mutant] = (
    *faults_of_requests.MUTANTS,
    *faults_of_books.MUTANTS,
    *faults_of_process.MUTANTS,
)
#: Within so many seeds each one must be found.
WITHIN = 1000


@dataclass(frozen=True)
class Found:
    """When a fault of ours was found, and by what."""

    name: str
    seed: int | None
    seeds: int
    broken: str
    seconds: float


def look_for(one: Mutant, seeds: Iterable[int] = range(WITHIN)) -> Found:
    """Run seeds until one is broken that is not without the fault."""
    began = time.process_time()
    count = 0
    for count, seed in enumerate(seeds, start=1):
        with planted(*one.changes):
            outcome = run(seed)
        if outcome.fault is not None and run(seed).fault is None:
            return Found(one.name, seed, count, outcome.broken, time.process_time() - began)
    return Found(one.name, None, count, "", time.process_time() - began)


def main() -> None:
    names = sys.argv[1:]
    for one in MUTANTS:
        if names and one.name not in names:
            continue
        found = look_for(one)
        seed = "not found" if found.seed is None else found.seed
        print(
            f"| {one.name} | {seed} | {found.seeds} | {found.seconds:.1f} | {found.broken} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
