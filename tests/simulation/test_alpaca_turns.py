"""Blocking calls that take their turns on the loop, as the simulated SDK's do."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from fillwright.testing.simulation import SimLoop
from fillwright_alpaca.calls import GivenUp, Lane, Ticket
from fillwright_alpaca.simulated.turns import Turns, ask


class Client:
    """Remembers who uses it."""

    def __init__(self) -> None:
        self.used = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True


async def later(question: str) -> str:
    """Answer a question like `3 c` after so many seconds."""
    seconds, _, word = question.partition(" ")
    await asyncio.sleep(float(seconds))
    return word


def asking(*questions: str, log: list[str]) -> Callable[[Client, Ticket], str]:
    def call(client: Client, _: Ticket) -> str:
        assert client.used == 0, "two calls share a client"
        client.used += 1
        log.extend(ask(question) for question in questions)
        client.used -= 1
        return log[-1]

    return call


def test_calls_overlap_in_virtual_time() -> None:
    """If one call blocked the loop, no request could overtake another, and no stream a response."""
    loop, log, clients = SimLoop(1), [], []

    def make() -> Client:
        clients.append(Client())
        return clients[-1]

    async def both() -> list[str]:
        turns = Turns(make, later)
        slow = turns.call(Lane.SUBMIT, asking("1 a", "4 d", log=log))
        fast = turns.call(Lane.QUERY, asking("2 b", "1 c", log=log))
        found = await asyncio.gather(slow, fast)
        await turns.close()
        with pytest.raises(GivenUp):
            await turns.call(Lane.QUERY, asking(log=log))
        return found

    assert loop.run_until_complete(both()) == ["d", "c"]
    assert log == ["a", "b", "c", "d"]
    assert loop.time() == 5
    assert [client.closed for client in clients] == [True, True]
    loop.bury()


def test_what_a_call_raises_is_its_callers() -> None:
    """An error that stays on its thread leaves its caller waiting for ever."""
    loop = SimLoop(1)

    def fails(_client: Client, _ticket: Ticket) -> None:
        ask("1 a")
        raise ValueError("as a parser does")

    async def call() -> None:
        with pytest.raises(ValueError, match="as a parser does"):
            await Turns(Client, later).call(Lane.SUBMIT, fails)

    loop.run_until_complete(call())
    loop.bury()


def test_a_call_that_is_given_up_is_unwound() -> None:
    """A thread that waits in half a call is one thread lost for each process that dies."""
    loop, told = SimLoop(1), []

    def call(_client: Client, _ticket: Ticket) -> None:
        try:
            ask("1000 never")
        finally:
            told.append("unwound")

    async def give_up() -> None:
        task = asyncio.ensure_future(Turns(Client, later).call(Lane.SUBMIT, call))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])

    loop.run_until_complete(give_up())
    before = threading.active_count()
    loop.run_until_complete(give_up())
    loop.bury()

    assert told == ["unwound", "unwound"]
    assert threading.active_count() == before
