"""The synchronous door: carry one plan out from a script, a notebook or inside a running loop.

It owns a loop in a thread of its own, so that it never meets the caller's.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from fillwright.config import DeskConfig
from fillwright.desk.opening import Overrides, open_desk
from fillwright.plans import ExecutionResult, Plan, read_plan, require_plan

T = TypeVar("T")


def execute(
    plan: Plan | str | Path | dict[str, Any] | None,
    *,
    config: str | Path | DeskConfig | None = None,
    overrides: Overrides | None = None,
) -> ExecutionResult:
    """Carry a plan out and return what really happened; the same plan id, the same result.

    `plan` is a plan, its fields as a dict, or the path of a JSON or CSV file; `config` is the
    path of a desk.toml (none: the built-in desk on the fake broker). Raises PlanError,
    ConfigError and the other `FillwrightError`s that `open_desk` and `Desk.execute` raise.
    """
    known = as_plan(plan)

    async def run() -> ExecutionResult:
        async with open_desk(config, overrides=overrides) as desk:
            return await desk.execute(known)

    return in_own_loop(run)


def as_plan(plan: Plan | str | Path | dict[str, Any] | None) -> Plan:
    """The plan that was meant. Raises PlanError."""
    return read_plan(Path(plan)) if isinstance(plan, str | Path) else require_plan(plan)


def in_own_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` to its end in a loop of its own; an interrupt cancels it and waits for its end."""
    box: dict[str, Any] = {}
    # An interrupt in the moment of the start finds a thread that has done nothing yet.
    free, started, ended = threading.Event(), threading.Event(), threading.Event()

    async def main() -> T:
        box["loop"], box["task"] = asyncio.get_running_loop(), asyncio.current_task()
        started.set()
        return await work()

    def run() -> None:
        free.wait()
        try:
            if "off" not in box:
                box["result"] = asyncio.run(main())
        except BaseException as fault:  # noqa: BLE001  # handed on to the caller's thread below
            box["fault"] = fault
        finally:
            started.set()
            ended.set()

    thread = threading.Thread(target=run, name="fillwright-desk")
    try:
        thread.start()
        free.set()
        # Not `thread.join()`: interrupted, it takes a thread that runs for one that has ended.
        ended.wait()
    except KeyboardInterrupt:
        if not free.is_set():
            box["off"] = True
            free.set()
            raise
        free.set()  # once more: it may have been interrupted before it woke anybody
        started.wait()
        if "task" in box:
            with suppress(RuntimeError):  # it ended meanwhile
                box["loop"].call_soon_threadsafe(box["task"].cancel)
        ended.wait()
        raise
    if "fault" in box:
        raise box["fault"]
    result: T = box["result"]
    return result
