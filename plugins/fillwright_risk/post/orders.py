"""Orders that need somebody: T08 nobody here sent them, T09 nothing happens to them."""

from typing import ClassVar

from pydantic import Field

from fillwright.book import BookView
from fillwright.findings import Finding, ForeignOrder, WorkingOrder
from fillwright.hooks import hookimpl
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.post.common import PostControl, PostTable, Reaction


class OrphanOrderTable(PostTable):
    """`[risk.orphan_order]`."""

    #: What follows; the order is adopted in any case: it counts as exposure, and its fills count.
    reaction: Reaction = Reaction.ALERT


class StuckOrderTable(PostTable):
    """`[risk.stuck_order]`."""

    #: How long a request may be under way or in doubt, in seconds.
    in_flight_seconds: int = Field(defaults.IN_FLIGHT_SECONDS, ge=1, le=86_400)
    #: How long a partly filled order may stay without another fill, in seconds.
    stalled_seconds: int = Field(defaults.STALLED_SECONDS, ge=1, le=30 * 86_400)
    #: What follows; the broker was asked just before.
    reaction: Reaction = Reaction.ALERT


class OrphanOrder(PostControl[OrphanOrderTable]):
    """T08: an order is open at the broker, and this desk did not send it."""

    name = "orphan_order"
    code = "T08"
    title = "open orders that nobody here sent"
    table = OrphanOrderTable

    @hookimpl
    def check_books(self, finding: Finding, book: BookView) -> Verdict:
        """Any such order is told, once."""
        if not isinstance(finding, ForeignOrder):
            return ALLOW
        order = finding.order
        settings = self.limits.named(order.symbol, None, book)
        size = "an unknown quantity" if order.quantity is None else str(order.quantity)
        measured = f"{order.side} {size} {order.symbol}"
        text = f"{order.client_order_id} is adopted; cancel it at the broker if nobody meant it"
        return self.react(settings.reaction, measured, "an order of this desk", text)


class StuckOrder(PostControl[StuckOrderTable]):
    """T09: a request has no end, or a partly filled order no next fill, for too long."""

    name = "stuck_order"
    code = "T09"
    title = "orders to which nothing happens"
    table = StuckOrderTable
    example: ClassVar = {"in_flight_seconds": 60}

    @hookimpl
    def check_books(self, finding: Finding, book: BookView) -> Verdict:
        """Compare the time since anything happened with the limits."""
        if not isinstance(finding, WorkingOrder):
            return ALLOW
        order = finding.order
        if order.status is OrdStatus.STAGED:
            return ALLOW
        strategy = order.order.strategy if order.order else None
        settings = self.limits.named(order.symbol, strategy, book)
        waited = int((book.now - finding.since).total_seconds())
        if finding.in_flight:
            limit, what = settings.in_flight_seconds, f"{order.status} without an answer"
        elif order.status is OrdStatus.PARTIALLY_FILLED:
            limit, what = settings.stalled_seconds, f"{order.filled} of {order.quantity} filled"
        else:
            return ALLOW
        if waited <= limit:
            return ALLOW
        return self.react(settings.reaction, f"{waited} s", f"{limit} s", f"{what}; look at it")
