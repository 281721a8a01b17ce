"""The stream over real sockets: the library's own ways of failing, and what must never be shown."""

import asyncio
import gc
import logging
import socket
import traceback

import pytest
from pydantic import SecretStr

from alpacakit.streaming import FRAGMENTS, KEY, SECRET, Reader
from alpacakit.updates import AlpacaOrder, frame
from alpacakit.wsbroker import PATIENCE, HastyClock, WireBroker, WireWorld
from fillwright.clock import SystemClock
from fillwright.reports import Disconnected, Gap, Heartbeat
from fillwright.testing import SeededRng
from fillwright_alpaca.frames import MAX_FRAME
from fillwright_alpaca.socket import MAX_MESSAGE, SocketClosed, connect
from fillwright_alpaca.stream import AlpacaStream


@pytest.mark.parametrize("binary", [True, False])
async def test_text_and_binary_frames(binary):
    """The paper endpoint sends JSON in binary frames; nobody has shown what the live one sends."""
    world = WireWorld()
    world.broker.binary = binary
    order = AlpacaOrder()
    async with world:
        assert await world.told(1) == ["up"]
        await world.broker.update(order.event("new"))
        await world.broker.update(order.fill("10", "99"))

        assert await world.told(3) == ["up", "NEW", "TRADE"]


async def test_wrong_keys_make_one_request():
    """Keys that are refused again and again may be locked."""
    world = WireWorld(HastyClock(200))
    world.secret = SecretStr("wrong-secret")
    async with world:
        assert await world.told(1) == ["final"]
        await world.clock.sleep(120)

        assert (world.broker.attempts, world.broker.authenticated) == (1, 1)
        assert len(world.reader.items) == 1


@pytest.mark.parametrize(
    ("status", "word"), [(401, "final"), (403, "final"), (429, "down"), (502, "down")]
)
async def test_refused_upgrades(status, word):
    """Before the stream stands, HTTP says what is wrong."""
    world = WireWorld()
    world.broker.status = status
    async with world:
        assert await world.told(1) == [word]
        assert f"HTTP {status}" in world.reader.items[0].reason


async def test_redirects_are_not_followed():
    """The keys go to the host that was configured, and to no other."""
    world = WireWorld()
    async with WireBroker() as other:
        world.broker.status = 302
        world.broker.headers = {"Location": other.url}
        async with world:
            assert await world.told(1) == ["down"]

            assert "HTTP 302" in world.reader.items[0].reason
            assert other.attempts == 0


async def test_a_refused_connection_is_told():
    """Nothing listens there: the desk must know why it cannot trade."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}/stream"
        stream = AlpacaStream(
            url, SecretStr(KEY), SecretStr(SECRET), clock=SystemClock(), rng=SeededRng(1)
        )
        reader = Reader(stream).start()
        async with asyncio.timeout(PATIENCE):
            await reader.until(1)
        await stream.close()

    assert "cannot connect" in reader.items[0].reason
    assert isinstance(reader.items[0], Disconnected)


async def test_the_environment_names_no_proxy(monkeypatch):
    """A proxy that somebody exported once would get the keys in an unencrypted session."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "socks_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    async with WireWorld() as world:
        assert await world.told(1) == ["up"]


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_dropped_connection_is_opened_anew(how):
    """What happens while nobody listens is found by the comparison behind `Connected`."""
    async with WireWorld(HastyClock(10)) as world:
        await world.told(1)
        if how == "close":
            await world.broker.connection.close()
        else:
            world.broker.connection.transport.abort()

        assert await world.told(3) == ["up", "down", "up"]


async def test_a_half_open_connection_is_noticed():
    """A peer that vanished without a goodbye holds the socket open for minutes."""
    async with WireWorld(HastyClock(10)) as world:
        await world.told(1)
        world.broker.connection.transport.pause_reading()

        # How soon is measured on a clock of our own, in `test_stream_reading.py`.
        assert await world.told(2) == ["up", "down"]
        assert "ping" in world.reader.of(Disconnected)[0].reason


async def test_pongs_are_heartbeats():
    """The desk must be able to tell a quiet account from a dead line."""
    async with WireWorld(HastyClock(50)) as world:
        await world.told(1)
        await world.clock.sleep(60)

        assert len(world.reader.of(Heartbeat)) >= 3


async def test_frames_that_are_too_large():
    """What fills the memory ends the desk; what is only odd must not end the stream."""
    async with WireWorld(HastyClock(10)) as world:
        await world.told(1)
        await world.broker.connection.send(b'{"stream": "%s"}' % (b"x" * MAX_FRAME))
        assert await world.told(2) == ["up", "gap"]
        await world.broker.connection.send(b" " * (MAX_MESSAGE + 1))

        assert await world.told(4) == ["up", "gap", "down", "up"]
        assert "too big" in world.reader.of(Disconnected)[0].reason


async def test_bad_utf_8_in_a_text_frame_does_not_end_the_connection():
    """The library closes the connection over it, and what comes meanwhile is lost."""
    async with WireWorld() as world:
        await world.told(1)
        connection = world.broker.connection
        connection.protocol.send_text(b'{"stream": "\xff"}')
        connection.send_data()
        await world.broker.update(AlpacaOrder().event("new"))

        assert await world.told(3) == ["up", "gap", "NEW"]
        assert isinstance(world.reader.items[1], Gap)


async def test_a_slow_reader_makes_the_peer_wait():
    """Whatever a busy desk leaves unread must neither be lost nor fill the memory."""
    count = 1500
    async with WireWorld() as world:
        await world.told(1)
        world.reader.gate.clear()
        order = AlpacaOrder(quantity=str(count))
        # More than the kernel takes in for us: 30 MB.
        texts = [frame(order.fill("1", "99", pad="x" * 20_000)) for _ in range(count)]

        async def send_all():
            for text in texts:
                await world.broker.send(world.broker.connection, text)

        sending = asyncio.create_task(send_all())
        _, pending = await asyncio.wait([sending], timeout=1.0)
        assert pending, "the peer could send all that nobody read"
        world.reader.gate.set()
        await sending

        assert await world.told(count + 1) == ["up", *["TRADE"] * count]


@pytest.mark.parametrize("mute", [False, True])
async def test_close_is_quick_and_leaves_nothing(mute):
    """The SDK takes up to five seconds to stop; a socket that is left holds the one slot."""
    async with WireBroker() as broker:
        stream = AlpacaStream(
            broker.url, SecretStr(KEY), SecretStr(SECRET), clock=SystemClock(), rng=SeededRng(1)
        )
        before = asyncio.all_tasks()
        reader = Reader(stream).start()
        async with asyncio.timeout(PATIENCE):
            await reader.until(1)
        if mute:
            broker.connection.transport.pause_reading()
        began = SystemClock().monotonic()
        await stream.close()
        took = SystemClock().monotonic() - began
        await reader.task
        servers = {one for one in asyncio.all_tasks() if "websockets" in repr(one)}

        assert took < 4
        assert asyncio.all_tasks() - before - servers == set()


async def test_a_close_that_is_cut_short_drops_the_connection():
    """A goodbye to a mute peer that nobody waits for must not leave the socket open."""
    async with WireBroker() as broker:
        opened = await connect(broker.url)
        broker.connection.transport.pause_reading()
        closing = asyncio.create_task(opened.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])

        assert opened._connection.transport.is_closing()
        await opened._connection.wait_closed()


# ---------------------------------------------------------------------- secrets


async def test_a_secret_is_nowhere(caplog, capfd):
    """A key in a log, an alert or a bug report is a key in somebody else's hands."""
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client", "websockets.protocol", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context))

    async def slam(connection):
        connection.transport.abort()

    items = []
    for change in ("nothing", "slam", "wrong", "revoked", "status"):
        world = WireWorld(HastyClock(10))
        if change == "slam":
            world.broker.on_open = slam
        if change == "wrong":
            world.broker.auth = "unauthorized"
        if change == "status":
            world.broker.status = 401
        async with world:
            await world.told(1)
            if change == "nothing":
                await world.broker.connection.close(1008, f"no more {SECRET}")
                await world.told(2)
            if change == "revoked":
                await world.broker.send(
                    world.broker.connection,
                    '{"stream": "authorization", "data": {"status": "unauthorized"}}',
                )
                await world.told(2)
            items += world.reader.items
            items.append(repr(vars(world.stream)))
    gc.collect()
    loop.set_debug(False)
    out, err = capfd.readouterr()

    for secret in FRAGMENTS:
        assert secret not in caplog.text
        assert secret not in repr([record.args for record in caplog.records])
        assert secret not in repr(items)
        assert secret not in repr(told)
        assert secret not in out + err
    assert len(items) > 8


async def test_a_secret_is_in_no_traceback_and_none_of_its_locals():
    """Error reporters send the local variables of every frame along."""
    async with WireBroker() as broker:
        stream = AlpacaStream(
            broker.url, SecretStr(KEY), SecretStr(SECRET), clock=SystemClock(), rng=SeededRng(1)
        )
        ended = await connect(broker.url)
        await ended.close()
        with pytest.raises(SocketClosed) as caught:
            await stream._authenticate(ended)

        for fault in (caught.value, caught.value.__context__, caught.value.__cause__):
            if fault is not None:
                told = traceback.TracebackException.from_exception(fault, capture_locals=True)
                text = "".join(told.format())
                assert "_authenticate" in text
                assert [part for part in FRAGMENTS if part in text] == []
        await stream.close()
