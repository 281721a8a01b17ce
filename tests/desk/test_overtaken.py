"""A cancel or a change waits for disk, turn or answer, and the world does not wait with it."""

import asyncio

import pytest

from desk.kit import BINDING, D, open_order
from fillwright.errors import GuardError, NotCancelable, NotSent, OrderRefused, OrderRejected
from fillwright.ledger import Asked, decode
from fillwright.orders import OrderChange
from fillwright.protocols import ClosePolicy
from fillwright.resilience import Lane
from fillwright.states import Action
from fillwright.types import Mode, OrdStatus
from fillwright.verdicts import Scope

MORE = OrderChange(quantity="7")


@pytest.fixture
def disk(world):
    """A disk that takes no record until it is released."""
    release = asyncio.Event()

    async def flush(_seq):
        await release.wait()

    release.hold = lambda: setattr(world.journal, "_flush", flush)
    return release


def no_turn(world, lane):
    """The requests of one lane wait until the test lets them go."""
    limiter, free = world.parts.limiter, asyncio.Event()
    at_once, waiting = limiter.try_acquire, limiter.acquire

    async def acquire(asked):
        if asked is lane:
            await free.wait()
        await waiting(asked)

    limiter.try_acquire = lambda asked: asked is not lane and at_once(asked)
    limiter.acquire = acquire
    return free


def fill(world, handle):
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))


async def test_an_order_that_fills_while_its_cancel_waits_is_not_canceled(world):
    """A cancel of what is over uses up the turn of one that matters."""
    await world.ready()
    handle = await open_order(world)
    free = no_turn(world, Lane.CANCEL)
    cancel = asyncio.create_task(world.desk.cancel(handle.client_order_id))
    await world.run(0.1)
    fill(world, handle)
    await world.run(0.1)
    free.set()
    await world.run(1)

    assert (await cancel).status is OrdStatus.FILLED
    assert world.requests["cancel", handle.client_order_id] == 0
    await world.settled()


async def test_a_cancel_that_the_guard_stops_while_it_waits_is_asked_for_again(world, caplog):
    """It was recorded as asked for: believed sent, the order would stay open for good."""
    await world.ready()
    handle = await open_order(world)
    free = no_turn(world, Lane.CANCEL)
    cancel = asyncio.create_task(world.desk.cancel(handle.client_order_id))
    await world.run(0.1)
    world.parts.adapter.executor.endpoint = Mode.LIVE
    free.set()
    await world.run(20)

    with pytest.raises(GuardError):
        await cancel
    assert world.requests["cancel", handle.client_order_id] == 0
    assert handle.state.in_doubt
    assert any("cancel_withheld" in record.message for record in caplog.records)
    world.parts.adapter.executor.endpoint = BINDING.mode
    await world.run(30)
    assert handle.state.status is OrdStatus.CANCELED
    await world.settled()


async def given_up(world, handle, on, asking):
    """Whoever asked goes away while the request is on the wire."""
    world.fault(on, "delay", seconds=3.0)
    task = asyncio.create_task(asking)
    await world.run(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return handle.state


@pytest.mark.parametrize(("on", "ends"), [("cancel", OrdStatus.CANCELED), ("replace", None)])
async def test_a_request_whose_caller_went_away_is_in_doubt(world, on, ends):
    """The byte is on the wire, whatever became of the one who sent it."""
    await world.ready()
    handle = await open_order(world)
    key = handle.client_order_id
    asking = world.desk.cancel(key) if on == "cancel" else world.desk.replace(key, MORE)

    assert (await given_up(world, handle, on, asking)).in_doubt
    await world.run(60)
    if ends:
        assert handle.state.status is ends
    else:
        assert (handle.state.status, handle.state.quantity) == (OrdStatus.NEW, 7)
    await world.settled()


async def test_a_sweep_whose_caller_went_away_is_in_doubt(world):
    """Everything may be canceled or nothing: no order may be shown as it was before."""
    await world.ready()
    handle = await open_order(world)

    assert (await given_up(world, handle, "cancel_all", world.desk.cancel_account())).in_doubt
    await world.run(60)
    assert handle.state.status is OrdStatus.CANCELED
    await world.settled()


async def test_two_changes_of_one_order_do_not_race(world, disk):
    """Both are judged against the order as it was: together they ask for what nobody allowed."""
    await world.ready()
    handle = await open_order(world)
    disk.hold()
    first = asyncio.create_task(world.desk.replace(handle.client_order_id, MORE))
    await world.run(0)

    with pytest.raises(NotCancelable, match="under change already"):
        await world.desk.replace(handle.client_order_id, OrderChange(quantity="9"))
    disk.set()
    await world.run(1)

    assert (await first).quantity == 7
    await world.settled()


async def test_an_order_that_fills_before_its_change_left_is_not_changed(world, disk):
    """The broker would open a new order in the place of one that is done."""
    await world.ready()
    handle = await open_order(world)
    disk.hold()
    replace = asyncio.create_task(world.desk.replace(handle.client_order_id, MORE))
    await world.run(0)
    fill(world, handle)
    await world.run(0.1)
    disk.set()
    await world.run(1)

    assert (await replace).status is OrdStatus.FILLED
    assert world.requests["replace", handle.client_order_id] == 0
    await world.settled()


async def test_a_halt_behind_the_record_stops_a_change_before_the_wire(world, disk):
    """What was approved before the halt leaves after it."""
    await world.ready()
    handle = await open_order(world)
    disk.hold()
    replace = asyncio.create_task(world.desk.replace(handle.client_order_id, MORE))
    await world.run(0)
    halt = asyncio.create_task(world.desk.halt(Scope.DESK, reason="test", by="tester"))
    await world.run(0)
    disk.set()
    await world.run(1)
    await halt

    with pytest.raises(NotSent, match="conditions changed before it left"):
        await replace
    facts = map(decode, world.journal.read())
    assert [fact.action for fact in facts if isinstance(fact, Asked)] == [Action.REPLACE]
    assert world.requests["replace", handle.client_order_id] == 0
    assert (handle.state.status, handle.state.pending) == (OrdStatus.NEW, ())
    await world.settled()


async def test_a_halt_while_a_change_waits_for_its_turn_sends_it_back_to_the_gate(world):
    """An approval that is as old as the queue is long is no approval any more."""
    await world.ready()
    handle = await open_order(world)
    free = no_turn(world, Lane.SUBMIT)
    replace = asyncio.create_task(world.desk.replace(handle.client_order_id, MORE))
    await world.run(1)
    await world.wait(world.desk.halt(Scope.SYMBOL, "AAPL", reason="test", by="tester"))
    free.set()
    await world.run(1)

    with pytest.raises(OrderRefused):
        await replace
    assert world.requests["replace", handle.client_order_id] == 0
    await world.settled()


async def test_a_change_whose_turn_never_comes_is_given_up(world):
    """It holds buying power for as long as it waits, and its owner waits with it."""
    await world.ready()
    handle = await open_order(world)
    no_turn(world, Lane.SUBMIT)
    replace = asyncio.create_task(world.desk.replace(handle.client_order_id, MORE))
    await world.run(world.limits.send_deadline + 1)

    with pytest.raises(NotSent, match="its deadline passed before it left"):
        await replace
    assert world.parts.keeper.exposures.snapshot()["AAPL"].open_buys == 1
    await world.settled()


async def test_a_change_that_never_left_can_be_asked_for_again(world):
    """Left pending, it would block every change until a restart."""
    await world.ready()
    handle = await open_order(world)
    world.fault("replace", "not_sent")

    with pytest.raises(NotSent):
        await world.wait(world.desk.replace(handle.client_order_id, MORE))
    await world.wait(world.desk.replace(handle.client_order_id, MORE))

    assert handle.state.quantity == 7
    await world.settled()


async def test_a_refused_request_is_settled_when_nobody_can_look(world):
    """A broker that says no and then nothing more: the no was its word, and it stands."""
    await world.ready()
    handle = await open_order(world)
    world.fault("replace", "reject")
    world.fault("find", "unavailable")

    with pytest.raises(OrderRejected):
        await world.wait(world.desk.replace(handle.client_order_id, MORE))

    assert (handle.state.status, handle.state.pending) == (OrdStatus.NEW, ())
    await world.settled()


async def test_an_order_that_ends_while_the_desk_closes_holds_nothing_up(world):
    """Closing fails over a cancel that nobody needs any more, and leaves the journal locked."""
    await world.ready()
    handle = await open_order(world)
    fill(world, handle)
    await world.aclose(ClosePolicy.CANCEL_ALL)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
