"""The figures of many scenarios: counted once each, added up, and told."""

from collections import Counter
from pathlib import Path

import pytest

from fillwright.errors import BadInput
from fillwright.testing.simulation import Knobs, run
from fillwright.testing.simulation.counting import UNPROVEN, Counting
from fillwright.testing.simulation.figures import Figures, percentile
from fillwright.testing.simulation.report import Broken, Report

BUSY = Knobs(
    orders=8, lost_answers=60, halts=8, kills=3, fragile=5, closed_disk=30, moves=3, repeats=100
)


@pytest.fixture(scope="module")
def busy() -> Figures:
    """Scenarios in which something of everything happens."""
    figures = Figures()
    for seed in range(4):
        outcome = run(seed, BUSY)
        assert outcome.fault is None
        figures.add(outcome.figures)
    return figures


def test_what_happened_is_counted(busy: Figures) -> None:
    """A run that says only that nothing broke may be one in which nothing happened."""
    assert busy.seeds == 4
    assert busy.seconds > 4 * 40
    assert busy.group("orders")["asked for by an owner"] >= 4 * 8
    assert busy.group("requests")["submit"] >= busy.group("orders")["sent, those of plans included"]
    assert sum(busy.group("faults").values()) > 4
    assert sum(busy.group("ends of a process").values()) > 2
    assert busy.group("disk faults")["is read-only"] > 0
    assert busy.group("halts")["halt() returned"] > 4
    assert "new risk left under one" not in busy.group("halts")


def test_each_doubt_ends_with_a_proof(busy: Figures) -> None:
    """A doubt that ended by nothing is a guess about money."""
    begun = busy.group("doubts")["begun about a submit"]

    assert begun > 4
    assert sum(busy.group("doubts ended").values()) >= begun / 2
    assert busy.unproven == 0


def test_a_doubt_that_ends_by_nothing_is_told_apart() -> None:
    """The figure that must be zero has to be able to be something else."""
    counting = Counting()
    counting.note("doubts ended", f"{UNPROVEN}, by Asked", 2)
    figures = Figures(1, counts=counting.counts)

    assert figures.unproven == 2
    assert any("unproven ends      2" in line for line in figures.lines())


def test_counting_changes_nothing() -> None:
    """A scenario that goes otherwise when it is counted cannot be replayed."""
    assert run(3, BUSY).digest == run(3, BUSY).digest


def test_figures_come_back_from_paper_and_add_up(busy: Figures) -> None:
    """Halves of a night that do not make the whole are no figures."""
    twice = Figures.from_json(busy.as_json())
    assert twice == busy

    twice.add(busy)
    assert twice.seeds == 8
    assert twice.counts == Counter({name: 2 * count for name, count in busy.counts.items()})


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 99, 0), ([7], 50, 7), ([1, 2, 3, 4], 50, 2), (range(1, 101), 99, 99)],
)
def test_a_percentile_is_one_of_the_values(values, percent: int, expected: int) -> None:
    """A bar that is met by rounding is not met."""
    assert percentile(Counter(values), percent) == expected


@pytest.mark.parametrize(
    ("done", "missing"),
    [
        ([], [(0, 10)]),
        ([(0, 10)], []),
        ([(2, 4)], [(0, 2), (4, 10)]),
        ([(0, 3), (3, 5), (8, 20)], [(5, 8)]),
        ([(20, 30)], [(0, 10)]),
    ],
)
def test_what_is_missing_of_a_range(done, missing) -> None:
    """A seed that is skipped is counted as tried."""
    report = Report()
    for first, end in done:
        report.add(first, end, Figures(), [])

    assert list(report.missing(0, 10)) == missing


def test_reports_of_unlike_runs_are_not_added_up() -> None:
    """Seeds with other knobs are other scenarios."""
    with pytest.raises(BadInput, match="unlike"):
        Report({"halts": 10}).join(Report())


def test_a_report_comes_back_from_its_file(tmp_path: Path, busy: Figures) -> None:
    """What a night found must be there in the morning, to the last violation."""
    report = Report({"halts": 8})
    report.add(5, 9, busy, [Broken(7, "I1 some", "it does not hold")])
    report.save(tmp_path / "report.json")
    again = Report.read(tmp_path / "report.json")

    assert again == report
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
