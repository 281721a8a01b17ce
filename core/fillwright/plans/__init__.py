"""What is wanted and what came of it: plans, their parsing and sizing, and results."""

from fillwright.plans.base import PlanBase, StaleOrders, Urgency
from fillwright.plans.files import read_plan
from fillwright.plans.kinds import (
    Action,
    Basket,
    Plan,
    RebalanceItem,
    RebalancePlan,
    TargetQuantities,
    TargetValues,
    TargetWeights,
    item_count,
    kind_of,
    symbols_of,
)
from fillwright.plans.parsing import parse_csv, parse_json, require_plan
from fillwright.plans.results import (
    ExecutionResult,
    ExitCode,
    ItemResult,
    ItemStatus,
    OrderLine,
    PlanStatus,
    Residual,
    Why,
)

__all__ = [
    "Action",
    "Basket",
    "ExecutionResult",
    "ExitCode",
    "ItemResult",
    "ItemStatus",
    "OrderLine",
    "Plan",
    "PlanBase",
    "PlanStatus",
    "RebalanceItem",
    "RebalancePlan",
    "Residual",
    "StaleOrders",
    "TargetQuantities",
    "TargetValues",
    "TargetWeights",
    "Urgency",
    "Why",
    "item_count",
    "kind_of",
    "parse_csv",
    "parse_json",
    "read_plan",
    "require_plan",
    "symbols_of",
]
