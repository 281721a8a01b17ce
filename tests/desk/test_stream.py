"""The stream: what is missed is found, and while it is down new risk waits."""

import pytest

from desk.kit import D, resting
from fillwright.reports import Gap
from fillwright.testing import Fault
from fillwright.types import OrdStatus


async def test_new_risk_waits_while_the_stream_is_down(world):
    """An order whose fills nobody hears is flown blind (LEAN-Alpaca #58)."""
    await world.ready()
    world.fault("report", "disconnect", seconds=2)
    await world.submit()
    waiting = await world.submit(quantity="2")
    less = await world.submit(side="SELL", quantity="2")
    await world.run(1)

    assert "stream" in world.desk.obstacles
    assert waiting.state.status is OrdStatus.STAGED
    assert less.state.status is not OrdStatus.STAGED, "reducing must stay possible"
    await world.run(3)
    assert waiting.state.status is OrdStatus.FILLED
    await world.settled()


async def test_new_risk_is_refused_when_the_stream_stays_down(world):
    """A wait without an end sends yesterday's decision tomorrow."""
    await world.ready()
    world.fault("report", "disconnect", seconds=60)
    await world.submit()
    waiting = await world.submit(quantity="2")
    await world.run(6)

    assert waiting.state.status is OrdStatus.REFUSED
    assert waiting.state.reasons[0].code == "NOT_READY"
    await world.settled(120)


async def test_fills_of_a_gap_are_booked_on_reconnect(world):
    """Fills lost across a reconnect (LEAN-IB #249)."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    world.fault("report", "disconnect", seconds=1)
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    world.venue.control.fill(handle.state.broker_order_id, D(3), D(90))
    await world.run(2)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await world.settled()


async def test_a_stream_that_goes_while_the_books_are_read_is_down(world):
    """The comparison of the connect before must not declare the next gap sound."""
    world.latency = 1.0
    world.__post_init__()
    await world.open()
    await world.run(1)
    world.broker.stream._interrupt(_disconnect(8.0))
    await world.run(6)

    assert "stream" in world.desk.obstacles


async def test_a_gap_while_the_books_are_read_is_read_again(world):
    """What happened between the reading and the reconnect is in neither."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    await world.run(6)
    world.fault("account", "delay", seconds=4.0)
    world.broker.stream._interrupt(_disconnect(0.1))
    await world.run(3.5)
    world.fault("report", "drop", times=2)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    world.broker.stream._interrupt(_disconnect(0.1))
    while world.desk.obstacles:
        await world.run(0.2)

    assert world.state(handle.client_order_id).filled == 4


def _disconnect(seconds):
    return Fault.model_validate({"on": "report", "fault": "disconnect", "seconds": seconds})


async def test_a_silent_stream_is_not_believed(world):
    """A mute socket that pings hides every fill (alpaca-py #740)."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    await world.run(1)
    world.fault("report", "silent", seconds=3600)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    await world.run(2 * world.limits.silence + 2)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED


async def test_after_a_long_rest_a_silent_stream_is_noticed_as_soon(world):
    """An hour without news must not make the next lost fill a matter of half a minute."""
    await world.ready()
    first = await world.submit(**resting(quantity="4"))
    await world.run(600)
    world.fault("report", "silent", seconds=3600)
    second = await world.submit(**resting(quantity="5"))
    await world.run(1)
    for handle in (first, second):
        quantity = world.state(handle.client_order_id).quantity
        world.venue.control.fill(handle.state.broker_order_id, quantity, D(90))
    await world.run(2 * world.limits.silence + 2)

    assert world.state(first.client_order_id).status is OrdStatus.FILLED
    assert world.state(second.client_order_id).status is OrdStatus.FILLED


async def test_a_missed_market_fill_is_found(world):
    """A missing fill report of an order that is over (LEAN-Alpaca #28, Nautilus #3869)."""
    await world.ready()
    world.fault("report", "drop", times=20)
    handle = await world.submit(quantity="3")
    await world.run(10)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await world.settled()


@pytest.mark.parametrize("how", ["duplicate", "reorder", "delay"])
async def test_reports_in_any_number_and_order(world, how):
    """A fill counted twice is a position that is not there."""
    await world.ready()
    world.fault("report", how, times=30, seconds=0.7)
    handle = await world.submit(quantity="12")
    await world.run(10)

    assert (handle.state.status, handle.state.filled) == (OrdStatus.FILLED, 12)
    await world.settled()


async def test_what_could_not_be_read_is_found_in_the_books(world, caplog):
    """A message that is skipped because it cannot be parsed may have been the fill."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    await world.run(1)
    world.fault("report", "gap")
    with caplog.at_level("WARNING"):
        world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
        await world.run(0.1)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    assert "stream_gap" in caplog.text
    assert "a report could not be read" in caplog.text
    assert world.desk.obstacles == ""
    await world.settled()


async def test_new_risk_waits_while_a_gap_is_looked_into(world):
    """What is missing may be the fill that leaves no room for the next order."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()
    world.broker.stream._put(_gap(world))
    await world.run(0.1)
    waiting = await world.submit()
    less = await world.submit(side="SELL", quantity="2")
    await world.run(2.5)

    assert "after a gap: unreadable" in world.desk.obstacles
    assert waiting.state.status is OrdStatus.STAGED
    assert less.state.status is not OrdStatus.STAGED, "reducing must stay possible"
    await world.run(20)
    assert world.desk.obstacles == ""
    assert waiting.state.status is OrdStatus.FILLED
    await world.settled()


async def test_a_gap_does_not_say_that_the_stream_is_up(world):
    """A last word of a stream that is gone must not let new risk through."""
    await world.ready()
    world.broker.stream._interrupt(_disconnect(30.0))
    await world.run(0.1)
    world.broker.stream._put(_gap(world))
    await world.run(5)

    assert "the stream is down" in world.desk.obstacles


async def test_a_storm_of_gaps_is_no_storm_at_the_broker(world):
    """A comparison for every bad message spends the requests that a cancel needs."""
    world.latency = 0.2
    world.__post_init__()
    await world.ready()
    compared, under_way, most = 0, 0, 0
    executor = world.parts.adapter.executor
    ask = executor.open_orders

    async def counted():
        nonlocal compared, under_way, most
        compared, under_way = compared + 1, under_way + 1
        most = max(most, under_way)
        try:
            return await ask()
        finally:
            under_way -= 1

    executor.open_orders = counted
    handle = await world.submit(**resting(quantity="4"))
    await world.run(3)
    for second in range(60):
        if second == 20:
            world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
        for _ in range(10):
            world.broker.stream._put(_gap(world))
            await world.run(0.1)
    booked = world.state(handle.client_order_id).status

    assert most == 1
    assert compared <= 25, "600 gaps"
    assert booked is OrdStatus.FILLED, "what is heard between two gaps counts"
    assert world.desk.obstacles != ""
    await world.run(15)
    assert world.desk.obstacles == ""
    await world.settled()


def _gap(world):
    return Gap("unreadable", world.clock.now())
