"""Faults before the first message: the upgrade of the connection, and the keys."""

import asyncio

import aiohttp
import pytest

from fillwright.testing.paper_server import On
from testing.paper_server.web_tools import SOON, Stream, bench, eventually, fault


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("rate_limited", 429),
        ("unavailable", 503),
        ("bad_gateway", 502),
        ("server_error", 500),
        ("unauthorized", 401),
    ],
)
async def test_the_upgrade_is_refused(kind: str, status: int) -> None:
    """A client that tries again at once and for ever is a storm."""
    async with bench(faults=[fault("connect", kind, times=1)]) as desk:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await desk.http.ws_connect(desk.server.stream_url)
        async with desk.stream():
            pass
        statuses = [seen.status for seen in desk.server.requests.of(On.CONNECT)]

    assert refused.value.status == status
    assert statuses == [status, 101]


async def test_the_upgrade_is_redirected() -> None:
    """A client that follows it tells its keys to another host."""
    async with bench(faults=[fault("connect", "redirect")]) as desk:
        answer = await desk.get("/stream")

    assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")


async def test_the_upgrade_is_reset() -> None:
    """A connection that dies in the handshake is no connection."""
    async with bench(faults=[fault("connect", "drop_reset")]) as desk:
        with pytest.raises(aiohttp.ClientError):
            await desk.http.ws_connect(desk.server.stream_url)


async def test_the_upgrade_hangs() -> None:
    """A client without a limit of its own never gets to the first word."""
    async with bench(faults=[fault("connect", "drop_hang")]) as desk:
        hanging = asyncio.create_task(desk.http.ws_connect(desk.server.stream_url))
        await eventually(lambda: len(desk.server.requests))
        await desk.get("/v2/clock")
        assert not hanging.done()
        hanging.cancel()
        await asyncio.wait([hanging])
        desk.server.faults.clear()
        async with desk.stream():
            pass


async def test_the_upgrade_takes_its_time() -> None:
    """A slow handshake is not a failed one."""
    async with bench(faults=[fault("connect", "delay", seconds=3)]) as desk:
        slow = asyncio.create_task(desk.http.ws_connect(desk.server.stream_url))
        await desk.until(3, slow)
        await (await asyncio.wait_for(slow, SOON)).close()


async def test_the_keys_get_no_answer_or_the_wrong_one() -> None:
    """A client that waits for `authorized` without a limit never finds out."""
    script = [
        fault("authenticate", "drop_hang", nth=1),
        fault("authenticate", "unauthorized", nth=2),
    ]
    async with bench(faults=script) as desk:
        stream = Stream(await desk.http.ws_connect(desk.server.stream_url))
        words = {"action": "auth", "key": desk.account.key, "secret": desk.account.secret}
        await stream.say(**words)
        await stream.say(**words)
        answer = await stream.hear()
        await stream.log_in(desk.account)
        await stream.socket.close()

    assert answer["data"]["status"] == "unauthorized"
