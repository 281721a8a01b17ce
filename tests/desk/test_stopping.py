"""Stopping: nothing new leaves, what is open is treated as told, and nothing stays behind."""

import asyncio

import pytest

from desk.kit import order, resting
from fillwright.errors import (
    DeskClosed,
)
from fillwright.protocols import ClosePolicy
from fillwright.types import OrdStatus


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (ClosePolicy.KEEP, {"DAY", "GTC"}),
        (ClosePolicy.CANCEL_DAY, {"GTC"}),
        (ClosePolicy.CANCEL_ALL, set()),
    ],
)
async def test_each_policy_leaves_what_it_says(world, policy, left):
    """An order that is left open against the policy trades with nobody watching."""
    await world.ready()
    for kind in ("DAY", "GTC"):
        await world.submit(**resting(time_in_force=kind))
    theirs = world.venue.submit(order(**resting(quantity="3")), "by-hand")
    await world.run(1)

    await world.aclose(policy)

    open_there = world.venue.open_orders()
    assert {str(o.time_in_force) for o in open_there if o is not theirs} == left
    assert theirs in open_there
    await world.ready()
    await world.run(5)
    world.every_step()
    world.all_quiet()


async def test_requests_on_the_wire_come_back_first(world):
    """A desk that leaves with a request on the wire leaves a doubt behind for nothing."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()
    await world.wait((await world.submit()).done())
    handle = await world.submit(**resting())
    assert handle.state.status is OrdStatus.PENDING_NEW

    await world.aclose()

    assert handle.state.status is OrdStatus.NEW


async def test_an_order_that_is_on_the_wire_is_cancelled_when_all_are(world):
    """CANCEL_ALL that misses what was just leaving leaves an order alone in the market."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()
    await world.wait((await world.submit()).done())
    await world.submit(**resting())

    await world.aclose(ClosePolicy.CANCEL_ALL)

    assert not world.venue.open_orders()


async def test_what_is_staged_stays_staged(world):
    """Refusing it because the desk stops would end a plan that wants to go on later."""
    await world.ready()
    world.fault("report", "disconnect", seconds=50)
    await world.submit()
    handle = await world.desk.submit(order(intent_id="later", **resting()))
    await world.run(0.1)
    assert handle.state.status is OrdStatus.STAGED
    await world.aclose()
    world.script.clear()

    assert world.requests["submit", handle.client_order_id] == 0
    await world.ready()
    again = await world.desk.submit(order(intent_id="later", **resting()))
    await world.run(1)
    assert again.state.status is OrdStatus.NEW


async def test_nothing_new_leaves_while_it_drains(world):
    """New risk that leaves during the stop is seen by nobody."""
    world.latency = 2.0
    world.__post_init__()
    await world.ready()
    await world.wait((await world.submit()).done())
    await world.submit(**resting())
    late = await world.submit(symbol="KO")
    assert late.state.status is OrdStatus.STAGED
    closing = asyncio.create_task(world.desk.aclose())
    await world.run(0.1)

    with pytest.raises(DeskClosed):
        await world.desk.submit(order(quantity="9"))
    await world.run(20)
    assert closing.done()
    assert world.requests["submit", late.client_order_id] == 0


async def test_a_drain_that_hangs_ends(world):
    """A broker that never answers must not keep the process alive."""
    await world.ready()

    async def hangs(_order):
        await asyncio.get_running_loop().create_future()

    world.parts.adapter.executor.submit = hangs
    handle = await world.submit(**resting())
    await world.aclose()

    assert handle.state.status is OrdStatus.IN_DOUBT


async def test_a_drain_whose_cancel_is_lost_ends_and_tells(world, caplog):
    """What could not be cancelled is told by name."""
    await world.ready()
    handle = await world.submit(**resting())
    world.fault("cancel", "drop_request", times=1000)
    world.fault("report", "drop", times=1000)
    with caplog.at_level("INFO", logger="fillwright"):
        await world.aclose(ClosePolicy.CANCEL_ALL)

    left = [
        r for r in caplog.records if r.msg == "order_left_open" or "order_left_open" in str(r.msg)
    ]
    assert left
    assert handle.client_order_id in " ".join(str(vars(r)) for r in left)


async def test_who_waits_is_told_that_the_desk_closed(world):
    """A wait that never ends hangs the program that embeds the desk."""
    await world.ready()
    handle = await world.submit(**resting())
    waiting = asyncio.create_task(handle.done())
    await world.aclose()

    with pytest.raises(DeskClosed):
        await waiting


async def test_nothing_is_left_behind(world):
    """Tasks and listeners that survive the desk act on an account that nobody watches (I23)."""
    await world.ready()
    await world.submit(**resting())
    await world.submit(symbol="KO")
    await world.run(1)
    desk = world.desk
    await world.aclose(ClosePolicy.CANCEL_ALL)

    assert {t for t in asyncio.all_tasks() if t is not asyncio.current_task()} == set()
    await desk.aclose()
