"""The loop of a scenario: its time, its order, its ends, and what dies with a process."""

import asyncio
from contextvars import Context

import pytest

from fillwright.testing.simulation import Deadlock, Runaway, SimClock, SimLoop
from fillwright.testing.simulation.life import LIFE, Killed, Life


def ended(work, seed: int = 0, **options):
    """Run a scenario to its end, and let go of the loop."""
    loop = SimLoop(seed, **options)
    try:
        return loop.run_until_complete(work(loop))
    finally:
        loop.bury()


async def order_of(count: int) -> list[int]:
    seen: list[int] = []

    async def one(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    await asyncio.gather(*map(one, range(count)))
    return seen


def test_an_hour_passes_at_once() -> None:
    """A scenario that waits for the wall clock is too slow to try a thousand of."""

    async def work(loop):
        clock = SimClock(loop)
        began = clock.now()
        await clock.sleep(3600)
        return (clock.now() - began).total_seconds(), loop.time()

    assert ended(work) == (3600.0, 3600.0)


def test_a_seed_repeats_its_order_and_others_have_another() -> None:
    """A failure that cannot be run again cannot be mended."""
    runs = [tuple(ended(lambda _: order_of(8), seed)) for seed in (1, 1, 2, 3)]

    assert runs[0] == runs[1]
    assert len(set(runs)) > 1


def test_fifo_runs_the_oldest_first() -> None:
    """The smallest scenario is the one that asyncio itself would run."""
    assert ended(lambda _: order_of(8), fifo=True) == list(range(8))


def test_timers_of_one_moment_all_run_before_the_next() -> None:
    """Time that runs ahead of what is due would make late what is not."""

    async def work(loop):
        seen = []
        for name, delay in (("a", 2.0), ("b", 1.0), ("c", 1.0)):
            loop.call_later(delay, lambda name=name: seen.append((name, loop.time())))
        await asyncio.sleep(3)
        return sorted(seen)

    assert ended(work) == [("a", 2.0), ("b", 1.0), ("c", 1.0)]


def test_waiting_for_nothing_is_a_deadlock() -> None:
    """A desk that waits for ever must fail the scenario, not hang the run."""

    async def work(loop):
        await loop.create_future()

    with pytest.raises(Deadlock, match=r"0\.000 s"):
        ended(work)


def test_spinning_is_bounded() -> None:
    """A retry without a pause must fail the scenario, not hang the run."""

    async def work(loop):
        def again() -> None:
            loop.call_soon(again)

        again()
        await asyncio.sleep(1)

    with pytest.raises(Runaway, match="1001 steps"):
        ended(work, steps=1000)


def test_what_nobody_takes_is_kept() -> None:
    """A fault in a callback is a finding, and would end in a log that nobody reads."""

    async def work(loop):
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)
        return [type(fault) for fault in loop.faults]

    assert ended(work) == [ZeroDivisionError]


def test_blocking_work_is_a_step_of_its_own() -> None:
    """An SDK that blocks takes part without a thread, or the order would be the machine's."""

    async def work(_loop):
        return await asyncio.to_thread(lambda: "answer")

    assert ended(work) == "answer"


def test_a_blocking_fault_reaches_its_caller() -> None:
    """A fault of an SDK must not end the loop."""

    async def work(_loop):
        with pytest.raises(OSError, match="no route"):
            await asyncio.to_thread(_no_route)
        return True

    assert ended(work)


def _no_route() -> None:
    raise OSError("no route")


async def dying(loop, deeds: list[str]) -> Life:
    """A process that is dead in the middle of its work."""
    life = Life(1)
    context = Context()
    context.run(LIFE.set, life)

    async def process() -> None:
        try:
            deeds.append("begins")
            await asyncio.sleep(1)
            deeds.append("goes on")
        finally:
            deeds.append("unwinds")

    loop.create_task(process(), context=context)
    await asyncio.sleep(0.5)
    life.end()
    return life


def test_nothing_of_a_dead_process_runs() -> None:
    """A kill runs no finally block, and what a scenario calls dead must touch nothing."""
    deeds: list[str] = []

    async def work(loop):
        await dying(loop, deeds)
        await asyncio.sleep(10)
        return list(deeds)

    assert ended(work) == ["begins"]
    # When all is over it may unwind, or the interpreter would complain of it.
    assert deeds == ["begins", "unwinds"]


def test_what_a_process_starts_dies_with_it() -> None:
    """A task of a task is as dead as the process, and so are its timers."""
    deeds: list[str] = []

    async def work(loop):
        life, context = Life(1), Context()
        context.run(LIFE.set, life)

        async def grandchild() -> None:
            await asyncio.sleep(1)
            deeds.append("grandchild")

        async def child() -> None:
            loop.create_task(grandchild())
            loop.call_later(1, deeds.append, "timer")

        loop.create_task(child(), context=context)
        await asyncio.sleep(0.5)
        running = loop.running(life)
        life.end()
        await asyncio.sleep(10)
        return len(running), list(deeds)

    assert ended(work) == (1, [])


def test_the_ports_of_a_dead_process_are_closed() -> None:
    """Code that still unwinds must not sleep, ask or write."""

    async def work(loop):
        clock, life = SimClock(loop), Life(7)
        life.end()
        LIFE.set(life)
        try:
            await clock.sleep(1)
        except Killed:
            return "closed"
        finally:
            LIFE.set(None)
        return "open"

    assert ended(work) == "closed"


def test_a_jump_moves_the_time_of_day_alone() -> None:
    """Durations that follow a clock that somebody sets are the bug that jumps look for."""

    async def work(loop):
        clock = SimClock(loop)
        began, before = clock.now(), clock.monotonic()
        clock.jump(-3600)
        await clock.sleep(1)
        moved = (clock.now() - began).total_seconds(), clock.monotonic() - before, clock.shift
        clock.mend()
        return moved, clock.shift

    assert ended(work) == ((-3599.0, 1.0, -3600.0), 0.0)
