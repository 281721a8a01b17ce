"""Connections to the stream: one client each, with a bounded queue and the stream's own words.

1. Everything that is said goes out in binary frames, in the order in which it was said.
2. A client that reads too slowly is cut off; the server never grows for it.
3. Nothing is repeated: who was not connected has missed it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import WSMsgType, web

from fillwright.protocols import Json
from fillwright.testing.paper_server.sockets import reset

#: Messages that wait for a slow reader before it is cut off.
BACKLOG = 1000
#: The only stream of the Trading API.
TRADE_UPDATES = "trade_updates"
#: What a client may send at once, in bytes.
_LONGEST = 64 * 1024
#: Seconds after which a client is asked for a sign of life; it has half as many to give it.
_HEARTBEAT = 60.0
#: Seconds that a client has to say goodbye.
_GOODBYE = 1.0
_GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013

#: Whether the keys open an account's stream for this session.
Authenticate = Callable[["Session", str, str], bool | None]


class Session:
    """One connection, from the upgrade to its end."""

    def __init__(self, authenticate: Authenticate, *, backlog: int = BACKLOG) -> None:
        self._authenticate = authenticate
        self._socket = web.WebSocketResponse(
            timeout=_GOODBYE / 2,
            # A mute stream answers no ping and no goodbye, so both are answered here.
            autoping=False,
            autoclose=False,
            heartbeat=_HEARTBEAT,
            compress=False,
            max_msg_size=_LONGEST,
        )
        self._transport: asyncio.Transport | None = None
        self._queue: asyncio.Queue[bytes | str | None] = asyncio.Queue(backlog)
        #: The key id whose account this is; empty before authentication.
        self.key = ""
        self.listening = False
        #: Alive, and without messages.
        self.silent = False
        #: Not even pongs.
        self.mute = False

    @property
    def alive(self) -> bool:
        """Whether the client can still be there."""
        gone = self._transport is None or self._transport.is_closing()
        return not (gone or self._socket.closed)

    async def upgrade(self, request: web.BaseRequest) -> None:
        """Make a websocket of the connection that the request came by."""
        self._transport = request.transport
        await self._socket.prepare(request)

    async def converse(self) -> web.WebSocketResponse:
        """Speak with the client until the connection ends."""
        writer = asyncio.get_running_loop().create_task(self._write(), name="paper-stream")
        try:
            await self._read()
        finally:
            writer.cancel()
            await asyncio.wait([writer])
        return self._socket

    def say(self, stream: str, data: Mapping[str, Json]) -> None:
        """Send one document."""
        self.send(json.dumps({"stream": stream, "data": data}).encode())

    def send(self, frame: bytes | str) -> None:
        """Put a frame in the queue, text for a text frame; a full queue ends the connection."""
        if self.mute:
            return
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """End the connection without a goodbye."""
        reset(self._transport)

    async def close(self, code: int = _GOING_AWAY) -> None:
        """Say goodbye and end the connection."""
        if self.mute or not self._socket.prepared:
            self.cut()
            return
        try:
            async with asyncio.timeout(_GOODBYE):
                await self._socket.close(code=code)
        except TimeoutError:
            # It does not read, so not even a goodbye gets through.
            self.cut()

    async def _write(self) -> None:
        while (frame := await self._queue.get()) is not None:
            try:
                if isinstance(frame, str):
                    await self._socket.send_str(frame)
                else:
                    await self._socket.send_bytes(frame)
            except ConnectionError:
                return

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if self.mute:
                # Until the client has lost its patience, which cancels this handler.
                await asyncio.get_running_loop().create_future()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._hear(message.data)
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                await self._socket.close()
                return

    def _hear(self, text: str | bytes) -> None:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        action = said.get("action") if isinstance(said, dict) else None
        data = said.get("data") if isinstance(said, dict) else None
        fields = data if isinstance(data, dict) else {}
        if action == "authenticate":
            self._check(fields.get("key_id"), fields.get("secret_key"))
        elif action == "auth":
            self._check(said.get("key"), said.get("secret"))
        elif action == "listen" and self.key:
            self._listen(fields.get("streams"))
        elif action == "listen":
            self.say("authorization", {"status": "unauthorized", "action": "listen"})
        else:
            self.say("error", {"error": "send JSON with action authenticate or listen"})

    def _check(self, key: Any, secret: Any) -> None:  # noqa: ANN401  # whatever a client sends
        is_text = isinstance(key, str) and isinstance(secret, str)
        answer = self._authenticate(self, key, secret) if is_text else False
        if answer is None:
            return
        data: dict[str, Json] = {
            "status": "authorized" if answer else "unauthorized",
            "action": "authenticate",
        }
        if not answer:
            data["message"] = "access key verification failed"
        self.say("authorization", data)

    def _listen(self, streams: Any) -> None:  # noqa: ANN401  # whatever a client sends
        wanted = streams if isinstance(streams, list) else []
        self.listening = TRADE_UPDATES in wanted
        self.say("listening", {"streams": [TRADE_UPDATES] if self.listening else []})
