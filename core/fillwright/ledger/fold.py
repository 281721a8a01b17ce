"""The fold: facts in, orders, executions, positions and cash out.

Rules:
1. Only `apply` changes anything, and it depends on nothing but the facts so far: replaying a
   journal gives the same ledger.
2. An execution id is applied at most once per order, in every state, with no time limit.
3. What surprises is booked and returned as an anomaly; an anomaly never loses a fill.
4. An order that ended with every claimed fill booked can be let go (`forget`); folding its own
   records again (`restore`) brings it back without touching positions.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from fillwright import lifecycle
from fillwright.ledger.controls import ControlFact, Controls, Halted
from fillwright.ledger.facts import (
    Abandoned,
    Adopted,
    Asked,
    BooksOpened,
    CursorMoved,
    DayOpened,
    Doubted,
    EarlierFill,
    EndedUnsent,
    EquityPeaked,
    Fact,
    HandedOver,
    Inferred,
    OrderFact,
    PositionAdjusted,
    Refused,
    Reported,
    Sent,
    Settled,
    Staged,
    Unsent,
)
from fillwright.ledger.watching import Watched, WatchFact
from fillwright.orders import original_id
from fillwright.reports import (
    Anomaly,
    AnomalyKind,
    Cursor,
    Evidence,
    Execution,
    ExecutionReport,
    Source,
)
from fillwright.states import OrderState, Pending
from fillwright.types import ZERO, BrokerOrderId, ClientOrderId, ExecType, ExecutionId
from fillwright.verdicts import Scope


class Change(NamedTuple):
    """What one fact did: the order before and after, and the execution that it booked."""

    fact: Fact
    before: OrderState | None = None
    after: OrderState | None = None
    execution: Execution | None = None
    anomalies: tuple[Anomaly, ...] = ()


class Day(NamedTuple):
    """The newest trading day: its date, the equity of its first account, and the highest since."""

    day: str
    equity: Decimal
    peak: Decimal


class Ledger:
    """Orders under way, their executions, positions, cash, halts, and the executions cursor."""

    def __init__(self) -> None:
        self.orders: dict[ClientOrderId, OrderState] = {}
        self.positions: dict[str, Decimal] = {}
        self.cash = ZERO
        self.opened = False
        self.cursor: Cursor | None = None
        self.earlier_cursor: Cursor | None = None
        self.day: Day | None = None
        self.controls = Controls()
        self.watched = Watched()
        self._executions: dict[ClientOrderId, dict[ExecutionId, Execution]] = {}
        #: Fills from before the books were opened: they moved the opening position, not this one.
        self._earlier: dict[ExecutionId, EarlierFill] = {}
        #: Busts and corrections that came before what they take back, by what they take back.
        self._early: dict[ClientOrderId, dict[ExecutionId, ExecutionReport]] = {}
        #: Broker ids and later client ids of the orders under way, and back.
        self._names: dict[str, ClientOrderId] = {}
        self._named: dict[ClientOrderId, list[str]] = {}
        self._moves = True

    @property
    def halts(self) -> dict[tuple[Scope, str], Halted]:
        """The halts that stand."""
        return self.controls.halts

    def apply(self, fact: Fact) -> Change:
        """Take in one fact."""
        if isinstance(fact, OrderFact):
            return self._apply_to_order(fact)
        self._apply_to_books(fact)
        return Change(fact)

    def restore(self, facts: Iterable[Fact]) -> None:
        """Fold an order's own facts again; positions and cash hold them already."""
        self._moves = False
        try:
            for fact in facts:
                self.apply(fact)
        finally:
            self._moves = True

    def forget(self, key: ClientOrderId) -> None:
        """Let go of an order that is settled; the journal has it."""
        self.orders.pop(key, None)
        self._executions.pop(key, None)
        self._early.pop(key, None)
        for name in self._named.pop(key, ()):
            self._names.pop(name, None)

    def key_for(
        self, client_order_id: ClientOrderId | None, broker_order_id: BrokerOrderId | None
    ) -> ClientOrderId | None:
        """The order under way that carries one of these names; None if there is none."""
        if client_order_id is not None and client_order_id in self.orders:
            return client_order_id
        key = self._names.get(client_order_id) if client_order_id else None
        return key or (self._names.get(broker_order_id) if broker_order_id else None)

    def replacements(self, key: ClientOrderId) -> int:
        """How many names were used up for replaces of one order under way, refused ones too."""
        names = set(self._named.get(key, ()))
        return sum(name != key and original_id(ClientOrderId(name)) == key for name in names)

    def executions(self, key: ClientOrderId) -> tuple[Execution, ...]:
        """The executions of one order under way, in the order in which they were booked."""
        return tuple(self._executions.get(key, {}).values())

    def execution(self, key: ClientOrderId, execution_id: ExecutionId) -> Execution | None:
        """One execution of an order under way that was taken in; None if it was not."""
        booked = self._executions.get(key, {}).get(execution_id)
        if booked is None and key in self._early:
            waiting = (said.execution for said in self._early[key].values())
            return next((e for e in waiting if e and e.execution_id == execution_id), None)
        return booked

    def is_earlier(self, execution_id: ExecutionId) -> bool:
        """Whether the opening position holds this execution already."""
        return execution_id in self._earlier

    def traded_earlier(self, broker_order_id: BrokerOrderId | None) -> tuple[Decimal, Decimal]:
        """What of an order had traded before the books were opened: quantity and value."""
        fills = [f for f in self._earlier.values() if f.broker_order_id == broker_order_id]
        if not fills:
            return ZERO, ZERO
        filled = sum((f.quantity for f in fills), ZERO)
        return filled, sum((f.quantity * f.price for f in fills), ZERO)

    # ------------------------------------------------------------------ orders

    def _apply_to_order(self, fact: OrderFact) -> Change:
        before = self.orders.get(fact.key)
        if isinstance(fact, Staged):
            return self._keep(fact, before, _staged(fact))
        if isinstance(fact, Adopted):
            return self._adopt(fact)
        if before is None:
            return Change(fact, anomalies=(_unknown(fact),))
        if isinstance(fact, Reported):
            return self._report(fact, before)
        if isinstance(fact, Inferred):
            return self._infer(fact, before)
        if isinstance(fact, Asked) and fact.alias:
            self._name(fact.alias, fact.key)
        return self._keep(fact, before, _OWN_STEPS[type(fact)](fact, before))

    def _adopt(self, fact: Adopted) -> Change:
        state = lifecycle.adopt(
            fact.key,
            fact.symbol,
            fact.side,
            owner=fact.owner,
            at=fact.at,
            quantity=fact.quantity,
            broker_order_id=fact.broker_order_id,
            parent=fact.parent,
            alias=fact.alias,
        )
        state = state.but(filled=fact.filled, value=fact.value, claimed=fact.filled)
        if fact.alias:
            self._name(fact.alias, fact.key)
        return self._keep(fact, None, (state, ()))

    def _keep(self, fact: OrderFact, before: OrderState | None, step: lifecycle.Step) -> Change:
        after, anomalies = step
        self.orders[fact.key] = after
        broker_id = after.broker_order_id
        if broker_id is not None and (before is None or before.broker_order_id != broker_id):
            self._name(broker_id, fact.key)
        return Change(fact, before, after, None, anomalies)

    def _name(self, name: str, key: ClientOrderId) -> None:
        self._names[name] = key
        self._named.setdefault(key, []).append(name)

    def _report(self, fact: Reported, before: OrderState) -> Change:
        report = fact.report
        execution = report.execution
        if report.replaced_by is not None:
            self._name(report.replaced_by, fact.key)
        if execution is None:
            return self._keep(fact, before, lifecycle.report(before, report))
        if report.exec_type is ExecType.TRADE:
            return self._trade(fact, before, report, execution)
        return self._take_back(fact, before, report, execution)

    def _trade(
        self, fact: Reported, before: OrderState, report: ExecutionReport, execution: Execution
    ) -> Change:
        booked = self._executions.setdefault(fact.key, {})
        known = booked.get(execution.execution_id)
        if known is not None:
            after, anomalies = lifecycle.report(before, report)
            if (known.quantity, known.price) != (execution.quantity, execution.price):
                text = f"{execution.execution_id} came again with other numbers; the first stands"
                kind = AnomalyKind.DUPLICATE_DIFFERS
                anomalies = (*anomalies, Anomaly(kind, fact.key, text))
            return self._keep(fact, before, (after, anomalies))
        booked[execution.execution_id] = execution
        after, anomalies = lifecycle.fill(before, execution, report)
        after, anomalies = self._caught_up(fact.key, execution, after, anomalies)
        self._move(before, after)
        kept = self._keep(fact, before, (after, anomalies))
        return Change(fact, before, kept.after, execution, anomalies)

    def _take_back(
        self, fact: Reported, before: OrderState, report: ExecutionReport, execution: Execution
    ) -> Change:
        if self.execution(fact.key, execution.execution_id) is not None:
            return self._keep(fact, before, lifecycle.report(before, report))
        booked = self._executions.setdefault(fact.key, {})
        earlier = self._earlier.get(execution.corrects) if execution.corrects else None
        if earlier is not None and earlier.execution_id not in booked:
            booked[earlier.execution_id] = _as_execution(earlier, execution.transact_time)
        old = booked.get(execution.corrects) if execution.corrects else None
        if old is None or old.quantity == 0:
            if old is None and execution.corrects:
                self._early.setdefault(fact.key, {})[execution.corrects] = report
            text = f"{execution.corrects} is to be taken back and is not booked"
            surprise = Anomaly(AnomalyKind.BUST_OF_UNKNOWN, fact.key, text)
            after, anomalies = lifecycle.report(before, report)
            return self._keep(fact, before, (after, (*anomalies, surprise)))
        after, anomalies = self._undo(booked, before, report, execution)
        after, anomalies = self._caught_up(fact.key, execution, after, anomalies)
        self._move(before, after)
        kept = self._keep(fact, before, (after, anomalies))
        return Change(fact, before, kept.after, execution, anomalies)

    def _undo(
        self,
        booked: dict[ExecutionId, Execution],
        state: OrderState,
        report: ExecutionReport,
        execution: Execution,
    ) -> lifecycle.Step:
        """Take a booked execution back, and book what it is corrected to."""
        assert execution.corrects is not None  # noqa: S101  # its callers looked it up by that
        old = booked[execution.corrects]
        corrected = execution if report.exec_type is ExecType.TRADE_CORRECT else None
        # The taken-back execution keeps its id, at nothing, so that a replay finds it booked.
        booked[old.execution_id] = _emptied(old)
        booked[execution.execution_id] = corrected or _emptied(execution)
        return lifecycle.bust(state, old, corrected, report)

    def _caught_up(
        self,
        key: ClientOrderId,
        execution: Execution,
        state: OrderState,
        anomalies: tuple[Anomaly, ...],
    ) -> lifecycle.Step:
        """Carry out a bust or correction that came before the execution that it is about."""
        early = self._early.get(key, {})
        while (report := early.pop(execution.execution_id, None)) and report.execution:
            execution = report.execution
            state, more = self._undo(self._executions[key], state, report, execution)
            anomalies += more
        return state, anomalies

    def _infer(self, fact: Inferred, before: OrderState) -> Change:
        """Book a claimed fill without its execution; the real one replaces it when it comes."""
        guess = fact.execution
        booked = self._executions.setdefault(fact.key, {})
        if guess.execution_id in booked:
            return Change(fact, before, before)
        booked[guess.execution_id] = guess
        evidence = Evidence(Source.QUERY, guess.execution_id)
        report = ExecutionReport(
            ExecType.TRADE, before.symbol, before.side, evidence, guess.transact_time
        )
        real = before.but(inferred=ZERO, inferred_value=ZERO)
        after, anomalies = lifecycle.fill(real, guess, report)
        after = after.but(
            inferred=before.inferred + guess.quantity,
            inferred_value=before.inferred_value + guess.quantity * guess.price,
        )
        self._move(before, after)
        text = f"booked {guess.quantity} on the broker's word; its execution could not be had"
        surprise = Anomaly(AnomalyKind.INFERRED_FILL, fact.key, text)
        kept = self._keep(fact, before, (after, (*anomalies, surprise)))
        return Change(fact, before, kept.after, guess, kept.anomalies)

    def _move(self, before: OrderState, after: OrderState) -> None:
        """Carry the difference in fills over to position and cash."""
        if not self._moves:
            return
        sign = before.side.sign
        quantity = self.positions.get(before.symbol, ZERO) + sign * (after.filled - before.filled)
        self.positions[before.symbol] = quantity
        self.cash -= sign * (after.value - before.value) + (after.fees - before.fees)

    # ------------------------------------------------------------------ books

    def _apply_to_books(self, fact: Fact) -> None:
        if isinstance(fact, BooksOpened):
            self.cash, self.positions, self.opened = fact.cash, dict(fact.positions), True
            self._earlier = {fill.execution_id: fill for fill in fact.earlier}
            self.cursor = fact.cursor
        elif isinstance(fact, PositionAdjusted):
            self.positions[fact.symbol] = fact.quantity
        elif isinstance(fact, DayOpened):
            self.day = Day(fact.day, fact.equity, fact.equity)
        elif isinstance(fact, EquityPeaked):
            self.day = self.day and self.day._replace(peak=fact.equity)
        elif isinstance(fact, CursorMoved):
            self.earlier_cursor, self.cursor = self.cursor, fact.cursor
        elif isinstance(fact, ControlFact):
            self.controls.apply(fact)
        elif isinstance(fact, WatchFact):
            self.watched.apply(fact)


def _staged(fact: Staged) -> lifecycle.Step:
    return lifecycle.stage(fact.key, fact.order, fact.at, fact.content_hash), ()


def _unknown(fact: OrderFact) -> Anomaly:
    return Anomaly(AnomalyKind.UNKNOWN_ORDER, fact.key, f"{type(fact).__name__} of no known order")


def _as_execution(fill: EarlierFill, at: datetime) -> Execution:
    return Execution(fill.execution_id, fill.quantity, fill.price, at)


def _emptied(execution: Execution) -> Execution:
    return replace(execution, quantity=ZERO, fee=ZERO)


_OWN_STEPS: dict[type[OrderFact], Callable[[Any, OrderState], lifecycle.Step]] = {
    Refused: lambda f, s: lifecycle.refuse(s, f.reasons, f.at),
    Sent: lambda f, s: lifecycle.send(s, f.at, f.quantity, f.deadline, f.quote),
    Unsent: lambda f, s: lifecycle.unsend(s, f.proof, f.at),
    EndedUnsent: lambda f, s: lifecycle.end_unsent(s, f.status, f.proof, f.at),
    Asked: lambda f, s: lifecycle.ask(
        s, Pending(f.action, "", f.change, f.quantity, f.alias), f.at
    ),
    Doubted: lambda f, s: lifecycle.doubt(s, f.action, f.reason, f.at),
    Settled: lambda f, s: lifecycle.settle(s, f.action, f.evidence, f.text, f.at),
    HandedOver: lambda f, s: lifecycle.hand_over(s, f.reason, f.at),
    Abandoned: lambda f, s: lifecycle.abandon(s, f.evidence, f.at),
}
