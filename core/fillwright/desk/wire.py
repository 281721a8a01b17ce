"""The last step before the wire: fence, guard, arming and kill switch are looked at every time.

Rules:
1. Nothing is awaited between the look and the request, so a busy loop lets nothing slip through;
   an adapter that lets requests wait looks at the fence again (`HeedsFence`).
2. What is withheld here never left: that is proven, and never in doubt.
3. A halt waits for what is out, so that nothing leaves after it returned.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from fillwright.desk.guard import Guard
from fillwright.desk.killing import KillSwitch
from fillwright.errors import GuardError
from fillwright.protocols import Journal
from fillwright.types import ClientOrderId

_KILLED = "the kill switch is pulled; only cancels and orders that reduce may leave"


@runtime_checkable
class HeedsFence(Protocol):
    """What an adapter may do besides: look at the fence as the first byte of a change leaves.

    The desk looks before it hands a request over. An adapter that has it wait after that, for a
    worker or a connection, asks once more, from whichever thread.
    """

    def heed_fence(self, check: Callable[[], None]) -> None:
        """Call `check` before the first byte; it raises `JournalError` when none may leave."""


class Withheld(Exception):
    """The wire let a request not pass: no byte of it left.

    `fault` is the guard's; None when the kill switch was pulled, which the gate knows from now on.
    """

    def __init__(self, proof: str, fault: GuardError | None = None) -> None:
        self.proof = proof
        self.fault = fault
        super().__init__(proof)


class Wire:
    """Requests between their first byte and their answer."""

    def __init__(self, guard: Guard, journal: Journal, kill: KillSwitch | None = None) -> None:
        self._guard = guard
        self._journal = journal
        self._kill = kill or KillSwitch()
        self._on_kill: Callable[[], object] = lambda: None
        self._out: dict[int, ClientOrderId] = {}
        self._number = 0
        self._back = asyncio.Event()

    def on_kill(self, seen: Callable[[], object]) -> None:
        """Say who is told, at once, that the kill switch was met."""
        self._on_kill = seen

    def check(self, *, cancel: bool = True) -> None:
        """Raise `Fenced` or `GuardError` when not even a cancel may leave from here."""
        self._journal.check_fence()
        self._guard.check(cancel=cancel)

    @contextmanager
    def carrying(self, key: ClientOrderId, *, reduces: bool = False) -> Iterator[None]:
        """Check, and count one request that is no cancel while it is out.

        Raises `Fenced`, and `Withheld` when it may not leave.
        """
        try:
            self.check(cancel=False)
        except GuardError as fault:
            raise Withheld(str(fault), fault) from fault
        if not reduces and self._kill.pulled:
            self._on_kill()
            raise Withheld(_KILLED)
        self._number += 1
        number = self._number
        self._out[number] = key
        try:
            yield
        finally:
            del self._out[number]
            self._back.set()
            self._back = asyncio.Event()

    async def landed(self) -> None:
        """Wait until every request that is out now has come back."""
        waiting = set(self._out)
        while waiting & self._out.keys():
            await self._back.wait()
