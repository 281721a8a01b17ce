"""What the journal's tests share: a clock that a test owns, a binding, and file images."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fillwright.journal import SqliteJournal
from fillwright.protocols import Binding, Record
from fillwright.types import Mode

BINDING = Binding(Mode.PAPER, "fake", "A-1")
START = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


class StepClock:
    """Each look at it is one microsecond later, unless a test moves it."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def open_journal(path: Path, **options: bool) -> SqliteJournal:
    return SqliteJournal.open(path, BINDING, clock=StepClock(), **options)


def close(journal: SqliteJournal) -> None:
    asyncio.run(journal.aclose())


def plain(records: Iterator[Record]) -> list[tuple[object, ...]]:
    return [(r.seq, r.epoch, r.at, r.kind, r.key, dict(r.body), r.hash) for r in records]


async def fill(journal: SqliteJournal, count: int, *, batch: int = 1, body: str = "") -> None:
    """Append records about a few orders and make each batch durable."""
    for start in range(0, count, batch):
        for number in range(start, min(start + batch, count)):
            kind = ("order.staged", "order.sent", "execution")[number % 3]
            seq = journal.append(kind, f"order-{number % 7}", {"n": number, "text": body})
        await journal.durable(seq)
