"""The order's life: one table of what may follow what, and the steps that move along it."""

from fillwright.lifecycle.common import Step
from fillwright.lifecycle.ours import (
    abandon,
    adopt,
    ask,
    doubt,
    end_unsent,
    hand_over,
    refuse,
    send,
    settle,
    stage,
    unsend,
)
from fillwright.lifecycle.table import NEXT, may_follow, shown
from fillwright.lifecycle.theirs import bust, fill, report

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
