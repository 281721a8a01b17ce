"""What a test holds of the process that kills."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


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

    def cycle(self, kills: list[str]) -> dict[str, Any]:
        """Die at these points in turn, finish the plan, and say what is left."""
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
        return f"{json.dumps(answer['kills'])}: another result {answer['result']}"
    return ""
