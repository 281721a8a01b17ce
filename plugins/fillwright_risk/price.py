"""How far a price may stand from the market: C04."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from fillwright.accounts import Quote
from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import Price, Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import HUNDRED, Control, Table, known


class PriceCollarTable(Table):
    """`[risk.price_collar]`."""

    #: How far limit and stop prices may stand from the quote, to either side, in percent.
    max_away_pct: Price = defaults.MAX_AWAY_PCT


class PriceCollar(Control[PriceCollarTable]):
    """C04: refuse limit and stop prices far from the quote.

    An order that only reduces is held to the collar when there is a fresh quote, and passes when
    there is none. An order without such a price has nothing to compare. The legs of a bracket
    are not looked at: they are meant to stand away from the market.
    """

    name = "price_collar"
    code = "C04"
    title = "prices far from the market"
    table = PriceCollarTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"max_away_pct": "10"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare each price with the middle of the quote, or the side that there is."""
        prices = [p for p in (order.limit_price, order.stop_price) if p is not None]
        if not prices:
            return ALLOW
        limit = self.limits.of(order, book).max_away_pct
        reference = _reference(book.quote(order.symbol), order.side)
        if reference is None:
            if book.reduces(order):
                return ALLOW
            return self.unknown("the price collar needs a fresh quote", f"{limit} %")
        for price in prices:
            away = abs(price - reference) * HUNDRED
            if away > limit * reference:
                measured = f"{away / reference:.2f} % from {reference}"
                return self.refuse(measured, f"{limit} %", f"price {price}")
        return ALLOW


def _reference(quote: Quote | None, side: Side) -> Decimal | None:
    if quote is None:
        return None
    price = quote.middle or quote.touch(side) or quote.touch(side.opposite)
    return price if known(price) and price > 0 else None
