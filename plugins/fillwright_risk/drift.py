"""How far our own prices may wander: C05."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from fillwright.book import BookView
from fillwright.history import Deed
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import Price, Side
from fillwright.verdicts import ALLOW, Halt, Scope, Verdict
from fillwright_risk.common import HUNDRED, Control, Table


class PriceDriftTable(Table):
    """`[risk.price_drift]`; the control is on when the table is there."""

    #: How far a price may stand from our own best in the window, to the worse side, in percent.
    max_drift_pct: Price
    #: How far back it looks, in seconds.
    window_seconds: Annotated[int, Field(gt=0, le=86_400, strict=True)] = 300
    #: Whether an order beyond it halts the symbol, or is only refused.
    halt: bool = False


class PriceDrift(Control[PriceDriftTable]):
    """C05: refuse an order at a price to which our own orders walked, each a little further.

    A buy is held to the lowest price of our buys in the window, a sell to the highest of our
    sells. An order without a price has nothing to compare, and one that only reduces passes.
    """

    name = "price_drift"
    code = "C05"
    title = "our own prices that walk away"
    table = PriceDriftTable
    example: ClassVar[Mapping[str, object]] = {"max_drift_pct": "3"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare with the best price that our orders had."""
        price = order.limit_price or order.stop_price
        if price is None:
            return ALLOW
        table, best = self.limits.of(order, book), price
        since = book.now - timedelta(seconds=table.window_seconds)
        buys = order.side is Side.BUY
        sent = book.history.events(
            Deed.SENT, Deed.REPLACED, since=since, symbol=order.symbol, side=order.side
        )
        prices = [best, *(event.price for event in sent if event.price is not None)]
        best = min(prices) if buys else max(prices)
        drift = abs(price - best) * HUNDRED
        if drift <= table.max_drift_pct * best or book.reduces(order):
            return ALLOW
        measured, limit = f"{drift / best:.2f} % from {best}", f"{table.max_drift_pct} %"
        if not table.halt:
            return self.refuse(measured, limit)
        return Halt(self.code, scope=Scope.SYMBOL, measured=measured, limit=limit)
