"""A real desk on a fake venue that outlives it, with every wire and record in view."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as but
from decimal import Decimal
from functools import cached_property
from typing import Any

from desk.wire import Wire
from fillwright.desk.asides import Aside
from fillwright.desk.desk import Desk
from fillwright.desk.handles import Handle
from fillwright.desk.operator import Beside
from fillwright.desk.parts import Parts
from fillwright.desk.planning import PlanSettings
from fillwright.desk.settings import Ports, Settings
from fillwright.desk.supply import Source
from fillwright.desk.watchers import Watchers
from fillwright.errors import BrokerUnavailable
from fillwright.journal import MemoryJournal
from fillwright.ledger import Change, Ledger, decode
from fillwright.orders import Order
from fillwright.protocols import Adapter, Binding, Capabilities, ClosePolicy, Limits
from fillwright.reports import Ack, Fill
from fillwright.risk import InlineAsker
from fillwright.states import OrderState
from fillwright.testing import (
    FakeBroker,
    FakeBrokerSettings,
    Fault,
    FaultScript,
    ManualClock,
    SeededIds,
    SeededRng,
    Touch,
    Venue,
)
from fillwright.testing.fake_broker import Latency
from fillwright.testing.simulation import invariants
from fillwright.testing.simulation.outside import Outside
from fillwright.testing.simulation.scene import Scene
from fillwright.types import BrokerOrderId, ClientOrderId, Mode, OrdStatus
from fillwright.verdicts import ALLOW

D = Decimal
FIVE = D(5)
BINDING = Binding(Mode.PAPER, "fake", "FAKE-1")
PRICES = {"AAPL": D(100), "MSFT": D(50), "KO": D(20)}
LIMITS = Limits(
    send_deadline=20.0, reconcile_every=10.0, silence=2.0, ready_within=5.0, quote_max_age=5.0
)


@dataclass(frozen=True)
class Check:
    """A hook implementation as the desk asks it."""

    name: str
    call: Callable[..., object]
    code: str = ""


class Whole(Outside):
    """A world whose venue is as old as its first journal."""

    def fills(self) -> Sequence[Fill]:
        """Every execution of the venue."""
        return self.venue.executions().items


class Plain:
    """An adapter that can do what every adapter can, and nothing besides."""

    def __init__(self, broker: FakeBroker) -> None:
        self.executor, self.stream, self.quotes = broker.executor, broker.stream, broker.quotes
        self.close = broker.close


@dataclass
class World:
    """The venue, its faults, the journal's disk, and the desk that runs now."""

    limits: Limits = LIMITS
    latency: float = 0.0
    pending_steps: int = 0
    capabilities: Callable[[Capabilities], Capabilities] = lambda given: given
    #: Without any there is one, which does as the order's first tag says.
    checks: Sequence[Check] = ()
    execution_checks: Sequence[Check] = ()
    observers: Sequence[Check] = ()
    books_checks: Sequence[Check] = ()
    alert_observers: Sequence[Check] = ()
    #: Where post-execution plugins run; in the loop's thread unless told.
    aside: Aside | None = None
    sources: Sequence[Source] = ()
    allow_resize: bool = False
    #: Whether the adapter can cancel everything in one request.
    cancels_all: bool = True
    mode: Mode = Mode.PAPER
    #: The files that a person steers the desk with.
    beside: Beside = field(default_factory=Beside)
    seed: int = 1
    step: float = 1.0
    positions: dict[str, Decimal] = field(
        default_factory=lambda: {"AAPL": D(20), "MSFT": D(20), "KO": D(20)}
    )
    #: Every request by kind and client order id.
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: When the last submit left that was not refused, by the desk's clock.
    sent_at: dict[str, float] = field(default_factory=dict)
    #: Submits that provably never left.
    unsent: Counter[str] = field(default_factory=Counter)
    #: Orders that the venue's staff had a hand in, so that nobody here can know them yet.
    touched: set[BrokerOrderId] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.settings = FakeBrokerSettings(
            seed=self.seed,
            cash=D(1_000_000),
            positions=self.positions,
            volatility=D(0),
            step=self.step,
            multiplier=D(2),
            pending_steps=self.pending_steps,
            latency=Latency(min=self.latency, max=self.latency),
        )
        self.venue = Venue(self.settings, self.clock)
        for symbol, price in PRICES.items():
            self.quote(symbol, price, size=D(5))
        self.script = FaultScript((), SeededRng(self.seed))
        self.binding = Binding(self.mode, "fake", "FAKE-1")
        self.journal = MemoryJournal(self.binding, clock=self.clock)
        self.ids = SeededIds(self.seed)
        self.broken: AssertionError | None = None
        self.flight: set[asyncio.Task[Any]] = set()
        self.desk: Desk
        self.parts: Parts
        self.broker: FakeBroker

    # ------------------------------------------------------------------ the desk's life

    async def open(self) -> Desk:
        """Start a desk on what the journal holds; waits while the broker does not answer."""
        while True:
            try:
                await self._open()
            except BrokerUnavailable:
                self.journal = self.journal.crash()
                await self.clock.run_for(1)
            else:
                return self.desk

    async def _open(self) -> None:
        self.broker = FakeBroker(
            self.settings,
            self.clock,
            rng=SeededRng(self.seed),
            script=self.script,
            venue=self.venue,
        )
        capabilities = self.capabilities(self.broker.executor.capabilities)
        self.broker.executor.endpoint = self.mode
        self.broker.executor = Wire(self.broker.executor, self, capabilities)  # type: ignore[assignment]  # its questions are set by name
        await self._start(self.broker if self.cancels_all else Plain(self.broker))

    async def _start(self, adapter: Adapter) -> None:
        """Put a desk on the adapter and start it."""
        journal = self.journal
        self.scene = Scene(self.outside, journal, lambda: journal.durable_seq)
        self.scene.changes = self.changes
        self.parts = Parts(
            adapter,
            self.journal,
            self.journal.binding,
            ports=Ports(self.clock, self.ids, SeededRng(self.seed), InlineAsker()),
            settings=Settings(
                self.limits,
                PlanSettings(),
                self.allow_resize,
                "FAKE-1" if self.mode is Mode.LIVE else None,
                beside=self.beside,
            ),
            checks=self.checks or (Check("obedient", self._obedient),),
            watchers=Watchers(
                (Check("world", self.scene.told_of), *self.execution_checks),
                self.observers,
                books=self.books_checks,
                alerts=self.alert_observers,
                aside=self.aside,
            ),
            sources=self.sources,
        )
        self.scene.watch(self.parts)
        self.desk = self.scene.desk = Desk(self.parts)
        starting = asyncio.create_task(self.desk.start())
        while not starting.done():
            await self.clock.run_for(0.5)
        await starting

    async def ready(self) -> Desk:
        """Open, and let the first comparison come back."""
        await self.open()
        await self.clock.run_for(self.latency * 6 + 0.1)
        return self.desk

    async def crash(self, keep: int = 0) -> None:
        """The desk's process is gone; requests on the wire, the venue and the disk are not."""
        self.journal = self.journal.crash(keep=keep)
        await self._abandon_tasks()

    async def aclose(self, policy: ClosePolicy = ClosePolicy.KEEP) -> None:
        """Close in good order, with the time running; the journal can be opened again."""
        closing = asyncio.create_task(self.desk.aclose(policy))
        for _ in range(200):
            if closing.done():
                break
            await self.clock.run_for(0.1)
        assert closing.done(), "the desk never finished closing"
        self.journal = self.journal.crash()
        await closing

    async def end(self) -> None:
        """Leave no task behind."""
        self.journal = self.journal.crash()
        await self._abandon_tasks(everything=True)

    async def _abandon_tasks(self, *, everything: bool = False) -> None:
        mine = asyncio.current_task()
        spared = set() if everything else self.flight | set(self.broker._late._tasks)
        tasks = [t for t in asyncio.all_tasks() if t is not mine and t not in spared]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------------ what happens

    @cached_property
    def outside(self) -> Outside:
        """What is known without any desk."""
        given = (self.requests, self.sent_at, self.unsent, self.touched)
        return Whole(self.venue, self.clock, *given)  # type: ignore[arg-type]  # a set will do

    @property
    def shadow(self) -> Ledger:
        """What the journal's records fold to."""
        return self.scene.shadow

    async def carry(self, request: Coroutine[Any, Any, Ack]) -> Ack:
        """Let a request live on when the desk that sent it is gone."""
        task = asyncio.create_task(request)
        self.flight.add(task)
        task.add_done_callback(self._landed)
        return await asyncio.shield(task)

    def _landed(self, task: asyncio.Task[Any]) -> None:
        self.flight.discard(task)
        if not task.cancelled():
            task.exception()

    def _obedient(self, order: Order, _book: object) -> object:
        """Do what the order's first tag says: the checks of strangers in one function."""
        said = order.tags[0] if order.tags else ""
        self.scene.verdict(order, allowed=not said)
        if said == "raise":
            raise RuntimeError("a check that fails")
        return None if said == "none" else ALLOW

    def touch(self, order: BrokerOrderId) -> None:
        """Note that the venue's staff had a hand in an order."""
        self.touched.add(order)

    def raise_broken(self) -> None:
        """Raise what an invariant said inside the desk."""
        if hasattr(self, "scene"):
            self.broken = self.broken or self.scene.broken
        if self.broken is not None:
            raise self.broken

    def every_step(self) -> None:
        """Look at what holds at any time."""
        invariants.every_step(self.scene)
        invariants.standing.memory_holds_what_is_open(self.scene)

    def all_quiet(self) -> None:
        """Look at what holds at rest."""
        invariants.all_quiet(self.scene)

    def replayed(self) -> Ledger:
        """What the journal's durable records fold to."""
        ledger = Ledger()
        for record in self.journal.read():
            fact = decode(record)
            if fact is not None:
                ledger.apply(fact)
        return ledger

    def quote(self, symbol: str, middle: Decimal, *, size: Decimal = FIVE) -> None:
        """Pin a touch one cent to either side."""
        cent = D("0.01")
        self.venue.set_quote(symbol, Touch(middle - cent, middle + cent, size, size))

    def fault(self, on: str, kind: str, **more: Any) -> None:
        """Write one line into the fault script, once unless said otherwise."""
        self.script.add(Fault.model_validate({"on": on, "fault": kind, "times": 1, **more}))

    async def run(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.run_for(seconds)
        self.raise_broken()

    async def wait(self, work: Coroutine[Any, Any, Any], seconds: float = 60) -> Any:
        """Let time pass until the work is done."""
        task = asyncio.create_task(work)
        for _ in range(int(seconds / 0.25)):
            await self.clock.settle()
            self.raise_broken()
            if task.done():
                break
            await self.clock.run_for(0.25)
        assert task.done(), f"still waiting after {seconds} s of the desk's time"
        return task.result()

    async def submit(self, **fields: Any) -> Handle:
        """Submit an order of one share of AAPL, or as told, and let it go as far as it can."""
        handle = await self.desk.submit(order(**fields))
        await self.clock.settle()
        return handle

    async def settled(self, seconds: float = 60) -> None:
        """End the faults, let time pass, and look at everything that must hold at rest."""
        self.script.clear()
        await self.run(seconds)
        self.every_step()
        self.all_quiet()

    def at_venue(self, key: str) -> list[Any]:
        """The venue's orders of one client order id, replacements included."""
        mine = [o for o in self.venue.orders() if o.client_order_id.split("-r")[0] == key]
        return [o.snapshot() for o in mine]

    def state(self, key: ClientOrderId) -> OrderState:
        """What the desk knows of an order now."""
        state = self.parts.keeper.state(key)
        assert state is not None
        return state


def order(**fields: Any) -> Order:
    """One share of AAPL at the market, or as told."""
    given = {"symbol": "AAPL", "side": "BUY", "quantity": "1"} | fields
    if "notional" in fields:
        del given["quantity"]
    return Order.model_validate(
        {k: str(v) if isinstance(v, Decimal) else v for k, v in given.items()}
    )


def resting(**fields: Any) -> dict[str, Any]:
    """Fields of a limit order that does not trade at once."""
    side = fields.get("side", "BUY")
    away = "90" if side == "BUY" else "110"
    return {"type": "LIMIT", "limit_price": away, "time_in_force": "GTC", **fields}


def with_dedup(dedup: Any) -> Callable[[Capabilities], Capabilities]:
    """The same broker, without a server that refuses duplicates."""
    return lambda given: but(given, dedup=dedup)


async def open_order(world, **fields):
    handle = await world.submit(**resting(**fields))
    await world.run(0.1)
    assert handle.state.status is OrdStatus.NEW
    return handle
