"""How large one order may be: C01, C02, and C03 for symbols without such a limit.

These catch the slip of a finger. An order that only reduces passes all three, so that a large
position can be closed in one order. On a replace they look at the whole order, fills included.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import NonNegative, Notional, Quantity
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import HUNDRED, Control, Table, known


class MaxOrderQuantityTable(Table):
    """`[risk.max_order_quantity]`; without the table the general limit is a default."""

    #: The most of any symbol in one order, in shares or coins.
    limit_shares: Quantity | None = None


class MaxOrderNotionalTable(Table):
    """`[risk.max_order_notional]`."""

    #: The most that one order may be worth, in account currency.
    limit_usd: Notional | None = None
    #: How far above the quote an order without a limit price is valued, in percent.
    collar_pct: Annotated[NonNegative, Field(lt=HUNDRED)] = defaults.ORDER_COLLAR_PCT


class NoLimitConfiguredTable(Table):
    """`[risk.no_limit_configured]`; it has no settings and is always on."""


class MaxOrderQuantity(Control[MaxOrderQuantityTable]):
    """C01: refuse or shrink an order for more than the limit. Reducing orders pass.

    An order by notional counts as what it buys when the price falls; without a fresh quote it is
    refused.
    """

    name = "max_order_quantity"
    code = "C01"
    title = "shares in one order"
    table = MaxOrderQuantityTable
    fallback: ClassVar[Mapping[str, object]] = {"limit_shares": defaults.MAX_ORDER_SHARES}
    example: ClassVar[Mapping[str, object]] = {"limit_shares": "1000"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the quantity with the limit."""
        limit = self.limits.of(order, book).limit_shares
        if limit is None:
            return ALLOW  # which is C03's matter
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


class MaxOrderNotional(Control[MaxOrderNotionalTable]):
    """C02: refuse an order worth more than the limit at its worst price. Reducing orders pass."""

    name = "max_order_notional"
    code = "C02"
    title = "value of one order"
    table = MaxOrderNotionalTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"limit_usd": "50000"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare quantity times worst price with the limit."""
        settings = self.limits.of(order, book)
        limit = settings.limit_usd
        if limit is None:
            return ALLOW  # which is C03's matter
        value = _value(order, book, settings.collar_pct)
        if known(value) and value <= limit:
            return ALLOW
        if book.reduces(order):
            return ALLOW
        if not known(value):
            return self.unknown("the order's value needs a fresh quote", limit)
        return self.refuse(value, limit)


def _value(order: Order, book: BookView, collar_pct: Decimal) -> Decimal | None:
    if order.quantity is None:
        return order.notional
    price = book.worst_price(order, collar_pct / HUNDRED)
    return None if price is None else order.quantity * price


class NoLimitConfigured(Control[NoLimitConfiguredTable]):
    """C03: refuse a symbol for which C01 or C02 has no limit. Reducing orders pass."""

    name = "no_limit_configured"
    code = "C03"
    title = "symbols without a limit of C01 or C02"
    table = NoLimitConfiguredTable
    fallback: ClassVar[Mapping[str, object]] = {}

    #: Not there before `join`, so that a check that knows nobody raises.
    _watched: tuple[tuple[Control[Any], str], ...]

    def join(self, others: Mapping[str, Control[Any]]) -> None:
        """Find the two controls that must have a limit."""
        self._watched = (
            (others[MaxOrderQuantity.name], "limit_shares"),
            (others[MaxOrderNotional.name], "limit_usd"),
        )

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Look for both limits."""
        for control, setting in self._watched:
            limit = getattr(control.limits.of(order, book), setting)
            if limit is None and not book.reduces(order):
                text = f"set risk.{control.name}.{setting}, or one for its symbol, in desk.toml"
                # What is measured is nothing, so that no grant lets it pass.
                return self.refuse("none", f"a {control.code} limit for {order.symbol}", text)
        return ALLOW
