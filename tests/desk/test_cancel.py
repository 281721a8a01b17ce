"""Cancels: they cross fills, get lost, come back, and never do what nobody asked."""

import asyncio

import pytest

from desk.kit import D, open_order, resting
from fillwright.errors import (
    NotCancelable,
)
from fillwright.protocols import Limits
from fillwright.types import OrdStatus
from fillwright.verdicts import Scope


async def test_a_cancel_ends_the_order(world):
    """The way of most cancels."""
    await world.ready()
    handle = await open_order(world)

    await world.wait(world.desk.cancel(handle.client_order_id))

    assert (await world.wait(handle.done())).status is OrdStatus.CANCELED
    await world.settled()


async def test_a_cancel_before_the_ack_waits_for_it(world):
    """A cancel that is dropped because the ack was slow leaves the order to trade."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()
    await world.wait((await world.submit()).done())
    handle = await world.submit(**resting())
    assert handle.state.status is OrdStatus.PENDING_NEW

    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(3)

    assert handle.state.status is OrdStatus.CANCELED
    assert world.requests["cancel", handle.client_order_id] == 1
    await world.settled()


async def test_a_cancel_before_it_left_keeps_it_here(world):
    """An order that its owner took back must not go out when the gate lets it."""
    await world.ready()
    world.fault("report", "disconnect", seconds=3)
    await world.submit()
    handle = await world.submit(**resting())
    assert handle.state.status is OrdStatus.STAGED

    state = await world.wait(world.desk.cancel(handle.client_order_id))

    assert state.status in (OrdStatus.CANCELED, OrdStatus.REFUSED)
    assert world.requests["submit", handle.client_order_id] == 0
    await world.settled()


async def test_a_cancel_between_record_and_wire_keeps_it_here(world):
    """The last moment before the wire belongs to the owner as well."""
    release = asyncio.Event()

    async def flush(_seq):
        await release.wait()

    await world.ready()
    world.journal._flush = flush
    handle = await world.submit(**resting())
    assert handle.state.status is OrdStatus.PENDING_NEW
    cancel = asyncio.create_task(world.desk.cancel(handle.client_order_id))
    await world.run(0)

    release.set()
    await world.run(3)

    assert (await cancel).status is OrdStatus.CANCELED
    assert world.requests.total() == 0


async def test_a_cancel_while_in_doubt_is_carried_out_when_it_is_found(world):
    """A cancel that is forgotten while nobody knows lets the order trade once it shows."""
    await world.ready()
    world.fault("submit", "accept_then_timeout")
    world.fault("report", "drop", times=5)
    world.fault("find", "unavailable", times=4)
    handle = await world.submit(**resting())
    assert handle.state.status is OrdStatus.IN_DOUBT

    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(10)

    assert [o.status for o in world.at_venue(handle.client_order_id)] == ["CANCELED"]
    assert handle.state.status is OrdStatus.CANCELED
    await world.settled()


async def test_a_cancel_while_in_doubt_is_remembered_across_a_crash(world):
    """The owner's wish must not die with the process."""
    await world.ready()
    world.fault("submit", "accept_then_timeout")
    world.fault("report", "drop", times=5)
    world.fault("find", "unavailable", times=4)
    handle = await world.submit(**resting())
    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.crash()

    await world.ready()
    await world.run(10)

    assert [o.status for o in world.at_venue(handle.client_order_id)] == ["CANCELED"]
    await world.settled()


async def test_a_cancel_of_a_lost_order_keeps_it_from_going_again(world):
    """Sending again what its owner cancelled is a trade against his will."""
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    await world.wait(world.desk.cancel(handle.client_order_id))
    state = await world.wait(handle.done())

    assert state.status is OrdStatus.ABANDONED
    assert world.requests["submit", handle.client_order_id] == 1
    await world.settled()


async def test_a_cancel_that_lost_against_a_fill(world):
    """The word "too late" is not an error of the order: the fill stands."""
    world.latency = 0.4
    world.__post_init__()
    await world.ready()
    handle = await world.submit(**resting())
    await world.run(5)
    cancel = asyncio.create_task(world.desk.cancel(handle.client_order_id))
    await world.run(0.05)
    world.quote("AAPL", D(89))
    await world.run(5)

    assert (await cancel).status is OrdStatus.FILLED
    assert handle.state.filled == 1
    await world.settled()


@pytest.mark.parametrize("how", ["drop_request", "accept_then_timeout", "accept_late"])
async def test_a_cancel_of_unknown_outcome_is_asked_again(world, how):
    """A cancel that is believed lost or believed done is wrong half the time."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", how, seconds=1.0)

    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(10)

    assert handle.state.status is OrdStatus.CANCELED
    await world.settled()


async def test_a_cancel_that_the_broker_refuses_leaves_the_order_as_it_was(world):
    """An order shown as pending cancel for ever counts twice in every limit."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", "reject", text="too late to cancel")

    state = await world.wait(world.desk.cancel(handle.client_order_id))

    assert (state.status, state.text) == (OrdStatus.NEW, "too late to cancel")
    await world.settled()


@pytest.mark.parametrize("fault", ["not_sent", "rate_limited"])
async def test_a_cancel_that_did_not_leave_goes_again(world, fault):
    """A busy broker must not leave an order in the market that its owner took back."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", fault, times=3)

    await world.wait(world.desk.cancel(handle.client_order_id))

    assert (await world.wait(handle.done())).status is OrdStatus.CANCELED
    assert world.requests["cancel", handle.client_order_id] == 4
    await world.settled()


async def test_a_cancel_that_cannot_leave_is_given_up_and_can_be_asked_again(world):
    """A refused connection is no answer of the broker, and a caller cannot wait for ever."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", "not_sent", times=1000)
    begun = world.clock.monotonic()

    state = await world.wait(world.desk.cancel(handle.client_order_id), 60)
    assert state.status is OrdStatus.NEW
    assert world.clock.monotonic() - begun <= Limits().send_deadline
    world.script.clear()
    await world.wait(world.desk.cancel(handle.client_order_id))

    assert (await world.wait(handle.done())).status is OrdStatus.CANCELED


async def test_an_order_that_ends_while_its_cancel_waits_needs_none(world):
    """A cancel of what is over is refused, and the refusal looks like a problem."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", "not_sent", times=1000)
    asking = asyncio.create_task(world.desk.cancel(handle.client_order_id))
    await world.run(1)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    await world.run(5)

    assert asking.result().status is OrdStatus.FILLED
    await world.settled()


@pytest.mark.parametrize("waits_for", ["its turn", "the journal"])
async def test_a_cancel_whose_caller_gives_up_is_asked_for_all_the_same(world, waits_for):
    """The wish is recorded, a second call asks nothing, and the order trades on."""
    await world.ready()
    handle = await open_order(world)
    held = asyncio.Event()

    async def hold(*_given):
        await held.wait()

    changes = world.parts.changes
    if waits_for == "its turn":
        changes._limiter = type("Held", (), {"acquire": hold})()
    else:
        changes._record = hold_after(changes._record, hold)
    asking = asyncio.create_task(world.desk.cancel(handle.client_order_id))
    await world.run(0.1)
    asking.cancel()
    await world.run(0.1)
    changes._limiter = world.parts.limiter
    vars(changes).pop("_record", None)
    await world.run(20)

    assert asking.cancelled()
    assert handle.state.status is OrdStatus.CANCELED
    await world.settled()


def hold_after(record, hold):
    """Write the record, and wait for its durability for ever."""

    async def held(fact):
        await record(fact)
        await hold()

    return held


async def test_a_pending_cancel_is_not_asked_twice(world):
    """Two cancels of one order: the second is refused and confuses the first."""
    world.pending_steps = 3
    world.__post_init__()
    await world.ready()
    handle = await open_order(world)
    for _ in range(2):
        await world.wait(world.desk.cancel(handle.client_order_id))

    assert handle.state.status is OrdStatus.PENDING_CANCEL
    assert world.requests["cancel", handle.client_order_id] == 1
    await world.settled()


async def test_a_cancel_whose_end_is_lost_is_asked_about(world):
    """A report that never comes must not leave the order pending for ever."""
    world.pending_steps = 2
    world.__post_init__()
    await world.ready()
    handle = await open_order(world)
    await world.wait(world.desk.cancel(handle.client_order_id))
    world.fault("report", "drop", times=10)
    await world.run(30)

    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    await world.settled()


async def test_an_ended_order_cannot_be_cancelled(world):
    """A cancel of what is over must say so and send nothing."""
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    with pytest.raises(NotCancelable):
        await world.desk.cancel(handle.client_order_id)
    assert world.requests["cancel", handle.client_order_id] == 0


async def test_a_halt_does_not_stop_cancels(world):
    """A halt that keeps orders open is the opposite of safe."""
    await world.ready()
    handle = await open_order(world)
    await world.desk.halt(Scope.DESK, reason="test", by="tester")

    await world.wait(world.desk.cancel(handle.client_order_id))

    assert (await world.wait(handle.done())).status is OrdStatus.CANCELED


async def test_an_unsolicited_cancel_is_believed(world):
    """The broker may end an order that nobody here cancelled."""
    await world.ready()
    handle = await open_order(world)
    world.venue.control.cancel(handle.state.broker_order_id)
    await world.run(0.1)

    assert handle.state.status is OrdStatus.CANCELED
    await world.settled()


async def test_a_fill_after_the_cancel_counts(world):
    """A late fill that is dropped is a position that nobody knows."""
    await world.ready()
    handle = await open_order(world, quantity="5")
    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(1)
    held = world.desk.positions["AAPL"]

    world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    await world.run(1)

    state = world.state(handle.client_order_id)
    assert (state.status, state.filled) == (OrdStatus.CANCELED, 2)
    assert world.desk.positions["AAPL"] == held + 2
    await world.settled()
