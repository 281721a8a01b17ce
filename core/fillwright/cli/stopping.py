"""Run a desk's work until it is done or a signal ends it.

The first SIGINT or SIGTERM cancels the work where it waits; the desk then closes by its policy. A
second one gives up closing as soon as the journal is flushed. A third one does what the system
does.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from fillwright.cli.faults import Stopped
from fillwright.cli.output import complain
from fillwright.config import DeskConfig
from fillwright.desk.opening import OpenJournal
from fillwright.journal import SqliteJournal
from fillwright.protocols import Binding, Clock, Journal

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: How long a second signal leaves the desk's tasks to note what they had on the wire, in seconds.
_LAST_WORDS = 2.0
#: How long the work may go on after a second signal before it is cancelled once more, in seconds.
_PATIENCE = 1.0


@dataclass(slots=True)
class Hold:
    """The journal that the desk opened, so that it can be flushed whatever happens."""

    journal: Journal | None = None

    def opener(self, config: DeskConfig) -> OpenJournal:
        """Open the journal that the configuration names, and keep it here."""

        def opened(binding: Binding, clock: Clock) -> Journal:
            self.journal = SqliteJournal.open(config.journal_path, binding, clock=clock)
            return self.journal

        return opened


def run_stoppable(work: Callable[[], Coroutine[Any, Any, T]], hold: Hold | None = None) -> T:
    """Run `work` in a loop of its own. Raises Stopped when a signal ended it."""
    return asyncio.run(_supervised(work, hold or Hold()))


async def _supervised(work: Callable[[], Coroutine[Any, Any, T]], hold: Hold) -> T:
    loop = asyncio.get_running_loop()
    task = loop.create_task(work())
    seen: list[int] = []

    def heard(number: int) -> None:
        seen.append(number)
        task.cancel()
        if len(seen) == 1:
            complain(f"{signal.Signals(number).name}: closing the desk; once more to give that up")
        else:
            _ignore(loop)

    _listen(loop, heard)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_PATIENCE)
            if len(seen) > 1:
                # The last cancel may have met the work while the first was still unwinding it.
                task.cancel()
        if len(seen) > 1:
            await _flush(hold)
        if task.cancelled() and seen:
            raise Stopped(seen[0])
        return task.result()
    finally:
        _ignore(loop)


def _listen(loop: asyncio.AbstractEventLoop, heard: Callable[[int], None]) -> None:
    # Elsewhere the program that embeds us has the signals.
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            loop.add_signal_handler(number, heard, number)


def _ignore(loop: asyncio.AbstractEventLoop) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _flush(hold: Hold) -> None:
    """End the desk's tasks, which note what was on the wire, and write out the journal."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    if others:
        await asyncio.wait(others, timeout=_LAST_WORDS)
    if hold.journal is not None:
        await hold.journal.aclose()
