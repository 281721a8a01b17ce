"""The facts that change the ledger: each is one journal record, and nothing else changes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillwright.orders import Order, OrderChange
from fillwright.reports import Cursor, Evidence, Execution, ExecutionReport
from fillwright.states import Action, Owner
from fillwright.types import BrokerOrderId, ClientOrderId, OrdStatus, Side
from fillwright.verdicts import Reason, Scope


@dataclass(frozen=True, slots=True)
class OrderFact:
    """Something about one order, at one time."""

    key: ClientOrderId
    at: datetime


@dataclass(frozen=True, slots=True)
class Staged(OrderFact):
    """The intent is recorded; nothing was sent."""

    order: Order
    content_hash: str


@dataclass(frozen=True, slots=True)
class Refused(OrderFact):
    """Our gate said no."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Sent(OrderFact):
    """The gate approved, and the next thing that happens is one request on the wire."""

    content_hash: str
    deadline: datetime
    #: What the gate left standing, where it resized.
    quantity: Decimal | None
    #: The price at which its exposure is reserved.
    worst_price: Decimal | None
    remarks: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsent(OrderFact):
    """Proven: no byte of that request left."""

    proof: str


@dataclass(frozen=True, slots=True)
class EndedUnsent(OrderFact):
    """A staged order that will never be sent."""

    status: OrdStatus
    proof: str


@dataclass(frozen=True, slots=True)
class Asked(OrderFact):
    """A cancel or replace is about to leave."""

    action: Action
    change: OrderChange | None = None
    quantity: Decimal | None = None
    #: The id that the changed order carries at the broker, where it wants a new one.
    alias: ClientOrderId | None = None


@dataclass(frozen=True, slots=True)
class Doubted(OrderFact):
    """A request's outcome is unknown."""

    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class Settled(OrderFact):
    """A request is proven not to have changed the order."""

    action: Action
    evidence: Evidence
    text: str


@dataclass(frozen=True, slots=True)
class HandedOver(OrderFact):
    """Only a person can settle it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Abandoned(OrderFact):
    """The fence passed; the clean reads are the evidence."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Adopted(OrderFact):
    """An order in the broker's books that was not in ours."""

    symbol: str
    side: Side
    owner: Owner
    quantity: Decimal | None = None
    broker_order_id: BrokerOrderId | None = None
    parent: ClientOrderId | None = None
    #: The client order id that somebody else gave it.
    alias: ClientOrderId | None = None


@dataclass(frozen=True, slots=True)
class Reported(OrderFact):
    """The broker said something about it."""

    report: ExecutionReport


@dataclass(frozen=True, slots=True)
class Inferred(OrderFact):
    """A fill that the broker claims and whose execution cannot be had, booked by its claim."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class BooksOpened:
    """What the account held when this journal began."""

    at: datetime
    cash: Decimal
    positions: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class PositionAdjusted:
    """A position that moved without an execution that we could find; the broker's word stands."""

    at: datetime
    symbol: str
    quantity: Decimal
    by: str


@dataclass(frozen=True, slots=True)
class CursorMoved:
    """Every execution up to this cursor is in the ledger."""

    at: datetime
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Halted:
    """No new risk in this scope."""

    at: datetime
    scope: Scope
    name: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """A named person lifted a halt."""

    at: datetime
    scope: Scope
    name: str
    by: str


Fact = OrderFact | BooksOpened | PositionAdjusted | CursorMoved | Halted | Resumed
