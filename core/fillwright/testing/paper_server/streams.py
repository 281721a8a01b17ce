"""The stream endpoint: who may connect, as whom, and what becomes of the connection."""

import asyncio
from fnmatch import fnmatchcase

from aiohttp import web

from fillwright.testing.paper_server.exchange import Exchange, PaperAccount
from fillwright.testing.paper_server.fault_answers import fault_answer, json_answer
from fillwright.testing.paper_server.faults import Fault, Kind, On
from fillwright.testing.paper_server.feeds import DISTURBS, Feed
from fillwright.testing.paper_server.ports import Ports
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.seen import Seen
from fillwright.testing.paper_server.sessions import TRY_AGAIN_LATER, Session
from fillwright.testing.paper_server.sockets import reset

_TAKEN = json_answer(429, {"message": "connection limit exceeded"})
_NO_UPGRADE = json_answer(400, {"message": "connect to this path with a websocket"})
_RESETS = frozenset({Kind.DROP_RESET, Kind.REFUSE_CONNECTIONS})
_SWITCHING = 101


class Streams:
    """The stream endpoint: who may connect, as whom."""

    def __init__(self, exchange: Exchange, ports: Ports) -> None:
        self._exchange = exchange
        self._ports = ports
        self._sessions: dict[Session, tuple[Seen, Fault | None]] = {}
        self.feeds: dict[str, Feed] = {}
        for account in exchange.accounts.values():
            self.add(account)

    def add(self, account: PaperAccount) -> None:
        """Begin to listen to one more account."""
        self.feeds[account.key] = Feed(account, self._ports)

    async def open(self, request: web.BaseRequest, entry: Seen) -> web.StreamResponse | Answer:
        """Answer an attempt to connect, for as long as the connection lasts."""
        fault = self._ports.faults.strike(On.CONNECT, entry.key)
        entry.fault = fault.fault if fault else ""
        refusal = self._refusal(request, entry.key, fault)
        if refusal is not None:
            return refusal
        if fault is not None:
            await self._before(fault, request)
        session = Session(self._authenticate)
        self._sessions[session] = entry, fault
        try:
            await session.upgrade(request)
            entry.status = _SWITCHING
            if fault is not None:
                self._after(fault, session)
            return await session.converse()
        finally:
            del self._sessions[session]

    @property
    def only_key(self) -> str:
        """The key id of the only account; empty when there are more."""
        return next(iter(self.feeds)) if len(self.feeds) == 1 else ""

    async def close(self) -> None:
        """Say goodbye to everybody."""
        for feed in self.feeds.values():
            feed.stop()
        await asyncio.gather(*(session.close() for session in tuple(self._sessions)))

    def disturb(self, fault: Fault) -> int:
        """Do this to every connection now, or to those of the accounts that it names.

        Raises ValueError for what happens to a message or a request.
        """
        if fault.fault not in DISTURBS:
            raise ValueError(f"{fault.fault} happens to no connection that is open")
        pattern = fault.account or "*"
        struck = [
            (feed, feed.session)
            for key, feed in self.feeds.items()
            if feed.session is not None and feed.taken and fnmatchcase(key, pattern)
        ]
        for feed, session in struck:
            feed.disturb(session, fault)
        return len(struck)

    def _refusal(self, request: web.BaseRequest, key: str, fault: Fault | None) -> Answer | None:
        answer = fault_answer(fault, self._ports.clock.now()) if fault else None
        if answer is not None:
            return answer
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _NO_UPGRADE
        if key in self.feeds:
            return _TAKEN if self.feeds[key].taken else None
        # Nobody says who he is before the upgrade; with every account taken it does not matter.
        return _TAKEN if all(feed.taken for feed in self.feeds.values()) else None

    async def _before(self, fault: Fault, request: web.BaseRequest) -> None:
        if fault.fault is Kind.DELAY:
            await self._ports.clock.sleep(fault.seconds)
        if fault.fault is Kind.REFUSE_CONNECTIONS:
            self._ports.refuse(fault.seconds)
        if fault.fault in _RESETS:
            reset(request.transport)
        if fault.fault in _RESETS or fault.fault is Kind.DROP_HANG:
            await self._ports.patience.wait()

    def _after(self, fault: Fault, session: Session) -> None:
        if fault.fault is Kind.CLOSE:
            self._ports.late.after(fault.seconds, session.close)
        elif fault.fault is Kind.CUT:
            self._ports.late.after(fault.seconds, session.cut)
        elif fault.fault is Kind.MUTE:
            session.mute = True

    def _authenticate(self, session: Session, key: str, secret: str) -> bool | None:
        """Whether the keys are right; None when there is to be no answer."""
        fault = self._ports.faults.strike(On.AUTHENTICATE, key)
        kind = fault.fault if fault else None
        account = self._exchange.account_for(key, secret)
        if kind is Kind.UNAUTHORIZED or account is None or session.key not in ("", key):
            return False
        feed = self.feeds[account.key]
        if feed.taken and feed.session is not session:
            self._ports.late.after(0, lambda: session.close(TRY_AGAIN_LATER))
            return None
        if kind is Kind.DROP_HANG:
            return None
        feed.session, session.key = session, key
        entry, opening = self._sessions[session]
        entry.key = key
        if opening is not None and opening.fault is Kind.SILENT:
            feed.disturb(session, opening)
        if fault is not None and kind in DISTURBS:
            feed.disturb(session, fault)
        return True
