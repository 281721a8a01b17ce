"""The order's life: one table of what may follow what, and the steps that move along it."""

from fillwright.lifecycle.steps import (
    Step,
    abandon,
    adopt,
    ask,
    bust,
    doubt,
    end_unsent,
    fill,
    hand_over,
    refuse,
    report,
    send,
    settle,
    stage,
    unsend,
)
from fillwright.lifecycle.table import NEXT, may_follow, shown

__all__ = [
    "NEXT",
    "Step",
    "abandon",
    "adopt",
    "ask",
    "bust",
    "doubt",
    "end_unsent",
    "fill",
    "hand_over",
    "may_follow",
    "refuse",
    "report",
    "send",
    "settle",
    "shown",
    "stage",
    "unsend",
]
