"""The account's trade updates, over our own client on the websockets library.

alpaca-py's `TradingStream` swallows refused keys, never checks what it listens to and cannot be
observed when it reconnects (`tests/fillwright_alpaca/test_stream_bare.py` shows each of them).

Rules:
1. `Connected` is told when the broker confirmed that it sends trade updates, not before.
2. Refused keys end everything: one attempt, one sentence, and silence until somebody acts.
3. One connection at a time: the socket before is closed before the next one is opened.
4. A peer that answers no ping is noticed. One that answers pings and sends no updates cannot be
   told from a quiet account here: the desk asks the broker's books when it hears nothing.
5. Every wait goes through the injected clock, and no frame of ours is ever logged or raised.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import NoReturn
from urllib.parse import urlsplit

from pydantic import SecretStr

from fillwright.errors import FillwrightError
from fillwright.logs import redact, register_secret
from fillwright.protocols import Clock, Rng
from fillwright.reports import Connected, Disconnected, Gap, Heartbeat, StreamItem
from fillwright_alpaca.frames import messages
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.messages import Raw, Unreadable
from fillwright_alpaca.socket import (
    Connect,
    Socket,
    SocketClosed,
    SocketError,
    UpgradeRefused,
    connect,
)
from fillwright_alpaca.updates import Updates
from fillwright_alpaca.waiting import Handover, Pace, TooLate, let_go, within

TRADE_UPDATES = "trade_updates"
#: Each step of the handshake takes at most so many seconds.
STEP_WITHIN = 10.0
#: A ping so many seconds after the pong before, and its own pong so many seconds later at the
#: latest: a mute peer is noticed within 13 s.
PING_EVERY = 5.0
PONG_WITHIN = 8.0
#: A connection that stood so many seconds, or carried an update, was no failure.
PROVEN_AFTER = 60.0
#: Items that wait for a slow reader before the socket is left unread.
MOST_WAITING = 64
_UNAUTHORIZED = frozenset({401, 403})
_TOO_MANY = 429


class _KeysRefused(FillwrightError):
    """The broker does not accept these keys."""


class AlpacaStream:
    """Implement `TradingStream` for one Alpaca account.

    It reconnects by itself, with full jitter between 0.5 s and 30 s and never more often than
    6 + 6 m times in any m minutes, whatever the other side does.
    """

    def __init__(  # noqa: PLR0913  # the ports, and what it is told
        self,
        url: str,
        key: SecretStr,
        secret: SecretStr,
        *,
        clock: Clock,
        rng: Rng,
        connect: Connect = connect,
        orders: KnownOrders | None = None,
    ) -> None:
        self._url = url
        self._key = key
        self._secret = secret
        self._clock = clock
        self._connect = connect
        self._updates = Updates(orders)
        self._pace = Pace(clock, rng)
        self._socket: Socket | None = None
        self._pump: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        #: Why nothing more is tried; empty while it is.
        self._stood_down = ""
        #: Frames that came on this connection, and whether one of them waits for the reader.
        self._heard = 0
        self._reader_is_behind = False
        for hidden in (key, secret):
            register_secret(hidden.get_secret_value())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stream holds keys and is not copied or pickled")

    async def reports(self) -> AsyncIterator[StreamItem]:
        """Yield what happens; a new reader ends the one before."""
        await self._stop()
        if self._closed.is_set():
            return
        out: Handover[StreamItem] = Handover(MOST_WAITING)
        pump = asyncio.create_task(self._run(out), name="alpaca-stream")
        pump.add_done_callback(lambda _: out.end())
        self._pump = pump
        try:
            while (item := await out.get()) is not None:
                yield item
        finally:
            await self._end(pump)
        if not pump.cancelled():
            pump.result()

    async def close(self) -> None:
        """Stop, and end the iterator; no task and no socket is left."""
        self._closed.set()
        await self._stop()

    async def _stop(self) -> None:
        """End the reader that there is, and every other that came while that one ended."""
        while (pump := self._pump) is not None:
            await self._end(pump)

    async def _end(self, pump: asyncio.Task[None]) -> None:
        """End one reader, its socket closed; one that came behind it goes on."""
        await let_go(pump)
        if self._pump is pump:
            self._pump = None

    # ------------------------------------------------------------------ connections

    async def _run(self, out: Handover[StreamItem]) -> None:
        """One connection after the other, until cancelled."""
        while not self._stood_down:
            await self._pace.wait()
            try:
                await self._session(out)
            except _KeysRefused as fault:
                self._stood_down = str(fault)
            except (SocketError, TooLate) as fault:
                await out.put(Disconnected(redact(str(fault)), self._clock.now()))
        await out.put(Disconnected(self._stood_down, self._clock.now(), final=True))
        await self._closed.wait()

    async def _session(self, out: Handover[StreamItem]) -> NoReturn:
        """One connection from its opening to its end, which it raises."""
        since = None
        try:
            socket = await within(self._clock, STEP_WITHIN, "opening the stream", self._open())
            await self._handshake(socket)
            since = self._clock.monotonic()
            await out.put(Connected(self._clock.now()))
            await self._follow(socket, out)
        finally:
            if since is not None and self._clock.monotonic() - since >= PROVEN_AFTER:
                self._pace.proved()
            await self._hang_up()

    async def _open(self) -> Socket:
        try:
            socket = await self._connect(self._url)
        except UpgradeRefused as fault:
            raise self._refused(fault) from None
        # Kept at once: a wait that ends in the same moment would lose the socket, still open.
        self._socket = socket
        return socket

    async def _hang_up(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    def _refused(self, fault: UpgradeRefused) -> FillwrightError:
        if fault.status in _UNAUTHORIZED:
            return self._keys_refused(f"HTTP {fault.status}")
        if fault.status == _TOO_MANY:
            return SocketClosed(
                "HTTP 429: the account has its one stream connection open elsewhere; "
                "stop the other program, or wait until the broker drops a dead connection"
            )
        return fault

    def _keys_refused(self, how: str) -> _KeysRefused:
        return _KeysRefused(
            f"{urlsplit(self._url).hostname} refused the keys ({how}): check that key and secret "
            "are current and belong to this endpoint (paper and live have their own), "
            "then start again"
        )

    # ------------------------------------------------------------------ handshake

    async def _handshake(self, socket: Socket) -> None:
        """Authenticate and subscribe; each step is confirmed by the broker in bounded time."""
        await within(self._clock, STEP_WITHIN, "authenticating", self._authenticate(socket))
        await within(self._clock, STEP_WITHIN, "subscribing", self._listen(socket))

    async def _authenticate(self, socket: Socket) -> None:
        try:
            await socket.send(self._auth_frame())
        except SocketError as fault:
            reason = str(fault)
        else:
            await self._ack(socket, "authorization")
            return
        # Out of the handler: the traceback of the fault passes the frame with the keys.
        raise SocketClosed(reason)

    def _auth_frame(self) -> str:
        keys = {
            "key_id": self._key.get_secret_value(),
            "secret_key": self._secret.get_secret_value(),
        }
        return json.dumps({"action": "authenticate", "data": keys})

    async def _listen(self, socket: Socket) -> None:
        await socket.send(json.dumps({"action": "listen", "data": {"streams": [TRADE_UPDATES]}}))
        await self._ack(socket, "listening")

    async def _ack(self, socket: Socket, stream: str) -> None:
        """Wait for the answer on `stream`.

        An update that comes before it is dropped: the books are read behind `Connected`.
        """
        while True:
            for message in _readable(await socket.receive()):
                self._check(message)
                if message.get("stream") == stream:
                    return

    def _check(self, message: Raw) -> None:
        """Hold what the broker says of our rights against what we need, whenever it says it."""
        data = message.get("data")
        said = data if isinstance(data, dict) else {}
        if message.get("stream") == "authorization":
            if said.get("status") == "unauthorized":
                raise self._keys_refused("unauthorized")
            if said.get("status") != "authorized":
                raise SocketClosed("the broker's answer to our keys cannot be read")
        if message.get("stream") == "listening":
            streams = said.get("streams")
            if not isinstance(streams, list) or TRADE_UPDATES not in streams:
                raise SocketClosed("the broker did not subscribe this connection to trade updates")

    # ------------------------------------------------------------------ reading

    async def _follow(self, socket: Socket, out: Handover[StreamItem]) -> NoReturn:
        """Read until the connection ends."""
        frame = asyncio.create_task(socket.receive())
        beat = asyncio.create_task(self._beat(socket))
        try:
            while True:
                await asyncio.wait((frame, beat), return_when=asyncio.FIRST_COMPLETED)
                if frame.done():
                    came = frame.result()
                    self._heard += 1
                    frame = asyncio.create_task(socket.receive())
                    for item in self._items(came):
                        await self._pass(item, out)
                else:
                    alive = beat.result()
                    beat = asyncio.create_task(self._beat(socket))
                    if alive:
                        await self._pass(Heartbeat(self._clock.now()), out)
        finally:
            await let_go(frame, beat)

    async def _pass(self, item: StreamItem, out: Handover[StreamItem]) -> None:
        self._reader_is_behind = True
        try:
            await out.put(item)
        finally:
            self._reader_is_behind = False

    async def _beat(self, socket: Socket) -> bool:
        """Whether the peer showed that it lives. Raises `TooLate` when it did not, and could have.

        While our own reader is behind, a pong may wait behind frames that wait for it.
        """
        await self._clock.sleep(PING_EVERY)
        heard = self._heard
        try:
            await within(self._clock, PONG_WITHIN, "the answer to a ping", socket.ping())
        except TooLate:
            if heard == self._heard and not self._reader_is_behind:
                raise
        else:
            return True
        return heard != self._heard

    def _items(self, frame: bytes | str) -> Iterator[StreamItem]:
        now = self._clock.now()
        try:
            found = messages(frame)
        except Unreadable as fault:
            yield Gap(str(fault), now)
            return
        for message in found:
            self._check(message)
            stream = message.get("stream")
            if stream == TRADE_UPDATES:
                self._pace.proved()
                yield from self._updates.take(message.get("data"), now)
            elif isinstance(stream, str) and stream != "error":
                # Not of orders: those come as trade updates alone.
                yield Heartbeat(now)
            else:
                yield Gap("the broker reports an error, or a message without its stream", now)


def _readable(frame: bytes | str) -> list[Raw]:
    try:
        return messages(frame)
    except Unreadable:
        return []
