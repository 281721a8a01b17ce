"""What we do with an order: each step takes a state and returns the next, with what surprised.

None of these steps can end an order that the broker may have: only its own word does that, or the
fence (`abandon`).
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from fillwright.accounts import Quote
from fillwright.lifecycle.common import NONE, Step, complete, surprise, with_request, without
from fillwright.lifecycle.table import may_follow, shown
from fillwright.orders import Order
from fillwright.reports import AnomalyKind, Evidence, Source
from fillwright.states import Action, OrderState, Owner, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, OrdStatus, Side
from fillwright.verdicts import Reason


def stage(
    client_order_id: ClientOrderId, order: Order, at: datetime, content_hash: str = ""
) -> OrderState:
    """A journaled intent of which nothing was sent."""
    return OrderState(
        client_order_id=client_order_id,
        symbol=order.symbol,
        side=order.side,
        status=OrdStatus.STAGED,
        base=OrdStatus.STAGED,
        quantity=order.quantity,
        updated_at=at,
        order=order,
        content_hash=content_hash,
    )


def adopt(  # noqa: PLR0913  # the facts of an order that somebody else made
    key: ClientOrderId,
    symbol: str,
    side: Side,
    *,
    owner: Owner,
    at: datetime,
    quantity: Decimal | None = None,
    broker_order_id: BrokerOrderId | None = None,
    parent: ClientOrderId | None = None,
    alias: ClientOrderId | None = None,
) -> OrderState:
    """An order in the broker's books that is not in ours; its fills come as reports."""
    return OrderState(
        client_order_id=key,
        symbol=symbol,
        side=side,
        status=OrdStatus.PENDING_NEW,
        base=OrdStatus.PENDING_NEW,
        quantity=quantity,
        updated_at=at,
        owner=owner,
        broker_order_id=broker_order_id,
        parent=parent,
        alias=alias,
    )


def refuse(state: OrderState, reasons: tuple[Reason, ...], at: datetime) -> Step:
    """Our gate said no."""
    return _become(state, OrdStatus.REFUSED, at, reasons=reasons)


def send(
    state: OrderState,
    at: datetime,
    quantity: Decimal | None,
    deadline: datetime | None = None,
    arrival: Quote | None = None,
) -> Step:
    """About to leave, with the quantity that the gate left standing, at this market."""
    pending = (Pending(Action.SUBMIT),)
    new = OrdStatus.PENDING_NEW
    known = {"quantity": quantity, "deadline": deadline, "arrival": arrival or state.arrival}
    return _become(state, new, at, pending=pending, **known)


def unsend(state: OrderState, proof: str, at: datetime) -> Step:
    """Proven: nothing left this machine. It may be sent again."""
    if state.broker_order_id is not None or state.base is not OrdStatus.PENDING_NEW:
        return state, NONE
    return _become(state, OrdStatus.STAGED, at, pending=(), text=proof, manual=False)


def end_unsent(state: OrderState, status: OrdStatus, proof: str, at: datetime) -> Step:
    """A staged order that will never be sent: CANCELED on demand, EXPIRED by its deadline."""
    if state.base is not OrdStatus.STAGED:
        text = f"{state.status} cannot end as unsent"
        return state, (surprise(AnomalyKind.ILLEGAL_TRANSITION, state, text),)
    evidence = Evidence(Source.NOT_SENT, proof)
    return _become(state, status, at, pending=(), evidence=evidence, text=proof)


def ask(state: OrderState, pending: Pending, at: datetime) -> Step:
    """A cancel or replace is about to leave."""
    return _become(state, state.base, at, pending=with_request(state.pending, pending))


def doubt(state: OrderState, action: Action, reason: str, at: datetime) -> Step:
    """The outcome of a request is unknown."""
    if state.ended:
        return state, NONE
    known = state.awaiting(action) or Pending(action)
    pending = replace(known, doubt=reason or "unknown")
    return _become(state, state.base, at, pending=with_request(state.pending, pending))


def settle(state: OrderState, action: Action, evidence: Evidence, text: str, at: datetime) -> Step:
    """A request is proven not to have changed the order: back to where it was.

    An order that was filled meanwhile, but for a change to a larger quantity, is FILLED now.
    """
    rest = without(state.pending, action)
    whole = state.filled and not state.ended and complete(state.but(pending=rest))
    done = whole and action is Action.REPLACE
    base = OrdStatus.FILLED if done else state.base
    pending = () if done else rest
    return _become(state, base, at, pending=pending, evidence=evidence, text=text, manual=False)


def hand_over(state: OrderState, reason: str, at: datetime) -> Step:
    """Only a person can settle it: MANUAL."""
    return _become(state, state.base, at, manual=True, text=reason)


def abandon(state: OrderState, evidence: Evidence, at: datetime) -> Step:
    """The fence passed and every clean read said that the broker never had it."""
    ended = OrdStatus.ABANDONED
    return _become(state, ended, at, pending=(), evidence=evidence, manual=False, given_up=True)


def _become(state: OrderState, base: OrdStatus, at: datetime, **changes: object) -> Step:
    if state.ended:
        text = f"{state.status} cannot become {base}"
        illegal = surprise(AnomalyKind.ILLEGAL_TRANSITION, state, text)
        return state, NONE if base is state.base else (illegal,)
    pending = changes.get("pending", state.pending)
    manual = bool(changes.get("manual", state.manual))
    status = shown(base, pending, manual=manual)  # type: ignore[arg-type]  # it is what came in
    if not may_follow(state.status, status):
        text = f"{state.status} cannot become {status}"
        return state, (surprise(AnomalyKind.ILLEGAL_TRANSITION, state, text),)
    return state.but(base=base, status=status, updated_at=at, **changes), NONE
