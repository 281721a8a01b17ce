"""What a person can get wrong: one sentence, exit 2, nothing sent, nothing half-written."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cli.clikit import (
    UNMEASURED,
    fillwright,
    is_one_sentence,
    order,
    run_here,
    venue_orders,
    write_desk,
    write_plan,
)

HOLDER = """
import sys
from fillwright.clock import SystemClock
from fillwright.journal import SqliteJournal
from fillwright.protocols import Binding
from fillwright.types import Mode
binding = Binding(Mode.PAPER, "fake", sys.argv[2])
held = SqliteJournal.open(sys.argv[1], binding, clock=SystemClock())
print("ready", flush=True)
sys.stdin.read()
"""
PLANS = {
    "empty file": ("", "the file is empty"),
    "empty plan": ('{"plan_id": "p", "items": []}', "the plan is empty"),
    "not json": ('{"plan_id": ', "this is not JSON"),
    "unknown field": (
        '{"plan_id": "p", "target_quantities": {"AAPL": "1"}, "urgency": "HIGH"}',
        "urgency: unknown field",
    ),
    "float quantity": (
        '{"plan_id": "p", "target_quantities": {"AAPL": 1.5}}',
        "write it as a string",
    ),
    "nan": ('{"plan_id": "p", "target_quantities": {"AAPL": NaN}}', "NaN is not a number"),
    "nan in quotes": (
        '{"plan_id": "p", "target_quantities": {"AAPL": "NaN"}}',
        "not a finite number",
    ),
    "unknown symbol": (
        '{"plan_id": "p", "target_quantities": {"AAPL": "1", "NOSUCH": "1"}}',
        "does not know NOSUCH",
    ),
    "negative weight": (
        '{"plan_id": "p", "target_weights": {"AAPL": "-0.1"}}',
        "below zero",
    ),
    "weights over 1": (
        '{"plan_id": "p", "target_weights": {"AAPL": "0.6", "MSFT": "0.6"}}',
        "sum to 1.2",
    ),
    "duplicate item": (
        '{"plan_id": "p", "target_quantities": {"AAPL": "1", "AAPL": "2"}}',
        "appears twice",
    ),
    "a control character": (
        '{"plan_id": "p\\u001b[2J", "target_quantities": {"AAPL": "1"}}',
        "plan_id",
    ),
}


@pytest.mark.parametrize("case", PLANS)
def test_a_bad_plan(tmp_path, capsys, case) -> None:
    """A mistake in a plan trades, or hides behind a page of traceback."""
    content, said = PLANS[case]
    desk, plan = write_desk(tmp_path), tmp_path / "plan.json"
    plan.write_text(content)

    outcome = run_here(capsys, "run", plan, "-c", desk)

    assert outcome.code == 2
    assert outcome.out == ""
    assert is_one_sentence(outcome.err), outcome.err
    assert said in outcome.err
    assert "\x1b" not in outcome.err
    assert venue_orders(tmp_path) == []


@pytest.mark.parametrize("case", PLANS)
def test_a_bad_plan_is_one_json_document(tmp_path, capsys, case) -> None:
    """The script that called us chokes on what was meant for a person."""
    content, said = PLANS[case]
    desk, plan = write_desk(tmp_path), tmp_path / "plan.json"
    plan.write_text(content)

    outcome = run_here(capsys, "run", plan, "-c", desk, "--json")

    assert outcome.code == outcome.error["exit_code"] == 2
    assert said in outcome.error["message"]


def test_a_repeated_item(tmp_path, capsys) -> None:
    """Two items of one symbol, and one of them silently wins."""
    item = {"symbol": "AAPL", "target_weight": "0.1", "trade_amount": "100", "action": "BUY"}

    outcome = run_here(capsys, "run", write_plan(tmp_path, items=[item, item]))

    assert outcome.code == 2
    assert "AAPL appears more than once" in outcome.err


def test_a_plan_that_is_not_there_or_is_a_folder(tmp_path, capsys) -> None:
    """A misspelt path shows a traceback."""
    for path in (tmp_path / "none.json", tmp_path):
        outcome = run_here(capsys, "run", path)

        assert outcome.code == 2
        assert is_one_sentence(outcome.err)
        assert str(path) in outcome.err


def test_a_plan_that_is_not_utf8(tmp_path, capsys) -> None:
    """A file that another program saved in its own way is read as something else."""
    plan = tmp_path / "plan.json"
    plan.write_bytes(b'{"plan_id": "p",\n "metadata": {"note": "\xff"}}')

    outcome = run_here(capsys, "run", plan)

    assert outcome.code == 2
    assert "line 2: this is not UTF-8" in outcome.err


def test_a_plan_of_100_megabytes(tmp_path, capsys) -> None:
    """A wrong file fills the machine's memory."""
    plan = tmp_path / "plan.json"
    with plan.open("wb") as file:
        file.truncate(100 * 1024 * 1024)

    outcome = run_here(capsys, "run", plan)

    assert outcome.code == 2
    assert "larger than 16 MiB" in outcome.err


CONFIGS = {
    "unknown broker": ('broker = "fake"', 'broker = "nosuch"\n#', "plugin nosuch: not installed"),
    "unknown check": ('checks = ["risk"]', 'checks = ["risk", "rsk"]', "plugin rsk: not installed"),
    "misspelt setting": ("[desk]", "[desk]\nmax_in_fligth = 5", "Did you mean max_in_flight?"),
    "misspelt table": ("[desk]", "[dekk]\n", "Did you mean desk?"),
    "misspelt broker setting": ("cash =", "csh =", "csh"),
    "misspelt limit": ("limit_shares", "limit_share", "limit_share"),
    "no mode": ('mode = "paper"', "", "mode: is missing"),
    "live on the fake broker": (
        'mode = "paper"',
        'mode = "live"\nexpected_account_id = "X"',
        "the fake broker has no real money",
    ),
    "not toml": ('mode = "paper"', "mode = paper", "is not TOML"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_bad_configuration(tmp_path, capsys, case) -> None:
    """A limit that is spelt wrong is no limit."""
    old, new, said = CONFIGS[case]
    desk = write_desk(tmp_path)
    text = desk.read_text().replace(old, new)
    if "broker = " in new:
        text = text.replace("[fake]", "[nosuch]")
    desk.write_text(text)
    plan = write_plan(tmp_path)

    outcome = run_here(capsys, "run", plan, "-c", desk, "--json")

    assert outcome.code == 2
    assert said in outcome.error["message"], outcome.error
    assert is_one_sentence(outcome.err)
    assert venue_orders(tmp_path) == []
    assert not (tmp_path / "desk.db").exists()


@pytest.mark.parametrize("name", ["FILLWRIGHT_CONFG", "FILLWRIGHT_MODE", "FILLWRIGHT_FAK__CASH"])
def test_a_misspelt_variable(tmp_path, capsys, monkeypatch, name) -> None:
    """The variable that was to name the account's file names nothing, and another desk trades."""
    monkeypatch.setenv(name, "x")

    outcome = run_here(capsys, "run", write_plan(tmp_path), "-c", write_desk(tmp_path))

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert name in outcome.err


def test_the_variable_that_names_the_configuration(tmp_path, capsys, monkeypatch) -> None:
    """The named desk is passed over, and the built-in one runs in its place."""
    monkeypatch.setenv("FILLWRIGHT_CONFIG", str(write_desk(tmp_path)))

    assert run_here(capsys, "run", write_plan(tmp_path)).code == 0

    assert len(venue_orders(tmp_path)) == 2
    assert not (tmp_path / ".fillwright").exists()


def test_a_folder_that_cannot_be_written(tmp_path, capsys) -> None:
    """The journal cannot be kept, and orders leave all the same."""
    desk = write_desk(tmp_path)
    (tmp_path / "a-file").write_text("")
    desk.write_text(desk.read_text().replace('"desk.db"', '"a-file/desk.db"'))

    outcome = run_here(capsys, "run", write_plan(tmp_path), "-c", desk)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert "a-file" in outcome.err
    assert venue_orders(tmp_path) == []


def test_the_journal_of_another_account(tmp_path, capsys) -> None:
    """Two accounts in one journal, and the positions of neither."""
    write_plan(tmp_path)
    run_here(capsys, "run", "plan.json", "-c", write_desk(tmp_path))
    other = write_desk(tmp_path, fake='account_id = "FAKE-2"')
    other.write_text(other.read_text().replace("venue.db", "venue-2.db"))

    for more in ((), ("--dry-run",)):
        outcome = run_here(capsys, "run", "plan.json", "-c", other, *more)

        assert outcome.code == 2
        assert is_one_sentence(outcome.err)
        assert "belongs to paper/fake/FAKE-1, not to paper/fake/FAKE-2" in outcome.err
    assert not (tmp_path / "venue-2.db").exists() or _no_orders(tmp_path / "venue-2.db")


def _no_orders(state: Path) -> bool:
    import sqlite3

    database = sqlite3.connect(state)
    (count,) = database.execute("SELECT count(*) FROM orders").fetchone()
    database.close()
    return count == 0


@pytest.fixture
def held_journal(tmp_path):
    """A live process that has the journal."""
    run = [sys.executable, "-c", HOLDER, str(tmp_path / "desk.db"), "FAKE-1"]
    with subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "ready\n"
        yield holder.pid
        holder.stdin.close()


def test_a_journal_that_a_live_process_holds(tmp_path, capsys, held_journal) -> None:
    """Two desks on one journal send the same order twice."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)
    steering = ("--symbol", "KO", "--reason", "x", "--by", "me")
    for arguments in (
        ("run", plan),
        ("halt", *steering),
        ("reconcile",),
    ):
        outcome = run_here(capsys, *arguments, "-c", desk, "--json")

        assert outcome.code == 2, arguments
        assert outcome.error["kind"] == "JournalLocked"
        assert f"process {held_journal}" in outcome.error["message"]
    assert venue_orders(tmp_path) == []


def test_looking_is_possible_while_a_live_process_holds_the_journal(
    tmp_path, capsys, held_journal
) -> None:
    """Nobody can see the orders of a desk without stopping it."""
    desk = write_desk(tmp_path)
    for arguments in (
        ("orders",),
        ("positions",),
        ("journal", "show"),
        ("journal", "verify"),
        ("journal", "export"),
        ("run", write_plan(tmp_path), "--dry-run"),
    ):
        outcome = run_here(capsys, *arguments, "-c", desk, "--json")

        assert outcome.code == 0, outcome
        assert outcome.document


@pytest.mark.parametrize("limit", [4096, 60_000, 90_000])
def test_a_full_disk(tmp_path, limit) -> None:
    """A desk that cannot write what it sends goes on sending."""
    desk = write_desk(tmp_path)
    # The venue lives in memory: only the journal meets the limit.
    desk.write_text(desk.read_text().replace('state = "venue.db"', 'state = ":memory:"'))
    orders = [order(s, str(n)) for s in ("AAPL", "MSFT", "KO") for n in range(1, 30)]
    plan = write_plan(tmp_path, orders=orders)

    outcome = fillwright(
        "run",
        plan,
        "-c",
        desk,
        "--json",
        cwd=tmp_path,
        env=UNMEASURED,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )

    assert "Traceback" not in outcome.err
    assert outcome.error["kind"] in {"JournalFailed", "JournalError", "JournalDamaged"}
    assert outcome.code == (4 if outcome.error["sent"] else 2)
    assert f"error: {outcome.error['message']}" in outcome.err.splitlines()


def test_a_broker_that_does_not_answer(tmp_path, capsys) -> None:
    """The broker is down, and the command says something else."""
    desk = write_desk(tmp_path, fake='faults = [{on="account", fault="unavailable"}]')

    outcome = run_here(capsys, "run", write_plan(tmp_path), "-c", desk)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert "the broker did not answer" in outcome.err
    assert not (tmp_path / "desk.db").exists()


def test_a_check_that_cannot_be_imported(tmp_path, capsys) -> None:
    """A broken check is left out, and its limit with it."""
    (tmp_path / "mine.py").write_text("import nothing_of_this_name\n")
    desk = write_desk(tmp_path, checks='"risk", "./mine.py"')

    outcome = run_here(capsys, "run", write_plan(tmp_path), "-c", desk)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert "plugin mine: cannot be imported" in outcome.err
    assert venue_orders(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["fly"],
        ["run", "p.json", "--nosuch"],
        ["journal"],
        ["orders", "--log-level", "loud"],
        ["halt", "--all"],
        ["schema"],
        ["schema", "nosuch"],
        ["cancel"],
        ["cancel", "x", "--all"],
    ],
)
def test_a_command_that_is_not_given_right(tmp_path, capsys, arguments) -> None:
    """A misspelt option prints half a page, and the script that called us a traceback."""
    outcome = run_here(capsys, *arguments, "--json")

    assert outcome.code == outcome.error["exit_code"] == 2
    assert is_one_sentence(outcome.err)
    assert list(tmp_path.iterdir()) == []
