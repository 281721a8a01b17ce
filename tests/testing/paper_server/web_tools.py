"""What the tests of the server's socket half share: a server on a clock of their own, a client."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from fillwright.testing import ManualClock
from fillwright.testing.paper_server import Fault, PaperAccount, PaperServer, PaperServerSettings

#: For what happens at once: generous, since the machine is slow and shared.
SOON = 30.0


async def eventually(reached: Callable[[], object]) -> None:
    """Let the loop run until it is so: servers and clients tell nobody when they got there."""
    async with asyncio.timeout(SOON):
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0)


def settings(**fields: Any) -> PaperServerSettings:
    """A venue whose prices stand still, and that moves only when it is told."""
    calm = {"step": 0, "volatility": "0", "requests_per_minute": 100_000}
    return PaperServerSettings.model_validate(calm | fields)


def fault(on: str, kind: str, **fields: Any) -> Fault:
    return Fault.model_validate({"on": on, "fault": kind, **fields})


def keys(account: PaperAccount) -> dict[str, str]:
    return {"APCA-API-KEY-ID": account.key, "APCA-API-SECRET-KEY": account.secret}


def buy(quantity: int = 1, **fields: Any) -> dict[str, Any]:
    order = {"symbol": "AAPL", "qty": quantity, "side": "buy", "type": "market"}
    return {**order, "time_in_force": "day", **fields}


def resting(name: str, **fields: Any) -> dict[str, Any]:
    """An order far below the market."""
    return buy(type="limit", limit_price=100, client_order_id=name, **fields)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Stream:
    """One client of the stream."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **document: Any) -> None:
        await self.socket.send_json(document)

    async def hear(self) -> Any:
        """The next document; frames must be binary."""
        frame = await asyncio.wait_for(self.socket.receive(), SOON)
        assert frame.type is aiohttp.WSMsgType.BINARY, frame
        return json.loads(frame.data)

    async def event(self) -> Any:
        """The `data` of the next message of trade_updates."""
        heard = await self.hear()
        assert heard["stream"] == "trade_updates", heard
        return heard["data"]

    async def log_in(self, account: PaperAccount) -> None:
        data = {"key_id": account.key, "secret_key": account.secret}
        await self.say(action="authenticate", data=data)
        assert (await self.hear())["data"]["status"] == "authorized"
        await self.say(action="listen", data={"streams": ["trade_updates"]})
        assert (await self.hear())["data"]["streams"] == ["trade_updates"]

    async def ended(self) -> aiohttp.WSMessage:
        """Wait for the end of the connection, however it comes; messages before it are skipped."""
        over = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        while True:
            frame = await asyncio.wait_for(self.socket.receive(), SOON)
            if frame.type in (*over, aiohttp.WSMsgType.CLOSING):
                return frame


@dataclass
class Bench:
    """A running server, a client, and the time in the test's hand."""

    server: PaperServer
    http: aiohttp.ClientSession
    clock: ManualClock

    @property
    def account(self) -> PaperAccount:
        return self.server.account

    async def ask(
        self, method: str, path: str, *, account: PaperAccount | None = None, **more: Any
    ) -> Reply:
        headers = keys(account or self.account) | more.pop("headers", {})
        async with self.http.request(
            method, self.server.url + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            return Reply(answer.status, await answer.read(), answer.headers)

    async def get(self, path: str, **more: Any) -> Reply:
        return await self.ask("GET", path, **more)

    async def submit(self, order: dict[str, Any], **more: Any) -> Reply:
        return await self.ask("POST", "/v2/orders", json=order, **more)

    async def control(self, method: str, path: str, body: Any = None) -> Reply:
        return await self.ask(method, f"/_control{path}", json=body)

    @asynccontextmanager
    async def stream(self, account: PaperAccount | None = None) -> AsyncIterator[Stream]:
        """A client that is logged in and listens."""
        async with self.http.ws_connect(self.server.stream_url) as socket:
            stream = Stream(socket)
            await stream.log_in(account or self.account)
            yield stream

    async def until(self, seconds: float, awaited: "asyncio.Task[Any]") -> None:
        """Let the time pass, once whatever is to wait for it does; `awaited` must still wait."""
        await eventually(lambda: self.clock.sleepers)
        assert not awaited.done()
        self.clock.advance(seconds)


@asynccontextmanager
async def bench(*, faults: Iterable[Fault] = (), **fields: Any) -> AsyncIterator[Bench]:
    clock = ManualClock()
    server = PaperServer(settings(**fields), clock=clock, faults=faults)
    timeout = aiohttp.ClientTimeout(total=SOON)
    # A connection of its own for each request, so that one that dies is nobody else's.
    connector = aiohttp.TCPConnector(force_close=True)
    async with server, aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        yield Bench(server, http, clock)


async def done(desk: Bench, method: str, path: str, body: Any = None) -> Any:
    """What the control endpoint answers to what it can do."""
    answer = await desk.control(method, path, body)
    assert answer.status == 200, answer.body
    return answer.json
