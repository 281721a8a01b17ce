"""The seam between the stream and the wire: a socket that a simulation can stand in for.

Rules:
1. Nothing here looks at a clock: whoever waits bounds the wait, and cancels what takes too long.
2. Nothing here logs: the library would print every frame, and the first one holds the keys.
3. A frame comes as it was sent; what cannot be decoded is for the reader to say.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websockets_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from fillwright.errors import FillwrightError, fault_text

#: A frame above this many bytes ends the connection: a trade update has a few thousand.
MAX_MESSAGE = 4 * 2**20
#: Frames that wait here for a slow reader before the peer is made to wait.
MAX_WAITING = 128
#: How long the peer may take to answer our goodbye, in seconds of the library's own clock.
CLOSE_WITHIN = 1.0


class SocketError(FillwrightError):
    """The stream's connection failed."""


class Unreachable(SocketError):
    """No connection came about."""


class UpgradeRefused(SocketError):
    """The server answered with an HTTP status instead of opening the stream."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the server refused to open the stream: HTTP {status}")


class SocketClosed(SocketError):
    """The connection ended."""


class Socket(Protocol):
    """One open connection. Every method but `close` raises `SocketClosed` once it ended."""

    async def send(self, text: str) -> None:
        """Send one text frame."""

    async def receive(self) -> bytes | str:
        """Wait for the next frame; cancelling the wait loses none."""

    async def ping(self) -> None:
        """Send a ping and return when its pong came."""

    async def close(self) -> None:
        """Let go, within a second or two even of a peer that is mute; never raises."""


#: Opens a connection to a URL. Raises `Unreachable` or `UpgradeRefused`.
Connect = Callable[[str], Coroutine[Any, Any, Socket]]


class _Mute(logging.Logger):
    """A logger that nobody can switch on: the library prints frames at DEBUG."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: ARG002, N802  # the library's name
        """No level is."""
        return False

    def handle(self, record: logging.LogRecord) -> None:
        """Drop it."""


class _Direct(websockets_connect):
    """Connect to the host that was named, and to no other."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Follow nothing: a redirect would carry the keys to a host that nobody allowed."""
        return exc


class WebSocket:
    """Implement `Socket` over the websockets library."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """Send one text frame."""
        try:
            await self._connection.send(text)
        except ConnectionClosed as fault:
            reason = _why(fault)
        else:
            return
        # Out of the handler: the library's traceback holds the frame that was to be sent.
        raise SocketClosed(reason)

    async def receive(self) -> bytes:
        """Wait for the next frame, text frames as bytes too: bad UTF-8 must not end the stream."""
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as fault:
            raise SocketClosed(_why(fault)) from None

    async def ping(self) -> None:
        """Send a ping and return when its pong came."""
        try:
            pong = await self._connection.ping()
            await pong
        except ConnectionClosed as fault:
            raise SocketClosed(_why(fault)) from None

    async def close(self) -> None:
        """Say goodbye, and drop the connection whether or not that was answered."""
        try:
            await self._connection.close()
        finally:
            self._connection.transport.abort()


async def connect(url: str, *, proxy: str | None = None) -> Socket:
    """Open a connection over the websockets library; its own timers and retries are all off.

    Raises `Unreachable` or `UpgradeRefused`.
    """
    try:
        connection = await _Direct(
            url,
            # One that only the environment names is not used.
            proxy=proxy,
            compression=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_WITHIN,
            max_size=MAX_MESSAGE,
            max_queue=MAX_WAITING,
            logger=_Mute("fillwright_alpaca.wire"),
        )
    except InvalidStatus as fault:
        raise UpgradeRefused(fault.response.status_code) from None
    except (WebSocketException, OSError, ValueError) as fault:
        raise Unreachable(f"cannot connect: {fault_text(fault)}") from None
    return WebSocket(connection)


def _why(fault: ConnectionClosed) -> str:
    cause = fault.__cause__
    told = f"the connection ended: {fault}"
    return told if cause is None else f"{told} ({fault_text(cause)})"
