"""The simulated disk: what a journal on it survives, and how it fails.

It holds the journal's own twin in memory, with the real chain of records beneath: a record is
durable when its commit came back; what was only written survives the death of the process in any
first part (a torn or damaged tail is cut at the first record that does not fit its hash), and a
power cut not at all.
"""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fillwright.errors import JournalError, JournalLocked
from fillwright.journal import MemoryJournal
from fillwright.journal.chain import Row
from fillwright.protocols import Binding, Clock, Json, Record
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.points import Points

Tell = Callable[[str, str], None]
#: What a commit may meet: no room, a failed write, a failed fsync.
_FAULTS: Final = (errno.ENOSPC, errno.EIO, errno.EIO)
_READ_ONLY: Final = JournalError("journal in memory: its folder is not writable")


class Disk:
    """One journal and the disk beneath it; processes come and go."""

    def __init__(
        self, binding: Binding, knobs: Knobs, chances: Chances, points: Points, tell: Tell
    ) -> None:
        self._binding = binding
        self._knobs = knobs
        self._chances = chances
        self._points = points
        self._tell = tell
        self._rows: Sequence[Row] = ()
        self._holder: SimJournal | None = None
        self._sound = False

    def mend(self) -> None:
        """From now on nothing fails."""
        self._sound = True

    def open(
        self, clock: Clock, on_append: Callable[[Record], None], *, takeover: bool = False
    ) -> "SimJournal":
        """Open it for a new process. Raises JournalError."""
        holder = self._holder
        if holder is not None and not takeover:
            raise JournalLocked("in memory", "another process")
        if not self._sound and self._chances.hits("closed_disk", self._knobs.closed_disk):
            self._tell("disk", "is read-only")
            raise _READ_ONLY
        if holder is not None:
            self._rows = holder.left()
        journal = SimJournal(
            self._binding,
            clock=clock,
            points=self._points,
            flush=lambda _seq: self._commit(clock),
            on_append=on_append,
            found=self._rows,
        )
        if holder is not None:
            holder.fence(journal.epoch)
        self._holder = journal
        return journal

    def release(self, journal: "SimJournal", *, lost: bool) -> None:
        """Its process ended; with `lost`, by death, and nobody wrote out what was waiting."""
        if journal is not self._holder:
            return
        tail = journal.seq - journal.durable_seq
        keep = 0
        if lost and tail:
            # A power cut takes all that was not synced, the death of a process a last part of it.
            power = self._chances.hits("power", 50)
            keep = 0 if power else self._chances.of("torn").randint(0, tail)
            self._tell("disk", f"{'power cut' if power else 'torn'}: {keep} of {tail} survive")
        self._rows = journal.left(keep)
        self._holder = None

    def close(self) -> None:
        """There is nothing to remove."""

    async def _commit(self, clock: Clock) -> None:
        if self._sound:
            return
        if self._knobs.disk_latency:
            most = self._knobs.disk_latency / 1000
            await clock.sleep(most * self._chances.of("disk_latency").random())
        if self._chances.hits("disk_faults", self._knobs.disk_faults):
            code = self._chances.of("disk_faults/kind").choice(_FAULTS)
            self._tell("disk", f"fails: {os.strerror(code)}")
            raise OSError(code, os.strerror(code))
        self._points.reach("commit")


class SimJournal(MemoryJournal):
    """The journal's twin in memory, with points at which its process may die."""

    def __init__(
        self,
        binding: Binding,
        *,
        clock: Clock,
        points: Points,
        flush: Callable[[int], object],
        on_append: Callable[[Record], None],
        found: Sequence[Row],
    ) -> None:
        self._points = points
        super().__init__(
            binding,
            clock=clock,
            flush=flush,  # type: ignore[arg-type]  # it is a coroutine function
            on_append=on_append,
            found=found,
        )

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        """Take one record and return its sequence number."""
        self._points.reach("append")
        seq = super().append(kind, key, body)
        self._points.reach("appended")
        return seq

    async def durable(self, seq: int) -> None:
        """Return when every record up to `seq` survives a crash."""
        self._points.reach("sync")
        await super().durable(seq)
        self._points.reach("synced")
