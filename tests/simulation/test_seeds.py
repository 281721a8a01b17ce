"""Seeds that must be clean, and seeds that once were not.

`TRY_SEEDS` and `TRY_FROM` make it look further: ten to twenty a second on one core.
"""

import os
from pathlib import Path

import pytest

from fillwright.testing.simulation import Case, Knobs, Outcome, described, run

FIRST = int(os.environ.get("TRY_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("TRY_SEEDS", "120")))
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))


def told(outcome: Outcome) -> str:
    """Everything that somebody needs to look into it; empty when nothing broke."""
    return "\n".join(described(outcome)) if outcome.fault is not None else ""


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, 20))
def test_drawn_scenarios_are_clean(first: int) -> None:
    """Each seed is a day on which everything goes wrong; no order may be doubled or lost."""
    for seed in range(first, min(first + 20, SEEDS.stop)):
        assert told(run(seed)) == ""


@pytest.mark.parametrize("seed", range(900, 910))
def test_scenarios_on_a_journal_file_are_clean(seed: int) -> None:
    """What holds on the journal's twin in memory must hold on the file."""
    assert told(run(seed, Knobs.draw(seed).but(file=1, kills=3, fragile=10))) == ""


@pytest.mark.parametrize("seed", range(5))
def test_everything_at_once_is_clean(seed: int) -> None:
    """Faults that are harmless alone are not harmless together."""
    most = Knobs.draw(seed).model_dump()
    chances = {name: 10 for name, value in most.items() if name in Knobs().model_dump()}
    worst = {name: 10 for name in chances if name.endswith(("requests", "reads", "reports"))}
    knobs = Knobs.model_validate(most | worst | {"kills": 3, "fragile": 3, "plans": 1})

    assert told(run(seed, knobs)) == ""


def test_a_calm_day_is_calm() -> None:
    """Without a fault nothing is in doubt, nothing is sent twice, and nobody is woken."""
    outcome = run(0, Knobs(moves=3))
    doubts = [line for line in outcome.trace.lines() if "doubt" in line or "fault" in line]

    assert told(outcome) == ""
    assert doubts == []


@pytest.mark.parametrize("file", REGRESSIONS, ids=lambda file: file.stem)
def test_what_was_mended_stays_mended(file: Path) -> None:
    """A fault that came back was never understood."""
    assert told(Case.read(file).run()) == ""
