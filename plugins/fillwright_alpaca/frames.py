"""Split a frame into messages, and a trade update into what every event needs. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from fillwright.logs import printable
from fillwright.types import ExecType
from fillwright_alpaca.messages import (
    Raw,
    Unreadable,
    decimal_of,
    object_of,
    read_json,
    time_of,
)

#: A longer frame is not parsed: an order with its legs has a few thousand characters.
MAX_FRAME = 2**20
#: Lists and objects within each other; a list of updates of an order with legs has seven.
MAX_DEPTH = 16
_SHOWN = 60

#: What each event says. One that is absent is unknown.
EVENTS: Mapping[str, ExecType] = MappingProxyType(
    {
        "pending_new": ExecType.PENDING_NEW,
        "held": ExecType.PENDING_NEW,
        "accepted": ExecType.NEW,
        "new": ExecType.NEW,
        "partial_fill": ExecType.TRADE,
        "fill": ExecType.TRADE,
        "trade_bust": ExecType.TRADE_CANCEL,
        "trade_correct": ExecType.TRADE_CORRECT,
        "pending_cancel": ExecType.PENDING_CANCEL,
        "canceled": ExecType.CANCELED,
        "order_cancel_rejected": ExecType.CANCEL_REJECTED,
        "pending_replace": ExecType.PENDING_REPLACE,
        "replaced": ExecType.REPLACED,
        "order_replace_rejected": ExecType.REPLACE_REJECTED,
        "rejected": ExecType.REJECTED,
        "expired": ExecType.EXPIRED,
        "suspended": ExecType.SUSPENDED,
        "stopped": ExecType.STOPPED,
        "done_for_day": ExecType.DONE_FOR_DAY,
        # Filled or done for the day: the order inside tells which.
        "calculated": ExecType.ORDER_STATUS,
        "restated": ExecType.RESTATED,
    }
)
_WHAT = "trade update"


def messages(frame: bytes | str) -> list[Raw]:
    """The messages in one frame; what is no object stands there as an empty one.

    Raises `Unreadable`.
    """
    if len(frame) > MAX_FRAME:
        raise Unreadable("frame", "it", f"has more than {MAX_FRAME} bytes")
    try:
        text = frame.decode() if isinstance(frame, bytes) else frame
        parsed = read_json(text)
        if _is_deep(parsed):
            raise Unreadable("frame", "it", f"is nested deeper than {MAX_DEPTH}")
        if "\\u" in text or isinstance(frame, str):
            # Half a surrogate pair is good JSON, and can be neither printed nor written down.
            json.dumps(parsed, ensure_ascii=False, default=str).encode()
    except UnicodeError:
        raise Unreadable("frame", "the text", "is not UTF-8") from None
    found = parsed if isinstance(parsed, list) else [parsed]
    return [one if isinstance(one, dict) else {} for one in found]


def _is_deep(parsed: object) -> bool:
    """Whether it is nested so deep that showing it may exhaust the stack."""
    level = [parsed]
    for _ in range(MAX_DEPTH):
        nested = [one for one in level if isinstance(one, list | dict)]
        level = [
            child for one in nested for child in (one if isinstance(one, list) else one.values())
        ]
        if not level:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Said:
    """One trade update, and what is needed of it whatever the event."""

    event: str
    raw: Raw
    order: Raw
    #: When it happened, as the broker tells it.
    at: datetime
    #: Its name in the broker's words.
    reference: str

    @property
    def kind(self) -> ExecType | None:
        """What the event says; None when it is unknown."""
        return EVENTS.get(self.event)

    @property
    def execution_name(self) -> str | None:
        """The broker's own name of the execution, which account activities do not show."""
        return word(self.raw, "execution_id")

    def positive(self, field: str) -> Decimal:
        """A number above zero. Raises `Unreadable`."""
        number = decimal_of(self.raw, field, _WHAT)
        if number <= 0:
            raise self.unreadable(field, "is not above zero")
        return number

    def unreadable(self, field: str, problem: str) -> Unreadable:
        """The error that says what is wrong with a field."""
        return Unreadable(_WHAT, field, problem)


def said_in(data: object, now: datetime) -> Said:
    """Read a trade update. Raises `Unreadable`."""
    raw = object_of(data, _WHAT)
    order = object_of(raw.get("order"), f"{_WHAT}'s order")
    event = shown(word(raw, "event") or "none")
    at = _time(raw, "timestamp") or _time(raw, "at") or _time(order, "updated_at") or now
    name = word(raw, "event_id") or word(raw, "execution_id") or f"{event} {at.isoformat()}"
    return Said(event, raw, order, at, shown(name))


def shown(text: str) -> str:
    """The beginning of a text of the broker, fit for a sentence."""
    return printable(text[:_SHOWN])


def word(raw: Raw, field: str) -> str | None:
    """A text that says something; None for anything else."""
    value = raw.get(field)
    return value if isinstance(value, str) and value else None


def _time(raw: Raw, field: str) -> datetime | None:
    try:
        return time_of(raw, field, _WHAT)
    except Unreadable:
        return None
