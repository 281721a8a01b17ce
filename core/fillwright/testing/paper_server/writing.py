"""JSON as the API writes it: decimals as strings in trading, as numbers in market data."""

import json
from collections.abc import Mapping
from decimal import Context, Decimal
from types import MappingProxyType

from fillwright.protocols import Json
from fillwright.testing.paper_server.request import Answer
from fillwright.types import text_of

Exact = None | bool | int | str | Decimal | list["Exact"] | dict[str, "Exact"]

HEADERS: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json; charset=UTF-8"})
_FINE = Decimal("0.000000001")
_PLACES = 9
#: Room for the digits of any product of two amounts.
_WIDE = Context(prec=100)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def answer(status: int, value: Json) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, _encode(value).encode(), HEADERS)


def number_answer(value: Exact) -> Answer:
    """An answer whose decimals are JSON numbers, exact to the last digit."""
    return Answer(200, _exact(value).encode(), HEADERS)


def decimal_text(value: Decimal) -> str:
    """A decimal without trailing zeros, to nine places; zero has no sign."""
    _, _, exponent = value.as_tuple()
    if int(exponent) < -_PLACES:
        value = value.quantize(_FINE, context=_WIDE)
    text = text_of(value)
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return "0" if text == "-0" else text


def optional_text(value: Decimal | None) -> str | None:
    """The same for what may be absent."""
    return None if value is None else decimal_text(value)


def _exact(value: Exact) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, list):
        return f"[{','.join(map(_exact, value))}]"
    if isinstance(value, dict):
        fields = (f"{_encode(name)}:{_exact(one)}" for name, one in value.items())
        return "{" + ",".join(fields) + "}"
    return _encode(value)
