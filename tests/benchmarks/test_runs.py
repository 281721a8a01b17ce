"""The benchmarks themselves: they run, and their table has its lines."""

import math

from benchmarks import chains, scenario, table


def test_every_scene_runs_with_a_few_orders() -> None:
    """A benchmark that nobody runs rots: it no longer measures the desk that there is."""
    lines = table.lines((50,))
    found = table.run(lines, 1, lambda _: None)
    figures = [one for rounds in found for one in rounds]
    assert all(math.isfinite(one.cpu) and one.p99 >= one.p50 > 0 for one in figures)
    text = table.shown(lines, found)
    gates = [line for line in text.splitlines() if line.startswith("gate")]
    assert len(gates) == 2 * len(table.CHAINS) + 2 * (len(table.CHAINS) - 1)
    assert sum("beside an empty chain" in line for line in gates) == 2 * (len(table.CHAINS) - 1)
    assert all(line.name in text for line in lines)


def test_the_chains_are_measured_beside_an_empty_one() -> None:
    """The price of a chain is printed without what it is to be held against."""
    text = chains.report(20)

    rows = [line.split() for line in text.splitlines() if line.startswith("  ")]
    assert [row[0] for row in rows] == ["empty,", "25", "25", "25", "25"] * 2
    assert "25 standard controls, alone: p99" in text
    assert "aimed at 250 at most, on a quiet machine" in text
    assert "1.0 is quiet" in text


def test_a_scenario_is_measured_beside_the_floor() -> None:
    """How many seeds a night holds is reckoned from a scenario that is no longer run."""
    text = scenario.report(2)

    rows = [line for line in text.splitlines() if line.startswith("  ")]
    assert [row.split("  ")[1] for row in rows] == list(scenario.KINDS)
    assert "aimed at 20 scenarios of six orders a second" in text
