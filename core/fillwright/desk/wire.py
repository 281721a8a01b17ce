"""The last step before the wire: fence and guard are looked at, and what is out is counted.

A halt waits for what is out, so that nothing leaves after it returned.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fillwright.desk.guard import Guard
from fillwright.protocols import Journal
from fillwright.types import ClientOrderId


class Wire:
    """Requests between their first byte and their answer."""

    def __init__(self, guard: Guard, journal: Journal) -> None:
        self._guard = guard
        self._journal = journal
        self._out: dict[int, ClientOrderId] = {}
        self._number = 0
        self._back = asyncio.Event()

    def check(self) -> None:
        """Raise `Fenced` or `GuardError` when nothing may leave from here."""
        self._journal.check_fence()
        self._guard.check()

    @contextmanager
    def carrying(self, key: ClientOrderId) -> Iterator[None]:
        """Check, and count one request that adds risk while it is out."""
        self.check()
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
