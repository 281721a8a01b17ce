"""Cancels and replaces."""

import asyncio

import pytest

from desk.kit import D, open_order
from fillwright.errors import NotCancelable, OrderRejected
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus

MORE = OrderChange(quantity="7")


async def test_nautilus_4564(world):
    """NautilusTrader #4564: a change during a disconnect left two live orders behind one name.

    There: the program thought that the change had failed and placed the order anew.
    Here: a change of unknown outcome is read off the order, and counts at the larger quantity.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.fault("replace", "accept_then_reset", seconds=1.0)
    world.fault("report", "disconnect", seconds=5)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    held = world.parts.keeper.exposures.snapshot()["AAPL"].open_buys
    await world.run(20)

    live = [o for o in world.at_venue(handle.client_order_id) if o.status is OrdStatus.NEW]
    assert held == 7
    assert len(live) == 1
    assert world.state(handle.client_order_id).quantity == 7
    await world.settled()


async def test_lean_ib_60(world):
    """LEAN Interactive Brokers #60: an update that lost against the fill stopped the algorithm.

    There: the broker's "cannot modify a filled order" was taken for a fault of the program.
    Here: a fill wins; the refusal is told to whoever asked, and the order is FILLED.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.fault("report", "delay", seconds=3.0)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    with pytest.raises((OrderRejected, NotCancelable)):
        await world.wait(world.desk.replace(handle.client_order_id, MORE))
    await world.run(10)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await world.settled()


async def test_qubx_434(world):
    """Qubx #434: one order that could not be canceled was asked for 14,000 times.

    There: a refused cancel meant "still alive", and alive meant "cancel it".
    Here: a refusal leads to one question about the order; the owner decides about another cancel.
    """
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", "reject", text="unknown order", times=10_000)
    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(300)

    assert world.requests["cancel", handle.client_order_id] == 1
    assert handle.state.status is OrdStatus.NEW
    await world.settled()


async def test_nautilus_4230(world):
    """NautilusTrader #4230: a list that timed out was an empty list, and live orders were ended.

    There: "no answer" and "no orders" had the same value.
    Here: a list that could not be read raises, and nothing is concluded from it.
    """
    await world.ready()
    handle = await open_order(world)
    for question in ("open_orders", "find"):
        world.fault(question, "unavailable", times=30)
    await world.run(40)
    during = world.state(handle.client_order_id).status
    world.script.clear()
    await world.run(20)

    assert during is OrdStatus.NEW
    assert world.state(handle.client_order_id).status is OrdStatus.NEW
    await world.settled()


async def test_nautilus_4479(world):
    """NautilusTrader #4479: a cancel that got no answer was booked as done.

    There: after enough tries PENDING_CANCEL became CANCELED, and the order went on working.
    Here: only the broker's word ends an order; an unanswered cancel is asked for again.
    """
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", "drop_request", times=3)
    await world.wait(world.desk.cancel(handle.client_order_id))
    early = world.state(handle.client_order_id).status
    await world.run(30)

    assert early is OrdStatus.IN_DOUBT
    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    assert [o.status for o in world.at_venue(handle.client_order_id)] == [OrdStatus.CANCELED]
    await world.settled()


async def test_lumibot_1078(world):
    """Lumibot #1078: the program's own idea of an order kept its cancel from the broker.

    There: the order looked ended here, so the cancel was not sent, and it worked on.
    Here: what the desk does not know to have ended can be canceled, and the cancel goes out.
    """
    await world.ready()
    handle = await open_order(world)
    for question in ("find", "open_orders"):
        world.fault(question, "lag", seconds=3600, times=20)
    await world.run(12)
    await world.wait(world.desk.cancel(handle.client_order_id))
    world.script.clear()
    await world.run(10)

    assert world.requests["cancel", handle.client_order_id] >= 1
    assert [o.status for o in world.at_venue(handle.client_order_id)] == [OrdStatus.CANCELED]
    await world.settled()


async def test_alpaca_api_165(world):
    """Alpaca-API #165: a replace of an order that was part filled brought the whole back.

    There: the new order started from the full quantity, and more was bought than was wanted.
    Here: a new quantity is the total, fills included, and no more than that can trade.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.venue.control.fill(handle.state.broker_order_id, D(3), D(90))
    await world.run(1)
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity="5")))
    world.quote("AAPL", D(89))
    state = await world.wait(handle.done())

    assert (state.status, state.filled) == (OrdStatus.FILLED, 5)
    assert world.desk.positions["AAPL"] == 25
    await world.settled()


async def test_nautilus_ib_cancel_before_the_ack(world):
    """NautilusTrader's IB adapter: a cancel without a broker id was dropped with a log line.

    There: the order was accepted a moment later and worked on, though nobody wanted it.
    Here: the cancel waits for the answer, and goes out with it.
    """
    world.latency = 1.0
    world.__post_init__()
    await world.ready()
    handle = await world.submit(type="LIMIT", limit_price="90", time_in_force="GTC")
    canceling = asyncio.create_task(world.desk.cancel(handle.client_order_id))
    await world.run(10)
    await canceling

    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    await world.settled()
