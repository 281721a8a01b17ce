"""What the account can pay for: C12 buying power, C30 margin excess, C31 settled cash."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from fillwright.book import BookView
from fillwright.history import Deed
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import ZERO, NonNegative, Price, Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import HUNDRED, Control, Table, known
from fillwright_risk.portfolio import totals_of


class BuyingPowerTable(Table):
    """`[risk.buying_power]`; it has no settings and is always on."""


class MarginExcessTable(Table):
    """`[risk.margin_excess]`; the control is on when the table is there."""

    #: The equity that must be left above all margin, in account currency.
    floor_usd: NonNegative
    #: The part of a long position's value that equity must cover, in percent.
    long_pct: Price = defaults.MAINTENANCE_PCT
    #: The same for a short position.
    short_pct: Price = defaults.SHORT_MAINTENANCE_PCT


class SettledCashTable(Table):
    """`[risk.settled_cash]`; the control is on when the table is there."""

    #: What must be left, in account currency.
    floor_usd: NonNegative = ZERO


class BuyingPower(Control[BuyingPowerTable]):
    """C12: refuse an order that could cost more than the buying power that is left.

    What is left is the broker's figure, less what is reserved for orders that it does not show
    yet. Sells that open a short position cost, too. A replace costs what it adds to the hold that
    the broker shows for its order. Reducing orders pass.
    """

    name = "buying_power"
    code = "C12"
    title = "what the account can pay"
    table = BuyingPowerTable
    fallback: ClassVar[Mapping[str, object]] = {}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the worst-case cost of the rest of the order with what is left."""
        left = book.account.buying_power - book.reserved + book.standing_hold
        cost = book.worst_cost(order)
        if known(left) and known(cost) and cost <= left:
            return ALLOW
        if book.reduces(order):
            return ALLOW
        if not known(left):
            return self.unknown("the account's buying power is not known", "buying power")
        if not known(cost):
            return self.unknown("the order's cost needs a fresh quote", left)
        return self.refuse(cost, left)


class MarginExcess(Control[MarginExcessTable]):
    """C30: refuse an order with which too little equity would be left above all margin.

    Margin is reckoned here, from positions, open orders and this one at their worst case; the
    broker's may be higher. Reducing orders pass.
    """

    name = "margin_excess"
    code = "C30"
    title = "equity above margin during the day"
    table = MarginExcessTable
    example: ClassVar[Mapping[str, object]] = {"floor_usd": "2000"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Take the margin of everything from equity, and compare with the floor."""
        table = self.limits.of(order, book)
        long, short = table.long_pct / HUNDRED, table.short_pct / HUNDRED
        total, cost = book.once(totals_of), book.worst_cost(order)
        equity = book.account.equity
        left = None
        if total is not None and known(cost) and known(equity):
            margin = (total.long + total.open_buys) * long
            margin += (total.short + total.open_sells) * short
            left = equity - margin - cost * (long if order.side is Side.BUY else short)
            if left >= table.floor_usd:
                return ALLOW
        if book.reduces(order):
            return ALLOW
        if left is None:
            return self.unknown("equity, a position or an order has no value", table.floor_usd)
        return self.refuse(left, table.floor_usd, "equity above margin")


class SettledCash(Control[SettledCashTable]):
    """C31: refuse a buy that settled cash does not pay for: no buying with today's proceeds.

    Settled is the broker's cash, less what this desk sold in the trading day. All open buys are
    paid from it first. Sells, and buys that only reduce, pass.
    """

    name = "settled_cash"
    code = "C31"
    title = "buys with cash that has not settled"
    table = SettledCashTable
    example: ClassVar[Mapping[str, object]] = {"floor_usd": "0"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the cost with what is settled and free."""
        if order.side is Side.SELL:
            return ALLOW
        sold = book.history.total(Deed.FILLED, since=book.today, side=Side.SELL)
        settled = book.account.cash - sold - self.limits.of(order, book).floor_usd
        return self.with_cost(order, book, _open_buys(book), settled, "settled cash")


def _open_buys(book: BookView) -> Decimal | None:
    """What all open buys may cost; None when not known."""
    total = ZERO
    for held in book.exposures.values():
        if held.unpriced:
            return None
        total += held.open_buy_value
    return total
