"""The scenes that are measured: a whole desk on the in-process fake broker, and its floor."""

import asyncio
import gc
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median

from fillwright.hooks import hookimpl
from fillwright.config import DeskConfig
from fillwright.desk.desk import Desk
from fillwright.desk.opening import Overrides, open_desk
from fillwright.journal import MemoryJournal
from fillwright.orders import Order
from fillwright.types import Mode
from fillwright.verdicts import ALLOW, Reject

from .floor import Floor

RICH = "100000000000"


class Limit:
    """One check of the kind that a quant writes."""

    def __init__(self, limit: int) -> None:
        self._limit = Decimal(limit)

    @hookimpl
    def check_order(self, order, book):
        if order.quantity is not None and order.quantity <= self._limit:
            return ALLOW
        return Reject("BENCH", measured=order.quantity, limit=self._limit)


@dataclass(frozen=True)
class Figures:
    """One run: CPU microseconds and wall time of one order, and what it left in memory."""

    cpu_us: float
    per_second: float
    p50_us: float
    p99_us: float
    kib_per_order: float


def config(folder: Path) -> DeskConfig:
    return DeskConfig(
        mode=Mode.PAPER,
        broker="fake",
        journal="bench.db",
        checks=(str(Path(__file__).parent / "five_checks.py"),),
        desk={"max_in_flight": 100_000, "reconcile_every_seconds": 3600.0},
        folder=folder,
        broker_settings={"cash": RICH, "depth": "100000000", "volatility": "0"},
    )


@asynccontextmanager
async def desk_scene(folder: Path, *, durable: bool) -> AsyncIterator[Desk]:
    journal = None if durable else lambda binding, clock: MemoryJournal(binding, clock=clock)
    async with open_desk(config(folder), overrides=Overrides(journal=journal)) as desk:
        yield desk


async def one_order(desk: Desk, number: int) -> None:
    order = Order(symbol="KO", side="BUY", quantity="1", intent_id=f"bench-{number}")
    handle = await desk.submit(order)
    state = await handle.done()
    if state.filled != 1:
        raise AssertionError(state)


async def drive(
    work: Callable[[int], Awaitable[None]], *, count: int, in_flight: int
) -> list[float]:
    """Do `count` orders, `in_flight` at a time; the latency of each in seconds."""
    numbers = iter(range(count))
    took: list[float] = []

    async def worker() -> None:
        for number in numbers:
            start = time.perf_counter()
            await work(number)
            took.append(time.perf_counter() - start)

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return took


def resident_kib() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1024


async def measured(
    work: Callable[[int], Awaitable[None]], *, count: int, in_flight: int
) -> Figures:
    warm = min(200, count)
    await drive(lambda n: work(-n - 1), count=warm, in_flight=in_flight)
    gc.collect()
    before, cpu, wall = resident_kib(), time.process_time(), time.perf_counter()
    took = sorted(await drive(work, count=count, in_flight=in_flight))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    gc.collect()
    kib = (resident_kib() - before) / count
    return Figures(
        cpu / count * 1e6,
        count / wall,
        median(took) * 1e6,
        took[int(len(took) * 0.99)] * 1e6,
        kib,
    )


async def whole_desk(folder: Path, *, durable: bool, count: int, in_flight: int) -> Figures:
    async with desk_scene(folder, durable=durable) as desk:
        return await measured(lambda n: one_order(desk, n), count=count, in_flight=in_flight)


async def bare_floor(folder: Path, *, durable: bool, count: int, in_flight: int) -> Figures:
    floor = Floor(folder / "floor.db" if durable else None)
    try:
        return await measured(floor.order, count=count, in_flight=in_flight)
    finally:
        floor.close()
