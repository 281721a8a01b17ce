"""Duplicates after timeouts."""

import asyncio

import pytest

from alpacakit.world import AlpacaWorld
from desk.kit import LIMITS, but, resting, with_dedup
from fillwright.protocols import Dedup
from fillwright.testing.paper_server import On
from fillwright.types import OrdStatus


async def test_hummingbot_493(world):
    """Hummingbot #493: a timeout was read as a failure, and the next order doubled the position.

    There: the connector dropped an order whose answer timed out. The exchange had taken it, the
    strategy placed another, and both filled.
    Here: the order is in doubt, its symbol takes no new risk, and it is found by its id.
    """
    await world.ready()
    world.fault("submit", "accept_then_timeout", seconds=1.0)
    world.fault("report", "drop", times=5)
    first = await world.submit(**resting())
    doubtful = await world.wait(first.decided())
    second = await world.submit(**resting(limit_price="89"))
    await world.run(2)

    assert doubtful.status is OrdStatus.IN_DOUBT
    assert second.state.status is OrdStatus.REFUSED
    assert first.state.status is OrdStatus.NEW
    assert len(world.venue.orders()) == 1
    await world.settled()


async def test_catalyst_315(world):
    """Catalyst #315 and #317: after a read timeout it ordered again, and both were executed.

    There: the request's exception was taken for proof that nothing was placed, so the loop sent
    the same order once more, with a new identity.
    Here: the same decision is the same order, however often the program asks for it.
    """
    await world.ready()
    world.fault("submit", "accept_then_timeout", seconds=1.0)
    handles = [await world.submit(quantity="3", intent_id="bar-17") for _ in range(4)]
    await world.run(10)

    assert len({handle.client_order_id for handle in handles}) == 1
    assert world.state(handles[0].client_order_id).filled == 3
    assert len(world.venue.orders()) == 1
    await world.settled()


async def test_poloniex_109(world):
    """python-poloniex #109: the library's own retry repeated a buy whose answer was late.

    There: every command went through one retry decorator, trades included.
    Here: one attempt is one request, and a question, not a second order, follows a timeout.
    """
    await world.ready()
    world.fault("submit", "accept_then_reset", seconds=1.0)
    handle = await world.submit()
    await world.run(10)

    assert world.requests["submit", handle.client_order_id] == 1
    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await world.settled()


async def test_blue_collar_gdax_1(world):
    """blue_collar_gdax #1: a buy that timed out and was repeated came through twice.

    There: the first request had only been slow; it arrived after the second.
    Here: the second request carries the id of the first, so the late one makes no second order.
    """
    await world.ready()
    world.fault("submit", "accept_late", seconds=8.0)
    handle = await world.submit(**resting())
    await world.run(20)

    assert world.requests["submit", handle.client_order_id] == 2
    assert len(world.venue.orders()) == 1
    assert handle.state.status is OrdStatus.NEW
    await world.settled()


async def test_reya_55(world):
    """Reya SDK #55: a fresh nonce for each retry turned one order into five.

    There: what the exchange would have known as a repetition was signed anew each time.
    Here: the id belongs to the decision and is on the disk before the first byte leaves; every
    request carries it.
    """
    world.limits = but(LIMITS, send_deadline=120.0)
    await world.ready()
    world.fault("submit", "drop_request", times=4)
    handle = await world.submit(**resting())
    await world.run(90)

    sent = {name: count for (kind, name), count in world.requests.items() if kind == "submit"}
    assert sent == {handle.client_order_id: 5}
    assert len(world.venue.orders()) == 1
    await world.settled()


async def test_kalshi_135(world):
    """Kalshi starter #135: the order id was drawn inside the retry loop.

    There: the exchange refuses a repeated id, and never saw one repeated.
    Here: the id follows from account and decision alone, so that a new process names it again.
    """
    await world.ready()
    before = await world.submit(**resting(intent_id="decision"))
    await world.crash()
    await world.ready()
    after = await world.submit(**resting(intent_id="decision"))
    await world.run(5)

    assert after.client_order_id == before.client_order_id
    assert len(world.venue.orders()) == 1
    await world.settled()


async def test_nautilus_4152(world):
    """NautilusTrader #4152: an answer that proved nothing was reported as a rejection.

    There: a submit that failed on the way back became REJECTED while the order stood at the venue.
    Here: only the broker's word makes REJECTED; the order is in doubt until its books show it.
    """
    await world.ready()
    world.fault("submit", "accept_then_reset", seconds=0.5)
    handle = await world.submit(**resting())
    await world.run(10)

    seen = [change.after.status for change in world.changes if change.after]
    assert OrdStatus.REJECTED not in seen
    assert handle.state.status is OrdStatus.NEW
    await world.settled()


async def test_nautilus_4215(world):
    """NautilusTrader #4215: a retry that was already planned went out after the order was accepted.

    There: the stream had confirmed the order, the planned retry was not called off, and the
    duplicate's refusal was booked on the good order.
    Here: the stream's word ends the doubt and with it every further request.
    """
    await world.ready()
    world.fault("submit", "accept_then_timeout", seconds=1.0)
    world.fault("report", "delay", seconds=1.5)
    handle = await world.submit(**resting())
    await world.run(20)

    assert world.requests["submit", handle.client_order_id] == 1
    assert handle.state.status is OrdStatus.NEW
    await world.settled()


async def test_nautilus_3879(world):
    """NautilusTrader #3879: retries for an order in flight piled up at the venue.

    There: each check of an unanswered order started another attempt, beside those under way.
    Here: at a broker that refuses no repeated id an order is sent once; a person decides the rest.
    """
    world.capabilities = with_dedup(Dedup.TAG_ONLY)
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    await world.run(120)

    assert handle.state.status is OrdStatus.MANUAL
    assert world.requests["submit", handle.client_order_id] == 1


async def test_alpaca_py_504():
    """alpaca-py's retry on 504: the SDK posts an order again when the gateway gives up waiting.

    There: a 504 says nothing about the order behind the gateway, and the SDK repeats the request
    by itself, three times.
    Here: the SDK's retries are off, one request reaches the server, and the order is found.
    """
    world = AlpacaWorld()
    await world.begin()
    try:
        await world.ready()
        world.fault("submit", "accept_then_504")
        handle = await world.submit(**resting())
        await world.run(10)

        assert len(world.server.requests.of(On.SUBMIT)) == 1
        assert handle.state.status is OrdStatus.NEW
    finally:
        await world.end()


@pytest.mark.parametrize("deadline", [1.0, 60.0])
async def test_ibx_116(world, deadline):
    """Ibx #116: an order that was sent while the connection went down vanished without a word.

    There: the caller got an order object, the broker got nothing, and nobody ever said so.
    Here: behind the fence it goes again under its id, or past its deadline ends as ABANDONED.
    """
    world.limits = but(LIMITS, send_deadline=deadline)
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    await world.run(30)

    ended = OrdStatus.ABANDONED if deadline == 1.0 else OrdStatus.NEW
    assert handle.state.status is ended
    assert handle.state.evidence is not None
    await world.settled()


async def test_openalice_91(world):
    """OpenAlice #91: a check that could not see an order placed it again, three times over.

    There: the retry looked for the order in a list that did not contain its kind.
    Here: many callers of one decision share one order, also while nothing is known of it.
    """
    await world.ready()
    world.fault("submit", "accept_late", seconds=3.0)
    callers = [world.submit(**resting(intent_id="stop-loss")) for _ in range(3)]
    handles = await asyncio.gather(*callers)
    await world.run(20)

    assert len({handle.client_order_id for handle in handles}) == 1
    assert len(world.venue.orders()) == 1
    await world.settled()
