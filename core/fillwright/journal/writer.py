"""The one thread that writes: whatever waits becomes one transaction, then all waiters wake."""

import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from fillwright.errors import Fenced, JournalError, JournalFailed
from fillwright.journal.chain import GENESIS, Row
from fillwright.journal.files import beside
from fillwright.journal.lock import Lock

_HEAD = "SELECT seq, epoch, hash FROM records ORDER BY seq DESC LIMIT 1"
_INSERT = (
    "INSERT INTO records (origin, seq, epoch, at, kind, key, body, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_ORIGIN = "SELECT seq FROM records WHERE key = ? AND origin = seq"
#: How many keys are remembered before the table is asked for their first record.
_KEYS = 20_000

#: seq, epoch and hash of the newest record.
Head = tuple[int, int, str]


def head_of(connection: sqlite3.Connection) -> Head:
    """The newest record's number, epoch and hash."""
    found = connection.execute(_HEAD).fetchone()
    return found or (0, 0, GENESIS)


class Insert:
    """Write rows with the number of the first record that has their key."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._origins: OrderedDict[str, int] = OrderedDict()

    def __call__(self, rows: Iterable[Row]) -> None:
        """Insert them in order, inside the caller's transaction."""
        self._connection.executemany(_INSERT, self._with_origins(rows))

    def _with_origins(self, rows: Iterable[Row]) -> Iterator[tuple[int, *Row]]:
        for row in rows:
            yield (self._origins.get(row[4]) or self._find(row), *row)

    def _find(self, row: Row) -> int:
        key = row[4]
        found = self._connection.execute(_ORIGIN, (key,)).fetchone()
        origin = int(found[0]) if found else row[0]
        self._origins[key] = origin
        if len(self._origins) > _KEYS:
            self._origins.popitem(last=False)
        return origin


class Writer:
    """Commit queued rows in order until stopped, or until the first fault, which is final."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lock: Lock,
        on_progress: Callable[[], None],
    ) -> None:
        self._path = path
        self._wal = beside(path, "-wal")
        self._connection = connection
        self._lock = lock
        self._on_progress = on_progress
        self._insert = Insert(connection)
        self._queue: SimpleQueue[list[Row] | None] = SimpleQueue()
        self._head = head_of(connection)
        self._files = self._inodes()
        #: Every record up to this one survives a power cut.
        self.committed = self._head[0]
        self.fault: Exception | None = None
        self._start()

    def put(self, rows: list[Row]) -> None:
        """Take rows to be committed soon."""
        self._queue.put(rows)

    def finish(self) -> None:
        """Write what is queued, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _start(self) -> None:
        # A desk that ends without closing its journal must not hang on this thread.
        self._thread = threading.Thread(target=self._run, name="fillwright-journal", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        stop = False
        while not stop:
            batch = [self._queue.get()]
            batch += [self._queue.get() for _ in range(self._queue.qsize())]
            stop = None in batch
            stop = not self._write([part for part in batch if part is not None]) or stop

    def _write(self, parts: list[list[Row]]) -> bool:
        """Commit what was handed over, in one go; False after a fault, which is final."""
        rows = [row for part in parts for row in part]
        try:
            if rows:
                self._commit(rows)
        except Exception as fault:  # noqa: BLE001  # whatever it was, what is on disk is unknown
            self.fault = fault
            self._take_back()
        self._on_progress()
        return self.fault is None

    def _take_back(self) -> None:
        """End the transaction that failed: it would lock out whoever took the journal over."""
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _commit(self, rows: list[Row]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        head: Head = execute(_HEAD).fetchone()
        if head != self._head:
            raise self._usurped(head)
        self._insert(rows)
        execute("COMMIT")
        if self._inodes() != self._files:
            raise JournalFailed(str(self._path), "its files were moved or replaced while in use")
        seq, epoch, *_, digest = rows[-1]
        self._lock.witness(seq, digest)
        self._head = (seq, epoch, digest)
        self.committed = seq

    def _usurped(self, head: Head) -> JournalError:
        path, (_, ours, _), (_, now, _) = str(self._path), self._head, head
        if now > ours:
            return Fenced(path, ours, now)
        return JournalFailed(path, "another program wrote into it")

    def _inodes(self) -> tuple[int, int]:
        return os.lstat(self._path).st_ino, os.lstat(self._wal).st_ino
