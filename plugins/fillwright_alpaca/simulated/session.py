"""One connection of the stream, both ends of it: the client's `Socket`, the broker's words."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Final

from fillwright.protocols import Json
from fillwright.testing.paper_server import PaperAccount
from fillwright.testing.simulation.life import LIFE
from fillwright_alpaca.simulated.later import Later
from fillwright_alpaca.socket import SocketClosed

TRADE_UPDATES: Final = "trade_updates"


class Session:
    """Implement `Socket` in memory."""

    def __init__(
        self,
        account: PaperAccount,
        later: Later,
        delay: Callable[[], float],
        listens: Callable[["Session"], None],
        how: str = "",
    ) -> None:
        """`how` says what goes wrong in the handshake; `listens` hears when it is done."""
        self._account = account
        self._later = later
        self._delay = delay
        self._listens = listens
        self._how = how
        #: Whose end it is: when a process dies, its machine closes what it had open.
        self._life = LIFE.get()
        #: On their way, and there.
        self._sent: deque[bytes] = deque()
        self._frames: deque[bytes] = deque()
        self._last = 0.0
        self._news = asyncio.Event()
        self._authorized = False
        self._ended: SocketClosed | None = None
        #: It says nothing any more, and looks open.
        self.mute = False
        self._reaped_at = 0.0
        #: Whether trade updates are sent here.
        self.listening = False

    @property
    def holds_its_place(self) -> bool:
        """Whether the broker takes the client for present."""
        if self._life is not None and not self._life.alive:
            return False
        return self._ended is None or self._later.time() < self._reaped_at

    # ------------------------------------------------------------------ the broker's end

    def tell(self, frame: bytes) -> None:
        """Send a frame."""
        if self.mute or self._ended is not None:
            return
        self._sent.append(frame)
        at = max(self._last, self._later.time() + self._delay())
        self._last = at
        if at <= self._later.time():
            self._arrive()
        else:
            self._later.after(at - self._later.time(), self._arrive)

    def end(self, fault: SocketClosed) -> None:
        """End it for both sides; what is there can still be read."""
        self.listening, self._reaped_at = False, 0.0
        self._ended = self._ended or fault
        self._news.set()

    def fall_silent(self, seconds: float) -> None:
        """Say nothing any more, not even a pong, and keep the place for so long."""
        self.mute, self.listening = True, False
        self._reaped_at = self._later.time() + seconds
        self._later.after(seconds, lambda: self.end(SocketClosed("the connection was reaped")))

    def _arrive(self) -> None:
        # Whichever timer comes first, the oldest frame is the first to arrive.
        self._frames.append(self._sent.popleft())
        self._news.set()

    def _say(self, stream: str, data: dict[str, Json]) -> None:
        self.tell(json.dumps({"stream": stream, "data": data}).encode())

    def _authenticate(self, key: object, secret: object) -> None:
        account = self._account
        self._authorized = (key, secret) == (account.key, account.secret)
        if self._how == "no answer":
            self.mute = True
        elif self._how == "ends":
            self.end(SocketClosed("the connection ended: 1011 internal error"))
        status = "authorized" if self._authorized else "unauthorized"
        self._say("authorization", {"status": status, "action": "authenticate"})

    def _listen(self) -> None:
        if not self._authorized:
            self._say("authorization", {"status": "unauthorized", "action": "listen"})
            return
        deaf = self._how == "deaf"
        if self._how == "early":
            # Updates may come before the answer does.
            self.listening = True
            self._listens(self)
        self._say("listening", {"streams": [] if deaf else [TRADE_UPDATES]})
        if not (deaf or self.listening or self._ended):
            self.listening = True
            self._listens(self)

    # ------------------------------------------------------------------ the client's end

    async def send(self, text: str) -> None:
        """Send one text frame."""
        await self._later.sleep(self._delay())
        self._check()
        said = json.loads(text)
        if said["action"] == "authenticate":
            self._authenticate(said["data"]["key_id"], said["data"]["secret_key"])
        else:
            self._listen()

    async def receive(self) -> bytes:
        """Wait for the next frame."""
        while not self._frames:
            self._check()
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()

    async def ping(self) -> None:
        """Send a ping and return when its pong came."""
        await self._later.sleep(self._delay())
        while self.mute:
            self._check()
            self._news.clear()
            await self._news.wait()
        self._check()

    async def close(self) -> None:
        """Let go; a broker that is out of reach does not hear the goodbye."""
        until = self._reaped_at
        self.end(SocketClosed("the connection was closed"))
        self._reaped_at = until if self.mute else 0.0

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended
