"""What an earlier process left under way: doubt what it had sent, end what it never sent."""

from datetime import timedelta

from fillwright.desk.books import Books
from fillwright.desk.keeper import Keeper
from fillwright.ledger import EndedUnsent
from fillwright.protocols import Clock
from fillwright.types import OrdStatus

_FORGOTTEN = "staged by an earlier process, and nobody went on with it in time"


def end_forgotten(keeper: Keeper, clock: Clock, resume_within: float) -> None:
    """End what was staged so many seconds ago: a plan would not go on with it either."""
    now = clock.now()
    for state in list(keeper.ledger.orders.values()):
        old = now - state.updated_at > timedelta(seconds=resume_within)
        if old and state.status is OrdStatus.STAGED:
            keeper.write(EndedUnsent(state.client_order_id, now, OrdStatus.EXPIRED, _FORGOTTEN))


def doubt_what_was_open(keeper: Keeper, books: Books) -> None:
    """What the last process had under way has an unknown outcome now."""
    for state in list(keeper.working()):
        for pending in state.pending:
            if not pending.doubt and not state.must_follow_up(pending):
                continue
            reason = pending.doubt or "the process ended before the outcome was known"
            books.doubt(state.client_order_id, pending.action, reason)
