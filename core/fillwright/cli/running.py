"""`fillwright run`: carry a plan out, and say in the end what really happened."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from fillwright.cli.aftermath import left_told
from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.previewing import preview_answer
from fillwright.cli.progress import Watcher, shown
from fillwright.cli.stopping import Hold, killable, run_stoppable
from fillwright.cli.tables import result_table, shown_price
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.desk.killing import KillSwitch
from fillwright.desk.opening import Overrides, open_desk
from fillwright.plans import ExecutionResult, ItemStatus, Plan, PlanStatus, read_plan

_MEANINGS = {
    PlanStatus.SUCCESS: "everything that can trade has traded",
    PlanStatus.PARTIAL_SUCCESS: "some of it traded; the reasons stand in the table",
    PlanStatus.FAILURE: "nothing traded; the reasons stand in the table",
}


def run(
    call: Call,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan: JSON, or a CSV basket.")],
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be sent and every verdict; send nothing."),
    ] = False,
) -> Answer:
    """Carry a plan out, or go on with it; the same plan id never sends an order twice.

    Exit codes: 0 SUCCESS, 1 FAILURE, 2 bad input or configuration and nothing was sent,
    3 PARTIAL_SUCCESS, 4 something is in doubt. A signal: 130 (SIGINT) or 143 (SIGTERM), or 4 when
    it left something in doubt; a second signal ends at once. SIGUSR1 pulls the kill switch.
    With --dry-run: 0 every order would leave, 3 some would not, 1 none would.
    """
    wanted = read_plan(plan)
    config = call.loaded()
    if dry_run:
        return preview_answer(wanted, config)
    watcher, hold, begun = Watcher(), Hold(), SystemClock().now()
    switch = KillSwitch(config.kill_path.absolute())
    with (
        left_told(config, hold),
        shown(wanted.plan_id, watcher, quiet=call.json),
        killable(switch),
    ):
        overrides = Overrides(journal=hold.opener(config), plugins=watcher.plugins(), switch=switch)
        result = run_stoppable(lambda: _carry_out(wanted, config, overrides), hold)
    return _answer(result, begun, hold)


async def _carry_out(plan: Plan, config: DeskConfig, overrides: Overrides) -> ExecutionResult:
    async with open_desk(config, overrides=overrides) as desk:
        return await desk.execute(plan)


def _answer(result: ExecutionResult, begun: datetime, hold: Hold) -> Answer:
    lines: list[RenderableType] = [result_table(result), "", _summary(result)]
    if hold.begun:
        lines.append(hold.begun)
    if result.execution_timestamp < begun:
        at = result.execution_timestamp.isoformat(timespec="seconds")
        lines.append(f"This plan was finished at {at}; nothing was sent now.")
    lines += _doubtful(result)
    return Answer(result.model_dump(mode="json"), lines, result.exit_code, done=_done(result, hold))


def _done(result: ExecutionResult, hold: Hold) -> str:
    """What came about, for when the answer cannot be written; empty when nothing was placed."""
    if not result.orders_placed:
        return ""
    return (
        f"plan {result.plan_id} ended as {_summary(result).removesuffix('.')}. It stands in "
        f"{hold.path}: the same command gives the same result and sends nothing twice"
    )


def _summary(result: ExecutionResult) -> str:
    worth = f"{shown_price(result.total_trade_value)} traded"
    placed = f"{result.orders_succeeded} of {result.orders_placed} orders filled, {worth}"
    if result.in_doubt:
        meaning = "the outcome of something is not known"
        return f"IN DOUBT: {placed}; {meaning} (exit {int(result.exit_code)})."
    meaning = _MEANINGS[result.status]
    return f"{result.status}: {placed}; {meaning} (exit {int(result.exit_code)})."


def _doubtful(result: ExecutionResult) -> list[RenderableType]:
    doubted = [item for item in result.items if item.status is ItemStatus.IN_DOUBT]
    if not doubted:
        return []
    lines: list[RenderableType] = [
        f"In doubt: {item.symbol} {item.side} {item.client_order_id}" for item in doubted
    ]
    lines.append(
        "What to do: do not place these orders again by hand. Run the same command again, or "
        "`fillwright reconcile`: the broker's books settle them, and nothing is sent twice."
    )
    return lines
