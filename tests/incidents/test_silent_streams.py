"""Silent streams."""

from alpacakit.trial import attempts, trial
from desk.kit import D, open_order, order, resting
from fillwright.testing.paper_server import Fault, On
from fillwright.types import OrdStatus


async def test_lean_tradestation_94(world):
    """LEAN TradeStation #94 and #95: the order stream hung without an error, and fills were missed.

    There: the read never returned, the connection looked well, and no timer watched it.
    Here: no word while an order is out is a reason to read the books, whatever the stream is.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.fault("report", "silent", seconds=3600)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    await world.run(2 * world.limits.silence + 2)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED


async def test_alpaca_py_740():
    """alpaca-py #740: a mute socket, then a storm of reconnects that the server cut off with 429.

    There: the library opened a new connection every few milliseconds, and Alpaca allows one.
    Here: over the real SDK a stream that is cut every second is opened a few times a minute, and
    the fills of that time are booked.
    """
    async with trial() as world:
        handle = await world.submit(**resting(quantity="4"))
        world.quote("AAPL", D(80), size=D(5))
        for _ in range(60):
            world.server.disturb(Fault(on=On.MESSAGE, fault="cut"))
            await world.run(1)

        assert attempts(world) <= 12
        assert handle.state.status is OrdStatus.FILLED
        assert [seen for seen in world.server.requests if seen.status == 429] == []


async def test_lean_alpaca_58(world):
    """LEAN Alpaca #58 and #60: orders left while the update stream was down.

    There: nothing tied the sending of orders to the stream that tells what becomes of them.
    Here: new risk waits for stream and books; what only reduces goes out.
    """
    await world.ready()
    world.fault("report", "disconnect", seconds=3)
    await world.submit()
    waiting = await world.submit(quantity="2")
    reducing = await world.submit(side="SELL", quantity="2")
    await world.run(1)

    assert waiting.state.status is OrdStatus.STAGED
    assert world.requests["submit", waiting.client_order_id] == 0
    assert world.requests["submit", reducing.client_order_id] == 1
    await world.run(10)
    assert waiting.state.status is OrdStatus.FILLED
    await world.settled()


async def test_alpaca_csharp_170(world):
    """alpaca-trade-api-csharp #170: trade updates stopped, and the reconnect brought nothing back.

    There: the socket was opened again, and what had happened in between was never asked for.
    Here: the first thing behind a connect is a comparison with the books.
    """
    await world.ready()
    handle = await open_order(world, quantity="2")
    world.fault("report", "disconnect", seconds=2)
    world.venue.control.cancel(handle.state.broker_order_id)
    await world.run(8)

    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    await world.settled()


async def test_tqsdk_71(world):
    """Tqsdk #71: orders that were given while offline left when the connection came back.

    There: they waited in a queue without an end, and were sent on a decision of hours ago.
    Here: an order waits as long as the limits say, is refused then, and is never sent later.
    """
    await world.ready()
    world.fault("report", "disconnect", seconds=600)
    await world.submit()
    waiting = await world.desk.submit(order(quantity="2"))
    await world.run(30)
    refused = waiting.state.status
    await world.run(900)

    assert refused is OrdStatus.REFUSED
    assert world.requests["submit", waiting.client_order_id] == 0
    await world.settled(120)
