"""The kill switch: while it is pulled no new risk leaves, whatever else the process is doing.

Rules:
1. That the file exists is all that counts: empty, torn or not ours, it holds. What stands in it
   only tells who and why, and whether to cancel.
2. Whether it exists is asked of the file system before every send; only the answer "there is no
   such file" lets new risk pass. Any other fault counts as pulled.
3. Pulling it never fails and never waits: it works in a signal handler and in any thread. Where
   the file cannot be written, this process' own mark holds until it ends.
4. Cancels and orders that only reduce pass.
"""

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fillwright.errors import BadInput, fault_text
from fillwright.ledger import Halted
from fillwright.logs import get_logger, printable
from fillwright.protocols import Clock
from fillwright.verdicts import Scope

_log = get_logger(__name__)

_ASIDE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_BARE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE = 0o600
#: More than this is not read of a kill file.
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Kill:
    """Who pulled the switch and why, and whether what is open is to be canceled."""

    reason: str
    by: str
    cancel: bool = False


def pull_file(path: Path, kill: Kill) -> None:
    """Make the kill file; in the end it exists, or OSError says why it does not."""
    aside = f"{path}.{os.getpid()}"
    text = json.dumps({"reason": kill.reason, "by": kill.by, "cancel": kill.cancel})
    try:
        fd = os.open(aside, _ASIDE, _PRIVATE)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
        os.rename(aside, path)  # noqa: PTH104  # as little as can be, for a signal handler
    except OSError:
        # A disk without room has room for a name.
        with contextlib.suppress(OSError):
            os.unlink(aside)  # noqa: PTH108  # the same
        os.close(os.open(path, _BARE, _PRIVATE))


def stands(path: Path | str) -> bool:
    """Whether the kill file is there, or cannot be proven absent."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def read_kill(path: Path) -> Kill:
    """What a kill file says; one that says nothing readable says that it is there."""
    reason, by = f"the kill file {path} is there", "kill file"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            said = json.loads(os.read(fd, _MOST))
        finally:
            os.close(fd)
    except (OSError, ValueError, RecursionError):
        return Kill(reason, by)
    if not isinstance(said, dict):
        return Kill(reason, by)
    return Kill(
        _text(said.get("reason")) or reason, _text(said.get("by")) or by, said.get("cancel") is True
    )


def _text(said: object) -> str:
    return printable(said)[:200].strip() if isinstance(said, str) else ""


class KillSwitch:
    """The switch of one desk; without a path it is this process' own mark alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._name = str(path) if path else ""
        self._pulled: Kill | None = None

    @property
    def path(self) -> Path | None:
        """Where its file would be."""
        return self._path

    def pull(self, kill: Kill, *, file: bool = True) -> None:
        """Let no new risk leave from now on."""
        self._pulled = kill
        if file and self._path is not None:
            with contextlib.suppress(OSError):  # the mark holds
                pull_file(self._path, kill)

    @property
    def pulled(self) -> bool:
        """Whether new risk must stay, asked of the file system now."""
        return self._pulled is not None or (bool(self._name) and stands(self._name))

    def told(self) -> Kill:
        """Who pulled it, and why."""
        if self._pulled is not None:
            return self._pulled
        return read_kill(self._path) if self._path else Kill("the switch was pulled", "kill switch")

    def lift(self) -> None:
        """Forget this process' mark. Raises BadInput while the file is there."""
        if self._path is not None and stands(self._path):
            raise BadInput(
                str(self._path), "the kill file is there", "Remove it first; nothing was resumed"
            )
        self._pulled = None


class KillLatch:
    """Record the switch as a halt of the whole desk, which its file's removal does not lift."""

    def __init__(
        self,
        switch: KillSwitch,
        clock: Clock,
        *,
        halted: Callable[[], bool],
        write: Callable[[Halted], object],
    ) -> None:
        """`halted` says whether the whole desk is; `write` records a fact."""
        self._switch = switch
        self._clock = clock
        self._halted = halted
        self._write = write
        #: The pull that was heeded last.
        self._heeded: Kill | None = None

    def look(self) -> Kill | None:
        """Latch what is pulled and not yet heeded, and give it; None when there is nothing new."""
        if not self._switch.pulled:
            self._heeded = None
            return None
        if self._heeded is not None and self._halted():
            return None
        kill = self._heeded = self._switch.told()
        if not self._halted():
            self._write(Halted(self._clock.now(), Scope.DESK, "", kill.reason, kill.by))
        _log.error("kill_seen", reason=kill.reason, by=kill.by, cancel=kill.cancel)
        return kill


def check_place(path: Path) -> None:
    """Raise BadInput unless a kill file could be made there."""
    folder = path.parent
    try:
        there = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    except OSError as fault:
        raise BadInput(str(path), f"cannot be looked for: {fault_text(fault)}") from fault
    if not there:
        raise BadInput(
            "desk.kill_file", f"{folder} is no folder that can be written to", "Name another place"
        )
