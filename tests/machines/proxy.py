"""A TCP proxy on this machine that does to connections what networks do, by a plan.

1. Each fault strikes once: at a byte of the next chunk that goes its way on its kind of connection.
2. What a fault did to a connection stays done; `heal` only takes back what has not struck yet.
3. Nothing is repeated or made up: what is told of a request is what the client really sent.
"""

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

#: Closing with this sends a reset, and no goodbye.
_LINGER = struct.pack("ii", 1, 0)
#: Seconds of real time that a delayed chunk waits: longer than anything here takes by itself.
_DELAY = 0.03


class Kind(StrEnum):
    """What happens at the byte."""

    #: The rest of the chunk is lost, and both sides are told goodbye.
    TRUNCATE = "truncate"
    #: The same, with a reset in place of the goodbye.
    RESET = "reset"
    #: The receiver is told that no more comes; the other way stays open.
    HALF_CLOSE = "half_close"
    #: From here on everything is taken, both ways, and nothing passed on.
    MUTE = "mute"
    #: From here on what the client sent is held back until it has gone, and then delivered.
    LATE = "late"
    #: The rest comes later, in order.
    DELAY = "delay"
    #: The rest comes byte by byte.
    DRIP = "drip"
    #: The next connection is accepted and reset.
    REFUSE = "refuse"


class Way(StrEnum):
    """Which way the bytes go."""

    UP = "up"
    DOWN = "down"


class On(StrEnum):
    """What kind of connection it is, by its first line."""

    REST = "rest"
    STREAM = "stream"


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: Kind
    way: Way = Way.UP
    on: On = On.REST
    #: Chunks of that way and kind of connection that pass before it.
    skip: int = 0
    #: The byte of the chunk, beginning anew behind its end.
    at: int = 0


def drawn(chance: random.Random, kinds: Sequence[Kind] = tuple(Kind)) -> Fault:
    """Any fault of these kinds."""
    kind = chance.choice(kinds)
    return Fault(
        kind,
        # An answer cannot come when nobody is there: only what goes up can be late.
        Way.UP if kind is Kind.LATE else chance.choice(tuple(Way)),
        On.STREAM if kind is not Kind.LATE and chance.random() < 0.3 else On.REST,
        # Connections are fewer than chunks.
        chance.randrange(2 if kind is Kind.REFUSE else 12),
        chance.randrange(2000),
    )


class _Side(asyncio.Protocol):
    """One end of a connection: what it receives goes to the link."""

    def __init__(self, link: "_Link", way: Way) -> None:
        self._link = link
        self._way = way
        self.transport: asyncio.Transport | None = None
        #: What came before there was anywhere to send it, and what was to become of it then.
        self._early: list[bytes] = []
        self._then: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._way is Way.UP:
            self._link.begin()
        for data in self._early:
            transport.write(data)
        self._then()

    def data_received(self, data: bytes) -> None:
        self._link.heard(self._way, data)

    def eof_received(self) -> bool:
        self._link.ended(self._way)
        return True  # the other way may still be open

    def connection_lost(self, _exc: Exception | None) -> None:
        self._link.lost(self._way)

    def write(self, data: bytes) -> None:
        """Send it on, as soon as there is a connection."""
        if self.transport is None:
            self._early.append(data)
        elif not self.transport.is_closing():
            self.transport.write(data)

    def end(self) -> None:
        """Say that no more comes this way."""
        if self.transport is None:
            self._then = self.end
        elif not self.transport.is_closing():
            with suppress(OSError):
                self.transport.write_eof()

    def close(self) -> None:
        """Say goodbye."""
        if self.transport is None:
            self._then = self.close
        else:
            self.transport.close()

    def reset(self) -> None:
        """End it without a goodbye."""
        if self.transport is None:
            self._then = self.reset
            return
        with suppress(OSError):
            carrier = self.transport.get_extra_info("socket")
            carrier.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self.transport.abort()


class _Link:
    """One client and its connection to the server."""

    def __init__(self, proxy: "FaultProxy") -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self.client = _Side(self, Way.UP)
        self.server = _Side(self, Way.DOWN)
        self._on: On | None = None
        self._muted: set[Way] = set()
        #: From which nothing more comes.
        self._over: set[Way] = set()
        self._held: list[bytes] | None = None
        #: Chunks that wait their time, each way in its order.
        self._waiting: Counter[Way] = Counter()

    def begin(self) -> None:
        if self._proxy.refuses():
            self.client.reset()
            return
        self._proxy.links.add(self)
        self._proxy.connect(self.server, self)

    def heard(self, way: Way, data: bytes) -> None:
        if way is Way.UP:
            self._on = self._on or (On.STREAM if data.startswith(b"GET /stream") else On.REST)
            self._proxy.count(data)
            if self._held is not None:
                self._held.append(data)
                return
        fault = self._proxy.strikes(way, self._on)
        if fault is None:
            self._pass(way, data)
            return
        at = fault.at % (len(data) + 1)
        # What is held back is held back whole.
        self._pass(way, b"" if fault.kind is Kind.LATE else data[:at])
        self._struck(fault, way, data if fault.kind is Kind.LATE else data[at:])

    def ended(self, way: Way) -> None:
        self._over.add(way)
        if way is Way.UP and self._held is not None:
            self._deliver()
        self._to(way).end()
        if len(self._over) == len(Way):
            self.client.close()
            self.server.close()

    def lost(self, way: Way) -> None:
        if way is Way.UP and self._held is not None:
            self._deliver()
        self._to(way).close()
        self._proxy.links.discard(self)

    def _deliver(self) -> None:
        """The client has given it up; the network has not."""
        for data in self._held or ():
            self.server.write(data)
        self._held = None

    def _struck(self, fault: Fault, way: Way, rest: bytes) -> None:
        match fault.kind:
            case Kind.TRUNCATE:
                self._muted |= set(Way)
                self.client.close()
                self.server.close()
            case Kind.RESET:
                self._muted |= set(Way)
                # What was passed on before has to be on its way first.
                self._loop.call_soon(self.client.reset)
                self._loop.call_soon(self.server.reset)
            case Kind.HALF_CLOSE:
                self._muted.add(way)
                self._to(way).end()
            case Kind.MUTE:
                self._muted |= set(Way)
            case Kind.LATE:
                self._held = [rest]
            case Kind.DELAY:
                self._later(way, [rest], _DELAY)
            case Kind.DRIP:
                self._later(way, [rest[n : n + 1] for n in range(len(rest))], 0.0)

    def _later(self, way: Way, pieces: list[bytes], seconds: float) -> None:
        for number, piece in enumerate(pieces, 1):
            self._waiting[way] += 1
            self._loop.call_later(seconds + number * 1e-6, self._due, way, piece)

    def _due(self, way: Way, piece: bytes) -> None:
        self._waiting[way] -= 1
        self._send(way, piece)

    def _pass(self, way: Way, data: bytes) -> None:
        if self._waiting[way]:
            self._later(way, [data], _DELAY)  # behind those that wait
        else:
            self._send(way, data)

    def _send(self, way: Way, data: bytes) -> None:
        if way not in self._muted and data:
            self._to(way).write(data)

    def _to(self, way: Way) -> _Side:
        return self.server if way is Way.UP else self.client


class FaultProxy:
    """Listen on this machine and pass everything on to `host:port`, but for what the plan says."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._plan: list[Fault] = []
        self._listener: asyncio.Server | None = None
        self._connecting: set[asyncio.Task[object]] = set()
        self.links: set[_Link] = set()
        #: What has struck, in order.
        self.struck: list[Fault] = []
        #: Requests by method and path, as the client sent them, whatever became of them.
        self.requests: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Link(self).client, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        for link in list(self.links):
            link.client.reset()
            link.server.reset()
        for task in list(self._connecting):
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        # The transports tell their protocols of the end in the loop's next rounds.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    @property
    def place(self) -> str:
        """Where it listens."""
        assert self._listener is not None
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    def arm(self, *faults: Fault) -> None:
        """Have these strike from now on, each when its time comes."""
        self._plan.extend(faults)

    def heal(self) -> None:
        """Let nothing more go wrong."""
        self._plan.clear()

    def owns(self, task: "asyncio.Task[object]") -> bool:
        """Whether a task is the proxy's, which outlives every desk."""
        return task in self._connecting

    def refuses(self) -> bool:
        """Whether the connection that comes now is refused."""
        found = next((f for f in self._plan if f.kind is Kind.REFUSE), None)
        return found is not None and self._takes(found)

    def strikes(self, way: Way, on: On | None) -> Fault | None:
        """The fault that strikes this chunk; each one that waits is a chunk nearer."""
        for fault in self._plan:
            fits = (fault.way, fault.on) == (way, on) and fault.kind is not Kind.REFUSE
            if fits and self._takes(fault):
                return fault
        return None

    def count(self, data: bytes) -> None:
        """Note a request by its first line."""
        line, _, _ = data.partition(b"\r\n")
        if line.endswith(b" HTTP/1.1"):
            method, path, _ = line.decode("ascii", "replace").split(" ", 2)
            self.requests[f"{method} {path.partition('?')[0]}"] += 1

    def connect(self, server: _Side, link: "_Link") -> None:
        """Connect a new link to the server."""
        loop = asyncio.get_running_loop()

        async def connected() -> None:
            try:
                await loop.create_connection(lambda: server, *self._to)
            except OSError:
                link.client.reset()

        task: asyncio.Task[object] = loop.create_task(connected())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _takes(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            return False
        self._plan.remove(fault)
        self.struck.append(fault)
        return True
