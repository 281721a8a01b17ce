"""Submitting: one order per intent, through the gate, within the limits."""

import asyncio
from datetime import timedelta

import pytest

from desk.kit import LIMITS, D, but, order, resting
from fillwright.errors import (
    DeskBusy,
    DeskClosed,
    IntentConflict,
)
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Scope


async def test_an_order_fills_and_its_handle_says_so(world):
    """The way of most orders: without it nothing else matters."""
    await world.ready()

    handle = await world.submit(quantity="3")
    state = await world.wait(handle.done())

    assert (state.status, state.filled, state.average_price) == ("FILLED", 3, D("100.01"))
    await world.settled()


async def test_a_fill_before_the_ack_is_no_surprise(world):
    """An ack that comes behind its own fill must not bring the order back to NEW."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()

    handle = await world.submit(quantity="3")
    while handle.state.status in (OrdStatus.STAGED, OrdStatus.PENDING_NEW):
        await world.run(0.1)

    assert handle.state.status is OrdStatus.FILLED
    await world.run(2)
    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await world.settled()


async def test_a_request_that_never_left_goes_again_at_once(world):
    """A refused connection proves that nothing left; waiting for the fence loses the moment."""
    await world.ready()
    world.fault("submit", "not_sent", times=2)

    handle = await world.submit(quantity="1")
    state = await world.wait(handle.done())

    assert state.status is OrdStatus.FILLED
    assert world.requests["submit", handle.client_order_id] == 3
    await world.settled()


async def test_a_rejection_is_final_and_has_its_evidence(world):
    """A rejection that is tried again annoys the broker; one without evidence is a guess."""
    await world.ready()
    world.fault("submit", "reject", text="insufficient buying power")

    state = await world.wait((await world.submit()).done())

    assert state.status is OrdStatus.REJECTED
    assert state.text == "insufficient buying power"
    await world.settled()


async def test_the_same_intent_is_the_same_order(world):
    """A caller that retries must not trade twice."""
    await world.ready()
    first, second = await asyncio.gather(
        *(world.desk.submit(order(intent_id="once", **resting())) for _ in range(2))
    )
    await world.run(1)
    third = await world.desk.submit(order(intent_id="once", **resting()))

    assert first is second is third
    assert world.requests["submit", first.client_order_id] == 1
    with pytest.raises(IntentConflict):
        await world.desk.submit(order(intent_id="once", **resting(quantity="2")))


@pytest.mark.parametrize("crash", [True, False])
async def test_the_same_intent_across_a_restart_even_when_it_settled(world, crash):
    """A process that starts again and asks again must not trade again."""
    await world.ready()
    handle = await world.desk.submit(order(intent_id="once", quantity="2"))
    await world.wait(handle.done())
    await world.run(1)
    await (world.crash() if crash else world.aclose())
    await world.ready()

    again = await world.desk.submit(order(intent_id="once", quantity="2"))

    assert again.state.status is OrdStatus.FILLED
    assert again == handle
    assert (await world.desk.find("once")) == handle
    assert world.requests["submit", handle.client_order_id] == 1
    with pytest.raises(IntentConflict):
        await world.desk.submit(order(intent_id="once", quantity="3"))
    await world.settled()


async def test_a_staged_intent_goes_on_when_it_is_asked_for_again(world):
    """What a crash left unsent is sent once when its owner still wants it."""
    world.limits = but(LIMITS, ready_within=60.0)
    await world.ready()
    world.fault("report", "disconnect", seconds=50)
    await world.submit(quantity="1")
    handle = await world.desk.submit(order(intent_id="later", **resting()))
    await world.run(1)
    assert handle.state.status is OrdStatus.STAGED
    await world.crash(keep=100)
    world.script.clear()
    await world.ready()
    await world.run(5)
    assert world.requests["submit", handle.client_order_id] == 0

    again = await world.desk.submit(order(intent_id="later", **resting()))
    await world.run(1)

    assert again.state.status is OrdStatus.NEW
    await world.settled()


async def test_more_orders_than_the_desk_takes_are_refused_unrecorded(world):
    """An unbounded queue fails late and takes everything with it."""
    world.limits = but(LIMITS, max_in_flight=5)
    await world.ready()
    for number in range(5):
        await world.submit(**resting(intent_id=f"o{number}"))
    recorded = world.journal.seq

    with pytest.raises(DeskBusy):
        await world.desk.submit(order(intent_id="one too many"[:3], **resting()))

    assert world.journal.seq == recorded
    known = await world.desk.submit(order(intent_id="o3", **resting()))
    assert known.state.status is OrdStatus.NEW


async def test_settled_orders_make_room_again(world):
    """A desk that counts what is over stops trading after a thousand orders."""
    world.limits = but(LIMITS, max_in_flight=3)
    await world.ready()
    for _ in range(12):
        await world.wait((await world.submit(quantity="1")).done())
        await world.run(1)
    await world.settled()


@pytest.mark.parametrize("word", ["raise", "none"])
async def test_a_check_that_fails_stops_the_order(world, word):
    """A check that raises or says nothing has not allowed anything."""
    await world.ready()

    state = await world.wait((await world.submit(tags=(word,))).done())

    assert state.status is OrdStatus.REFUSED
    assert world.requests.total() == 0


async def test_a_caller_that_goes_away_takes_nothing_with_it(world):
    """Cancelling the task that submitted must neither lose nor repeat the order."""
    world.latency = 0.5
    world.__post_init__()
    await world.ready()

    async def owner():
        handle = await world.desk.submit(order(intent_id="mine", quantity="1"))
        await handle.done()

    task = asyncio.create_task(owner())
    await world.run(0.1)
    task.cancel()
    await world.run(5)

    handle = await world.desk.find("mine")
    assert handle is not None
    assert handle.state.status is OrdStatus.FILLED
    await world.settled()


async def test_two_orders_inside_one_ack_latency_share_the_limit(world):
    """Two orders that each fit and together do not must not both pass."""
    seen = []

    def limit(asked, book):
        held = book.exposure(asked.symbol)
        seen.append(held.open_buys)
        return ALLOW

    world.latency = 1.0
    world.__post_init__()
    world.checks = (
        *world.checks,
        type("Named", (), {"name": "limit", "call": staticmethod(limit)}),
    )
    await world.ready()
    await world.desk.submit(order(**resting(quantity="3")))
    await world.desk.submit(order(**resting(quantity="4")))
    await world.run(0.1)
    await world.desk.submit(order(**resting(quantity="5")))
    await world.run(5)

    assert seen == [0, 3, 7]


async def test_a_closed_desk_takes_nothing(world):
    """An order that is taken and never carried is worse than one refused."""
    await world.ready()
    desk = world.desk
    await world.aclose()

    with pytest.raises(DeskClosed):
        await desk.submit(order())
    with pytest.raises(DeskClosed):
        await desk.cancel("fw-1")


async def test_halted_while_it_waits_for_its_turn(world):
    """A halt that lets through what stands in a queue behind the gate is no halt."""
    await world.ready()
    await world.submit(quantity="1")
    in_a_moment = world.clock.now() + timedelta(seconds=1)
    world.parts.limiter.observe(remaining=0, reset_at=in_a_moment)
    waiting = await world.submit(quantity="1")
    less = await world.submit(side="SELL", quantity="1")
    assert waiting.state.status is OrdStatus.STAGED

    await world.desk.halt(Scope.DESK, reason="test", by="tester")
    await world.run(3)

    assert waiting.state.status is OrdStatus.REFUSED
    assert less.state.status is OrdStatus.FILLED
    assert world.requests["submit", waiting.client_order_id] == 0
