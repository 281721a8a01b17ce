"""Tell plugins of a change once its record is durable: post-execution checks, then observers.

Rules:
1. In order, and never before the record is durable.
2. A plugin that raises is logged by name; the others are told, and the ledger stays as it is.
3. The queue is bounded: whoever fills it with fills waits (`room`), nothing is dropped.
4. An order that is only staged is told with its next step: nobody can act on it yet, and a commit
   for it alone would hold up the one that its request waits for.
5. What was told is recorded behind it (`note`): a crash in between tells it again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from fillwright.alerts import Alert
from fillwright.findings import Findings
from fillwright.ledger import Alerted, Change
from fillwright.logs import get_logger
from fillwright.protocols import Journal
from fillwright.reports import Anomaly
from fillwright.states import OrderState
from fillwright.types import OrdStatus

_log = get_logger(__name__)

BOUND = 10_000


class Told(Protocol):
    """Whoever is told; none of these raises because of a plugin."""

    def observe(self, state: OrderState, anomalies: Sequence[Anomaly]) -> None:
        """An order changed."""

    async def examine(self, seq: int, change: Change) -> None:
        """An execution was booked."""

    async def compared(self, findings: Findings) -> None:
        """The books were compared."""

    async def alerted(self, seq: int, alert: Alert) -> None:
        """An alert was raised."""

    def note(self) -> None:
        """Everything so far was told."""


class Announcer:
    """One task that follows the journal."""

    def __init__(
        self, journal: Journal, told: Told, *, remember: Callable[[OrderState], None]
    ) -> None:
        self._journal = journal
        self._told = told
        self._remember = remember
        self._waiting: deque[tuple[int, Change | Findings]] = deque()
        #: Of an earlier process: only its executions and alerts are told again.
        self._again: set[int] = set()
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._newest = 0

    def add(self, seq: int, change: Change) -> None:
        """Take a change that was just recorded as `seq`."""
        self._newest = seq
        after = change.after
        if after is None and not isinstance(change.fact, Alerted):
            return
        self._put(seq, change, at_once=after is None or after.status is not OrdStatus.STAGED)

    def add_findings(self, findings: Findings) -> None:
        """Take what a comparison found, behind all that was recorded before."""
        self._put(self._newest, findings, at_once=True)

    def add_again(self, changes: Iterable[tuple[int, Change]]) -> None:
        """Take what an earlier process recorded, and may not have shown to everybody."""
        for seq, change in changes:
            self._again.add(seq)
            self._put(seq, change, at_once=True)

    def _put(self, seq: int, item: Change | Findings, *, at_once: bool) -> None:
        self._waiting.append((seq, item))
        self._idle.clear()
        crowded = len(self._waiting) >= BOUND
        if crowded:
            self._room.clear()
        if crowded or at_once:
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
            await self._journal.durable(max(seq for seq, _ in batch))
            self._room.set()
            for seq, item in batch:
                await self._tell(seq, item)
            self._told.note()
            if not self._waiting:
                self._idle.set()

    async def _tell(self, seq: int, item: Change | Findings) -> None:
        if isinstance(item, Findings):
            await self._told.compared(item)
            return
        if isinstance(item.fact, Alerted):
            await self._told.alerted(seq, item.fact.alert)
        after = item.after
        if after is None:
            return
        again = seq in self._again
        self._again.discard(seq)
        for anomaly in item.anomalies if not again else ():
            _log.warning(
                "anomaly_found", kind=str(anomaly.kind), subject=anomaly.subject, text=anomaly.text
            )
        if item.execution is not None:
            await self._told.examine(seq, item)
        if again:
            return
        self._told.observe(after, item.anomalies)
        self._remember(after)
