"""Turn a plan into orders: pure arithmetic over one snapshot of account, quotes and rules.

Rules:
1. A line never sells more than is held and free, and a plan's own kinds never open a short.
2. Quantities are rounded down, counted in billionths, or finer where a position is finer.
3. What is asked is what is ordered plus named residuals, to the last digit.
4. In a rebalance the trade amount decides; a SELL with target weight zero sells the position.
5. Targets start from the position plus what working orders may still buy and sell.
6. A basket's orders stay as their owner wrote them; the gate judges them.
"""

import re
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any, Final

from fillwright.accounts import Instrument
from fillwright.orders import Order
from fillwright.plans.base import PlanBase
from fillwright.plans.kinds import Plan
from fillwright.plans.results import Residual, Why
from fillwright.plans.wishes import Snapshot, Wish, counted_money, symbol_numbers, wishes
from fillwright.types import (
    ZERO,
    IntentId,
    Name,
    NonNegative,
    Side,
    Symbol,
    Value,
)

#: Digits enough that no product or quotient of ours is rounded before we round it ourselves.
PRECISION: Final = 80
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_MAX_TAGS = 32


class SizedLine(Value):
    """One line of a plan as it was decided: an order or none, and what is left over and why."""

    index: int
    symbol: Symbol
    side: Side | None
    priority: int
    asked: NonNegative | None
    asked_value: NonNegative | None = None
    #: What is to be sent; a buy may still be made smaller when its turn comes.
    order: Order | None = None
    residuals: tuple[Residual, ...] = ()
    #: Its owner wrote the order: it is sent whole or not at all.
    rigid: bool = False
    tactic: Name | None = None

    @property
    def rank(self) -> tuple[int, str, int]:
        """The order of turns: by priority, then by symbol, so that a plan's order is no matter."""
        return (self.priority, self.symbol, self.index)


def size(plan: Plan, snapshot: Snapshot) -> tuple[SizedLine, ...]:
    """Decide every line of `plan`: one order at most for each, with its intent id."""
    with localcontext(prec=PRECISION, rounding=ROUND_DOWN):
        lines = list(wishes(plan, snapshot))
        numbers = symbol_numbers([wish.symbol for wish in lines])
        return tuple(
            _line(plan, wish, number, snapshot) for wish, number in zip(lines, numbers, strict=True)
        )


def intent_for(plan_id: str, symbol: str, number: int) -> IntentId:
    """The name of the decision behind a plan's `number`th order in `symbol`."""
    return IntentId(f"{plan_id}:{symbol}:{number}")


def _line(plan: Plan, wish: Wish, number: int, snapshot: Snapshot) -> SizedLine:
    if wish.side is None:
        return _sized(wish)
    if wish.symbol in snapshot.unsettled:
        return _without(wish, Why.STALE_ORDER, snapshot.unsettled[wish.symbol])
    instrument = snapshot.instruments.get(wish.symbol)
    if instrument is None or not instrument.tradable:
        return _without(wish, Why.NOT_TRADABLE, f"{wish.symbol} cannot be traded at the broker")
    intent = intent_for(plan.plan_id, wish.symbol, number)
    if wish.order is not None:
        own = wish.order
        labels = _labels(plan, wish.symbol, own) | {"intent_id": own.intent_id or intent}
        return _sized(wish, order=own.model_copy(update=labels), rigid=True)
    if wish.asked is None:
        text = snapshot.unquoted.get(wish.symbol, f"{wish.symbol} has no usable quote")
        return _without(wish, Why.NO_QUOTE, text)
    return _fitted(plan, wish, intent, snapshot)


def _fitted(plan: Plan, wish: Wish, intent: IntentId, snapshot: Snapshot) -> SizedLine:
    asked, instrument = wish.asked or ZERO, snapshot.instruments[wish.symbol]
    side = wish.side or Side.BUY
    capped = min(asked, snapshot.free(wish.symbol)) if side is Side.SELL else asked
    quantity = instrument.round_quantity(capped)
    price = snapshot.price(wish.symbol, side)
    parts = [
        (Why.NOT_AVAILABLE, asked - capped, f"only {capped} can be sold"),
        (_remainder(quantity, instrument), capped - quantity, f"steps are {instrument.step}"),
    ]
    if is_dust(quantity, price, instrument):
        parts.append((Why.DUST, quantity, f"worth less than {instrument.min_notional}"))
        quantity = ZERO
    left = tuple(residual(why, part, price, text) for why, part, text in parts if part)
    if quantity == 0:
        return _sized(wish, residuals=left or (residual(Why.DUST, ZERO, price),))
    order = Order(
        symbol=wish.symbol,
        side=side,
        quantity=quantity,
        reduce_only=side is Side.SELL,
        intent_id=intent,
        **_labels(plan, wish.symbol),
    )
    return _sized(wish, order=order, residuals=left)


def _remainder(quantity: Decimal, instrument: Instrument) -> Why:
    if quantity:
        return Why.ROUNDING
    return Why.DUST if instrument.fractionable else Why.WHOLE_SHARES


def is_dust(quantity: Decimal, price: Decimal | None, instrument: Instrument) -> bool:
    """Whether it is a fractional quantity worth less than the broker's minimum."""
    if price is None or quantity % instrument.lot == 0:
        return False
    return quantity * price < instrument.min_notional


def residual(why: Why, quantity: Decimal, price: Decimal | None, text: str = "") -> Residual:
    """A residual, with its value at `price`."""
    return Residual(why=why, quantity=quantity, value=valued(quantity, price), text=text)


def valued(quantity: Decimal, price: Decimal | None) -> Decimal | None:
    """What it is worth in account currency, counted in millionths."""
    return None if price is None else counted_money(quantity * price)


def _labels(plan: PlanBase, symbol: str, own: Order | None = None) -> dict[str, Any]:
    named = plan.strategies(symbol)
    strategy = named[0] if len(named) == 1 and _NAME.fullmatch(named[0]) else None
    tags = tuple(f"strategy:{name}" for name in named[:_MAX_TAGS]) if len(named) > 1 else ()
    return {
        "plan_id": plan.plan_id,
        "correlation_id": (own and own.correlation_id) or plan.correlation_id,
        "causation_id": (own and own.causation_id) or plan.causation_id,
        "strategy": (own and own.strategy) or strategy,
        "tags": (own and own.tags) or tags,
    }


def _without(wish: Wish, why: Why, text: str) -> SizedLine:
    left = Residual(why=why, quantity=wish.asked, value=wish.value, text=text)
    return _sized(wish, residuals=(left,))


def _sized(
    wish: Wish,
    *,
    order: Order | None = None,
    residuals: tuple[Residual, ...] = (),
    rigid: bool = False,
) -> SizedLine:
    return SizedLine(
        index=wish.index,
        symbol=wish.symbol,
        side=wish.side,
        priority=wish.priority,
        asked=wish.asked,
        asked_value=wish.value,
        order=order,
        residuals=residuals,
        rigid=rigid,
        tactic=wish.tactic,
    )
