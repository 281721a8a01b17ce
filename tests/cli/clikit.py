"""What the command line's tests share: a small desk, plans, and ways to run a command."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fillwright import Order, OrdStatus, open_desk
from fillwright.cli.app import run_command

RISK = """
[risk.max_order_quantity]
limit_shares = "100"

[risk.max_order_notional]
limit_usd = "50000"

[risk.price_collar]
max_away_pct = "10"
"""


#: For a child that may not write, or that is asked what it imported: nothing measures it.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; json refuses anything before or behind it."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        return self.document["error"]


def write_desk(
    folder: Path, *, fake: str = "", desk: str = "", checks: str = '"risk"', name: str = "desk.toml"
) -> Path:
    """A desk.toml on a fake broker with its state beside it."""
    path = folder / name
    path.write_text(
        f'mode = "paper"\nbroker = "fake"\njournal = "desk.db"\nchecks = [{checks}]\n'
        f"[desk]\n{desk}\n"
        f'[fake]\nstate = "venue.db"\ncash = "50000"\nvolatility = "0"\n{fake}\n{RISK}'
    )
    return path


def write_plan(folder: Path, plan_id: str = "p-1", name: str = "plan.json", **fields: Any) -> Path:
    """A plan; without fields, one that buys two symbols."""
    kind = fields or {"target_quantities": {"AAPL": "5", "MSFT": "4"}}
    path = folder / name
    path.write_text(json.dumps({"plan_id": plan_id, **kind}))
    return path


def order(symbol: str, quantity: str, **fields: str) -> dict[str, str]:
    return {"symbol": symbol, "side": "BUY", "quantity": quantity, **fields}


def resting(symbol: str, quantity: str = "5", **fields: str) -> dict[str, str]:
    """An order that waits at the broker for ever: within the collar, and below the market."""
    limit = {"AAPL": "215", "MSFT": "395"}[symbol]
    return order(symbol, quantity, type="LIMIT", limit_price=limit, time_in_force="GTC", **fields)


def rest_at_the_broker(desk: Path, *orders: dict[str, str]) -> list[str]:
    """Leave orders open at the venue, as a desk does that is stopped; gives their ids."""

    async def submit() -> list[str]:
        async with open_desk(desk) as opened:
            handles = [await opened.submit(Order.model_validate(one)) for one in orders]
            for handle in handles:
                assert (await handle.decided()).status is OrdStatus.NEW
            return [handle.client_order_id for handle in handles]

    return asyncio.run(submit())


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child, without anything that speaks to fillwright."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("FILLWRIGHT_", "COLUMNS"))}
    return {**plain, **extra}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "fillwright", *map(str, arguments)]


def fillwright(*arguments: object, cwd: Path, **options: Any) -> Outcome:
    """Run a command in a process of its own."""
    variables = options.pop("env", {})
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def run_here(capsys: Any, *arguments: object) -> Outcome:
    """Run a command in this process, which is a second faster."""
    capsys.readouterr()
    code = run_command([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return Outcome(code, printed.out, printed.err)


def venue_orders(folder: Path) -> list[dict[str, Any]]:
    """Every order that the fake venue ever took."""
    state = folder / "venue.db"
    if not state.exists():
        return []
    with sqlite3.connect(state) as database:
        rows = database.execute("SELECT body FROM orders").fetchall()
    database.close()
    return [json.loads(body) for (body,) in rows]


def is_one_sentence(text: str) -> bool:
    return text.startswith("error: ") and text.count("\n") == 1 and "Traceback" not in text
