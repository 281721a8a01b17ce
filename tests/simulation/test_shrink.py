"""A failure made small, and kept."""

from pathlib import Path

import pytest

from fillwright.testing.simulation import Case, Knobs, described, run, shrink
from simulation.faults_of_ours import MUTANTS
from simulation.planting import planted

BY_NAME = {one.name: one for one in MUTANTS}


@pytest.fixture(scope="module")
def small():
    """What is left of a scenario in which a planted fault shows."""
    with planted(*BY_NAME["timeout_is_reject"].changes):
        # Beside the standard controls it shows in what two orders count for together.
        plain = (seed for seed in range(400) if not Knobs.draw(seed).controls)
        outcome = next(found for seed in plain if (found := run(seed)).fault is not None)
        return outcome, shrink(outcome, most_runs=800)


def test_the_same_thing_breaks_with_less_around_it(small) -> None:
    """Nobody reads a timeline with thirty faults in it."""
    whole, shrunk = small
    left = shrunk.outcome

    assert left.broken == whole.broken
    assert len(left.knobs.turned_on) <= 2
    assert left.knobs.orders <= 2
    assert left.knobs.fifo
    assert shrunk.runs <= 800


def test_it_is_told_with_all_that_a_replay_needs(small) -> None:
    """A report without seed, revision and knobs can only be believed."""
    _, shrunk = small
    told = list(described(shrunk.outcome))

    assert told[0] == f"seed      {shrunk.outcome.seed}"
    assert told[1].startswith("revision")
    assert told[2].startswith("knobs     ")
    assert told[-1].startswith(f"broken    {shrunk.outcome.broken}")


def test_a_case_is_kept_and_read_back(small, tmp_path: Path) -> None:
    """A case that changes on its way through the file replays something else."""
    _, shrunk = small
    case = Case.of(shrunk.outcome, "a timeout was read as a refusal")
    file = case.save(tmp_path / "cases")

    assert Case.read(file) == case
    assert "false" not in file.read_text()
    with planted(*BY_NAME["timeout_is_reject"].changes):
        assert run(case.seed, case.knobs).broken == case.broke
    assert run(case.seed, case.knobs).fault is None


def test_what_is_turned_off_leaves_the_other_draws_alone() -> None:
    """A knob that moves the chance of all others makes shrinking a lottery."""
    knobs = Knobs(orders=3, moves=5, lost_reports=20, doubled_reports=20)
    both = run(4, knobs)
    one = run(4, knobs.but(doubled_reports=0))

    def lost(outcome):
        return [line for line in outcome.trace.lines() if "drop on report" in line][:1]

    assert lost(both) == lost(one)
