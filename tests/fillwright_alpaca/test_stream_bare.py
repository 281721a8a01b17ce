"""What alpaca-py's own stream does where ours does better: the reasons why it is not used.

Three of its ways cannot be shown here in a few seconds:
- a dead peer is noticed after up to 190 s (a ping every 10 s, 180 s for its pong), ours in 13 s;
- `stop()` from within its own handler never returns, and takes the thread that asks with it;
- before 0.44 one bad message ended all reading, with the socket still open.
"""

import asyncio
import json
import logging
import warnings

import pytest

from alpacakit.streaming import KEY, SECRET
from alpacakit.updates import AlpacaOrder
from alpacakit.wsbroker import PATIENCE, HastyClock, WireBroker, WireWorld

with warnings.catch_warnings():
    # It still imports the legacy client of websockets, which says so.
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.trading.stream import TradingStream


class Bare:
    """The SDK's stream, run as its manual advises within a loop."""

    def __init__(self, broker: WireBroker, secret: str = SECRET, *, raw: bool = False) -> None:
        self.stream = TradingStream(KEY, secret, raw_data=raw, url_override=broker.url)
        self.heard = []
        self.came = asyncio.Event()

    async def _handle(self, update):
        self.heard.append(update)
        self.came.set()

    async def __aenter__(self):
        self.stream.subscribe_trade_updates(self._handle)
        self.task = asyncio.create_task(self.stream._run_forever())
        return self

    async def __aexit__(self, *_):
        while not self.task.done():
            # More than once: where it is in the middle of closing, it swallows a cancellation.
            self.task.cancel()
            await asyncio.wait([self.task], timeout=0.2)
        await self.stream.close()


async def _until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # the SDK tells nobody when anything happens
            await asyncio.sleep(0.01)


async def test_wrong_keys():
    """It goes on for ever and tells nobody; ours asks once and says what to do."""
    async with WireBroker() as broker, Bare(broker, "wrong") as bare:
        await _until(lambda: broker.authenticated >= 2)

        assert not bare.task.done()
        assert bare.heard == []
    async with WireWorld(HastyClock(200)) as world:
        world.broker.auth = "unauthorized"
        assert await world.told(1) == ["final"]
        await world.clock.sleep(60)
        assert world.broker.authenticated == 1


async def test_a_subscription_that_was_not_taken():
    """It believes that it listens; ours says that it does not."""
    async with WireBroker() as broker:
        broker.streams = []
        listening = asyncio.Event()

        async def note(_):
            listening.set()

        broker.on_listening = note
        async with Bare(broker) as bare:
            await asyncio.wait_for(listening.wait(), PATIENCE)
            await _until(lambda: bare.stream._running)

            assert not bare.task.done()
    world = WireWorld()
    world.broker.streams = []
    async with world:
        assert await world.told(1) == ["down"]


@pytest.mark.parametrize("what", ["status", "list"])
async def test_a_message_that_it_does_not_know(what):
    """It logs a traceback and loses the fill; ours books it."""
    order = AlpacaOrder()
    odd, plain = order.fill("3", "99"), order.fill("7", "99")
    odd["order"]["status"] = "a_new_status" if what == "status" else odd["order"]["status"]
    for update in (odd, plain):
        update["order"] |= {"asset_id": None}
    text = '{"stream": "trade_updates", "data": %s}'

    async def both(broker):
        first = text % json.dumps(odd)
        await broker.send(broker.connection, f"[{first}]" if what == "list" else first)
        await broker.send(broker.connection, text % json.dumps(plain))

    async with WireBroker() as broker, Bare(broker) as bare:
        await _until(lambda: bare.stream._running)
        await both(broker)
        await asyncio.wait_for(bare.came.wait(), PATIENCE)

        assert [update.qty for update in bare.heard] == [7.0]
    async with WireWorld() as world:
        await world.told(1)
        await both(world.broker)
        assert await world.told(3) == ["up", "TRADE", "TRADE"]


async def test_a_reconnect():
    """It tells nobody that updates may be missing; ours does, and the desk compares the books."""
    async with WireBroker() as broker, Bare(broker) as bare:
        await _until(lambda: bare.stream._running)
        await broker.connection.close()
        await _until(lambda: len(broker.open) == 2 and bare.stream._running)

        assert bare.heard == []
    async with WireWorld(HastyClock(10)) as world:
        await world.told(1)
        await world.broker.connection.close()
        assert await world.told(3) == ["up", "down", "up"]


async def test_stopping():
    """It waits for up to five seconds; ours says goodbye and is gone."""
    async with WireBroker() as broker, Bare(broker, raw=True) as bare:
        await _until(lambda: bare.stream._running)
        await broker.update(AlpacaOrder().event("new"))
        await asyncio.wait_for(bare.came.wait(), PATIENCE)
        for _ in range(20):
            await asyncio.sleep(0)  # on to the next wait for a message
        await bare.stream.stop_ws()
        done, _ = await asyncio.wait([bare.task], timeout=0.5)

        assert not done
    async with WireWorld() as world:
        await world.told(1)
        await asyncio.wait_for(world.stream.close(), PATIENCE)
        assert world.reader.task.done() or await asyncio.wait_for(world.reader.task, 1) is None


async def test_the_keys_in_the_log(caplog):
    """At DEBUG the library prints the frame with the keys; ours gives it a logger that cannot."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "websockets.client")
    async with WireBroker() as broker, Bare(broker) as bare:
        await _until(lambda: bare.stream._running)

    # It cuts the frame in the middle; the end of the secret stands there all the same.
    assert SECRET[-12:] in caplog.text
    caplog.clear()
    async with WireWorld() as world:
        await world.told(1)
    assert SECRET[-12:] not in caplog.text
