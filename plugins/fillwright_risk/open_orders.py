"""How many orders may be open at once: C22."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import Control, Table

Count = Annotated[int, Field(gt=0, strict=True)]


class OpenOrdersTable(Table):
    """`[risk.open_orders]`; the order that is asked about counts, too."""

    #: Of one symbol on one side.
    side_orders: Count = defaults.OPEN_PER_SIDE
    #: Of one symbol.
    symbol_orders: Count | None = None
    #: Of the account.
    account_orders: Count = defaults.OPEN_PER_ACCOUNT


class OpenOrders(Control[OpenOrdersTable]):
    """C22: refuse an order when too many are open; in flight and in doubt are open, too.

    On a replace the order that is changed counts once. An order that only reduces passes.
    """

    name = "open_orders"
    code = "C22"
    title = "orders that are open at once"
    table = OpenOrdersTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"side_orders": 20}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Count the side, the symbol and the account."""
        table, held = self.limits.of(order, book), book.exposure(order.symbol)
        is_buy = order.side is Side.BUY
        side = (held.buy_orders if is_buy else held.orders - held.buy_orders) + 1
        if side > table.side_orders:
            whose = f"{order.side} {order.symbol}"
            return self._over(order, book, (side, table.side_orders, whose))
        if table.symbol_orders is not None and held.orders >= table.symbol_orders:
            return self._over(order, book, (held.orders + 1, table.symbol_orders, order.symbol))
        account = 1
        for one in book.exposures.values():
            account += one.orders
        if account > table.account_orders:
            return self._over(order, book, (account, table.account_orders, "the account"))
        return ALLOW

    def _over(self, order: Order, book: BookView, found: tuple[int, int, str]) -> Verdict:
        measured, limit, whose = found
        return ALLOW if book.reduces(order) else self.refuse(measured, limit, f"open of {whose}")
