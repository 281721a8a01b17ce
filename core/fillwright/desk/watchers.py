"""Plugins that look at what happened: post-execution checks and observers.

Rules:
1. The fill is booked and durable before anybody is asked; nothing here touches the ledger.
2. A plugin that raises is reported under its name, and the next one is asked.
3. A check that asks for a halt gets it; nothing else follows from its answer.
"""

from collections.abc import Sequence

from fillwright.book import BookView
from fillwright.desk.approvals import Approvals
from fillwright.desk.keeper import Keeper
from fillwright.errors import fault_text
from fillwright.ledger import Halted
from fillwright.logs import get_logger
from fillwright.protocols import Clock
from fillwright.reports import Anomaly, Execution
from fillwright.risk import halt_name
from fillwright.risk.answers import Check, sound
from fillwright.states import OrderState
from fillwright.verdicts import Halt, Reject, Resize, Scope

_log = get_logger(__name__)


class Watchers:
    """Ask each plugin apart."""

    _keeper: Keeper
    _approvals: Approvals
    _clock: Clock

    def __init__(self, checks: Sequence[Check], observers: Sequence[Check]) -> None:
        self._checks = tuple(checks)
        self._observers = tuple(observers)

    def attach(self, keeper: Keeper, approvals: Approvals, clock: Clock) -> None:
        """Give them the book to look into."""
        self._keeper, self._approvals, self._clock = keeper, approvals, clock

    def examine(self, state: OrderState, execution: Execution) -> None:
        """Ask every post-execution check about one booked execution."""
        if not self._checks:
            return
        book = self._approvals.view()
        for check in self._checks:
            self._examine(check, state, execution, book)

    def _examine(
        self, check: Check, state: OrderState, execution: Execution, book: BookView
    ) -> None:
        try:
            verdict = sound(check.call(state, execution, book))
        except (Exception, SystemExit) as fault:  # noqa: BLE001  # a stranger's code must not stop a fill
            _log.error("execution_check_failed", check=check.name, reason=fault_text(fault))
            return
        if isinstance(verdict, Halt):
            self._halt(check.name, verdict, state)
        elif isinstance(verdict, Reject):
            reason = str(verdict.reason(check.name))
            _log.error(
                "execution_objected",
                check=check.name,
                client_order_id=state.client_order_id,
                execution_id=execution.execution_id,
                reason=reason,
            )
        elif isinstance(verdict, Resize):
            _log.error("execution_check_failed", check=check.name, reason="answered Resize")

    def _halt(self, name: str, verdict: Halt, state: OrderState) -> None:
        target = state.symbol
        if state.order is not None:
            account = self._approvals.view().account.account_id
            target = halt_name(verdict.scope, state.order, account)
        elif verdict.scope is not Scope.SYMBOL:
            target = ""
        reason = str(verdict.reason(name))
        self._keeper.write(Halted(self._clock.now(), verdict.scope, target, reason, name))
        _log.error("halt_latched", scope=str(verdict.scope), name=target, reason=reason, by=name)

    def observe(self, state: OrderState, anomalies: Sequence[Anomaly]) -> None:
        """Tell every observer of one change."""
        for observer in self._observers:
            try:
                observer.call(state, anomalies)
            except (Exception, SystemExit) as fault:  # noqa: BLE001  # a stranger's code must not stop the rest
                _log.error("observer_failed", observer=observer.name, reason=fault_text(fault))
