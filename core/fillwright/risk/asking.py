"""Where the checks run: in the caller's thread, or in one of their own with a deadline."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from fillwright.errors import fault_text
from fillwright.risk.answers import CHECK_HUNG, GATE_CLOSED, GATE_FAILED
from fillwright.risk.judge import Batch, Judge
from fillwright.verdicts import Reject

Deliver = Callable[[Batch], None]


class Asker(Protocol):
    """Have a batch judged, and hand it back exactly once, in the loop's thread.

    Questions that got no judgement are refused by the batch's `fault`.
    """

    def ask(self, judge: Judge, batch: Batch, deliver: Deliver) -> None:
        """Start; `deliver` may be called before this returns."""

    def close(self) -> None:
        """Let go of the thread, if there is one."""


class InlineAsker:
    """Ask in the caller's thread: deterministic, for simulation and tests.

    A check that hangs hangs everything.
    """

    def ask(self, judge: Judge, batch: Batch, deliver: Deliver) -> None:
        """Judge and deliver at once."""
        _judge(judge, batch)
        deliver(batch)

    def close(self) -> None:
        """There is nothing to let go of."""


class ThreadAsker:
    """Ask in one worker thread, and give it up when one call takes longer than `deadline` seconds.

    A hang is noticed after one to two deadlines of the running loop. From then on every order is
    refused with CHECK_HUNG until the program is started anew: the thread cannot be stopped, and
    what it holds is unknown. Orders of the batch that were judged before the hang keep their
    decision. A check that never gives the interpreter lock back cannot be noticed.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._work: SimpleQueue[tuple[Judge, Batch, Callable[[Batch], None]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._refusal: Reject | None = None
        #: The batch that is with the worker, with its number, and who waits for it.
        self._asked: tuple[int, Batch, Deliver] | None = None
        self._count = 0
        #: Looks at the batch once in each deadline, and ends when there is none; setting a timer
        #: for every batch costs as much as some checks do.
        self._watch: asyncio.TimerHandle | None = None

    @property
    def hung(self) -> str:
        """Which check hung; empty while all is well."""
        stuck = self._refusal
        return str(stuck.measured) if stuck and stuck.code == CHECK_HUNG else ""

    def ask(self, judge: Judge, batch: Batch, deliver: Deliver) -> None:
        """Hand one batch to the worker; the next only after this one came back."""
        if self._refusal is not None:
            batch.fault = self._refusal
            deliver(batch)
            return
        loop = asyncio.get_running_loop()
        self._count += 1
        self._asked = asked = (self._count, batch, deliver)

        def back(done: Batch) -> None:
            if self._asked is asked:
                self._asked = None
                deliver(done)

        def hand_over(done: Batch) -> None:
            try:
                loop.call_soon_threadsafe(back, done)
            except RuntimeError:
                return  # the loop was closed meanwhile: nobody waits, and nothing leaves

        if self._watch is None:
            self._watch = loop.call_later(self._deadline, self._look, loop, None)
        self._begin(judge, batch, hand_over)

    def close(self) -> None:
        """End the worker once it is idle; later orders are refused."""
        if self._refusal is None:
            self._refusal = Reject(GATE_CLOSED, measured="closed", limit="open")
        if self._watch is not None and self._asked is None:
            self._watch.cancel()
        if self._thread is not None:
            self._work.put(None)

    def _look(self, loop: asyncio.AbstractEventLoop, seen: tuple[int, int, str] | None) -> None:
        """Give the worker up when it is where it was one deadline ago."""
        self._watch = None
        if self._asked is None:
            return
        number, batch, deliver = self._asked
        now = (number, batch.mark.question, batch.mark.check)
        if now != seen:
            self._watch = loop.call_later(self._deadline, self._look, loop, now)
            return
        self._asked = None
        deliver(self._given_up(batch))

    def _begin(self, judge: Judge, batch: Batch, hand_over: Deliver) -> None:
        """Set the worker to it; `hand_over` is called from there."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=_work, args=(self._work,), name="fillwright-checks", daemon=True
            )
            self._thread.start()
        self._work.put((judge, batch, hand_over))

    def _given_up(self, batch: Batch) -> Batch:
        name = batch.mark.check or "the first check"
        self._refusal = Reject(
            CHECK_HUNG,
            measured=name,
            limit=f"an answer within {self._deadline:g} s",
            text="mend or remove the check, then start again; cancels still work",
        )
        # The stuck thread may wake up and go on writing into its own batch.
        return Batch(
            batch.questions, batch.conditions, batch.judged.copy(), batch.mark, self._refusal
        )


def _judge(judge: Judge, batch: Batch) -> None:
    try:
        judge.run(batch)
    except BaseException as fault:  # noqa: BLE001 - whatever goes wrong here refuses what is left
        batch.fault = Reject(GATE_FAILED, measured=fault_text(fault), limit="no exception")


def _work(work: "SimpleQueue[tuple[Judge, Batch, Callable[[Batch], None]] | None]") -> None:
    while (item := work.get()) is not None:
        judge, batch, hand_over = item
        _judge(judge, batch)
        hand_over(batch)
