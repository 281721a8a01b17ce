"""The same again and again: C18 executions without anybody looking, C21 refused orders in parts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import Field

from fillwright.book import BookView
from fillwright.history import Deed, Only
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import ZERO, Side
from fillwright.verdicts import ALLOW, Halt, Scope, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import Control, Table, known

Seconds = Annotated[int, Field(gt=0, le=86_400, strict=True)]
#: They refuse what is too large at any time; of others an order may pass once there is room.
_SIZES = ("C01", "C02", "C06")


class RepeatedExecutionTable(Table):
    """`[risk.repeated_execution]`; the control is on when the table is there."""

    #: So many orders of one strategy, symbol and side may fill before a person must look.
    max_orders: Annotated[int, Field(gt=0, strict=True)]


class AntiSlicingTable(Table):
    """`[risk.anti_slicing]`."""

    #: How long a refused order is remembered, in seconds.
    window_seconds: Seconds = defaults.SLICING_WINDOW_SECONDS

    @cached_property
    def window(self) -> timedelta:
        """The same as a time."""
        return timedelta(seconds=self.window_seconds)


class RepeatedExecution(Control[RepeatedExecutionTable]):
    """C18: halt a strategy whose orders of one symbol and side filled so often unattended.

    Counted is the trading day since a person last lifted a halt. Open orders count as if they
    had filled: then the order is refused, and nobody halted. An order that only reduces passes.
    """

    name = "repeated_execution"
    code = "C18"
    title = "fills of one strategy, symbol and side that nobody looked at"
    table = RepeatedExecutionTable
    example: ClassVar[Mapping[str, object]] = {"max_orders": 50}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Count the orders that filled, and those that may."""
        limit = self.limits.of(order, book).max_orders
        since = max(book.today, book.attended)
        strategy = order.strategy or ""
        fills = book.history.events(
            Deed.FILLED, since=since, symbol=order.symbol, side=order.side, strategy=strategy
        )
        filled = len({fill.client_order_id for fill in fills})
        held = book.exposure(order.symbol)
        is_buy = order.side is Side.BUY
        under_way = held.buy_orders if is_buy else held.orders - held.buy_orders
        if filled + under_way < limit or book.reduces(order):
            return ALLOW
        if filled < limit:
            return self.refuse(filled + under_way + 1, limit, "filled or open; nobody looked")
        scope = Scope.STRATEGY if order.strategy else Scope.SYMBOL
        return Halt(self.code, scope=scope, measured=filled, limit=limit, text="nobody looked")


class AntiSlicing(Control[AntiSlicingTable]):
    """C21: refuse parts of an order that was refused for its size, once they would amount to it.

    All that left since the first such refusal, on the same symbol and side, stays with this order
    below the smallest that was refused. An order that only reduces passes.
    """

    name = "anti_slicing"
    code = "C21"
    title = "a refused order that comes back in parts"
    table = AntiSlicingTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"window_seconds": 60}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare what left since, and this order, with what was refused."""
        since = book.now - self.limits.of(order, book).window
        if not book.history.count(Deed.REFUSED, since=since, symbol=order.symbol):
            return ALLOW
        refused = [
            event
            for code in _SIZES
            for event in book.history.events(
                Deed.REFUSED, since=since, symbol=order.symbol, side=order.side, code=code
            )
        ]
        if not refused:
            return ALLOW
        quantity, value = _sent(book, min(event.at for event in refused), order)
        added, cost = _added(order, book), book.worst_cost(order)
        sizes = [event.quantity for event in refused if event.quantity is not None]
        values = [event.notional for event in refused if event.quantity is None]
        found = (
            (known(added) and quantity + added, min(sizes, default=None)),
            (known(cost) and value + cost, min(filter(None, values), default=None)),
        )
        for measured, limit in found:
            if limit is None or (measured is not False and measured < limit):
                continue
            if book.reduces(order):
                return ALLOW
            if measured is False:
                return self.unknown("how much this order trades needs a fresh quote", limit)
            return self.refuse(measured, f"less than {limit}", "it was refused in one piece")
        return ALLOW


def _added(order: Order, book: BookView) -> Decimal | None:
    """What it may trade; of a replace, what that adds."""
    quantity = book.worst_quantity(order)
    if quantity is None or book.standing is None:
        return quantity
    return max(quantity + book.already_filled - book.standing, ZERO)


def _sent(book: BookView, since: datetime, order: Order) -> tuple[Decimal, Decimal]:
    """What left since then on the order's symbol and side, in quantity and in value."""
    history, whose = book.history, Only(symbol=order.symbol, side=order.side)
    quantity = history.quantity(Deed.SENT, Deed.REPLACED, since=since, **whose)
    return quantity, history.total(Deed.SENT, Deed.REPLACED, since=since, **whose)
