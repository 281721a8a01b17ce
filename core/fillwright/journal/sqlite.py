"""The journal in a SQLite file: appended on the event loop, committed in groups by a thread."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from fillwright.errors import (
    Fenced,
    JournalBound,
    JournalDamaged,
    JournalError,
    JournalFailed,
    JournalLocked,
)
from fillwright.journal.chain import Chain, Row, record_of
from fillwright.journal.files import prepare_file, prepare_folder
from fillwright.journal.keys import Keys
from fillwright.journal.lock import Lock, lost, read_note
from fillwright.journal.reader import JournalReader
from fillwright.journal.schema import (
    FAMILY,
    FAULTS,
    WAL_PAGES,
    check_pages,
    configure,
    connect,
    fault_of,
    lengthen_wal,
    migrate,
)
from fillwright.journal.writer import Insert, Writer
from fillwright.protocols import Binding, Clock, Json, Record

#: Seconds that a record waits at most for somebody to ask for it before it is written anyway.
LINGER = 0.05


class SqliteJournal:
    """One process's hold on a journal file; made by `open`.

    All methods but `check_fence` belong to one thread, the event loop's. After a fault `append`,
    `durable` and `check_fence` raise it again for good, `JournalFailed` or `Fenced`; reading stays
    possible.
    """

    #: What commits; a simulation has one without a thread.
    _make_writer = Writer
    #: How much room the WAL is given when it is opened.
    _room = WAL_PAGES

    def __init__(self, binding: Binding, clock: Clock, hold: "_Hold") -> None:
        self.binding = binding
        self.epoch = hold.chain.epoch
        self._clock = clock
        self._path = hold.path
        self._lock = hold.lock
        self._chain = hold.chain
        self._connection = hold.connection
        self._reader = hold.reader
        self._newest = hold.reader.kinds()
        self._keys = Keys(hold.reader.keys())
        self._pending: deque[Row] = deque()
        #: Appended and not yet in the writer's hands.
        self._batch: list[Row] = []
        self._leaving: asyncio.TimerHandle | None = None
        self._called = False
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._fault: Exception | None = None
        self._writer = self._make_writer(hold.path, hold.connection, hold.lock, self._progressed)

    @classmethod
    def open(
        cls,
        path: str | Path,
        binding: Binding,
        *,
        clock: Clock,
        takeover: bool = False,
        check: bool = True,
        network: bool = False,
    ) -> "SqliteJournal":
        """Open to write, making the file when there is none, and begin the next epoch.

        `takeover` passes by the lock of a holder that is paused or gone astray, and fences it.
        `check` looks at every page first, about 1.3 s for a million records; the chain of
        records is checked by `read`. `network` allows a network file system. Raises
        `JournalLocked`, `JournalBound`, `JournalDamaged`, or another `JournalError`.
        """
        file = Path(path).absolute()
        prepare_folder(file, network=network)
        lock = Lock.replacing(file) if takeover else Lock.acquire(file)
        try:
            hold = _Hold(file, lock, cls._room)
            try:
                hold.begin(binding, clock, takeover=takeover, check=check)
                return cls(binding, clock, hold)
            except BaseException:
                hold.close()
                raise
        except BaseException:
            lock.release()
            raise

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        """Take one record and return its sequence number."""
        if self._fault or self._writer.fault or self._closed:
            raise self._broken()
        row = self._chain.link(kind, key, body, self._clock.now())
        self._forget()
        self._pending.append(row)
        self._batch.append(row)
        self._newest[kind] = row[0]
        self._keys.add(key)
        if not self._leaving:
            self._leave_within(LINGER)
        return row[0]

    async def durable(self, seq: int) -> None:
        """Return when every record up to `seq` survives a power cut."""
        # The loop is known before `committed` is read, and the writer reads them the other way
        # round, so that no wake-up falls between the two.
        self._loop = asyncio.get_running_loop()
        if self._fault or self._writer.fault:
            raise self._broken()
        if seq <= self._writer.committed:
            return
        if seq > self._chain.seq:
            raise ValueError(f"record {seq} was never appended; the last is {self._chain.seq}")
        if self._batch and not self._called:
            # At the end of this turn of the loop, so that all who ask in it share one commit.
            self._called = True
            self._loop.call_soon(self._leave)
        waiter = self._loop.create_future()
        heappush(self._waiters, (seq, next(self._tickets), waiter))
        await waiter

    def read(self, after: int = 0) -> Iterator[Record]:
        """Every durable record in order, each checked against the chain."""
        return self._reader.read(after, upto=self._writer.committed)

    def about(self, key: str) -> Sequence[Record]:
        """Every record with this key in order, those not yet durable included."""
        if key not in self._keys:
            return []  # the question of every new order
        committed = self._writer.committed
        waiting = [record_of(row) for row in self._pending if row[0] > committed and row[4] == key]
        return [*self._reader.about(key, upto=committed), *waiting]

    def last(self, kind: str) -> Record | None:
        """The newest record of this kind."""
        seq = self._newest.get(kind)
        if seq is None:
            return None
        if self._pending and seq >= self._pending[0][0]:
            return record_of(self._pending[seq - self._pending[0][0]])
        return self._reader.one(seq)

    def check_fence(self) -> None:
        """Raise `Fenced` when another process took the journal over; on whichever thread."""
        if not (self._fault or self._writer.fault) and (fault := self._lock.broken()):
            self._fault = fault
        if self._fault or self._writer.fault:
            raise self._broken()

    async def aclose(self) -> None:
        """Write out what is waiting and let go; raises the fault if there was one."""
        if self._closed:
            return
        self._closed = True
        self._leave()
        await asyncio.shield(asyncio.to_thread(self._finish))
        if self._fault or self._writer.fault:
            raise self._broken()

    def _finish(self) -> None:
        self._writer.finish()
        sound = self._writer.fault is None
        # Who closes last writes the WAL back, unless it only reads: after a fault nothing more
        # is written, and the next opening decides on what it finds.
        order = (self._reader, self._connection) if sound else (self._connection, self._reader)
        for each in order:
            each.close()
        self._lock.release()

    def _leave_within(self, seconds: float) -> None:
        """Hand the batch over at the latest then, whether or not anybody asks for it."""
        if self._loop is None or self._loop.is_closed():
            self._leave()
        else:
            self._leaving = self._loop.call_later(seconds, self._leave)

    def _leave(self) -> None:
        """Hand what was appended to the writer."""
        self._called = False
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._batch:
            self._writer.put(self._batch)
            self._batch = []

    def _progressed(self) -> None:
        """On the writer's thread: wake the loop once for the whole batch."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._settle)
        except RuntimeError:
            # That loop is closed, so nobody waits in it any more.
            self._loop = None

    def _settle(self) -> None:
        fault, committed = self._writer.fault, self._writer.committed
        while self._waiters and (fault or self._waiters[0][0] <= committed):
            seq, _, waiter = heappop(self._waiters)
            if waiter.done():
                continue
            if seq <= committed:
                waiter.set_result(None)
            else:
                waiter.set_exception(self._broken())

    def _forget(self) -> None:
        pending, committed = self._pending, self._writer.committed
        while pending and pending[0][0] <= committed:
            pending.popleft()

    def _broken(self) -> JournalError:
        """A fresh exception for the fault, so that waiters do not share a traceback."""
        fault = self._fault or self._writer.fault
        match fault:
            case None:
                return JournalError(f"journal {self._path} is closed")
            case Fenced():
                again: JournalError = Fenced(fault.path, fault.ours, fault.now)
            case JournalFailed():
                again = JournalFailed(fault.path, fault.reason)
            case _:
                again = JournalFailed(str(self._path), str(fault) or type(fault).__name__)
        again.__cause__ = fault
        return again


class _Hold:
    """What an opening gathers, step by step, until the journal stands."""

    def __init__(self, path: Path, lock: Lock, room: int) -> None:
        self.path = path
        self.lock = lock
        self._room = room
        self.chain = Chain()
        self.note = read_note(path)
        self._expect_records()
        prepare_file(path)
        self.connection = connect(path, write=True)
        self._reader: JournalReader | None = None

    @property
    def reader(self) -> JournalReader:
        """The connection that only reads."""
        if self._reader is None:
            self._reader = JournalReader.open(self.path)
        return self._reader

    def begin(self, binding: Binding, clock: Clock, *, takeover: bool, check: bool) -> None:
        """Check what is there and begin the next epoch, durably, before the lock shows it."""
        migrate(self.path, self.connection)
        configure(self.path, self.connection)
        if check:
            check_pages(self.path, self.connection)
        try:
            # Before anything is written: what is missing may still lie in the WAL for a repair.
            self._continue(binding)
            lengthen_wal(self.connection, self._room)
            self.connection.execute("BEGIN IMMEDIATE")
            self._continue(binding)
            row = self.chain.open_epoch(binding, clock.now(), takeover=takeover)
            Insert(self.connection)([row])
            self.connection.execute("COMMIT")
        except FAULTS as fault:
            raise self._cannot_begin(fault) from fault
        self.lock.publish(self.chain.epoch, row[0], row[6])

    def close(self) -> None:
        """Let go of a journal that could not be opened."""
        self.connection.close()
        if self._reader is not None:
            self._reader.close()

    def _continue(self, binding: Binding) -> None:
        newest = self.reader.newest()
        seq = newest.seq if newest else 0
        if seq < self.note.seq:
            raise lost(self.path, seq, self.note)
        if newest is None:
            return
        bound = self.reader.binding
        if bound != binding:
            raise JournalBound(str(self.path), str(bound), str(binding))
        self.chain = self.reader.chain_at(newest.seq)
        noted = self.reader.one(self.note.seq) if self.note.seq else None
        if noted and noted.hash != self.note.hash:
            problem = "it is not the record that was durable there"
            raise JournalDamaged(str(self.path), self.note.seq, problem)

    def _expect_records(self) -> None:
        if self.note.seq and not self.path.exists():
            raise lost(self.path, 0, self.note)

    def _cannot_begin(self, fault: sqlite3.Error | UnicodeDecodeError) -> JournalError:
        family = getattr(fault, "sqlite_errorcode", 0) & FAMILY
        if family == sqlite3.SQLITE_BUSY:
            return JournalLocked(str(self.path), f"{self.note.holder}, in the middle of a write")
        if family in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            return JournalFailed(str(self.path), str(fault))
        return fault_of(self.path, 0, fault)
