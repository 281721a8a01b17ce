"""The planted faults: each is found by its seed, and the page says what was found."""

from collections.abc import Mapping
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from fillwright.desk import doubts
from fillwright.testing.simulation import Case, Outcome, run
from fillwright.testing.simulation.command import main
from simulation import test_seeds
from simulation.faults_of_controls import BY_CASE
from simulation.faults_of_ours import MUTANTS, PAGE, WITHIN, Found, kept, page
from simulation.planting import Change, Mutant, planted

FOUND: Mapping[str, Found] = kept()
CASES = [file for file in test_seeds.REGRESSIONS if Case.read(file).mutants]
AGAIN = "run `python -m simulation.faults_of_ours {} --write` in the folder of the tests"


@cache
def sound(seed: int) -> Outcome:
    """The seed without a fault; many faults share one."""
    return run(seed)


def test_there_are_enough_of_them() -> None:
    """Ten faults that are found prove little; thirty kinds of mistake are known from others."""
    names = [one.name for one in MUTANTS]

    assert len(set(names)) == len(names)
    assert len(names) >= 30


def test_each_was_found_soon() -> None:
    """A fault that takes a week to be found is found by its users."""
    late = [one.name for one in FOUND.values() if one.seed is None or one.seed >= WITHIN]

    assert list(FOUND) == [one.name for one in MUTANTS], AGAIN.format("")
    assert late == []


@pytest.mark.parametrize("one", MUTANTS, ids=lambda one: one.name)
def test_its_seed_finds_it(one: Mutant) -> None:
    """A seed that no longer finds a fault leaves a hole that nobody sees."""
    found = FOUND[one.name]
    assert found.seed is not None
    with planted(*one.changes):
        outcome = run(found.seed)

    assert outcome.broken == found.broke, AGAIN.format(one.name)
    assert sound(found.seed).broken == ""


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_case_finds_what_it_was_kept_for(file: Path) -> None:
    """A case that would be clean with its fault keeps nothing from coming back."""
    case = Case.read(file)
    known = (*MUTANTS, *BY_CASE)
    changes = [change for one in known if one.name in case.mutants for change in one.changes]
    with planted(*changes):
        outcome = run(case.seed, case.knobs)

    assert outcome.broken == case.broke


def test_the_page_says_what_was_found() -> None:
    """A table of another day claims what nobody tried."""
    assert PAGE.read_text(encoding="utf-8") == page(FOUND), AGAIN.format("")


@pytest.mark.parametrize("name", ["no_fsync", "timeout_is_reject", "no_execution_dedup"])
def test_a_pipeline_turns_red(name: str) -> None:
    """A fault that the command finds and does not tell by its exit code is merged."""
    [one] = [one for one in MUTANTS if one.name == name]
    seed = FOUND[name].seed
    assert seed is not None
    words = ["run", "--from", str(seed), "--seeds", "1", "--no-shrink"]
    with planted(*one.changes):
        code = main(words, StringIO())

    assert seed in test_seeds.SEEDS
    assert code == 1
    assert main(words, StringIO()) == 0


def test_the_seeds_of_every_change_turn_red() -> None:
    """The seeds that each change must pass would pass the fault, too."""
    [one] = [one for one in MUTANTS if one.name == "no_fsync"]
    with planted(*one.changes), pytest.raises(AssertionError, match="seed      0"):
        test_seeds.test_drawn_scenarios_are_clean(0)


@pytest.mark.parametrize("old", ["no such text", "state"], ids=["gone", "twice"])
def test_a_fault_without_a_place_says_so(old: str) -> None:
    """A fault that changes nothing any more is found by nothing, and would be called proof."""
    change = Change("fillwright.desk.carrier:Carrier._attempt", old, "pass")

    with pytest.raises(AssertionError, match=r"stands \d+ times in Carrier._attempt"):
        change.planted().__enter__()


def test_a_function_is_changed_twice_and_is_itself_again() -> None:
    """A fault that stays behind breaks every test that comes after."""
    where, real = "fillwright.desk.doubts:judge", doubts.judge
    first = Change(where, "Decision.HAND_OVER", "Decision.WAIT")
    second = Change(where, "return Decision.RESEND", "return Decision.WAIT")
    with planted(first, second):
        changed = doubts.judge

    assert changed is not real
    assert doubts.judge is real
