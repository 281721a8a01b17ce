"""What the broker says of an order: each step takes a state and returns the next, with surprises.

Rules:
1. A fill counts in every state; executions were deduplicated before they come here.
2. FILLED follows from executions alone, never from a status word: a claimed fill whose
   execution is missing leaves the order open.
3. A word that arrives late (NEW after a fill) says nothing new and changes nothing.
4. A completed fill answers every pending request: a fill always wins. What completes the old
   quantity completes nothing while a change to a larger one may have been taken, and so does a
   sum that the broker's own word on the same fill contradicts.
"""

from dataclasses import replace
from decimal import Decimal

from fillwright.lifecycle.common import (
    FINAL,
    Step,
    complete,
    share,
    surprise,
    with_request,
    without,
)
from fillwright.lifecycle.table import may_follow, shown
from fillwright.reports import Anomaly, AnomalyKind, Execution, ExecutionReport, Source
from fillwright.states import Action, OrderState, Owner, Pending
from fillwright.types import ZERO, ExecType, OrdStatus

_UNSENT = frozenset({OrdStatus.STAGED, OrdStatus.PENDING_NEW, OrdStatus.ABANDONED})
_RESUMABLE = frozenset({OrdStatus.SUSPENDED, OrdStatus.STOPPED, OrdStatus.DONE_FOR_DAY})
_ENDS = {
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
    ExecType.REJECTED: OrdStatus.REJECTED,
}
_LIMBO = {
    ExecType.SUSPENDED: OrdStatus.SUSPENDED,
    ExecType.STOPPED: OrdStatus.STOPPED,
    ExecType.DONE_FOR_DAY: OrdStatus.DONE_FOR_DAY,
}
_ASKED = {ExecType.PENDING_CANCEL: Action.CANCEL, ExecType.PENDING_REPLACE: Action.REPLACE}
#: What ends a change of the quantity, so that what had filled may be all of it now.
_MEASURES = frozenset({ExecType.REPLACED, ExecType.REPLACE_REJECTED, ExecType.RESTATED})
#: The broker's words for an order that may still fill.
_WORKING = frozenset(
    {
        *(OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.SUSPENDED, OrdStatus.STOPPED),
        *(OrdStatus.PENDING_CANCEL, OrdStatus.PENDING_REPLACE, OrdStatus.DONE_FOR_DAY),
    }
)
_DENIED = {ExecType.CANCEL_REJECTED: Action.CANCEL, ExecType.REPLACE_REJECTED: Action.REPLACE}
#: What an answer to a status question is worth as an event.
_STATUS_AS_EVENT = {
    OrdStatus.PENDING_NEW: ExecType.PENDING_NEW,
    OrdStatus.NEW: ExecType.NEW,
    OrdStatus.PARTIALLY_FILLED: ExecType.NEW,
    OrdStatus.FILLED: ExecType.ORDER_STATUS,
    OrdStatus.CANCELED: ExecType.CANCELED,
    OrdStatus.EXPIRED: ExecType.EXPIRED,
    OrdStatus.REJECTED: ExecType.REJECTED,
    OrdStatus.SUSPENDED: ExecType.SUSPENDED,
    OrdStatus.STOPPED: ExecType.STOPPED,
    OrdStatus.DONE_FOR_DAY: ExecType.DONE_FOR_DAY,
    OrdStatus.PENDING_CANCEL: ExecType.PENDING_CANCEL,
    OrdStatus.PENDING_REPLACE: ExecType.PENDING_REPLACE,
}


def fill(
    state: OrderState, execution: Execution, report: ExecutionReport, *, taken_back: bool = False
) -> Step:
    """Book one execution that was never booked before; one that was taken back ends nothing."""
    surprises = []
    if state.status is OrdStatus.ABANDONED:
        surprises.append(surprise(AnomalyKind.LATE_ACCEPT, state, "a fill after it was abandoned"))
    elif state.ended:
        surprises.append(surprise(AnomalyKind.LATE_FILL, state, f"a fill after {state.status}"))
    state = _identified(state, report)
    inferred = min(state.inferred, execution.quantity)
    if inferred:
        surprises.append(surprise(AnomalyKind.INFERRED_FILL, state, "the real execution came"))
    replaced_value = share(state.inferred_value, inferred, state.inferred) if inferred else ZERO
    filled = state.filled + execution.quantity - inferred
    quantity = state.quantity
    if quantity is not None and filled > quantity:
        text = f"filled {filled} of {quantity}"
        surprises.append(surprise(AnomalyKind.OVERFILL, state, text))
    after = state.but(
        filled=filled,
        value=state.value + execution.quantity * execution.price - replaced_value,
        fees=state.fees + execution.fee,
        inferred=state.inferred - inferred,
        inferred_value=state.inferred_value - replaced_value,
        claimed=max(state.claimed, report.filled or ZERO),
    )
    return _settled_by(after, report, surprises, goes_on=taken_back)


def bust(
    state: OrderState, busted: Execution, corrected: Execution | None, report: ExecutionReport
) -> Step:
    """Take an execution back, and book what it is corrected to, if anything."""
    state = _identified(state, report)
    quantity = corrected.quantity if corrected else ZERO
    value = quantity * corrected.price if corrected else ZERO
    kind = AnomalyKind.CORRECTED if corrected else AnomalyKind.BUSTED
    after = state.but(
        filled=state.filled - busted.quantity + quantity,
        value=state.value - busted.quantity * busted.price + value,
        fees=state.fees - busted.fee + (corrected.fee if corrected else ZERO),
        claimed=max(state.claimed - busted.quantity + quantity, ZERO),
    )
    if not after.ended and after.base is OrdStatus.PARTIALLY_FILLED and not after.filled:
        after = after.but(base=OrdStatus.NEW)
    return _settled_by(after, report, [surprise(kind, state, f"{busted.execution_id}")])


def report(state: OrderState, said: ExecutionReport) -> Step:
    """Take in one report that carries no execution."""
    surprises: list[Anomaly] = []
    after = _identified(state, said)
    if (
        after.status is OrdStatus.ABANDONED
        and said.exec_type not in _DENIED
        and said.status is not OrdStatus.REJECTED
        and said.exec_type is not ExecType.REJECTED
    ):
        surprises.append(surprise(AnomalyKind.LATE_ACCEPT, state, "the broker has it after all"))
    if said.filled and said.filled > after.claimed:
        after = after.but(claimed=said.filled)
    elif said.exec_type is ExecType.RESTATED and said.evidence.source is Source.QUERY:
        after = after.but(claimed=said.filled or ZERO)
    if said.broker_order_id in after.earlier_broker_ids:
        return _settled_by(after, said, surprises)  # how a replaced order stands is history
    kind = said.exec_type
    if kind is ExecType.ORDER_STATUS and said.status is not None:
        kind = _STATUS_AS_EVENT.get(said.status, kind)
        after = _measured(after, said)
    end = _ENDS.get(kind)
    if end is not None and after.base in FINAL and after.base is not end:
        text = f"{end} after {after.base}"
        surprises.append(surprise(AnomalyKind.ILLEGAL_TRANSITION, state, text))
    after = _taken_in(after, kind, said)
    # A sum that the broker contradicted once is not right because it says nothing of it now.
    silent = said.status is None and said.filled is None and kind not in _MEASURES
    return _settled_by(after, said, surprises, goes_on=silent)


def _measured(state: OrderState, said: ExecutionReport) -> OrderState:
    """The quantity as the broker's books show it, where a change of it went past us."""
    known = said.broker_order_id == state.broker_order_id and said.quantity is not None
    if not known or state.ended or state.awaiting(Action.REPLACE):
        return state
    return state if said.quantity == state.quantity else state.but(quantity=said.quantity)


def _taken_in(state: OrderState, kind: ExecType, said: ExecutionReport) -> OrderState:
    """What the event itself does to base status, quantity and pending requests."""
    if kind in _ENDS:
        return (
            state
            if state.ended and state.base is not OrdStatus.ABANDONED
            else state.but(base=_ENDS[kind], text=said.text or state.text, evidence=said.evidence)
        )
    if kind is ExecType.ORDER_STATUS and said.status is OrdStatus.FILLED:
        # With every claimed fill booked: some may have been busted since, so it need not be whole.
        whole = said.filled is not None and state.filled >= max(said.filled, state.claimed)
        filled = state.but(base=OrdStatus.FILLED, evidence=said.evidence)
        return filled if whole and not state.ended else state
    if kind in _LIMBO:
        return state if state.ended else state.but(base=_LIMBO[kind], text=said.text)
    if kind is ExecType.NEW and (state.base in _UNSENT or state.base in _RESUMABLE):
        return state.but(base=OrdStatus.NEW, evidence=said.evidence)
    if kind in (ExecType.PENDING_NEW, ExecType.ORDER_STATUS) and state.base in _UNSENT:
        return state.but(base=OrdStatus.PENDING_NEW, evidence=said.evidence)
    if kind in _ASKED and not state.ended:
        base = OrdStatus.NEW if state.base in _UNSENT else state.base
        known = state.awaiting(_ASKED[kind]) or Pending(_ASKED[kind], theirs=True)
        proven = replace(known, doubt="")
        return state.but(base=base, pending=with_request(state.pending, proven))
    if kind in _DENIED:
        return state.but(
            pending=without(state.pending, _DENIED[kind]), text=said.text, evidence=said.evidence
        )
    if kind is ExecType.REPLACED:
        return _replaced(state, said)
    if kind is ExecType.RESTATED and said.quantity is not None and not state.ended:
        return state.but(quantity=said.quantity, text=said.text)
    return state


def _replaced(state: OrderState, said: ExecutionReport) -> OrderState:
    """The change stands; a new broker id takes the old one's place, the chain stays one order."""
    if said.replaced_by is None and state.owner is Owner.FOREIGN:
        return state if state.ended else state.but(base=OrdStatus.REPLACED, evidence=said.evidence)
    request = state.awaiting(Action.REPLACE)
    order, change = state.order, request.change if request else None
    if change and order:
        order = change.applied_to(order)
    # A broker may report the event on the order that was replaced, with its old quantity.
    quantity = (change.quantity if change else said.quantity) or state.quantity
    earlier = state.earlier_broker_ids
    current = state.broker_order_id
    if said.replaced_by and current and said.replaced_by != current:
        earlier, current = (*earlier, current), said.replaced_by
    return state.but(
        order=order,
        quantity=quantity,
        broker_order_id=current or said.replaced_by,
        earlier_broker_ids=earlier,
        pending=without(state.pending, Action.REPLACE),
        evidence=said.evidence,
        base=OrdStatus.NEW if state.base in _UNSENT else state.base,
        alias=(request.alias if request else None) or state.alias,
    )


def _identified(state: OrderState, said: ExecutionReport) -> OrderState:
    """Any word from the broker proves that it has the order: the submit is no longer pending."""
    changes: dict[str, object] = {}
    if said.broker_order_id and state.broker_order_id is None:
        changes["broker_order_id"] = said.broker_order_id
    if state.pending and state.awaiting(Action.SUBMIT):
        changes["pending"] = without(state.pending, Action.SUBMIT)
        changes["manual"] = False
    name, current = said.client_order_id, said.broker_order_id == state.broker_order_id
    if name and current and name not in (state.client_order_id, state.alias):
        changes["alias"] = name
        if said.quantity is not None:
            # A change that was given up behind the fence stands after all, and this is its size.
            changes["quantity"] = said.quantity
    if state.quantity is None:
        changes["quantity"] = _fixed_quantity(said)
    return state.but(**changes) if changes else state


def _fixed_quantity(said: ExecutionReport) -> Decimal | None:
    """The quantity of an order by notional, once the broker fixed it or filled it."""
    if said.quantity is not None:
        return said.quantity
    return said.filled if said.status is OrdStatus.FILLED else None


def _settled_by(
    state: OrderState, said: ExecutionReport, surprises: list[Anomaly], *, goes_on: bool = False
) -> Step:
    """Derive base and shown status after a report, and refuse what the table does not know."""
    base = _base_after(state, said, goes_on=goes_on or _goes_on(state, said))
    pending, manual = state.pending, state.manual
    if base in FINAL:
        pending, manual = (), False
    status = shown(base, pending, manual=manual)
    if not may_follow(state.status, status):
        text = f"{state.status} cannot become {status} ({said.exec_type})"
        surprises.append(surprise(AnomalyKind.ILLEGAL_TRANSITION, state, text))
        return state.but(base=state.status), tuple(surprises)
    filled_now = base is OrdStatus.FILLED and state.base is not base
    after = state.but(
        base=base,
        pending=pending,
        manual=manual,
        status=status,
        updated_at=said.transact_time,
        evidence=said.evidence if filled_now else state.evidence,
    )
    return after, tuple(surprises)


def _base_after(state: OrderState, said: ExecutionReport, *, goes_on: bool) -> OrdStatus:
    """The base status that the fills ask for."""
    base, filled = state.base, state.filled
    if not filled or base in FINAL:
        return base
    ended = said.status is OrdStatus.FILLED and said.broker_order_id == state.broker_order_id
    if not goes_on and ((ended and filled == state.quantity) or complete(state)):
        return OrdStatus.FILLED
    return OrdStatus.PARTIALLY_FILLED if base in _UNSENT or base is OrdStatus.NEW else base


def _goes_on(state: OrderState, said: ExecutionReport) -> bool:
    """Whether the broker says that more may come: a fill that is booked was taken back."""
    told = said.status in _WORKING and said.filled is not None
    return told and state.quantity is not None and state.claimed < state.quantity
