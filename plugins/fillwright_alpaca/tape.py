"""Tell an ordinary fill from one that takes another back. Pure, but for its memory and a log.

What Alpaca's activities show of busts and corrections is not documented.

Rules:
1. Where an activity says that it is one, it names what it takes back, and is told as that.
2. A correction may also stand in the place of what it corrects and look like a fill. It covers a
   stretch of the order's filled quantity that another fill covered, and is not told, for it would
   be booked on top. The stream tells corrections, and a difference that stays in the position
   halts the symbol.
3. Where an activity said that something was taken back, the order goes on from a smaller quantity:
   fills behind it may cover a stretch again. One that leads to a quantity where another one led
   has a number in its name, or the ledger would take it for that one.
"""

from collections.abc import Iterable, Sequence

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
        given = list(activities)
        for one in given:
            known = self._of(one.order_id)
            seen = known.get(one.activity_id)
            if seen is None:
                # Of one moment, what takes back may stand behind the fill that came after it.
                seen = self._judged(one, known, [*known.values(), *given])
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

    def _judged(
        self, one: Activity, known: dict[str, Activity], listed: Sequence[Activity]
    ) -> Activity | None:
        if one.kind is not ExecType.TRADE:
            return _named(one, known)
        fills = [other for other in known.values() if other.kind is ExecType.TRADE]
        for other in fills:
            if _stands_on(one, other) and not _was_taken_back(other, one, listed):
                _log.error(
                    "fill_not_ordinary", execution_id=one.execution_id, other=other.execution_id
                )
                return None
        again = sum(other.cumulative == one.cumulative for other in fills)
        if again:
            return one._replace(execution_id=ExecutionId(f"{one.execution_id}:{again + 1}"))
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


def _was_taken_back(first: Activity, last: Activity, listed: Iterable[Activity]) -> bool:
    """Whether anything of their order was taken back between two fills."""
    return any(
        one.kind is not ExecType.TRADE
        and one.order_id == first.order_id
        and first.at <= one.at <= last.at
        for one in listed
    )


def _stands_on(one: Activity, other: Activity) -> bool:
    """Whether a fill covers most of what another one covered."""
    begins = max(one.cumulative - one.quantity, other.cumulative - other.quantity)
    both = min(one.cumulative, other.cumulative) - begins
    # Rounding in the broker's sums makes no correction.
    return both * 2 > min(one.quantity, other.quantity)
