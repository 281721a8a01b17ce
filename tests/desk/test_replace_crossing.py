"""Fills that cross a replace on the wire."""

import asyncio

from desk.kit import D, open_order
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus

MORE = OrderChange(quantity="3")


async def unheard_replace(world):
    """An order of two that stands at the venue as one of three, and nobody here knows."""
    await world.ready()
    handle = await open_order(world, quantity="2")
    world.fault("replace", "accept_then_timeout", seconds=3.0)
    world.fault("report", "drop", times=1)
    changing = asyncio.create_task(world.desk.replace(handle.client_order_id, MORE))
    await world.run(0.1)
    (standing,) = [o for o in world.at_venue(handle.client_order_id) if o.status is OrdStatus.NEW]
    return handle, changing, standing.broker_order_id


async def test_what_fills_the_old_quantity_does_not_end_an_order_that_grew(world):
    """FILLED is final: the third share would work and trade at the venue with nobody watching."""
    handle, changing, standing = await unheard_replace(world)
    world.venue.control.fill(standing, D(2), D(90))
    await world.run(0.1)

    assert (handle.state.filled, handle.state.ended) == (2, False)
    assert world.parts.keeper.exposures.snapshot()["AAPL"].open_buys == 1
    await world.run(5)
    await changing
    await world.run(10)
    assert (handle.state.status, handle.state.leaves) == (OrdStatus.PARTIALLY_FILLED, 1)
    world.venue.control.fill(standing, D(1), D(90))
    await world.run(1)
    assert (handle.state.status, handle.state.filled) == (OrdStatus.FILLED, 3)
    await world.settled()


async def test_filled_before_the_replace_that_is_then_refused_is_filled(world):
    """An order that waits for a change that never comes is open for ever."""
    await world.ready()
    handle = await open_order(world, quantity="2")
    world.fault("report", "drop", times=1)
    world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    world.fault("replace", "drop_request", seconds=1.0)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    await world.run(20)

    assert (handle.state.status, handle.state.filled) == (OrdStatus.FILLED, 2)
    await world.settled()


async def test_a_fill_that_only_the_successor_had_stays_claimed(world):
    """The replaced order's smaller total is no word about what its successor filled."""
    handle, changing, standing = await unheard_replace(world)
    world.fault("executions", "lag", seconds=3600, times=1000)
    world.fault("report", "drop", times=1)
    world.venue.control.fill(standing, D(1), D(90))
    world.venue.control.cancel(standing)
    await world.run(5)
    await changing
    await world.run(4 * world.limits.reconcile_every)

    state = world.state(handle.client_order_id)
    counted = world.parts.keeper.exposures.snapshot()["AAPL"]
    assert (state.status, state.claimed) == (OrdStatus.CANCELED, 1)
    assert counted.position + counted.open_buys == 21
    world.script.clear()
    await world.run(2 * world.limits.reconcile_every)
    assert world.state(handle.client_order_id).filled == 1
    await world.settled()
