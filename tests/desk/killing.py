"""Run one plan in forked children, kill them with SIGKILL at chosen points, and look at the rest.

What differs between brokers is a `Scene`. The worker is a process of its own, single-threaded and
with everything imported, so that a fork is cheap and safe. It reads jobs as JSON lines (the points
at which the runs of one cycle die) and answers each with a line: what does not hold, or how the
plan ended.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fillwright.config import DeskConfig
from fillwright.desk import doubts, opening, supervisor
from fillwright.desk.keeper import Keeper
from fillwright.desk.opening import Overrides, open_desk
from fillwright.journal import sqlite as journal_sqlite
from fillwright.journal import writer as journal_writer
from fillwright.journal.reader import JournalReader
from fillwright.ledger import Ledger, Staged, decode
from fillwright.plans import read_plan
from fillwright.protocols import Adapter
from fillwright.resilience import Backoff
from fillwright.types import ClientOrderId

PLAN = Path(__file__).parents[2] / "docs" / "examples" / "rebalance.json"
RISK = {
    "max_order_notional": {"limit_usd": "50000"},
    "max_long_position": {"limit_usd": "60000"},
}
#: In seconds: longer than any request here is under way.
T_INFLIGHT = 0.1
LONGEST_RUN = 60.0
#: The broker may show its cash in whole cents.
CENT = Decimal("0.01")


@dataclass
class Points:
    """Count every point of a run by name, and die at one of them."""

    die_at: str = ""
    seen: Counter[str] = field(default_factory=Counter)

    def reach(self, name: str) -> None:
        self.seen[name] += 1
        if f"{name} {self.seen[name]}" == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

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
    positions: dict[str, Decimal]
    cash: Decimal


class Scene(Protocol):
    """One account at one broker, for one cycle."""

    def config(self) -> DeskConfig:
        """The desk's configuration."""

    def adapter(self, loaded: DeskConfig) -> Adapter:
        """A new adapter; called in the child."""

    def plant(self, points: Points) -> None:
        """Points of the adapter and the broker."""

    def truth(self) -> Truth:
        """Look into the broker's books."""


#: Makes the scene of one cycle in its folder.
MakeScene = Callable[[Path], Scene]


async def run_plan(scene: Scene) -> dict[str, Any]:
    loaded = scene.config()
    overrides = Overrides(adapter=scene.adapter(loaded))
    async with open_desk(loaded, overrides=overrides) as desk:
        result = await desk.execute(read_plan(PLAN))
    return {
        "status": result.status,
        "filled": {item.symbol: [str(item.status), str(item.filled)] for item in result.items},
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
    began = time.monotonic()
    limit = LONGEST_RUN if after is None else after
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() - began > limit:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "killed from outside" if after is not None else "never ended"
        time.sleep(0.002)
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return "ended" if os.WEXITSTATUS(status) == 0 else "failed"


def one_run(scene: Scene, die_at: str, count_to: Path | None = None) -> dict[str, Any]:
    random.seed(os.getpid())
    hurry()
    points = Points(die_at)
    points.plant()
    scene.plant(points)
    result = asyncio.run(run_plan(scene))
    if count_to is not None:
        count_to.write_text(json.dumps(points.seen))
    return result


def cycle(scene: Scene, folder: Path, kills: list[str]) -> dict[str, Any]:
    """Die at each point in turn, each time going on where the last run stopped; then finish."""
    ends = []
    for number, point in enumerate(kills):
        name, _, amount = point.rpartition(" ")
        after = float(amount) if name == "random" else None
        die_at = "" if after is not None else point
        answer = folder / f"killed-{number}.json"
        ends.append(in_child(partial(one_run, scene, die_at), answer, after))
    answer = folder / "result.json"
    last = in_child(partial(one_run, scene, "", folder / "points.json"), answer, None)
    problems = [] if last == "ended" else [f"the last run {last}"]
    problems += [f"{kill}: {end}" for kill, end in zip(kills, ends, strict=True) if end == "failed"]
    result = json.loads(answer.read_text()) if last == "ended" else {}
    if not problems:
        problems = look(scene.truth(), folder)
    return {"kills": kills, "ends": ends, "problems": problems, "result": result}


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
    for number, line in enumerate(sys.stdin):
        folder = base / f"cycle-{number}"
        folder.mkdir(mode=0o700)
        answer = cycle(make(folder), folder, json.loads(line))
        points = folder / "points.json"
        answer["points"] = json.loads(points.read_text()) if points.exists() else {}
        if not answer["problems"]:
            shutil.rmtree(folder)
        print(json.dumps(answer), flush=True)
