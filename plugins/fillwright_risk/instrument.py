"""What the symbol's own rules say: C25."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import ClassVar

from fillwright.accounts import Instrument
from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.verdicts import ALLOW, Reject, Verdict
from fillwright_risk.common import Control, Table, known


class InstrumentRulesTable(Table):
    """`[risk.instrument_rules]`; it has no settings and is always on."""


class InstrumentRules(Control[InstrumentRulesTable]):
    """C25: refuse what the instrument does not take: unknown or closed symbols, steps, ticks.

    It holds for every order, because the broker would reject it anyway. Only the smallest value
    of an order is not asked of orders that reduce, so that dust can be sold, and not of whole lots.
    """

    name = "instrument_rules"
    code = "C25"
    title = "the symbol's own rules"
    table = InstrumentRulesTable
    fallback: ClassVar[Mapping[str, object]] = {}
    #: Two shares may be a lot where one is none.
    monotone = False

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the order with its instrument's rules."""
        rules = book.instrument(order.symbol)
        if rules is None:
            return self.unknown(f"the broker's rules for {order.symbol}", "an instrument")
        if not rules.tradable:
            return self.refuse(f"{order.symbol} is not tradable", "tradable")
        wrong = self._wrong_size(order, book, rules)
        if wrong is not None:
            return wrong
        for price in _prices(order):
            tick = rules.tick_at(price)
            if price % tick:
                return self.refuse(price, f"ticks of {tick}")
        return ALLOW

    def _wrong_size(self, order: Order, book: BookView, rules: Instrument) -> Reject | None:
        quantity = order.quantity
        if quantity is not None and quantity % rules.lot == 0:
            return None
        if not rules.fractionable:
            measured = "an order by notional" if quantity is None else quantity
            return self.refuse(measured, f"lots of {rules.lot}", "not fractionable")
        if quantity is not None and quantity % rules.fraction:
            return self.refuse(quantity, f"steps of {rules.fraction}")
        if book.reduces(order):
            return None
        value = order.notional if quantity is None else _value(order, quantity, book)
        if not known(value):
            return self.unknown(
                "a fractional order's value needs a fresh quote", rules.min_notional
            )
        if value < rules.min_notional:
            return self.refuse(value, rules.min_notional, "worth less than the smallest order")
        return None


def _prices(order: Order) -> Iterator[Decimal]:
    profit, loss = order.take_profit, order.stop_loss
    legs = (
        profit.limit_price if profit else None,
        loss.stop_price if loss else None,
        loss.limit_price if loss else None,
    )
    for price in (order.limit_price, order.stop_price, *legs):
        if price is not None:
            yield price


def _value(order: Order, quantity: Decimal, book: BookView) -> Decimal | None:
    price = order.limit_price or book.reference_price(order.symbol, order.side)
    return None if price is None else quantity * price
