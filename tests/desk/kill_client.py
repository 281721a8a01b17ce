"""What a test holds of the process that kills."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

#: How a run ended that was killed at a point, and one that was killed at any time.
DEAD = (f"signal {signal.SIGKILL.value}", "killed from outside")


class Worker:
    """The process that forks and kills."""

    def __init__(self, script: Path, folder: Path) -> None:
        with (folder / "worker.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(script), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def cycle(self, kills: object) -> dict[str, Any]:
        """Hand over one job (die at these points in turn, finish the plan) and say what is left."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(kills) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the worker ended at {kills}"
        told: dict[str, Any] = json.loads(answer)
        return told

    def close(self) -> None:
        self._process.communicate(timeout=60)


def told(answer: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What is wrong with one cycle; empty when nothing is."""
    if answer["problems"]:
        return f"{json.dumps(answer['kills'])}: {'; '.join(answer['problems'])}"
    if answer["result"] != wanted:
        return f"{json.dumps(answer['kills'])}: {other_result(answer, wanted)}"
    return ""


def other_result(answer: dict[str, Any], wanted: dict[str, Any]) -> str:
    """In what the plan ended otherwise than without a kill, in the desk's own words."""
    found, usual = answer["result"]["filled"], wanted["filled"]
    differs = {s: [*found[s], answer["why"].get(s, "")] for s in found if found[s] != usual[s]}
    return f"another result, {answer['result']['status']}: {json.dumps(differs)}"


def deaths(answer: dict[str, Any]) -> int:
    """How many processes of one cycle died by SIGKILL."""
    return sum(end in DEAD for end in answer["ends"])
