"""`fillwright run`: what it prints and what it exits with, for each way that a plan can end."""

import csv
import json
from pathlib import Path

import jsonschema
import pytest

from cli.clikit import (
    fillwright,
    order,
    rest_at_the_broker,
    resting,
    run_here,
    venue_orders,
    write_desk,
    write_plan,
)
from fillwright.cli.schemas import Subject, schema_of

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
UNKNOWABLE = (
    'faults = [{on="find", fault="lag", seconds=3600}, {on="report", fault="drop"},'
    '{on="open_orders", fault="lag", seconds=3600},'
    '{on="executions", fault="lag", seconds=3600}]'
)


def test_the_example_succeeds_in_an_empty_folder(tmp_path) -> None:
    """The first command that a stranger types fails, and he leaves."""
    plan = EXAMPLES / "rebalance.json"

    outcome = fillwright("run", plan, cwd=tmp_path)

    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert "SUCCESS: " in outcome.out
    for item in json.loads(plan.read_text())["items"]:
        assert item["symbol"] in outcome.out


def test_the_csv_example_is_carried_out(tmp_path) -> None:
    """A basket from a spreadsheet is the other half of what people have."""
    basket = EXAMPLES / "basket.csv"

    outcome = fillwright("run", basket, "--json", cwd=tmp_path)

    lines = [row for row in basket.read_text().splitlines() if not row.startswith("#")]
    symbols = {row["symbol"] for row in csv.DictReader(lines)}
    assert outcome.code in (0, 3)
    assert {item["symbol"] for item in outcome.document["items"]} == symbols


def test_success_exits_0_and_the_document_is_a_result(tmp_path, capsys) -> None:
    """A script that reads the result meets a field that the schema does not know."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)

    outcome = run_here(capsys, "run", plan, "-c", desk, "--json")

    assert outcome.code == 0
    assert outcome.document["status"] == "SUCCESS"
    assert [line["symbol"] for line in outcome.document["orders"]] == ["AAPL", "MSFT"]
    jsonschema.validate(outcome.document, schema_of(Subject.RESULT))


def test_the_same_plan_again_gives_the_first_result_and_sends_nothing(tmp_path, capsys) -> None:
    """A cron job that fires twice buys twice."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)
    first = run_here(capsys, "run", plan, "-c", desk, "--json")

    again = run_here(capsys, "run", plan, "-c", desk, "--json")
    told = run_here(capsys, "run", plan, "-c", desk)

    assert again.document == first.document
    assert "nothing was sent now" in told.out
    assert len(venue_orders(tmp_path)) == 2


def test_other_content_under_a_known_plan_id_is_bad_input(tmp_path, capsys) -> None:
    """Two different decisions under one name, and nobody knows which one traded."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)
    other = write_plan(tmp_path, name="other.json", target_quantities={"AAPL": "9"})

    outcome = run_here(capsys, "run", other, "-c", desk, "--json")

    assert outcome.code == 2
    assert outcome.error["kind"] == "IntentConflict"
    assert outcome.error["sent"] is False
    assert len(venue_orders(tmp_path)) == 2


def test_what_the_gate_refuses_in_part_exits_3(tmp_path, capsys) -> None:
    """A script takes a half-done rebalance for a whole one."""
    desk = write_desk(tmp_path)
    plan = write_plan(tmp_path, orders=[order("AAPL", "5"), order("KO", "101")])

    outcome = run_here(capsys, "run", plan, "-c", desk)

    assert outcome.code == 3
    row = next(line for line in outcome.out.splitlines() if line.startswith("KO"))
    assert "NOT FILLED" in row
    assert "refused: " in row
    assert "measured 101, limit 100" in row
    assert "PARTIAL_SUCCESS: 1 of 2 orders filled" in outcome.out


def test_what_the_broker_rejects_as_a_whole_exits_1(tmp_path, capsys) -> None:
    """Nothing traded, and the exit code says that all is well."""
    desk = write_desk(tmp_path, fake='faults = [{on="submit", fault="reject", text="closed"}]')

    outcome = run_here(capsys, "run", write_plan(tmp_path), "-c", desk)

    assert outcome.code == 1
    assert outcome.out.count("rejected: ") == 2
    assert "FAILURE: 0 of 2 orders filled" in outcome.out


def test_what_cannot_be_known_exits_4_and_says_what_to_do(tmp_path, capsys) -> None:
    """Somebody reads an unknown outcome as a failure, and places the order again by hand."""
    desk = write_desk(tmp_path, fake=UNKNOWABLE, desk="reconcile_every_seconds = 1")
    plan = write_plan(tmp_path, orders=[order("AAPL", "5")], execution_urgency="URGENT")

    outcome = run_here(capsys, "run", plan, "-c", desk)

    assert outcome.code == 4
    assert "IN DOUBT" in outcome.out
    assert "do not place these orders again by hand" in outcome.out
    (bought,) = venue_orders(tmp_path)
    assert bought["client_order_id"] in outcome.out
    listed = run_here(capsys, "orders", "-c", desk, "--json").document["orders"]
    assert [(one["status"], one["in_doubt"]) for one in listed] == [("MANUAL", True)]

    write_desk(tmp_path)
    settled = run_here(capsys, "run", plan, "-c", desk, "--json")
    assert settled.code == 0
    assert len(venue_orders(tmp_path)) == 1


def test_a_dry_run_sends_and_records_nothing(tmp_path, capsys) -> None:
    """Whoever only looks has traded."""
    desk = write_desk(tmp_path)
    plan = write_plan(tmp_path, orders=[order("AAPL", "5"), order("KO", "101")])

    outcome = run_here(capsys, "run", plan, "-c", desk, "--dry-run", "--json")

    lines = {line["symbol"]: line for line in outcome.document["lines"]}
    assert outcome.code == 3
    assert lines["AAPL"]["verdict"] == "ALLOW"
    assert lines["KO"]["verdict"] == "REJECT"
    assert "measured 101, limit 100" in lines["KO"]["reasons"][0]
    assert venue_orders(tmp_path) == []
    assert not (tmp_path / "desk.db").exists()


@pytest.mark.parametrize(("quantity", "code"), [("5", 0), ("101", 1)])
def test_a_dry_run_exits_by_what_would_leave(tmp_path, capsys, quantity, code) -> None:
    """`run --dry-run && run` goes on although the gate would refuse."""
    plan = write_plan(tmp_path, orders=[order("AAPL", quantity)])

    outcome = run_here(capsys, "run", plan, "-c", write_desk(tmp_path), "--dry-run")

    assert outcome.code == code
    assert outcome.out.endswith("Nothing was sent.\n")


def test_a_dry_run_knows_the_halts_and_open_orders_of_the_real_journal(tmp_path, capsys) -> None:
    """The dry run says yes, and the run then refuses; or it cancels what was to stay."""
    desk = write_desk(tmp_path)
    (waiting,) = rest_at_the_broker(desk, resting("MSFT"))
    run_here(capsys, "halt", "--symbol", "AAPL", "--reason", "x", "--by", "me", "-c", desk)
    before = (tmp_path / "desk.db").read_bytes()
    plan = write_plan(tmp_path, "p-2", orders=[order("AAPL", "5"), order("KO", "5")])

    outcome = run_here(capsys, "run", plan, "-c", desk, "--dry-run", "--json")

    lines = {line["symbol"]: line for line in outcome.document["lines"]}
    assert "HALTED" in lines["AAPL"]["reasons"][0]
    assert lines["KO"]["verdict"] == "ALLOW"
    assert outcome.document["cancels"] == [waiting]
    assert [one["status"] for one in venue_orders(tmp_path)] == ["NEW"]
    assert (tmp_path / "desk.db").read_bytes() == before


def test_a_new_journal_is_called_one(tmp_path, capsys) -> None:
    """A misspelt path begins a new journal in silence, and the desk forgets what it has sent."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)
    told = f"A new journal was begun: {tmp_path / 'desk.db'}."
    dry = run_here(capsys, "run", plan, "-c", desk, "--dry-run")

    first = run_here(capsys, "run", plan, "-c", desk)
    again = run_here(capsys, "run", plan, "-c", desk)
    dry_again = run_here(capsys, "run", plan, "-c", desk, "--dry-run")

    assert f"A run would begin a new journal: {tmp_path / 'desk.db'}" in dry.out
    assert told in first.out
    assert "look how `journal` is spelt" in first.out
    assert "new journal" not in again.out + dry_again.out


def test_a_halt_in_a_new_journal_says_so(tmp_path, capsys) -> None:
    """The halt is written where no desk looks, and the desk goes on trading."""
    steering = ("--all", "--reason", "x", "--by", "me")
    desk = write_desk(tmp_path)

    first = run_here(capsys, "halt", *steering, "-c", desk)
    again = run_here(capsys, "halt", *steering, "-c", desk)

    assert "A new journal was begun" in first.out
    assert "new journal" not in again.out
