"""Replaces: one order throughout, whatever its broker calls it."""

import asyncio

import pytest

from desk.kit import LIMITS, D, but, open_order, resting
from fillwright.errors import (
    BadInput,
    NotSent,
    OrderRefused,
    OrderRejected,
)
from fillwright.orders import OrderChange
from fillwright.types import AssetClass, OrdStatus
from fillwright.verdicts import ALLOW, Resize, Scope

MORE = OrderChange(quantity="7")


async def test_a_replace_changes_the_order(world):
    """Quantity, price and broker id follow; the order stays one."""
    await world.ready()
    handle = await open_order(world)

    await world.wait(world.desk.replace(handle.client_order_id, MORE))

    state = handle.state
    assert (state.status, state.quantity, state.leaves) == (OrdStatus.NEW, 7, 7)
    assert state.order.quantity == 7
    assert len(state.earlier_broker_ids) == 1
    await world.settled()


async def test_a_smaller_quantity_is_smaller(world):
    """A shrunk order that keeps its old quantity blocks money and never completes."""
    await world.ready()
    handle = await open_order(world, quantity="9")
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity="2")))
    assert handle.state.leaves == 2

    world.quote("AAPL", D(89))
    state = await world.wait(handle.done())

    assert (state.status, state.filled) == (OrdStatus.FILLED, 2)
    await world.settled()


async def test_an_ack_behind_the_stream_brings_nothing_back(world):
    """A replace that is done and shown as pending blocks every further change."""
    world.latency = 0.4
    world.__post_init__()
    await world.ready()
    handle = await world.submit(**resting())
    await world.run(5)

    await world.wait(world.desk.replace(handle.client_order_id, MORE))

    assert handle.state.status is OrdStatus.NEW
    assert not handle.state.pending
    await world.settled()


@pytest.mark.parametrize("how", ["drop_request", "accept_then_timeout", "accept_late"])
@pytest.mark.parametrize("stream", ["stream works", "stream is silent"])
async def test_a_replace_of_unknown_outcome_is_read_off_the_order(world, how, stream):
    """A replace that is assumed either way gives a wrong quantity at risk."""
    await world.ready()
    handle = await open_order(world)
    if stream == "stream is silent":
        world.fault("report", "drop", times=5)
    world.fault("replace", how, seconds=1.0)

    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    assert world.parts.keeper.exposures.snapshot()["AAPL"].open_buys == 7
    await world.run(15)

    wanted = 1 if how == "drop_request" else 7
    state = world.state(handle.client_order_id)
    assert (state.status, state.quantity) == (OrdStatus.NEW, wanted)
    await world.settled()


async def test_a_replaced_order_that_ended_unseen_is_found_by_its_newest_name(world):
    """Asked by its first name, a replaced order is "replaced" for ever."""
    await world.ready()
    handle = await open_order(world)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    world.fault("report", "drop", times=10)
    world.venue.control.cancel(handle.state.broker_order_id)
    await world.run(15)

    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    await world.settled()


async def test_a_late_fill_of_a_replaced_order_finds_it_after_a_restart(world):
    """A fill under the newest name of a settled order must not look like somebody else's."""
    await world.ready()
    handle = await open_order(world)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(1)
    broker_order_id = handle.state.broker_order_id
    await world.crash()
    world.venue.control.fill(broker_order_id, D(1), D(90))
    await world.ready()
    await world.run(10)

    assert world.state(handle.client_order_id).filled == 1
    assert all(not key.startswith("foreign") for key in world.shadow.orders)
    await world.settled()


async def test_a_replace_that_the_broker_refuses_changes_nothing(world):
    """The old order stands, with its old quantity."""
    await world.ready()
    handle = await open_order(world)
    world.fault("replace", "reject", text="cannot replace")

    with pytest.raises(OrderRejected):
        await world.wait(world.desk.replace(handle.client_order_id, MORE))

    assert (handle.state.status, handle.state.quantity) == (OrdStatus.NEW, 1)
    await world.settled()


async def test_a_second_replace_after_a_refused_one(world):
    """A name that was used up by the first attempt must not spoil the second."""
    world.pending_steps = 2
    world.__post_init__()
    await world.ready()
    handle = await open_order(world, quantity="5")
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    world.venue.control.fill(handle.state.broker_order_id, D(5), D(90))
    await world.run(5)
    assert handle.state.status is OrdStatus.FILLED
    other = await open_order(world, quantity="5")
    await world.wait(world.desk.replace(other.client_order_id, MORE))
    await world.run(5)
    await world.wait(world.desk.replace(other.client_order_id, OrderChange(quantity="8")))
    await world.run(5)

    assert other.state.quantity == 8
    await world.settled()


async def test_a_replace_passes_the_same_gate(world):
    """A change around the gate is an order around the gate."""
    await world.ready()
    handle = await open_order(world)
    await world.desk.halt(Scope.SYMBOL, "AAPL", reason="test", by="tester")

    with pytest.raises(OrderRefused):
        await world.wait(world.desk.replace(handle.client_order_id, MORE))

    assert world.requests["replace", handle.client_order_id] == 0


async def test_a_halt_between_record_and_wire_stops_a_replace(world):
    """The moment between the gate and the wire must not let new risk through."""
    release = asyncio.Event()

    async def flush(_seq):
        await release.wait()

    await world.ready()
    handle = await open_order(world)
    world.journal._flush = flush
    replace = asyncio.create_task(world.desk.replace(handle.client_order_id, MORE))
    halt = asyncio.create_task(world.desk.halt(Scope.DESK, reason="test", by="tester"))
    await world.run(0)
    release.set()
    await world.run(1)
    await halt

    with pytest.raises((NotSent, OrderRefused)):
        await replace
    assert world.requests["replace", handle.client_order_id] == 0
    assert handle.state.status is OrdStatus.NEW


async def test_a_change_that_makes_no_order_is_bad_input(world):
    """A sentence, not a traceback of somebody else's library."""
    await world.ready()
    world.quote("AAPL", D(100), size=D("0.5"))
    handle = await world.submit(quantity="3", time_in_force="GTC")

    with pytest.raises(BadInput, match="limit_price"):
        await world.desk.replace(handle.client_order_id, OrderChange(limit_price="5"))


async def test_a_resized_change_is_recorded_as_it_left(world):
    """The journal must hold what was asked of the broker, not what was wished."""

    def shrink(asked, _book):
        if asked.quantity <= 4:
            return ALLOW
        return Resize("T1", quantity=D(4), measured=asked.quantity, limit=D(4))

    world.checks = (type("Named", (), {"name": "shrink", "call": staticmethod(shrink)}),)
    world.allow_resize = True
    await world.ready()
    handle = await open_order(world)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))

    assert handle.state.quantity == 4
    assert handle.state.order.quantity == 4
    await world.settled()


async def test_fill_and_replace_cross(world):
    """What filled before the replace took effect belongs to the same order."""
    world.pending_steps = 3
    world.__post_init__()
    world.limits = but(LIMITS)
    await world.ready()
    handle = await open_order(world, quantity="5")
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    world.venue.control.fill(handle.state.broker_order_id, D(3), D(90))
    await world.run(10)

    state = handle.state
    assert (state.status, state.quantity, state.filled) == (OrdStatus.PARTIALLY_FILLED, 7, 3)
    await world.settled()


@pytest.mark.parametrize("how", ["works", "accept_then_timeout"])
async def test_a_replace_that_is_still_pending_has_not_happened(world, how):
    """The order that is to take the place does not trade yet; the old one does."""
    world.pending_steps = 12
    world.__post_init__()
    await world.ready()
    handle = await open_order(world, quantity="5")
    if how != "works":
        world.fault("replace", how)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    for _ in range(9):
        await world.run(1)
        assert handle.state.quantity == 5
        world.every_step()
    await world.run(10)

    assert (handle.state.status, handle.state.quantity) == (OrdStatus.NEW, 7)
    await world.settled()


async def test_a_replace_that_came_to_nothing_unseen(world):
    """The rejected successor is not the order: the old one works on."""
    world.pending_steps = 3
    world.__post_init__()
    await world.ready()
    handle = await open_order(world, quantity="5")
    world.fault("report", "drop", times=20)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    world.venue.control.suspend(handle.state.broker_order_id)
    await world.run(30)

    state = handle.state
    assert not state.ended
    assert not state.pending
    await world.settled()


async def test_a_fraction_is_not_replaced_where_the_broker_takes_whole_lots_only(world):
    """The broker would refuse it, or change the order in a way of its own."""
    share = AssetClass.US_EQUITY

    def whole_only(given):
        routes = but(given.routes[share], replace_fractional=False)
        return but(given, routes={share: routes})

    world.capabilities = whole_only
    await world.ready()
    handle = await open_order(world, quantity="1.5")

    with pytest.raises(OrderRefused, match="fractional"):
        await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity="2")))

    assert not world.requests["replace", handle.client_order_id]
    await world.settled()
