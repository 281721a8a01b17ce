"""What orders may cost at worst, and how much of them the money at hand pays for.

A buy limit bounds itself; whatever trades at the market may run `collar` away from the quote.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext

from fillwright.accounts import Account, Instrument, Quote
from fillwright.orders import Order
from fillwright.plans.sizing import PRECISION, SizedLine, is_dust
from fillwright.plans.wishes import Snapshot
from fillwright.types import ZERO, Side


@dataclass(frozen=True, slots=True)
class Price:
    """What is needed to say what a buy costs: a fresh quote, the rules, and the collar."""

    quote: Quote | None
    instrument: Instrument
    collar: Decimal

    @property
    def ask(self) -> Decimal | None:
        """What a buy would trade at now; None without a usable quote."""
        if self.quote is None or self.quote.crossed:
            return None
        return self.quote.ask or None

    def worst(self, order: Order) -> Decimal | None:
        """The most that one share or coin of the buy can cost; None without a quote."""
        if order.limit_price is not None:
            return order.limit_price
        ask = self.ask
        if ask is None:
            return None
        bound = ask * (1 + self.collar)
        return bound if order.stop_price is None else max(bound, order.stop_price)

    def cost(self, order: Order) -> Decimal | None:
        """The most that the whole buy can cost; None without a quote."""
        if order.notional is not None:
            return order.notional
        worst = self.worst(order)
        return None if worst is None or order.quantity is None else order.quantity * worst


def cut(line: SizedLine, price: Price, funds: Decimal) -> Order | None:
    """The largest part of a buy line that `funds` pay for at worst; None when that is none.

    A line whose order its owner wrote is not made smaller.
    """
    with localcontext(prec=PRECISION, rounding=ROUND_DOWN):
        if line.order is None:
            return None
        cost, worst = price.cost(line.order), price.worst(line.order)
        if cost is None or cost <= funds:
            return line.order if cost is not None else None
        if line.rigid or worst is None or line.order.quantity is None:
            return None
        quantity = price.instrument.round_quantity(max(funds, ZERO) / worst)
        if quantity <= 0 or is_dust(quantity, price.ask, price.instrument):
            return None
        return line.order.model_copy(update={"quantity": quantity})


def available(account: Account, *, margin: bool) -> Decimal:
    """What buys may cost: the broker's buying power, and without margin no more than the cash."""
    free = account.buying_power if margin else min(account.buying_power, account.cash)
    return max(free, ZERO)


def fit(
    lines: Iterable[SizedLine], prices: Mapping[str, Price], funds: Decimal
) -> dict[int, Order]:
    """Spend `funds` on buy lines in the order of their turns; the rest is what is not paid for.

    Returns what would be sent, by the index of its line.
    """
    paid: dict[int, Order] = {}
    buys = (line for line in lines if line.side is Side.BUY and line.order is not None)
    with localcontext(prec=PRECISION, rounding=ROUND_DOWN):
        for line in sorted(buys, key=lambda line: line.rank):
            price = prices[line.symbol]
            order = cut(line, price, funds)
            if order is not None:
                paid[line.index] = order
                funds -= price.cost(order) or ZERO
    return paid


def proceeds(lines: Iterable[SizedLine], snapshot: Snapshot) -> Decimal:
    """What the sell lines would bring at the bid."""
    total = ZERO
    for line in lines:
        if line.side is not Side.SELL or line.order is None:
            continue
        bid = line.order.limit_price or snapshot.price(line.symbol, Side.SELL) or ZERO
        total += line.order.notional or (line.order.quantity or ZERO) * bid
    return total
