"""The same order again within moments: C19."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from fillwright.book import BookView, RecentOrder
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import Control, Table


class DuplicateOrderTable(Table):
    """`[risk.duplicate_order]`."""

    #: How long an order is remembered, in seconds; 0 turns the control off.
    window_seconds: float = Field(
        defaults.DUPLICATE_WINDOW_SECONDS, ge=0, le=60, allow_inf_nan=False
    )


class DuplicateOrder(Control[DuplicateOrderTable]):
    """C19: refuse an order that equals a recent one in all that matters but its intent.

    Equal are symbol, side, quantity or notional, type, prices and time in force. An order that
    only reduces passes: a position may be worked off in equal slices.
    """

    name = "duplicate_order"
    code = "C19"
    title = "the same order again within moments"
    table = DuplicateOrderTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"window_seconds": 5}
    #: Another quantity is another order.
    monotone = False

    @property
    def on(self) -> bool:
        """A window of nothing, for everybody, turns it off."""
        windows = (e.value for e in self.limits.effective() if e.setting == "window_seconds")
        return any(windows)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Look for the same content under another intent."""
        seconds = self.limits.of(order, book).window_seconds
        window = timedelta(seconds=seconds)
        for recent in book.recent if seconds else ():
            age = book.now - recent.at
            if age <= window and _same(order, recent) and not book.reduces(order):
                return self.refuse(
                    f"{age.total_seconds():g} s after {recent.client_order_id}",
                    f"{seconds:g} s",
                    "the same order again; wait, or change it, if it is meant",
                )
        return ALLOW


def _same(order: Order, recent: RecentOrder) -> bool:
    if order.intent_id is not None and order.intent_id == recent.intent_id:
        return False
    return (
        order.symbol == recent.symbol
        and order.side is recent.side
        and order.quantity == recent.quantity
        and order.notional == recent.notional
        and order.type is recent.type
        and order.limit_price == recent.limit_price
        and order.stop_price == recent.stop_price
        and order.time_in_force == recent.time_in_force
    )
