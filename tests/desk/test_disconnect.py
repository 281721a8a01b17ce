"""C38, cancel on disconnect: what becomes of open orders while nobody hears of them."""

from dataclasses import replace

import pytest

from desk.kit import LIMITS, D, open_order
from fillwright.protocols import OnDisconnect
from fillwright.types import OrdStatus


async def outage(world, policy, seconds=60.0):
    """An opening buy and a reducing sell rest; then the stream goes down for so long."""
    world.limits = replace(LIMITS, on_disconnect=policy, disconnect_after=5.0)
    await world.ready()
    opening = await open_order(world, quantity="2")
    closing = await open_order(world, side="SELL", limit_price="150", quantity="2")
    world.fault("report", "disconnect", seconds=seconds)
    world.venue.control.fill(closing.state.broker_order_id, D(1), D(150))
    await world.run(1)
    assert "stream" in world.desk.obstacles
    return opening, closing


def cancels(world):
    return sum(n for (kind, _), n in world.requests.items() if kind == "cancel")


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (OnDisconnect.KEEP, ["open", "open"]),
        (OnDisconnect.CANCEL_OPENING, ["gone", "open"]),
        (OnDisconnect.CANCEL, ["gone", "gone"]),
    ],
)
async def test_an_outage_that_lasts_cancels_what_the_policy_says(world, policy, left):
    """Orders whose fills nobody hears are flown blind; but what closes may be wanted most then."""
    handles = await outage(world, policy)
    await world.run(20)
    at_venue = {one.client_order_id for one in world.venue.open_orders()}

    assert ["open" if h.client_order_id in at_venue else "gone" for h in handles] == left
    assert cancels(world) == left.count("gone")
    await world.settled(120)


async def test_a_short_outage_cancels_nothing(world):
    """Streams break every day; a reconnect in time saves every order."""
    handles = await outage(world, OnDisconnect.CANCEL, seconds=3.0)
    await world.run(20)

    assert cancels(world) == 0
    assert all(not handle.state.ended for handle in handles)


async def test_an_outage_is_swept_once(world):
    """What is sent later, to take risk off, must not be taken away again."""
    await outage(world, OnDisconnect.CANCEL)
    await world.run(10)
    later = await world.submit(side="SELL", limit_price="150", type="LIMIT", quantity="1")
    await world.run(20)

    assert cancels(world) == 2
    assert later.state.status is OrdStatus.NEW


async def test_each_outage_is_swept(world):
    """The second one is no better than the first."""
    await outage(world, OnDisconnect.CANCEL, seconds=8.0)
    await world.run(20)
    await open_order(world, quantity="1")
    world.fault("report", "disconnect", seconds=30)
    await world.submit(symbol="KO", side="SELL", quantity="1")
    await world.run(20)

    assert cancels(world) == 3


async def test_an_order_on_its_way_is_canceled_once_it_is_found(world):
    """What was in doubt when the line broke is open when it comes back."""
    world.limits = replace(LIMITS, on_disconnect=OnDisconnect.CANCEL, disconnect_after=5.0)
    await world.ready()
    world.fault("submit", "accept_then_timeout")
    doubtful = await world.submit(type="LIMIT", limit_price="90", quantity="2")
    world.fault("report", "disconnect", seconds=20)
    await world.submit(symbol="KO", side="SELL", quantity="1")
    await world.run(60)

    assert doubtful.state.status is OrdStatus.CANCELED
    await world.settled(120)
