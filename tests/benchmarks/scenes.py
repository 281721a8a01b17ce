"""The scenes that are measured: a whole desk on the in-process fake broker, its gate, its floor."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from benchmarks.floor import Floor
from benchmarks.measuring import Figures, measured
from fillwright.accounts import Account, Instrument, Quote
from fillwright.book import BookView, Exposure
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.desk.desk import Desk
from fillwright.desk.opening import Overrides, open_desk
from fillwright.history import Deed, Event, History, Log
from fillwright.hooks import hookimpl
from fillwright.inputs import (
    ACCOUNT_WIDE,
    Datum,
    Input,
    ProfitAndLoss,
    Session,
    SessionState,
    Supplied,
)
from fillwright.journal import MemoryJournal
from fillwright.orders import Order, content_hash
from fillwright.protocols import Binding, Capabilities, Clock, Journal, Routes
from fillwright.reports import Anomaly
from fillwright.risk import Conditions, Gate, HaltWanted, Proposal, ThreadAsker
from fillwright.risk.answers import Check
from fillwright.states import OrderState
from fillwright.types import (
    AssetClass,
    ClientOrderId,
    Mode,
    OrderClass,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)
from fillwright.verdicts import ALLOW, ApprovedChange, ApprovedOrder, Reject, Verdict
from fillwright_risk.build import build_checks
from fillwright_risk.common import Control

RICH = "100000000000"


class Listener:
    """An observer: it hears of a fill once the fill's record is durable."""

    def __init__(self) -> None:
        self._heard: dict[ClientOrderId, asyncio.Future[float]] = {}

    def expect(self, key: ClientOrderId) -> "asyncio.Future[float]":
        """When the fill of this order will have been told."""
        return self._heard.setdefault(key, asyncio.get_running_loop().create_future())

    @hookimpl
    def order_changed(self, order: OrderState, anomalies: Sequence[Anomaly]) -> None:
        if order.status is OrdStatus.FILLED:
            heard = self._heard.pop(order.client_order_id, None)
            if heard is not None:
                heard.set_result(time.perf_counter())


def _config(folder: Path) -> DeskConfig:
    return DeskConfig.model_validate(
        {
            "mode": Mode.PAPER,
            "broker": "fake",
            "journal": "bench.db",
            "checks": (str(Path(__file__).parent / "five_checks.py"),),
            "desk": {"max_in_flight": 100_000, "reconcile_every_seconds": 3600.0},
            "folder": folder,
            "broker_settings": {
                "cash": RICH,
                "depth": "100000000",
                "volatility": "0",
                "state": ":memory:",
            },
        }
    )


def _in_memory(binding: Binding, clock: Clock) -> Journal:
    return MemoryJournal(binding, clock=clock)


@asynccontextmanager
async def _desk(*, durable: bool, listener: Listener | None = None) -> AsyncIterator[Desk]:
    plugins = (("listener", listener),) if listener else ()
    overrides = Overrides(journal=None if durable else _in_memory, plugins=plugins)
    with tempfile.TemporaryDirectory() as folder:
        async with open_desk(_config(Path(folder)), overrides=overrides) as desk:
            yield desk


def order_of(number: int) -> Order:
    fields = {"symbol": "KO", "side": "BUY", "quantity": "1", "intent_id": f"bench{number}"}
    return Order.model_validate(fields)


async def whole_desk(*, durable: bool, in_flight: int, count: int) -> Figures:
    """Submit to `done()`: five checks, the journal, the fake broker, a fill."""
    async with _desk(durable=durable) as desk:

        async def work(number: int) -> float:
            start = time.perf_counter()
            state = await (await desk.submit(order_of(number))).done()
            if state.filled != 1:
                raise AssertionError(state)
            return time.perf_counter() - start

        return await measured(work, count=count, in_flight=in_flight)


async def fill_callback(*, durable: bool, in_flight: int, count: int) -> Figures:
    """Submit to the observer's call for the fill, which comes after the fill is durable."""
    listener = Listener()
    async with _desk(durable=durable, listener=listener) as desk:

        async def work(number: int) -> float:
            start = time.perf_counter()
            handle = await desk.submit(order_of(number))
            return await listener.expect(handle.client_order_id) - start

        return await measured(work, count=count, in_flight=in_flight)


async def floor(*, durable: bool, in_flight: int, count: int) -> Figures:
    """The bare skeleton."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Floor(Path(folder) / "floor.db" if durable else None)

        async def work(number: int) -> float:
            start = time.perf_counter()
            await bare.order(number)
            return time.perf_counter() - start

        try:
            return await measured(work, count=count, in_flight=in_flight)
        finally:
            bare.close()


class Limit:
    """One check of the kind that a quant writes."""

    limit = Decimal(1000)

    def __init__(self, number: int) -> None:
        self.name = f"limit-{number}"

    def call(self, order: Order, book: BookView) -> Verdict:
        if order.quantity is not None and order.quantity <= self.limit:
            return ALLOW
        return Reject("BENCH", measured=order.quantity, limit=self.limit)


class Informed(Limit):
    """One that needs data, and asks what the desk did in the last minute."""

    needs = (Input.ADV, Input.QUOTE)

    def call(self, order: Order, book: BookView) -> Verdict:
        since = book.now - timedelta(seconds=60)
        sent = book.history.count(Deed.SENT, since=since, symbol=order.symbol)
        if sent < self.limit and book.adv(order.symbol) > self.limit:
            return ALLOW
        return Reject("BENCH", measured=sent, limit=self.limit)


@dataclass
class StillFacts:
    """A desk's facts that never change, so that the gate alone is measured."""

    book: BookView
    calm: Conditions

    def book_for(self, proposal: Proposal) -> BookView:
        """A view of its own for each order, as a desk makes it."""
        return replace(self.book)

    def conditions(self) -> Conditions:
        return self.calm

    def reserve(self, approved: ApprovedOrder | ApprovedChange, book: BookView) -> None:
        """There is nothing to reserve in."""

    def latch(self, proposal: Proposal, halts: tuple[HaltWanted, ...]) -> None:
        raise AssertionError(halts)


def still_facts(positions: int = 0) -> StillFacts:
    """With so many positions, each with a quote and an open order."""
    now = datetime.now(UTC)
    rich = Decimal(RICH)
    account = Account("BENCH", "USD", rich, rich, rich, now)
    quote = Quote("KO", Decimal("59.99"), Decimal("60.01"), rich, rich, now)
    others = [f"S{number}" for number in range(positions)]
    table = {OrdType.MARKET: frozenset(TimeInForce)}
    routes = {AssetClass.US_EQUITY: Routes({OrderClass.SIMPLE: table})}
    ever = timedelta(days=1)
    data = {
        Input.ADV: rich,
        Input.PNL: ProfitAndLoss(rich, rich, rich),
        Input.SESSION: Session(SessionState.OPEN),
        Input.SKEW: Decimal(0),
    }
    whose = {name: "" if name in ACCOUNT_WIDE else "KO" for name in data}
    supplied = Supplied(
        {(name, whose[name]): Datum(name, whose[name], value, now) for name, value in data.items()},
        max_age=dict.fromkeys(data, ever),
    )
    book = BookView(
        now,
        account,
        {one: _held() for one in others},
        {one: replace(quote, symbol=one) for one in ("KO", *others)},
        {"KO": Instrument("KO")},
        quote_max_age=ever,
        supplied=supplied,
        history=_past(now),
        today=now - timedelta(hours=10),
    )
    return StillFacts(book, Conditions(Capabilities(routes)))


def _held() -> Exposure:
    shares, value = Decimal(100), Decimal(300)
    return Exposure(shares, Decimal(5), open_buy_value=value, orders=1, buy_orders=1)


def _past(now: datetime) -> History:
    """A day's ten thousand orders."""
    log = Log(
        Event(
            Deed.SENT,
            now - timedelta(seconds=10 * ago),
            "KO",
            Side.BUY,
            f"fw-{ago}",
            Decimal(1),
            Decimal(60),
        )
        for ago in reversed(range(1, 10_001))
    )
    return History(((log, log.end),))


class Kind(StrEnum):
    """What a chain is made of."""

    LIMIT = "checks"
    INFORMED = "checks with data"
    STANDARD = "standard controls"


#: Controls that need a number of their owner, and such that would stop a flood of the same order:
#: generous, so that all of them pass.
_TABLES = {
    "duplicate_order": {"window_seconds": 0},
    "open_orders": {"side_orders": 10**6, "account_orders": 10**6},
    "order_rate": {
        f"{whose}_per_{window}": 10**6
        for whose in ("symbol", "strategy", "account")
        for window in ("second", "minute")
    },
    "max_order_notional": {"limit_usd": RICH},
    "max_long_position": {"limit_usd": RICH},
    "daily_capital": {"limit_usd": RICH},
    "gross_exposure": {"limit_usd": RICH},
    "net_exposure": {"limit_usd": RICH},
    "average_volume": {"max_pct": "5"},
    "price_drift": {"max_drift_pct": "3"},
    "basket_notional": {"plan_usd": RICH},
    "daily_loss": {"max_loss_usd": RICH},
    "message_rate": {"changes_per_minute": 1000},
    "settled_cash": {},
    "permission": {"sides": ["BUY"]},
}


class Standard:
    """A standard control as the gate asks it."""

    def __init__(self, control: Control[Any]) -> None:
        self.name, self.code, self.needs = control.name, control.code, control.needs
        self.call: Callable[[Order, BookView], Verdict] = control.check_order  # type: ignore[attr-defined]


def chain_of(kind: Kind, checks: int) -> Sequence[Check]:
    if kind is Kind.STANDARD:
        built = [one for one in build_checks(_TABLES) if hasattr(one, "check_order")]
        return [Standard(one) for one in built if isinstance(one, Control)][:checks]
    of = Informed if kind is Kind.INFORMED else Limit
    return [of(number) for number in range(checks)]


async def gate(*, checks: int, in_flight: int, count: int, kind: Kind = Kind.LIMIT) -> Figures:
    """The gate alone, its checks in their own thread as in a desk; without checks it refuses."""
    asked = Gate(
        chain_of(kind, checks),
        ThreadAsker(deadline=5.0),
        facts=still_facts(),
        clock=SystemClock(),
    )
    deadline = datetime.now(UTC) + timedelta(hours=1)

    async def work(number: int) -> float:
        order = order_of(number)
        proposal = Proposal(order, ClientOrderId(str(number)), content_hash(order), deadline)
        start = time.perf_counter()
        answer = await asked.ask(proposal)
        if (answer.order is not None) != bool(checks):
            raise AssertionError(answer)
        return time.perf_counter() - start

    try:
        return await measured(work, count=count, in_flight=in_flight)
    finally:
        asked.close()
