"""The catalogue itself: nothing promised without a line of code that looks at it."""

from pathlib import Path

import pytest

from fillwright.testing.simulation import CATALOGUE, ELSEWHERE, Violation, When
from fillwright.testing.simulation.invariants.catalogue import Invariant, invariant

ROOT = Path(__file__).parents[2]
NUMBERS = [f"I{number}" for number in range(1, 26)]
#: The standard controls, which no number of the guarantees names.
CONTROLS = [f"C{number:02}" for number in range(1, 41)]
#: When each one is to be looked at, as the guarantees have it.
WHEN = {
    "B": ["I1", "I2"],
    "T": ["I3", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I15", "I16", "I17", "I18"],
    "Q": ["I4", "I13", "I14", "I23"],
}


def entered(number: str) -> list[Invariant]:
    return [one for one in CATALOGUE if number in one.numbers]


@pytest.mark.parametrize("number", NUMBERS)
def test_each_promise_is_looked_at(number: str) -> None:
    """A guarantee that nothing looks at is a wish."""
    assert entered(number) or number in ELSEWHERE


@pytest.mark.parametrize("number", sorted(ELSEWHERE))
def test_what_is_tried_elsewhere_is_there(number: str) -> None:
    """A pointer to a test that is gone promises what nobody tries."""
    missing, files = ELSEWHERE[number]

    assert missing
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("one", CATALOGUE, ids=lambda one: one.name)
def test_each_entry_says_what_it_means(one: Invariant) -> None:
    """Who reads a violation at night has only its name and this sentence."""
    assert one.text.partition("\n")[0].endswith(".")
    assert all(n in NUMBERS or "." in n or n in CONTROLS for n in one.numbers)
    assert one.when in When


@pytest.mark.parametrize(("when", "numbers"), WHEN.items())
def test_each_is_looked_at_when_it_must_hold(when: str, numbers: list[str]) -> None:
    """Looked at only in the end, two of ten planted faults went unseen."""
    early = {"B": {When.BROKER}, "T": {When.BROKER, When.TRANSITION}, "Q": set(When)}[when]
    late = [n for n in numbers if not any(one.when in early for one in entered(n))]

    assert late == []


def test_a_violation_names_its_invariant() -> None:
    """A sentence alone does not say which promise was broken."""
    kept = list(CATALOGUE)

    @invariant(When.TRANSITION, "I1")
    def never_holds() -> None:
        """Nothing holds."""
        raise Violation("it does not")

    CATALOGUE[:] = kept
    with pytest.raises(Violation, match="I1 never_holds: it does not") as told:
        never_holds()
    assert told.value.invariant == "I1 never_holds"
