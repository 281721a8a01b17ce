"""Tell an ordinary fill from one that takes another back. Pure, but for its memory and a log.

What Alpaca's activities show of busts and corrections is not documented.

Rules:
1. Where an activity says that it is one, it names what it takes back, and is told as that.
2. A correction may also stand in the place of what it corrects and look like a fill. It covers a
   stretch of the order's filled quantity that another fill covered, and is not told, for it would
   be booked on top. The stream tells corrections, and a difference that stays in the position
   halts the symbol.
"""

from collections.abc import Iterable

from fillwright.logs import get_logger
from fillwright.types import ExecType, ExecutionId, text_of
from fillwright_alpaca.answers import Activity

_log = get_logger(__name__)

#: Orders whose fills are remembered.
MOST = 2000


class Tape:
    """The fills of each order, as far as they were seen by this process."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._orders: dict[str, dict[str, Activity]] = {}

    def take(self, activities: Iterable[Activity]) -> list[Activity]:
        """Those that can be told, given oldest first; what takes back has its name and target."""
        told = []
        for one in activities:
            known = self._of(one.order_id)
            seen = known.get(one.activity_id)
            if seen is None:
                seen = self._judged(one, known)
            if seen is not None:
                known[one.activity_id] = seen
                told.append(seen)
        return told

    def _of(self, order_id: str) -> dict[str, Activity]:
        known = self._orders.pop(order_id, {})
        self._orders[order_id] = known
        if len(self._orders) > self._most:
            del self._orders[next(iter(self._orders))]
        return known

    def _judged(self, one: Activity, known: dict[str, Activity]) -> Activity | None:
        if one.kind is not ExecType.TRADE:
            return _named(one, known)
        for other in known.values():
            if _stands_on(one, other):
                _log.error(
                    "fill_not_ordinary", execution_id=one.execution_id, other=other.execution_id
                )
                return None
        return one


def _named(one: Activity, known: dict[str, Activity]) -> Activity:
    """A bust or correction under the name that the stream gives it, where its target was seen."""
    target = known.get(one.previous)
    # One that was never seen is told as well: the ledger says that it does not know it.
    corrects = target.execution_id if target else ExecutionId(f"activity:{one.previous}")
    how = "bust"
    if one.kind is ExecType.TRADE_CORRECT:
        how = f"correct:{text_of(one.quantity)}@{text_of(one.price)}"
    return one._replace(execution_id=ExecutionId(f"{corrects}:{how}"), corrects=corrects)


def _stands_on(one: Activity, other: Activity) -> bool:
    """Whether a fill covers most of what another one covered."""
    if other.kind is not ExecType.TRADE:
        return False
    begins = max(one.cumulative - one.quantity, other.cumulative - other.quantity)
    both = min(one.cumulative, other.cumulative) - begins
    # Rounding in the broker's sums makes no correction.
    return both * 2 > min(one.quantity, other.quantity)
