"""Post-execution plugins beside the loop: the faults of one are its own, and nobody waits long."""

import threading

import pytest

from fillwright.desk.asides import Call, Hung, InlineAside, Raised, ThreadAside

DEADLINE = 0.2


def raises() -> object:
    raise ZeroDivisionError("a mistake")


def leaves() -> object:
    raise SystemExit(1)


@pytest.mark.parametrize("aside", [InlineAside(), ThreadAside(DEADLINE)])
async def test_each_answers_for_itself(aside) -> None:
    """An exception that ends the round takes the answers of all others with it."""
    calls = [Call("a", lambda: 1), Call("b", raises), Call("c", leaves), Call("d", lambda: None)]
    first, second, third, fourth = await aside.each(calls)
    aside.close()

    assert (first, fourth) == (1, None)
    assert isinstance(second, Raised)
    assert isinstance(second.fault, ZeroDivisionError)
    assert isinstance(third, Raised)
    assert isinstance(third.fault, SystemExit)
    assert aside.hung == frozenset()


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_that_hangs_is_given_up_and_the_others_answer_once(place) -> None:
    """A plugin that is called twice because of another one would count a fill twice."""
    release, called = threading.Event(), []
    aside = ThreadAside(DEADLINE)

    def hangs() -> object:
        release.wait(60)
        return "late"

    def good(name: str) -> object:
        called.append(name)
        return name

    calls = [Call(name, lambda name=name: good(name)) for name in "ab"]
    calls.insert(place, Call("stuck", hangs))
    try:
        answers = await aside.each(calls)
        again = await aside.each([Call("a", lambda: good("a"))])
    finally:
        release.set()
        aside.close()

    assert [a for a in answers if not isinstance(a, Hung)] == ["a", "b"]
    assert answers[place] == Hung(DEADLINE)
    assert aside.hung == {"stuck"}
    assert again == ["a"]
    assert called == ["a", "b", "a"]


async def test_slow_is_not_hung() -> None:
    """A long list of honest checks must not be given up for its length."""
    aside = ThreadAside(DEADLINE)
    wait = threading.Event()
    answers = await aside.each([Call(str(n), lambda: wait.wait(DEADLINE / 2)) for n in range(6)])
    aside.close()

    assert answers == [False] * 6
    assert aside.hung == frozenset()


async def test_nothing_to_ask_needs_no_thread() -> None:
    """A desk without such plugins pays nothing for them."""
    before = threading.active_count()

    assert await ThreadAside(DEADLINE).each([]) == []
    assert threading.active_count() == before
