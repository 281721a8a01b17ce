"""The lifecycle as one table.

Rules:
1. A pair that is absent is illegal: the step is not taken, and an anomaly says so.
2. An order's status is the broker's own word (`base`), seen through the requests that are under
   way: first a person's turn, then doubt, then a pending cancel, then a pending replace.
   Beneath them FIX 4.4's precedence applies (volume 1, appendix D).
3. A final status stays. Fills that come later are booked and leave it as it is.
   ABANDONED is our own conclusion and not the broker's word, so the broker may overrule it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from fillwright.states import ENDED, Action, Pending
from fillwright.types import OrdStatus as S

#: What every order that the broker has may become at any time.
_BROKER_ENDS = frozenset({S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.REPLACED})
_UNDER_REQUEST = frozenset({S.PENDING_CANCEL, S.PENDING_REPLACE, S.IN_DOUBT})
_WORKING = frozenset({S.NEW, S.PARTIALLY_FILLED, S.STOPPED, S.SUSPENDED, S.DONE_FOR_DAY})
_ANY_LIVE = _WORKING | _BROKER_ENDS | _UNDER_REQUEST

#: What may follow what, in shown statuses.
NEXT: Mapping[S, frozenset[S]] = MappingProxyType(
    {
        # Ours, before the wire. A staged order that is never sent ends as CANCELED or EXPIRED.
        S.STAGED: frozenset({S.PENDING_NEW, S.REFUSED, S.CANCELED, S.EXPIRED}),
        S.REFUSED: frozenset(),
        # Proven unsent brings it back to STAGED. A fill may come before the ack.
        S.PENDING_NEW: _ANY_LIVE | {S.STAGED},
        S.NEW: _ANY_LIVE - {S.NEW},
        S.PARTIALLY_FILLED: _ANY_LIVE - {S.PARTIALLY_FILLED},
        S.STOPPED: _ANY_LIVE - {S.STOPPED},
        S.SUSPENDED: _ANY_LIVE - {S.SUSPENDED},
        S.DONE_FOR_DAY: _ANY_LIVE - {S.DONE_FOR_DAY},
        # A cancel or replace can cross anything on the wire, so every outcome stays open.
        S.PENDING_CANCEL: (_ANY_LIVE | {S.PENDING_NEW}) - {S.PENDING_CANCEL},
        S.PENDING_REPLACE: (_ANY_LIVE | {S.PENDING_NEW}) - {S.PENDING_REPLACE},
        # Doubt ends by evidence, by a person, or by the fence.
        S.IN_DOUBT: (_ANY_LIVE | {S.PENDING_NEW, S.STAGED, S.MANUAL, S.ABANDONED}) - {S.IN_DOUBT},
        S.MANUAL: _ANY_LIVE | {S.PENDING_NEW, S.STAGED, S.ABANDONED},
        # Our own conclusion: the broker may still show that it has the order.
        S.ABANDONED: (_ANY_LIVE | {S.PENDING_NEW}) - {S.IN_DOUBT},
        # Final. Late fills are booked and change nothing here.
        S.FILLED: frozenset(),
        S.CANCELED: frozenset(),
        S.REPLACED: frozenset(),
        S.REJECTED: frozenset(),
        S.EXPIRED: frozenset(),
    }
)


def may_follow(before: S, after: S) -> bool:
    """Whether an order that shows `before` may show `after` next."""
    return before is after or after in NEXT[before]


def shown(base: S, pending: tuple[Pending, ...], *, manual: bool = False) -> S:
    """The status to show for the broker's own word and the requests under way."""
    if base in ENDED:
        return base
    if manual:
        return S.MANUAL
    if not pending:
        return base
    if any(p.doubt for p in pending):
        return S.IN_DOUBT
    actions = {p.action for p in pending}
    if Action.CANCEL in actions:
        return S.PENDING_CANCEL
    return S.PENDING_REPLACE if Action.REPLACE in actions else base
