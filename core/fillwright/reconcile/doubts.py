"""What may be concluded about a request whose outcome is unknown. Pure, and the strictest room.

Rules:
1. Found is proof. Not found proves nothing while the request may still be on its way.
2. The fence: longer than the broker's `t_inflight` since the request, and at least two clean
   reads (by id, open orders and executions together) that were begun behind it.
3. Behind the fence, a broker that refuses duplicate ids may get the same bytes again before the
   intent's deadline; past it the order is ABANDONED after a third clean read.
4. Any other broker never gets it again: a person must look (MANUAL). So it is with an order that
   the broker once had and no longer knows.
"""

from dataclasses import dataclass
from enum import StrEnum

from fillwright.protocols import Dedup

#: Clean reads behind the fence before the same bytes may go again, and before giving up.
READS_TO_RESEND = 2
READS_TO_ABANDON = 3


class Decision(StrEnum):
    """What to do about a submit that the broker's books do not show."""

    WAIT = "wait"
    RESEND = "resend"
    ABANDON = "abandon"
    HAND_OVER = "hand_over"


@dataclass(frozen=True, slots=True)
class Reads:
    """What is known so far about one submit in doubt."""

    #: Seconds since the last request that carried it.
    since_request: float
    #: Reads behind the fence in which everything was answered and nothing was found.
    clean: int
    dedup: Dedup
    t_inflight: float
    #: Whether the intent's deadline has passed.
    expired: bool
    #: Whether the owner withdrew it (asked for a cancel) meanwhile, or the gate refuses it now.
    withdrawn: bool = False
    #: Whether the broker once said that it has the order, and now does not know it.
    vanished: bool = False


def judge(reads: Reads) -> Decision:
    """Say what may be done now."""
    if reads.since_request <= reads.t_inflight or reads.clean < READS_TO_RESEND:
        return Decision.WAIT
    if reads.dedup is not Dedup.SERVER or reads.vanished:
        return Decision.HAND_OVER
    if not reads.expired and not reads.withdrawn:
        return Decision.RESEND
    return Decision.ABANDON if reads.clean >= READS_TO_ABANDON else Decision.WAIT
