"""One run of a paper server: its socket, its tasks, its connections, from begin to end."""

import asyncio
import socket
import threading
from collections.abc import Mapping
from decimal import Decimal

from aiohttp import web as http

from fillwright.testing.fake_broker.faults import Late
from fillwright.testing.paper_server.control import Control, Server
from fillwright.testing.paper_server.exchange import Exchange, PaperAccount
from fillwright.testing.paper_server.ports import Ports
from fillwright.testing.paper_server.sockets import Patience, bound, place_of, reset
from fillwright.testing.paper_server.staff import Staff
from fillwright.testing.paper_server.streams import Streams
from fillwright.testing.paper_server.taking import Counter
from fillwright.testing.paper_server.web import Web

#: Seconds that a request under way has to end when the server stops.
_LAST_WORDS = 0.5


class Running:
    """Everything of a server that exists while it runs."""

    def __init__(self, server: Server, exchange: Exchange, listening: socket.socket) -> None:
        self.exchange = exchange
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.host, self.port = listening.getsockname()[:2]
        self.place = place_of(listening)
        self.ports = Ports(server.faults, server.clock, Late(server.clock), Patience(), self.refuse)
        self.streams = Streams(exchange, self.ports)
        web = Web(
            Counter(exchange, self.ports),
            self.streams,
            Control(server, Staff(exchange)),
            server.requests,
            self.ports,
        )
        # A client that left cancels its handler: nobody waits for what nobody hears.
        self._http = http.Server(web.handle, handler_cancellation=True, access_log=None)
        self._socket = listening
        self._listener: asyncio.Server | None = None
        self.pump: asyncio.Task[None] = self.loop.create_task(self._pump(), name="paper-server")

    async def listen(self) -> None:
        """Let clients connect from now on."""
        self._listener = await self.loop.create_server(self._http, sock=self._socket)

    async def end(self) -> None:
        """Listen no more, say goodbye, and let go of everything."""
        self._stop_listening()
        self.pump.cancel()
        await asyncio.wait([self.pump])
        await self.ports.late.close()
        self.ports.patience.end()
        await self.streams.close()
        self._http.pre_shutdown()
        await self._http.shutdown(_LAST_WORDS)
        # The transports tell their protocols of the end in the loop's next round.
        await asyncio.sleep(0)
        self.exchange.close()

    def raise_failure(self) -> None:
        """Raise what kept the venues from moving on, if something did."""
        if not self.pump.cancelled() and self.pump.exception() is not None:
            self.pump.result()

    def add_account(
        self, cash: Decimal | None, positions: Mapping[str, Decimal] | None
    ) -> PaperAccount:
        """Open one more account."""
        account = self.exchange.add_account(cash=cash, positions=positions)
        self.streams.add(account)
        return account

    def refuse(self, seconds: float) -> None:
        """Reset every connection and listen to nobody for so long."""
        self._stop_listening()
        for connection in self._http.connections:
            reset(connection.transport)
        # Bound and not listening: the port stays ours, and who connects is refused.
        self._socket = bound(self.host, self.port)
        here = self._socket
        self.ports.late.after(seconds, lambda: self._listen_again(here))

    async def _listen_again(self, here: socket.socket) -> None:
        if here is self._socket:
            await self.listen()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._socket.close()

    async def _pump(self) -> None:
        step = self.exchange.settings.step
        while step:
            await self.ports.clock.sleep(step)
            self.exchange.advance()
        await asyncio.get_running_loop().create_future()
