"""What every step shares: its shape, and small moves on requests under way."""

from decimal import Decimal

from fillwright.reports import Anomaly, AnomalyKind
from fillwright.states import Action, OrderState, Pending
from fillwright.types import MONEY_DIGITS, OrdStatus, plain

#: The order as it is after a step, and what surprised.
Step = tuple[OrderState, tuple[Anomaly, ...]]
NONE: tuple[Anomaly, ...] = ()

#: The broker's own ends: nothing that comes later changes them.
FINAL = frozenset(
    {
        OrdStatus.FILLED,
        OrdStatus.CANCELED,
        OrdStatus.REPLACED,
        OrdStatus.REJECTED,
        OrdStatus.EXPIRED,
    }
)


def with_request(pending: tuple[Pending, ...], one: Pending) -> tuple[Pending, ...]:
    """The requests under way with this one, in place of another of its kind."""
    return (*without(pending, one.action), one)


def without(pending: tuple[Pending, ...], action: Action) -> tuple[Pending, ...]:
    """The requests under way but those of this kind."""
    return tuple(p for p in pending if p.action is not action)


def complete(state: OrderState) -> bool:
    """Whether its fills leave nothing to trade, however a replace that is under way ends."""
    replace = state.awaiting(Action.REPLACE)
    larger = replace.quantity if replace else None
    total = state.quantity
    return total is not None and state.filled >= max(total, larger or total)


def share(value: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The part of `value` that belongs to `part` of `whole`, to the billionth.

    With all the digits that a division has, the parts would not add up to the whole again.
    """
    return value if part == whole else plain(round(value * part / whole, MONEY_DIGITS))


def surprise(kind: AnomalyKind, state: OrderState, text: str) -> Anomaly:
    """An anomaly about this order."""
    return Anomaly(kind, state.client_order_id, text)
