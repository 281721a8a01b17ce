"""Where post-execution plugins are called: in the loop's thread, or beside it with a deadline.

Rules:
1. One plugin after the other, in order; whatever one raises is its answer, and nobody else's.
2. One that does not answer in time is given up with its thread and never called again: the thread
   cannot be stopped, and what the plugin holds is unknown. The others go on in a new one.
3. Nothing that the ledger needs ever waits here.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import NamedTuple, Protocol


class Call(NamedTuple):
    """One plugin and its question."""

    name: str
    call: Callable[[], object]


class Raised(NamedTuple):
    """A plugin's answer was an exception."""

    fault: BaseException


class Hung(NamedTuple):
    """A plugin did not answer within so many seconds."""

    seconds: float


class Aside(Protocol):
    """Call plugins so that none of them holds up the books."""

    @property
    def hung(self) -> frozenset[str]:
        """The names of those that were given up."""

    async def each(self, calls: Sequence[Call]) -> list[object]:
        """Their answers, in order; `Raised` or `Hung` where there is none."""

    def close(self) -> None:
        """Let go of the thread, if there is one."""


def answer_of(call: Call) -> object:
    """What one plugin answers, or raised."""
    try:
        return call.call()
    except BaseException as fault:  # noqa: BLE001  # a stranger's code must not stop a fill
        return Raised(fault)


class InlineAside:
    """Call them in the loop's thread: deterministic, for simulation and tests."""

    hung: frozenset[str] = frozenset()

    async def each(self, calls: Sequence[Call]) -> list[object]:
        """Call one after the other."""
        return [answer_of(call) for call in calls]

    def close(self) -> None:
        """There is nothing to let go of."""


@dataclass(slots=True)
class _Round:
    """Calls on their way through the thread; it appends their answers."""

    calls: Sequence[Call]
    answers: list[object] = field(default_factory=list)
    #: Nobody waits for it any more: a thread that wakes up late calls nobody else.
    given_up: bool = False


_Work = SimpleQueue["tuple[_Round, Callable[[], None]] | None"]


class ThreadAside:
    """Call them in one worker thread, each with `deadline` seconds of the running loop."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._work: _Work | None = None
        self.hung: frozenset[str] = frozenset()

    async def each(self, calls: Sequence[Call]) -> list[object]:
        """Call one after the other; whoever hangs is noticed after one to two deadlines."""
        answers: list[object] = []
        while len(answers) < len(calls):
            left = calls[len(answers) :]
            came, done = await self._carried(_Round(left))
            answers += came
            if not done:
                self.hung |= {left[len(came)].name}
                answers.append(Hung(self._deadline))
                self.close()
        return answers

    def close(self) -> None:
        """End the worker once it is idle."""
        if self._work is not None:
            self._work.put(None)
            self._work = None

    async def _carried(self, work: _Round) -> tuple[list[object], bool]:
        """The answers of a round, and whether they are all; else the next one hangs."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def told() -> None:
            try:
                loop.call_soon_threadsafe(over.set_result, None)
            except RuntimeError:
                return  # the loop was closed meanwhile: nobody waits

        self._queue().put((work, told))
        came: list[object] = []
        while not over.done():
            before = len(came)
            await asyncio.wait({over}, timeout=self._deadline)
            came = list(work.answers)
            if not over.done() and len(came) == before < len(work.calls):
                work.given_up = True
                return came, False
        return list(work.answers), True

    def _queue(self) -> _Work:
        if self._work is None:
            self._work = SimpleQueue()
            threading.Thread(
                target=_run, args=(self._work,), name="fillwright-watchers", daemon=True
            ).start()
        return self._work


def _run(work: _Work) -> None:
    while (item := work.get()) is not None:
        round_, told = item
        for call in round_.calls:
            if round_.given_up:
                break
            round_.answers.append(answer_of(call))
        told()
