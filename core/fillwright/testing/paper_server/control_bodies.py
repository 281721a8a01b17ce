"""What the control endpoint takes: one model for each body, read strictly."""

import json
from decimal import Decimal
from typing import Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from fillwright.errors import BadInput
from fillwright.testing.paper_server.faults import Fault, Kind, On
from fillwright.types import Amount, NonNegative, Price, Quantity, Symbol, UtcTime, Value

_DAY = 86_400
_SHOWN = Decimal(1000)
_MOST_FAULTS = 1000
_AT_ONCE = frozenset({Kind.CLOSE, Kind.CUT, Kind.MUTE, Kind.SILENT})

B = TypeVar("B", bound=BaseModel)


class OfAccount(Value):
    """A body that may name one account by its key id; without one, all are meant."""

    account: str | None = None


class Quote(OfAccount):
    """A touch that stands until it is set anew or cleared."""

    symbol: Symbol
    #: A side that is absent has nobody.
    bid: Price | None = None
    ask: Price | None = None
    bid_size: NonNegative = _SHOWN
    ask_size: NonNegative = _SHOWN
    #: The time that the quote claims, for one that is to look stale.
    at: UtcTime | None = None


class Moment(Value):
    """What the clock is to do."""

    set: UtcTime | None = None
    #: Seconds; below zero goes back.
    advance: float | None = Field(default=None, allow_inf_nan=False)
    frozen: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give set, advance or frozen")
        return self


class Session(OfAccount):
    """Whether the market is open from now on; the calendar is off after that."""

    open: bool


class Halt(OfAccount):
    """Whether trading in a symbol is halted."""

    symbol: Symbol
    halted: bool = True


class NewAccount(Value):
    """What a new account has; the rest is as in the settings."""

    cash: NonNegative | None = None
    positions: dict[Symbol, Amount] | None = None


class Trade(OfAccount):
    """A quantity and a price, for a fill by hand or a correction."""

    quantity: Quantity
    price: Price


class Reason(OfAccount):
    """Why the venue does it."""

    text: str = Field(default="", max_length=200)


class Refusal(Value):
    """For how long nobody listens."""

    seconds: float = Field(gt=0, le=_DAY, allow_inf_nan=False)


class Disturbance(OfAccount):
    """What happens to the open connections of the stream, at once."""

    fault: Kind
    seconds: float = Field(default=0.0, ge=0, le=_DAY, allow_inf_nan=False)
    hold: bool = False

    @model_validator(mode="after")
    def _of_a_connection(self) -> Self:
        if self.fault not in _AT_ONCE:
            raise ValueError(f"fault must be one of {', '.join(sorted(_AT_ONCE))}")
        if self.hold and not (self.fault is Kind.SILENT and self.seconds):
            raise ValueError("hold goes with silent, and needs seconds")
        return self

    def as_fault(self) -> Fault:
        """The same as a line of the script."""
        return Fault(
            on=On.CONNECT,
            fault=self.fault,
            account=self.account,
            seconds=self.seconds,
            hold=self.hold,
        )


def read_body(model: type[B], body: bytes) -> B:
    """Read a body as this model. Raises BadInput with the field."""
    return _checked(model, _document(body or b"{}"), "body")


def read_faults(body: bytes) -> list[Fault]:
    """Read one fault, or a list of them. Raises BadInput with the field."""
    document = _document(body)
    if not isinstance(document, list):
        return [_checked(Fault, document, "body")]
    if len(document) > _MOST_FAULTS:
        raise BadInput("body", f"more than {_MOST_FAULTS} faults")
    return [_checked(Fault, one, f"body.{place}") for place, one in enumerate(document)]


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput("body", "is not JSON") from None


def _checked(model: type[B], document: object, where: str) -> B:
    try:
        return model.model_validate(document)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join([where, *map(str, first["loc"])])
        raise BadInput(field, first["msg"].removeprefix("Value error, ")) from None
