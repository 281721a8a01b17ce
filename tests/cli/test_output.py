"""What goes where: one document on stdout, logs on stderr, progress on a terminal only."""

import json
import os
import pty
import select
import subprocess
import sys

import pytest

from cli.clikit import (
    UNMEASURED,
    command,
    environment,
    fillwright,
    is_one_sentence,
    order,
    run_here,
    venue_orders,
    write_desk,
    write_plan,
)


def test_logs_never_reach_stdout(tmp_path) -> None:
    """One log line in the document, and the script that reads it stops."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)

    outcome = fillwright(
        *("run", plan, "-c", desk, "--json", "--log-level", "debug", "--log-json"), cwd=tmp_path
    )

    events = [json.loads(line)["event"] for line in outcome.err.splitlines()]
    assert outcome.code == 0
    assert outcome.document["status"] == "SUCCESS"
    assert {"plan_started", "plan_completed", "desk_opened"} <= set(events)


def test_a_quiet_success_says_nothing_on_stderr(tmp_path) -> None:
    """A cron job that went well sends a mail each night."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)

    assert fillwright("run", plan, "-c", desk, cwd=tmp_path).err == ""


def test_tracebacks_are_shown_on_demand_only(tmp_path, capsys, monkeypatch) -> None:
    """A fault of ours cannot be found, or fills the operator's screen."""
    from fillwright.cli import running

    def broken(_path: object) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(running, "read_plan", broken)

    quiet = run_here(capsys, "run", "x.json")
    loud = run_here(capsys, "run", "x.json", "--debug", "--json")

    assert (quiet.code, loud.code) == (1, 1)
    assert "Traceback" not in quiet.err
    assert "--debug" in quiet.err
    assert "the journal knows" in quiet.err
    assert "Traceback" in loud.err
    assert loud.error["kind"] == "RuntimeError"


def test_a_reader_that_goes_away_is_no_fault(tmp_path) -> None:
    """`| head` turns a plan that went well into a failure."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)
    with subprocess.Popen(
        command("run", plan, "-c", desk, "--json"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        err = process.stderr.read()

    assert process.returncode == 0
    assert err == b""


def test_an_answer_that_cannot_be_written_is_no_success(tmp_path) -> None:
    """The result is lost on a full disk, and the exit code says that it was delivered."""
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            command("version"), stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )

    assert done.returncode == 1
    assert b"could not be written" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_result_that_cannot_be_written_tells_what_traded(tmp_path, more) -> None:
    """The exit code says that nothing traded, and somebody trades it all again."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            command("run", plan, "-c", desk, *more),
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            check=False,
        )
    again = fillwright("run", plan, "-c", desk, "--json", cwd=tmp_path)

    assert done.returncode == 3, done
    assert is_one_sentence(done.stderr)
    assert "plan p-1 ended as SUCCESS: 2 of 2 orders filled" in done.stderr
    assert f"It stands in {tmp_path / 'desk.db'}: the same command gives the same" in done.stderr
    assert (again.code, len(venue_orders(tmp_path))) == (0, 2)


def test_a_halt_that_cannot_be_told_stands(tmp_path) -> None:
    """Somebody believes that the desk still trades, or that it does not."""
    desk = write_desk(tmp_path)
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            command("halt", "--all", "--reason", "x", "--by", "me", "-c", desk),
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            check=False,
        )

    assert done.returncode == 3
    assert "Halted desk: x." in done.stderr
    assert "HALTED desk" in fillwright("orders", "-c", desk, cwd=tmp_path).out


@pytest.mark.skipif(not hasattr(pty, "openpty"), reason="no terminals here")
def test_on_a_terminal_progress_is_shown_and_80_columns_are_enough(tmp_path) -> None:
    """On a terminal the table breaks into pieces that nobody can read."""
    desk = write_desk(tmp_path, fake="latency = 0.15")
    orders = [order("AAPL", "1.123456789"), order("KO", "101"), order("MSFT", "2")]
    plan = write_plan(tmp_path, orders=orders)

    code, screen = on_terminal(tmp_path, "run", plan, "-c", desk)

    plain = [line for line in screen.splitlines() if "─" in line or line.startswith(("AAPL", "KO"))]
    assert code == 3
    assert "orders sent" in screen
    assert all(len(line.rstrip()) <= 80 for line in plain), plain
    for word in ("symbol", "side", "asked", "filled", "average price", "status", "reason"):
        assert word in screen
    assert "1.1234" in screen


def on_terminal(cwd, *arguments) -> tuple[int, str]:
    """Run a command on a terminal of 80 columns, and give what its screen was sent."""
    ours, theirs = pty.openpty()
    variables = environment(TERM="xterm", COLUMNS="80", NO_COLOR="1")
    with subprocess.Popen(
        command(*arguments), cwd=cwd, env=variables, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    return process.returncode, shown.decode()


def test_importing_fillwright_is_light() -> None:
    """A program that only wants an order's class waits for a command line."""
    heavy = ("typer", "rich", "structlog", "pydantic_settings", "pydantic", "asyncio", "sqlite3")
    script = (
        "import sys, fillwright\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
        "fillwright.execute, fillwright.open_desk, fillwright.Order, fillwright.hookimpl\n"
        f"print([name for name in {heavy[:4]} if name in sys.modules])\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(**UNMEASURED),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["[]", "[]"]


def test_every_public_name_is_there() -> None:
    """A name that the docs promise cannot be imported."""
    import fillwright as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = package.nosuch
