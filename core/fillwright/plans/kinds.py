"""The five kinds of plan: rebalance items, three kinds of targets, and explicit orders."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from fillwright.orders import Order
from fillwright.plans.base import Money, PlanBase, Size
from fillwright.types import Amount, Name, NonNegative, Symbol, Value

#: Published weights are rounded, so their sum may miss 1 by this much.
_WEIGHT_SLACK = Decimal("0.0001")


class Action(StrEnum):
    """What a rebalance item asks for."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"


class RebalanceItem(Value):
    """One symbol of a rebalance; `action` and `trade_amount` decide, the rest informs.

    A SELL with a target weight of zero sells the whole position, whatever it is worth by then.
    """

    symbol: Symbol
    target_weight: NonNegative
    #: Signed account currency: above zero buys, below zero sells.
    trade_amount: Money
    action: Action
    current_weight: Amount | None = None
    weight_diff: Amount | None = None
    target_value: Money | None = None
    current_value: Money | None = None
    #: 1 goes first.
    priority: Annotated[int, Field(ge=1, le=5, strict=True)] = 3
    tactic: Name | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        signs = {Action.BUY: 1, Action.SELL: -1, Action.HOLD: 0}
        sign = (self.trade_amount > 0) - (self.trade_amount < 0)
        if sign != signs[self.action]:
            raise ValueError(
                "trade_amount does not agree with action: "
                "above zero is BUY, below zero is SELL, zero is HOLD"
            )
        if self.target_weight > 1:
            raise ValueError("target_weight is above 1; weights are parts of the whole")
        return self

    @property
    def liquidates(self) -> bool:
        """Whether the whole position is to go."""
        return self.action is Action.SELL and self.target_weight == 0


class RebalancePlan(PlanBase):
    """Explicit trade amounts per symbol, as a portfolio system hands them over."""

    items: tuple[RebalanceItem, ...]
    total_portfolio_value: Money | None = None
    total_trade_value: Money | None = None
    max_drift_tolerance: Amount | None = None
    estimated_duration_minutes: Annotated[int, Field(ge=0, strict=True)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _not_empty(self.items)
        _no_repeats("items", (item.symbol for item in self.items))
        total = sum(item.target_weight for item in self.items)
        if total > 1 + _WEIGHT_SLACK:
            raise ValueError(f"the target weights sum to {total}, which is more than 1")
        return self


class TargetWeights(PlanBase):
    """The part of the account's equity that each symbol shall have; the rest stays cash."""

    target_weights: dict[Symbol, NonNegative]
    #: Also sell every position that the plan does not name.
    close_others: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _not_empty(self.target_weights)
        total = sum(self.target_weights.values())
        if total > 1:
            raise ValueError(f"the target weights sum to {total}, which is more than 1")
        return self


class TargetValues(PlanBase):
    """What each symbol's position shall be worth, in account currency."""

    target_values: dict[Symbol, Size]
    close_others: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _not_empty(self.target_values)
        return self


class TargetQuantities(PlanBase):
    """How many shares or coins of each symbol shall be held."""

    target_quantities: dict[Symbol, Size]
    close_others: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _not_empty(self.target_quantities)
        return self


class Basket(PlanBase):
    """Orders as their owner wrote them; each is sent whole or reported, never made smaller."""

    orders: tuple[Order, ...]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _not_empty(self.orders)
        intents = (order.intent_id for order in self.orders if order.intent_id)
        _no_repeats("orders: intent_id", intents)
        seen: dict[bytes, int] = {}
        for index, order in enumerate(self.orders):
            earlier = seen.setdefault(order.content(), index)
            if earlier != index:
                raise ValueError(
                    f"orders.{index} repeats orders.{earlier}; where both are meant, "
                    "give each its own intent_id"
                )
        return self


Targets = TargetWeights | TargetValues | TargetQuantities
Plan = RebalancePlan | TargetWeights | TargetValues | TargetQuantities | Basket

#: The field that says which kind of plan it is.
KINDS: dict[str, type[Plan]] = {
    "items": RebalancePlan,
    "target_weights": TargetWeights,
    "target_values": TargetValues,
    "target_quantities": TargetQuantities,
    "orders": Basket,
}


def kind_of(plan: Plan) -> str:
    """The field that makes `plan` the kind of plan that it is."""
    return next(key for key, kind in KINDS.items() if isinstance(plan, kind))


def item_count(plan: Plan) -> int:
    """How many items, targets or orders the plan has."""
    return len(getattr(plan, kind_of(plan)))


def symbols_of(plan: Plan) -> tuple[str, ...]:
    """Every symbol that the plan names, each once, in the plan's order."""
    if isinstance(plan, RebalancePlan):
        return tuple(item.symbol for item in plan.items)
    if isinstance(plan, Basket):
        return tuple(dict.fromkeys(order.symbol for order in plan.orders))
    return tuple(getattr(plan, kind_of(plan)))


def _not_empty(what: object) -> None:
    if not what:
        raise ValueError("the plan is empty; name at least one symbol")


def _no_repeats(where: str, names: Iterable[str]) -> None:
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise ValueError(f"{where}: {repeated[0]} appears more than once")
