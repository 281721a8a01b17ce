"""A reader at a shell: what one block of a page leaves behind, the next one finds."""

import json
import re
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from docs.pages import environment, fillwright, run

#: What a page may do besides `fillwright`; each is run by bash as it stands.
PLAIN = (
    *("export", "unset", "mkdir", "(umask", "rm", "touch"),
    *("python -m pytest", "python -m fillwright.testing.simulation"),
)
_SERVER = re.compile(r"fillwright (paper-server .*)--port (\d+)(.*) > (\S+) &$")
_STOP = "kill %1"


class Shell:
    """One page's folder, its variables, and the server that it started, if it did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = environment()
        #: What stands in the page, and what it is here: a port of one's own is always free.
        self._swaps: dict[str, str] = {}
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def swapped(self, text: str) -> str:
        """A block as it is written here."""
        for said, here in self._swaps.items():
            text = text.replace(said, here)
        return text

    def line(self, line: str, where: str) -> None:
        """Run one line, and hold its exit code against the one that it announces."""
        line = self.swapped(line)
        if line == _STOP:
            self._stop(where)
        elif found := _SERVER.fullmatch(line):
            self._start(found, where)
        elif line.startswith(PLAIN):
            self._plain(line, where)
        else:
            assert line.startswith("fillwright "), f"{where}: nobody runs {line!r}"

            done, announced = fillwright(line, self.folder, self.variables)

            assert done.returncode == announced, f"{where}: {line}\n{done.stdout}{done.stderr}"

    def _plain(self, line: str, where: str) -> None:
        done = run(["bash", "-ec", f"{line}\nenv -0 > .variables"], self.folder, self.variables)
        assert done.returncode == 0, f"{where}: {line}\n{done.stdout}{done.stderr}"
        kept = self.folder / ".variables"
        pairs = (pair.partition("=") for pair in kept.read_text().split("\0") if pair)
        self.variables = {name: value for name, _, value in pairs}
        kept.unlink()

    def _start(self, found: re.Match[str], where: str) -> None:
        """Start a paper server at a port that is free, and wait until it told where it is."""
        before, port, behind, output = found.groups()
        told = self.folder / output
        command = f"exec python -m fillwright {before} --port 0 {behind} > {output}"
        self._server = subprocess.Popen(
            ["bash", "-c", command], cwd=self.folder, env=self.variables
        )
        until = time.monotonic() + 60
        while not (told.exists() and told.read_text().endswith("\n")):
            assert self._server.poll() is None, f"{where}: the server ended"
            assert time.monotonic() < until, f"{where}: the server is not ready"
            time.sleep(0.05)
        self._swaps[f"http://127.0.0.1:{port}"] = json.loads(told.read_text())["url"]

    def _stop(self, where: str) -> None:
        assert self._server is not None, f"{where}: there is nothing to stop"
        self._server.terminate()
        assert self._server.wait(timeout=60) == 0, where
        self._server = None

    @property
    def settings(self) -> dict[str, str]:
        """Our own variables."""
        return {k: v for k, v in self.variables.items() if k.startswith("FILLWRIGHT_")}
