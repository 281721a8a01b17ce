"""The broker's end of the stream: who may connect, what he hears, and when nobody is there.

Rules:
1. One connection for one account. A second one is refused with 429, and a connection that ended
   without a goodbye holds its place until the broker notices.
2. Nothing is repeated: who was not connected has missed it.
3. Frames of one connection arrive in the order in which they were sent; a message that is late or
   out of order was sent so.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from fillwright.testing.fake_broker import Fault, Kind, On
from fillwright.testing.paper_server import Kind as ShapeKind
from fillwright.testing.paper_server import PaperAccount
from fillwright.testing.simulation import SeededScript
from fillwright_alpaca.simulated import shapes
from fillwright_alpaca.simulated.later import Later
from fillwright_alpaca.simulated.session import Session
from fillwright_alpaca.socket import Socket, SocketClosed, Unreachable, UpgradeRefused

#: How long a message that is to come after the next one waits for one, when nothing else is said.
_REORDER_AT_MOST: Final = 1.0
#: How long the broker takes a connection for alive that ended without a goodbye, in seconds. The
#: real one takes about 90; a shorter time leaves a scenario more of its own.
REAPED_AFTER: Final = 20.0
_NO_TEXT: Final = b'{"stream": "trade_updates", "data": "\xff\xfe"}'


class Feed:
    """One account's trade updates, on their way to the one connection that there may be."""

    def __init__(
        self, account: PaperAccount, script: SeededScript, later: Later, delay: Callable[[], float]
    ) -> None:
        """A frame takes `delay()` seconds, and comes behind all before it."""
        self._account = account
        self._script = script
        self._later = later
        self._delay = delay
        self._session: Session | None = None
        #: Nobody gets through before that time.
        self._down_until = 0.0
        self._mute_until = 0.0
        self._holds = False
        self._held: list[bytes] = []
        self._swapped: list[bytes] = []
        #: Every message so far.
        self._told: list[bytes] = []
        account.listen(self._take)
        script.at_end(self._mend)

    def _mend(self) -> None:
        """The faults are over: who cannot be heard is told so, and everybody gets through."""
        self._down_until = 0.0
        if self._session is not None and self._session.mute:
            self._session.end(SocketClosed("the connection was reaped"))

    # ------------------------------------------------------------------ connections

    async def connect(self, _url: str) -> Socket:
        """Open a connection. Raises `Unreachable` or `UpgradeRefused`."""
        await self._later.sleep(self._delay())
        fault = self._script.strike(On.CONNECT)
        if fault is not None:
            self._down_until = self._later.time() + fault.seconds
        if self._later.time() < self._down_until:
            raise self._refusal()
        if self._session is not None and self._session.holds_its_place:
            raise UpgradeRefused(429)
        how = self._drawn("handshake", _HANDSHAKES) if self._shaken() else ""
        session = Session(self._account, self._later, self._delay, self._listens, how)
        self._session = session
        return session

    def _shaken(self) -> bool:
        """Whether something goes wrong in the handshake, as often as connections are refused."""
        return self._script.hits("disconnects", "alpaca/handshake/hits")

    def _refusal(self) -> Exception:
        shape = self._drawn("refusal", _REFUSALS)
        return UpgradeRefused(shape) if shape else Unreachable("connection refused")

    def _listens(self, session: Session) -> None:
        """Somebody listens from now on; what is old may come again."""
        if session is not self._session or not self._script.hits("replays", "alpaca/replays/hits"):
            return
        first = self._script.chance("alpaca/replays").randint(0, len(self._told))
        self._script.note("wire", f"the stream repeats {len(self._told) - first} messages")
        for frame in self._told[first:]:
            session.tell(frame)

    # ------------------------------------------------------------------ messages

    def _take(self, data: Mapping[str, Any]) -> None:
        frame = _frame(data)
        self._told.append(frame)
        session = self._session
        if session is None or not session.listening:
            return
        if self._later.time() < self._mute_until:
            if self._holds:
                self._held.append(frame)
            return
        fault = self._script.strike(On.REPORT, str(data["order"]["client_order_id"]))
        if fault is None:
            self._pass(frame)
        elif fault.fault in (Kind.DISCONNECT, Kind.SILENT):
            self._interrupt(session, fault, frame)
        else:
            self._distort(fault, data, frame)

    def _distort(self, fault: Fault, data: Mapping[str, Any], frame: bytes) -> None:
        if fault.fault is Kind.DUPLICATE:
            self._pass(frame)
            self._pass(frame)
        elif fault.fault is Kind.DELAY:
            self._later.after(fault.seconds, lambda: self._pass(frame))
        elif fault.fault is Kind.REORDER:
            self._swapped.append(frame)
            self._later.after(fault.seconds or _REORDER_AT_MOST, self._release)
        elif fault.fault is Kind.GAP:
            self._pass(self._unreadable(data))

    def _unreadable(self, data: Mapping[str, Any]) -> bytes:
        """The same message in a shape that nobody can read."""
        shape = self._drawn("gap", shapes.FRAMES)
        if shape is None:
            return _NO_TEXT
        if shape.fault in (ShapeKind.GARBAGE, ShapeKind.TRUNCATED):
            return shapes.spoiled(_frame(data), shape)
        changed = json.loads(shapes.spoiled(json.dumps(data).encode(), shape))
        if shape.fault is ShapeKind.UNKNOWN_STATUS:
            changed["order"]["status"] = "being_considered"
        return _frame(changed)

    def _interrupt(self, session: Session, fault: Fault, frame: bytes) -> None:
        """Begin a silence, or end the connection with or without a goodbye."""
        until = self._later.time() + fault.seconds
        if fault.fault is Kind.SILENT:
            self._mute_until, self._holds = until, fault.hold
            if fault.hold:
                self._held.append(frame)
            self._later.after(fault.seconds, self._speak)
            return
        self._swapped.clear()
        self._down_until = until
        how = self._drawn("end", _ENDS)
        if how == "mute":
            session.fall_silent(REAPED_AFTER)
        else:
            session.end(SocketClosed(f"the connection ended: {how}"))

    def _speak(self) -> None:
        held, self._held = self._held, []
        for frame in held:
            self._send(frame)

    def _pass(self, frame: bytes) -> None:
        self._send(frame)
        self._release()

    def _release(self) -> None:
        swapped, self._swapped = self._swapped, []
        for frame in swapped:
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        # Whoever is there by now: what is late may find nobody, or somebody else.
        session = self._session
        if session is not None and session.listening:
            session.tell(frame)

    def _drawn(self, name: str, shapes_: tuple[Any, ...]) -> Any:  # noqa: ANN401  # one of them
        shape = self._script.chance(f"alpaca/{name}").choice(shapes_)
        text = shape.fault if isinstance(shape, shapes.Shape) else shape
        self._script.note("wire", f"stream {name}: {text}")
        return shape


#: HTTP statuses of a refused upgrade; 0 is a connection that is refused before that.
_REFUSALS: Final = (0, 0, 429, 502, 503)
#: What the broker does wrong while it greets.
_HANDSHAKES: Final = ("no answer", "ends", "deaf", "early")
_ENDS: Final = ("reset by peer", "1001 going away", "mute")


def _frame(data: Mapping[str, Any]) -> bytes:
    return b'{"stream": "trade_updates", "data": ' + json.dumps(data).encode() + b"}"
