"""What the rules of the market forbid: C28 naked shorts, C29 trades with ourselves."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.inputs import Input, Locate, Need, Ssr
from fillwright.orders import Order
from fillwright.types import AssetClass, OrderClass, OrdType, Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import Control, Table, known

_WAITING = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP})


class ShortSaleTable(Table):
    """`[risk.short_sale]`; the control is on when the table is there."""

    #: Whether shorts are held to the price test of SEC rule 201.
    price_test: Annotated[bool, Field(strict=True)] = True


class SelfTradeTable(Table):
    """`[risk.self_trade]`; it has no settings and is always on."""


class ShortSale(Control[ShortSaleTable]):
    """C28: refuse a sell that could open a short which is not located, or is priced at the bid.

    What is located must cover the whole short position, open sells with it. While short sales of
    the symbol are restricted, every price at which the order could sell must be above the best bid.
    """

    name = "short_sale"
    code = "C28"
    title = "short sales without shares to borrow, or at the bid where that is restricted"
    table = ShortSaleTable
    wants: ClassVar[tuple[Need, ...]] = (Input.LOCATE, Input.SSR)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the short that could arise with what may be borrowed, and its price."""
        if order.side is Side.BUY or book.reduces(order):
            return ALLOW
        rules = book.instrument(order.symbol)
        if rules is None or not rules.shortable:
            return self.refuse(f"{order.symbol} is not shortable", "shortable")
        borrowed = self._borrowed(order, book)
        tested = self.limits.of(order, book).price_test
        if borrowed is not ALLOW or not tested or rules.asset_class is not AssetClass.US_EQUITY:
            return borrowed
        return self._priced(order, book)

    def _borrowed(self, order: Order, book: BookView) -> Verdict:
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

    def _priced(self, order: Order, book: BookView) -> Verdict:
        datum = book.find(Input.SSR, order.symbol)
        if datum is None or not isinstance(datum.value, Ssr):
            return self.unknown("whether short sales are restricted is not known", Input.SSR)
        if datum.value is Ssr.NONE:
            return ALLOW
        bid = book.reference_price(order.symbol, Side.SELL)
        if not known(bid):
            return self.unknown("short sales are restricted, and the best bid is not known", "bid")
        for price in _asked(order):
            if price is None or price <= bid:
                measured = "any price" if price is None else price
                return self.refuse(measured, f"above {bid}", "short sales are restricted")
        return ALLOW


def _asked(order: Order) -> Iterator[Decimal | None]:
    """Every price at which a sell could trade; None for any. An entry's legs buy."""
    yield order.limit_price
    if order.order_class is OrderClass.OCO and order.stop_loss is not None:
        yield order.stop_loss.limit_price


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
