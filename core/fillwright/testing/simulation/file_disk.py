"""The simulated disk with the journal's real SQLite file on it, in a folder of its own.

What is real: `SqliteJournal` with its batching, waiters, lock file and fence, `Writer._commit`, the
schema, SQLite itself, and the recovery of a WAL that was cut. What is played: the writer's thread
(the loop calls it after the disk's latency), the error codes of a failed write or fsync, and the
death of a process: its files are copied as they would have been left, the unfinished commit cut at
any byte, with a bit flipped now and then.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from fillwright.errors import JournalDamaged, JournalError
from fillwright.journal import SqliteJournal
from fillwright.journal.chain import Row, record_of
from fillwright.journal.writer import Writer
from fillwright.protocols import Binding, Clock, Json, Record
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.disk import Tell
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.points import Points

_FILES: Final = ("desk.db", "desk.db-wal", "desk.db.lock")
#: Memory, where there is a folder in it: a scenario needs no real disk.
_FAST: Final = Path("/dev/shm")  # noqa: S108  # the folder made there is private
#: What is written at once, and what is compared first, in bytes.
_WORD: Final = 8
_PIECE: Final = 65_536
#: The most pages that SQLite can have.
_ROOM: Final = 4_294_967_294
#: How often in a hundred deaths a record that was durable is damaged.
_ROT: Final = 5


class FileDisk:
    """One journal file; processes come and go."""

    def __init__(
        self, binding: Binding, knobs: Knobs, chances: Chances, points: Points, tell: Tell
    ) -> None:
        self.knobs, self.chances, self.points, self.tell = knobs, chances, points, tell
        self.sound = False
        self._binding = binding
        base = _FAST if _FAST.is_dir() else None
        self.base = Path(mkdtemp(prefix="fillwright-", dir=base))
        self._number = 0
        self._holder: FileJournal | None = None
        self._others: list[FileJournal] = []
        #: The files as they were before the newest death damaged one: somebody has a copy.
        self._copy: dict[Path, bytes] = {}

    @property
    def path(self) -> Path:
        """Where the journal is now: every death leaves another folder."""
        return self.base / str(self._number) / _FILES[0]

    def mend(self) -> None:
        """From now on nothing fails."""
        self.sound = True
        if self._holder is not None:
            self._holder.give_room()
        self._restore()

    def open(
        self, clock: Clock, on_append: Callable[[Record], None], *, takeover: bool = False
    ) -> "FileJournal":
        """Open it for a new process. Raises JournalError."""
        if not self.sound and self.chances.hits("closed_disk", self.knobs.closed_disk):
            self.tell("disk", "is read-only")
            raise JournalError("the journal's folder is not writable")
        try:
            journal = FileJournal.on(self, self._binding, clock, on_append, takeover=takeover)
        except JournalDamaged:
            self.tell("disk", "the journal is damaged; its copy is put in place")
            self._restore()
            raise
        self._copy.clear()
        if self._holder is not None:
            self._others.append(self._holder)
        self._holder = journal
        return journal

    def release(self, journal: "FileJournal", *, lost: bool) -> None:
        """Its process ended; with `lost`, by death, and nobody wrote out what was waiting."""
        if journal is not self._holder:
            journal.let_go()
            return
        self._holder = None
        if lost:
            self._die(journal)

    def close(self) -> None:
        """Remove everything."""
        for journal in (self._holder, *self._others):
            if journal is not None:
                journal.let_go()
        shutil.rmtree(self.base, ignore_errors=True)

    # ------------------------------------------------------------------ death

    def _die(self, journal: "FileJournal") -> None:
        """Leave the files as the death of their process leaves them, in another folder."""
        folder = self.path.parent
        before = {name: _bytes(folder / name) for name in _FILES}
        waiting = journal.waiting()
        chance = self.chances.of("torn")
        if waiting and not self.chances.hits("power", 50):
            with suppress(sqlite3.Error):
                journal.commit_unheard(waiting)
            torn = self._torn(before[_FILES[1]], _bytes(folder / _FILES[1]), chance.random())
            before[_FILES[1]] = torn
        journal.let_go()
        shutil.rmtree(folder, ignore_errors=True)
        self._number += 1
        self.path.parent.mkdir(mode=0o700)
        for name, content in before.items():
            if content:
                (self.path.parent / name).write_bytes(content)
                (self.path.parent / name).chmod(0o600)
        if not self.sound and self.chances.hits("rot", _ROT):
            self._rot()

    def _torn(self, old: bytes, new: bytes, part: float) -> bytes:
        """The WAL when only a first part of the newest commit reached the disk."""
        if not old:
            return new[: int(part * len(new))]
        first, last = _changed(old, new)
        if first == last:
            return old
        cut = first + int(part * (last - first + 1))
        self.tell("disk", "the unfinished commit is torn" if cut < last else "all of it survives")
        left = bytearray(new[:cut] + old[cut:])
        if cut < last and part > 0.5:  # noqa: PLR2004  # now and then damaged as well as cut
            left[first + (cut - first) // 2] ^= 1
        return bytes(left)

    def _rot(self) -> None:
        """Damage a byte that was durable."""
        chance = self.chances.of("rot/where")
        name = chance.choice(_FILES[:2])
        file = self.path.parent / name
        size = file.stat().st_size if file.exists() else 0
        # The end of a WAL is empty room.
        at = int(chance.random() * min(size, 40_000))
        if size:
            for each in map(self.path.parent.joinpath, _FILES):
                self._copy[each] = _bytes(each)
            content = bytearray(self._copy[file])
            content[at] ^= 1 << chance.randint(0, 7)
            file.write_bytes(content)
            self.tell("disk", f"a byte of {name} rots")

    def _restore(self) -> None:
        for file, content in self._copy.items():
            file.unlink(missing_ok=True)
            if content:
                file.write_bytes(content)
                file.chmod(0o600)
        self._copy.clear()


def _changed(old: bytes, new: bytes) -> tuple[int, int]:
    """From where to where they differ, in whole words of eight bytes; twice the same if nowhere."""

    def differ(size: int, low: int, high: int) -> list[int]:
        return [at for at in range(low, high, size) if old[at : at + size] != new[at : at + size]]

    pieces = differ(_PIECE, 0, len(new))
    if not pieces:
        return 0, 0
    first = differ(_WORD, pieces[0], min(pieces[0] + _PIECE, len(new)))[0]
    last = differ(_WORD, pieces[-1], min(pieces[-1] + _PIECE, len(new)))[-1]
    return first, last + _WORD


class FileJournal(SqliteJournal):
    """The journal in its file, with points at which its process may die."""

    _disk: FileDisk
    _on_append: Callable[[Record], None]
    #: A scenario is short, and every death copies all of it.
    _room = 64

    @classmethod
    def on(
        cls,
        disk: FileDisk,
        binding: Binding,
        clock: Clock,
        on_append: Callable[[Record], None],
        *,
        takeover: bool,
    ) -> "FileJournal":
        """Open the file on this disk."""
        disk.path.parent.mkdir(mode=0o700, exist_ok=True)
        bound = {"_disk": disk, "_on_append": staticmethod(on_append)}
        # Opening makes the writer at once, so disk and watcher stand before there is a journal.
        kind: type[FileJournal] = type("FileJournal", (cls,), bound)
        # The folder is ours, so nobody needs to look up what it lies on.
        journal = kind.open(disk.path, binding, clock=clock, takeover=takeover, network=True)
        assert isinstance(journal, FileJournal)  # noqa: S101  # `open` makes its own class
        try:
            newest = list(journal.read())[-1]
        except JournalDamaged:
            journal.let_go()
            raise
        on_append(newest)
        return journal

    def _make_writer(self, *given: Any) -> "SlowWriter":  # type: ignore[override]  # noqa: ANN401
        return SlowWriter(self._disk, *given)

    @property
    def durable_seq(self) -> int:
        """The newest record that survives a power cut."""
        return self._writer.committed

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        """Take one record and return its sequence number."""
        self._disk.points.reach("append")
        seq = super().append(kind, key, body)
        self._on_append(record_of(self._pending[-1]))
        self._disk.points.reach("appended")
        return seq

    async def durable(self, seq: int) -> None:
        """Return when every record up to `seq` survives a power cut."""
        self._disk.points.reach("sync")
        await super().durable(seq)
        self._disk.points.reach("synced")

    def waiting(self) -> list[Row]:
        """What is not committed."""
        committed = self._writer.committed
        return [row for row in self._pending if row[0] > committed]

    def commit_unheard(self, rows: list[Row]) -> None:
        """Write them as the death of the process finds them: nobody hears that they are durable."""
        Writer._commit(self._writer, rows)  # noqa: SLF001  # the real one, without the points

    def give_room(self) -> None:
        """Let the file grow again, where the disk was full."""
        with suppress(sqlite3.Error):
            self._connection.execute(f"PRAGMA max_page_count = {_ROOM}")

    def let_go(self) -> None:
        """Close its files as the end of a process does."""
        for each in (self._reader, self._connection):
            with suppress(sqlite3.Error):
                each.close()
        with suppress(OSError):
            self._lock.release()


class SlowWriter(Writer):
    """Commit on the loop, some time after it was asked to."""

    def __init__(self, disk: FileDisk, *given: Any) -> None:  # noqa: ANN401
        self._disk = disk
        self._called = False
        super().__init__(*given)

    def put(self, rows: list[Row]) -> None:
        """Take rows to be committed soon."""
        self._queue.put(rows)
        if not self._called:
            self._called = True
            most = 0.0 if self._disk.sound else self._disk.knobs.disk_latency / 1000
            delay = most * self._disk.chances.of("disk_latency").random()
            asyncio.get_running_loop().call_later(delay, self._turn)

    def finish(self) -> None:
        """Write what is queued."""
        self._turn()

    def _start(self) -> None:
        """There is no thread to start."""

    def _turn(self) -> None:
        self._called = False
        if self.fault is None:
            parts = [self._queue.get() for _ in range(self._queue.qsize())]
            self._write([part for part in parts if part is not None])

    def _commit(self, rows: list[Row]) -> None:
        disk = self._disk
        fault = ""
        if not disk.sound and disk.chances.hits("disk_faults", disk.knobs.disk_faults):
            fault = disk.chances.of("disk_faults/kind").choice(("full", "write", "sync"))
            disk.tell("disk", f"fails: {fault}")
        disk.points.reach("commit")
        if fault == "write":
            raise sqlite3.OperationalError("disk I/O error")
        committed = self.committed
        if fault == "full":
            self._fill_up()
        super()._commit(rows)
        if fault == "sync":
            # What was written may survive, and nobody can know.
            self.committed = committed
            raise sqlite3.OperationalError("disk I/O error")
        disk.points.reach("committed")

    def _fill_up(self) -> None:
        """Leave no room for another page."""
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        self._connection.execute(f"PRAGMA max_page_count = {int(pages)}")


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
