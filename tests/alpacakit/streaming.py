"""The broker's end of the stream without a network, a clock that a test owns, and a reader."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from pydantic import SecretStr

from alpacakit.updates import frame
from fillwright.reports import Connected, Disconnected, ExecutionReport, Gap, Heartbeat, StreamItem
from fillwright.testing import ManualClock, SeededRng
from fillwright_alpaca.socket import SocketClosed
from fillwright_alpaca.stream import AlpacaStream

KEY = "PKCANARYKEY0123456789"
SECRET = "canarysecretcanarysecretcanarysecret"  # noqa: S105  # it is what the tests look for
#: The parts that are looked for: the library cuts a frame that it prints in the middle.
FRAGMENTS = ("PKCANARY", "canarysecret")


class PatientClock(ManualClock):
    """A manual clock that gives a handshake the turns of the loop that it needs."""

    async def settle(self) -> None:
        for _ in range(4):
            await super().settle()


class Unlucky:
    """Chance that always gives the shortest delay."""

    def random(self) -> float:
        return 0.0


class MemorySocket:
    """One connection in memory; implements `Socket`."""

    def __init__(self, broker: "MemoryBroker") -> None:
        self._broker = broker
        self._inbox: deque[bytes | str] = deque()
        self._news = asyncio.Event()
        self._ended = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent: list[dict[str, Any]] = []
        self.pings = 0
        self.closed = False

    # what the stream calls

    async def send(self, text: str) -> None:
        self._check()
        message = json.loads(text)
        self.sent.append(message)
        self._broker.answer(self, message)

    async def receive(self) -> bytes | str:
        while not self._inbox:
            self._check()
            self._news.clear()
            await self._news.wait()
        return self._inbox.popleft()

    async def ping(self) -> None:
        self._check()
        self.pings += 1
        while self._broker.mute:
            self._check()
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        self.drop("closed here")
        self.closed = True
        for task in self._tasks:
            task.cancel()

    # what the broker does

    @property
    def waiting(self) -> int:
        return len(self._inbox)

    def push(self, raw: bytes | str) -> None:
        self._inbox.append(raw)
        self._news.set()

    def drop(self, reason: str = "dropped") -> None:
        self._ended = self._ended or reason
        self._news.set()

    def drop_after(self, seconds: float) -> None:
        self._tasks.add(asyncio.create_task(self._drop_after(seconds)))

    async def _drop_after(self, seconds: float) -> None:
        await self._broker.clock.sleep(seconds)
        self.drop()

    def _check(self) -> None:
        if self._ended:
            raise SocketClosed(self._ended)


class MemoryBroker:
    """What stands at the other end; its attributes say how it behaves."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.sockets: list[MemorySocket] = []
        #: When each attempt was made.
        self.attempts: list[float] = []
        self.most_open = 0
        #: Raises instead of opening.
        self.refusal: Callable[[], Exception] | None = None
        self.hangs = False
        self.mute = False
        self.auth: dict[str, Any] | None = {"status": "authorized", "action": "authenticate"}
        self.streams: list[str] | None = ["trade_updates"]
        #: Called when the subscription is confirmed.
        self.on_listening: Callable[[MemorySocket], None] = lambda _: None

    async def connect(self, url: str) -> MemorySocket:
        assert url == "wss://broker.example/stream"
        self.attempts.append(self.clock.monotonic())
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.refusal is not None:
            raise self.refusal()
        socket = MemorySocket(self)
        self.sockets.append(socket)
        self.most_open = max(self.most_open, sum(not one.closed for one in self.sockets))
        return socket

    @property
    def socket(self) -> MemorySocket:
        return self.sockets[-1]

    def answer(self, socket: MemorySocket, message: dict[str, Any]) -> None:
        if message["action"] == "authenticate":
            wanted = {"key_id": KEY, "secret_key": SECRET}
            assert message["data"] == wanted
            if self.auth is not None:
                self._say(socket, "authorization", self.auth)
        elif message["action"] == "listen" and self.streams is not None:
            self._say(socket, "listening", {"streams": self.streams})
            self.on_listening(socket)

    def update(self, update: dict[str, Any]) -> None:
        self.socket.push(frame(update).encode())

    def revoke(self) -> None:
        """Take the keys back."""
        self.auth = {"status": "unauthorized", "action": "authenticate"}
        self._say(self.socket, "authorization", self.auth)

    def _say(self, socket: MemorySocket, stream: str, data: dict[str, Any]) -> None:
        socket.push(json.dumps({"stream": stream, "data": data}).encode())


class Reader:
    """Reads a stream to its end, as the desk does."""

    def __init__(self, stream: AlpacaStream) -> None:
        self.stream = stream
        self.items: list[StreamItem] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._came = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> "Reader":
        self.task = asyncio.create_task(self._read(), name="reader")
        return self

    async def _read(self) -> None:
        async for item in self.stream.reports():
            self.items.append(item)
            self._came.set()
            await self.gate.wait()

    async def until(self, told: int) -> None:
        """Wait until so many items were told, heartbeats left out."""
        while len(self.told) < told:
            self._came.clear()
            await self._came.wait()

    @property
    def told(self) -> list[str]:
        """The items in a word each, heartbeats left out."""
        return [_short(item) for item in self.items if not isinstance(item, Heartbeat)]

    def of(self, kind: type) -> list[Any]:
        return [item for item in self.items if isinstance(item, kind)]


def _short(item: StreamItem) -> str:
    if isinstance(item, ExecutionReport):
        return str(item.exec_type)
    if isinstance(item, Disconnected):
        return "final" if item.final else "down"
    return {Connected: "up", Gap: "gap"}[type(item)]


class World:
    """A stream, its broker and its reader on one clock."""

    def __init__(self, rng: Any = None) -> None:
        self.clock = PatientClock()
        self.broker = MemoryBroker(self.clock)
        self.stream = AlpacaStream(
            "wss://broker.example/stream",
            SecretStr(KEY),
            SecretStr(SECRET),
            clock=self.clock,
            rng=rng or SeededRng("stream"),
            connect=self.broker.connect,
        )
        self.reader = Reader(self.stream)

    async def __aenter__(self) -> Self:
        self.reader.start()
        await self.clock.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.close()
        if self.reader.task is not None and not self.reader.task.cancelled():
            await asyncio.wait_for(asyncio.wait([self.reader.task]), 10)
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert {task.get_name() for task in left} == set()
        assert all(socket.closed for socket in self.broker.sockets)
        assert self.broker.most_open <= 1

    async def run(self, seconds: float) -> None:
        await self.clock.run_for(seconds)

    async def until(self, told: int) -> None:
        """Let everybody run until so many items were told; the time stands still."""
        for _ in range(20 * told + 1000):
            if len(self.told) >= told:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{len(self.told)} items were told, and not {told}")

    @property
    def told(self) -> list[str]:
        return self.reader.told
