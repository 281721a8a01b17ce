"""The way from a process to its broker: requests outlive who sent them, and may come twice."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar

from fillwright.errors import FillwrightError, NotSent, OrderRejected
from fillwright.reports import Connected, StreamItem
from fillwright.testing.fake_broker import Fault, Kind, On
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.outside import Outside

T = TypeVar("T")
Send = Callable[[], Coroutine[Any, Any, T]]
_REQUESTS: Final = frozenset({On.SUBMIT, On.CANCEL, On.REPLACE})
#: How much later the second one of two comes, in seconds.
_APART: Final = (0.0, 0.1, 1.0, 5.0)


class Network:
    """Carry requests and answers; what it does to them beyond the fault script."""

    def __init__(
        self, knobs: Knobs, chances: Chances, outside: Outside, tell: Callable[[str, str], None]
    ) -> None:
        self._knobs = knobs
        self._chances = chances
        self._outside = outside
        self._tell = tell
        self._sound = False

    def mend(self) -> None:
        """From now on nothing happens to requests."""
        self._sound = True

    async def carry(self, on: On, key: str, send: Send[T]) -> T:
        """Send it, and wait for the answer as long as the caller lives.

        A question ends with who asked it; a request goes its way.
        """
        self._outside.counting.note("requests", str(on))
        if on not in _REQUESTS:
            return await self._answered(on, key, send)
        return await asyncio.shield(self._out(on, key, lambda: self._way(on, key, send)))

    def heard(self, item: StreamItem) -> list[StreamItem]:
        """What of the stream gets through, and what comes again. Raises OSError when it breaks."""
        items = [item]
        if self._sound:
            return items
        if self._chances.hits("broken_streams", self._knobs.broken_streams):
            self._tell("network", "the stream breaks")
            raise ConnectionResetError("connection reset by peer")
        if isinstance(item, Connected) and self._chances.hits("replays", self._knobs.replays):
            chance, reports = self._chances.of("replays/which"), self._outside.reports
            first = chance.randint(0, len(reports))
            self._tell("network", f"the stream repeats {len(reports) - first} reports")
            items += reports[first:]
        return items

    def loses_data(self) -> bool:
        """Whether a question to a source of data has no answer: half, where others have none."""
        fails = bool(self._knobs.unanswered_reads) and not self._sound
        return fails and self._chances.hits("data", 50)

    def held_back(self, key: str, fault: Fault) -> None:
        """The script keeps a request for later: until then it may still arrive."""
        if fault.on is On.REPLACE and fault.fault in (Kind.ACCEPT_LATE, Kind.DELAY):
            late = self._outside.late_changes
            late[key] = max(fault.seconds, late.get(key, 0.0))
        if fault.on is On.SUBMIT and fault.fault is Kind.ACCEPT_LATE:
            until = self._outside.clock.monotonic() + fault.seconds
            self._outside.late_until[key] = max(until, self._outside.late_until.get(key, 0.0))

    def _out(self, on: On, key: str, way: Send[T]) -> "asyncio.Task[T]":
        """Send it off, and count it until it is over."""
        counted, submit = self._outside.out, on is On.SUBMIT
        counted[key] += submit

        async def carried() -> T:
            try:
                return await way()
            finally:
                counted[key] -= submit

        task = outside(carried())
        task.add_done_callback(_heard)
        return task

    async def _way(self, on: On, key: str, send: Send[T]) -> T:
        if self._sound:
            return await send()
        try:
            answer = await send()
        except (OrderRejected, NotSent):
            # A broker that answered the first one with no does not take the second one later.
            raise
        except FillwrightError:
            self._perhaps_again(on, key, send)
            raise
        self._perhaps_again(on, key, send)
        self._perhaps_garbled("garbled_answers", on, key)
        return answer

    async def _answered(self, on: On, key: str, send: Send[T]) -> T:
        answer = await send()
        if not self._sound:
            self._perhaps_garbled("garbled_reads", on, key)
        return answer

    def _perhaps_garbled(self, knob: str, on: On, key: str) -> None:
        if self._hits(knob, on, key):
            # What a parser says of half an answer; no adapter's own fault class.
            raise ValueError("expecting value: line 1 column 1 (char 0)")

    def _hits(self, knob: str, on: On, key: str) -> bool:
        percent: int = getattr(self._knobs, knob)
        hit = bool(percent) and self._chances.hits(f"{knob}/{on}", percent)
        if hit:
            self._tell("network", f"{knob} {on} {key}")
        return hit

    def _perhaps_again(self, on: On, key: str, send: Send[Any]) -> None:
        if self._hits("doubled_requests", on, key):
            self._out(on, key, lambda: self._again(on, send))

    async def _again(self, on: On, send: Send[Any]) -> None:
        """The second of two: nobody hears its answer."""
        await asyncio.sleep(self._chances.of(f"doubled_requests/{on}").choice(_APART))
        try:
            await send()
        except OrderRejected:
            return


def outside(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Run it in the world outside, where no process takes it along when it dies."""
    return asyncio.get_running_loop().create_task(work, context=Context())


def _heard(task: "asyncio.Task[Any]") -> None:
    """Take note of an answer for which nobody waits any more."""
    if not task.cancelled():
        task.exception()
