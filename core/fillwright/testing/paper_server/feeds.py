"""One account's trade_updates, and what the faults make of them."""

import json
from collections.abc import Mapping
from typing import Any

from fillwright.testing.paper_server.exchange import PaperAccount
from fillwright.testing.paper_server.faults import Fault, Kind, On
from fillwright.testing.paper_server.lag import History
from fillwright.testing.paper_server.ports import Ports
from fillwright.testing.paper_server.sessions import BACKLOG, Session
from fillwright.testing.paper_server.spoil import GARBAGE, UNKNOWN_EVENT, spoiled_bytes

#: How long a message that is to come after the next one waits for one, in seconds.
_REORDER_AT_MOST = 1.0
_QUIETS = frozenset({Kind.SILENT, Kind.MUTE})
#: What happens to a connection, not to a message.
DISTURBS = _QUIETS | {Kind.CLOSE, Kind.CUT, Kind.REFUSE_CONNECTIONS}


class Feed:
    """One account's trade_updates, on their way to the one session that may hear them."""

    def __init__(self, account: PaperAccount, ports: Ports) -> None:
        self.session: Session | None = None
        self.history = History(ports.clock)
        self._key = account.key
        self._ports = ports
        self._holds = False
        self._held: list[bytes] = []
        self._swapped: list[bytes] = []
        self.stop = account.listen(self._take)

    @property
    def taken(self) -> bool:
        """Whether somebody is connected."""
        return self.session is not None and self.session.alive

    @property
    def heard(self) -> bool:
        """Whether somebody is connected and listens."""
        return self.session is not None and self.session.alive and self.session.listening

    def disturb(self, session: Session, fault: Fault) -> None:
        """Silence a connection, for a while or for good, or end it."""
        if fault.fault in _QUIETS:
            self._silence(session, fault)
            return
        session.listening = False
        if fault.fault is Kind.CLOSE:
            self._ports.late.after(0, session.close)
        else:
            session.cut()
        if fault.fault is Kind.REFUSE_CONNECTIONS:
            self._ports.refuse(fault.seconds)

    def _silence(self, session: Session, fault: Fault) -> None:
        session.silent = True
        # A mute one hears no pong either, and nothing brings it back.
        session.mute = fault.fault is Kind.MUTE
        self._holds = fault.hold
        self._held.clear()
        if fault.seconds and not session.mute:
            self._ports.late.after(fault.seconds, lambda: self._speak(session))

    def _speak(self, session: Session) -> None:
        session.silent = False
        held, self._held = self._held, []
        for frame in held:
            session.send(frame)

    def _take(self, data: Mapping[str, Any]) -> None:
        self.history.take(data)
        session = self.session
        if session is None or not self.heard:
            return
        text = json.dumps(data).encode()
        if session.silent:
            if self._holds and len(self._held) < BACKLOG:
                self._held.append(_frame(text))
            return
        fault = self._ports.faults.strike(On.MESSAGE, self._key, data["order"]["client_order_id"])
        if fault is None:
            self._pass(_frame(text))
        else:
            self._strike(fault, session, data, text)

    def _strike(self, fault: Fault, session: Session, data: Mapping[str, Any], text: bytes) -> None:
        kind, frame = fault.fault, _frame(text)
        if kind is Kind.DUPLICATE:
            self._pass(frame)
            self._pass(frame)
        elif kind is Kind.DELAY:
            self._ports.late.after(fault.seconds, lambda: self._pass(frame))
        elif kind is Kind.REORDER:
            self._swapped.append(frame)
            self._ports.late.after(fault.seconds or _REORDER_AT_MOST, self._release)
        elif kind is Kind.UNKNOWN_EVENT:
            unknown = {**data, "event": fault.text or UNKNOWN_EVENT}
            self._pass(_frame(json.dumps(unknown).encode()))
            self._pass(frame)
        elif kind in DISTURBS:
            self.disturb(session, fault)
            if fault.hold:
                self._held.append(frame)
        elif kind is not Kind.DROP:
            self._pass(_changed(frame, text, fault))

    def _pass(self, frame: bytes | str) -> None:
        self._send(frame)
        self._release()

    def _release(self) -> None:
        swapped, self._swapped = self._swapped, []
        for frame in swapped:
            self._send(frame)

    def _send(self, frame: bytes | str) -> None:
        # Whoever is there by now: what is late may find nobody, or somebody else.
        session = self.session
        if session is not None and self.heard and not session.silent:
            session.send(frame)


def _frame(text: bytes) -> bytes:
    return b'{"stream": "trade_updates", "data": ' + text + b"}"


def _changed(frame: bytes, text: bytes, fault: Fault) -> bytes | str:
    if fault.fault is Kind.TEXT_FRAME:
        return frame.decode()
    if fault.fault is Kind.GARBAGE:
        return GARBAGE
    if fault.fault is Kind.TRUNCATED:
        return spoiled_bytes(frame, fault)
    return _frame(spoiled_bytes(text, fault, prefix="order."))
