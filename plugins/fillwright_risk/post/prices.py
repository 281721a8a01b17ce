"""What a fill cost against the market: T06."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from fillwright.accounts import Quote
from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.reports import Execution
from fillwright.states import OrderState, Owner
from fillwright.types import OrdType, Price, Side
from fillwright.verdicts import ALLOW, Halt, Reject, Verdict, Warn
from fillwright_risk import defaults
from fillwright_risk.common import HUNDRED, UNKNOWN, known
from fillwright_risk.post.common import PostControl, PostTable, Reaction


class SlippageTable(PostTable):
    """`[risk.slippage]`."""

    #: How much worse than the quote at arrival a fill may be, in percent.
    max_arrival_pct: Price | None = defaults.MAX_ARRIVAL_PCT
    #: How much worse than the quote at its own time a fill may be, in percent.
    max_quote_pct: Price | None = defaults.MAX_QUOTE_PCT
    #: What follows.
    reaction: Reaction = Reaction.ALERT


class Slippage(PostControl[SlippageTable]):
    """T06: a fill is far worse than the market at arrival or at its own time, or than its limit.

    Worse than its limit is at least an alert, whatever `reaction` says. A better price is never
    told. Where a quote is missing, a warning says what could not be compared; a resting limit
    order needs none, its limit bounds it.
    """

    name = "slippage"
    code = "T06"
    title = "fills far from the market or beyond their limit"
    table = SlippageTable
    example: ClassVar = {"max_arrival_pct": "2"}

    @hookimpl
    def check_execution(self, order: OrderState, execution: Execution, book: BookView) -> Verdict:
        """Compare the price with the limit, then with both quotes; the worst finding counts."""
        if order.owner is Owner.FOREIGN or not execution.quantity:
            return ALLOW
        strategy = order.order.strategy if order.order else None
        settings = self.limits.named(order.symbol, strategy, book)
        beyond = self._beyond_limit(order, execution, settings.reaction)
        if beyond is not None:
            return beyond
        found = sorted(self._against_quotes(order, execution, book, settings), key=_lightness)
        return found[0] if found else ALLOW

    def _beyond_limit(
        self, order: OrderState, execution: Execution, reaction: Reaction
    ) -> Warn | Reject | Halt | None:
        limit = order.order.limit_price if order.order else None
        if limit is None or _worse(order.side, execution.price, limit) <= 0:
            return None
        least = Reaction.ALERT if reaction is Reaction.WARN else reaction
        text = f"{order.side} {order.symbol} worse than its limit; the broker owes a better price"
        return self.react(least, execution.price, limit, text)

    def _against_quotes(
        self, order: OrderState, execution: Execution, book: BookView, settings: SlippageTable
    ) -> Iterator[Warn | Reject | Halt]:
        wanted = order.order
        bounded = wanted is None or wanted.limit_price is not None
        for when, most, quote in (
            ("arrival", settings.max_arrival_pct, order.arrival),
            ("its own time", settings.max_quote_pct, _at_fill(execution, book)),
        ):
            if most is None or (when == "arrival" and not _traded_at_once(order)):
                continue
            touch = _touch(quote, order.side)
            if not known(touch) or touch <= 0:
                if not bounded:
                    text = f"no quote at {when}; the price was not compared with it"
                    yield self.react(Reaction.WARN, UNKNOWN, f"{most} %", text)
                continue
            away = _worse(order.side, execution.price, touch) * HUNDRED
            if away > most * touch:
                measured = f"{away / touch:.2f} % from {touch}"
                text = f"{order.side} at {execution.price}, against the quote at {when}"
                yield self.react(settings.reaction, measured, f"{most} %", text)


def _traded_at_once(order: OrderState) -> bool:
    """Whether it was meant for the market at arrival: a stop waits for another one."""
    return order.order is not None and order.order.type in {OrdType.MARKET, OrdType.LIMIT}


def _at_fill(execution: Execution, book: BookView) -> Quote | None:
    quote = book.fill.quote if book.fill else None
    if quote is None or abs(quote.at - execution.transact_time) > book.quote_max_age:
        return None
    return quote


def _touch(quote: Quote | None, side: Side) -> Decimal | None:
    """What this side would have traded at; None of a quote that prices nothing."""
    if quote is None or not quote.finite or quote.crossed:
        return None
    return quote.touch(side)


def _worse(side: Side, price: Decimal, than: Decimal) -> Decimal:
    """By how much a price is worse for this side; below zero when it is better."""
    return (price - than) * side.sign


def _lightness(verdict: Warn | Reject | Halt) -> int:
    return (Halt, Reject, Warn).index(type(verdict))
