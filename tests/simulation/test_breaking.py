"""Every invariant is broken once: by an example, or by a fault that is planted in the desk."""

from typing import Any

import pytest

from fillwright.testing.simulation import CATALOGUE, Case, Knobs, Violation, World, run
from simulation import breaking_changes, breaking_requests, breaking_rest, test_seeds
from simulation.breaking import EXAMPLES, Example
from simulation.faults_of_ours import kept

#: A scenario without faults, with a plan, fills, and one order that rests to its end.
SEED, KNOBS = 3, Knobs(plans=1)
#: Their examples entered themselves.
ROOMS = (breaking_changes, breaking_requests, breaking_rest)


@pytest.mark.parametrize(
    ("invariant", "words", "example"),
    [pytest.param(*one, id=f"{one[0]}: {one[1]}") for one in EXAMPLES],
)
def test_an_invariant_can_be_broken(
    invariant: str, words: str, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot fail finds nothing in a million seeds, and they all count as clean."""

    async def end(_world: World, process: Any) -> None:
        # All of them have just held of this scene.
        example(process.scene)

    monkeypatch.setattr(World, "_end", end)
    outcome = run(SEED, KNOBS)

    assert isinstance(outcome.fault, Violation), outcome.fault
    assert outcome.broken.endswith(f" {invariant}")
    assert words in outcome.fault.text


def test_none_was_left_out() -> None:
    """A new invariant that nothing has ever broken may be one that cannot be."""
    names = {name for name, _, _ in EXAMPLES}
    names |= {found.broke.rpartition(" ")[2] for found in kept().values()}
    names |= {
        case.broke.rpartition(" ")[2]
        for case in map(Case.read, test_seeds.REGRESSIONS)
        if case.mutants
    }

    assert [one.name for one in CATALOGUE if one.name not in names] == []
