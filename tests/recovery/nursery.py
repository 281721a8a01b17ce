"""A process that does nothing but fork children which carry a plan out, and kill them.

It reads one JSON command a line and answers with one: everything is imported once, and there is
no thread in it, so that a fork is a clean start. A child dies by a real SIGKILL, by its own hand
at a named point, or by its parent's after a while.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from fillwright.config import default_config
from fillwright.desk.opening import open_desk
from fillwright.journal import JournalReader, SqliteJournal
from fillwright.journal.writer import Writer
from fillwright.ledger import Ledger, decode
from fillwright.plans import read_plan
from fillwright.testing.fake_broker import FakeExecutor
from fillwright.testing.fake_broker.adapter import FakeBroker

#: Requests do not outlive the process in which the venue runs, so the fence may be short.
T_INFLIGHT = 0.15
PLAN = Path(__file__).parents[2] / "docs" / "examples" / "rebalance.json"


def config(folder: Path):
    plain = default_config(folder)
    broker = {**plain.broker_settings, "volatility": "0", "step": 0.01, "depth": "9"}
    return plain.model_copy(update={"broker_settings": broker})


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(inner: Callable[..., Any], *, at: int, after: bool) -> Callable[..., Any]:
    """`inner`, which kills the process around its call number `at`."""
    calls = 0

    def call(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            die()
        answer = inner(*given)
        if calls == at:
            die()
        return answer

    return call


def arm(point: dict[str, Any]) -> None:
    """Put the mine where the command says."""
    at, after = point.get("at", 0), point.get("after", False)
    if point["kind"] == "commit":
        Writer._commit = dying(Writer._commit, at=at, after=after)
    elif point["kind"] == "append":
        SqliteJournal.append = dying(SqliteJournal.append, at=at, after=after)
    elif point["kind"] == "submit":
        plain = FakeExecutor.submit
        calls = 0

        async def submit(self, order):
            nonlocal calls
            calls += 1
            if calls == at and not after:
                die()
            ack = await plain(self, order)
            if calls == at:
                die()
            return ack

        FakeExecutor.submit = submit


async def carry_out(folder: Path) -> dict[str, Any]:
    capabilities = replace(FakeExecutor.capabilities, t_inflight=T_INFLIGHT)
    FakeExecutor.capabilities = capabilities
    brokers: list[FakeBroker] = []
    plain = FakeBroker.__init__

    def remembered(self, *given, **named):
        plain(self, *given, **named)
        brokers.append(self)

    FakeBroker.__init__ = remembered
    async with open_desk(config(folder)) as desk:
        result = await desk.execute(read_plan(PLAN))
        account = brokers[0].venue.account()
        held = {s: str(p.quantity) for s, p in account.positions.items() if p.quantity}
        orders = [
            (o.client_order_id, o.symbol, str(o.side), str(o.filled))
            for o in brokers[0].venue.orders()
        ]
        executions = [
            str(f.execution.execution_id) for f in brokers[0].venue.executions(None).items
        ]
    return {
        "status": str(result.status),
        "orders": orders,
        "executions": executions,
        "held": held,
        "cash": str(account.cash),
        **in_the_journal(folder),
    }


def in_the_journal(folder: Path) -> dict[str, Any]:
    """What the ledger holds, folded from the file alone."""
    ledger = Ledger()
    with JournalReader.open(folder / ".fillwright" / "journal.db") as journal:
        facts = [fact for record in journal.read() if (fact := decode(record)) is not None]
    for fact in facts:
        ledger.apply(fact)
    booked = [str(e.execution_id) for key in ledger.orders for e in ledger.executions(key)]
    return {
        "booked": booked,
        "positions": {s: str(q) for s, q in ledger.positions.items() if q},
        "ledger_cash": str(ledger.cash),
        "intents": len(ledger.orders),
    }


def child(folder: Path, point: dict[str, Any]) -> None:
    if point["kind"] in {"append", "commit", "submit"}:
        arm(point)
    answer = asyncio.run(carry_out(folder))
    (folder / "answer.json").write_text(json.dumps(answer))


def run(command: dict[str, Any]) -> dict[str, Any]:
    folder, point = Path(command["folder"]), command["point"]
    (folder / "answer.json").unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child(folder, point)
            code = 0
        except BaseException:  # noqa: BLE001  # the parent tells what the child could not
            import traceback

            (folder / "fault.txt").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    if point["kind"] == "time":
        time.sleep(point["seconds"])
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    answer = folder / "answer.json"
    done = json.loads(answer.read_text()) if answer.exists() and not killed else None
    fault = folder / "fault.txt"
    return {
        "killed": killed,
        "done": done,
        "fault": fault.read_text() if fault.exists() else "",
    }


def main() -> None:
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
