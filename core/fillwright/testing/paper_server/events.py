"""What happened, as messages of the trade_updates stream: the `data` object of each."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from fillwright.protocols import Json
from fillwright.reports import ExecutionReport
from fillwright.testing.paper_server.moments import nanoseconds, written
from fillwright.testing.paper_server.showing import Stand, number_of, show_order, status_word
from fillwright.testing.paper_server.writing import decimal_text
from fillwright.testing.venue import Venue, VenueOrder
from fillwright.types import ZERO, BrokerOrderId, ExecType, OrdStatus

_EVENTS: Mapping[ExecType, str] = MappingProxyType(
    {kind: kind.lower() for kind in ExecType}
    | {
        # Listed for the server-sent events only; that the websocket has them is not confirmed.
        ExecType.TRADE_CANCEL: "trade_bust",
        ExecType.TRADE_CORRECT: "trade_correct",
        ExecType.CANCEL_REJECTED: "order_cancel_rejected",
        ExecType.REPLACE_REJECTED: "order_replace_rejected",
    }
)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NANOSECONDS_IN_ONE = 1_000_000


def messages_of(
    venue: Venue, report: ExecutionReport, *, pending_new: bool
) -> list[dict[str, Json]]:
    """The messages that tell of a report; with `pending_new`, that comes before `new`."""
    order = venue.books.orders[report.broker_order_id or BrokerOrderId("")]
    event = _event(report)
    stand = _stand(order, report)
    told = []
    if pending_new and event == "new" and order.entry is None:
        early = Stand("pending_new", OrdStatus.PENDING_NEW, stand.quantity, ZERO, None, stand.at)
        told.append(_message(venue, order, report, "pending_new", early))
    told.append(_message(venue, order, report, event, stand))
    return told


def _event(report: ExecutionReport) -> str:
    if report.exec_type is ExecType.PENDING_NEW:
        return "accepted" if report.status is OrdStatus.NEW else "held"
    if report.exec_type is ExecType.TRADE:
        filled = report.filled or ZERO
        complete = report.quantity is not None and filled >= report.quantity
        return "fill" if complete else "partial_fill"
    return _EVENTS[report.exec_type]


def _stand(order: VenueOrder, report: ExecutionReport) -> Stand:
    status = report.status or order.status
    word = status_word(order, status)
    # By the time that a report is told, the order may have been released from its queue.
    if status is OrdStatus.NEW and report.exec_type is ExecType.PENDING_NEW:
        word = "accepted"
    return Stand(
        word,
        status,
        report.quantity,
        report.filled or ZERO,
        report.average_price,
        report.transact_time,
    )


def _message(
    venue: Venue, order: VenueOrder, report: ExecutionReport, event: str, stand: Stand
) -> dict[str, Json]:
    at = written(report.transact_time, number_of(order))
    message: dict[str, Json] = {
        "event": event,
        "event_id": _event_id(report, event),
        "at": at,
        "timestamp": at,
        # The `replaced` event carries the old order (not confirmed), which names the new one.
        "order": show_order(venue, order, stand=stand),
    }
    execution = report.execution
    if execution is None or event == "pending_new":
        return message
    index = venue.books.fill_index[execution.execution_id]
    message["timestamp"] = written(execution.transact_time, index + 1)
    message["execution_id"] = execution.execution_id
    if execution.corrects is not None:
        message["previous_execution_id"] = execution.corrects
    # The price of this very execution; the documentation calls it the average price.
    message["price"] = decimal_text(execution.price)
    message["qty"] = decimal_text(execution.quantity)
    message["position_qty"] = decimal_text(_position(venue, index))
    return message


def _position(venue: Venue, index: int) -> Decimal:
    return venue.books.marks[index].position


def _event_id(report: ExecutionReport, event: str) -> str:
    """A ULID: the time in milliseconds, and the number of the event at the venue."""
    _, _, number = report.evidence.reference.rpartition("-e")
    count = 2 * int(number) - (event == "pending_new")
    value = (nanoseconds(report.transact_time) // _NANOSECONDS_IN_ONE << 80) + count
    digits = [_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5)]
    return "".join(digits)
