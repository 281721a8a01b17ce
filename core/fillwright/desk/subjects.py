"""What an alert is about, and whom a halt holds that was asked for because of it."""

from datetime import datetime
from typing import NamedTuple, Self

from fillwright.findings import ExecutionBreak, Finding, FindingKind, strategy_of
from fillwright.reports import Execution
from fillwright.states import OrderState, Owner
from fillwright.verdicts import Halt, Reject, Scope, Warn

#: These are over once a comparison no longer finds them; the others happened.
_LASTING = frozenset(FindingKind) - {FindingKind.EXECUTION}


class Subject(NamedTuple):
    """One execution, or one finding."""

    subject: str
    #: The same for the same thing at the same size.
    identity: str
    breached_at: datetime
    symbol: str = ""
    #: None: nobody here knows whose it is.
    strategy: str | None = None
    client_order_id: str = ""
    execution_id: str = ""
    #: The kind of a difference that lasts.
    stands: str = ""

    @classmethod
    def of_execution(cls, state: OrderState, execution: Execution, booked_at: datetime) -> Self:
        """A fill, a bust or a correction."""
        strategy = (state.order.strategy or "") if state.order else None
        if state.owner is Owner.FOREIGN:
            strategy = None
        name = execution.execution_id
        return cls(name, name, booked_at, state.symbol, strategy, state.client_order_id, name)

    @classmethod
    def of_finding(cls, finding: Finding, at: datetime) -> Self:
        """A difference between the books."""
        order = getattr(finding, "order", None)
        key = order.client_order_id if isinstance(order, OrderState) else ""
        execution = ""
        if isinstance(finding, ExecutionBreak):
            key, execution = finding.client_order_id, finding.execution_id
        return cls(
            finding.subject,
            finding.identity,
            at,
            finding.symbol,
            strategy_of(finding),
            key,
            execution,
            finding.kind if finding.kind in _LASTING else "",
        )

    def alert_id(self, check: str, verdict: Warn | Reject | Halt) -> str:
        """The name of what this check says about it; told again after a crash, the same."""
        return f"{check}:{verdict.code}:{type(verdict).__name__.lower()}:{self.identity}"

    def halts(self, scope: Scope, account: str) -> tuple[Scope, str]:
        """The scope and name of a halt; what has no such name is held more widely."""
        if scope is Scope.SYMBOL and self.symbol:
            return scope, self.symbol
        if scope is Scope.STRATEGY and self.strategy is not None:
            return scope, self.strategy
        if scope is Scope.DESK:
            return scope, ""
        return Scope.ACCOUNT, account
