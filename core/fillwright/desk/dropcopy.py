"""The broker's list of executions held against the ledger, one by one: what is not in both, once.

Rules:
1. Whatever the broker lists was booked before it is looked at here: what is missing then cannot be
   booked, or went past us.
2. What the stream told must come in the list as well, in some comparison that began later; a list
   may lag, so it has time.
3. Each difference is told once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fillwright.findings import BreakKind, ExecutionBreak
from fillwright.ledger import Change, CursorMoved, Inferred, OrderFact, Reported
from fillwright.protocols import Clock
from fillwright.reports import AnomalyKind, Execution, ExecutionReport, Fill, Source
from fillwright.types import ClientOrderId, ExecutionId

#: How many whole comparisons, and seconds, an execution of the stream may stay out of the list.
ROUNDS = 2
LISTED_WITHIN = 60.0
#: How many executions are remembered to find one that is booked under two orders.
REMEMBERED = 20_000


@dataclass(slots=True)
class _Unlisted:
    """An execution that only the stream has told so far."""

    execution: Execution
    symbol: str
    key: ClientOrderId
    since: float
    rounds: int = 0


class DropCopy:
    """Keep the difference between what was booked and what is listed."""

    def __init__(self, clock: Clock, holds: Callable[[ExecutionId], bool]) -> None:
        self._clock = clock
        self._holds = holds
        self._orders: dict[ExecutionId, ClientOrderId] = {}
        self._unlisted: dict[ExecutionId, _Unlisted] = {}
        #: In a replay: those from before the last cursor; the next list begins with them.
        self._earlier: dict[ExecutionId, _Unlisted] | None = {}
        self._found: list[ExecutionBreak] = []
        self._missing: set[ExecutionId] = set()

    def heard(self, _seq: int, change: Change) -> None:
        """Take note of one fact, new or replayed."""
        fact = change.fact
        if isinstance(fact, CursorMoved):
            if self._earlier is not None:
                # The next list begins at the cursor before this one.
                self._earlier, self._unlisted = self._unlisted, {}
        elif isinstance(fact, Reported | Inferred):
            if change.execution is not None:
                self._booked(fact, change.execution, change)
            self._differing(fact, change)

    def replayed(self) -> None:
        """The journal was read: its differences were told by whoever wrote it."""
        self._unlisted |= self._earlier or {}
        self._earlier = None
        self._found.clear()

    def listed(self, fill: Fill) -> None:
        """The broker lists this one, and it was taken in."""
        execution = fill.execution
        self._unlisted.pop(execution.execution_id, None)
        if not self._holds(execution.execution_id):
            self._lost(fill)

    def compared(self) -> Sequence[ExecutionBreak]:
        """A comparison is over: what was found since the last."""
        now = self._clock.monotonic()
        for name, one in list(self._unlisted.items()):
            one.rounds += 1
            if one.rounds > ROUNDS and now - one.since >= LISTED_WITHIN:
                del self._unlisted[name]
                text = f"booked from the stream, not listed in {one.rounds} comparisons"
                self._add(BreakKind.UNLISTED, name, one.symbol, one.key, text)
        found, self._found = self._found, []
        return found

    def _booked(self, fact: Reported | Inferred, execution: Execution, change: Change) -> None:
        name, key = execution.execution_id, fact.key
        symbol = change.after.symbol if change.after else ""
        if self._orders.setdefault(name, key) != key:
            text = f"booked under {self._orders[name]} as well"
            self._add(BreakKind.TWICE, name, symbol, key, text)
        if len(self._orders) > REMEMBERED:
            del self._orders[next(iter(self._orders))]
        if isinstance(fact, Inferred):
            text = f"{execution.quantity} booked on the broker's word; no execution could be had"
            self._add(BreakKind.INFERRED, name, symbol, key, text)
        elif fact.report.evidence.source is Source.STREAM:
            since = self._clock.monotonic()
            self._unlisted[name] = _Unlisted(execution, symbol, key, since)

    def _differing(self, fact: Reported | Inferred, change: Change) -> None:
        kinds = {anomaly.kind for anomaly in change.anomalies}
        said = _said(fact)
        if AnomalyKind.DUPLICATE_DIFFERS in kinds and said is not None and said.execution:
            execution = said.execution
            text = f"now {execution.quantity} at {execution.price}; the first numbers stand"
            self._add(BreakKind.DIFFERS, execution.execution_id, said.symbol, fact.key, text)

    def _lost(self, fill: Fill) -> None:
        name = fill.execution.execution_id
        if name not in self._missing:
            self._missing.add(name)
            text = f"listed of {fill.broker_order_id}, and not in the ledger"
            key = ClientOrderId(fill.client_order_id or "")
            self._add(BreakKind.MISSING, name, fill.symbol, key, text)

    def _add(
        self, what: BreakKind, name: ExecutionId, symbol: str, key: ClientOrderId, text: str
    ) -> None:
        self._found.append(ExecutionBreak(what, name, symbol, key, text))


def _said(fact: OrderFact) -> ExecutionReport | None:
    return fact.report if isinstance(fact, Reported) else None
