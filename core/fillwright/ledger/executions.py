"""The executions of the orders under way: what is booked, what was taken back, what waits.

Rules:
1. An execution id is booked at most once per order.
2. What was taken back keeps its id, at nothing, so that nothing books it again.
3. A bust or correction that comes before what it takes back waits for it.
4. Fills from before the books were opened are in the opening position; one of them is booked here
   only when it is to be taken back.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from fillwright import lifecycle
from fillwright.ledger.facts import EarlierFill
from fillwright.reports import Execution, ExecutionReport
from fillwright.states import OrderState
from fillwright.types import ZERO, BrokerOrderId, ClientOrderId, ExecType, ExecutionId


class Executions:
    """Executions by order, and those from before the books were opened."""

    def __init__(self) -> None:
        self._booked: dict[ClientOrderId, dict[ExecutionId, Execution]] = {}
        #: Busts and corrections that wait, by what they take back.
        self._waiting: dict[ClientOrderId, dict[ExecutionId, ExecutionReport]] = {}
        self._earlier: dict[ExecutionId, EarlierFill] = {}

    def open_with(self, earlier: Iterable[EarlierFill]) -> None:
        """Take in the fills from before the books were opened."""
        self._earlier = {fill.execution_id: fill for fill in earlier}

    def is_earlier(self, execution_id: ExecutionId) -> bool:
        """Whether the opening position holds this execution already."""
        return execution_id in self._earlier

    def traded_earlier(self, broker_order_id: BrokerOrderId | None) -> tuple[Decimal, Decimal]:
        """What of an order had traded before the books were opened: quantity and value."""
        fills = [f for f in self._earlier.values() if f.broker_order_id == broker_order_id]
        filled = sum((f.quantity for f in fills), ZERO)
        return filled, sum((f.quantity * f.price for f in fills), ZERO)

    def of(self, key: ClientOrderId) -> tuple[Execution, ...]:
        """The executions of one order, in the order in which they were booked."""
        return tuple(self._booked.get(key, {}).values())

    def booked(self, key: ClientOrderId, execution_id: ExecutionId) -> Execution | None:
        """One execution of an order that is booked; None if it is not."""
        return self._booked.get(key, {}).get(execution_id)

    def taken_in(self, key: ClientOrderId, execution_id: ExecutionId) -> Execution | None:
        """One execution of an order that is booked or waits; None if neither."""
        booked = self.booked(key, execution_id)
        if booked is None and key in self._waiting:
            waiting = (said.execution for said in self._waiting[key].values())
            return next((e for e in waiting if e and e.execution_id == execution_id), None)
        return booked

    def book(self, key: ClientOrderId, execution: Execution) -> None:
        """Book one that was not booked."""
        self._booked.setdefault(key, {})[execution.execution_id] = execution

    def forget(self, key: ClientOrderId) -> None:
        """Let go of an order's executions."""
        self._booked.pop(key, None)
        self._waiting.pop(key, None)

    def to_take_back(self, key: ClientOrderId, execution: Execution) -> Execution | None:
        """What a bust or correction takes back; None where it is not booked, or counts no more."""
        taken = execution.corrects
        if taken is None:
            return None
        earlier = self._earlier.get(taken)
        if earlier is not None and self.booked(key, taken) is None:
            at = execution.transact_time
            self.book(key, Execution(taken, earlier.quantity, earlier.price, at))
        old = self.booked(key, taken)
        return old if old is not None and old.quantity else None

    def wait(self, key: ClientOrderId, report: ExecutionReport, execution: Execution) -> None:
        """Keep a bust or correction until what it takes back comes, unless that was here."""
        taken = execution.corrects
        if taken is not None and self.booked(key, taken) is None:
            self._waiting.setdefault(key, {})[taken] = report

    def take_back(
        self,
        key: ClientOrderId,
        old: Execution,
        state: OrderState,
        report: ExecutionReport,
        execution: Execution,
    ) -> lifecycle.Step:
        """Take a booked execution back, and book what it is corrected to."""
        corrected = execution if report.exec_type is ExecType.TRADE_CORRECT else None
        self.book(key, _emptied(old))
        self.book(key, corrected or _emptied(execution))
        return lifecycle.bust(state, old, corrected, report)

    def is_taken_back(self, key: ClientOrderId, execution_id: ExecutionId) -> bool:
        """Whether a bust or correction came before what it takes back."""
        return execution_id in self._waiting.get(key, ())

    def caught_up(
        self, key: ClientOrderId, execution: Execution, step: lifecycle.Step
    ) -> lifecycle.Step:
        """Carry out a bust or correction that came before the execution that it is about."""
        state, anomalies = step
        waiting = self._waiting.get(key, {})
        while (report := waiting.pop(execution.execution_id, None)) and report.execution:
            old, execution = execution, report.execution
            state, more = self.take_back(key, old, state, report, execution)
            anomalies += more
        return state, anomalies


def _emptied(execution: Execution) -> Execution:
    return replace(execution, quantity=ZERO, fee=ZERO)
