"""Drive one kind of work, some at a time, and take its cost."""

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

WARM = 200

Work = Callable[[int], Awaitable[float]]


@dataclass(frozen=True)
class Figures:
    """One round: what one order cost, how long it took, and what it left in memory."""

    #: CPU microseconds of all threads.
    cpu: float
    per_second: float
    #: Microseconds.
    p50: float
    p99: float
    #: KiB of resident memory that each order left behind.
    kib: float


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def drive(work: Work, numbers: range, *, in_flight: int) -> list[float]:
    """Do the work for each number, `in_flight` at a time; the answers of all of it."""
    coming = iter(numbers)
    answers: list[float] = []

    async def worker() -> None:
        answers.extend([await work(number) for number in coming])

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return answers


async def measured(work: Work, *, count: int, in_flight: int) -> Figures:
    """The cost of `count` pieces of work after a warm-up; each answers with its latency."""
    await drive(work, range(-min(WARM, count), 0), in_flight=in_flight)
    gc.collect()
    memory, cpu, wall = _resident_kib(), time.process_time(), time.perf_counter()
    latencies = sorted(await drive(work, range(count), in_flight=in_flight))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    gc.collect()
    kib = (_resident_kib() - memory) / count
    p50, p99 = quantile(latencies, 0.5) * 1e6, quantile(latencies, 0.99) * 1e6
    return Figures(cpu / count * 1e6, count / wall, p50, p99, kib)


def _resident_kib() -> float:
    """Resident memory now; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
