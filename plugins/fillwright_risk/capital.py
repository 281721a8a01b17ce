"""What may be put to work in sum: C13 a day, C14 a plan or a parent.

Counted is what left, at its worst price, whether it filled or not: what was canceled does not
come back before the next day. What is in doubt has left. A replace counts what it adds to the worst
case of its order; one that adds nothing passes.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self, Unpack

from pydantic import model_validator

from fillwright.book import BookView
from fillwright.history import Deed, Only
from fillwright.hooks import hookimpl
from fillwright.inputs import Need
from fillwright.orders import Order
from fillwright.types import ZERO, Notional
from fillwright.verdicts import ALLOW, Allow, Halt, Scope, Verdict
from fillwright_risk.common import UNKNOWN, WEEK, Control, Table, known


class DailyCapitalTable(Table):
    """`[risk.daily_capital]`; the control is on when the table is there."""

    #: The most that a day's orders may be worth together, in account currency.
    limit_usd: Notional
    #: Whether an order beyond it halts the account, or is only refused.
    halt: bool = False


class BasketNotionalTable(Table):
    """`[risk.basket_notional]`; the control is on when the table is there."""

    #: The most that all orders of one plan may be worth together, in account currency.
    plan_usd: Notional | None = None
    #: The same for all children of one parent order.
    parent_usd: Notional | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.plan_usd is None and self.parent_usd is None:
            raise ValueError("give plan_usd or parent_usd")
        return self


class DailyCapital(Control[DailyCapitalTable]):
    """C13: refuse, or halt, once the day's orders are worth more than the limit together.

    What only reduces neither counts nor is held up.
    """

    name = "daily_capital"
    code = "C13"
    title = "what a day's orders are worth together"
    table = DailyCapitalTable
    example: ClassVar[Mapping[str, object]] = {"limit_usd": "500000"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Add what left today and this order, and compare with the limit."""
        table = self.limits.of(order, book)
        if book.standing_value is not None and _adds_nothing(order, book):
            return ALLOW
        total = _others(book, since=book.today, opening=True)
        verdict = self.with_cost(order, book, total, table.limit_usd, "today")
        if isinstance(verdict, Allow) or not table.halt or verdict.measured == UNKNOWN:
            return verdict
        limit = table.limit_usd
        return Halt(self.code, scope=Scope.ACCOUNT, measured=verdict.measured, limit=limit)


class BasketNotional(Control[BasketNotionalTable]):
    """C14: refuse an order with which its plan or parent would be worth more than the limit.

    Both sides count, and so does what only reduces, which itself passes.
    """

    name = "basket_notional"
    code = "C14"
    title = "what one plan's or parent's orders are worth together"
    table = BasketNotionalTable
    example: ClassVar[Mapping[str, object]] = {"plan_usd": "250000"}
    needs: ClassVar[tuple[Need, ...]] = (WEEK,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Add what left of the plan and of the parent, and compare with each limit."""
        if book.standing_value is not None and _adds_nothing(order, book):
            return ALLOW
        table = self.limits.of(order, book)
        if order.plan_id is not None and table.plan_usd is not None:
            total = _others(book, plan=order.plan_id)
            verdict = self.with_cost(order, book, total, table.plan_usd, f"plan {order.plan_id}")
            if verdict is not ALLOW:
                return verdict
        if order.parent_id is not None and table.parent_usd is not None:
            total, text = _others(book, parent=order.parent_id), f"parent {order.parent_id}"
            return self.with_cost(order, book, total, table.parent_usd, text)
        return ALLOW


def _others(
    book: BookView, *, since: datetime | None = None, **only: Unpack[Only]
) -> Decimal | None:
    """What such orders and replaces were worth when they left; None when one has no value.

    The rest of an order that is being changed is left out: it counts as it would stand.
    """
    total = book.history.value(Deed.SENT, Deed.REPLACED, since=since, **only)
    return None if total is None else total - (book.standing_value or ZERO)


def _adds_nothing(order: Order, book: BookView) -> bool:
    """Whether it is a replace that makes the worst case of its order no larger."""
    cost = book.worst_cost(order)
    return known(cost) and known(book.standing_value) and cost <= book.standing_value
