"""An event loop on virtual time: one thread, no wall clock, and a seeded order of what is ready.

Rules:
1. The time moves only when nothing is ready, and then to the next timer at once.
2. Which of the ready callbacks runs next is drawn from the seed; with `fifo` the oldest runs.
   Callbacks that only pass a result on, asyncio's own above all, run before: how many of them there
   are differs from one Python to the next, and the scenario must not.
3. Nothing ready and no timer left while the scenario waits is a deadlock, and raises.
4. What belongs to a process that died never runs again, not even its finally blocks; they run
   when the scenario is over (`bury`), when its ports are long dead.
"""

import asyncio
import gc
import sys
from asyncio import events
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, copy_context
from heapq import heappop, heappush
from random import Random
from types import FunctionType
from typing import Any, TypeVar

from fillwright.desk.ends import until_ended
from fillwright.testing.simulation.life import LIFE, Life

T = TypeVar("T")
#: More callbacks than any scenario needs: beyond it something spins.
MOST_STEPS = 2_000_000
#: Where the callbacks stand that only pass on an end: those of asyncio's `gather`, `wait` and
#: `shield`, and of the desk's own `until_ended`.
_PLUMBING = frozenset({asyncio.gather.__module__, until_ended.__module__})
#: How often the rest of a scenario is told to end.
_LAST_WORDS = 5
#: And how many callbacks it may take for that.
_LAST_STEPS = 200_000


class Deadlock(AssertionError):
    """Nothing can ever happen again, and the scenario is not done."""


class Runaway(AssertionError):
    """The scenario makes more and more steps and does not end."""


class Callback:
    """Something that will be called, and whose it is; what asyncio calls a handle."""

    __slots__ = ("args", "at", "call", "context", "dropped", "life")

    def __init__(
        self, call: Callable[..., object], args: tuple[object, ...], context: Context, at: float
    ) -> None:
        self.call = call
        self.args = args
        self.context = context
        self.at = at
        self.dropped = False
        self.life: Life | None = context.get(LIFE)

    def cancel(self) -> None:
        """Do not call it."""
        self.dropped = True

    def cancelled(self) -> bool:
        """Whether it will not be called."""
        return self.dropped

    def when(self) -> float:
        """At which virtual time it is due."""
        return self.at


class SimLoop(asyncio.BaseEventLoop):
    """Run a scenario; the same seed runs the same callbacks in the same order."""

    def __init__(self, seed: int | str = 0, *, fifo: bool = False, steps: int = MOST_STEPS) -> None:
        self._runs = self._shut = self._enough = self._burying = False
        super().__init__()
        # A test wants repeatable numbers, not secret ones.
        self._random = Random(f"loop/{seed}").random  # noqa: S311
        self._fifo = fifo
        self._most = steps
        self._pool: list[Callback] = []
        self._plumbing: deque[Callback] = deque()
        self._due: list[tuple[float, int, Callback]] = []
        self._ticket = 0
        self._now = 0.0
        self._tasks: list[tuple[asyncio.Task[Any], Life | None]] = []
        self._dropped: list[Callback] = []
        #: Callbacks that ran so far.
        self.steps = 0
        #: What ended by an exception that nobody took: each is a fault of the scenario.
        self.faults: list[BaseException] = []

    # ------------------------------------------------------------------ running

    def run_until_complete(self, future: Any) -> Any:  # noqa: ANN401  # as asyncio has it
        """Run until it is done. Raises `Deadlock`, `Runaway`, and what it raises."""
        main = future if asyncio.isfuture(future) else self.create_task(future, name="main")
        main.add_done_callback(self._stop)
        plumbing, pool = self._plumbing, self._pool
        call, turn, advance = self._call, self._turn, self._advance
        with self._entered():
            while not self._enough:
                if plumbing:
                    call(plumbing.popleft())
                elif pool:
                    turn()
                else:
                    advance()
        self._enough = False
        return main.result()

    def bury(self) -> None:
        """Let the rest of every process unwind, and let go of it; the time stands still."""
        self._burying = True
        self._most = sys.maxsize
        self._pool += self._dropped
        self._dropped.clear()
        with self._entered():
            for _ in range(_LAST_WORDS):
                for task, _ in self._tasks:
                    task.cancel()
                self._unwind()
        self.close()

    def _unwind(self) -> None:
        """Run what is ready until nothing is; what spins is left where it spins."""
        for _ in range(_LAST_STEPS):
            if self._plumbing:
                self._call(self._plumbing.popleft())
            elif self._pool:
                self._turn()
            else:
                return

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Be the loop that runs."""
        collecting = gc.isenabled()
        # A cycle that is collected now or then would run its finalizers now or then.
        gc.disable()
        hooks, outer = sys.get_asyncgen_hooks(), events._get_running_loop()  # noqa: SLF001
        sys.set_asyncgen_hooks(finalizer=self._finish_generator)
        events._set_running_loop(self)  # noqa: SLF001  # how any loop says that it runs
        self._runs = True
        try:
            yield
        finally:
            self._runs = False
            events._set_running_loop(outer)  # noqa: SLF001
            sys.set_asyncgen_hooks(*hooks)
            if collecting:
                gc.enable()

    def _stop(self, _done: object) -> None:
        self._enough = True

    def _turn(self) -> None:
        """Run one of the callbacks that are ready and do more than pass something on."""
        ready = self._pool
        if len(ready) == 1:
            handle = ready.pop()
        elif self._fifo:
            handle = ready.pop(0)
        else:
            place = int(self._random() * len(ready))
            handle = ready[place]
            ready[place] = ready[-1]
            ready.pop()
        self.steps += self._call(handle)
        if self.steps > self._most:
            raise Runaway(f"{self.steps} steps by {self._now:.3f} s, and no end")

    def _call(self, handle: Callback) -> bool:
        """Call it, unless it was cancelled or its process died; whether it was called."""
        if handle.dropped:
            return False
        life = handle.life
        if life is not None and not life.alive and not self._burying:
            self._dropped.append(handle)
            return False
        try:
            handle.context.run(handle.call, *handle.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as fault:  # noqa: BLE001  # as any loop does
            self.call_exception_handler({"exception": fault})
        return True

    def _advance(self) -> None:
        """Move the time to the next timer."""
        timers = self._due
        while timers and timers[0][2].dropped:
            heappop(timers)
        if not timers:
            raise Deadlock(f"nothing is ready and no timer is set at {self._now:.3f} s")
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            self._pool.append(heappop(timers)[2])

    # ------------------------------------------------------------------ scheduling

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        """Make it ready."""
        if context is None:
            context = copy_context()
        handle = Callback(callback, args, context, self._now)
        if type(callback) is FunctionType and callback.__module__ in _PLUMBING:
            self._plumbing.append(handle)
        else:
            self._pool.append(handle)
        return handle  # type: ignore[return-value]  # a handle in all but descent

    #: There is one thread.
    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Make it ready after so many virtual seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Make it ready at this virtual time."""
        if context is None:
            context = copy_context()
        handle = Callback(callback, args, context, when)
        self._ticket += 1
        heappush(self._due, (when, self._ticket, handle))
        return handle  # type: ignore[return-value]  # a handle in all but descent

    def create_future(self) -> "asyncio.Future[Any]":
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]  # later Pythons pass more
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **_more: object,
    ) -> "asyncio.Task[T]":
        """Start a coroutine."""
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append((task, LIFE.get() if context is None else context.get(LIFE)))
        return task

    def running(self, life: Life) -> list[str]:
        """The names of the tasks of one process that have not ended."""
        return [t.get_name() for t, whose in self._tasks if whose is life and not t.done()]

    def run_in_executor(
        self, _executor: object, func: Callable[..., T], *args: object
    ) -> "asyncio.Future[T]":
        """Call it inline, as one step of its own: there are no threads here."""
        future: asyncio.Future[T] = self.create_future()

        def call() -> None:
            if future.cancelled():
                return
            try:
                result = func(*args)
            except Exception as fault:  # noqa: BLE001  # whatever it is, it is the caller's
                future.set_exception(fault)
            else:
                future.set_result(result)

        self.call_soon(call)
        return future

    # ------------------------------------------------------------------ the rest of a loop

    def is_running(self) -> bool:
        """Whether it runs now."""
        return self._runs

    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._shut

    def close(self) -> None:
        """Let go of everything."""
        self._shut = True
        for held in (self._plumbing, self._pool, self._due, self._dropped, self._tasks):
            held.clear()

    #: Never: debugging measures the wall clock. Every future asks, so it is asked of C: `bool()`.
    get_debug = staticmethod(bool)

    def call_exception_handler(self, context: Mapping[str, Any]) -> None:
        """Keep a fault that nobody took."""
        fault = context.get("exception")
        if isinstance(fault, Exception) and not self._burying:
            self.faults.append(fault)

    def _finish_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.create_task(generator.aclose())
