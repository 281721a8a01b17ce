"""Log each change of status of an order, with the ids that tie it to its plan, at its level."""

import logging

from fillwright.logs import Logger, get_logger
from fillwright.states import ENDED, OrderState
from fillwright.types import OrdStatus, text_of

_log = get_logger(__name__)

#: What somebody should look at. Other ends are worth a line, other steps only to their author.
_WARN = frozenset(
    {
        OrdStatus.REFUSED,
        OrdStatus.REJECTED,
        OrdStatus.IN_DOUBT,
        OrdStatus.MANUAL,
        OrdStatus.ABANDONED,
    }
)


def bound_to(state: OrderState) -> Logger:
    """The log with the order's ids bound."""
    order = state.order
    return _log.bind(
        client_order_id=state.client_order_id,
        plan_id=order.plan_id if order else None,
        correlation_id=order.correlation_id if order else None,
        causation_id=order.causation_id if order else None,
    )


def level_of(status: OrdStatus) -> int:
    """How loud a status is."""
    if status in _WARN:
        return logging.WARNING
    return logging.INFO if status in ENDED else logging.DEBUG


def tell(before: OrderState | None, after: OrderState) -> None:
    """Log the step from `before` to `after`, if the status changed."""
    if before is not None and before.status is after.status:
        return
    level = level_of(after.status)
    if not _log.enabled(level):
        return
    price = after.average_price
    bound_to(after).log(
        level,
        "order_moved",
        symbol=after.symbol,
        side=str(after.side),
        before=str(before.status) if before else None,
        after=str(after.status),
        filled=text_of(after.filled),
        average_price=text_of(price) if price is not None else None,
        broker_order_id=after.broker_order_id,
        evidence=str(after.evidence) if after.evidence else None,
        reasons=[str(reason) for reason in after.reasons] or None,
        text=after.text or None,
    )
