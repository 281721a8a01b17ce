"""What happened, as the broker says it: acks, execution reports, executions, order snapshots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, NewType, TypeVar

from fillwright.types import (
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)

T = TypeVar("T")
#: A broker's own bookmark in its list of executions; opaque to us.
Cursor = NewType("Cursor", str)


class Source(StrEnum):
    """By which way a piece of evidence reached us."""

    RESPONSE = "response"
    STREAM = "stream"
    QUERY = "query"
    #: Nothing left this machine: our own proof.
    NOT_SENT = "not_sent"
    #: Somebody looked at the broker's own screen and answers for it.
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What lets a status change: by which way it came, and its name there."""

    source: Source
    #: An event id, a request id, an HTTP status, the name of the query.
    reference: str

    def __str__(self) -> str:
        return f"{self.source}:{self.reference}"


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade of one order: the only thing that moves a position.

    `execution_id` is unique in the account. A bust names the execution that it undoes in
    `corrects`, and so does a correction, whose quantity and price then replace the old ones.
    """

    execution_id: ExecutionId
    quantity: Decimal
    price: Decimal
    transact_time: datetime
    fee: Decimal = Decimal(0)
    corrects: ExecutionId | None = None


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """One thing that the broker says about one order.

    At least one of `client_order_id` and `broker_order_id` is given. `execution` comes with
    TRADE, TRADE_CANCEL and TRADE_CORRECT. `filled` is the broker's cumulative quantity [14].
    """

    exec_type: ExecType
    symbol: str
    side: Side
    evidence: Evidence
    transact_time: datetime
    client_order_id: ClientOrderId | None = None
    broker_order_id: BrokerOrderId | None = None
    execution: Execution | None = None
    filled: Decimal | None = None
    average_price: Decimal | None = None
    #: OrderQty [38] as it stands at the broker now.
    quantity: Decimal | None = None
    #: The broker's status, where the report carries one (ORDER_STATUS always does).
    status: OrdStatus | None = None
    #: On REPLACED: the id of the order that stands from now on.
    replaced_by: BrokerOrderId | None = None
    #: The entry order whose leg this is.
    parent: ClientOrderId | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """One order as it stands in the broker's books."""

    broker_order_id: BrokerOrderId
    client_order_id: ClientOrderId | None
    symbol: str
    side: Side
    type: OrdType
    time_in_force: TimeInForce
    status: OrdStatus
    filled: Decimal
    submitted_at: datetime
    #: None for an order by notional whose quantity the broker has not fixed.
    quantity: Decimal | None = None
    notional: Decimal | None = None
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    replaces: BrokerOrderId | None = None
    replaced_by: BrokerOrderId | None = None
    parent: ClientOrderId | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker's own answer to a request that it took.

    For a replace, `broker_order_id` is the id of the order that stands afterwards.
    """

    broker_order_id: BrokerOrderId
    evidence: Evidence
    at: datetime
    #: PENDING_NEW or NEW after a submit, PENDING_CANCEL after a cancel, and so on.
    status: OrdStatus


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """What came of one order when the cancel of all was asked for."""

    broker_order_id: BrokerOrderId
    client_order_id: ClientOrderId | None
    #: Whether the broker took the request; the cancel itself is reported later.
    taken: bool
    #: Why not, in the broker's words.
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution with the order that it belongs to, as an executions query returns it."""

    execution: Execution
    symbol: str
    side: Side
    broker_order_id: BrokerOrderId
    client_order_id: ClientOrderId | None
    exec_type: ExecType = ExecType.TRADE
    #: The entry order whose leg this is, where the broker tells.
    parent: ClientOrderId | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A complete answer: every item since the asked cursor, and the cursor to ask from next."""

    items: Sequence[T]
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Connected:
    """The stream is up; what happened before this moment may have been missed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The stream is down and is being rebuilt, or has stood down when `final` is set."""

    reason: str
    at: datetime
    #: Wrong keys and the like: trying again would not help.
    final: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The stream said something that is no report; it is alive."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Something was missed or could not be read: only the broker's books can tell what.

    The desk alerts, holds new risk and compares; the stream itself may go on.
    """

    reason: str
    at: datetime


StreamItem = Connected | Disconnected | Heartbeat | Gap | ExecutionReport


class AnomalyKind(StrEnum):
    """What surprised us. It is booked all the same; an anomaly never loses a fill."""

    LATE_FILL = "LATE_FILL"
    OVERFILL = "OVERFILL"
    DUPLICATE_DIFFERS = "DUPLICATE_DIFFERS"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    INFERRED_FILL = "INFERRED_FILL"
    BUSTED = "BUSTED"
    CORRECTED = "CORRECTED"
    BUST_OF_UNKNOWN = "BUST_OF_UNKNOWN"
    LATE_ACCEPT = "LATE_ACCEPT"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that should not have happened, with the order and the facts."""

    kind: AnomalyKind
    subject: str
    text: str
