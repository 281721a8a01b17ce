"""The journal's twin in memory, with crash semantics, for tests and simulation."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from fillwright.errors import Fenced, JournalError, JournalFailed
from fillwright.journal.chain import Chain, Row, record_of
from fillwright.protocols import Binding, Clock, Json, Record

#: Awaited with the number that is to become durable; what it raises is a failed fsync.
Flush = Callable[[int], Awaitable[None]]
Observer = Callable[[Record], None]

_NAME = "in memory"


class MemoryJournal:
    """A journal that forgets in a crash what was not durable.

    Without a `flush` hook a record is durable as soon as somebody asks. A record that nobody
    asked for stays at risk, which is harsher than the file: there it is written anyway.
    `on_append` sees each record as it is appended; `found` is what an earlier process left.
    """

    def __init__(
        self,
        binding: Binding,
        *,
        clock: Clock,
        flush: Flush | None = None,
        on_append: Observer | None = None,
        found: Sequence[Row] = (),
    ) -> None:
        self.binding = binding
        self._clock = clock
        self._flush = flush
        self._on_append = on_append
        self._rows: list[Row] = []
        #: Those that were read so far, by number: each is read once.
        self._records: dict[int, Record] = {}
        self._by_key: dict[str, list[int]] = {}
        self._newest: dict[str, int] = {}
        self._chain = Chain()
        self._durable = 0
        self._reason = ""
        self._fenced_by = 0
        self._closed = False
        for row in found:
            self._chain.follow(row)
            self._keep(row)
        opened = self._chain.open_epoch(binding, clock.now())
        self._store(opened)
        self._durable = opened[0]

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        """Take one record and return its sequence number."""
        self._refuse_broken()
        if self._closed:
            raise JournalError(f"journal {_NAME} is closed")
        row = self._chain.link(kind, key, body, self._clock.now())
        self._store(row)
        return row[0]

    async def durable(self, seq: int) -> None:
        """Return when every record up to `seq` survives a crash."""
        self._refuse_broken()
        if seq <= self._durable:
            return
        if seq > self._chain.seq:
            raise ValueError(f"record {seq} was never appended; the last is {self._chain.seq}")
        if self._flush is not None:
            try:
                await self._flush(seq)
            except Exception as fault:
                # The hook stands for the disk, which fails in ways of its own.
                self.fail(str(fault) or type(fault).__name__)
                raise JournalFailed(_NAME, self._reason) from fault
            self._refuse_broken()
        self._durable = max(self._durable, seq)

    def read(self, after: int = 0) -> Iterator[Record]:
        """Every durable record in order, starting behind `after`."""
        return map(self._record, range(max(after, 0) + 1, self._durable + 1))

    def about(self, key: str) -> Sequence[Record]:
        """Every record with this key in order, those not yet durable included."""
        return [self._record(seq) for seq in self._by_key.get(key, ())]

    def last(self, kind: str) -> Record | None:
        """The newest record of this kind."""
        seq = self._newest.get(kind)
        return None if seq is None else self._record(seq)

    def check_fence(self) -> None:
        """Raise `Fenced` when another instance took the journal over."""
        self._refuse_broken()

    async def aclose(self) -> None:
        """Make everything durable and take nothing more."""
        if self._closed:
            return
        self._closed = True
        await self.durable(self._chain.seq)

    @property
    def epoch(self) -> int:
        """Grows by one with every crash."""
        return self._chain.epoch

    @property
    def durable_seq(self) -> int:
        """The newest record that survives a crash."""
        return self._durable

    @property
    def seq(self) -> int:
        """The newest record."""
        return self._chain.seq

    def fail(self, reason: str) -> None:
        """Fail as a disk does: from now on every call raises `JournalFailed`."""
        self._reason = self._reason or reason

    def crash(self, *, keep: int | None = None) -> "MemoryJournal":
        """The journal that a new process finds, in its next epoch; this one is fenced.

        The clock and the hooks go with it.
        """
        after = MemoryJournal(
            self.binding,
            clock=self._clock,
            flush=self._flush,
            on_append=self._on_append,
            found=self.left(keep or 0),
        )
        self.fence(after.epoch)
        return after

    def left(self, keep: int = 0) -> Sequence[Row]:
        """What a new process would find: what is durable, and the first `keep` of the rest.

        The rest is what was not synced: a torn write leaves any first part of it.
        """
        return self._rows[: self._durable + keep]

    def fence(self, epoch: int) -> None:
        """Another process opened it, in this epoch: from now on every call raises `Fenced`."""
        self._fenced_by = epoch

    def _store(self, row: Row) -> None:
        self._keep(row)
        if self._on_append is not None:
            self._on_append(self._record(row[0]))

    def _record(self, seq: int) -> Record:
        record = self._records.get(seq)
        if record is None:
            record = self._records[seq] = record_of(self._rows[seq - 1])
        return record

    def _keep(self, row: Row) -> None:
        seq, _, _, kind, key, _, _ = row
        self._rows.append(row)
        self._by_key.setdefault(key, []).append(seq)
        self._newest[kind] = seq

    def _refuse_broken(self) -> None:
        if self._fenced_by:
            raise Fenced(_NAME, self.epoch, self._fenced_by)
        if self._reason:
            raise JournalFailed(_NAME, self._reason)
