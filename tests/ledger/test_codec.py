"""Facts as journal bodies: every field of every fact comes back as it was, in a fixed writing."""

import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from fillwright.errors import JournalError
from fillwright.ledger import BooksOpened, Judged, Sent, Staged, decode, encode
from fillwright.ledger.codec import KINDS, _reader, _writer
from fillwright.ledger.facts import OrderFact
from fillwright.orders import Order, OrderChange
from fillwright.protocols import Record
from fillwright.types import ClientOrderId

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, 0, 1, tzinfo=UTC)
KEY = ClientOrderId("fw-1")
MODELS = {Order: Order(symbol="XYZ", side="SELL", quantity="1.50"), OrderChange: None}
MODELS[OrderChange] = OrderChange(quantity="2.50")
NUMBER = D("123456789012345678.123456789")


def sample(hint: Any) -> Any:
    """A value of this type that is nobody's default."""
    hint = getattr(hint, "__supertype__", hint)
    origin, given = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return sample(next(a for a in given if a is not type(None)))
    if origin is tuple:
        return (sample(given[0]), sample(given[0]))
    if origin is not None and issubclass(origin, Mapping):
        return {"one": sample(given[1]), "two": sample(given[1])}
    if hint in MODELS:
        return MODELS[hint]
    plain = {str: "text", int: 7, bool: True, Decimal: NUMBER, datetime: NOW}
    if hint in plain:
        return plain[hint]
    return list(hint)[-1] if issubclass(hint, Enum) else full(hint)


def full(cls: type[Any]) -> Any:
    hints = get_type_hints(cls)
    return cls(**{field.name: sample(hints[field.name]) for field in fields(cls)})


@pytest.mark.parametrize("cls", list(KINDS), ids=lambda cls: cls.__name__)
def test_every_field_comes_back(cls: type[Any]) -> None:
    """A field that is lost in the journal makes a restarted desk believe something else."""
    fact = full(cls)
    body = json.loads(json.dumps(_writer(cls)(fact)))
    known = {"key": fact.key} if isinstance(fact, OrderFact) else {}

    assert _reader(cls)(body | known) == fact
    assert list(body) == [field.name for field in fields(cls) if field.name not in known]


@pytest.mark.parametrize("cls", list(KINDS), ids=lambda cls: cls.__name__)
def test_it_is_written_under_its_kind_and_order(cls: type[Any]) -> None:
    """A record under another kind or key is replayed into another order."""
    fact = full(cls)

    kind, key, body = encode(fact)

    assert kind == KINDS[cls]
    assert key == (fact.key if isinstance(fact, OrderFact) else "")
    assert body == _writer(cls)(fact)
    assert decode(Record(1, 1, NOW, kind, key, body, "")) == fact


def test_kinds_are_told_apart() -> None:
    """Two facts under one word read as one another."""
    assert len(set(KINDS.values())) == len(KINDS)
    assert all(is_dataclass(cls) and not issubclass(cls, BaseModel) for cls in KINDS)


def test_the_writing_is_fixed() -> None:
    """Old journals hold it: a body that is written in another way cannot be compared or read."""
    sent = Sent(KEY, NOW, "hash", NOW + timedelta(hours=1), None, D("10.50"))
    staged = Staged(KEY, NOW, MODELS[Order], "hash")
    opened = BooksOpened(NOW, D("1E+3"), {"XYZ": D("-1.0")})
    time = "2026-11-23T15:00:00.000001+00:00"

    assert encode(sent)[2] == {
        "at": time,
        "content_hash": "hash",
        "deadline": "2026-11-23T16:00:00.000001+00:00",
        "worst_price": "10.50",
    }
    assert encode(staged)[2]["order"] == {"symbol": "XYZ", "side": "SELL", "quantity": "1.5"}
    assert encode(opened)[2] == {"at": time, "cash": "1000", "positions": {"XYZ": "-1.0"}}
    assert encode(Judged(NOW, {"t": 3}))[2] == {"at": time, "upto": {"t": 3}}
    for fact in (sent, staged, opened):
        kind, key, body = encode(fact)
        assert decode(Record(1, 1, NOW, kind, key, body, "")) == fact
        assert _reader(type(fact))(body | ({"key": key} if key else {})) == fact


def test_records_of_other_rooms_are_left_to_them() -> None:
    """A plan's progress that is folded into the ledger would stop every restart."""
    assert decode(Record(7, 1, NOW, "plan_started", "", {}, "")) is None


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"cash": "no number", "positions": {}, "at": NOW.isoformat()}, "ConversionSyntax"),
        ({"cash": "1", "positions": {}, "at": "yesterday"}, "Invalid isoformat string"),
        ({"cash": "1", "unheard": 1}, "'unheard'"),
        ({"cash": "1", "positions": 3}, "'int' object has no attribute 'items'"),
    ],
)
def test_a_garbled_record_is_called_by_its_number(body: dict[str, Any], fault: str) -> None:
    """A record that is guessed at, or skipped, is a fill or an order that nobody knows."""
    with pytest.raises(JournalError, match=r"record 7 \(books_opened\) cannot be read: ") as raised:
        decode(Record(7, 1, NOW, "books_opened", "", body, ""))

    assert fault in str(raised.value)


@dataclass
class Unheard:
    at: complex


def test_what_no_coder_knows_is_refused_at_once() -> None:
    """Found out at the first such fact, the journal would stop in the middle of a day."""
    for make in (_writer, _reader):
        with pytest.raises(TypeError, match="no coder for <class 'complex'>"):
            make(Unheard)
