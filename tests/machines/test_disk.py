"""A disk that is really full, and one that really fails, under a real `fillwright run`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.clikit import command, environment, run_here
from desk.kill_fake import FakeScene
from desk.killing import PLAN, look, unrecorded
from machines.full_disk import write_desk

SCRIPT = Path(__file__).with_name("full_disk.py")
#: Bytes that are left: too few to begin, and enough for a part of the plan.
ROOMS = ("100000", "180000")
ITEMS = 13


def explained(document: dict[str, Any], code: int) -> None:
    """Kind, sentence and code are as the pages on exit codes and on operating say."""
    error = document["error"]
    assert error["kind"] == "JournalFailed"
    assert "nothing more is sent by this process. Free or repair the disk" in error["message"]
    left = error.get("open_orders", [])
    unknown = any(one["status"] in ("PENDING_NEW", "IN_DOUBT") for one in left)
    assert code == (2 if not error["sent"] else 4 if unknown else 1)


def test_a_full_disk_stops_the_sending_and_a_free_one_goes_on(tmp_path: Path) -> None:
    """What is sent without a record is sent again by whoever comes after."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no `unshare`, so no mount of our own")
    tmp_path.chmod(0o700)
    done = subprocess.run(
        [unshare, "-m", sys.executable, str(SCRIPT), str(tmp_path), *ROOMS],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("this user may not mount a tmpfs")
    assert done.returncode == 0, done.stderr

    sent = []
    for trial in json.loads(done.stdout):
        assert trial["problems"] == [], trial
        explained(json.loads(trial["first"]["out"]), trial["first"]["code"])
        assert "Traceback" not in trial["first"]["err"]
        assert trial["second"]["code"] == 0, trial["second"]["err"]
        assert len(trial["orders_after"]) == ITEMS
        assert set(trial["orders_after"].values()) == {1}
        sent.append(len(trial["orders"]))
    # One found the disk full before anything was sent, another in the middle.
    assert (sent[0], max(sent) > 0) == (0, True)


@pytest.mark.parametrize("call", ["fsync,fdatasync"])
def test_an_fsync_that_fails_is_the_last_one(tmp_path: Path, capsys: Any, call: str) -> None:
    """A second fsync succeeds and proves nothing: the pages that failed are gone."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no `strace`, which makes a system call fail")
    tmp_path.chmod(0o700)
    journal = tmp_path / "desk.db"
    write_desk(tmp_path, journal)
    scene = FakeScene(tmp_path)
    run = ("run", PLAN, "-c", tmp_path / "desk.toml")
    # Of the thread that writes the journal, the third and every later one; all go on being told.
    failing = [f"trace={call}", f"inject={call}:error=EIO:when=3+"]
    traced = [strace, "-f", "-qq", "-o", str(tmp_path / "trace"), "-P", f"{journal}-wal"]
    done = subprocess.run(
        [*traced, "-e", failing[0], "-e", failing[1], *command(*run, "--json")],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if "ptrace" in done.stderr and "not permitted" in done.stderr:
        pytest.skip("this user may not trace a process")

    calls = [line for line in (tmp_path / "trace").read_text().splitlines() if "sync(" in line]
    assert sum("INJECTED" in line for line in calls) == 1, calls
    assert "INJECTED" in calls[-1]
    explained(json.loads(done.stdout), done.returncode)
    if (tmp_path / "venue.db").exists():
        assert unrecorded(scene.truth(), tmp_path) == []
    again = run_here(capsys, *run, "--json")
    truth = scene.truth()
    assert again.code == 0
    assert (len(truth.orders), set(truth.orders.values())) == (ITEMS, {1})
    assert look(truth, tmp_path) == []
