"""What is known outside of any process: the venue, what was asked of it, and what owners heard."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fillwright.orders import Order
from fillwright.protocols import Clock
from fillwright.reports import Cursor, ExecutionReport, Fill
from fillwright.testing.simulation.counting import Counting
from fillwright.testing.simulation.left import Departures
from fillwright.testing.venue import Venue
from fillwright.types import BrokerOrderId, ClientOrderId, ExecutionId
from fillwright.verdicts import Scope


@dataclass
class Outside:
    """Facts that outlive every desk, kept by whoever watches from outside."""

    venue: Venue
    clock: Clock
    #: Every request by kind and client order id.
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: When the last submit left that was not refused, by the clock.
    sent_at: dict[str, float] = field(default_factory=dict)
    #: Submits that provably never left.
    unsent: Counter[str] = field(default_factory=Counter)
    #: Orders that the venue's staff had a hand in, so that nobody here can know them yet.
    touched: dict[BrokerOrderId, None] = field(default_factory=dict)
    #: Symbols in which staff or strangers moved something that a desk cannot know yet.
    stirred: dict[str, None] = field(default_factory=dict)
    #: Halts of which `halt` returned, until somebody asks to resume.
    halts: dict[tuple[Scope, str], None] = field(default_factory=dict)
    #: Every content of an order that all checks once allowed, in whatever process.
    allowed: dict[str, None] = field(default_factory=dict)
    #: Every order that was ever sent, as it was sent first.
    sent: dict[ClientOrderId, Order] = field(default_factory=dict)
    #: How many submits of an order are on the wire.
    out: Counter[str] = field(default_factory=Counter)
    #: When a submit that the network held back reaches the venue at the latest.
    late_until: dict[str, float] = field(default_factory=dict)
    #: How long a change of an order was held back; beyond `t_inflight` nobody waits for it.
    late_changes: dict[str, float] = field(default_factory=dict)
    #: Until when answers may have been behind by more than the broker says that they ever are.
    behind_until: float = -1.0
    #: Orders of which such answers said that a change had changed nothing.
    misled: dict[str, None] = field(default_factory=dict)
    #: The executions from here on belong to the journal; those before are in its opening books.
    opened_at: Cursor | None = None
    #: How the broker lists executions since a cursor, where the venue's own list is not it.
    list_fills: Callable[[Cursor | None], Sequence[Fill]] | None = None
    #: What the venue calls an execution of that list.
    at_venue: Callable[[ExecutionId], ExecutionId] = lambda name: name
    #: Executions that a post-execution check heard of, in whatever process.
    told: dict[ExecutionId, None] = field(default_factory=dict)
    #: The hash of every record that was appended, by its number; a torn tail is overwritten.
    records: dict[int, str] = field(default_factory=dict)
    #: Up to which record all processes so far could count on the disk.
    durable: int = 0
    #: Everything that the venue reported.
    reports: list[ExecutionReport] = field(default_factory=list)
    #: When an owner asked for a cancel that has not left yet.
    cancels_asked: dict[str, float] = field(default_factory=dict)
    #: Figures of the scenario.
    counting: Counting = field(default_factory=Counting)
    #: What left, where the standard controls are asked.
    departures: Departures = field(default_factory=Departures)

    def may_arrive(self, key: ClientOrderId) -> bool:
        """Whether a submit of this order may still reach the venue."""
        return self.out[key] > 0 or self.late_until.get(key, -1.0) >= self.clock.monotonic()

    def fills(self) -> Sequence[Fill]:
        """Every execution that the journal has to know."""
        if self.list_fills is not None:
            return self.list_fills(self.opened_at)
        return self.venue.executions(self.opened_at).items
