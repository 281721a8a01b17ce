"""A plan that is stopped by a signal in the middle, and what the next run makes of it."""

import json
import signal
import subprocess
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from cli.clikit import (
    Outcome,
    command,
    environment,
    fillwright,
    order,
    resting,
    venue_orders,
    write_desk,
    write_plan,
)
from fillwright.errors import FillwrightError
from fillwright.journal import JournalReader, verify

SYMBOLS = ("AAPL", "MSFT", "KO", "JPM", "DIS", "XOM")


@contextmanager
def running(tmp_path, *arguments):
    with subprocess.Popen(
        command(*arguments),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(process) -> Outcome:
    out, err = process.communicate(timeout=60)
    return Outcome(process.returncode, out, err)


def wait_for(reached, process) -> None:
    """Look at what other processes did until it is there; the one wait that real processes need."""
    until = time.monotonic() + 30
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


def recorded(tmp_path, kind: str) -> int:
    """How many records of this kind the running desk has written."""
    try:
        with JournalReader.open(tmp_path / "desk.db") as reader:
            return sum(record.kind == kind for record in reader.read())
    except FillwrightError:
        return 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_a_stopped_plan_is_finished_by_the_next_run(tmp_path, number, code) -> None:
    """A deployment in the middle of a rebalance leaves half of it, or does half of it twice."""
    desk = write_desk(tmp_path, fake="latency = 0.3")
    plan = write_plan(tmp_path, orders=[order(symbol, "3") for symbol in SYMBOLS])
    with running(tmp_path, "run", plan, "-c", desk, "--json") as process:
        wait_for(lambda: recorded(tmp_path, "order_sent"), process)
        process.send_signal(number)
        stopped = finished(process)

    assert stopped.code == stopped.error["exit_code"] == code, stopped
    assert stopped.error["kind"] == "Stopped"
    assert stopped.error["signal"] == number.name
    assert stopped.error["sent"] is True
    assert "Traceback" not in stopped.err
    assert verify(tmp_path / "desk.db").sound

    write_desk(tmp_path)
    again = fillwright("run", plan, "-c", desk, "--json", cwd=tmp_path)
    taken = Counter(one["symbol"] for one in venue_orders(tmp_path))
    assert again.code == 0, again
    assert taken == dict.fromkeys(SYMBOLS, 1)
    assert {line["symbol"] for line in again.document["orders"]} == set(SYMBOLS)


def test_what_is_left_open_is_listed(tmp_path) -> None:
    """The desk is gone, and nobody knows of the order that still waits at the broker."""
    desk = write_desk(tmp_path)
    plan = write_plan(tmp_path, orders=[resting("AAPL")])
    with running(tmp_path, "run", plan, "-c", desk) as process:
        wait_for(lambda: recorded(tmp_path, "order_reported"), process)
        process.send_signal(signal.SIGTERM)
        stopped = finished(process)

    (waiting,) = venue_orders(tmp_path)
    assert stopped.code == 143
    assert waiting["client_order_id"] in stopped.out
    assert waiting["status"] == "NEW"
    assert "1 orders are left open" in stopped.err
    assert "run the same command again" in stopped.err


def test_the_close_policy_cancels_what_it_names(tmp_path) -> None:
    """The configuration says that nothing stays open, and something does."""
    desk = write_desk(tmp_path, desk='close_policy = "cancel_all"')
    plan = write_plan(tmp_path, orders=[resting("AAPL")])
    with running(tmp_path, "run", plan, "-c", desk, "--json") as process:
        wait_for(lambda: recorded(tmp_path, "order_reported"), process)
        process.send_signal(signal.SIGTERM)
        stopped = finished(process)

    assert stopped.code == 143, stopped
    assert stopped.error["open_orders"] == []
    assert [one["status"] for one in venue_orders(tmp_path)] == ["CANCELED"]


def test_a_second_signal_ends_at_once_with_the_journal_flushed(tmp_path) -> None:
    """A broker that hangs keeps the process alive, and somebody kills it with what it knew."""
    desk = write_desk(tmp_path, fake='faults = [{on="submit", fault="delay", seconds=60}]')
    plan = write_plan(tmp_path, orders=[order("AAPL", "3")])
    with running(tmp_path, "run", plan, "-c", desk, "--json") as process:
        wait_for(lambda: recorded(tmp_path, "order_sent"), process)
        process.send_signal(signal.SIGTERM)
        assert "closing the desk" in process.stderr.readline()
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        stopped = finished(process)

    assert time.monotonic() - begun < 5
    assert stopped.code == 4, stopped
    assert [one["in_doubt"] for one in stopped.error["open_orders"]] == [True]
    assert "Traceback" not in stopped.err
    assert verify(tmp_path / "desk.db").sound


def test_a_stop_before_anything_was_sent_says_so(tmp_path) -> None:
    """Somebody looks for orders that never were."""
    desk = write_desk(tmp_path, fake='faults = [{on="account", fault="delay", seconds=600}]')
    with running(tmp_path, "run", write_plan(tmp_path), "-c", desk, "--json") as process:
        wait_for((tmp_path / "venue.db").exists, process)
        process.send_signal(signal.SIGINT)
        stopped = finished(process)

    assert stopped.code == 130, stopped
    assert stopped.error["sent"] is False
    assert stopped.error["message"] == "stopped by SIGINT; nothing was sent"
    assert json.loads(stopped.out)["error"] == stopped.error
