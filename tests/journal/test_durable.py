"""Waiting for the disk: many waiters, cancelled waiters, and a disk that fails."""

import asyncio
import shutil
import threading

import pytest

from fillwright.errors import Fenced, JournalFailed
from fillwright.journal import SqliteJournal, verify
from journal.kit import BINDING, StepClock, fill, open_journal


@pytest.fixture
async def journal(tmp_path):
    made = open_journal(tmp_path / "desk.db")
    yield made
    if not made._closed:
        await made.aclose()


class Gate:
    """Hold the writer's commits until opened; let them fail when asked."""

    def __init__(self, journal: SqliteJournal) -> None:
        self.open = threading.Event()
        self.fault: Exception | None = None
        self.batches: list[int] = []
        self._commit = journal._writer._commit
        journal._writer._commit = self._guarded

    def _guarded(self, rows) -> None:
        assert self.open.wait(30)
        if self.fault:
            raise self.fault
        self.batches.append(len(rows))
        self._commit(rows)


async def test_waiters_share_commits(journal) -> None:
    """One fsync for each order would cap the desk at the disk's pace."""
    gate = Gate(journal)
    sequence = [journal.append("k", f"o{n}", {"n": n}) for n in range(100)]
    waiting = [asyncio.ensure_future(journal.durable(seq)) for seq in sequence]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(*waiting)

    assert len(gate.batches) <= 3
    assert sum(gate.batches) == 100


async def test_nothing_is_durable_before_its_commit(journal) -> None:
    """A send that overtakes its own record is lost in a crash."""
    gate = Gate(journal)
    seq = journal.append("k", "o", {})
    waiting = asyncio.ensure_future(journal.durable(seq))
    await asyncio.sleep(0)

    assert not waiting.done()
    assert [r.seq for r in journal.read()] == [1]
    gate.open.set()
    await waiting
    assert [r.seq for r in journal.read()] == [1, seq]


async def test_a_cancelled_waiter_hurts_no_other(journal) -> None:
    """One order's caller that gives up must not strand the others."""
    gate = Gate(journal)
    seq = journal.append("k", "o", {})
    waiting = [asyncio.ensure_future(journal.durable(seq)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    gate.open.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(a) for a in answers] == [type(None), asyncio.CancelledError, type(None)]
    assert journal.about("o")[0].seq == seq


async def test_waiters_wake_for_their_own_record_in_any_order(journal) -> None:
    """A waiter that is woken early would send on a record that is not there."""
    first = journal.append("k", "o", {})
    second = journal.append("k", "o", {})
    await asyncio.gather(journal.durable(second), journal.durable(first), journal.durable(second))

    assert verify(journal._path).records == second


@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), MemoryError(), ValueError("any")]
)
async def test_a_fault_is_final(journal, fault) -> None:
    """A disk that failed once must not be believed again by this process."""
    gate = Gate(journal)
    seq = journal.append("k", "o", {})
    waiting = [asyncio.ensure_future(journal.durable(seq)) for _ in range(2)]
    await asyncio.sleep(0)
    gate.fault = fault
    gate.open.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    gate.fault = None

    assert [type(a) for a in answers] == [JournalFailed, JournalFailed]
    assert answers[0] is not answers[1]
    assert answers[0].__cause__ is fault
    for call in (lambda: journal.append("k", "o", {}), journal.check_fence):
        with pytest.raises(JournalFailed):
            call()
    for number in (1, seq):
        with pytest.raises(JournalFailed):
            await journal.durable(number)
    with pytest.raises(JournalFailed):
        await journal.aclose()
    again = open_journal(journal._path)
    assert again.about("o") == []
    await again.aclose()


async def test_a_moved_file_is_a_fault(journal, tmp_path) -> None:
    """Records written into a deleted file are nowhere."""
    (tmp_path / "desk.db").rename(tmp_path / "gone.db")

    with pytest.raises(JournalFailed):
        await journal.durable(journal.append("k", "o", {}))
    with pytest.raises(JournalFailed):
        await journal.aclose()


async def test_a_replaced_file_is_a_fault(journal, tmp_path) -> None:
    """Somebody restores a backup under a running desk: what it writes from then on is nowhere."""
    path = tmp_path / "desk.db"
    shutil.copy(path, tmp_path / "backup.db")
    (tmp_path / "backup.db").replace(path)

    with pytest.raises(JournalFailed, match="moved or replaced while in use"):
        await journal.durable(journal.append("k", "o", {}))
    with pytest.raises(JournalFailed):
        await journal.aclose()


async def test_a_takeover_fences_the_writer_before_it_can_commit(journal, tmp_path) -> None:
    """Two desks on one journal would both send."""
    await fill(journal, 3)
    journal.check_fence()
    other = open_journal(tmp_path / "desk.db", takeover=True)
    seq = journal.append("k", "late", {})

    with pytest.raises(Fenced, match="epoch 2, ours 1"):
        await journal.durable(seq)
    with pytest.raises(Fenced):
        journal.append("k", "late", {})
    with pytest.raises(Fenced):
        await journal.aclose()
    await fill(other, 3)
    assert (other.epoch, other.about("late")) == (2, [])
    other.check_fence()
    await other.aclose()


async def test_a_fenced_writer_does_not_hold_the_file(journal, tmp_path) -> None:
    """A process that lost the journal and lives on must not stop the one that took it over."""
    other = open_journal(tmp_path / "desk.db", takeover=True)
    with pytest.raises(Fenced):
        await journal.durable(journal.append("k", "late", {}))

    other._connection.execute("PRAGMA busy_timeout = 0")
    await fill(other, 3)
    await other.aclose()
    with pytest.raises(Fenced):
        await journal.aclose()


async def test_check_fence_sees_a_takeover_at_once_and_for_good(journal, tmp_path) -> None:
    """Between the durable record and the send a paused process may have lost its journal."""
    lock = tmp_path / "desk.db.lock"
    before = lock.read_bytes()
    other = open_journal(tmp_path / "desk.db", takeover=True)
    with pytest.raises(Fenced, match="epoch 2, ours 1"):
        journal.check_fence()
    await other.aclose()
    lock.write_bytes(before)

    with pytest.raises(Fenced):
        journal.check_fence()
    with pytest.raises(Fenced):
        journal.append("k", "o", {})
    with pytest.raises(Fenced):
        await journal.aclose()


async def test_a_removed_lock_stops_the_holder(journal, tmp_path) -> None:
    """Whoever breaks the lock by hand starts a second desk next."""
    (tmp_path / "desk.db.lock").unlink()

    with pytest.raises(JournalFailed, match="lock file is gone"):
        journal.check_fence()
    with pytest.raises(JournalFailed):
        await journal.aclose()


async def test_a_lock_whose_epoch_was_overwritten_fences(journal, tmp_path) -> None:
    """Where file locks do not reach the other machine, the epoch still does."""
    with (tmp_path / "desk.db.lock").open("r+b") as lock:
        lock.write(b"%020d\n" % 7)

    with pytest.raises(Fenced, match="epoch 7, ours 1"):
        journal.check_fence()
    with pytest.raises(Fenced):
        await journal.aclose()


def test_one_journal_serves_one_loop_after_another(tmp_path) -> None:
    """An app that calls asyncio.run twice must not wait for ever."""
    journal = SqliteJournal.open(tmp_path / "desk.db", BINDING, clock=StepClock())
    asyncio.run(fill(journal, 3))
    seq = journal.append("k", "between", {})
    asyncio.run(journal.durable(seq))
    asyncio.run(journal.aclose())

    assert verify(tmp_path / "desk.db").records == 5
