"""Tell plugins of a change once its record is durable: post-execution checks, then observers.

Rules:
1. In order, and never before the record is durable.
2. A plugin that raises is logged by name; the others are told, and the ledger stays as it is.
3. The queue is bounded: whoever fills it with fills waits (`room`), nothing is dropped.
4. An order that is only staged is told with its next step: nobody can act on it yet, and a commit
   for it alone would hold up the one that its request waits for.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from fillwright.ledger import Change
from fillwright.logs import get_logger
from fillwright.protocols import Journal
from fillwright.reports import Anomaly, Execution
from fillwright.states import OrderState
from fillwright.types import OrdStatus

_log = get_logger(__name__)

#: Called with each change of an order; must not raise.
Observe = Callable[[OrderState, Sequence[Anomaly]], None]
#: Called with each booked execution; must not raise.
Examine = Callable[[OrderState, Execution], None]
BOUND = 10_000


class Announcer:
    """One task that follows the journal."""

    def __init__(
        self,
        journal: Journal,
        *,
        remember: Callable[[Change], None],
        observe: Observe,
        examine: Examine,
    ) -> None:
        self._journal = journal
        self._remember = remember
        self._observe = observe
        self._examine = examine
        self._waiting: deque[tuple[int, Change]] = deque()
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, seq: int, change: Change) -> None:
        """Take a change that was just recorded as `seq`."""
        if change.after is None:
            return
        self._waiting.append((seq, change))
        self._idle.clear()
        crowded = len(self._waiting) >= BOUND
        if crowded:
            self._room.clear()
        if crowded or change.after.status is not OrdStatus.STAGED:
            self._something.set()

    async def room(self) -> None:
        """Wait until the queue is below its bound."""
        await self._room.wait()

    async def idle(self) -> None:
        """Wait until everything that was recorded is told."""
        if self._waiting:
            self._something.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Follow the journal until cancelled. Raises JournalFailed when it fails."""
        while True:
            await self._something.wait()
            self._something.clear()
            batch = self._waiting
            self._waiting = deque()
            await self._journal.durable(batch[-1][0])
            self._room.set()
            for _, change in batch:
                self._tell(change)
            if not self._waiting:
                self._idle.set()

    def _tell(self, change: Change) -> None:
        after = change.after
        if after is None:
            return
        for anomaly in change.anomalies:
            _log.warning(
                "anomaly_found", kind=str(anomaly.kind), subject=anomaly.subject, text=anomaly.text
            )
        if change.execution is not None:
            self._examine(after, change.execution)
        self._observe(after, change.anomalies)
        self._remember(change)
