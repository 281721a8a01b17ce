"""What the account is exposed to once its fills are counted at their prices: T07."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.reports import Execution
from fillwright.states import OrderState
from fillwright.types import ZERO, Notional
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import UNKNOWN, known
from fillwright_risk.post.common import PostControl, PostTable, Reaction


class PostTradeCreditTable(PostTable):
    """`[risk.post_trade_credit]`; the control is on when the table is there."""

    #: The most that all positions may be worth, long and short added up, in account currency.
    limit_usd: Notional
    #: What follows.
    reaction: Reaction = Reaction.HALT_DESK


class PostTradeCredit(PostControl[PostTradeCreditTable]):
    """T07: all positions together are worth more than the limit, this fill at its own price.

    The other positions count at the middle of a fresh quote, else at the price that the broker
    gave with them. A position without any price is an alert: what is not known is not within the
    limit, and is no reason to halt by itself.
    """

    name = "post_trade_credit"
    code = "T07"
    title = "what all positions are worth after a fill"
    table = PostTradeCreditTable
    fallback = None
    example: ClassVar[Mapping[str, object]] = {"limit_usd": "200000"}

    @hookimpl
    def check_execution(self, order: OrderState, execution: Execution, book: BookView) -> Verdict:
        """Add up the worth of all positions."""
        strategy = order.order.strategy if order.order else None
        settings = self.limits.named(order.symbol, strategy, book)
        total, unpriced = ZERO, []
        for symbol, held in book.exposures.items():
            if not held.position:
                continue
            at_fill = symbol == order.symbol and execution.quantity
            price = execution.price if at_fill else _price(symbol, book)
            if known(price) and known(held.position):
                total += abs(held.position) * price
            else:
                unpriced.append(symbol)
        over = total > settings.limit_usd
        if unpriced:
            # A limit that the rest is above already must not make this any quieter.
            loud = over and settings.reaction is not Reaction.WARN
            text = f"no price for {', '.join(sorted(unpriced))}"
            measured = total if over else UNKNOWN
            reaction = settings.reaction if loud else Reaction.ALERT
            return self.react(reaction, measured, settings.limit_usd, text)
        if over:
            return self.react(settings.reaction, total, settings.limit_usd)
        return ALLOW


def _price(symbol: str, book: BookView) -> Decimal | None:
    quote = book.quote(symbol)
    if quote is not None and quote.middle is not None:
        return quote.middle
    position = book.account.positions.get(symbol)
    return (position.market_price or position.average_price) if position else None
