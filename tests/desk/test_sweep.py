"""Every open order of the account is canceled, whoever placed it, whatever the broker answers."""

import asyncio

import pytest

from desk.kit import BINDING, D, order, resting
from fillwright.errors import GuardError
from fillwright.protocols import CancelsAll
from fillwright.reports import CancelOutcome, Evidence, ExecutionReport, Source
from fillwright.types import BrokerOrderId, ExecType, Mode, OrdStatus


@pytest.fixture(params=["one request", "one by one"])
def swept(world, request):
    world.cancels_all = request.param == "one request"
    return world


async def three_open(world):
    """Two of ours, and one that somebody placed by hand."""
    await world.ready()
    mine = [await world.submit(**resting(quantity=n)) for n in "34"]
    theirs = world.venue.submit(order(**resting(symbol="KO", limit_price="18")), "by-hand")
    await world.run(0.1)
    return mine, theirs


async def test_all_of_them_end(swept):
    """A kill that leaves one order open has not killed."""
    mine, theirs = await three_open(swept)

    states = await swept.wait(swept.desk.cancel_account())
    await swept.run(0.1)

    assert len(states) == 3
    assert {handle.state.status for handle in mine} == {OrdStatus.CANCELED}
    assert theirs.status is OrdStatus.CANCELED
    assert swept.venue.open_orders() == []
    await swept.settled()


async def test_one_request_is_one_request(world):
    """A hundred cancels in a minute run into the limit that one request does not touch."""
    mine, _ = await three_open(world)
    assert isinstance(world.broker, CancelsAll)

    await world.wait(world.desk.cancel_account())

    assert {world.requests["cancel", handle.client_order_id] for handle in mine} == {0}
    await world.settled()


async def test_what_has_not_left_does_not_leave(swept):
    """An order that goes out behind the sweep is the one that hurts."""
    swept.latency = 1.0
    swept.__post_init__()
    await swept.ready()
    await swept.run(5)
    waiting = await swept.submit(symbol="MSFT")
    assert waiting.state.status is OrdStatus.STAGED

    await swept.wait(swept.desk.cancel_account())

    assert waiting.state.status is OrdStatus.CANCELED
    assert not swept.requests["submit", waiting.client_order_id]
    await swept.settled()


async def test_an_order_on_the_wire_is_caught(swept):
    """It arrives after everything was canceled, and rests."""
    await swept.ready()
    await swept.wait((await swept.submit()).done())
    swept.fault("submit", "delay", seconds=3.0)
    flying = await swept.submit(**resting(quantity="2"))
    assert flying.state.status is OrdStatus.PENDING_NEW

    await swept.wait(swept.desk.cancel_account())
    await swept.run(5)

    assert flying.state.status is OrdStatus.CANCELED
    await swept.settled()


@pytest.mark.parametrize("how", ["drop_request", "accept_then_timeout", "accept_late"])
async def test_without_an_answer_it_is_asked_for_again(world, how):
    """A lost request must not be taken for done, nor for refused."""
    mine, theirs = await three_open(world)
    world.fault("cancel_all", how, seconds=1.0)

    await world.wait(world.desk.cancel_account())
    await world.run(10)

    assert {handle.state.status for handle in mine} == {OrdStatus.CANCELED}
    assert theirs.status is OrdStatus.CANCELED
    await world.settled()


@pytest.mark.parametrize("how", ["reject", "not_sent", "rate_limited"])
async def test_refused_as_a_whole_it_goes_one_by_one(world, how):
    """A broker that does not take it in one still takes a cancel of each."""
    mine, theirs = await three_open(world)
    world.fault("cancel_all", how)

    await world.wait(world.desk.cancel_account())
    await world.run(1)

    assert {handle.state.status for handle in mine} == {OrdStatus.CANCELED}
    assert theirs.status is OrdStatus.CANCELED
    assert world.requests["cancel", mine[0].client_order_id] == 1
    await world.settled()


async def test_one_that_the_broker_would_not_cancel_is_told(world):
    """A sweep that says done while one order fills is worse than none."""
    world.pending_steps = 5
    world.__post_init__()
    mine, _ = await three_open(world)
    world.venue.cancel(mine[0].state.broker_order_id)
    sweeping = asyncio.create_task(world.desk.cancel_account())
    await world.run(1)
    world.venue.control.fill(mine[1].state.broker_order_id, D(4), D(90))
    await world.run(10)

    assert sweeping.done()
    assert [handle.state.status for handle in mine] == [OrdStatus.CANCELED, OrdStatus.FILLED]
    await world.settled()


async def test_a_broker_that_answers_no_question_is_asked_to_cancel(world):
    """When it is bad enough to sweep, the books are often the first thing that is gone."""
    mine, theirs = await three_open(world)
    for question in ("open_orders", "executions", "account", "find"):
        world.fault(question, "unavailable", times=40)

    await world.wait(world.desk.cancel_account())
    await world.run(0.5)

    assert world.venue.open_orders() == []
    assert theirs.status is OrdStatus.CANCELED
    assert {handle.state.status for handle in mine} == {OrdStatus.CANCELED}
    await world.settled()


async def test_the_guard_is_asked_first(swept):
    """A sweep of the wrong account cancels somebody else's day."""
    mine, _ = await three_open(swept)
    swept.parts.adapter.executor.endpoint = Mode.LIVE

    with pytest.raises(GuardError):
        await swept.wait(swept.desk.cancel_account())

    assert len(swept.venue.open_orders()) == 3
    swept.parts.adapter.executor.endpoint = BINDING.mode
    assert {handle.state.status for handle in mine} == {OrdStatus.NEW}
    await swept.settled()


async def test_the_cancels_are_recorded_before_they_leave(world):
    """After a crash in the middle nobody would know what was asked."""
    mine, _ = await three_open(world)
    asked = []

    async def cancel_all():
        asked.extend(world.state(h.client_order_id).status for h in mine)
        return []

    world.broker._cancel_all = cancel_all
    sweeping = asyncio.create_task(world.desk.cancel_account())
    await world.run(1)
    await world.crash()
    sweeping.cancel()
    await world.ready()
    await world.run(10)

    assert asked == [OrdStatus.PENDING_CANCEL] * 2
    assert {world.state(h.client_order_id).status for h in mine} == {OrdStatus.CANCELED}
    await world.settled()


async def test_what_the_answer_says_of_others_and_of_what_ended_changes_nothing(world):
    """A broker names what is no more, and what nobody here knows: neither may stop the sweep."""
    mine, _ = await three_open(world)
    ends, stays = (handle.state.broker_order_id for handle in mine)

    async def cancel_all():
        world.venue.cancel(ends)
        world.parts.books.take(_canceled(world, mine[0]))
        return [
            CancelOutcome(BrokerOrderId("nobody's"), None, taken=False, text="not found"),
            CancelOutcome(ends, None, taken=False, text="it is canceled"),
            CancelOutcome(stays, None, taken=False, text="too late"),
        ]

    world.broker._cancel_all = cancel_all
    await world.wait(world.desk.cancel_account())
    await world.run(5)

    assert [h.state.status for h in mine] == [OrdStatus.CANCELED] * 2
    assert world.venue.open_orders() == []
    await world.settled()


def _canceled(world, handle):
    """What the stream says in the moment of the answer."""
    evidence = Evidence(Source.STREAM, "canceled")
    state = handle.state
    now, ids = world.clock.now(), (state.client_order_id, state.broker_order_id)
    return ExecutionReport(ExecType.CANCELED, state.symbol, state.side, evidence, now, *ids)


async def test_a_sweep_that_the_guard_stops_half_way_says_so(world):
    """Half of the account is canceled, and whoever asked believes that all of it is."""
    world.cancels_all = False
    mine, _ = await three_open(world)
    executor = world.parts.adapter.executor
    leaves = world.scene.cancels

    def left(key):
        leaves(key)
        executor.endpoint = Mode.LIVE

    world.scene.cancels = left
    with pytest.raises(GuardError):
        await world.wait(world.desk.cancel_account())
    executor.endpoint, world.scene.cancels = BINDING.mode, leaves

    await world.settled(120)
    assert OrdStatus.CANCELED in {handle.state.status for handle in mine}
