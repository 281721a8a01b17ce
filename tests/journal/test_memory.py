"""The twin's crashes: what a new process finds, and what the old one may no longer do."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.errors import Fenced, JournalFailed
from fillwright.journal import MemoryJournal
from journal.kit import BINDING, StepClock


def make(**options) -> MemoryJournal:
    return MemoryJournal(BINDING, clock=StepClock(), **options)


@given(total=st.integers(0, 12), durable=st.integers(0, 12), keep=st.none() | st.integers(0, 12))
def test_a_crash_leaves_the_durable_prefix_and_at_most_a_torn_tail(total, durable, keep) -> None:
    """A twin that remembers more than the disk would hide a send before its record."""
    journal = make()
    for n in range(total):
        journal.append("k", "o", {"n": n})
    asyncio.run(journal.durable(min(durable, total) + 1))
    after = journal.crash(keep=keep)

    survived = min(min(durable, total) + (keep or 0), total)
    assert [r.body["n"] for r in after.about("o")] == list(range(survived))
    assert (after.epoch, after.seq, after.durable_seq) == (2, survived + 2, survived + 2)


def test_the_crashed_instance_is_fenced() -> None:
    """A task of the dead process that still runs in the simulation must not send."""
    journal = make()
    journal.crash()

    with pytest.raises(Fenced, match="epoch 2, ours 1"):
        journal.check_fence()
    with pytest.raises(Fenced):
        journal.append("k", "o", {})
    with pytest.raises(Fenced):
        asyncio.run(journal.durable(1))


async def test_a_failed_flush_is_final() -> None:
    """An fsync that failed once proves nothing when it succeeds later."""

    async def flush(seq: int) -> None:
        raise OSError(5, "Input/output error")

    journal = make(flush=flush)
    seq = journal.append("k", "o", {})
    with pytest.raises(JournalFailed, match="Input/output error"):
        await journal.durable(seq)
    journal._flush = None

    with pytest.raises(JournalFailed):
        await journal.durable(seq)
    with pytest.raises(JournalFailed):
        journal.append("k", "o", {})
    assert journal.durable_seq == 1


async def test_a_slow_flush_overtaken_by_a_failure_or_a_crash_does_not_succeed() -> None:
    """Durability reported by a process that died meanwhile is a lie."""
    gate = asyncio.Event()

    async def flush(seq: int) -> None:
        await gate.wait()

    journal = make(flush=flush)
    waiting = asyncio.ensure_future(journal.durable(journal.append("k", "o", {})))
    await asyncio.sleep(0)
    after = journal.crash()
    gate.set()

    with pytest.raises(Fenced):
        await waiting
    assert after.about("o") == []


def test_an_observer_sees_every_append() -> None:
    """An invariant that misses a record proves nothing."""
    seen = []
    journal = make(on_append=seen.append)
    journal.append("k", "o", {"n": 1})
    after = journal.crash(keep=1)

    assert [r.seq for r in seen] == [1, 2, 3]
    assert after.last("k") == seen[1]


def test_fail_is_for_good() -> None:
    """A simulated disk that heals would test a disk that does not exist."""
    journal = make()
    journal.fail("fsync: EIO")

    for call in (journal.check_fence, lambda: journal.append("k", "o", {})):
        with pytest.raises(JournalFailed, match="fsync: EIO"):
            call()
