"""What the rules of the market forbid: C28 naked shorts, C29 trades with ourselves."""

from collections.abc import Mapping
from typing import ClassVar

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.inputs import Input, Locate, Need
from fillwright.orders import Order
from fillwright.types import OrdType, Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import Control, Table, known

_WAITING = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP})


class ShortSaleTable(Table):
    """`[risk.short_sale]`; the control is on when the table is there. It has no settings."""


class SelfTradeTable(Table):
    """`[risk.self_trade]`; it has no settings and is always on."""


class ShortSale(Control[ShortSaleTable]):
    """C28: refuse a sell that could open a short which is not shortable or not located.

    What is located must cover the whole short position, open sells with it.
    """

    name = "short_sale"
    code = "C28"
    title = "short sales without shares to borrow"
    table = ShortSaleTable
    wants: ClassVar[tuple[Need, ...]] = (Input.LOCATE,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the short position that could arise with what may be borrowed."""
        if order.side is Side.BUY or book.reduces(order):
            return ALLOW
        rules = book.instrument(order.symbol)
        if rules is None or not rules.shortable:
            return self.refuse(f"{order.symbol} is not shortable", "shortable")
        quantity, held = book.worst_quantity(order), book.exposure(order.symbol)
        if not known(quantity):
            return self.unknown("the quantity of an order by notional needs a fresh quote", "long")
        short = held.open_sells + quantity - held.position
        datum = book.find(Input.LOCATE, order.symbol)
        located = datum.value if datum is not None else None
        if not isinstance(located, Locate):
            return self.unknown("what may be borrowed is not known", short)
        if located.easy or short <= located.shares:
            return ALLOW
        return self.refuse(short, located.shares, "shares located")


class SelfTrade(Control[SelfTradeTable]):
    """C29: refuse an order that could trade with an order of our own that rests.

    An order without a limit could meet any. A stop waits for its price and meets nobody until
    then. An order that only reduces passes with a warning: cancel what rests.
    """

    name = "self_trade"
    code = "C29"
    title = "trades with ourselves"
    table = SelfTradeTable
    fallback: ClassVar[Mapping[str, object]] = {}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the order's price with what rests on the other side."""
        buys, beside = order.side is Side.BUY, book.beside
        resting = beside.lowest_sell if buys else beside.highest_buy
        if resting is None:
            return ALLOW
        price = order.limit_price
        apart = price is not None and (price < resting if buys else price > resting)
        if apart or order.type in _WAITING:
            return ALLOW
        measured = "any price" if price is None else price
        limit = f"{'below' if buys else 'above'} {resting}"
        if book.reduces(order):
            return self.warn(measured, limit, "it could trade with an order of ours")
        return self.refuse(measured, limit, "it could trade with an order of ours; cancel that")
