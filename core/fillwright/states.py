"""One order as the ledger knows it: what everybody may look at and nobody may change."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from fillwright.accounts import Quote
from fillwright.orders import Order, OrderChange, WorkingOrder
from fillwright.reports import Evidence
from fillwright.types import ZERO, BrokerOrderId, ClientOrderId, OrdStatus, Side
from fillwright.verdicts import Reason

#: Nothing more is expected of an order in one of these; late fills are booked all the same.
ENDED = frozenset(
    {
        OrdStatus.FILLED,
        OrdStatus.CANCELED,
        OrdStatus.REPLACED,
        OrdStatus.REJECTED,
        OrdStatus.EXPIRED,
        OrdStatus.REFUSED,
        OrdStatus.ABANDONED,
    }
)


class Action(StrEnum):
    """A request that is under way."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    REPLACE = "replace"


class Owner(StrEnum):
    """Who wanted an order that stands in the account's books."""

    OURS = "ours"
    #: A leg that the broker made for one of our orders, under an id that we did not mint.
    LEG = "leg"
    #: Placed by hand or by another program.
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Pending:
    """A request under way, and whether its outcome is unknown."""

    action: Action
    #: Why it is in doubt; empty while it is simply on its way.
    doubt: str = ""
    change: OrderChange | None = None
    #: The quantity that the change would leave standing, for the worst case.
    quantity: Decimal | None = None
    #: The client order id that the changed order would carry at the broker.
    alias: ClientOrderId | None = None
    #: The broker told of it, and nobody here had asked.
    theirs: bool = False


@dataclass(frozen=True)
class OrderState:
    """One order at one moment.

    `status` is what is shown; `base` is the broker's own word beneath a pending request.
    """

    client_order_id: ClientOrderId
    symbol: str
    side: Side
    status: OrdStatus
    base: OrdStatus
    #: OrderQty [38]; None for an order by notional until the broker fixes it.
    quantity: Decimal | None
    updated_at: datetime
    order: Order | None = None
    owner: Owner = Owner.OURS
    #: CumQty [14]: the sum of its executions.
    filled: Decimal = ZERO
    #: Sum of quantity times price over its executions.
    value: Decimal = ZERO
    fees: Decimal = ZERO
    #: The largest cumulative quantity that the broker ever claimed, busts taken off.
    claimed: Decimal = ZERO
    #: How much of `filled` we inferred because its executions could not be had.
    inferred: Decimal = ZERO
    #: The part of `value` that belongs to what was inferred.
    inferred_value: Decimal = ZERO
    broker_order_id: BrokerOrderId | None = None
    earlier_broker_ids: tuple[BrokerOrderId, ...] = ()
    pending: tuple[Pending, ...] = ()
    #: A person is needed to settle its doubt.
    manual: bool = False
    #: It was abandoned once: whatever the broker says of it since, nobody waits for it.
    given_up: bool = False
    #: What proved the last change of status.
    evidence: Evidence | None = None
    reasons: tuple[Reason, ...] = ()
    text: str = ""
    parent: ClientOrderId | None = None
    #: The client order id that it carries at the broker, where that is not its key: after a
    #: replace, or on an order that somebody else placed.
    alias: ClientOrderId | None = None
    #: SHA-256 of the order as it was staged.
    content_hash: str = ""
    #: Until when it may be sent.
    deadline: datetime | None = None
    #: The quote at arrival: the newest that the desk had when it was last about to be sent.
    arrival: Quote | None = None

    def but(self, **changes: object) -> Self:
        """A copy with some fields changed; four times as fast as `dataclasses.replace`."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status in ENDED

    @property
    def leaves(self) -> Decimal:
        """LeavesQty [151]: what can still trade; zero once ended."""
        if self.ended or self.quantity is None:
            return ZERO
        return max(self.quantity - self.filled, ZERO)

    @property
    def missing(self) -> Decimal:
        """What the broker claims as filled and no execution has shown yet."""
        return max(self.claimed - self.filled, ZERO)

    @property
    def settled(self) -> bool:
        """Ended, with every claimed fill in the ledger."""
        return self.ended and self.filled >= self.claimed

    @property
    def average_price(self) -> Decimal | None:
        """AvgPx [6]; None before the first fill."""
        return self.value / self.filled if self.filled else None

    @property
    def in_doubt(self) -> bool:
        """Whether any request about it has an unknown outcome."""
        return bool(self.pending or self.manual) and (
            self.manual or any(p.doubt for p in self.pending)
        )

    @property
    def names(self) -> tuple[ClientOrderId, ...]:
        """The client order ids under which the broker may know it, the newest first."""
        replace = self.awaiting(Action.REPLACE)
        asked = (replace.alias if replace else None, self.alias)
        ours = () if self.owner is not Owner.OURS else (self.client_order_id,)
        return tuple(dict.fromkeys(name for name in (*asked, *ours) if name))

    def awaiting(self, action: Action) -> Pending | None:
        """The request of this kind that is under way."""
        for pending in self.pending:
            if pending.action is action:
                return pending
        return None

    def must_follow_up(self, pending: Pending) -> bool:
        """Whether we see to it that a request about it comes to an end.

        Of an order that we did not make, only what we asked ourselves.
        """
        return self.owner is Owner.OURS or not pending.theirs

    def working(self) -> WorkingOrder:
        """What a cancel or replace needs to name it."""
        return WorkingOrder(
            self.client_order_id,
            self.broker_order_id,
            self.symbol,
            self.side,
            self.quantity,
            self.filled,
        )
