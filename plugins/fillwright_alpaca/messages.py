"""Read Alpaca's words about orders as our values. Pure, but for a log of what was new to us.

Rules:
1. What an order is (id, symbol, side, status, quantity or notional) must be readable, or the whole
   answer is `Unreadable`. Everything else may be missing, null or new, and no order is lost by it.
2. An unknown status ends no order: what the filled quantity and the closing times prove counts,
   and else it still works.
3. Numbers come as text or as exact JSON numbers; binary floats are refused.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import NoReturn

from fillwright.errors import FillwrightError
from fillwright.logs import get_logger, printable, redact
from fillwright.reports import BrokerOrder
from fillwright.types import (
    ZERO,
    BrokerOrderId,
    ClientOrderId,
    ExecutionId,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
    decimal_from,
    plain,
    text_of,
)

_log = get_logger(__name__)

#: What an order's status says. `calculated` depends on the fills, `accepted` on what it replaces;
#: both are told apart in `_status`.
STATUSES: Mapping[str, OrdStatus] = MappingProxyType(
    {
        "pending_new": OrdStatus.PENDING_NEW,
        "pending_review": OrdStatus.PENDING_NEW,
        # A leg that waits for its entry.
        "held": OrdStatus.PENDING_NEW,
        "accepted": OrdStatus.NEW,
        "accepted_for_bidding": OrdStatus.NEW,
        "new": OrdStatus.NEW,
        "partially_filled": OrdStatus.PARTIALLY_FILLED,
        "filled": OrdStatus.FILLED,
        # The trade is guaranteed and not yet done: not a cancel.
        "stopped": OrdStatus.STOPPED,
        "suspended": OrdStatus.SUSPENDED,
        "done_for_day": OrdStatus.DONE_FOR_DAY,
        "calculated": OrdStatus.DONE_FOR_DAY,
        "pending_cancel": OrdStatus.PENDING_CANCEL,
        "pending_replace": OrdStatus.PENDING_REPLACE,
        "canceled": OrdStatus.CANCELED,
        "expired": OrdStatus.EXPIRED,
        "rejected": OrdStatus.REJECTED,
        "replaced": OrdStatus.REPLACED,
    }
)
#: Activities know more words for a side than orders do.
SIDES: Mapping[str, Side] = MappingProxyType(
    {
        "buy": Side.BUY,
        "sell": Side.SELL,
        "sell_short": Side.SELL,
        "buy_to_cover": Side.BUY,
    }
)
TYPES: Mapping[str, OrdType] = MappingProxyType(
    {
        "market": OrdType.MARKET,
        "limit": OrdType.LIMIT,
        "stop": OrdType.STOP,
        "stop_limit": OrdType.STOP_LIMIT,
        "trailing_stop": OrdType.TRAILING_STOP,
    }
)
TIMES_IN_FORCE: Mapping[str, TimeInForce] = MappingProxyType(
    {
        "day": TimeInForce.DAY,
        "gtc": TimeInForce.GTC,
        "ioc": TimeInForce.IOC,
        "fok": TimeInForce.FOK,
        "opg": TimeInForce.OPG,
        "cls": TimeInForce.CLS,
    }
)
#: The time that an order carries only once it ended so.
_CLOSING_TIMES = (
    ("canceled_at", OrdStatus.CANCELED),
    ("expired_at", OrdStatus.EXPIRED),
    ("failed_at", OrdStatus.REJECTED),
    ("replaced_at", OrdStatus.REPLACED),
)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 60

Raw = Mapping[str, object]


class Unreadable(FillwrightError):
    """Something that Alpaca said lacks what must be known, or has it in another form."""

    def __init__(self, what: str, field: str, problem: str) -> None:
        self.what = what
        self.field = field
        self.problem = problem
        super().__init__(f"Alpaca's {what} cannot be read: {field} {problem}")


def read_json(text: str | bytes) -> object:
    """Parse JSON with every number exact. Raises `Unreadable`."""
    try:
        parsed: object = json.loads(text, parse_float=Decimal, parse_constant=_not_finite)
    except (ValueError, ArithmeticError, RecursionError):
        # Not chained: the fault holds the text, which may be a page with anything in it.
        raise Unreadable("answer", "the text", "is not JSON") from None
    return parsed


def _not_finite(name: str) -> NoReturn:
    raise ValueError(name)


def object_of(raw: object, what: str) -> Raw:
    """A JSON object. Raises `Unreadable`."""
    if not isinstance(raw, dict):
        raise Unreadable(what, "it", f"is {_kind(raw)} and not an object")
    return raw


def list_of(raw: object, what: str) -> list[object]:
    """A JSON list. Raises `Unreadable`."""
    if not isinstance(raw, list):
        raise Unreadable(what, "it", f"is {_kind(raw)} and not a list")
    return raw


def word_of(raw: Raw, field: str, what: str) -> str:
    """A text that must be there. Raises `Unreadable`."""
    value = raw.get(field)
    if not isinstance(value, str) or not value:
        raise Unreadable(what, field, _problem(raw, field))
    # JSON may spell halves of characters, which no journal can hold.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def word_or_none(raw: Raw, field: str, what: str) -> str | None:
    """A text, None where it is absent, null or empty. Raises `Unreadable` for anything else."""
    return word_of(raw, field, what) if raw.get(field) not in (None, "") else None


def decimal_of(raw: Raw, field: str, what: str) -> Decimal:
    """A number that must be there, exact. Raises `Unreadable`."""
    value = raw.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    try:
        return decimal_from(value)
    except ValueError:
        raise Unreadable(what, field, _problem(raw, field)) from None


def decimal_or_none(raw: Raw, field: str, what: str) -> Decimal | None:
    """A number, None where it is absent, null or empty. Raises `Unreadable` for anything else."""
    return decimal_of(raw, field, what) if raw.get(field) not in (None, "") else None


def optional_decimal(raw: Raw, field: str, what: str) -> Decimal | None:
    """A number that nobody depends on: None, and a log, where it cannot be read."""
    try:
        return decimal_or_none(raw, field, what)
    except Unreadable as fault:
        _log.warning("field_unread", what=what, field=field, problem=fault.problem)
        return None


def time_of(raw: Raw, field: str, what: str) -> datetime:
    """A time with an offset, in UTC, cut to microseconds. Raises `Unreadable`."""
    value = raw.get(field)
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
            if parsed.tzinfo is not None:
                return parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Unreadable(what, field, _problem(raw, field))


def side_of(raw: Raw, what: str) -> Side:
    """Buy or sell. Raises `Unreadable`."""
    side = SIDES.get(word_of(raw, "side", what))
    if side is None:
        raise Unreadable(what, "side", _problem(raw, "side"))
    return side


def execution_id(order_id: str, cumulative: Decimal) -> ExecutionId:
    """The name of the execution that brought an order's filled quantity to `cumulative`.

    Stream and account activities share no id of their own; both know this quantity.
    """
    return ExecutionId(f"{order_id}:{text_of(plain(cumulative))}")


def broker_order(raw: Raw, parent: ClientOrderId | None = None) -> BrokerOrder:
    """One order, without its legs. Raises `Unreadable` with the field."""
    what = "order"
    quantity, notional = _size(raw, "qty"), _size(raw, "notional")
    if quantity is None and notional is None:
        raise Unreadable(what, "qty", "and notional are both missing")
    filled = _filled(raw)
    status = _status(raw, filled, quantity)
    replaced_by = _optional_word(raw, "replaced_by")
    return BrokerOrder(
        broker_order_id=BrokerOrderId(word_of(raw, "id", what)),
        client_order_id=_client_order_id(raw),
        symbol=word_of(raw, "symbol", what),
        side=side_of(raw, what),
        type=_type(raw),
        # One that nobody can read may stand for long: it is not taken for a day order.
        time_in_force=TIMES_IN_FORCE.get(str(raw.get("time_in_force")), TimeInForce.GTC),
        status=status,
        filled=filled,
        submitted_at=_first_time(raw, "submitted_at", "created_at", "updated_at"),
        quantity=quantity,
        notional=notional,
        average_price=optional_decimal(raw, "filled_avg_price", what),
        limit_price=optional_decimal(raw, "limit_price", what),
        stop_price=optional_decimal(raw, "stop_price", what),
        replaces=_broker_order_id(_optional_word(raw, "replaces")),
        # While the replace is pending, the order that would follow may still be rejected.
        replaced_by=_broker_order_id(replaced_by) if status is OrdStatus.REPLACED else None,
        parent=parent,
        text=_remark(raw),
    )


def _client_order_id(raw: Raw) -> ClientOrderId | None:
    name = word_or_none(raw, "client_order_id", "order")
    return ClientOrderId(name) if name else None


def _broker_order_id(name: str | None) -> BrokerOrderId | None:
    return BrokerOrderId(name) if name else None


def _size(raw: Raw, field: str) -> Decimal | None:
    size = decimal_or_none(raw, field, "order")
    if size is not None and size <= 0:
        raise Unreadable("order", field, "is not above zero")
    return size


def _filled(raw: Raw) -> Decimal:
    """The filled quantity; one that is missing is zero only where no average price says else."""
    if raw.get("filled_qty") is None and raw.get("filled_avg_price", "absent") is None:
        return ZERO
    filled = decimal_of(raw, "filled_qty", "order")
    if filled < 0:
        raise Unreadable("order", "filled_qty", "is below zero")
    return filled


def _status(raw: Raw, filled: Decimal, quantity: Decimal | None) -> OrdStatus:
    word = word_of(raw, "status", "order")
    whole = quantity is not None and filled >= quantity > 0
    known = STATUSES.get(word)
    if known is None:
        proven = _proven_status(raw, filled, whole=whole)
        _log.warning("order_status_unknown", status=_shown(word), read_as=str(proven))
        return proven
    if word == "calculated" and whole:
        return OrdStatus.FILLED
    if word == "accepted" and raw.get("replaces") is not None:
        # It takes another order's place only once it is new; until then it may be rejected.
        return OrdStatus.PENDING_NEW
    return known


def _proven_status(raw: Raw, filled: Decimal, *, whole: bool) -> OrdStatus:
    if whole:
        return OrdStatus.FILLED
    for field, status in _CLOSING_TIMES:
        if _optional_time(raw, field) is not None:
            return status
    return OrdStatus.PARTIALLY_FILLED if filled else OrdStatus.NEW


def _type(raw: Raw) -> OrdType:
    """The order type; one that is missing or unknown is read off the prices."""
    for field in ("type", "order_type"):
        known = TYPES.get(str(raw.get(field)))
        if known is not None:
            return known
    if raw.get("trail_price") is not None or raw.get("trail_percent") is not None:
        return OrdType.TRAILING_STOP
    has_limit, has_stop = raw.get("limit_price") is not None, raw.get("stop_price") is not None
    if has_stop:
        return OrdType.STOP_LIMIT if has_limit else OrdType.STOP
    return OrdType.LIMIT if has_limit else OrdType.MARKET


def _remark(raw: Raw) -> str:
    """The status in Alpaca's own word, where ours says less."""
    word = str(raw.get("status"))
    return "" if word == str(STATUSES.get(word, "")).lower() else _shown(word)


def _first_time(raw: Raw, *fields: str) -> datetime:
    times = (_optional_time(raw, field) for field in fields)
    return next((time for time in times if time is not None), _LONG_AGO)


def _optional_time(raw: Raw, field: str) -> datetime | None:
    try:
        return time_of(raw, field, "order")
    except Unreadable:
        return None


def _optional_word(raw: Raw, field: str) -> str | None:
    value = raw.get(field)
    return value if isinstance(value, str) and value else None


def _problem(raw: Raw, field: str) -> str:
    if field not in raw:
        return "is missing"
    value = raw[field]
    return f"is {_shown(value)!r}" if isinstance(value, str) else f"is {_kind(value)}"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(text: str) -> str:
    return printable(redact(text)[:_SHOWN])
