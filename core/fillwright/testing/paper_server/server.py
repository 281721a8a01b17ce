"""The paper server: accounts of an emulated broker behind a real port.

1. It listens on this machine only, unless it is told otherwise.
2. Everything happens on one thread, that of its loop; `call` gets there from any other.
3. When it has stopped, no task, socket or file of it is left.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from fillwright.clock import SystemClock
from fillwright.errors import ConfigError
from fillwright.plugins.sources import not_importable
from fillwright.protocols import Clock
from fillwright.testing.chance import SeededRng
from fillwright.testing.paper_server.exchange import Exchange, PaperAccount
from fillwright.testing.paper_server.faults import Fault, Faults
from fillwright.testing.paper_server.movable_clock import MovableClock
from fillwright.testing.paper_server.seen import SeenLog
from fillwright.testing.paper_server.settings import PaperServerSettings
from fillwright.testing.paper_server.sockets import bound, is_loopback

if TYPE_CHECKING:
    from fillwright.testing.paper_server.running import Running

T = TypeVar("T")
PLUGIN = "paper-server"
#: Seconds after which an answer is surely out, when the port is closed because of it.
_OUT = 0.1
#: Seconds that another thread waits for the server's.
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 is any that is free."""

    host: str = "127.0.0.1"
    port: int = 0
    #: Whether a host that other machines can reach is meant.
    remote: bool = False


class PaperServer:
    """One server, as an async context manager in the caller's loop.

    Given a clock, it runs on that one, which the control endpoint can then move.
    Entering raises ConfigError for a port, a host or a state file that cannot be had.
    """

    def __init__(
        self,
        settings: PaperServerSettings | None = None,
        *,
        clock: Clock | None = None,
        state: Path | None = None,
        address: Address | None = None,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.settings = settings or PaperServerSettings()
        self.clock = MovableClock(clock or SystemClock())
        self.faults = Faults(SeededRng(self.settings.seed), faults)
        #: Every request and every attempt to open the stream.
        self.requests = SeenLog()
        self._state = state
        self._address = address or Address()
        self._running: Running | None = None

    async def __aenter__(self) -> Self:
        if self._running is not None:
            raise RuntimeError("the paper server is running already")
        running_class = _stack()
        _check_host(self._address)
        async with AsyncExitStack() as opened:
            listening = bound(self._address.host, self._address.port)
            opened.callback(listening.close)
            exchange = Exchange(self.settings, self.clock, state=self._state)
            opened.callback(exchange.close)
            running = running_class(self, exchange, listening)
            opened.push_async_callback(running.end)
            await running.listen()
            opened.pop_all()
        self._running = running
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running, self._running = self._now, None
        await running.end()
        if kind is None:
            running.raise_failure()

    @property
    def exchange(self) -> Exchange:
        """The emulated broker; use `call` from another thread."""
        return self._now.exchange

    @property
    def accounts(self) -> Mapping[str, PaperAccount]:
        """The accounts by key id, oldest first."""
        return self.exchange.accounts

    @property
    def account(self) -> PaperAccount:
        """The first account."""
        return next(iter(self.accounts.values()))

    @property
    def url(self) -> str:
        """Where the Trading API is, without a slash at the end."""
        return f"http://{self._now.place}"

    @property
    def data_url(self) -> str:
        """Where the market data API is."""
        return self.url

    @property
    def stream_url(self) -> str:
        """Where trade_updates is, path included."""
        return f"ws://{self._now.place}/stream"

    def add_account(
        self, *, cash: Decimal | None = None, positions: Mapping[str, Decimal] | None = None
    ) -> PaperAccount:
        """Open one more account; what is not given is as in the settings."""
        return self.call(lambda: self._now.add_account(cash, positions))

    def advance(self) -> None:
        """Let the venues catch up with the clock."""
        self.call(self.exchange.advance)

    def connected(self, key: str) -> bool:
        """Whether somebody is connected to this account's stream."""
        return self.call(lambda: self._now.streams.feeds[key].taken)

    def listening(self, key: str) -> bool:
        """Whether that somebody has asked for trade_updates, too."""
        return self.call(lambda: self._now.streams.feeds[key].heard)

    def disturb(self, fault: Fault) -> int:
        """Do this to the open connections of the stream at once; returns how many there were."""
        return self.call(lambda: self._now.streams.disturb(fault))

    def refuse(self, seconds: float) -> None:
        """Reset every connection and listen to nobody for so long."""
        self.call(lambda: self._now.refuse(seconds))

    def refuse_soon(self, seconds: float) -> None:
        """The same, once the answer that is under way is out."""
        now = self._now
        now.ports.late.after(_OUT, lambda: now.refuse(seconds))

    def call(self, work: Callable[[], T]) -> T:
        """Do `work` on the server's own thread, whichever this one is, and return its result."""
        now = self._now
        if threading.get_ident() == now.thread:
            return work()
        done: concurrent.futures.Future[T] = concurrent.futures.Future()
        now.loop.call_soon_threadsafe(_carry_out, work, done)
        return done.result(_PATIENCE)

    async def failed(self) -> None:
        """Wait until the server can no longer do its work, and raise what stopped it."""
        await asyncio.shield(self._now.pump)

    @property
    def _now(self) -> "Running":
        if self._running is None:
            raise RuntimeError("the paper server is not running; enter it first")
        return self._running


@contextmanager
def running_paper_server(
    settings: PaperServerSettings | None = None,
    *,
    clock: Clock | None = None,
    state: Path | None = None,
    address: Address | None = None,
    faults: Iterable[Fault] = (),
) -> Iterator[PaperServer]:
    """Run a server in a thread of its own, for clients that block."""
    server = PaperServer(settings, clock=clock, state=state, address=address, faults=faults)
    ready: concurrent.futures.Future[Callable[[], object]] = concurrent.futures.Future()
    with concurrent.futures.ThreadPoolExecutor(1, "paper-server") as thread:
        ended = thread.submit(lambda: asyncio.run(_serve(server, ready)))
        stop = ready.result(_PATIENCE)
        try:
            yield server
        finally:
            stop()
        ended.result(_PATIENCE)


async def _serve(
    server: PaperServer, ready: concurrent.futures.Future[Callable[[], object]]
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    try:
        async with server:
            ready.set_result(lambda: loop.call_soon_threadsafe(stop.set))
            await stop.wait()
    except BaseException as fault:
        if ready.done():
            raise
        ready.set_exception(fault)


def _carry_out(work: Callable[[], T], done: concurrent.futures.Future[T]) -> None:
    try:
        done.set_result(work())
    except Exception as fault:  # noqa: BLE001  # whatever it is, it belongs to who asked
        done.set_exception(fault)


def _check_host(address: Address) -> None:
    if not (address.remote or is_loopback(address.host)):
        problem = "can be reached from other machines, and this server guards nothing"
        hint = "If you mean it: --allow-remote, in Python Address(remote=True)"
        raise ConfigError(f"host {address.host}", problem, hint)


def _stack() -> "type[Running]":
    try:
        # aiohttp is an extra: a server needs it, and whoever imports this module may not.
        from fillwright.testing.paper_server.running import Running  # noqa: PLC0415
    except ImportError as fault:
        raise not_importable(PLUGIN, fault) from fault
    return Running
