"""The facts that change the ledger: each is one journal record, and nothing else changes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillwright.accounts import Quote
from fillwright.ledger.controls import ControlFact
from fillwright.ledger.watching import WatchFact
from fillwright.orders import Order, OrderChange
from fillwright.reports import Cursor, Evidence, Execution, ExecutionReport
from fillwright.states import Action, Owner
from fillwright.types import ZERO, BrokerOrderId, ClientOrderId, ExecutionId, OrdStatus, Side
from fillwright.verdicts import Reason


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
    #: What it counts for in totals, where the worst price is not known.
    value: Decimal | None = None
    #: It could only make the position smaller when it was approved.
    reduces: bool = False
    #: The quote at arrival: the newest that the desk had when the order was about to leave.
    quote: Quote | None = None


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
    #: Of a change: the price at which its exposure is reserved, and what the gate remarked.
    worst_price: Decimal | None = None
    remarks: tuple[Reason, ...] = ()
    #: The changed order could only make the position smaller when it was approved.
    reduces: bool = False
    #: What the change adds to what the order counts for in totals.
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ChangeRefused(OrderFact):
    """Our gate said no to a change; the order stands as it stood."""

    change: OrderChange
    reasons: tuple[Reason, ...]


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
    #: What of it had traded before the books were opened: it is in the opening position.
    filled: Decimal = ZERO
    value: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Reported(OrderFact):
    """The broker said something about it."""

    report: ExecutionReport
    #: With an execution: the newest quote that the desk had when it was booked.
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class Inferred(OrderFact):
    """A fill that the broker claims and whose execution cannot be had, booked by its claim."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class FillQuoted:
    """A quote that was asked for because of a fill: at its booking there was no fresh one."""

    at: datetime
    client_order_id: ClientOrderId
    execution_id: ExecutionId
    quote: Quote


@dataclass(frozen=True, slots=True)
class EarlierFill:
    """An execution from before the books were opened: the opening position holds it already."""

    execution_id: ExecutionId
    broker_order_id: BrokerOrderId
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class BooksOpened:
    """What the account held when this journal began, and the newest fills that it came from."""

    at: datetime
    cash: Decimal
    positions: Mapping[str, Decimal]
    #: A broker may tell these again, and an order that is open may have begun with them.
    earlier: tuple[EarlierFill, ...] = ()
    #: From where executions count; one record, so that no crash can leave the books without it.
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class HeldAlready:
    """Executions that stand in the ledger and were in the account when the books were opened."""

    at: datetime
    executions: tuple[ExecutionId, ...]
    #: What they had moved once more: by symbol, signed, and in cash.
    positions: Mapping[str, Decimal]
    cash: Decimal


@dataclass(frozen=True, slots=True)
class PositionAdjusted:
    """A position that moved without an execution that we could find; the broker's word stands."""

    at: datetime
    symbol: str
    quantity: Decimal
    #: The person who looked, and what that showed.
    by: str
    reason: str = ""
    #: What the ledger held before.
    was: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CashAdjusted:
    """Cash that moved without an execution: the broker's word stands."""

    at: datetime
    cash: Decimal
    by: str
    reason: str = ""
    was: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DayOpened:
    """The first account of a trading day: what its profit and loss is measured from."""

    at: datetime
    #: The date in the desk's time zone, as 2026-11-23.
    day: str
    equity: Decimal


@dataclass(frozen=True, slots=True)
class EquityPeaked:
    """The account was never worth more on this trading day."""

    at: datetime
    equity: Decimal


@dataclass(frozen=True, slots=True)
class CursorMoved:
    """Every execution up to this cursor is in the ledger."""

    at: datetime
    cursor: Cursor


Fact = (
    OrderFact
    | BooksOpened
    | HeldAlready
    | PositionAdjusted
    | CashAdjusted
    | DayOpened
    | EquityPeaked
    | CursorMoved
    | FillQuoted
    | ControlFact
    | WatchFact
)
