"""`plugins`, `check-config`, `schema` and `version`: what would run, before anything does."""

import json
import tomllib
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest

from cli.clikit import fillwright, run_here, venue_orders, write_desk
from fillwright.cli.schemas import Subject, pages, schema_of
from fillwright.config import default_text

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
    assert "csh" in outcome.error["message"]


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
