"""How much the limiter lets through: the whole limit over a long time, never a request too many."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.resilience import Lane, Limiter
from resilience.manual_clock import START, ManualClock, settle

WINDOW = 60.0


def by_definition(times: list[float], now: float, limit: int, share: float) -> float:
    """What rule 1 leaves: the tightest of all times that began less than a window ago."""
    capacity = max(int(limit * share), 1 + limit // 10)
    rate = (limit - capacity) / WINDOW
    left = [
        capacity + rate * (now - start) - (len(times) - number)
        for number, start in enumerate(times)
        if now - start <= WINDOW
    ]
    return min([float(capacity), *left])


steps = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 40)), max_size=40)


@given(st.integers(2, 120), st.sampled_from([0.1, 0.5, 0.9]), steps)
def test_it_gives_what_the_rule_gives(
    limit: int, share: float, bursts: list[tuple[float, int]]
) -> None:
    """Marks that are dropped too early are requests too many, too late are orders that wait."""
    clock = ManualClock()
    limiter = Limiter(limit, clock=clock, burst=share)
    times: list[float] = []
    for pause, tries in bursts:
        clock.at += pause
        for _ in range(tries):
            left = by_definition(times, clock.at, limit, share)
            given_out = limiter.try_acquire(Lane.CANCEL)
            if abs(left - 1) > 1e-6:
                assert given_out == (left > 1)
            if given_out:
                times.append(clock.at)


class FixedWindows:
    """A broker that counts each minute of its own clock anew, and says so in its headers."""

    def __init__(self, clock: ManualClock, limit: int, phase: float) -> None:
        self.clock, self.limit, self.phase = clock, limit, phase
        self.counts: Counter[int] = Counter()
        self.refused = 0

    def take(self, count: int = 1) -> None:
        """Requests arrive, ours or another program's."""
        self.counts[self._window] += count

    def answer(self, limiter: Limiter) -> None:
        """Take one request and tell the headers."""
        self.refused += self.counts[self._window] >= self.limit
        self.take()
        resets = START + timedelta(seconds=(self._window + 1) * WINDOW - self.phase)
        remaining = max(self.limit - self.counts[self._window], 0)
        limiter.observe(limit=self.limit, remaining=remaining, reset_at=resets)

    @property
    def _window(self) -> int:
        return int((self.clock.at + self.phase) // WINDOW)


async def sent_by_then(
    clock: ManualClock, limiter: Limiter, broker: FixedWindows, *, count: int, seconds: float
) -> list[float]:
    """Let so many submits go as soon as they may; the times at which they went."""
    sent: list[float] = []

    async def one() -> None:
        await limiter.acquire(Lane.SUBMIT)
        sent.append(clock.at)
        broker.answer(limiter)

    tasks = [asyncio.get_running_loop().create_task(one()) for _ in range(count)]
    until = clock.at + seconds
    while clock.at < until:
        await clock.advance(min(0.5, until - clock.at))
        await all_turns()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sent


async def all_turns() -> None:
    """Let everyone whose turn has come hand it on to the next."""
    for _ in range(30):
        await settle()


@settings(max_examples=12, deadline=None)
@given(st.floats(0, 59.9))
def test_a_plan_of_two_hundred_orders_makes_no_429(phase: float) -> None:
    """Orders that we ourselves drive into the limit are lost to the plan, and cancels with them."""

    async def run() -> None:
        clock = ManualClock()
        limiter, broker = Limiter(200, clock=clock), FixedWindows(clock, 200, phase)
        sent = await sent_by_then(clock, limiter, broker, count=200, seconds=62)

        assert (len(sent), broker.refused) == (200, 0)

    asyncio.run(run())


async def test_over_a_long_time_the_whole_limit_is_there() -> None:
    """A limit that is used by half doubles the time for which a plan holds risk half done."""
    clock = ManualClock()
    limiter, broker = Limiter(200, clock=clock), FixedWindows(clock, 200, 17.0)
    sent = await sent_by_then(clock, limiter, broker, count=3000, seconds=600)

    assert len(sent) >= 1700, "ten minutes of 200 less the reserve of 20"
    assert broker.refused == 0


@settings(max_examples=12, deadline=None)
@given(st.floats(0, 119.9))
def test_a_cancel_never_waits_behind_submits(moment: float) -> None:
    """Whenever it comes, whatever waits: the reserve is there, or the next token of the flow."""

    async def run() -> None:
        clock = ManualClock()
        limiter, broker = Limiter(200, clock=clock), FixedWindows(clock, 200, 0.0)
        loop = asyncio.get_running_loop()
        submits = loop.create_task(sent_by_then(clock, limiter, broker, count=500, seconds=moment))
        await submits
        waiting = [loop.create_task(limiter.acquire(Lane.SUBMIT)) for _ in range(100)]
        await settle()
        cancels = [loop.create_task(limiter.acquire(Lane.CANCEL)) for _ in range(30)]
        await settle()
        at_once = sum(cancel.done() for cancel in cancels)
        # 200 less a burst of 100 flow in a minute: one every 0.6 seconds.
        await clock.advance(10 * 0.6 + 0.1)

        assert at_once >= 20
        assert all(cancel.done() for cancel in cancels)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())


async def test_a_new_process_heeds_what_the_last_one_sent() -> None:
    """After a restart our own count is empty and the broker's is not."""
    clock = ManualClock()
    limiter, broker = Limiter(200, clock=clock), FixedWindows(clock, 200, 0.0)
    broker.take(170)
    broker.answer(limiter)
    clock.at = 1.0
    first = await sent_by_then(clock, limiter, broker, count=200, seconds=58.0)
    then = await sent_by_then(clock, limiter, broker, count=200, seconds=60.0)

    assert (len(first), broker.refused) == (9, 0)
    assert len(then) >= 170


async def test_what_others_send_meanwhile_is_heeded() -> None:
    """Another program on the same account spends what our own count thinks is there."""
    clock = ManualClock()
    limiter, broker = Limiter(200, clock=clock), FixedWindows(clock, 200, 0.0)
    total = 0
    for _ in range(59):
        broker.take(3)
        total += len(await sent_by_then(clock, limiter, broker, count=50, seconds=1.0))

    assert broker.refused == 0
    assert total >= 40


@pytest.mark.parametrize("late", [0.0, -3.0])
async def test_a_count_that_is_over_says_nothing(late: float) -> None:
    """The last answers of a minute come in the next one, and would empty it too."""
    clock = ManualClock()
    limiter = Limiter(200, clock=clock)

    limiter.observe(remaining=0, reset_at=START + timedelta(seconds=late))

    assert limiter.try_acquire(Lane.SUBMIT)


def test_a_late_answer_gives_nothing_back() -> None:
    """Answers overtake each other: the lowest count of a window is the newest."""
    clock = ManualClock()
    limiter = Limiter(200, clock=clock)
    reset = START + timedelta(seconds=50)
    limiter.observe(remaining=20, reset_at=reset)
    limiter.observe(remaining=90, reset_at=reset)
    clock.at = 40.0

    assert not limiter.try_acquire(Lane.SUBMIT)
    assert limiter.try_acquire(Lane.CANCEL)
    clock.at = 50.0
    assert limiter.try_acquire(Lane.SUBMIT)


def test_a_larger_limit_is_there_at_once() -> None:
    """An account with a large limit that trades its first minute as if it had a small one."""
    clock = ManualClock()
    limiter = Limiter(200, clock=clock)
    assert limiter.try_acquire(Lane.QUERY)

    limiter.observe(limit=100_000)

    assert limiter.try_acquire(Lane.SUBMIT)
    assert limiter.room(Lane.SUBMIT, 0.0) == 100_000 // 2 - 2 - 100_000 // 10
