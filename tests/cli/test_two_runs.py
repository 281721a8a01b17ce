"""Two runs at once: the second one is told what is really in its way."""

import subprocess
import time

from cli.clikit import command, environment, fillwright, resting, write_desk, write_plan


def test_two_runs_at_once_name_the_journal(tmp_path) -> None:
    """The second run is told to take another venue, and then trades on the same journal's plan."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path, orders=[resting("AAPL")])
    with subprocess.Popen(
        command("run", plan, "-c", desk),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as first:
        try:
            _wait_for((tmp_path / "desk.db").exists, first)
            second = fillwright("run", plan, "-c", desk, "--json", cwd=tmp_path)
            still_running = first.poll() is None
        finally:
            first.kill()
            first.communicate()

    assert still_running
    assert second.code == 2
    assert second.error["kind"] == "JournalLocked"
    assert second.error["sent"] is False
    assert f"process {first.pid} on" in second.error["message"]


def _wait_for(reached, process) -> None:
    """Look at what another process did until it is there; a real process needs real time."""
    until = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
