"""When plugins are told: behind the record, in order, and without a commit for a staged order."""

import asyncio
from datetime import UTC, datetime

from desk.kit import BINDING, order
from fillwright.desk.announcer import Announcer
from fillwright.journal import MemoryJournal
from fillwright.ledger import Change, Sent, Staged
from fillwright.ledger.fold import Ledger
from fillwright.orders import content_hash
from fillwright.testing import ManualClock
from fillwright.types import ClientOrderId, OrdStatus

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


class Telling:
    """An announcer over a journal whose flushes are counted, and what it told."""

    def __init__(self) -> None:
        self.flushed: list[int] = []
        self.told: list[OrdStatus] = []
        self.journal = MemoryJournal(BINDING, clock=ManualClock(), flush=self._flush)
        self.announcer = Announcer(self.journal, self, remember=lambda _: None)
        self._ledger = Ledger()
        self._task = asyncio.create_task(self.announcer.run())

    def observe(self, state, _anomalies) -> None:
        self.told.append(state.status)

    async def examine(self, *_given) -> None:
        """There are no executions here."""

    compared = alerted = examine

    def note(self) -> None:
        """Nothing is kept of what was told."""

    async def _flush(self, seq: int) -> None:
        self.flushed.append(seq)

    def write(self, fact: Staged | Sent) -> int:
        seq = self.journal.append("fact", fact.key, {})
        change: Change = self._ledger.apply(fact)
        self.announcer.add(seq, change)
        return seq

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def _staged(key: str) -> Staged:
    wanted = order()
    return Staged(ClientOrderId(key), NOW, wanted, content_hash(wanted))


def _sent(staged: Staged) -> Sent:
    return Sent(staged.key, NOW, staged.content_hash, NOW, staged.order.quantity, None)


async def test_a_staged_order_is_told_with_its_next_step() -> None:
    """A commit of its own would hold up the commit that the request waits for."""
    telling = Telling()
    staged = _staged("fw-1")
    telling.write(staged)
    await telling.settle()
    assert (telling.flushed, telling.told) == ([], [])
    seq = telling.write(_sent(staged))
    await telling.settle()
    assert telling.flushed == [seq]
    assert telling.told == [OrdStatus.STAGED, OrdStatus.PENDING_NEW]
    await telling.end()


async def test_who_waits_for_all_to_be_told_need_not_wait_for_a_next_step() -> None:
    """A desk that closes with an order still staged would wait for it until it gives up."""
    telling = Telling()
    telling.write(_staged("fw-1"))
    await asyncio.wait_for(telling.announcer.idle(), 5)
    assert telling.told == [OrdStatus.STAGED]
    await telling.end()


async def test_a_crowd_of_staged_orders_is_told(monkeypatch) -> None:
    """Changes that are never told would fill the memory, and stop the stream for good."""
    monkeypatch.setattr("fillwright.desk.announcer.BOUND", 3)
    telling = Telling()
    for number in range(3):
        telling.write(_staged(f"fw-{number}"))
    await asyncio.wait_for(telling.announcer.room(), 5)
    assert len(telling.told) == 3
    await telling.end()
