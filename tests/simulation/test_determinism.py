"""I24: the same seed is the same scenario, to the last event, in every process."""

import os
import subprocess
import sys

import pytest

from fillwright.testing.simulation import Knobs, run

#: Faults of every kind, two orders a second, and both kinds of journal.
SEEDS = (3, 5, 9, 21, 62)
PROGRAM = """
import sys
from fillwright.testing.simulation import Knobs, run
for seed in map(int, sys.argv[1:]):
    print(run(seed).digest)
    print(run(seed, Knobs.draw(seed).but(file=1)).digest)
"""


def digests(python: str, hash_seed: str) -> list[str]:
    """The hashes of those seeds in a process of their own."""
    done = subprocess.run(
        [python, "-c", PROGRAM, *map(str, SEEDS)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_repeats_itself(seed: int) -> None:
    """A violation that does not come again cannot be looked into."""
    first, second = run(seed), run(seed)

    assert list(first.trace.lines()) == list(second.trace.lines())
    assert (first.digest, first.steps) == (second.digest, second.steps)


def test_the_journal_file_repeats_itself_too() -> None:
    """Bytes that SQLite draws by chance must not reach the scenario."""
    knobs = Knobs.draw(5).but(file=1, kills=3, fragile=5)

    assert run(5, knobs).digest == run(5, knobs).digest


def test_another_hash_seed_is_the_same_scenario() -> None:
    """An order that comes from hashes differs in each process: nobody else could replay it."""
    assert digests(sys.executable, "1") == digests(sys.executable, "4242")


@pytest.mark.parametrize("python", os.environ.get("TRY_PYTHONS", "").split(":"))
def test_another_python_is_the_same_scenario(python: str) -> None:
    """A seed that was found on one Python must fail on the others.

    `TRY_PYTHONS` names interpreters with the project installed, with colons between.
    """
    if not python:
        pytest.skip("TRY_PYTHONS names no other interpreter")
    assert digests(python, "1") == digests(sys.executable, "1")
