"""Which limiters a broker's rates ask for."""

from fillwright.protocols import Capabilities, Clock
from fillwright.resilience import Limiter

#: In seconds. Two more than a minute: requests may arrive closer together than they left.
_MINUTE = 62.0


def limiters_for(takes: Capabilities, clock: Clock) -> tuple[Limiter, Limiter]:
    """The limiter of requests, and that of quotes: the same where they count together."""
    limiter = Limiter(takes.requests_per_minute, clock=clock, window=_MINUTE)
    if takes.quotes_per_minute is None:
        return limiter, limiter
    return limiter, Limiter(takes.quotes_per_minute, clock=clock, window=_MINUTE)
