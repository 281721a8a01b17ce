"""The post-execution controls, T01 to T10: what happened is held against what was meant.

Each judges what the desk found, and answers with the reaction that its table names. T11 is the
report `fillwright report tca`; T12, how soon an alert is told, is the desk's own.
"""

from typing import Any

from fillwright_risk.post.books import CashBreak, DropCopyBreak, PositionBreak
from fillwright_risk.post.common import PostControl
from fillwright_risk.post.credit import PostTradeCredit
from fillwright_risk.post.fills import BustOrCorrect, Overfill, UnintendedFill
from fillwright_risk.post.orders import OrphanOrder, StuckOrder
from fillwright_risk.post.prices import Slippage

#: Every post-execution control, in the order of the ids.
POST_CONTROLS: tuple[type[PostControl[Any]], ...] = (
    DropCopyBreak,
    PositionBreak,
    CashBreak,
    UnintendedFill,
    Overfill,
    Slippage,
    PostTradeCredit,
    OrphanOrder,
    StuckOrder,
    BustOrCorrect,
)

__all__ = ["POST_CONTROLS", "PostControl"]
