"""Real processes: killed, paused, starved of disk, and kept apart."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from fillwright.errors import JournalLocked
from fillwright.journal import verify
from journal.kit import close, open_journal

SCRIPT = Path(__file__).with_name("writer_process.py")


@contextmanager
def writer(path: Path, *task: str):
    """A writing process, ended with the block."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(path), *task],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_writer_keeps_every_record_that_it_called_durable(tmp_path) -> None:
    """An order sent on a record that the crash took away is sent twice."""
    path = tmp_path / "desk.db"
    for kill_after in (1, 2, 5, 23, 60):
        with writer(path, "loop") as process:
            printed = [int(process.stdout.readline()) for _ in range(kill_after)]
            process.send_signal(signal.SIGKILL)
            printed += [int(line) for line in process.stdout]

        report = verify(path)
        assert report.sound
        assert report.records >= max(printed)
    journal = open_journal(path)
    assert journal.epoch == 6
    assert len(list(journal.read())) == verify(path).records
    close(journal)


@pytest.mark.parametrize("limit", ["40000", "200000"])
def test_a_full_disk_is_final_and_never_called_durable(tmp_path, limit) -> None:
    """A desk that goes on after a failed write sends what it will not remember."""
    path = tmp_path / "desk.db"
    with writer(path, "starve", limit) as process:
        lines = process.stdout.read().split()

    assert lines[-3:] == ["JournalFailed"] * 3
    assert all(line.isdigit() for line in lines[:-3])
    report = verify(path)
    assert report.sound
    assert report.records >= int((["1", *lines[:-3]])[-1])
    journal = open_journal(path)
    assert journal.about("late") == []
    close(journal)


def test_only_one_process_writes(tmp_path) -> None:
    """Two desks on one journal would both send."""
    path = tmp_path / "desk.db"
    with writer(path, "hold") as process:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(JournalLocked, match=f"process {process.pid} on "):
            open_journal(path)
        assert verify(path).records == 1
    again = open_journal(path)

    assert again.epoch == 2
    close(again)


def test_a_paused_process_that_was_replaced_can_do_nothing(tmp_path) -> None:
    """A virtual machine that wakes up must not send what its successor already settled."""
    path = tmp_path / "desk.db"
    with writer(path, "hold") as process:
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(2)] == ["allowed\n"] * 2
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(JournalLocked):
            open_journal(path)
        journal = open_journal(path, takeover=True)
        os.kill(process.pid, signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        answers = [process.stdout.readline() for _ in range(2)]

        assert answers == ["Fenced\n"] * 2
        with pytest.raises(JournalLocked, match=f"process {os.getpid()} on "):
            open_journal(path)
    journal.check_fence()
    assert journal.epoch == 2
    close(journal)
    assert verify(path).sound
