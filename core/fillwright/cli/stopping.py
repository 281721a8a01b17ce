"""Run a desk's work until it is done or a signal ends it.

The first SIGINT or SIGTERM cancels the work where it waits; the desk then closes by its policy. A
second one gives up closing as soon as the journal is flushed. A third one does what the system
does.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fillwright.cli.faults import Stopped
from fillwright.cli.output import complain
from fillwright.config import DeskConfig
from fillwright.desk.killing import Kill, KillSwitch
from fillwright.desk.opening import OpenJournal
from fillwright.journal import SqliteJournal, check_free
from fillwright.protocols import Binding, Clock, Journal

T = TypeVar("T")

_BY_SIGNAL = Kill("the process got SIGUSR1", "SIGUSR1")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: How long a second signal leaves the desk's tasks to note what they had on the wire, in seconds.
_LAST_WORDS = 2.0
#: How long the work may go on after a second signal before it is cancelled once more, in seconds.
_PATIENCE = 1.0


@dataclass(slots=True)
class Hold:
    """The journal that the desk opened, so that it can be flushed whatever happens."""

    journal: Journal | None = None
    path: Path = Path()

    @property
    def begun(self) -> str:
        """A sentence when the journal is a new one: a misspelt path begins one, too."""
        if self.journal is None or self.journal.epoch != 1:
            return ""
        return (
            f"A new journal was begun: {self.path}. If this desk has run before, look how "
            "`journal` is spelt."
        )

    def opener(self, config: DeskConfig) -> OpenJournal:
        """Open the journal that the configuration names, and keep it here.

        Raises JournalLocked at once when it is in use, before the broker's own files are met,
        whose complaint would name the wrong one.
        """
        self.path = config.journal_path
        check_free(self.path)

        def opened(binding: Binding, clock: Clock) -> Journal:
            self.journal = SqliteJournal.open(
                self.path, binding, clock=clock, network=config.desk.allow_network_journal
            )
            return self.journal

        return opened


@contextmanager
def killable(switch: KillSwitch) -> Iterator[None]:
    """Let SIGUSR1 pull the kill switch, also while the loop is busy."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGUSR1, lambda *_: switch.pull(_BY_SIGNAL))
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


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
