"""How much the whole account may be exposed: C10 gross, C11 net, one symbol, one sector.

Each symbol counts with what is held and everything that is under way at its worst case; what may
buy and what may sell are never set off against each other. Orders that only reduce pass.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import model_validator

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.inputs import MAX_AGE, Input, Need
from fillwright.orders import Order
from fillwright.types import ZERO, Notional, Price, Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import HUNDRED, Control, Table, known

#: The broker's own prices of what is held are as old as the account.
_FRESH = MAX_AGE[Input.PNL]


class GrossExposureTable(Table):
    """`[risk.gross_exposure]`; the control is on when the table is there."""

    #: The most that all positions and orders may be worth, shorts and sells included.
    limit_usd: Notional


class NetExposureTable(Table):
    """`[risk.net_exposure]`; the control is on when the table is there."""

    #: How far the account may be long in sum; the same holds for short.
    limit_usd: Notional


class ConcentrationTable(Table):
    """`[risk.concentration]`; the control is on when the table is there."""

    #: The most that one symbol may be worth, in percent of equity.
    max_pct: Price


class SectorExposureTable(Table):
    """`[risk.sector_exposure]`; the control is on when the table is there."""

    #: The most that one sector may be worth, in account currency.
    limit_usd: Notional | None = None
    #: The same, in percent of equity.
    max_pct: Price | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.limit_usd is None and self.max_pct is None:
            raise ValueError("give limit_usd or max_pct")
        return self


class GrossExposure(Control[GrossExposureTable]):
    """C10: refuse an order with which all that is held and open would be worth too much."""

    name = "gross_exposure"
    code = "C10"
    title = "everything that is held and open"
    table = GrossExposureTable
    example: ClassVar[Mapping[str, object]] = {"limit_usd": "500000"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Add up every symbol and this order."""
        limit, totals = self.limits.of(order, book).limit_usd, book.once(totals_of)
        return self.with_cost(order, book, totals.gross() if totals else None, limit)


class NetExposure(Control[NetExposureTable]):
    """C11: refuse an order that could make the account longer, or shorter, than the limit."""

    name = "net_exposure"
    code = "C11"
    title = "how long or short the account may be in sum"
    table = NetExposureTable
    example: ClassVar[Mapping[str, object]] = {"limit_usd": "500000"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Add up one direction: what is held, and all orders of this side."""
        limit, totals = self.limits.of(order, book).limit_usd, book.once(totals_of)
        total = totals.net(order.side) if totals else None
        way = "long" if order.side is Side.BUY else "short"
        return self.with_cost(order, book, total, limit, way)


class Concentration(Control[ConcentrationTable]):
    """C11: refuse an order with which one symbol would be too large a part of equity."""

    name = "concentration"
    code = "C11"
    title = "one symbol as a part of equity"
    table = ConcentrationTable
    example: ClassVar[Mapping[str, object]] = {"max_pct": "20"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the symbol and this order with equity."""
        limit = book.account.equity * self.limits.of(order, book).max_pct / HUNDRED
        return self.with_cost(order, book, gross_of(book, (order.symbol,)), limit)


class SectorExposure(Control[SectorExposureTable]):
    """C11: refuse an order with which its sector would be worth too much.

    What is held or open in a symbol whose sector is not known counts in every sector.
    """

    name = "sector_exposure"
    code = "C11"
    title = "one sector"
    table = SectorExposureTable
    example: ClassVar[Mapping[str, object]] = {"max_pct": "30"}
    needs: ClassVar[tuple[Need, ...]] = (Input.SECTOR,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Add up the symbols of the order's sector, and this order."""
        table, sector = self.limits.of(order, book), book.sector(order.symbol)
        total = gross_of(book, (s for s in book.exposures if _in_sector(book, s, sector)))
        equity = book.account.equity
        limits = (table.limit_usd, table.max_pct and equity * table.max_pct / HUNDRED)
        for limit in limits:
            verdict = ALLOW if limit is None else self.with_cost(order, book, total, limit, sector)
            if verdict is not ALLOW:
                return verdict
        return ALLOW


def _in_sector(book: BookView, symbol: str, sector: str) -> bool:
    datum = book.find(Input.SECTOR, symbol)
    return datum is None or datum.value == sector


def value_of(book: BookView, symbol: str, position: Decimal) -> Decimal | None:
    """What is held, signed: at the quote, else at the broker's price while that is fresh."""
    if not position:
        return ZERO
    quote = book.quote(symbol)
    if quote is not None:
        # A fresh quote is not crossed, so the ask is the higher side.
        price = quote.bid if quote.ask is None else quote.ask
        if price is not None:
            return position * price
    held = book.account.positions.get(symbol)
    if held is None or held.market_price is None or abs(book.now - book.account.as_of) > _FRESH:
        return None
    return position * held.market_price


def gross_of(book: BookView, symbols: Iterable[str]) -> Decimal | None:
    """What is held, long or short, and everything under way; None when a value is not known."""
    total = ZERO
    for symbol in symbols:
        held = book.exposure(symbol)
        value = value_of(book, symbol, held.position)
        if held.unpriced or not known(value):
            return None
        total += abs(value) + held.open_buy_value + held.open_sell_value
    return total


@dataclass(frozen=True, slots=True)
class Totals:
    """All that is held, and all that is under way, in account currency."""

    #: What long positions are worth together, and what short ones are: both above zero.
    long: Decimal
    short: Decimal
    open_buys: Decimal
    open_sells: Decimal

    def gross(self) -> Decimal:
        """Long and short, buys and sells, added up."""
        return self.long + self.short + self.open_buys + self.open_sells

    def net(self, side: Side) -> Decimal:
        """How long all that is held is, or how short for a sell, with open orders of that side."""
        if side is Side.BUY:
            return self.long - self.short + self.open_buys
        return self.short - self.long + self.open_sells


def totals_of(book: BookView) -> Totals | None:
    """Add up every symbol; None when a value is not known. Ask for it with `book.once`."""
    long = short = open_buys = open_sells = ZERO
    for symbol, held in book.exposures.items():
        value = value_of(book, symbol, held.position)
        if held.unpriced or not known(value):
            return None
        if value > 0:
            long += value
        else:
            short -= value
        open_buys += held.open_buy_value
        open_sells += held.open_sell_value
    return Totals(long, short, open_buys, open_sells)
