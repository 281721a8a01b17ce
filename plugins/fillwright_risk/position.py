"""How large a position may become: C08 long, C09 short.

Everything under way counts at its worst case: the order is added to all open orders of its own
side, and none of the other side is taken off. Orders that only reduce pass by what they are.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import model_validator

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import ZERO, NonNegative, Notional, Quantity, Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import Control, Table, known


class MaxLongPositionTable(Table):
    """`[risk.max_long_position]`; the control is on when the table is there."""

    #: The largest long position of any symbol, in shares or coins.
    limit_shares: Quantity | None = None
    #: The largest value of a long position, in account currency.
    limit_usd: Notional | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.limit_shares is None and self.limit_usd is None:
            raise ValueError("give limit_shares or limit_usd")
        return self


class MaxShortPositionTable(Table):
    """`[risk.max_short_position]`."""

    #: The largest short position of any symbol, in shares or coins; "0" means no shorts.
    limit_shares: NonNegative = defaults.MAX_SHORT_SHARES


class MaxLongPosition(Control[MaxLongPositionTable]):
    """C08: refuse or shrink a buy that could make the position longer than the limit."""

    name = "max_long_position"
    code = "C08"
    title = "how long a position may become"
    table = MaxLongPositionTable
    example: ClassVar[Mapping[str, object]] = {"limit_usd": "100000"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Add position, open buys and this order, and compare with the limits."""
        if order.side is Side.SELL:
            return ALLOW
        verdict = self._by_shares(order, book)
        if verdict is ALLOW:
            verdict = self._by_value(order, book)
        return verdict if verdict is ALLOW or not book.reduces(order) else ALLOW

    def _by_shares(self, order: Order, book: BookView) -> Verdict:
        limit = self.limits.of(order, book).limit_shares
        if limit is None:
            return ALLOW
        quantity = book.worst_quantity(order)
        if not known(quantity):
            return self.unknown("the quantity of an order by notional needs a fresh quote", limit)
        held = book.exposure(order.symbol)
        others = held.position + held.open_buys
        if others + quantity <= limit:
            return ALLOW
        room = limit - others
        if room <= 0:
            return self.refuse(others + quantity, limit)
        return self.shrink(order, book, room + book.already_filled, limit)

    def _by_value(self, order: Order, book: BookView) -> Verdict:
        limit = self.limits.of(order, book).limit_usd
        if limit is None:
            return ALLOW
        held = book.exposure(order.symbol)
        if held.unpriced:
            return self.unknown("an order under way has no known price", limit)
        cost, value = book.worst_cost(order), _value(held.position, order.symbol, book)
        if not known(cost) or not known(value):
            return self.unknown("the position's value needs a fresh quote", limit)
        total = value + held.open_buy_value + cost
        return ALLOW if total <= limit else self.refuse(total, limit)


class MaxShortPosition(Control[MaxShortPositionTable]):
    """C09: refuse or shrink a sell that could make the position shorter than the limit."""

    name = "max_short_position"
    code = "C09"
    title = "how short a position may become"
    table = MaxShortPositionTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"limit_shares": "0"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Take open sells and this order from the position, and compare with the limit."""
        if order.side is Side.BUY or book.reduces(order):
            return ALLOW
        limit = self.limits.of(order, book).limit_shares
        quantity = book.worst_quantity(order)
        if not known(quantity):
            return self.unknown("the quantity of an order by notional needs a fresh quote", -limit)
        held = book.exposure(order.symbol)
        others = held.position - held.open_sells
        if others - quantity >= -limit:
            return ALLOW
        room = others + limit
        if room <= 0:
            return self.refuse(others - quantity, -limit)
        return self.shrink(order, book, room + book.already_filled, -limit)


def _value(position: Decimal, symbol: str, book: BookView) -> Decimal | None:
    if not position:
        return ZERO
    price = book.reference_price(symbol, Side.BUY)
    return None if price is None else position * price
