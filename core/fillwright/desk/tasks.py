"""The desk's own tasks: each has a name, none is lost, and a fault in one is never silent."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fillwright.logs import get_logger
from fillwright.protocols import Clock

_log = get_logger(__name__)


async def finished_within(work: Coroutine[Any, Any, object], seconds: float, clock: Clock) -> bool:
    """Whether `work` ended within so many seconds of the clock; it is cancelled when it did not.

    What it raises comes through.
    """
    working = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((working, timer), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        working.result()
        return True
    finally:
        timer.cancel()
        working.cancel()
        await asyncio.gather(working, timer, return_exceptions=True)


class Tasks:
    """Start tasks, remember them, end them all.

    `on_fault` is told the name and the exception of a task that ended by one.
    """

    def __init__(self, on_fault: Callable[[str, BaseException], None]) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_fault = on_fault

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` in the background under `name`."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        fault = task.exception()
        if fault is not None:
            _log.error("task_failed", task=task.get_name(), exc_info=fault)
            self._on_fault(task.get_name(), fault)

    async def cancel_all(self) -> None:
        """Cancel what still runs and wait until it has ended."""
        mine = asyncio.current_task()
        running = [task for task in self._tasks if task is not mine]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._tasks)
