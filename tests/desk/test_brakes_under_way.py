"""Halting and flattening while orders move: what is not certain is left, with its reason."""

import asyncio
from dataclasses import replace

import pytest

from desk.kit import BINDING, D, open_order, resting
from fillwright.accounts import Position
from fillwright.desk.brakes import LANDED_WITHIN
from fillwright.errors import BadInput
from fillwright.types import Mode, OrdStatus
from fillwright.verdicts import Scope

HALT = {"reason": "test", "by": "jane"}


async def flattened(world):
    """Every position closed, and why the rest was not."""
    for symbol, price in (("AAPL", 100), ("MSFT", 50), ("KO", 20)):
        world.quote(symbol, D(price), size=D(500))
    left = await world.wait(world.desk.flatten(**HALT))
    return {one.symbol: one.why for one in left}


async def test_a_halt_of_a_strategy_cancels_its_orders_and_no_others(world):
    """Whoever stops one strategy has not asked to stop everybody's."""
    await world.ready()
    momo = await open_order(world, strategy="momo")
    other = await open_order(world, strategy="other", quantity="2")
    world.venue.submit(momo.state.order.model_copy(update={"quantity": D(3)}), "by-hand")
    await world.run(1)

    halted = world.desk.halt(Scope.STRATEGY, "momo", **HALT, cancel=True)
    (state,) = await world.wait(halted)
    await world.run(1)

    assert state.client_order_id == momo.client_order_id
    assert (momo.state.status, other.state.status) == (OrdStatus.CANCELED, OrdStatus.NEW)
    await world.settled()


async def test_an_order_that_fills_before_its_cancel_is_given_as_it_ended(world):
    """One fill at the wrong moment, and the halt reports that it failed."""
    await world.ready()
    first, second = await open_order(world), await open_order(world, quantity="2")
    world.fault("cancel", "delay", seconds=2.0)
    halting = asyncio.create_task(world.desk.halt(Scope.SYMBOL, "AAPL", **HALT, cancel=True))
    await world.run(1)
    world.venue.control.fill(second.state.broker_order_id, D(2), D(90))
    await world.run(3)

    states = {state.client_order_id: state.status for state in await halting}
    assert states[second.client_order_id] is OrdStatus.FILLED
    assert first.state.status is OrdStatus.CANCELED
    await world.settled()


async def test_a_halt_does_not_wait_for_ever_for_what_is_out(world, caplog):
    """A request that never comes back would keep whoever halts from everything else."""
    await world.ready()
    world.fault("submit", "delay", seconds=15.0)
    out = asyncio.create_task(world.submit())
    await world.run(0.1)
    halting = asyncio.create_task(world.desk.halt(Scope.DESK, **HALT))
    await world.run(LANDED_WITHIN + 0.1)

    assert halting.done()
    assert any("requests_still_out" in record.message for record in caplog.records)
    await world.run(10)
    await out
    await world.settled()


async def test_a_sweep_that_fails_is_told_and_holds_nothing_up(world, caplog):
    """The kill switch seems to have canceled everything, and flattening waits for it."""
    await world.ready()
    handle = await open_order(world)
    world.parts.adapter.executor.endpoint = Mode.LIVE
    world.desk.kill(by="jane", cancel=True)
    world.parts.operator.heed_kill()
    await world.run(1)
    world.parts.adapter.executor.endpoint = BINDING.mode

    assert any("sweep_failed" in record.message for record in caplog.records)
    assert handle.state.status is OrdStatus.NEW
    assert await flattened(world) == {"AAPL": "an order of it is still open; cancel it first"}


async def test_nothing_is_sold_while_a_sweep_is_under_way(world):
    """The sweep would cancel the very orders that close the positions."""
    await world.ready()
    await open_order(world)
    world.fault("cancel_all", "delay", seconds=40.0)
    world.fault("cancel", "delay", seconds=40.0)
    world.desk.kill(by="jane", cancel=True)
    world.parts.operator.heed_kill()
    flattening = asyncio.create_task(world.desk.flatten(**HALT))
    await world.run(LANDED_WITHIN + 0.1)

    with pytest.raises(BadInput, match="a sweep is under way and would cancel it"):
        await flattening
    assert [order.side for order in world.venue.orders()] == ["BUY"]


async def test_a_position_with_an_order_in_doubt_is_not_sold(world):
    """The order may have sold it already: sold twice, it is a short position."""
    await world.ready()
    world.fault("submit", "drop_request")
    await world.submit(**resting(side="SELL", quantity="20"))
    await world.run(3)
    await world.wait(world.desk.halt(Scope.DESK, **HALT))

    assert await flattened(world) == {
        "AAPL": "an order of it is in doubt; wait for it to be settled"
    }
    assert world.desk.positions == {"AAPL": 20}
    await world.settled(120)


async def test_a_position_of_nothing_is_not_left(world):
    """Told of a position that there is not, somebody sells it by hand."""
    await world.ready()
    ask = world.parts.adapter.executor.account

    async def account():
        told = await ask()
        return replace(told, positions={**told.positions, "XYZ": Position("XYZ", D(0))})

    world.parts.adapter.executor.account = account
    await world.wait(world.desk.halt(Scope.DESK, **HALT))

    assert await flattened(world) == {}
    assert {order.symbol for order in world.venue.orders()} == {"AAPL", "MSFT", "KO"}
