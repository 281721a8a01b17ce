"""What the trials share: a desk on the real adapter and a paper server, in its own time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from alpacakit.world import PATIENCE, AlpacaWorld
from desk.kit import order, resting
from fillwright.desk.handles import Handle
from fillwright.testing.paper_server import On
from fillwright.types import OrdStatus


class Trial(AlpacaWorld):
    """More patient than the state machine's world: whole trials have few requests that hang."""

    give_up = 1.5


@asynccontextmanager
async def trial(*, world: Trial | None = None, **settings: Any) -> AsyncIterator[Trial]:
    """A desk that is ready; `settings` are the server's."""
    world = world or Trial()
    await world.begin(**settings)
    try:
        await world.ready()
        yield world
    finally:
        await world.end()


async def until(true: Callable[[], bool]) -> None:
    """Let real sockets work while the desk's time stands still."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE, "it never came"
        await asyncio.sleep(0.005)


async def gated(world: Trial) -> str:
    """Show that new risk does not leave and that a reduction does; why, in the desk's words."""
    risky: Handle = await world.desk.submit(order(side="BUY", symbol="MSFT"))
    reducing: Handle = await world.desk.submit(order(side="SELL", symbol="KO"))
    await world.run(world.limits.ready_within + 1)

    assert risky.state.status is OrdStatus.REFUSED
    (reason,) = risky.state.reasons
    assert reason.code == "NOT_READY"
    assert world.server.requests.of(On.SUBMIT, risky.client_order_id) == []
    assert len(world.server.requests.of(On.SUBMIT, reducing.client_order_id)) == 1
    return str(reason)


async def open_again(world: Trial) -> None:
    """Show that new risk leaves again."""
    handle = await world.submit(**resting(symbol="MSFT", limit_price="40"))
    await world.run(1)

    assert handle.state.status is OrdStatus.NEW


def attempts(world: Trial) -> int:
    """How often the stream was tried to be opened."""
    return len(world.server.requests.of(On.CONNECT))
