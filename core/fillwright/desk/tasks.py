"""The desk's own tasks: each has a name, none is lost, and a fault in one is never silent."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fillwright.desk.ends import until_ended
from fillwright.logs import get_logger
from fillwright.protocols import Clock

_log = get_logger(__name__)
T = TypeVar("T")


async def finished_within(work: Coroutine[Any, Any, object], seconds: float, clock: Clock) -> bool:
    """Whether `work` ended within so many seconds of the clock; it is cancelled when it did not.

    What it raises comes through.
    """
    start = asyncio.get_running_loop().create_task
    working, timer = start(work), start(clock.sleep(seconds))
    try:
        await until_ended((working, timer))
        if not working.done():
            return False
        working.result()
        return True
    finally:
        await end(working, timer)


class NoAnswer(Exception):
    """A question got no answer within its time."""


async def answered_within(question: Awaitable[T], seconds: float, clock: Clock) -> T:
    """The answer; whatever the question raises comes through.

    Raises NoAnswer after so many seconds of the clock. The question is cancelled then, and not
    waited for: whoever does not answer may not heed that either.
    """
    asked = asyncio.ensure_future(question)
    try:
        await asyncio.sleep(0)  # most fakes answer at once, and need no timer
        if not asked.done():
            await _first_of(asked, clock.sleep(seconds))
        if not asked.done():
            raise NoAnswer(f"no answer within {seconds:g} s")
        return asked.result()
    finally:
        if not asked.done():
            asked.cancel()
            asked.add_done_callback(_heard)


async def _first_of(asked: "asyncio.Future[T]", sleep: Coroutine[Any, Any, None]) -> None:
    timer = asked.get_loop().create_task(sleep)
    try:
        await until_ended((asked, timer))
    finally:
        await end(timer)


async def end(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel what still runs of them and wait until it has ended; nobody asks what came of it."""
    for task in tasks:
        task.cancel()
    try:
        while running := [task for task in tasks if not task.done()]:
            await until_ended(running, len(running))
    finally:
        for task in tasks:
            if task.done():
                _heard(task)


def _heard(asked: "asyncio.Future[Any]") -> None:
    """Take note of a fault that comes too late, so that nobody calls it forgotten."""
    if not asked.cancelled():
        asked.exception()


class Tasks:
    """Start tasks, remember them, end them all.

    `on_fault` is told the name and the exception of a task that ended by one.
    """

    def __init__(self, on_fault: Callable[[str, BaseException], None]) -> None:
        #: In the order in which they began, so that they end in that order too.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._on_fault = on_fault
        self._over = False

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` in the background under `name`; once all was cancelled, nothing begins."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        if self._over:
            task.cancel()
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if task.cancelled():
            return
        fault = task.exception()
        if fault is not None:
            _log.error("task_failed", task=task.get_name(), exc_info=fault)
            self._on_fault(task.get_name(), fault)

    async def cancel_all(self) -> None:
        """Cancel what still runs and wait until it has ended.

        A task that is cancelled may begin another one, to look into what it leaves behind: that
        one is for the next process.
        """
        self._over = True
        mine = asyncio.current_task()
        while running := [t for t in self._tasks if t is not mine and not t.done()]:
            await end(*running)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that still run."""
        return tuple(task.get_name() for task in self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)
