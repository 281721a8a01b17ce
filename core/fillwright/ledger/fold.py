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
from decimal import Decimal
from typing import Any, NamedTuple

from fillwright import lifecycle
from fillwright.ledger.controls import ControlFact, Controls, Halted
from fillwright.ledger.executions import Executions
from fillwright.ledger.facts import (
    Abandoned,
    Adopted,
    Asked,
    BooksOpened,
    CashAdjusted,
    ChangeRefused,
    CursorMoved,
    DayOpened,
    Doubted,
    EndedUnsent,
    EquityPeaked,
    Fact,
    HandedOver,
    HeldAlready,
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
        self._executions = Executions()
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
        self._executions.forget(key)
        for name in self._named.pop(key, ()):
            self._names.pop(name, None)

    def key_for(
        self, client_order_id: ClientOrderId | None, broker_order_id: BrokerOrderId | None
    ) -> ClientOrderId | None:
        """The order under way that carries one of these names; None if there is none."""
        if client_order_id is not None and client_order_id in self.orders:
            return client_order_id
        return self._names.get(client_order_id or "") or self._names.get(broker_order_id or "")

    def replacements(self, key: ClientOrderId) -> int:
        """How many names were used up for replaces of one order under way, refused ones too."""
        names = set(self._named.get(key, ()))
        return sum(name != key and original_id(ClientOrderId(name)) == key for name in names)

    def executions(self, key: ClientOrderId) -> tuple[Execution, ...]:
        """The executions of one order under way, in the order in which they were booked."""
        return self._executions.of(key)

    def execution(self, key: ClientOrderId, execution_id: ExecutionId) -> Execution | None:
        """One execution of an order under way that was taken in; None if it was not."""
        return self._executions.taken_in(key, execution_id)

    def is_earlier(self, execution_id: ExecutionId) -> bool:
        """Whether the opening position holds this execution already."""
        return self._executions.is_earlier(execution_id)

    def traded_earlier(self, broker_order_id: BrokerOrderId | None) -> tuple[Decimal, Decimal]:
        """What of an order had traded before the books were opened: quantity and value."""
        return self._executions.traded_earlier(broker_order_id)

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
        known = self._executions.booked(fact.key, execution.execution_id)
        if known is not None:
            after, anomalies = lifecycle.report(before, report)
            if (known.quantity, known.price) != (execution.quantity, execution.price):
                text = f"{execution.execution_id} came again with other numbers; the first stands"
                kind = AnomalyKind.DUPLICATE_DIFFERS
                anomalies = (*anomalies, Anomaly(kind, fact.key, text))
            return self._keep(fact, before, (after, anomalies))
        self._executions.book(fact.key, execution)
        taken_back = self._executions.is_taken_back(fact.key, execution.execution_id)
        step = lifecycle.fill(before, execution, report, taken_back=taken_back)
        return self._moved(fact, before, execution, step)

    def _take_back(
        self, fact: Reported, before: OrderState, report: ExecutionReport, execution: Execution
    ) -> Change:
        if self.execution(fact.key, execution.execution_id) is not None:
            return self._keep(fact, before, lifecycle.report(before, report))
        old = self._executions.to_take_back(fact.key, execution)
        if old is None:
            self._executions.wait(fact.key, report, execution)
            text = f"{execution.corrects} is to be taken back and is not booked"
            surprise = Anomaly(AnomalyKind.BUST_OF_UNKNOWN, fact.key, text)
            after, anomalies = lifecycle.report(before, report)
            return self._keep(fact, before, (after, (*anomalies, surprise)))
        step = self._executions.take_back(fact.key, old, before, report, execution)
        return self._moved(fact, before, execution, step)

    def _moved(
        self, fact: Reported, before: OrderState, execution: Execution, step: lifecycle.Step
    ) -> Change:
        """An execution is booked: carry out what waited for it, and move position and cash."""
        after, anomalies = self._executions.caught_up(fact.key, execution, step)
        self._move(before, after)
        return self._keep(fact, before, (after, anomalies))._replace(execution=execution)

    def _infer(self, fact: Inferred, before: OrderState) -> Change:
        """Book a claimed fill without its execution; the real one replaces it when it comes."""
        guess = fact.execution
        if self._executions.booked(fact.key, guess.execution_id) is not None:
            return Change(fact, before, before)
        self._executions.book(fact.key, guess)
        evidence = Evidence(Source.QUERY, guess.execution_id)
        report = ExecutionReport(
            ExecType.TRADE, before.symbol, before.side, evidence, guess.transact_time
        )
        real = before.but(inferred=ZERO)
        after, anomalies = lifecycle.fill(real, guess, report)
        after = after.but(
            inferred=before.inferred + guess.quantity,
            inferred_value=before.inferred_value + guess.quantity * guess.price,
        )
        self._move(before, after)
        text = f"booked {guess.quantity} on the broker's word; its execution could not be had"
        surprise = Anomaly(AnomalyKind.INFERRED_FILL, fact.key, text)
        return self._keep(fact, before, (after, (*anomalies, surprise)))._replace(execution=guess)

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
            self._executions.open_with(fact.earlier)
            self.cursor = fact.cursor
        elif isinstance(fact, HeldAlready | PositionAdjusted | CashAdjusted):
            self._correct(fact)
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

    def _correct(self, fact: HeldAlready | PositionAdjusted | CashAdjusted) -> None:
        """Follow the broker's word where executions do not lead there."""
        if isinstance(fact, HeldAlready):
            for symbol, quantity in fact.positions.items():
                self.positions[symbol] = self.positions.get(symbol, ZERO) - quantity
            self.cash -= fact.cash
        elif isinstance(fact, PositionAdjusted):
            self.positions[fact.symbol] = fact.quantity
        else:
            self.cash = fact.cash


def _staged(fact: Staged) -> lifecycle.Step:
    return lifecycle.stage(fact.key, fact.order, fact.at, fact.content_hash), ()


def _unknown(fact: OrderFact) -> Anomaly:
    return Anomaly(AnomalyKind.UNKNOWN_ORDER, fact.key, f"{type(fact).__name__} of no known order")


_OWN_STEPS: dict[type[OrderFact], Callable[[Any, OrderState], lifecycle.Step]] = {
    Refused: lambda f, s: lifecycle.refuse(s, f.reasons, f.at),
    Sent: lambda f, s: lifecycle.send(s, f.at, f.quantity, f.deadline, f.quote),
    Unsent: lambda f, s: lifecycle.unsend(s, f.proof, f.at),
    EndedUnsent: lambda f, s: lifecycle.end_unsent(s, f.status, f.proof, f.at),
    Asked: lambda f, s: lifecycle.ask(
        s, Pending(f.action, "", f.change, f.quantity, f.alias), f.at
    ),
    ChangeRefused: lambda _, s: (s, ()),
    Doubted: lambda f, s: lifecycle.doubt(s, f.action, f.reason, f.at),
    Settled: lambda f, s: lifecycle.settle(s, f.action, f.evidence, f.text, f.at),
    HandedOver: lambda f, s: lifecycle.hand_over(s, f.reason, f.at),
    Abandoned: lambda f, s: lifecycle.abandon(s, f.evidence, f.at),
}
