"""`plugins`, `check-config`, `schema` and `version`: what would run, before anything does."""

import asyncio
import json
import os
import tomllib
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest

from cli.clikit import fillwright, run_here, venue_orders, write_desk, write_plan
from fillwright.cli.schemas import Subject, pages, schema_of
from fillwright.clock import SystemClock
from fillwright.config import default_text
from fillwright.journal import SqliteJournal
from fillwright.protocols import Binding
from fillwright.types import Mode

DOCS = Path(__file__).parents[2] / "docs"
MY_CHECK = """
from fillwright import ALLOW, Reject, hookimpl

@hookimpl
def check_order(order):
    return ALLOW if order.symbol != "KO" else Reject("MINE", measured="KO", limit="not KO")
"""


def test_plugins_that_are_loaded_and_those_that_are_not(tmp_path, capsys) -> None:
    """Somebody believes that his check is asked, and it was never loaded."""
    (tmp_path / "mine.py").write_text(MY_CHECK)
    desk = write_desk(tmp_path, checks='"./mine.py", "risk"')

    outcome = run_here(capsys, "plugins", "-c", desk, "--json")

    loaded = {one["name"]: one for one in outcome.document["loaded"]}
    assert outcome.code == 0
    assert loaded["mine"]["hooks"] == ["check_order"]
    assert loaded["mine"]["source"] == str(tmp_path / "mine.py")
    assert loaded["fake"]["hooks"] == ["provide_adapter"]
    assert loaded["risk.max_order_quantity"]["hooks"] == ["check_order"]
    assert "mine" in run_here(capsys, "plugins", "-c", desk).out


def test_a_sound_configuration(tmp_path, capsys) -> None:
    """A mistake shows only when the market is open."""
    desk = write_desk(tmp_path)

    outcome = run_here(capsys, "check-config", "-c", desk)

    assert outcome.code == 0, outcome.err
    assert "is sound: paper desk on fake" in outcome.out
    assert venue_orders(tmp_path) == []
    assert not (tmp_path / "desk.db").exists()


def test_a_broker_setting_that_is_wrong_is_found_before_the_run(tmp_path, capsys) -> None:
    """The check says that all is well, and the desk then does not start."""
    desk = write_desk(tmp_path, fake="csh = 5")

    outcome = run_here(capsys, "check-config", "-c", desk, "--json")

    assert outcome.code == 2
    assert outcome.error["message"] == (f"{desk}: fake.csh: is not a setting. Did you mean cash?")


def test_a_limit_that_is_wrong_names_its_file(tmp_path, capsys) -> None:
    """Three desks run on this machine, and nobody knows whose limit is misspelt."""
    desk = write_desk(tmp_path)
    desk.write_text(desk.read_text().replace("limit_shares", "limit_share"))

    outcome = run_here(capsys, "check-config", "-c", desk, "--json")

    assert outcome.code == 2
    assert outcome.error["where"] == f"{desk}: risk.max_order_quantity.limit_share"
    assert outcome.error["hint"] == "Did you mean limit_shares?"


def test_a_journal_that_cannot_be_opened_is_no_sound_path(tmp_path, capsys) -> None:
    """The check says that all is well, and the desk then does not start."""
    desk = write_desk(tmp_path)
    text = desk.read_text()
    (tmp_path / "a-file").write_text("not a folder, and not a journal")
    for journal, said in (
        ("a-file/desk.db", "cannot use its folder"),
        ("a-file", "can write to it"),
    ):
        (tmp_path / "a-file").chmod(0o666)
        desk.write_text(text.replace('"desk.db"', f'"{journal}"'))

        outcome = run_here(capsys, "check-config", "-c", desk, "--json")

        assert outcome.code == 2, journal
        assert said in outcome.error["message"]


def test_the_journal_of_another_desk_is_no_sound_path(tmp_path, capsys) -> None:
    """A live desk is called sound on the journal of a paper one, and does not start."""
    desk, binding = write_desk(tmp_path), Binding(Mode.PAPER, "other", "X-1")
    journal = SqliteJournal.open(tmp_path / "desk.db", binding, clock=SystemClock())
    asyncio.run(journal.aclose())

    outcome = run_here(capsys, "check-config", "-c", desk, "--json")

    assert outcome.code == 2
    assert outcome.error["kind"] == "JournalBound"
    assert "belongs to paper/other/X-1" in outcome.error["message"]


def test_a_new_journal_is_called_one(tmp_path, capsys) -> None:
    """A misspelt path passes the check, and the desk forgets what it has sent."""
    desk = write_desk(tmp_path)
    new = run_here(capsys, "check-config", "-c", desk)
    document = run_here(capsys, "check-config", "-c", desk, "--json").document
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)

    again = run_here(capsys, "check-config", "-c", desk)

    assert "desk.db (a new journal: it is not there yet)" in new.out
    assert document["journal_is_new"] is True
    assert "records of paper/fake/FAKE-1)" in again.out


def test_a_journal_in_use_is_told(tmp_path, capsys) -> None:
    """The configuration of a running desk cannot be checked before it is started anew."""
    desk, binding = write_desk(tmp_path), Binding(Mode.PAPER, "fake", "FAKE-1")
    journal = SqliteJournal.open(tmp_path / "desk.db", binding, clock=SystemClock())
    try:
        outcome = run_here(capsys, "check-config", "-c", desk)
    finally:
        asyncio.run(journal.aclose())

    assert outcome.code == 0
    assert f"in use by process {os.getpid()}" in outcome.out


def test_every_value_is_explained_and_no_secret_shown(tmp_path, capsys, monkeypatch) -> None:
    """A key stands in a terminal's history, or a default is taken for a setting."""
    monkeypatch.setenv("FILLWRIGHT_FAKE__ACCOUNT_ID", "FAKE-9")
    desk = write_desk(tmp_path, desk="silence_seconds = 2.5")
    text = desk.read_text() + '\n[mine]\napi_key = "hush-hush-hush"\n'
    (tmp_path / "mine.py").write_text(MY_CHECK)
    desk.write_text(text.replace('["risk"]', '["risk", "./mine.py"]'))

    outcome = run_here(capsys, "check-config", "--explain", "-c", desk, "--json")
    told = run_here(capsys, "check-config", "--explain", "-c", desk)

    settings = {one["name"]: (one["value"], one["from"]) for one in outcome.document["settings"]}
    assert outcome.code == 0, outcome.err
    assert settings["desk.silence_seconds"] == (2.5, str(desk))
    assert settings["desk.max_in_flight"] == (1000, "default")
    assert settings["fake.account_id"] == ("FAKE-9", "environment FILLWRIGHT_FAKE__ACCOUNT_ID")
    assert settings["risk.max_order_quantity.limit_shares"] == ("100", str(desk))
    assert settings["mine.api_key"] == ("[redacted]", str(desk))
    assert "hush" not in outcome.out + outcome.err + told.out + told.err


def test_the_reference_is_as_the_code_says() -> None:
    """Somebody writes his plans by a schema that no longer holds.

    `fillwright schema --write docs/reference` mends it.
    """
    for name, text in pages().items():
        assert (DOCS / "reference" / name).read_text(encoding="utf-8") == text, name


@pytest.mark.parametrize("subject", [s for s in Subject if s is not Subject.LIFECYCLE])
def test_each_schema_is_one_and_is_printed(capsys, subject) -> None:
    """A tool that reads the schema stops at its first line."""
    outcome = run_here(capsys, "schema", subject, "--json")

    assert outcome.code == 0
    assert outcome.document == schema_of(subject)
    assert run_here(capsys, "schema", subject).document == schema_of(subject)
    jsonschema.Draft202012Validator.check_schema(outcome.document)


def test_the_lifecycle_page_is_printed(capsys) -> None:
    """The page in the docs cannot be made again."""
    page = (DOCS / "reference" / "lifecycle.md").read_text(encoding="utf-8")

    assert run_here(capsys, "schema", "lifecycle").out == page
    assert run_here(capsys, "schema", "lifecycle", "--json").document == {"page": page}


def test_the_examples_fit_their_schemas() -> None:
    """An editor underlines what the desk takes, or passes what it refuses."""
    plan = json.loads((DOCS / "examples" / "rebalance.json").read_text(encoding="utf-8"))
    config = tomllib.loads(default_text())

    jsonschema.validate(plan, schema_of(Subject.PLAN))
    jsonschema.validate(config, schema_of(Subject.CONFIG))
    plan["items"][0]["trade_amount"] = -5600.0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plan, schema_of(Subject.PLAN))


def test_every_schema_is_written_whole(tmp_path, capsys) -> None:
    """A reference is half old and half new."""
    outcome = run_here(capsys, "schema", "--write", tmp_path / "ref", "--json")

    written = {str(p.relative_to(tmp_path / "ref")) for p in (tmp_path / "ref").rglob("*.*")}
    assert outcome.code == 0
    assert written == set(pages())
    (tmp_path / "file").write_text("")
    assert run_here(capsys, "schema", "--write", tmp_path / "file").code == 2


def test_versions(tmp_path) -> None:
    """A report of a fault does not say of which version."""
    assert fillwright("version", "--json", cwd=tmp_path).document["fillwright"] == version(
        "fillwright"
    )
