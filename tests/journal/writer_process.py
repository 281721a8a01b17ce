"""A process that writes a journal, for tests that kill, pause and starve one.

It prints each durable number; `loop` goes on until killed, `starve BYTES` until a file would
grow beyond BYTES, `hold` answers each line on stdin with what an append meets.
"""

import asyncio
import resource
import sys
from pathlib import Path

from fillwright.clock import SystemClock
from fillwright.errors import JournalError
from fillwright.journal import SqliteJournal
from fillwright.protocols import Binding
from fillwright.types import Mode


def say(word: object) -> None:
    print(word, flush=True)  # the tests read it


async def write(journal: SqliteJournal, batch: int = 7) -> None:
    number = 0
    while True:
        number += 1
        for n in range(batch):
            seq = journal.append("order.staged", f"order-{number}", {"n": n, "text": "x" * 200})
        await journal.durable(seq)
        say(seq)


async def starve(journal: SqliteJournal, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        await write(journal)
    except JournalError as fault:
        say(type(fault).__name__)
    for _ in range(2):
        try:
            await journal.durable(journal.append("order.staged", "late", {}))
        except JournalError as fault:
            say(type(fault).__name__)


async def hold(journal: SqliteJournal) -> None:
    say("ready")
    for _ in sys.stdin:
        for attempt in (_fence, _write):
            try:
                await attempt(journal)
                say("allowed")
            except JournalError as fault:
                say(type(fault).__name__)


async def _fence(journal: SqliteJournal) -> None:
    journal.check_fence()


async def _write(journal: SqliteJournal) -> None:
    await journal.durable(journal.append("k", "late", {}))


async def main(path: str, task: str, limit: str = "0") -> None:
    binding = Binding(Mode.PAPER, "fake", "A-1")
    journal = SqliteJournal.open(Path(path), binding, clock=SystemClock())
    match task:
        case "loop":
            await write(journal)
        case "starve":
            await starve(journal, int(limit))
        case "hold":
            await hold(journal)


asyncio.run(main(*sys.argv[1:]))
