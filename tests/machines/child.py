"""A forked process of a trial, with what it says in two files."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Seconds of real time in which it must have ended or stopped.
LONGEST = 120.0


class Child:
    """One forked process, with what it says in two files."""

    def __init__(self, name: str, folder: Path, work: Callable[[], int]) -> None:
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        self._status: int | None = None
        self.pid = os.fork()
        if not self.pid:
            self._become(work)

    def _become(self, work: Callable[[], int]) -> None:
        code = 70
        try:
            for path, number in ((self._out, 1), (self._err, 2)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)
            code = work()
            sys.stdout.flush()
        except BaseException:  # noqa: BLE001  # the child must not go on as the parent
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def stopped(self) -> bool:
        """Wait until it stops, and say so, or until it ended."""
        status = self._wait(os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return True
        self._status = status
        return False

    def go_on(self) -> None:
        """Wake it up."""
        os.kill(self.pid, signal.SIGCONT)

    def ended(self) -> dict[str, Any]:
        """Wait until it ended, and say how."""
        if self._status is None:
            self._status = self._wait(0)
        return {
            "code": os.waitstatus_to_exitcode(self._status),
            "out": self._out.read_text(),
            "err": self._err.read_text(),
        }

    def _wait(self, options: int) -> int:
        began = time.monotonic()
        while True:
            done, status = os.waitpid(self.pid, os.WNOHANG | options)
            if done:
                return status
            if time.monotonic() - began > LONGEST:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise TimeoutError(f"process {self.pid} neither ended nor stopped")
            time.sleep(0.002)
