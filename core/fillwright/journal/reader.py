"""Reading a journal: streams its records in order and checks each one against the chain."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from fillwright.errors import JournalDamaged, JournalError
from fillwright.journal.chain import GENESIS, OPENED, Chain, Row, binding_of, fits, record_of
from fillwright.journal.files import check_file
from fillwright.journal.schema import FAULTS, check_pages, check_schema, connect, fault_of
from fillwright.protocols import Binding, Record

_PAGE = 1000
_NEXT = """
    SELECT seq, epoch, at, kind, key, body, hash FROM records
    WHERE seq > ? ORDER BY seq LIMIT ?
"""
_ONE = """
    SELECT r.seq, r.epoch, r.at, r.kind, r.key, r.body, r.hash,
           (SELECT p.hash FROM records p WHERE p.seq = r.seq - 1)
    FROM records r WHERE r.seq = ?
"""
_ABOUT = """
    SELECT r.seq, r.epoch, r.at, r.kind, r.key, r.body, r.hash,
           (SELECT p.hash FROM records p WHERE p.seq = r.seq - 1)
    FROM records r
    WHERE r.origin = (SELECT seq FROM records WHERE key = ? AND origin = seq) AND r.seq <= ?
    ORDER BY r.seq
"""
_NEWEST = "SELECT seq FROM records ORDER BY seq DESC LIMIT 1"
_KEYS = "SELECT key FROM records WHERE origin = seq"
_OF_KINDS = "SELECT seq FROM records WHERE kind IN ({marks}) ORDER BY seq"
_BY_KIND = "SELECT kind, max(seq) FROM records GROUP BY kind"
#: Beyond any record.
END = 2**63 - 1


class JournalReader:
    """A journal open for reading only, while somebody else may write it.

    It takes no lock and begins no epoch. Every method raises `JournalDamaged` rather than
    return a record that does not fit its chain.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: str | Path, *, still: bool = False) -> Self:
        """Open a journal that exists; `still`: nobody writes it, and nothing is made beside it."""
        file = Path(path).absolute()
        if not check_file(file):
            raise JournalError(f"there is no journal {file}; name the file of an existing one")
        connection = connect(file, write=False, still=still)
        try:
            version = check_schema(file, connection)
        except JournalError:
            connection.close()
            raise
        if version == 0:
            connection.close()
            raise JournalDamaged(str(file), 0, "the file is empty")
        return cls(file, connection)

    @property
    def binding(self) -> Binding:
        """Whose journal it is."""
        first = self.one(1)
        if first is None or first.kind != OPENED:
            raise JournalDamaged(str(self.path), 1, f"it does not begin with {OPENED}")
        try:
            return binding_of(first.body)
        except (KeyError, ValueError) as fault:
            raise JournalDamaged(str(self.path), 1, "it does not say whose it is") from fault

    @property
    def epoch(self) -> int:
        """The newest epoch."""
        newest = self.newest()
        return newest.epoch if newest else 0

    def newest(self) -> Record | None:
        """The last record."""
        rows = self._rows(_NEWEST)
        return self.one(int(rows[0][0])) if rows else None

    def read(self, after: int = 0, upto: int = END) -> Iterator[Record]:
        """Every record behind `after` in order, checked as it passes."""
        return map(record_of, self.rows(after, upto))

    def rows(self, after: int = 0, upto: int = END) -> Iterator[Row]:
        """The same as stored; each page is a read of its own, so a writer is never held up."""
        chain = self.chain_at(after)
        while chain.seq < upto:
            page = self._rows(_NEXT, chain.seq, _PAGE, near=chain.seq + 1)
            for row in page:
                if row[0] > upto:
                    return
                if problem := chain.follow(row):
                    raise JournalDamaged(str(self.path), chain.seq + 1, problem)
                yield row
            if len(page) < _PAGE:
                break
        if chain.seq < upto != END:
            raise JournalDamaged(str(self.path), chain.seq + 1, "it was durable and is missing")

    def about(self, key: str, upto: int = END) -> Sequence[Record]:
        """Every record with this key in order."""
        return [self._checked(row, key=key) for row in self._rows(_ABOUT, key, upto)]

    def last(self, kind: str) -> Record | None:
        """The newest record of this kind."""
        seq = self.kinds().get(kind)
        return None if seq is None else self.one(seq)

    def kinds(self) -> dict[str, int]:
        """The newest record's number of each kind; passes over the whole table."""
        return dict(self._rows(_BY_KIND))

    def of(self, *kinds: str) -> Sequence[Record]:
        """Every record of these kinds in order; passes over the whole table."""
        marks = ", ".join("?" for _ in kinds)
        rows = self._rows(_OF_KINDS.format(marks=marks), *kinds)
        return [record for (seq,) in rows if (record := self.one(seq)) is not None]

    def keys(self) -> Iterator[str]:
        """Every key, once, without holding all of them."""
        try:
            for (key,) in self._connection.execute(_KEYS):
                yield str(key)
        except FAULTS as fault:
            raise fault_of(self.path, 0, fault) from fault

    def one(self, seq: int) -> Record | None:
        """The record with this number."""
        rows = self._rows(_ONE, seq, near=seq)
        return self._checked(rows[0]) if rows else None

    def check_pages(self) -> None:
        """Check every page of the file and that the indexes name every record."""
        check_pages(self.path, self._connection)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chain_at(self, after: int) -> Chain:
        """The chain as it ended with this record."""
        if after <= 0:
            return Chain()
        found = self._rows(_ONE, after, near=after)
        if found:
            self._checked(found[0])
            seq, epoch, at, *_, digest, _previous = found[0]
            return Chain(seq, epoch, at, digest)
        newest = self.newest()
        if newest is not None and newest.seq > after:
            raise JournalDamaged(str(self.path), after, "it is missing")
        return Chain(after)

    def _checked(self, row: tuple[object, ...], key: str | None = None) -> Record:
        *fields, previous = row
        stored: Row = tuple(fields)  # type: ignore[assignment]  # `fits` refuses other types
        if previous is None and stored[0] == 1:
            previous = GENESIS
        if not fits(str(previous), stored) or (key is not None and stored[4] != key):
            problem = "its content does not match its hash"
            raise JournalDamaged(str(self.path), stored[0], problem)
        try:
            return record_of(stored)
        except json.JSONDecodeError as fault:
            raise JournalDamaged(str(self.path), stored[0], "its body is not JSON") from fault

    def _rows(self, query: str, *values: object, near: int = 0) -> list[tuple]:  # type: ignore[type-arg]  # SQLite may hold any type in any column
        try:
            return self._connection.execute(query, values).fetchall()
        except FAULTS as fault:
            raise fault_of(self.path, near, fault) from fault
