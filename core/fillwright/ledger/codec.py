"""Facts as journal bodies and back: plain JSON, decimals as strings, absent fields left out.

The schema is read off the facts' own type annotations once, at import.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from fillwright.errors import JournalError
from fillwright.ledger.controls import (
    Armed,
    Disarmed,
    Granted,
    GrantRevoked,
    Halted,
    LimitChanged,
    LimitRevoked,
    Resumed,
)
from fillwright.ledger.facts import (
    Abandoned,
    Adopted,
    Asked,
    BooksOpened,
    CashAdjusted,
    ChangeRefused,
    CursorMoved,
    DayOpened,
    Doubted,
    EndedUnsent,
    EquityPeaked,
    Fact,
    FillQuoted,
    HandedOver,
    HeldAlready,
    Inferred,
    OrderFact,
    PositionAdjusted,
    Refused,
    Reported,
    Sent,
    Settled,
    Staged,
    Unsent,
)
from fillwright.ledger.watching import AlertCleared, Alerted, Judged
from fillwright.protocols import Json, Record
from fillwright.types import text_of

#: The journal's word for each fact; never rename one, old journals hold it.
KINDS: dict[type[Fact], str] = {
    Staged: "order_staged",
    Refused: "order_refused",
    Sent: "order_sent",
    Unsent: "order_unsent",
    EndedUnsent: "order_ended_unsent",
    Asked: "change_asked",
    ChangeRefused: "change_refused",
    Doubted: "request_doubted",
    Settled: "request_settled",
    HandedOver: "order_handed_over",
    Abandoned: "order_abandoned",
    Adopted: "order_adopted",
    Reported: "order_reported",
    Inferred: "fill_inferred",
    FillQuoted: "fill_quoted",
    BooksOpened: "books_opened",
    HeldAlready: "fills_held_already",
    PositionAdjusted: "position_adjusted",
    CashAdjusted: "cash_adjusted",
    DayOpened: "day_opened",
    EquityPeaked: "equity_peaked",
    CursorMoved: "cursor_moved",
    Halted: "halted",
    Resumed: "resumed",
    Armed: "armed",
    Disarmed: "disarmed",
    Granted: "granted",
    GrantRevoked: "grant_revoked",
    LimitChanged: "limit_changed",
    LimitRevoked: "limit_revoked",
    Alerted: "alert_raised",
    AlertCleared: "alert_cleared",
    Judged: "executions_judged",
}

#: What reading a body raises that is none; a text that is no number raises an ArithmeticError.
_GARBLED = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)

Writer = Callable[[Any], Json]
Reader = Callable[[Any], Any]


def encode(fact: Fact) -> tuple[str, str, dict[str, Json]]:
    """The fact as (kind, key, body) for the journal."""
    kind = type(fact)
    key = fact.key if isinstance(fact, OrderFact) else ""
    return KINDS[kind], key, _WRITERS[kind](fact)


def decode(record: Record) -> Fact | None:
    """The fact in a record; None for records of other rooms. Raises JournalError if garbled."""
    reader = _READERS.get(record.kind)
    if reader is None:
        return None
    try:
        body = {**record.body, "key": record.key} if record.key else record.body
        return cast("Fact", reader(body))
    except _GARBLED as fault:
        raise JournalError(
            f"record {record.seq} ({record.kind}) cannot be read: {fault}"
        ) from fault


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value)


_PLAIN: dict[type, tuple[Writer | None, Reader | None]] = {
    str: (None, None),
    bool: (None, None),
    int: (None, None),
    Decimal: (text_of, Decimal),
    datetime: (datetime.isoformat, _time),
}


def _coders(hint: Any) -> tuple[Writer | None, Reader | None]:  # noqa: ANN401  # a type hint
    """How to write and read a value of this type; None where it is JSON already."""
    hint = getattr(hint, "__supertype__", hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _coders(next(a for a in get_args(hint) if a is not type(None)))
    if origin is tuple:
        write, read = _coders(get_args(hint)[0])
        return (
            (lambda v: [write(x) for x in v]) if write else list,
            (lambda v: tuple(read(x) for x in v)) if read else tuple,
        )
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_coders(*_coders(get_args(hint)[1]))
    if hint in _PLAIN:
        return _PLAIN[hint]
    if issubclass(hint, Enum):
        return None, hint
    if issubclass(hint, BaseModel):
        return (lambda v: v.model_dump(mode="json", exclude_defaults=True)), hint.model_validate
    if is_dataclass(hint):
        return _writer(cast("type[Any]", hint)), _reader(cast("type[Any]", hint))
    raise TypeError(f"no coder for {hint}")


def _mapping_coders(write: Writer | None, read: Reader | None) -> tuple[Writer, Reader]:
    def written(value: Mapping[str, Any]) -> Json:
        return {k: write(v) if write else v for k, v in value.items()}

    def taken(value: Mapping[str, Any]) -> Mapping[str, Any]:
        return {k: read(v) if read else v for k, v in value.items()}

    return written, taken


def _writer(cls: type[Any]) -> Callable[[Any], dict[str, Json]]:
    """Write the fields that are not at their default, in the order in which they stand.

    Compiled once from the fields, as dataclasses do with theirs: every record passes through
    here, and a loop over the fields takes three times as long.
    """
    hints = get_type_hints(cls)
    lines = ["def write(fact):", " body = {}"]
    names: dict[str, object] = {}
    for number, field in enumerate(fields(cls)):
        if field.name == "key" and issubclass(cls, OrderFact):
            continue  # it stands beside the body
        coder = _coders(hints[field.name])[0]
        names |= {f"code{number}": coder, f"default{number}": field.default}
        value = f"code{number}(value)" if coder else "value"
        lines += [
            f" value = fact.{field.name}",
            f" if value is not None and value is not default{number}:",
            f"  body[{field.name!r}] = {value}",
        ]
    lines.append(" return body")
    exec("\n".join(lines), names)  # noqa: S102  # made of our own field names alone
    return cast("Callable[[Any], dict[str, Json]]", names["write"])


def _reader(cls: type[Any]) -> Reader:
    """Read what the writer wrote; compiled as it is, and a field that nobody knows is refused."""
    hints = get_type_hints(cls)
    names: dict[str, object] = {"cls": cls, "refuse": _refuse_unknown}
    lines = ["def read(body):", " left = len(body)"]
    for number, field in enumerate(fields(cls)):
        coder = _coders(hints[field.name])[1]
        default = None if field.default is MISSING else field.default
        names |= {f"code{number}": coder, f"default{number}": default}
        found = f"body[{field.name!r}]"
        lines += [
            f" if {field.name!r} in body:",
            f"  value{number} = {f'code{number}({found})' if coder else found}",
            "  left -= 1",
            " else:",
            f"  value{number} = default{number}",
        ]
    given = ", ".join(f"{field.name}=value{number}" for number, field in enumerate(fields(cls)))
    lines += [" if left:", "  refuse(cls, body)", f" return cls({given})"]
    exec("\n".join(lines), names)  # noqa: S102  # made of our own field names alone
    return cast("Reader", names["read"])


def _refuse_unknown(cls: type[Any], body: Mapping[str, Any]) -> None:
    raise KeyError(*sorted(body.keys() - {field.name for field in fields(cls)}))


_WRITERS = {cls: _writer(cls) for cls in KINDS}
_READERS = {kind: _reader(cls) for cls, kind in KINDS.items()}
