"""The world of the desk's state machine, with the real SDK and real sockets in the middle.

Time is the test's own, for desk and server alike; it moves only when no request is under way.
"""

import asyncio
import time
from dataclasses import replace as but
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from desk.kit import PRICES, World
from desk.wire import Wire
from fillwright.hooks import AdapterRequest
from fillwright.journal import MemoryJournal
from fillwright.protocols import Binding, RateFeed
from fillwright.reports import Fill, Page
from fillwright.testing import ManualClock, SeededIds, SeededRng, Venue
from fillwright.testing.paper_server import Fault, PaperServer, PaperServerSettings
from fillwright.types import ZERO, BrokerOrderId, Mode
from fillwright_alpaca.adapter import AlpacaAdapter, build
from fillwright_alpaca.messages import execution_id

D = Decimal
#: Seconds of real time until a request to a server that hangs is given up.
GIVE_UP = 0.4
#: Seconds of real time in which a request must have come back.
PATIENCE = 60.0
#: Seconds of the test's time after which a request that left is nowhere any more.
T_INFLIGHT = 2.0
#: Rounds of the settling that sockets need within one loop: there, through, and back.
ROUNDS = 6

#: Where the fake broker's faults strike at the server.
PLACES = {
    "find": ("find",),
    "open_orders": ("orders",),
    "executions": ("activities",),
    "account": ("account",),
    "quote": ("data",),
    "report": ("message",),
    "connect": ("connect",),
    "submit": ("submit",),
    "cancel": ("cancel",),
    "replace": ("replace",),
}
#: What the same misfortune is called over HTTP; a change that is lost hangs or is reset.
KINDS = {
    "drop_request": "drop_reset",
    "accept_then_timeout": "accept_then_hang",
    "not_sent": "rate_limited",
    "disconnect": "cut",
}


TIMED = frozenset({"accept_late", "delay", "lag", "silent"})


class SocketClock(ManualClock):
    """A manual clock whose world is at rest only when every request came back."""

    def __init__(self) -> None:
        super().__init__()
        self.adapter: AlpacaAdapter | None = None

    async def settle(self) -> None:
        began, quiet = time.monotonic(), 0
        while quiet < ROUNDS:
            await super().settle()
            if self._under_way():
                quiet = 0
                assert time.monotonic() - began < PATIENCE, "a request never came back"
                # The answer comes from another thread; the loop waits for it here.
                await asyncio.sleep(0.0005)
            else:
                quiet += 1

    def _under_way(self) -> bool:
        if self.adapter is None:
            return False
        return any(self.adapter._exchange._caller._under_way.values())


class NamedVenue:
    """The venue, its executions named as Alpaca's stream and activities can both name them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def executions(self) -> Page[Fill]:
        totals: dict[BrokerOrderId, Decimal] = {}
        page = self._venue.executions()
        named = []
        for fill in page.items:
            order = fill.broker_order_id
            before = totals.get(order, self._carried(order))
            totals[order] = before + fill.execution.quantity
            name = execution_id(order, totals[order])
            named.append(but(fill, execution=but(fill.execution, execution_id=name)))
        return Page(tuple(named), page.cursor)

    def _carried(self, name: BrokerOrderId) -> Decimal:
        """What a replacement had filled when it took the place of another."""
        order = self._venue.order(name)
        assert order is not None
        mine = [f for f in self._venue.executions().items if f.broker_order_id == name]
        return order.filled - sum((f.execution.quantity for f in mine), start=ZERO)


class Script:
    """Let the world end all faults."""

    def __init__(self, server: PaperServer) -> None:
        self._server = server

    def clear(self) -> None:
        self._server.faults.clear()


class AlpacaWorld(World):
    """A paper server that outlives the desk, and a desk on the real alpaca-py."""

    #: Seconds of real time for one request; a trial without hanging servers is more patient.
    give_up = GIVE_UP
    t_inflight = T_INFLIGHT

    def __post_init__(self) -> None:
        self.clock = SocketClock()
        self.ids = SeededIds(self.seed)
        self.broken = None
        self.flight = set()
        #: How many desks there were, those that could not start included.
        self.opened = 0

    async def begin(self, **more: Any) -> None:
        """Start the server, with `more` settings, and everything that World has from the start."""
        given = {
            "seed": self.seed,
            "cash": D(1_000_000),
            "positions": self.positions,
            "volatility": D(0),
            "step": self.step,
            "multiplier": D(2),
            "pending_steps": self.pending_steps,
        }
        settings = PaperServerSettings.model_validate(given | more)
        self.server = await PaperServer(settings, clock=self.clock).__aenter__()
        self.account = self.server.account
        self.venue = NamedVenue(self.account.venue)  # type: ignore[assignment]  # the same, renamed
        self.script = Script(self.server)  # type: ignore[assignment]  # it is only cleared
        self.binding = Binding(Mode.PAPER, "alpaca", self.account.account_number)
        self.journal = MemoryJournal(self.binding, clock=self.clock)
        for symbol, price in PRICES.items():
            self.quote(symbol, price, size=D(5))

    def places(self) -> dict[str, str]:
        """Where the desk finds the server."""
        server = self.server
        return {
            "url": server.url,
            "data_url": server.data_url,
            "stream_url": server.stream_url,
        }

    async def _open(self) -> None:
        request = AdapterRequest(
            "alpaca",
            Mode.PAPER,
            MappingProxyType(
                {
                    **self.places(),
                    "key_id": self.account.key,
                    "secret_key": self.account.secret,
                    "total_timeout_seconds": self.give_up,
                    "read_timeout_seconds": self.give_up,
                }
            ),
            Path(),
            self.clock,
            SeededRng(self.seed),
            RateFeed(),
        )
        self.opened += 1
        # The desk that is started now is there before the first answer comes.
        request.rate.listen(
            lambda limit, remaining, reset_at: self.parts.limiter.observe(
                limit=limit, remaining=remaining, reset_at=reset_at
            )
        )
        adapter = build(request)
        self.clock.adapter = adapter  # type: ignore[attr-defined]  # a SocketClock
        declared = but(adapter.executor.capabilities, t_inflight=self.t_inflight)
        adapter.executor = Wire(adapter.executor, self, self.capabilities(declared))  # type: ignore[assignment]  # its questions are set by name
        self.broker = adapter  # type: ignore[assignment]  # what World closes and asks
        try:
            await self._start(adapter)
        except BaseException:
            await adapter.close()
            raise

    async def crash(self, keep: int = 0) -> None:
        """The process is gone, its sockets with it; the server may still have what it sent."""
        self.journal = self.journal.crash(keep=keep)
        await self._abandon_tasks()
        await self.broker.close()

    async def end(self) -> None:
        """Leave no task, thread or socket behind."""
        self.journal = self.journal.crash()
        await self._abandon_tasks()
        if hasattr(self, "broker"):
            await self.broker.close()
        await self.server.__aexit__(None, None, None)

    async def _abandon_tasks(self, *, everything: bool = False) -> None:
        mine = asyncio.current_task()
        tasks = [t for t in asyncio.all_tasks() if t is not mine and not _of_server(t)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def fault(self, on: str, kind: str, **more: Any) -> None:
        """Write the same misfortune into the server's script, once unless said otherwise."""
        seconds = more.pop("seconds", 0.0)
        more.pop("client_order_id", None) if on in ("cancel", "replace") else None
        for place in PLACES[on]:
            named = KINDS.get(kind, kind)
            given = {"on": place, "fault": named, "times": 1, **more}
            if named in TIMED:
                given["seconds"] = max(seconds, 0.05)
            if named != "silent":
                given.pop("hold", None)
            self.server.faults.add(Fault.model_validate(given))


def _of_server(task: asyncio.Task[Any]) -> bool:
    """Whether a task is the server's, which outlives every desk."""
    coroutine = task.get_coro()
    code = getattr(coroutine, "cr_code", None)
    where = code.co_filename if code is not None else ""
    return "/aiohttp/" in where or "/paper_server/" in where or "/fake_broker/faults" in where
