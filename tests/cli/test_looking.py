"""`orders`, `positions` and `journal`: read from the file alone, and never from a guess."""

import json
import sqlite3
from decimal import Decimal

import pytest

from cli.clikit import (
    is_one_sentence,
    order,
    rest_at_the_broker,
    resting,
    run_here,
    write_desk,
    write_plan,
)
from fillwright.journal import verify


@pytest.fixture
def traded(tmp_path, capsys):
    """A desk with two filled orders and an open one."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)
    rest_at_the_broker(desk, resting("MSFT", "7"))
    return desk


def test_open_orders_are_listed_and_ended_ones_on_demand(tmp_path, capsys, traded) -> None:
    """An open order is overlooked among thousands that ended."""
    listed = run_here(capsys, "orders", "-c", traded, "--json").document
    everything = run_here(capsys, "orders", "--all", "-c", traded, "--json").document

    assert [(one["symbol"], one["leaves"]) for one in listed["orders"]] == [("MSFT", "7")]
    assert [one["status"] for one in everything["orders"]] == ["FILLED", "FILLED", "NEW"]
    assert listed["account"] == "FAKE-1"


def test_orders_and_positions_need_no_broker(tmp_path, capsys, traded) -> None:
    """The broker is down, and so are our own books."""
    traded.write_text(
        traded.read_text().replace('"fake"', '"nosuch"').replace("[fake]", "[nosuch]")
    )

    assert run_here(capsys, "orders", "-c", traded).code == 0
    held = run_here(capsys, "positions", "-c", traded, "--json")

    assert held.code == 0
    assert held.document["positions"] == {"AAPL": "5", "MSFT": "4"}
    assert Decimal(held.document["cash"]) < 50_000


@pytest.mark.parametrize("verb", [["orders"], ["positions"], ["journal", "verify"]])
def test_without_a_journal_there_is_nothing_to_list(tmp_path, capsys, verb) -> None:
    """In the wrong folder it says that no order is open."""
    outcome = run_here(capsys, *verb)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert list(tmp_path.iterdir()) == []


def test_the_journal_shows_its_newest_records(tmp_path, capsys, traded) -> None:
    """What happened last is at the end of a million lines."""
    shown = run_here(capsys, "journal", "show", "--last", "2", "-c", traded, "--json").document
    plan = run_here(capsys, "journal", "show", "--key", "p-1", "-c", traded, "--json").document
    kinds = run_here(
        capsys, "journal", "show", "--kind", "order_sent", "-c", traded, "--json"
    ).document

    assert shown["records"][-1]["seq"] == verify(tmp_path / "desk.db").records
    assert len(shown["records"]) == 2
    assert plan["records"][0]["kind"] == "plan_started"
    assert plan["records"][-1]["kind"] == "plan_finished"
    assert len(kinds["records"]) == 3


def test_a_sound_journal_and_a_damaged_one(tmp_path, capsys, traded) -> None:
    """A changed record passes as what happened."""
    sound = run_here(capsys, "journal", "verify", "-c", traded, "--json")
    database = sqlite3.connect(tmp_path / "desk.db")
    with database:
        triggers = database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE records SET body = replace(body, 'a', 'b') WHERE seq = 5")
    database.close()

    damaged = run_here(capsys, "journal", "verify", "-c", traded, "--json")
    exported = run_here(capsys, "journal", "export", "-c", traded, "--json")

    assert (sound.code, sound.document["sound"]) == (0, True)
    assert (damaged.code, damaged.document["sound"]) == (1, False)
    assert damaged.document["broken_at"] == 5
    assert exported.code == 2
    assert "damaged at record 5" in exported.error["message"]


def test_the_export_has_every_record(tmp_path, capsys, traded) -> None:
    """The auditor's copy lacks what he asks about."""
    count = verify(tmp_path / "desk.db").records

    lines = run_here(capsys, "journal", "export", "-c", traded).out.splitlines()
    document = run_here(capsys, "journal", "export", "-c", traded, "--json").document
    named = run_here(capsys, "journal", "export", tmp_path / "desk.db").out.splitlines()

    assert [json.loads(line)["seq"] for line in lines] == list(range(1, count + 1))
    assert document["records"] == [json.loads(line) for line in lines]
    assert named == lines


def test_an_export_is_a_new_private_file_or_none(tmp_path, capsys, traded) -> None:
    """An export overwrites the only copy of another one."""
    out = tmp_path / "out.jsonl"

    first = run_here(capsys, "journal", "export", "-o", out, "-c", traded)
    content = out.read_text()
    again = run_here(capsys, "journal", "export", "-o", out, "-c", traded)
    nowhere = run_here(capsys, "journal", "export", "-o", out / "x", "-c", traded)

    assert first.code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert (again.code, nowhere.code) == (2, 2)
    assert out.read_text() == content
    assert not list(tmp_path.glob("*.part"))


def test_text_from_a_plan_cannot_speak_to_the_terminal(tmp_path, capsys) -> None:
    """A name that somebody else chose clears the screen, or paints a row green."""
    desk = write_desk(
        tmp_path, fake='faults = [{on="submit", fault="reject", text="[red]\\u001b[2Jx"}]'
    )

    outcome = run_here(capsys, "run", write_plan(tmp_path, orders=[order("AAPL", "1")]), "-c", desk)

    assert "\x1b" not in outcome.out
    assert "[red]\\x1b[2Jx" in outcome.out
