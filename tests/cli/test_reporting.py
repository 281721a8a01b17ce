"""`fillwright report tca`: from the journal alone, and told as it is."""

from decimal import Decimal

import pytest

from cli.clikit import (
    is_one_sentence,
    rest_at_the_broker,
    resting,
    run_here,
    write_desk,
    write_plan,
)


@pytest.fixture
def traded(tmp_path, capsys):
    """A desk with two filled orders and an open one."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)
    rest_at_the_broker(desk, resting("MSFT", "7"))
    return desk


def test_each_fill_stands_with_the_market_that_it_was_had_at(capsys, traded) -> None:
    """A cost without the quotes that it rests on cannot be checked by anybody."""
    report = run_here(capsys, "report", "tca", "-c", traded, "--json").document
    filled = [one for one in report["orders"] if one["executions"]]

    assert report["account"] == "FAKE-1"
    assert {one["symbol"] for one in filled} == {"AAPL", "MSFT"}
    for one in filled:
        middle = (Decimal(one["bid"]) + Decimal(one["ask"])) / 2
        assert Decimal(one["arrival"]) == middle
        assert all(fill["bid"] and fill["ask"] for fill in one["executions"])
        cost = sum(
            (Decimal(f["price"]) - middle) * Decimal(f["quantity"]) for f in one["executions"]
        )
        assert Decimal(one["arrival_cost"]) == cost
    assert Decimal(report["total"]["arrival_cost"]) == sum(
        Decimal(one["arrival_cost"]) for one in report["orders"]
    )
    assert report["total"]["without_quote"] == 0


def test_it_needs_no_broker_and_no_configuration(tmp_path, capsys, traded) -> None:
    """The auditor has the file and nothing else."""
    shown = run_here(capsys, "report", "tca", traded.with_name("desk.db"))

    assert shown.code == 0
    assert "MARKET" in shown.out
    assert "3 orders" in shown.out


@pytest.mark.parametrize("since", ["2026-11-23", "2026-11-23T10:00:00+01:00", "2026-11-23T10:00"])
def test_since_leaves_earlier_orders_out(capsys, traded, since) -> None:
    """A report of this quarter must not hold the last one."""
    later = run_here(capsys, "report", "tca", "-c", traded, "--since", "2999-01-01", "--json")
    every = run_here(capsys, "report", "tca", "-c", traded, "--since", since, "--json")

    assert later.document["total"]["orders"] == 0
    assert later.document["total"]["arrival_bps"] is None
    assert every.code == 0
    assert every.document["since"].endswith("+00:00") or "+01:00" in every.document["since"]


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "23.11.2026"])
def test_a_time_that_is_none_is_told(capsys, traded, since) -> None:
    """A misread date is a report about something else."""
    outcome = run_here(capsys, "report", "tca", "-c", traded, "--since", since)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
