"""Where every word of the broker goes in: find the order it is about, and book it.

Rules:
1. An order that left the working set is brought back from the journal before it is booked on.
2. An order that nobody here sent is adopted, counted as exposure, and never acted on.
3. A repetition that says nothing new is not recorded again.
"""

from collections.abc import Callable

from fillwright import lifecycle
from fillwright.accounts import Quote
from fillwright.desk.keeper import Keeper
from fillwright.ledger import Adopted, Change, Doubted, Halted, Reported
from fillwright.logs import get_logger
from fillwright.orders import OUR_PREFIX, original_id
from fillwright.protocols import Clock
from fillwright.reconcile import foreign_key
from fillwright.reports import AnomalyKind, Execution, ExecutionReport, Source
from fillwright.states import Action, OrderState, Owner
from fillwright.types import ClientOrderId, ExecType, ExecutionId, OrdStatus
from fillwright.verdicts import Scope

_log = get_logger(__name__)

#: How many booked execution ids are remembered to skip repetitions without asking the journal.
REMEMBERED = 20_000


class Books:
    """Take reports in."""

    def __init__(
        self,
        keeper: Keeper,
        clock: Clock,
        on_doubt: Callable[[ClientOrderId], None],
        *,
        quote: Callable[[str], Quote | None] = lambda _symbol: None,
    ) -> None:
        """`quote` tells the newest quote of a symbol, which is recorded with a fill."""
        self._keeper = keeper
        self._clock = clock
        self._on_doubt = on_doubt
        self.quote = quote
        self._booked: dict[ExecutionId, Execution] = {}
        #: How many facts were booked here: two equal readings mean that nothing came between.
        self.written = 0

    def take(self, report: ExecutionReport, *, key: ClientOrderId | None = None) -> Change | None:
        """Book one report; None when it says nothing new."""
        execution = report.execution
        if execution is not None and self._repeats(execution):
            return None
        ledger = self._keeper.ledger
        if execution is not None and ledger.is_earlier(execution.execution_id):
            return None
        under_way = len(ledger.orders)
        key = key or self._key_for(report)
        state = self._keeper.ledger.orders.get(key)
        if state is None:
            return None
        if not self._is_news(state, report):
            if execution is not None:
                self._remember(execution)  # or the journal is asked for it in every comparison
            if state.settled and len(self._keeper.ledger.orders) > under_way:
                self._keeper.forget(key)  # it was brought back only to be looked at
            return None
        if state.side is not report.side and state.owner is Owner.OURS:
            _log.error("side_differs", client_order_id=key, ours=state.side, theirs=report.side)
        quote = self.quote(report.symbol) if execution is not None else None
        change = self._write(Reported(key, self._clock.now(), report, quote))
        if execution is not None:
            self._remember(execution)
        self._follow_up(change)
        return change

    def _follow_up(self, change: Change) -> None:
        """Have a doubt looked into that a person had, and cancel what nobody waits for any more."""
        after = change.after
        if after is None or after.ended:
            return
        if any(a.kind is AnomalyKind.LATE_ACCEPT for a in change.anomalies):
            reason = "the broker took it after it was abandoned"
            self.doubt(after.client_order_id, Action.CANCEL, reason)
        elif after.pending and after.in_doubt and not after.manual:
            self._on_doubt(after.client_order_id)

    def _repeats(self, execution: Execution) -> bool:
        known = self._booked.get(execution.execution_id)
        return known is not None and (known.quantity, known.price) == (
            execution.quantity,
            execution.price,
        )

    def doubt(self, key: ClientOrderId, action: Action, reason: str) -> None:
        """Put an order in doubt and have it looked into; one that ended is beyond doubt."""
        state = self._keeper.ledger.orders.get(key)
        if state is None or state.ended:
            return
        self._write(Doubted(key, self._clock.now(), action, reason))
        _log.warning("order_in_doubt", client_order_id=key, action=str(action), reason=reason)
        self._on_doubt(key)

    def position_break(self, symbol: str, ours: object, theirs: object) -> None:
        """The ledger and the broker disagree on a position, and no execution explains it."""
        reason = f"T02 POSITION_BREAK: ledger {ours}, broker {theirs}"
        _log.error("position_broken", symbol=symbol, ledger=str(ours), broker=str(theirs))
        now = self._clock.now()
        self._write(Halted(now, Scope.SYMBOL, symbol, reason, by="reconcile"))

    def _write(self, fact: Adopted | Doubted | Halted | Reported) -> Change:
        self.written += 1
        return self._keeper.write(fact)[1]

    def holds(self, execution_id: ExecutionId) -> bool:
        """Whether an execution that was taken in lately is in the ledger."""
        return execution_id in self._booked or self._keeper.ledger.is_earlier(execution_id)

    def _remember(self, execution: Execution) -> None:
        self._booked[execution.execution_id] = execution
        if len(self._booked) > REMEMBERED:
            del self._booked[next(iter(self._booked))]

    def _key_for(self, report: ExecutionReport) -> ClientOrderId:
        """The order that the report is about: under way, in the journal, or adopted now."""
        ledger = self._keeper.ledger
        key = ledger.key_for(report.client_order_id, report.broker_order_id)
        if key is not None:
            return key
        name = report.client_order_id
        if name is not None and self._keeper.restore(original_id(name)):
            return original_id(name)
        foreign = foreign_key(report.broker_order_id or name or ClientOrderId("unnamed"))
        if name is not None and name.startswith(OUR_PREFIX):
            # Minted by us, and this journal does not know it: it was lost, or set back. Kept under
            # its own id, the same decision conflicts with it instead of being sent a second time.
            foreign = original_id(name)
        if not self._keeper.restore(foreign):
            self._adopt(foreign, report)
        return foreign

    def _adopt(self, key: ClientOrderId, report: ExecutionReport) -> None:
        known = report.parent is not None and self._keeper.state(report.parent) is not None
        owner = Owner.LEG if known else Owner.FOREIGN
        filled, value = self._keeper.ledger.traded_earlier(report.broker_order_id)
        self._write(
            Adopted(
                key,
                self._clock.now(),
                report.symbol,
                report.side,
                owner,
                report.quantity,
                report.broker_order_id,
                report.parent,
                report.client_order_id,
                filled,
                value,
            )
        )
        if owner is Owner.FOREIGN:
            _log.warning("foreign_order_found", client_order_id=key, symbol=report.symbol)

    def _is_news(self, state: OrderState, report: ExecutionReport) -> bool:
        """Whether booking it would change anything that matters."""
        execution = report.execution
        if execution is not None:
            key = state.client_order_id
            known = self._keeper.ledger.execution(key, execution.execution_id)
            return known is None or (
                report.exec_type is ExecType.TRADE
                and bool(known.quantity)
                and (known.quantity, known.price) != (execution.quantity, execution.price)
            )
        if report.evidence.source is not Source.QUERY:
            if not _may_repeat(state, report):
                return True
            if _is_old_news(state, report):
                return False
        after, anomalies = lifecycle.report(state, report)
        if anomalies:
            return True
        same = after.but(updated_at=state.updated_at, evidence=state.evidence, text=state.text)
        return same != state


def _may_repeat(state: OrderState, report: ExecutionReport) -> bool:
    """An acknowledgement of an order that is acknowledged: stream and response both tell it."""
    return report.exec_type in _ACKS and state.broker_order_id is not None and not state.pending


def _is_old_news(state: OrderState, report: ExecutionReport) -> bool:
    """Whether it says what the response said: every order has one, so no step is tried for it."""
    return (
        state.base in _ACKNOWLEDGED
        and report.broker_order_id == state.broker_order_id
        and report.quantity == state.quantity
        and not report.filled
    )


_ACKNOWLEDGED = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED})
_ACKS = frozenset({ExecType.NEW, ExecType.PENDING_NEW})
