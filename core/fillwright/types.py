"""The smallest words: sides, order types, statuses, ids, and decimals that never were floats.

Rules:
1. A decimal enters as a string or a Decimal, never as a number (a JSON number passes through
   binary float before anyone can stop it).
2. A decimal is stored without trailing zeros, so that equal amounts have equal text.
3. A time has an offset and is kept in UTC.
Names follow FIX 4.4; the tag stands in brackets where there is one.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

IntentId = NewType("IntentId", str)
ClientOrderId = NewType("ClientOrderId", str)
BrokerOrderId = NewType("BrokerOrderId", str)
ExecutionId = NewType("ExecutionId", str)
PlanId = NewType("PlanId", str)

ZERO = Decimal(0)
#: More digits than any market needs; a longer number is a mistake or an attack.
MAX_DIGITS = 28


class Side(StrEnum):
    """Side [54]; selling more than is held opens a short position."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL: what one unit does to the position."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrdType(StrEnum):
    """OrdType [40]."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TimeInForce(StrEnum):
    """TimeInForce [59]; OPG and CLS are FIX's "at the opening" and "at the close"."""

    DAY = "DAY"
    GTC = "GTC"
    GTD = "GTD"
    IOC = "IOC"
    FOK = "FOK"
    OPG = "OPG"
    CLS = "CLS"


class OrderClass(StrEnum):
    """How an order's legs hang together (FIX ContingencyType [1385] in Python words)."""

    SIMPLE = "SIMPLE"
    BRACKET = "BRACKET"
    OCO = "OCO"
    OTO = "OTO"


class OrdStatus(StrEnum):
    """OrdStatus [39], and five of our own for what FIX has no word for."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    DONE_FOR_DAY = "DONE_FOR_DAY"
    STOPPED = "STOPPED"
    SUSPENDED = "SUSPENDED"
    PENDING_CANCEL = "PENDING_CANCEL"
    PENDING_REPLACE = "PENDING_REPLACE"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    #: Ours. Journaled, and nothing sent.
    STAGED = "STAGED"
    #: Ours. Our gate said no; nothing was sent.
    REFUSED = "REFUSED"
    #: Ours. A request may or may not have reached the broker.
    IN_DOUBT = "IN_DOUBT"
    #: Ours. In doubt, and only a person can settle it.
    MANUAL = "MANUAL"
    #: Ours. In doubt until enough clean reads proved that the broker never had it.
    ABANDONED = "ABANDONED"


class ExecType(StrEnum):
    """ExecType [150]: what one report says happened."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    TRADE = "TRADE"
    TRADE_CANCEL = "TRADE_CANCEL"
    TRADE_CORRECT = "TRADE_CORRECT"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    PENDING_REPLACE = "PENDING_REPLACE"
    REPLACED = "REPLACED"
    REPLACE_REJECTED = "REPLACE_REJECTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    SUSPENDED = "SUSPENDED"
    STOPPED = "STOPPED"
    DONE_FOR_DAY = "DONE_FOR_DAY"
    RESTATED = "RESTATED"
    #: A broker's answer to a question about the order, not an event of its own.
    ORDER_STATUS = "ORDER_STATUS"


class AssetClass(StrEnum):
    """What kind of thing a symbol names."""

    US_EQUITY = "us_equity"
    CRYPTO = "crypto"


class Mode(StrEnum):
    """Whether the account holds real money."""

    PAPER = "paper"
    LIVE = "live"


#: How a decimal is written: Decimal itself also reads "1_000", blanks and other scripts' digits.
#: What is not finite passes here and is told apart below.
_WRITTEN = re.compile(
    r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE
)

#: To so many digits behind the point a division of money is rounded.
MONEY_DIGITS = 9


def plain(value: Decimal) -> Decimal:
    """Drop trailing zeros and the exponent: `1.50` and `1.5` become one value, `1E+2` is `100`."""
    short = value.normalize()
    # Where its exponent is above zero it is written with one, and nowhere else with an `E+`.
    written = short.is_finite() and "E+" not in str(short)
    return short if written else short.quantize(Decimal(1))


def decimal_from(value: object) -> Decimal:
    """Read a decimal from a string or a Decimal.

    Raises ValueError for numbers, NaN, infinities, blanks and more than `MAX_DIGITS` digits.
    """
    if isinstance(value, str):
        if _WRITTEN.fullmatch(value) is None:
            raise ValueError(f"{value[:40]!r} is not a decimal number")
        parsed, text = Decimal(value), value
    elif isinstance(value, Decimal):
        parsed, text = value, str(value)
    else:
        # Not a TypeError: pydantic tells a ValueError as a finding about the field.
        raise ValueError(  # noqa: TRY004
            f'write it as a string, like "10.5": {type(value).__name__} is not exact'
        )
    if not parsed.is_finite():
        raise ValueError(f"{parsed} is not a finite number")
    # What is written in so few characters, without an exponent, has no more digits either.
    if len(text) > MAX_DIGITS or "E" in text or "e" in text:
        _refuse_long(parsed)
    return plain(parsed)


def _refuse_long(value: Decimal) -> None:
    _, digits, exponent = value.as_tuple()
    too_long = len(digits) > MAX_DIGITS or not -MAX_DIGITS <= int(exponent) <= MAX_DIGITS
    # Written out, `1E+28` has one digit more.
    if too_long or (value and value.adjusted() >= MAX_DIGITS):
        raise ValueError(f"more than {MAX_DIGITS} digits")


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError(f"{value} is not above zero")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError(f"{value} is below zero")
    return value


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("the time has no offset; write it as 2026-11-23T09:30:00Z")
    return value.astimezone(UTC)


def text_of(value: Decimal) -> str:
    """Write a decimal without an exponent, as it stands in JSON."""
    return format(value, "f")


_SCHEMA = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["10.5"]}
_AS_TEXT = PlainSerializer(text_of, return_type=str, when_used="json")

#: Any exact decimal, positive or not: money, weights, positions.
Amount = Annotated[Decimal, BeforeValidator(decimal_from), _AS_TEXT, WithJsonSchema(_SCHEMA)]
#: Above zero, in shares or coins.
Quantity = Annotated[Amount, AfterValidator(_positive)]
#: Above zero, in the account's currency for one share or coin.
Price = Annotated[Amount, AfterValidator(_positive)]
#: Above zero, in the account's currency.
Notional = Annotated[Amount, AfterValidator(_positive)]
#: Zero or more.
NonNegative = Annotated[Amount, AfterValidator(_not_negative)]
#: A point in time with an offset, kept in UTC.
UtcTime = Annotated[datetime, AfterValidator(_utc)]
#: An instrument's name as the broker spells it: `AAPL`, `BRK.B`, `BTC/USD`.
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9./_-]{0,31}$")]
#: A name that a caller gives: printable, no spaces, at most 128 characters.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]


class Value(BaseModel):
    """A frozen value that refuses unknown fields and never shows its input in an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False
    )
