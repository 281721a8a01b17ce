"""The last step before the wire, and what a desk without its memory does."""

import asyncio
from decimal import Decimal

import pytest

from desk.kit import BINDING, World
from fillwright.errors import IntentConflict
from fillwright.journal import MemoryJournal
from fillwright.types import OrdStatus
from fillwright.verdicts import Scope

D = Decimal


@pytest.fixture
async def world():
    one = World()
    yield one
    await one.end()


async def test_a_halt_waits_for_what_is_on_the_wire(world):
    """A halt that returns while a request is leaving has not halted anything."""
    await world.ready()
    world.fault("submit", "delay", seconds=4.0)
    order = asyncio.create_task(world.submit(quantity="1"))
    await world.run(0.1)

    halt = asyncio.create_task(world.desk.halt(Scope.DESK, reason="test", by="tester"))
    await world.run(2)
    early = halt.done()
    await world.run(4)

    assert not early
    assert halt.done()
    handle = await order
    assert handle.state.status in {OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED}


async def test_a_lost_journal_sends_nothing_twice(world):
    """Without its journal a desk that trusts its memory buys everything once more."""
    await world.ready()
    world.quote("AAPL", D(100), size=D("0.5"))
    handle = await world.submit(quantity="3", intent_id="decision-1", time_in_force="GTC")
    await world.run(1)
    assert not handle.state.ended
    await world.crash()
    world.journal = MemoryJournal(BINDING, clock=world.clock)

    await world.ready()
    with pytest.raises(IntentConflict):
        await world.submit(quantity="3", intent_id="decision-1", time_in_force="GTC")

    assert [o.client_order_id for o in world.venue.orders()] == [handle.client_order_id]
