"""How large one order may be: C01, C02, and C03 for symbols without such a limit.

These catch the slip of a finger. An order that only reduces passes all three, so that a large
position can be closed in one order. On a replace they look at the whole order, fills included.
"""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import NonNegative, Notional, Quantity, Symbol
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import HUNDRED, Control, Table, known, limit_for


class MaxOrderQuantityTable(Table):
    """`[risk.max_order_quantity]`; without the table the general limit is a default."""

    #: The most of any symbol in one order, in shares or coins.
    limit_shares: Quantity | None = None
    #: The same for single symbols; it goes before the general limit, also when it is larger.
    by_symbol: dict[Symbol, Quantity] = Field(default_factory=dict)


class MaxOrderNotionalTable(Table):
    """`[risk.max_order_notional]`."""

    #: The most that one order may be worth, in account currency.
    limit_usd: Notional | None = None
    #: The same for single symbols; it goes before the general limit, also when it is larger.
    by_symbol: dict[Symbol, Notional] = Field(default_factory=dict)
    #: How far above the quote an order without a limit price is valued, in percent.
    collar_pct: Annotated[NonNegative, Field(lt=HUNDRED)] = defaults.ORDER_COLLAR_PCT


class MaxOrderQuantity(Control):
    """C01: refuse or shrink an order for more than the limit. Reducing orders pass.

    An order by notional counts as what it buys when the price falls; without a fresh quote it is
    refused.
    """

    name = "max_order_quantity"
    code = "C01"

    def __init__(self, table: MaxOrderQuantityTable) -> None:
        self._table = table

    def limit(self, symbol: str) -> Decimal | None:
        """The limit that applies; None when there is none, which is C03's matter."""
        return limit_for(symbol, self._table.by_symbol, self._table.limit_shares)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the quantity with the limit."""
        limit = self.limit(order.symbol)
        if limit is None:
            return ALLOW
        quantity = order.quantity
        if quantity is None:
            quantity = book.worst_quantity(order)
        if known(quantity) and quantity <= limit:
            return ALLOW
        if book.reduces(order):
            return ALLOW
        if not known(quantity):
            return self.unknown("the quantity of an order by notional needs a fresh quote", limit)
        if order.quantity is None:
            return self.refuse(quantity, limit)
        return self.shrink(order, book, limit, limit)


class MaxOrderNotional(Control):
    """C02: refuse an order worth more than the limit at its worst price. Reducing orders pass."""

    name = "max_order_notional"
    code = "C02"

    def __init__(self, table: MaxOrderNotionalTable) -> None:
        self._table = table
        self._collar = table.collar_pct / HUNDRED

    def limit(self, symbol: str) -> Decimal | None:
        """The limit that applies; None when there is none, which is C03's matter."""
        return limit_for(symbol, self._table.by_symbol, self._table.limit_usd)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare quantity times worst price with the limit."""
        limit = self.limit(order.symbol)
        if limit is None:
            return ALLOW
        value = self._value(order, book)
        if known(value) and value <= limit:
            return ALLOW
        if book.reduces(order):
            return ALLOW
        if not known(value):
            return self.unknown("the order's value needs a fresh quote", limit)
        return self.refuse(value, limit)

    def _value(self, order: Order, book: BookView) -> Decimal | None:
        if order.quantity is None:
            return order.notional
        price = book.worst_price(order, self._collar)
        return None if price is None else order.quantity * price


class NoLimitConfigured(Control):
    """C03: refuse a symbol for which C01 or C02 has no limit. Reducing orders pass."""

    name = "no_limit_configured"
    code = "C03"

    def __init__(self, quantity: MaxOrderQuantity, notional: MaxOrderNotional) -> None:
        self._limits = (
            (quantity, "risk.max_order_quantity.limit_shares"),
            (notional, "risk.max_order_notional.limit_usd"),
        )

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Look for both limits."""
        for control, setting in self._limits:
            if control.limit(order.symbol) is None and not book.reduces(order):
                text = f"set {setting}, or by_symbol beside it, in desk.toml"
                return self.refuse(f"no {control.code} limit for {order.symbol}", "a limit", text)
        return ALLOW
