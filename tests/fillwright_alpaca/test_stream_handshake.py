"""Before the stream stands: who it says it is, what it asks for, and when it gives up."""

import pytest

from alpacakit.streaming import Reader, World
from alpacakit.updates import AlpacaOrder
from fillwright_alpaca.socket import UpgradeRefused

TEN_MINUTES = 600.0
#: What the stream promises: 6 at once and 6 a minute.
MOST_IN_TEN_MINUTES = 66


def _attempts_of(world: World) -> list[float]:
    return world.broker.attempts


# ---------------------------------------------------------------------- handshake


async def test_updates_come_behind_connected():
    """A desk that trades before the stream stands flies blind (LEAN-Alpaca #58)."""
    async with World() as world:
        world.broker.update(AlpacaOrder().event("new"))
        await world.clock.settle()

        assert world.told == ["up", "NEW"]
        assert [m["action"] for m in world.broker.socket.sent] == ["authenticate", "listen"]


async def test_connected_waits_for_the_listening_ack():
    """A connection that listens to nothing looks like a quiet account."""
    world = World()
    world.broker.streams = None
    async with world:
        await world.run(9.9)
        assert world.told == []
        await world.run(0.2)

        (down,) = world.reader.items
        assert "subscribing took longer than 10 s" in down.reason
        assert world.broker.sockets[0].closed


@pytest.mark.parametrize("streams", [[], ["account_updates"], "trade_updates"])
async def test_the_listening_ack_must_name_trade_updates(streams):
    """An unknown stream is left out of the ack without a word; the SDK never looks."""
    world = World()
    world.broker.streams = streams
    async with world:
        assert world.told == ["down"]
        assert "did not subscribe" in world.reader.items[0].reason

        world.broker.streams = ["trade_updates"]
        await world.run(2)
        assert world.told == ["down", "up"]


async def test_each_step_is_bounded():
    """A server that accepts and says nothing must not hold the desk for ever."""
    world = World()
    world.broker.hangs = True
    async with world:
        await world.run(10.1)
        world.broker.hangs, world.broker.auth = False, None
        await world.run(12)

        assert [item.reason for item in world.reader.items] == [
            "opening the stream took longer than 10 s",
            "authenticating took longer than 10 s",
        ]


async def test_what_comes_before_the_ack_does_not_break_it():
    """A frame between question and answer must not be taken for the answer."""
    world = World()
    world.broker.on_listening = lambda socket: None
    world.broker.streams = None
    async with world:
        for raw in ("not json", "[]", '{"stream": "other"}'):
            world.broker.socket.push(raw)
        world.broker.socket.push(
            '[{"stream": "listening", "data": {"streams": ["trade_updates"]}}]'
        )
        await world.clock.settle()

        assert world.told == ["up"]


async def test_an_answer_to_the_keys_that_cannot_be_read_is_tried_again():
    """A garbled answer is no proof that the keys are wrong: the desk must not stand down."""
    world = World()
    world.broker.auth = {"status": "later"}
    async with world:
        assert world.told == ["down"]

        world.broker.auth = {"status": "authorized"}
        await world.run(2)
        assert world.told == ["down", "up"]


# ---------------------------------------------------------------------- keys


async def test_wrong_keys_are_tried_once():
    """The SDK hammers on with wrong keys for ever, and an account can be locked for that."""
    world = World()
    world.broker.auth = {"status": "unauthorized", "action": "authenticate"}
    async with world:
        await world.run(TEN_MINUTES)

        assert world.told == ["final"]
        assert len(_attempts_of(world)) == 1
        assert world.broker.socket.closed
        reason = world.reader.items[0].reason
        assert "broker.example refused the keys" in reason
        assert "paper and live" in reason


@pytest.mark.parametrize("status", [401, 403])
async def test_keys_refused_on_upgrade(status):
    """A proxy in front may refuse the keys before the stream does."""
    world = World()
    world.broker.refusal = lambda: UpgradeRefused(status)
    async with world:
        await world.run(TEN_MINUTES)

        assert world.told == ["final"]
        assert len(_attempts_of(world)) == 1
        assert f"HTTP {status}" in world.reader.items[0].reason


async def test_keys_revoked_in_mid_session():
    """A stream without rights sends nothing, which looks like a quiet account."""
    async with World() as world:
        world.broker.revoke()
        await world.run(TEN_MINUTES)

        assert world.told == ["up", "final"]
        assert len(_attempts_of(world)) == 1


async def test_updates_before_the_keys_were_revoked_are_not_lost():
    """The last fill before the end counts like every other."""
    async with World() as world:
        world.broker.update(AlpacaOrder().fill("10", "99"))
        world.broker.revoke()
        await world.clock.settle()

        assert world.told == ["up", "TRADE", "final"]


async def test_a_new_reader_of_a_stream_that_stood_down_is_told_why():
    """The desk opens an iterator again; that must not be one more request."""
    world = World()
    world.broker.auth = {"status": "unauthorized"}
    async with world:
        again = Reader(world.stream).start()
        await world.run(60)

        assert again.told == ["final"]
        assert len(_attempts_of(world)) == 1
        assert world.reader.task.done()


async def test_a_subscription_that_is_taken_away_ends_the_connection():
    """A connection that is no longer subscribed looks like a quiet account."""
    async with World() as world:
        world.broker.socket.push('{"stream": "listening", "data": {"streams": []}}')
        await world.run(2)

        assert world.told == ["up", "down", "up"]
