"""Run the SDK's blocking calls beside the loop, each bounded in time, cancels apart.

Rules:
1. A call that was given up before its first byte can never leave later: its ticket is void. So is
   one whose time is up when it would leave: a process may be paused between any two lines.
2. A cancel waits behind no submit and no question: each lane has workers of its own.
3. Nothing hangs on a silent server: at its deadline a call's connection is cut, and the threads
   are daemons, so that not even a name server that never answers keeps a process alive.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from enum import StrEnum
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from fillwright.errors import FillwrightError

T = TypeVar("T")


class Lane(StrEnum):
    """Which workers carry a call."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    QUERY = "query"


#: Workers of each lane at most. Alpaca takes 200 requests a minute, most are answered in 0.1 s.
WORKERS = {Lane.SUBMIT: 4, Lane.CANCEL: 2, Lane.QUERY: 4}
#: Seconds that the end of all threads is waited for; what still hangs in a name server is left.
_FAREWELL = 1.0


class GivenUp(FillwrightError):
    """A call was not waited for any longer; `sent` unless no byte of it left or ever will."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(reason)


class Void(FillwrightError):
    """The ticket is void: nothing may leave on it any more."""


class Ticket:
    """The right of one call to send its bytes, until it is taken back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = False
        self._void = False
        self._cut: Callable[[], None] | None = None
        self._limits: list[tuple[Callable[[], bool], str]] = []

    @property
    def left(self) -> bool:
        """Whether a byte may have left."""
        return self._left

    @property
    def void(self) -> bool:
        """Whether it was taken back."""
        return self._void

    def leave_before(self, passed: Callable[[], bool], reason: str) -> None:
        """Let bytes leave only while `passed` says no: it is asked at each piece of a request.

        Without its last piece a request is none, so one that is cut short does nothing.
        """
        self._limits.append((passed, reason))

    def depart(self, cut: Callable[[], None] | None = None) -> None:
        """Say that bytes leave from now on; `cut` ends the connection. Raises `Void`."""
        with self._lock:
            self._check()
            self._left = True
            self._cut = cut

    def stay(self) -> None:
        """Say that no byte left after all: a transport that is lent knows it only afterwards."""
        with self._lock:
            self._left = False

    def take_back(self) -> bool:
        """Let nothing leave any more and cut the connection; whether a byte may have left."""
        with self._lock:
            self._void = True
            cut = self._cut
        if cut is not None:
            cut()
        return self._left

    def _check(self) -> None:
        if self._void:
            raise Void("the call was given up before it left")
        for passed, reason in self._limits:
            if passed():
                self._void = True
                raise Void(reason)


class Client(Protocol):
    """What a worker keeps for its calls and shares with no other thread."""

    def close(self) -> None:
        """Let go of its sockets."""


C = TypeVar("C", bound=Client)
C_co = TypeVar("C_co", bound=Client, covariant=True)


class Caller(Protocol[C_co]):
    """How blocking calls are run: in threads, or at once where time is simulated."""

    async def call(self, lane: Lane, function: Callable[[C_co, Ticket], T]) -> T:
        """Run `function` with a client of its own. Raises `GivenUp`."""

    async def close(self) -> None:
        """Give up what runs, and end."""


class InlineCaller(Generic[C]):
    """Run every call at once, on the loop's own thread: for an in-memory transport."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._client = make()

    async def call(self, lane: Lane, function: Callable[[C, Ticket], T]) -> T:  # noqa: ARG002  # one lane for all
        """Run it now."""
        return function(self._client, Ticket())

    async def close(self) -> None:
        """Let go of the client."""
        self._client.close()


class _Job(Generic[C, T]):
    """One call between the loop and a worker."""

    def __init__(
        self, function: Callable[[C, Ticket], T], loop: asyncio.AbstractEventLoop, total: float
    ) -> None:
        self.ticket = Ticket()
        until = loop.time() + total
        # The timer that gives the call up is the loop's, which may be late; this one is not.
        self.ticket.leave_before(lambda: loop.time() >= until, f"it could not leave in {total:g} s")
        self.answer: asyncio.Future[T] = loop.create_future()
        self._function = function
        self._loop = loop

    def run(self, client: C) -> Callable[[], None]:
        """Do it, on a worker's thread, and return what tells its owner.

        What was given up in the queue is never begun.
        """
        if self.ticket.void:
            return lambda: None
        try:
            result = self._function(client, self.ticket)
        except BaseException as fault:  # noqa: BLE001  # whatever it is, its owner waits for it
            return partial(self._tell, self._fail, fault)
        return partial(self._tell, self._settle, result)

    def _tell(self, how: Callable[..., None], what: object) -> None:
        # A loop that is closed has nobody who waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(how, what)

    def give_up(self, reason: str) -> None:
        """Take it back, on the loop's thread."""
        sent = self.ticket.take_back()
        self._fail(GivenUp(reason, sent=sent))

    def _settle(self, result: T) -> None:
        if not self.answer.done():
            self.answer.set_result(result)

    def _fail(self, fault: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(fault)


class _Workers(Generic[C]):
    """The threads of one lane, started as they are needed."""

    def __init__(self, lane: Lane, most: int, make: Callable[[], C]) -> None:
        self._lane = lane
        self._most = most
        self._make = make
        self._jobs: SimpleQueue[_Job[C, Any] | None] = SimpleQueue()
        self._threads: dict[Future[None], threading.Thread] = {}
        self._lock = threading.Lock()
        #: Jobs in the queue and on workers, those among them that were given up and still hang.
        self._load = 0

    def put(self, job: _Job[C, Any]) -> None:
        """Queue a job, with one more thread where all are busy and there may be another."""
        with self._lock:
            self._load += 1
            load = self._load
        self._jobs.put(job)
        count = len(self._threads)
        if load > count and count < self._most:
            end: Future[None] = Future()
            name = f"alpaca-{self._lane}-{count + 1}"
            thread = threading.Thread(target=self._work, args=(end,), name=name, daemon=True)
            thread.start()
            self._threads[end] = thread

    def stop(self) -> dict[Future[None], threading.Thread]:
        """Have every thread end; each is about to when its future is done."""
        for _ in self._threads:
            self._jobs.put(None)
        return self._threads

    def _work(self, end: Future[None]) -> None:
        try:
            with closing(self._make()) as client:
                while (job := self._jobs.get()) is not None:
                    tell = job.run(client)
                    # Before its owner asks the next, who shall find this thread free.
                    with self._lock:
                        self._load -= 1
                    tell()
                    # Not kept while waiting: they hold what was answered.
                    del job, tell
        finally:
            end.set_result(None)


class ThreadedCaller(Generic[C]):
    """Run calls in a few threads, each with a client of its own, `total` seconds at most."""

    def __init__(self, make: Callable[[], C], total: float) -> None:
        self._total = total
        self._lanes = {lane: _Workers(lane, most, make) for lane, most in WORKERS.items()}
        self._under_way: dict[Lane, set[_Job[C, Any]]] = {lane: set() for lane in Lane}
        self._closed = False

    async def call(self, lane: Lane, function: Callable[[C, Ticket], T]) -> T:
        """Run it on a worker of this lane.

        Cancelled before it began, it never begins; its connection is cut where it did.
        """
        if self._closed:
            raise GivenUp("the adapter is closed", sent=False)
        loop = asyncio.get_running_loop()
        job: _Job[C, T] = _Job(function, loop, self._total)
        jobs = self._under_way[lane]
        jobs.add(job)
        timer = loop.call_later(self._total, job.give_up, f"no answer within {self._total:g} s")
        try:
            self._lanes[lane].put(job)
            return await job.answer
        except BaseException:
            job.ticket.take_back()
            raise
        finally:
            timer.cancel()
            jobs.discard(job)

    async def close(self) -> None:
        """Give up what is under way, and end the threads."""
        self._closed = True
        for jobs in self._under_way.values():
            for job in list(jobs):
                job.give_up("the adapter was closed")
        threads: dict[Future[None], threading.Thread] = {}
        for workers in self._lanes.values():
            threads |= workers.stop()
        if threads:
            ends = [asyncio.wrap_future(end) for end in threads]
            await asyncio.wait(ends, timeout=_FAREWELL)
        for end, thread in threads.items():
            if end.done():
                thread.join()
