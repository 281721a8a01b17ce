"""The limiter keeps the broker's limit and lets cancels through first."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.resilience import Lane, Limiter
from resilience.manual_clock import START, ManualClock, settle

WINDOW = 60.0
lanes = st.sampled_from(Lane)
limits = st.integers(2, 240)
shares = st.sampled_from([0.1, 0.3, 0.5, 0.9])


def most_in_any_window(times: list[float]) -> int:
    """The largest number of times within one closed window."""
    start, most = 0, 0
    for end, time in enumerate(times):
        while time - times[start] > WINDOW:
            start += 1
        most = max(most, end - start + 1)
    return most


def drained(clock: ManualClock, limit: int = 100, lane: Lane = Lane.SUBMIT) -> Limiter:
    """A limiter that has nothing left for this lane."""
    limiter = Limiter(limit, clock=clock)
    while limiter.try_acquire(lane):
        pass
    return limiter


@given(limits, shares, st.lists(st.tuples(st.floats(0, 20), lanes, st.integers(1, 60))))
def test_no_window_holds_more_than_the_limit(
    limit: int, share: float, bursts: list[tuple[float, Lane, int]]
) -> None:
    """A request too many is answered with 429, and the one refused may be a cancel."""
    clock = ManualClock()
    limiter = Limiter(limit, clock=clock, burst=share)
    sent: list[float] = []
    for pause, lane, tries in bursts:
        clock.at += pause
        sent += [clock.at for _ in range(tries) if limiter.try_acquire(lane)]

    assert most_in_any_window(sent) <= limit


arrivals = st.lists(
    st.tuples(st.floats(0, 10), lanes, st.one_of(st.none(), st.floats(0, 30))), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), arrivals)
def test_every_waiter_is_served_in_order_or_leaves_no_trace(
    limit: int, plan: list[tuple[float, Lane, float | None]]
) -> None:
    """A lost wakeup is a cancel that is never sent; a passed waiter is a starved one."""
    asyncio.run(_crowd(limit, plan))


async def _crowd(limit: int, plan: list[tuple[float, Lane, float | None]]) -> None:
    clock = ManualClock()
    limiter = Limiter(limit, clock=clock)
    sent: list[float] = []
    served: dict[Lane, list[int]] = {lane: [] for lane in Lane}
    outside: set[int] = set()

    async def one(number: int, lane: Lane) -> None:
        await limiter.acquire(lane)
        sent.append(clock.at)
        served[lane].append(number)
        ahead = [
            other
            for other, (_, important, _) in enumerate(plan[: len(tasks)])
            if important < lane and other in waiting
        ]
        outside.update(ahead)

    tasks: list[asyncio.Task[None]] = []
    waiting: set[int] = set()
    leaving: list[tuple[float, asyncio.Task[None]]] = []
    for number, (pause, lane, patience) in enumerate(plan):
        await clock.advance(pause)
        task = asyncio.get_running_loop().create_task(one(number, lane))
        tasks.append(task)
        await settle()
        if not task.done():
            waiting.add(number)
            task.add_done_callback(lambda _, number=number: waiting.discard(number))
        if patience is not None:
            leaving.append((clock.at + patience, task))
        for when, impatient in leaving:
            if when <= clock.at:
                impatient.cancel()
        await settle()
    for _, impatient in leaving:
        impatient.cancel()
    await clock.advance(2 * len(plan) * WINDOW)

    assert all(task.done() for task in tasks)
    assert limiter.waiting == 0
    assert outside == set()
    assert most_in_any_window(sent) <= limit
    for numbers in served.values():
        assert numbers == sorted(numbers)


async def test_a_cancel_passes_a_hundred_waiting_submits() -> None:
    """Cancels behind submits leave risk on for as long as the queue is."""
    clock = ManualClock()
    limiter = drained(clock)
    loop = asyncio.get_running_loop()
    submits = [loop.create_task(limiter.acquire(Lane.SUBMIT)) for _ in range(100)]
    await settle()

    assert limiter.try_acquire(Lane.CANCEL)

    while limiter.try_acquire(Lane.CANCEL):
        pass
    cancel = loop.create_task(limiter.acquire(Lane.CANCEL))
    await clock.advance(60 / 50 + 0.01)

    assert cancel.done()
    assert not any(task.done() for task in submits)
    for task in submits:
        task.cancel()
    await asyncio.gather(*submits, return_exceptions=True)
    assert limiter.waiting == 0


async def test_a_cancel_that_comes_at_the_last_moment_gets_the_next_token() -> None:
    """Where there is no reserve, the submit that waited a minute would take it."""
    clock = ManualClock()
    limiter = drained(clock, 2)
    loop = asyncio.get_running_loop()
    submit = loop.create_task(limiter.acquire(Lane.SUBMIT))
    await clock.advance(59.9)
    cancel = loop.create_task(limiter.acquire(Lane.CANCEL))
    await clock.advance(0.2)

    assert (cancel.done(), submit.done()) == (True, False)

    await clock.advance(60)
    assert submit.done()


@pytest.mark.parametrize(
    ("lane", "left"), [(Lane.POLL, 10), (Lane.SUBMIT, 10), (Lane.QUERY, 5), (Lane.CANCEL, 0)]
)
def test_each_lane_leaves_its_reserve(lane: Lane, left: int) -> None:
    """Without a reserve a burst of orders leaves no request to cancel them with."""
    limiter = drained(ManualClock(), 100, lane)

    rest = 0
    while limiter.try_acquire(Lane.CANCEL):
        rest += 1

    assert rest == left


def test_a_free_token_is_not_for_one_who_comes_later() -> None:
    """A newcomer that passes the queue starves the first in it."""

    async def queue() -> None:
        clock = ManualClock()
        limiter = drained(clock)
        first = asyncio.get_running_loop().create_task(limiter.acquire(Lane.SUBMIT))
        await settle()
        clock.at += 10

        assert not limiter.try_acquire(Lane.SUBMIT)
        assert not limiter.try_acquire(Lane.POLL)
        assert limiter.try_acquire(Lane.QUERY)

        await clock.advance(1)
        assert first.done()

    asyncio.run(queue())


def test_the_brokers_count_takes_tokens_away() -> None:
    """Another program on the same account spends requests that we do not see."""
    limiter = Limiter(200, clock=ManualClock())

    limiter.observe(limit=200, remaining=3)

    assert not limiter.try_acquire(Lane.SUBMIT)
    assert [limiter.try_acquire(Lane.CANCEL) for _ in range(4)] == [True, True, True, False]


def test_the_brokers_count_never_gives_tokens() -> None:
    """An answer that was late says more is left than there is."""
    limiter = drained(ManualClock(), 100, Lane.CANCEL)

    limiter.observe(limit=100, remaining=99)

    assert not limiter.try_acquire(Lane.CANCEL)


def test_new_risk_pauses_until_the_brokers_reset() -> None:
    """Orders sent into an empty allowance are refused, and take the cancels' answers with them."""
    clock = ManualClock()
    limiter = Limiter(200, clock=clock)
    limiter.observe(limit=200, remaining=0, reset_at=START + timedelta(seconds=45))
    clock.at = 44.0

    assert not limiter.try_acquire(Lane.SUBMIT)
    assert limiter.try_acquire(Lane.CANCEL)

    clock.at = 45.0
    assert limiter.try_acquire(Lane.SUBMIT)


def test_an_absurd_reset_time_stops_nobody_for_longer_than_a_window() -> None:
    """A broker's clock or a bad header must not stop the desk for a day."""
    clock = ManualClock()
    limiter = Limiter(200, clock=clock)
    limiter.observe(remaining=0, reset_at=START + timedelta(days=365))
    clock.at = WINDOW

    assert limiter.try_acquire(Lane.SUBMIT)


def test_a_lower_limit_of_the_broker_holds_at_once() -> None:
    """An account with a smaller allowance than the adapter thinks is cut off."""
    clock = ManualClock()
    limiter = Limiter(200, clock=clock)
    limiter.observe(limit=20)
    sent = []
    for step in range(6000):
        clock.at = step / 50
        if limiter.try_acquire(Lane.CANCEL):
            sent.append(clock.at)

    assert 15 <= most_in_any_window(sent) <= 20


@pytest.mark.parametrize("limit", [1, 0, -5])
def test_a_limit_that_would_never_let_anyone_pass_is_refused(limit: int) -> None:
    """A limiter without flow waits for ever."""
    with pytest.raises(ValueError, match="limit of at least 2"):
        Limiter(limit, clock=ManualClock())
    limiter = Limiter(10, clock=ManualClock())
    limiter.observe(limit=limit)
    assert limiter.try_acquire(Lane.SUBMIT)


async def test_before_the_first_request_the_brokers_word_counts() -> None:
    """Another program has used the account up: our first order would be refused by the broker."""
    clock = ManualClock()
    limiter = Limiter(100, clock=clock)
    limiter.observe(remaining=0, reset_at=START + timedelta(seconds=30))
    waiting = asyncio.create_task(limiter.acquire(Lane.SUBMIT))
    await clock.advance(29)
    early = waiting.done()
    await clock.advance(2)

    assert (early, waiting.done()) == (False, True)
