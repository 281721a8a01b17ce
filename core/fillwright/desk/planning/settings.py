"""How patient a plan is: every wait is bounded, and every bound stands here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from fillwright.book import COLLAR
from fillwright.plans import Plan, StaleOrders, Urgency

_DEADLINES = MappingProxyType(
    {Urgency.LOW: 900.0, Urgency.NORMAL: 300.0, Urgency.HIGH: 120.0, Urgency.URGENT: 45.0}
)


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """Bounds in seconds, and what a plan may count on."""

    #: How long a plan works before what is still open is canceled.
    deadlines: Mapping[Urgency, float] = field(default_factory=lambda: _DEADLINES)
    #: What happens to open orders first, where the plan itself does not say.
    stale_orders: StaleOrders = StaleOrders.CANCEL_OURS
    #: The part of that time which the sells have for themselves.
    sells_share: float = 0.5
    #: How long a buy waits for money since the last sign of progress.
    funds_within: float = 30.0
    #: How long a cancel may take to be confirmed.
    cancel_within: float = 30.0
    #: A plan found unfinished after this long sends nothing more; what is open is brought home.
    resume_within: float = 12 * 3600.0
    quote_max_age: float = 5.0
    #: How often one question is put before the plan goes on, or ends, without its answer.
    attempts: int = 3
    poll_first: float = 0.1
    poll_most: float = 2.0
    #: How far a market order may run from the quote in the worst case.
    collar: Decimal = COLLAR
    #: What fees and rounding may take of the proceeds before they count as not arrived.
    proceeds_slack: Decimal = Decimal("0.01")
    #: Let buys cost more than the cash, up to the broker's buying power.
    margin: bool = False
    #: The tactics that lines may name; `market` sends the order as it is.
    tactics: frozenset[str] = frozenset({"market"})

    def stale_orders_of(self, plan: Plan) -> StaleOrders:
        """The plan's own word, or else the desk's."""
        said = "stale_orders" in plan.model_fields_set
        return plan.stale_orders if said else self.stale_orders


class Backoff:
    """Pauses that double from `first` to `most`."""

    def __init__(self, settings: PlanSettings) -> None:
        self._first, self._most = settings.poll_first, settings.poll_most
        self._next = self._first

    def next(self) -> float:
        """The next pause, in seconds."""
        pause, self._next = self._next, min(self._next * 2, self._most)
        return pause

    def reset(self) -> None:
        """Begin again with the first pause."""
        self._next = self._first
