"""Run one plan in forked children, kill them with SIGKILL at chosen points, and look at the rest.

What differs between brokers is a `Scene`. The worker is a process of its own, single-threaded and
with everything imported and the plugins loaded, so that a fork is cheap and safe. It reads jobs as
JSON lines (the points at which the runs of one cycle die) and answers each with a line: what does
not hold, or how the plan ended.
"""

import asyncio
import gc
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fillwright.config import DeskConfig, DeskSettings
from fillwright.desk import doubts, opening, supervisor
from fillwright.desk.keeper import Keeper
from fillwright.desk.opening import Overrides, load_plugins, open_desk
from fillwright.errors import JournalError
from fillwright.journal import sqlite as journal_sqlite
from fillwright.journal import writer as journal_writer
from fillwright.journal.reader import JournalReader
from fillwright.ledger import Ledger, Sent, Staged, decode
from fillwright.plans import read_plan
from fillwright.plugins import Registry
from fillwright.protocols import Adapter
from fillwright.resilience import Backoff
from fillwright.types import ClientOrderId

PLAN = Path(__file__).parents[2] / "docs" / "examples" / "rebalance.json"
RISK = {
    "max_order_notional": {"limit_usd": "50000"},
    "max_long_position": {"limit_usd": "60000"},
    # Each kill leaves several requests in doubt, and the sixth within a minute halts the account.
    "error_rate": {"max_doubts": 1000},
}
#: A slow machine must not run into deadlines: what comes of those is for other tests.
PATIENT = DeskSettings(
    send_deadline_seconds=600.0, quote_max_age_seconds=60.0, ready_within_seconds=120.0
)
#: In seconds: longer than any request here is under way.
T_INFLIGHT = 0.1
LONGEST_RUN = 60.0
#: The broker may show its cash in whole cents.
CENT = Decimal("0.01")


@dataclass
class Points:
    """Count every point of a run by name, and die at one of them, or stop there."""

    die_at: str = ""
    by: signal.Signals = signal.SIGKILL
    seen: Counter[str] = field(default_factory=Counter)

    def reach(self, name: str) -> None:
        self.seen[name] += 1
        if f"{name} {self.seen[name]}" == self.die_at:
            # To this very thread: one that is only stopped would run on until another was told.
            signal.pthread_kill(threading.get_ident(), self.by)

    def around(self, owner: Any, method: str, name: str) -> None:
        """Make a point before and one after each call."""
        real = getattr(owner, method)

        def wrapped(*given: Any, **named: Any) -> Any:
            self.reach(f"before {name}")
            answer = real(*given, **named)
            self.reach(f"after {name}")
            return answer

        setattr(owner, method, wrapped)

    def around_async(self, owner: Any, method: str, name: str) -> None:
        real = getattr(owner, method)

        async def wrapped(*given: Any, **named: Any) -> Any:
            self.reach(f"before {name}")
            answer = await real(*given, **named)
            self.reach(f"after {name}")
            return answer

        setattr(owner, method, wrapped)

    def plant(self) -> None:
        """The points of the desk itself."""
        self.around(journal_sqlite.SqliteJournal, "append", "journal append")
        self.around(journal_writer.Writer, "_commit", "journal commit")
        self.around(journal_writer.Insert, "__call__", "journal insert")
        self.around(Keeper, "_fold", "ledger fold")


@dataclass(frozen=True)
class Truth:
    """What the broker's books say when all is over."""

    #: How many orders there are under each client order id.
    orders: Counter[str]
    #: Those that have not ended, with their status.
    unfinished: dict[str, str]
    executions: set[str]
    #: How much was traded, by symbol.
    traded: Counter[str]
    positions: dict[str, Decimal]
    cash: Decimal


class Scene(Protocol):
    """One account at one broker, for one cycle."""

    def config(self) -> DeskConfig:
        """The desk's configuration."""

    def adapter(self, loaded: DeskConfig, registry: Registry) -> Adapter:
        """A new adapter; called in the child."""

    def plant(self, points: Points) -> None:
        """Points of the adapter and the broker."""

    def truth(self) -> Truth:
        """Look into the broker's books."""


#: Makes the scene of one cycle in its folder.
MakeScene = Callable[[Path], Scene]


async def run_plan(scene: Scene, registry: Registry) -> dict[str, Any]:
    loaded = scene.config()
    overrides = Overrides(adapter=scene.adapter(loaded, registry))
    async with open_desk(loaded, overrides=overrides) as desk:
        result = await desk.execute(read_plan(PLAN))
    return {
        "status": result.status,
        "filled": {item.symbol: [str(item.status), str(item.filled)] for item in result.items},
        "why": {item.symbol: item.reason for item in result.items if item.reason},
    }


def hurry() -> None:
    """Every wait of the desk in milliseconds: the order of things is the same."""
    doubts._PACE = Backoff(0.005, 0.05)
    supervisor._RETRY = supervisor._RECONNECT = Backoff(0.005, 0.05)
    opening.PlanSettings = partial(opening.PlanSettings, poll_first=0.01, poll_most=0.05)


def in_child(work: Callable[[], dict[str, Any]], answer: Path, after: float | None) -> str:
    """Do it in a fork and say how that ended; kill it after so many seconds, if told."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            answer.write_text(json.dumps(work()))
            status = 0
        except BaseException:  # noqa: BLE001  # the child must not go on as the parent
            traceback.print_exc()
        finally:
            os._exit(status)
    if not _ends_within(pid, LONGEST_RUN if after is None else after):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return "killed from outside" if after is not None else "never ended"
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return "ended" if os.WEXITSTATUS(status) == 0 else "failed"


def _ends_within(pid: int, seconds: float) -> bool:
    """Wait for a child's end without looking again and again: that costs what it measures."""
    end = os.pidfd_open(pid)
    try:
        waiting = select.poll()
        waiting.register(end, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))
    finally:
        os.close(end)


def one_run(
    scene: Scene, registry: Registry, die_at: str, count_to: Path | None = None
) -> dict[str, Any]:
    random.seed(os.getpid())
    hurry()
    opening.load_plugins = lambda _config, _given: registry
    points = Points(die_at)
    points.plant()
    scene.plant(points)
    result = asyncio.run(run_plan(scene, registry))
    if count_to is not None:
        count_to.write_text(json.dumps(points.seen))
    return result


def cycle(scene: Scene, registry: Registry, folder: Path, kills: list[str]) -> dict[str, Any]:
    """Die at each point in turn, each time going on where the last run stopped; then finish."""
    ends, problems = [], []
    for number, point in enumerate(kills):
        name, _, amount = point.rpartition(" ")
        after = float(amount) if name == "random" else None
        die_at = "" if after is not None else point
        answer = folder / f"killed-{number}.json"
        end = in_child(partial(one_run, scene, registry, die_at), answer, after)
        ends.append(end)
        problems += [f"{point}: {end}"] if end == "failed" else unrecorded(scene.truth(), folder)
    answer = folder / "result.json"
    whole = partial(one_run, scene, registry, "", folder / "points.json")
    last = in_child(whole, answer, None)
    problems += [] if last == "ended" else [f"the last run {last}"]
    result = json.loads(answer.read_text()) if last == "ended" else {}
    why = result.pop("why", {})
    if not problems:
        truth = scene.truth()
        problems = look(truth, folder) + miscounted(result["filled"], truth)
    return {"kills": kills, "ends": ends, "problems": problems, "result": result, "why": why}


def miscounted(filled: dict[str, list[str]], truth: Truth) -> list[str]:
    """What the plan's own result says was traded, and was not, or the other way round."""
    said = {symbol: Decimal(quantity) for symbol, (_, quantity) in filled.items()}
    return [
        f"{symbol}: the result says {said.get(symbol, 0)}, the broker {truth.traded[symbol]}"
        for symbol in sorted({*said, *truth.traded})
        if said.get(symbol, 0) != truth.traded[symbol]
    ]


def unrecorded(truth: Truth, folder: Path) -> list[str]:
    """Which orders the broker has that no durable record speaks of: looked at over the corpse."""
    try:
        reader = JournalReader.open(folder / "desk.db")
    except JournalError:
        # It died before there was one.
        return [f"{name} was sent without a journal" for name in truth.orders]
    facts = [decode(record) for record in reader.read(0)]
    reader.close()
    sent = {fact.key for fact in facts if isinstance(fact, Sent)}
    return [f"{name} was sent before its record" for name in set(truth.orders) - sent]


def look(truth: Truth, folder: Path) -> list[str]:
    """What does not hold between the broker's books and the journal, when all is over."""
    problems = [f"{name} is {count} orders" for name, count in truth.orders.items() if count > 1]
    problems += [f"{name} is still {status}" for name, status in truth.unfinished.items()]
    reader = JournalReader.open(folder / "desk.db")
    ledger = Ledger()
    intents: Counter[str] = Counter()
    for record in reader.read(0):
        fact = decode(record)
        if fact is not None:
            ledger.apply(fact)
        if isinstance(fact, Staged) and fact.order.intent_id:
            intents[fact.order.intent_id] += 1
    reader.close()
    problems += [f"intent {name} staged {n} times" for name, n in intents.items() if n > 1]
    known = {ClientOrderId(name) for name in truth.orders}
    problems += [f"{name} is not in the ledger" for name in known - set(ledger.orders)]
    booked = Counter(e.execution_id for key in ledger.orders for e in ledger.executions(key))
    there = truth.executions
    problems += [f"execution {name} is missing" for name in there - set(booked)]
    problems += [f"execution {name} is invented" for name in set(booked) - there]
    problems += [f"execution {name} booked {n} times" for name, n in booked.items() if n > 1]
    ours = {s: q for s, q in ledger.positions.items() if q}
    if ours != truth.positions:
        problems.append(f"positions differ: {ours} here, {truth.positions} there")
    if ledger.cash is None or abs(ledger.cash - truth.cash) >= CENT:
        problems.append(f"cash differs: {ledger.cash} here, {truth.cash} there")
    return problems


def work(make: MakeScene, base: Path) -> None:
    """Answer jobs until the input ends."""
    registry: Registry | None = None
    for number, line in enumerate(sys.stdin):
        folder = base / f"cycle-{number}"
        folder.mkdir(mode=0o700)
        scene = make(folder)
        if registry is None:
            # Before the first fork: every child would spend half of its time on it.
            registry = load_plugins(scene.config())
            gc.freeze()
        answer = cycle(scene, registry, folder, json.loads(line))
        points = folder / "points.json"
        answer["points"] = json.loads(points.read_text()) if points.exists() else {}
        answer["cpu"] = _cpu_seconds()
        if not answer["problems"]:
            shutil.rmtree(folder)
        print(json.dumps(answer), flush=True)


def _cpu_seconds() -> float:
    """What this process and its children have used until now."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
