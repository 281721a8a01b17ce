"""Back-off and budget keep retries from making an outage worse."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from fillwright.resilience import Backoff, RetryBudget
from resilience.manual_clock import ManualClock


class FixedRng:
    """Always the same chance."""

    def __init__(self, value: float) -> None:
        self._value = value

    def random(self) -> float:
        return self._value


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_delay_stays_within_its_bounds(attempt: int, chance: float) -> None:
    """A zero delay is a storm of reconnects; an endless one is a desk that never comes back."""
    delay = Backoff().delay(attempt, FixedRng(chance))

    assert 0.5 <= delay <= 30.0


def test_the_bound_doubles_and_then_stays() -> None:
    """Delays that do not grow keep a struggling broker down."""
    delays = list(islice(Backoff().delays(FixedRng(1.0)), 8))

    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_chance_spreads_the_whole_range() -> None:
    """Desks that wait alike come back all at once."""
    assert Backoff().delay(5, FixedRng(0.0)) == 0.5
    assert Backoff().delay(5, FixedRng(0.5)) == 15.25


@given(st.lists(st.tuples(st.sampled_from(["request", "retry"]), st.floats(0, 3)), max_size=300))
def test_retries_stay_a_small_share(moves: list[tuple[str, float]]) -> None:
    """Retries that multiply the load turn a slow broker into a dead one."""
    clock = ManualClock()
    budget = RetryBudget(clock)
    requests = retries = 0
    for kind, pause in moves:
        clock.at += pause
        if kind == "request":
            budget.note_request()
            requests += 1
        else:
            retries += budget.try_retry()

        assert retries <= 10 + 0.1 * requests + clock.at + 1e-6


def test_a_spent_budget_comes_back_with_time() -> None:
    """A desk that never asks again stays in doubt for ever."""
    clock = ManualClock()
    budget = RetryBudget(clock)
    while budget.try_retry():
        pass
    clock.at += 0.9
    assert not budget.try_retry()
    clock.at += 0.2
    assert budget.try_retry()
