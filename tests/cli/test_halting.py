"""`halt --all`: beside a running desk, with cancel, with flatten; and the signal that kills."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from cli.clikit import (
    environment,
    is_one_sentence,
    order,
    rest_at_the_broker,
    resting,
    run_here,
    venue_orders,
    write_desk,
    write_plan,
)
from fillwright.journal import JournalReader

BY = ("--reason", "looks wrong", "--by", "jane")

#: A desk that stays open, in a process of its own, until its stdin is closed.
RUNNING = """
import asyncio, sys
from fillwright import open_desk

async def main():
    async with open_desk(sys.argv[1]) as desk:
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

asyncio.run(main())
"""
#: The same with the switch on SIGUSR1, and a loop that never rests again.
BUSY = """
import signal, sys, time
from fillwright.cli.stopping import killable
from fillwright.desk.killing import KillSwitch
from pathlib import Path

with killable(KillSwitch(Path(sys.argv[1]))):
    print("ready", flush=True)
    while not Path(sys.argv[1]).exists():
        sum(range(1000))
"""


@contextmanager
def process(script, *arguments):
    with subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout.readline() == "ready\n"
            yield child
            child.stdin.close()
            assert child.wait(timeout=60) == 0
        finally:
            child.kill()


def statuses(tmp_path):
    return {one["client_order_id"]: one["status"] for one in venue_orders(tmp_path)}


def records(tmp_path, kind):
    with JournalReader.open(tmp_path / "desk.db") as reader:
        return [record.body for record in reader.read() if record.kind == kind]


def test_a_halt_of_everything_works_beside_a_running_desk(tmp_path, capsys) -> None:
    """In the emergency, the desk that must be stopped is the one that holds the journal."""
    desk = write_desk(tmp_path)
    (waiting,) = rest_at_the_broker(desk, resting("AAPL"))
    with process(RUNNING, desk):
        halted = run_here(
            capsys, "halt", "--all", "--cancel", *BY, "--wait", "30", "-c", desk, "--json"
        )

    assert halted.code == 0, halted
    assert halted.document["through"] == "kill_file"
    assert halted.document["recorded"] is True
    assert halted.document["orders"] == []
    assert statuses(tmp_path) == {waiting: "CANCELED"}
    assert records(tmp_path, "halted")[-1]["by"] == "jane"


def test_after_that_it_takes_the_file_s_removal_and_a_person(tmp_path, capsys) -> None:
    """A halt that the next start lifts is none."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)
    kill = tmp_path / "desk.db.kill"
    kill.touch()
    first = run_here(capsys, "run", write_plan(tmp_path), "-c", desk)

    refused = run_here(capsys, "resume", "--all", "--by", "jane", "-c", desk)
    kill.unlink()
    still = run_here(capsys, "run", write_plan(tmp_path, "p-2"), "-c", desk)
    lifted = run_here(capsys, "resume", "--all", "--by", "jane", "-c", desk)
    traded = run_here(capsys, "run", write_plan(tmp_path, "p-3"), "-c", desk)

    assert (first.code, refused.code, still.code) == (1, 2, 1)
    assert "kill file is there" in refused.err
    assert is_one_sentence(refused.err)
    assert (lifted.code, traded.code) == (0, 0)


def test_a_process_that_does_not_answer_is_named(tmp_path, capsys) -> None:
    """Hung in a plugin, it cancels nothing: whoever halted must know."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)
    holder = (
        "import asyncio,sys\nfrom fillwright.clock import SystemClock\n"
        "from fillwright.journal import SqliteJournal\n"
        "from fillwright.protocols import Binding\nfrom fillwright.types import Mode\n"
        "j=SqliteJournal.open(sys.argv[1],Binding(Mode.PAPER,'fake','FAKE-1'),clock=SystemClock())\n"
        "print('ready',flush=True)\nsys.stdin.readline()\nasyncio.run(j.aclose())\n"
    )
    with process(holder, tmp_path / "desk.db") as child:
        halted = run_here(
            capsys, "halt", "--all", "--cancel", *BY, "--wait", "0.3", "-c", desk, "--json"
        )

    assert halted.code == 4
    assert halted.document["recorded"] is False
    assert f"process {child.pid}" in halted.document["holder"]
    assert (tmp_path / "desk.db.kill").exists()


def test_cancel_sweeps_what_others_placed(tmp_path, capsys) -> None:
    """The account is not quiet while anybody's order is open in it."""
    desk = write_desk(tmp_path)
    other = write_desk(tmp_path, name="other.toml")
    other.write_text(other.read_text().replace("desk.db", "other.db"))
    (theirs,) = rest_at_the_broker(other, resting("MSFT"))
    (ours,) = rest_at_the_broker(desk, resting("AAPL"))

    halted = run_here(capsys, "halt", "--all", "--cancel", *BY, "-c", desk, "--json")

    assert halted.code == 0, halted
    assert halted.document["through"] == "journal"
    assert statuses(tmp_path) == {ours: "CANCELED", theirs: "CANCELED"}


def test_one_symbol_is_canceled_alone(tmp_path, capsys) -> None:
    """The other symbol's orders are nobody's trouble."""
    desk = write_desk(tmp_path)
    apple, micro = rest_at_the_broker(desk, resting("AAPL"), resting("MSFT"))

    halted = run_here(capsys, "halt", "--symbol", "AAPL", "--cancel", *BY, "-c", desk)

    assert halted.code == 0, halted
    assert statuses(tmp_path) == {apple: "CANCELED", micro: "NEW"}


def test_flatten_sells_what_is_held(tmp_path, capsys) -> None:
    """Out of the market means out of the market."""
    desk = write_desk(tmp_path)
    assert run_here(capsys, "run", write_plan(tmp_path), "-c", desk).code == 0

    flat = run_here(
        capsys, "halt", "--all", "--cancel", "--flatten", "--yes-flatten", "FAKE-1",
        *BY, "-c", desk, "--json",
    )  # fmt: skip

    assert flat.code == 0, flat
    assert flat.document["positions"] == {}
    assert flat.document["left"] == []
    sold = [one for one in venue_orders(tmp_path) if one["side"] == "SELL"]
    assert {one["symbol"] for one in sold} == {"AAPL", "MSFT"}


def test_beside_a_running_desk_flatten_halts_and_says_how_to_go_on(tmp_path, capsys) -> None:
    """Only who holds the journal may sell: halted, canceled, and told is what can be done."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path, target_quantities={"MSFT": "4"}), "-c", desk)
    (waiting,) = rest_at_the_broker(desk, resting("AAPL"))
    ask = ("halt", "--all", "--cancel", "--flatten", "--yes-flatten", "FAKE-1", *BY, "-c", desk)
    with process(RUNNING, desk) as child:
        beside = run_here(capsys, *ask, "--wait", "30", "--json")
        assert f"process {child.pid}" in beside.document["holder"]

    assert beside.code == 3, beside
    assert beside.document["trouble"].startswith("Nothing was sold: stop that process")
    assert beside.document["positions"] == {"MSFT": "4"}
    assert statuses(tmp_path)[waiting] == "CANCELED"
    assert "SELL" not in {one["side"] for one in venue_orders(tmp_path)}
    # The kill file stands, and what only reduces passes it.
    flat = run_here(capsys, *ask, "--json")
    assert (flat.code, flat.document["positions"]) == (0, {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all", "--cancel", "--flatten"), "--yes-flatten"),
        (("--all", "--cancel", "--flatten", "--yes-flatten", "OTHER"), "another account"),
        (("--all", "--flatten", "--yes-flatten", "FAKE-1"), "--cancel"),
        (("--symbol", "AAPL", "--cancel", "--flatten", "--yes-flatten", "FAKE-1"), "--all"),
    ],
)
def test_flatten_is_never_a_slip(tmp_path, capsys, arguments, said) -> None:
    """What is sold stays sold."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)

    outcome = run_here(capsys, "halt", *arguments, *BY, "-c", desk)

    assert outcome.code == 2
    assert said in outcome.err
    assert is_one_sentence(outcome.err)
    assert records(tmp_path, "halted") == []
    assert {one["side"] for one in venue_orders(tmp_path)} == {"BUY"}


def test_flatten_asks_twice_at_a_terminal(tmp_path, capsys, monkeypatch) -> None:
    """A second thought costs a second."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked, answers = [], ["FAKE-1", "no"]
    monkeypatch.setattr(
        "typer.prompt", lambda text, **_: asked.append(text) or answers[len(asked) - 1]
    )

    declined = run_here(capsys, "halt", "--all", "--cancel", "--flatten", *BY, "-c", desk)

    assert len(asked) == 2
    assert declined.code == 3
    assert "not confirmed" in declined.out
    assert {one["side"] for one in venue_orders(tmp_path)} == {"BUY"}


def test_sigusr1_makes_the_file_in_a_process_that_never_rests(tmp_path) -> None:
    """A loop that spins listens to nothing but a signal."""
    kill = tmp_path / "desk.db.kill"
    with process(BUSY, kill) as child:
        os.kill(child.pid, signal.SIGUSR1)

    assert json.loads(kill.read_text())["by"] == "SIGUSR1"


def test_a_kill_file_in_no_folder_is_told(tmp_path, capsys) -> None:
    """Pulled in the emergency, it could not be made."""
    desk = write_desk(tmp_path, desk='kill_file = "nowhere/kill"')

    outcome = run_here(capsys, "run", write_plan(tmp_path, orders=[order("KO", "1")]), "-c", desk)

    assert outcome.code == 2
    assert "desk.kill_file" in outcome.err
    assert is_one_sentence(outcome.err)
