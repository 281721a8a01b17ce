"""The breaker keeps new risk away from a failing broker, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.resilience import BreakerSettings, BreakerState, CircuitBreaker, Lane
from resilience.manual_clock import ManualClock

lanes = st.sampled_from(Lane)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("failed"), lanes),
        st.tuples(st.just("succeeded"), lanes),
        st.tuples(st.just("later"), st.sampled_from([0.1, 4.9, 5.0, 200.0])),
    ),
    max_size=60,
)


def opened(clock: ManualClock) -> CircuitBreaker:
    """A breaker that has just opened."""
    breaker = CircuitBreaker(clock)
    for _ in range(5):
        breaker.failed("timeout")
    return breaker


@given(steps)
def test_cancels_and_queries_always_pass(moves: list[tuple[str, float | Lane]]) -> None:
    """A breaker that holds cancels back keeps the very risk that it should stop."""
    clock = ManualClock()
    breaker = CircuitBreaker(clock)
    for move, what in moves:
        if move == "later":
            clock.at += what
        elif move == "failed":
            breaker.failed("timeout")
        else:
            breaker.succeeded(Lane(int(what)))

        assert breaker.allows(Lane.CANCEL)
        assert breaker.allows(Lane.QUERY)
        assert breaker.allows(Lane.SUBMIT) == (breaker.state is BreakerState.CLOSED)


@given(steps)
def test_only_reads_close_it(moves: list[tuple[str, float | Lane]]) -> None:
    """An order used as a probe is an order sent to a broker that may not answer."""
    clock = ManualClock()
    breaker = opened(clock)
    for move, what in moves:
        if move == "later":
            clock.at += what
        elif move == "failed":
            breaker.failed("timeout")
        else:
            breaker.succeeded(Lane.SUBMIT if what is Lane.QUERY else Lane.CANCEL)

        assert breaker.state is not BreakerState.CLOSED


def test_it_opens_after_a_streak_and_says_why() -> None:
    """An operator who is not told why stops trusting the desk."""
    breaker = CircuitBreaker(ManualClock())
    changes = [breaker.failed("timeout") for _ in range(5)]

    assert changes[:4] == [None] * 4
    assert changes[4] is not None
    assert (changes[4].before, changes[4].after) == (BreakerState.CLOSED, BreakerState.OPEN)
    assert changes[4].reason == "5 failures in a row, the last: timeout"
    assert breaker.health().last == changes[4]
    assert not breaker.allows(Lane.POLL)


def test_one_answer_ends_a_streak() -> None:
    """A broker that loses one request in a while is not down."""
    breaker = CircuitBreaker(ManualClock(), BreakerSettings(sample=1000))
    for _ in range(50):
        breaker.failed("timeout")
        breaker.succeeded(Lane.SUBMIT)

    assert breaker.state is BreakerState.CLOSED


def test_it_opens_when_half_of_the_last_requests_failed() -> None:
    """Every second order in doubt never makes a streak."""
    breaker = CircuitBreaker(ManualClock())
    for _ in range(9):
        breaker.failed("timeout")
        breaker.succeeded(Lane.SUBMIT)
    assert breaker.state is BreakerState.CLOSED

    breaker.succeeded(Lane.SUBMIT)
    change = breaker.failed("timeout")

    assert change is not None
    assert change.reason == "50% of 20 failed, last: timeout"
    assert not breaker.allows(Lane.SUBMIT)


def test_two_good_reads_close_it() -> None:
    """One lucky answer from a broker that is coming up is not health."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.at = 4.9
    assert breaker.state is BreakerState.OPEN
    clock.at = 5.0
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.allows(Lane.POLL)

    assert breaker.succeeded(Lane.POLL) is None
    change = breaker.succeeded(Lane.QUERY)

    assert change is not None
    assert change.after is BreakerState.CLOSED
    assert breaker.allows(Lane.SUBMIT)
    assert breaker.health().failure_rate == 0


@pytest.mark.parametrize(("reopened", "seconds"), [(1, 10.0), (2, 20.0), (9, 120.0)])
def test_each_failed_probe_waits_longer_up_to_a_bound(reopened: int, seconds: float) -> None:
    """A broker under repair is not helped by a probe every five seconds, nor by none."""
    clock = ManualClock()
    breaker = opened(clock)
    for _ in range(reopened):
        clock.at += 120.0
        assert breaker.state is BreakerState.HALF_OPEN
        breaker.failed("timeout")

    clock.at += seconds - 0.01
    assert breaker.state is BreakerState.OPEN
    clock.at += 0.02
    assert breaker.state is BreakerState.HALF_OPEN
