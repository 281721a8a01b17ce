"""The account's stream through an HTTP proxy, as `[alpaca] proxy` has it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from alpacakit.streaming import KEY, SECRET, Reader
from alpacakit.updates import AlpacaOrder
from alpacakit.wsbroker import PATIENCE, WireBroker
from fillwright.clock import SystemClock
from fillwright.reports import Connected, Disconnected, ExecutionReport
from fillwright.testing import SeededRng
from fillwright_alpaca.socket import connect
from fillwright_alpaca.stream import AlpacaStream
from machines.tunnel import Tunnel

HOST = "paper-api.example"


@asynccontextmanager
async def reading(url: str, proxy: Tunnel) -> AsyncIterator[Reader]:
    """The adapter's own stream, through this proxy."""
    stream = AlpacaStream(
        url,
        SecretStr(KEY),
        SecretStr(SECRET),
        clock=SystemClock(),
        rng=SeededRng(1),
        connect=partial(connect, proxy=proxy.url),
    )
    reader = Reader(stream).start()
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader
    finally:
        await stream.close()


async def test_trade_updates_come_through_the_proxy() -> None:
    """Behind a company's proxy the desk would hear of no fill, or go round the proxy."""
    async with WireBroker() as broker, Tunnel(urlsplit(broker.url).port or 0) as proxy:
        async with reading(f"ws://{HOST}/stream", proxy) as reader:
            await reader.until(1)
            await broker.update(AlpacaOrder().fill("10", "99"))
            await reader.until(2)

            assert isinstance(reader.items[0], Connected)
            assert len(reader.of(ExecutionReport)) == 1
        (head,) = proxy.heads

    assert head.startswith(f"CONNECT {HOST}:80 HTTP/1.1\r\n")
    assert (KEY in head, SECRET in head) == (False, False)


async def test_the_proxy_sees_tls_and_no_key() -> None:
    """A proxy that could read the first frame would have the account."""
    silent = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with silent, Tunnel(silent.sockets[0].getsockname()[1]) as proxy:
        async with reading(f"wss://{HOST}/stream", proxy) as reader:
            await reader.until(1)

            assert isinstance(reader.items[0], Disconnected)
        # A TLS handshake record, and nothing before it.
        assert bytes(proxy.inside[:2]) == b"\x16\x03"
        assert KEY.encode() not in proxy.inside
        assert proxy.heads[0].startswith(f"CONNECT {HOST}:443 ")


@pytest.mark.parametrize("answer", ["407 Proxy Authentication Required", "502 Bad Gateway"])
async def test_a_proxy_that_refuses_is_told_and_not_gone_round(answer: str) -> None:
    """A desk that connects directly then is where its owner did not want it."""
    async with WireBroker() as broker, Tunnel(0, answer) as proxy:
        async with reading(broker.url, proxy) as reader:
            await reader.until(1)

            assert isinstance(reader.items[0], Disconnected)
            assert answer[:3] in reader.items[0].reason
        assert broker.attempts == 0
