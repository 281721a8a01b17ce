"""The broker's end of the stream as a real websocket server on loopback, and a clock in a hurry."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Self

from pydantic import SecretStr
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from alpacakit.streaming import KEY, SECRET, Reader
from alpacakit.updates import frame
from fillwright.clock import SystemClock
from fillwright.protocols import Clock
from fillwright.testing import SeededRng
from fillwright_alpaca.stream import AlpacaStream

#: For what must happen at all; the machine may be slow.
PATIENCE = 30.0


class HastyClock:
    """Time that runs `times` as fast as the machine's."""

    def __init__(self, times: float) -> None:
        self._times = times
        self._began = time.monotonic()

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 15, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._times

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._times)


async def _nothing(_: ServerConnection) -> None:
    pass


class WireBroker:
    """A server that speaks the stream's protocol; its attributes say how it behaves."""

    def __init__(self) -> None:
        #: Attempts to open the stream, refused ones too, and those that sent their keys.
        self.attempts = 0
        self.authenticated = 0
        self.open: list[ServerConnection] = []
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.auth = "authorized"
        self.streams = ["trade_updates"]
        self.binary = True
        self.on_open: Callable[[ServerConnection], Awaitable[None]] = _nothing
        self.on_listening: Callable[[ServerConnection], Awaitable[None]] = _nothing
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        # A logger of its own: the server, too, would print the keys that it gets.
        silent = logging.Logger("silent")  # noqa: LOG001  # nobody can switch it on by its name
        silent.disabled = True
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._process,
            logger=silent,
            ping_interval=None,
            close_timeout=0.2,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        for connection in self.open:
            connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/stream"

    @property
    def connection(self) -> ServerConnection:
        return self.open[-1]

    async def update(self, update: dict[str, Any]) -> None:
        await self.send(self.connection, frame(update))

    async def send(self, connection: ServerConnection, text: str) -> None:
        await connection.send(text.encode() if self.binary else text)

    def _process(self, connection: ServerConnection, _: Request) -> Response | None:
        self.attempts += 1
        if self.status is None:
            return None
        response = connection.respond(HTTPStatus(self.status), "no\n")
        response.headers.update(self.headers)
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        self.open.append(connection)
        await self.on_open(connection)
        try:
            async for raw in connection:
                await self._answer(connection, json.loads(raw))
        except ConnectionClosed:
            pass

    async def _answer(self, connection: ServerConnection, message: dict[str, Any]) -> None:
        if message["action"] == "authenticate":
            self.authenticated += 1
            right = message["data"] == {"key_id": KEY, "secret_key": SECRET}
            data = {"status": self.auth if right else "unauthorized", "action": "authenticate"}
            await self._say(connection, "authorization", data)
        elif message["action"] == "listen":
            await self._say(connection, "listening", {"streams": self.streams})
            await self.on_listening(connection)

    async def _say(self, connection: ServerConnection, stream: str, data: dict[str, Any]) -> None:
        await self.send(connection, json.dumps({"stream": stream, "data": data}))


class WireWorld:
    """A stream over real sockets, with a reader."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.broker = WireBroker()
        self.key, self.secret = SecretStr(KEY), SecretStr(SECRET)

    async def __aenter__(self) -> Self:
        await self.broker.__aenter__()
        rng = SeededRng("wire")
        self.stream = AlpacaStream(
            self.broker.url, self.key, self.secret, clock=self.clock, rng=rng
        )
        self.reader = Reader(self.stream).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.close()
        assert self.reader.task is not None
        await asyncio.wait_for(asyncio.wait([self.reader.task]), PATIENCE)
        await self.broker.__aexit__()

    async def told(self, count: int) -> list[str]:
        """The first so many items in a word each, heartbeats left out."""
        async with asyncio.timeout(PATIENCE):
            await self.reader.until(count)
        return self.reader.told[:count]
