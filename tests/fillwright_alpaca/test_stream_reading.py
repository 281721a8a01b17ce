"""While the stream stands: silence, slow readers, odd frames, and its end."""

import asyncio
import copy
import pickle

import pytest

from alpacakit.streaming import SECRET, Reader, World
from alpacakit.updates import AlpacaOrder
from fillwright.reports import Connected, Disconnected, Heartbeat
from fillwright_alpaca.socket import SocketClosed, UpgradeRefused

TEN_MINUTES = 600.0
#: What the stream promises: 6 at once and 6 a minute.
MOST_IN_TEN_MINUTES = 66


def _attempts_of(world: World) -> list[float]:
    return world.broker.attempts


# ---------------------------------------------------------------------- silence


async def test_a_quiet_account_stays_connected():
    """Ten minutes without an order are no reason to reconnect, and the desk knows it is alive."""
    async with World() as world:
        await world.run(TEN_MINUTES)

        assert world.told == ["up"]
        assert 100 <= len(world.reader.of(Heartbeat)) <= 120
        assert world.broker.socket.pings == len(world.reader.of(Heartbeat))


async def test_a_mute_socket_is_noticed_within_15_seconds():
    """The SDK waits 190 s for a dead peer: three minutes of fills that nobody hears."""
    async with World() as world:
        await world.run(61)
        world.broker.mute = True
        muted = world.clock.now()
        await world.run(15)

        (down,) = world.reader.of(Disconnected)
        assert (down.at - muted).total_seconds() <= 15
        assert "ping" in down.reason
        assert world.broker.sockets[0].closed


async def test_a_mute_socket_is_opened_anew():
    """Having noticed, the stream must come back by itself."""
    async with World() as world:
        world.broker.mute = True
        await world.run(13.1)
        world.broker.mute = False
        await world.run(2)

        assert world.told == ["up", "down", "up"]


async def test_a_peer_that_talks_is_alive():
    """A pong that is late behind a burst of fills must not cut the burst off."""
    async with World() as world:
        world.broker.mute = True
        order = AlpacaOrder(quantity="100")
        for _ in range(60):
            world.broker.update(order.fill("1", "99"))
            await world.run(1)

        assert world.told == ["up", *["TRADE"] * 60]


# ---------------------------------------------------------------------- readers


async def test_a_slow_reader_loses_nothing():
    """Fills that are dropped because a reader was busy are the worst kind: silent."""
    async with World() as world:
        world.reader.gate.clear()
        order = AlpacaOrder(quantity="1000")
        for _ in range(500):
            world.broker.update(order.fill("1", "99"))
        await world.run(60)
        held = 500 - world.broker.socket.waiting
        world.reader.gate.set()
        await world.until(501)

        assert held < 100, "a reader that stopped must not fill the memory"
        assert world.told == ["up", *["TRADE"] * 500]


async def test_a_slow_reader_does_not_look_like_a_mute_peer():
    """Behind unread frames a pong cannot be seen: that says nothing against the peer."""
    async with World() as world:
        world.reader.gate.clear()
        world.broker.mute = True
        order = AlpacaOrder(quantity="1000")
        for _ in range(100):
            world.broker.update(order.fill("1", "99"))
        for _ in range(20):
            await world.clock.settle()  # all that there is room for is taken in
        await world.run(TEN_MINUTES)
        world.broker.mute = False
        world.reader.gate.set()
        await world.until(101)
        await world.clock.settle()
        assert world.reader.of(Heartbeat) == [], "nothing was heard that proves it alive either"
        await world.run(30)

        assert world.told == ["up", *["TRADE"] * 100]


async def test_a_slow_reader_that_left_excuses_no_mute_peer():
    """What held for the reader before must not blind the one that follows."""
    async with World() as world:
        world.reader.gate.clear()
        order = AlpacaOrder(quantity="1000")
        for _ in range(100):
            world.broker.update(order.fill("1", "99"))
        for _ in range(20):
            await world.clock.settle()
        again = Reader(world.stream).start()
        await world.run(1)
        world.broker.mute = True
        await world.run(15)

        assert again.told[:2] == ["up", "down"]
        world.reader.gate.set()


async def test_a_reader_that_is_cancelled_leaves_nothing():
    """A socket that stays open keeps the account's one connection from the next reader."""
    async with World() as world:
        world.reader.task.cancel()
        await world.clock.settle()

        assert world.reader.task.cancelled()
        assert world.broker.socket.closed
        assert len(asyncio.all_tasks()) == 1


async def test_a_reader_that_breaks_off_leaves_nothing():
    """The loop over reports may end in the middle."""
    world = World()

    found = await _first_of(world.stream)
    await world.clock.settle()

    assert isinstance(found, Connected)
    assert world.broker.socket.closed
    assert len(asyncio.all_tasks()) == 1


async def _first_of(stream):
    async for item in stream.reports():
        return item
    return None


async def test_a_new_reader_ends_the_one_before():
    """Two connections of one account push each other out in turns."""
    async with World() as world:
        again = Reader(world.stream).start()
        await world.clock.settle()
        third, fourth = Reader(world.stream).start(), Reader(world.stream).start()
        await world.clock.settle()
        await world.run(5)

        assert world.reader.task.done()
        assert again.task.done()
        assert third.task.done() != fourth.task.done()
        assert world.broker.most_open == 1


async def test_close_from_within_the_loop_over_reports():
    """The SDK deadlocks when it is stopped by its own handler."""
    world = World()
    seen = []
    async for item in world.stream.reports():
        seen.append(item)
        await world.stream.close()

    assert [type(item) for item in seen] == [Connected]
    assert world.broker.socket.closed
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("moment", ["opening", "authenticating", "back-off", "stood down", "slow"])
async def test_close_at_any_moment(moment):
    """A desk that cannot stop is killed, and what is killed does not cancel its orders."""
    world = World()
    world.broker.hangs = moment == "opening"
    if moment == "authenticating":
        world.broker.auth = None
    if moment == "back-off":
        world.broker.refusal = lambda: UpgradeRefused(503)
    if moment == "stood down":
        world.broker.refusal = lambda: UpgradeRefused(401)
    if moment == "slow":
        world.reader.gate.clear()
    async with world:
        await world.run(0.2)
        await asyncio.wait_for(world.stream.close(), 10)
        world.reader.gate.set()
        await asyncio.wait_for(world.reader.task, 10)

    assert [item async for item in world.stream.reports()] == []


async def test_a_fault_of_our_own_is_not_swallowed():
    """A stream that dies in silence is a stream that says nothing happened."""
    world = World()
    world.broker.refusal = lambda: ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        _ = [item async for item in world.stream.reports()]


# ---------------------------------------------------------------------- frames


async def test_unreadable_frames_are_gaps_and_the_stream_goes_on():
    """The SDK before 0.44 never read again after one bad message."""
    async with World() as world:
        bad = ("garbage", b"\xff\xfe", '{"data": 1}', '{"stream": "trade_updates"}', "7")
        for raw in (*bad, '{"stream": "error", "data": {"error": "slow down"}}'):
            world.broker.socket.push(raw)
        world.broker.socket.push('{"stream": "news"}')
        world.broker.update(AlpacaOrder().event("new"))
        await world.clock.settle()

        assert world.told == ["up", *["gap"] * 6, "NEW"]
        assert len(world.reader.of(Heartbeat)) == 1


async def test_what_was_seen_is_remembered_over_a_reconnect():
    """A fill that was missed in between must not be mistaken for the next one."""
    async with World() as world:
        order = AlpacaOrder()
        world.broker.update(order.fill("1", "99"))
        await world.clock.settle()
        world.broker.socket.drop()
        order.fill("1", "98")  # nobody hears it
        await world.run(2)
        world.broker.update(order.fill("1", "97"))
        await world.clock.settle()

        assert world.told == ["up", "TRADE", "down", "up", "gap", "ORDER_STATUS"]


async def test_frames_before_the_drop_are_read_to_the_last():
    """The fill that came with the goodbye counts."""
    async with World() as world:
        order = AlpacaOrder()
        world.broker.update(order.fill("1", "99"))
        world.broker.update(order.fill("9", "99"))
        world.broker.socket.drop()
        await world.clock.settle()

        assert world.told == ["up", "TRADE", "TRADE", "down"]


# ---------------------------------------------------------------------- secrets


async def test_a_server_that_echoes_the_keys_does_not_spread_them():
    """A reason goes into logs and alerts, whoever wrote it."""
    world = World()
    world.broker.refusal = lambda: SocketClosed(f"bad key {SECRET}")
    async with world:
        await world.run(2)
        world.broker.refusal = None
        await world.run(10)
        world.broker.socket.push(SECRET)
        await world.clock.settle()

        assert "[redacted]" in world.reader.items[0].reason
        assert world.told[-1] == "gap"
        assert SECRET not in repr(world.reader.items)


def test_the_stream_is_not_copied():
    """A pickle of a stream is a file with the keys in it."""
    stream = World().stream

    for spread in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds keys"):
            spread(stream)
    assert SECRET not in repr(stream)
