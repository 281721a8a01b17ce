"""Spoil JSON the way that a broker's next version does: pure functions over documents."""

import json
import re
from collections.abc import Callable

from pydantic import JsonValue

from fillwright.testing.paper_server.faults import Fault, Kind

#: What an order is in when nobody knows the word.
UNKNOWN_STATUS = "being_considered"
UNKNOWN_EVENT = "reconsidered"
GARBAGE = b"<<< this is no JSON >>>"
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

Change = Callable[[dict[str, JsonValue], str], None]


def spoiled_bytes(body: bytes, fault: Fault, *, prefix: str = "") -> bytes:
    """A body as the fault lets it arrive; one that is no JSON stays as it is.

    `prefix` is where an order stands in the document.
    """
    if fault.fault is Kind.TRUNCATED:
        return body[: len(body) // 2]
    if fault.fault is Kind.GARBAGE:
        return GARBAGE
    try:
        document: JsonValue = json.loads(body)
    except ValueError:
        return body
    spoil(document, fault, prefix=prefix)
    return json.dumps(document).encode()


def spoil(document: JsonValue, fault: Fault, *, prefix: str = "") -> None:
    """Change a document in place; a field that is not there is only made by FIELD_SET."""
    if fault.fault is Kind.UNKNOWN_STATUS:
        word = fault.text or UNKNOWN_STATUS
        _walk(document, f"{prefix}status".split("."), _setter(word, only_known=True))
    elif fault.fault in _CHANGES:
        _walk(document, fault.field.split("."), _CHANGES[fault.fault])
    elif fault.fault is Kind.FIELD_SET:
        _walk(document, fault.field.split("."), _setter(fault.value))


def _walk(place: JsonValue, path: list[str], change: Change) -> None:
    if isinstance(place, list):
        if path[0].isdigit():
            chosen, path = place[int(path[0]) :][:1], path[1:]
        else:
            chosen = place
        for each in chosen if path else ():
            _walk(each, path, change)
    elif isinstance(place, dict):
        if len(path) == 1:
            change(place, path[0])
        else:
            _walk(place.get(path[0]), path[1:], change)


def _setter(value: JsonValue, *, only_known: bool = False) -> Change:
    def put(place: dict[str, JsonValue], name: str) -> None:
        if name in place or not only_known:
            place[name] = value

    return put


def _remove(place: dict[str, JsonValue], name: str) -> None:
    place.pop(name, None)


def _null(place: dict[str, JsonValue], name: str) -> None:
    if name in place:
        place[name] = None


def _retype(place: dict[str, JsonValue], name: str) -> None:
    if name in place:
        place[name] = _retyped(place[name])


def _retyped(value: JsonValue) -> JsonValue:
    """The same in another JSON type: numbers as text, text of a number as a number, and so on."""
    if isinstance(value, str):
        # A number on the wire is what this fault is about; nothing is reckoned with it here.
        return float(value) if _NUMBER.fullmatch(value) else [value]
    if value is None:
        return ""
    return json.dumps(value)


_CHANGES: dict[Kind, Change] = {
    Kind.FIELD_MISSING: _remove,
    Kind.FIELD_NULL: _null,
    Kind.FIELD_RETYPED: _retype,
}
