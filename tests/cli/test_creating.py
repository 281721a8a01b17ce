"""`fillwright new check`: files that work at once, and never in place of others."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.clikit import environment, is_one_sentence, order, run_here, write_plan
from fillwright.cli.creating import Kind
from fillwright.testing.strategies import assert_sound

KINDS = [kind.value for kind in Kind]
NOT_SOUND = ("-k", "not is_sound")
#: A limit that stops 60 shares of AAPL, and what data there is.
TIGHT = {
    "plain": 'limit_usd = "1000"',
    "state": 'daily_usd = "1000"',
    "data": 'max_pct = "1"',
    "resize": 'slice_shares = "50"',
    "post": 'fill_usd = "1000"',
}
DESK = """
mode = "paper"
broker = "fake"
journal = "desk.db"
{told}
[fake]
state = "venue.db"
volatility = "0"

[risk.max_order_notional]
limit_usd = "50000"
"""


def new(capsys, name: str, kind: str = "plain"):
    return run_here(capsys, "new", "check", name, "--kind", kind, "--json")


def desk_with(folder: Path, told: str, kind: str) -> Path:
    """A desk with the lines that the command told, and a limit that stops something."""
    checks, table = told.split("\n", 1)
    loose = told.strip().splitlines()[-1]
    path = folder / "desk.toml"
    path.write_text(DESK.format(told=checks) + table.replace(loose, TIGHT[kind]) + "\n")
    (folder / "market.csv").write_text(f"symbol,time,adv\nAAPL,{_yesterday()},1000\n")
    return path


def _yesterday() -> str:
    return (datetime.now(UTC) - timedelta(days=1)).isoformat()


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a reader sees who has pytest and Hypothesis, and none of our settings."""
    plain = ("-p", "no:asyncio", "-p", "no:cacheprovider", "-W", "error")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plain, *arguments],
        cwd=folder,
        env=environment(HYPOTHESIS_STORAGE_DIRECTORY=str(folder / ".hypothesis")),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_tests_of_every_kind_pass_at_once(tmp_path, capsys) -> None:
    """The first thing that a quant sees of us fails."""
    for kind in KINDS:
        assert new(capsys, f"a_{kind}", kind).code == 0

    done = pytest_in(tmp_path, *NOT_SOUND)

    assert done.returncode == 0, done.stdout
    assert "14 passed, 5 deselected" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_sound(tmp_path, capsys, kind) -> None:
    """What is copied a hundred times has a fault that our own property would have found."""
    new(capsys, f"of_{kind}", kind)
    spec = importlib.util.spec_from_file_location(f"of_{kind}", tmp_path / f"of_{kind}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    setting, _, value = TIGHT[kind].partition(" = ")

    (check,) = module.provide_checks({setting: value.strip('"')})

    assert_sound(check, examples=25)
    assert "assert_sound(CHECK, refuses=(" in (tmp_path / f"test_of_{kind}.py").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_that_refuses_nothing_fails_its_property(tmp_path, capsys, kind) -> None:
    """A quant rewrites the comparison, turns it round, and the one property stays green."""
    new(capsys, "mine", kind)
    path = tmp_path / "mine.py"
    path.write_text(re.sub(r"return (Reject|Resize|Halt)\(.*", "return ALLOW", path.read_text()))

    done = pytest_in(tmp_path, "-k", "sound", "-s", "test_mine.py")

    assert done.returncode == 1
    assert "it must refuse" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_it_refuses_something_once_it_is_configured(tmp_path, capsys, kind) -> None:
    """The lines for desk.toml are copied, the check is there, and it stops nothing."""
    told = new(capsys, "mine", kind).document["desk_toml"]
    desk = desk_with(tmp_path, told, kind)
    plan = write_plan(tmp_path, orders=[order("AAPL", "60")])
    assert tomllib.loads(told)["checks"] == ["risk", "./mine.py"]
    assert run_here(capsys, "check-config", "-c", desk).code == 0

    if kind == "post":
        assert run_here(capsys, "run", plan, "-c", desk).code == 0
        again = write_plan(tmp_path, "p-2", "again.json", orders=[order("AAPL", "1")])
        outcome = run_here(capsys, "run", again, "-c", desk)
        assert (outcome.code, "HALTED" in outcome.out) == (1, True)
        return
    outcome = run_here(capsys, "check", "try", "mine.py", "--plan", plan, "-c", desk, "--json")

    first = outcome.document["orders"][0]
    assert first["verdicts"][-1]["code"] == "MINE"
    if kind == "resize":
        assert (first["outcome"], first["resized_to"], outcome.code) == ("RESIZE", "50", 0)
    else:
        assert (first["outcome"], outcome.code) == ("REJECT", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_setting_that_is_missing_stops_the_desk(tmp_path, capsys, kind) -> None:
    """A limit that nobody set is no limit."""
    told = new(capsys, "mine", kind).document["desk_toml"]
    desk = desk_with(tmp_path, told, kind)
    desk.write_text(desk.read_text().replace(TIGHT[kind], ""))

    outcome = run_here(capsys, "check-config", "-c", desk)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert f"mine.{TIGHT[kind].split()[0]}" in outcome.err


def test_it_says_what_to_do_next(tmp_path, capsys) -> None:
    """Two files lie there, and nobody knows what they need."""
    outcome = run_here(capsys, "new", "check", "mine")

    assert outcome.code == 0
    assert outcome.out.startswith("Wrote mine.py and test_mine.py.\n")
    assert "pip install pytest hypothesis" in outcome.out
    assert '    checks = ["risk", "./mine.py"]\n\n    [mine]\n' in outcome.out
    assert "fillwright check try mine.py --plan plan.json -c desk.toml" in outcome.out
    assert {path.name for path in tmp_path.iterdir()} == {"mine.py", "test_mine.py"}
    assert "my_check" not in (tmp_path / "mine.py").read_text()


@pytest.mark.parametrize("there", ["mine.py", "test_mine.py"])
@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_nothing_is_ever_overwritten(tmp_path, capsys, there, what) -> None:
    """A day's work is gone because its name was typed twice."""
    path = tmp_path / there
    if what == "file":
        path.write_text("a day's work")
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("elsewhere.py")

    outcome = run_here(capsys, "new", "check", "mine")

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert f"{there}: is there already. Nothing was written" in outcome.err
    assert [one.name for one in tmp_path.iterdir()] == [there]
    assert what != "file" or path.read_text() == "a day's work"


def test_half_of_it_is_nothing(tmp_path, capsys, monkeypatch) -> None:
    """A disk that is full leaves a check without its test, and the name is taken."""
    write = Path.open

    def full(self: Path, mode: str = "r", **more):
        if self.name == "test_mine.py":
            raise OSError(28, "No space left on device")
        return write(self, mode, **more)

    monkeypatch.setattr(Path, "open", full)

    outcome = run_here(capsys, "new", "check", "mine")

    assert outcome.code == 2
    assert "test_mine.py: cannot be written: No space left on device" in outcome.err
    assert list(tmp_path.iterdir()) == []


BAD_NAMES = {
    "": "has no name",
    " ": "has no name",
    "a b": "did you mean a_b?",
    "MyCheck": "did you mean my_check?",
    "my-check": "did you mean my_check?",
    "mine.py": "did you mean mine?",
    "../mine": "did you mean mine?",
    "/home/mine": "did you mean mine?",
    "..": "cannot be a name",
    "1st": "cannot be a name",
    "_mine": "cannot be a name",
    "größe": "cannot be a name",
    "mine\n": "cannot be a name",
    "a" * 41: "at most 39",
    "x" * 5000: "at most 39",
    "class": "a word of Python's own",
    "match": "a word of Python's own",
    "test_mine": "taken for a test",
    "conftest": "taken for a test",
    "desk": "a table or setting of desk.toml",
    "data": "a table or setting of desk.toml",
    "max_order_notional": "the standard control C02",
    "position_break": "the standard control T02",
    "risk": "an installed plugin",
    "fake": "an installed plugin",
    "json": "a Python module that the file would hide",
    "pytest": "a Python module that the file would hide",
    "fillwright": "a Python module that the file would hide",
}


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: repr(name)[:20])
def test_a_name_that_cannot_be_used(tmp_path, capsys, name) -> None:
    """A file is written that breaks the desk, or Python itself, when it is found."""
    outcome = run_here(capsys, "new", "check", name)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert BAD_NAMES[name] in outcome.err
    assert len(outcome.err) < 250
    assert list(tmp_path.iterdir()) == []


def test_a_kind_that_there_is_not(tmp_path, capsys) -> None:
    """A slip gives another check than the one that was meant."""
    outcome = run_here(capsys, "new", "check", "mine", "--kind", "stateful")

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert "state" in outcome.err
    assert list(tmp_path.iterdir()) == []
