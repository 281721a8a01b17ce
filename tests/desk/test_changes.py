"""Cancels and replaces: they cross fills, get lost, come back, and never do what nobody asked."""

import asyncio

import pytest

from desk import invariants
from desk.kit import LIMITS, D, World, but, order, resting
from fillwright.errors import BadInput, NotCancelable, NotSent, OrderRefused, OrderRejected
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Resize, Scope

MORE = OrderChange(quantity="7")


@pytest.fixture
async def world():
    made = World()
    yield made
    await made.end()


async def settled(world, seconds=60):
    world.script.clear()
    await world.run(seconds)
    invariants.every_step(world)
    invariants.all_quiet(world)


async def open_order(world, **fields):
    handle = await world.submit(**resting(**fields))
    await world.run(0.1)
    assert handle.state.status is OrdStatus.NEW
    return handle


# ---------------------------------------------------------------------- cancel


async def test_a_cancel_ends_the_order(world):
    """The way of most cancels."""
    await world.ready()
    handle = await open_order(world)

    await world.wait(world.desk.cancel(handle.client_order_id))

    assert (await world.wait(handle.done())).status is OrdStatus.CANCELED
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


async def test_a_cancel_of_a_lost_order_keeps_it_from_going_again(world):
    """Sending again what its owner cancelled is a trade against his will."""
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    await world.wait(world.desk.cancel(handle.client_order_id))
    state = await world.wait(handle.done())

    assert state.status is OrdStatus.ABANDONED
    assert world.requests["submit", handle.client_order_id] == 1
    await settled(world)


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
    await settled(world)


@pytest.mark.parametrize("how", ["drop_request", "accept_then_timeout", "accept_late"])
async def test_a_cancel_of_unknown_outcome_is_asked_again(world, how):
    """A cancel that is believed lost or believed done is wrong half the time."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", how, seconds=1.0)

    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(10)

    assert handle.state.status is OrdStatus.CANCELED
    await settled(world)


async def test_a_cancel_that_the_broker_refuses_leaves_the_order_as_it_was(world):
    """An order shown as pending cancel for ever counts twice in every limit."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", "reject", text="too late to cancel")

    state = await world.wait(world.desk.cancel(handle.client_order_id))

    assert (state.status, state.text) == (OrdStatus.NEW, "too late to cancel")
    await settled(world)


async def test_a_cancel_that_never_left_can_be_asked_again(world):
    """A refused connection is no answer of the broker."""
    await world.ready()
    handle = await open_order(world)
    world.fault("cancel", "not_sent")

    assert (await world.wait(world.desk.cancel(handle.client_order_id))).status is OrdStatus.NEW
    await world.wait(world.desk.cancel(handle.client_order_id))

    assert (await world.wait(handle.done())).status is OrdStatus.CANCELED


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


# ---------------------------------------------------------------------- replace


async def test_a_replace_changes_the_order(world):
    """Quantity, price and broker id follow; the order stays one."""
    await world.ready()
    handle = await open_order(world)

    await world.wait(world.desk.replace(handle.client_order_id, MORE))

    state = handle.state
    assert (state.status, state.quantity, state.leaves) == (OrdStatus.NEW, 7, 7)
    assert state.order.quantity == 7
    assert len(state.earlier_broker_ids) == 1
    await settled(world)


async def test_a_smaller_quantity_is_smaller(world):
    """A shrunk order that keeps its old quantity blocks money and never completes."""
    await world.ready()
    handle = await open_order(world, quantity="9")
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity="2")))
    assert handle.state.leaves == 2

    world.quote("AAPL", D(89))
    state = await world.wait(handle.done())

    assert (state.status, state.filled) == (OrdStatus.FILLED, 2)
    await settled(world)


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
    await settled(world)


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
    await settled(world)


async def test_a_replaced_order_that_ended_unseen_is_found_by_its_newest_name(world):
    """Asked by its first name, a replaced order is "replaced" for ever."""
    await world.ready()
    handle = await open_order(world)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    world.fault("report", "drop", times=10)
    world.venue.control.cancel(handle.state.broker_order_id)
    await world.run(15)

    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    await settled(world)


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
    await settled(world)


async def test_a_replace_that_the_broker_refuses_changes_nothing(world):
    """The old order stands, with its old quantity."""
    await world.ready()
    handle = await open_order(world)
    world.fault("replace", "reject", text="cannot replace")

    with pytest.raises(OrderRejected):
        await world.wait(world.desk.replace(handle.client_order_id, MORE))

    assert (handle.state.status, handle.state.quantity) == (OrdStatus.NEW, 1)
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


async def test_somebody_elses_order_is_seen_and_left_alone(world):
    """A desk that cancels what it did not place destroys a colleague's trade."""
    await world.ready()
    theirs = world.venue.submit(order(**resting(quantity="3")), "by-hand")
    await world.run(0.1)
    found = [s for s in world.desk.working() if s.broker_order_id == theirs.broker_order_id]

    assert [str(s.owner) for s in found] == ["foreign"]
    assert world.parts.keeper.exposures.snapshot()["AAPL"].open_buys == 3
    world.venue.cancel(theirs.broker_order_id)
    await world.crash()
    await world.ready()
    await world.aclose()
    await world.ready()
    assert world.requests.total() == 0
    await settled(world)


async def test_a_pending_cancel_of_somebody_else_is_not_repeated_here(world):
    """His cancel, his business: also when it is under way while this desk starts."""
    world.pending_steps = 30
    world.__post_init__()
    await world.ready()
    theirs = world.venue.submit(order(**resting(quantity="3")), "by-hand")
    world.venue.cancel(theirs.broker_order_id)
    await world.run(12)
    await world.crash()
    await world.ready()
    await world.run(5)

    assert world.requests.total() == 0
    await settled(world)


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
        invariants.every_step(world)
    await world.run(10)

    assert (handle.state.status, handle.state.quantity) == (OrdStatus.NEW, 7)
    await settled(world)


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
    await settled(world)
