"""Whether new risk may be taken, and if not, why: one place that knows."""

import asyncio

from fillwright.desk.tasks import finished_within
from fillwright.protocols import Clock


class Health:
    """A set of named obstacles; ready means that there is none.

    `stream` and `books` stand from the start: they are lifted by the first comparison with the
    broker's books.
    """

    def __init__(self) -> None:
        self._obstacles: dict[str, str] = {
            "stream": "the stream is not connected yet",
            "books": "the ledger was not compared with the broker's books yet",
        }
        self._ready = asyncio.Event()
        #: Grows with every change.
        self.version = 0

    @property
    def reason(self) -> str:
        """Why new risk must wait; empty when it need not."""
        return "; ".join(self._obstacles.values())

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way."""
        return not self._obstacles

    def block(self, name: str, why: str) -> None:
        """Put an obstacle in the way."""
        if self._obstacles.get(name) != why:
            self._obstacles[name] = why
            self.version += 1
        self._ready.clear()

    def clear(self, name: str) -> None:
        """Lift an obstacle."""
        if self._obstacles.pop(name, None) is not None:
            self.version += 1
        if not self._obstacles:
            self._ready.set()

    async def wait(self, seconds: float, clock: Clock) -> bool:
        """Wait until ready, at most so long; say whether it is."""
        return self.ready or await finished_within(self._ready.wait(), seconds, clock)
