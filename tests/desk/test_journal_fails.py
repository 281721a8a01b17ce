"""A journal that fails or is taken over: nothing more leaves."""

import asyncio

import pytest

from desk.kit import LIMITS, D, but, order, resting
from fillwright.errors import (
    BrokerUnavailable,
)


async def test_a_journal_that_fails_stops_sending_for_good(world):
    """A failed fsync cannot be retried: what is on disk is unknown."""
    await world.ready()
    handle = await world.submit(**resting())
    sent = world.requests.total()
    world.journal.fail("disk full")

    for work in (world.desk.submit(order()), world.desk.cancel(handle.client_order_id)):
        with pytest.raises(Exception, match="disk full"):
            await world.wait(work)
    await world.run(15)

    assert world.desk.state == "failed"
    assert world.requests.total() == sent
    with pytest.raises(Exception, match="disk full"):
        await world.wait(world.desk.aclose())


async def test_a_journal_that_fails_between_record_and_wire_sends_nothing(world):
    """The moment of the failed fsync is the moment before the send."""

    async def flush(_seq):
        raise OSError(28, "No space left on device")

    await world.ready()
    world.journal._flush = flush
    handle = await world.submit(**resting())
    await world.run(1)

    assert world.requests.total() == 0
    assert world.desk.state == "failed"
    with pytest.raises(Exception, match="No space left"):
        await handle.done()
    await world.run(30)
    assert world.requests.total() == 0


async def test_a_desk_whose_journal_was_taken_over_stops(world):
    """Two processes that both send are two desks on one account."""
    await world.ready()
    handle = await world.submit(**resting())
    sent = world.requests.total()
    world.journal.crash()
    await world.run(15)

    assert world.desk.state == "failed"
    with pytest.raises(Exception, match="taken over"):
        await world.desk.submit(order())
    with pytest.raises(Exception, match="taken over"):
        await world.desk.cancel(handle.client_order_id)
    assert world.requests.total() == sent


async def test_the_stream_does_not_swallow_a_journal_fault(world):
    """A fill that cannot be recorded must stop the desk, not reconnect the stream."""
    await world.ready()
    handle = await world.submit(**resting())
    await world.run(1)
    world.journal.fail("disk full")
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await world.run(0.1)

    assert world.desk.state == "failed"


async def test_no_task_is_left_when_a_start_fails(world):
    """A desk that could not start must not go on in the background."""
    await world.ready()
    await world.aclose()
    before = asyncio.all_tasks()
    world.fault("account", "unavailable", times=2)
    world.limits = but(LIMITS)
    opening = asyncio.create_task(world._open())
    await world.run(1)

    with pytest.raises(BrokerUnavailable):
        await opening
    await world.parts.close()
    assert asyncio.all_tasks() <= before
