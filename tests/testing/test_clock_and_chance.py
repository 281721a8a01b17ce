"""Time, ids and chance that repeat."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.testing import ManualClock, SeededIds, SeededRng


@given(st.lists(st.integers(0, 50), max_size=12))
def test_sleepers_wake_in_the_order_of_time(tenths):
    """Tasks that wake in another order make another history from the same seed."""
    woken = []

    async def sleeper(clock, number, wait):
        await clock.sleep(wait / 10)
        woken.append((wait, number))

    async def run():
        clock = ManualClock()
        tasks = [asyncio.create_task(sleeper(clock, n, w)) for n, w in enumerate(tenths)]
        await clock.run_for(6)
        assert all(task.done() for task in tasks)

    asyncio.run(run())
    assert woken == sorted(woken)


async def test_run_for_lets_sleepers_sleep_again():
    """A periodic task that only runs once in a jump would hide what it does."""
    clock = ManualClock()
    seen = []

    async def ticker():
        while True:
            await clock.sleep(0.5)
            seen.append(clock.monotonic())

    task = asyncio.create_task(ticker())
    begun = clock.now()
    await clock.run_for(2.1)
    assert seen == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert (clock.now() - begun).total_seconds() == pytest.approx(2.1)
    assert clock.sleepers == 1
    task.cancel()
    await asyncio.wait([task])
    assert clock.sleepers == 0


async def test_advance_moves_at_once():
    """Nothing may run while the time is moved by hand."""
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.settle()
    clock.advance(5)
    assert not task.done()
    await clock.settle()
    assert task.done()


def test_ids_and_chance_repeat():
    """A run that cannot be repeated cannot be repaired."""
    one, two = SeededIds("s"), SeededIds("s")
    assert [one.new("k") for _ in range(3)] == [two.new("k") for _ in range(3)]
    assert one.new("k") != one.new("k")
    assert SeededIds("t").new("k") != SeededIds("s").new("k")
    first, second = SeededRng(5), SeededRng(5)
    assert [first.random() for _ in range(5)] == [second.random() for _ in range(5)]
