"""The gate: every check is asked apart, fails closed, and only here is an order approved."""

from fillwright.risk import deeds
from fillwright.risk.asking import Asker, InlineAsker, ThreadAsker
from fillwright.risk.exposure import ExposureBook, Terms, worst_leaves, worst_price, worst_value
from fillwright.risk.gate import Answer, Facts, Gate
from fillwright.risk.house import ActiveHalt, Conditions, halt_name
from fillwright.risk.judge import Proposal
from fillwright.risk.merge import Decision, HaltWanted, Outcome, merge
from fillwright.risk.overlay import cost_to_reserve, exposure_of, with_order
from fillwright.risk.recent import RecentOrders

__all__ = [
    "ActiveHalt",
    "Answer",
    "Asker",
    "Conditions",
    "Decision",
    "ExposureBook",
    "Facts",
    "Gate",
    "HaltWanted",
    "InlineAsker",
    "Outcome",
    "Proposal",
    "RecentOrders",
    "Terms",
    "ThreadAsker",
    "cost_to_reserve",
    "deeds",
    "exposure_of",
    "halt_name",
    "merge",
    "with_order",
    "worst_leaves",
    "worst_price",
    "worst_value",
]
