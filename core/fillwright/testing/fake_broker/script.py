"""The fault script: which fault happens at which request, report or connection."""

from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Generic, Self, TypeVar

from pydantic import Field, model_validator

from fillwright.protocols import Rng
from fillwright.types import Value


class On(StrEnum):
    """Where a fault strikes."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    REPLACE = "replace"
    CANCEL_ALL = "cancel_all"
    FIND = "find"
    OPEN_ORDERS = "open_orders"
    EXECUTIONS = "executions"
    ACCOUNT = "account"
    INSTRUMENT = "instrument"
    QUOTE = "quote"
    REPORT = "report"
    CONNECT = "connect"


class Kind(StrEnum):
    """What goes wrong."""

    #: The request is lost on the way: in doubt (a question: no answer), the venue never saw it.
    DROP_REQUEST = "drop_request"
    #: It takes `seconds` more.
    DELAY = "delay"
    #: The venue took it; the answer never came.
    ACCEPT_THEN_TIMEOUT = "accept_then_timeout"
    ACCEPT_THEN_RESET = "accept_then_reset"
    #: In doubt at once; the venue takes it `seconds` later.
    ACCEPT_LATE = "accept_late"
    #: No byte left.
    NOT_SENT = "not_sent"
    #: The broker says no, with `text`.
    REJECT = "reject"
    #: 429 before anything was accepted: the request counts as not sent.
    RATE_LIMITED = "rate_limited"
    #: A question gets a 503.
    UNAVAILABLE = "unavailable"
    #: The answer is as old as `seconds` and `steps` say.
    LAG = "lag"
    DUPLICATE = "duplicate"
    DROP = "drop"
    #: The report comes after the next one, or `seconds` later when there is none.
    REORDER = "reorder"
    #: The report cannot be read: it is lost, and the stream says that something was missed.
    GAP = "gap"
    #: The stream is down for `seconds`; reports of that time are lost.
    DISCONNECT = "disconnect"
    #: The stream is up and says nothing for `seconds`; reports are lost, or held with `hold`.
    SILENT = "silent"


_REQUESTS = frozenset({On.SUBMIT, On.CANCEL, On.REPLACE, On.CANCEL_ALL})
_LISTS = frozenset({On.FIND, On.OPEN_ORDERS, On.EXECUTIONS})
_QUESTIONS = _LISTS | {On.ACCOUNT, On.INSTRUMENT, On.QUOTE}
_REPORTS = frozenset({On.REPORT})
_STREAM = frozenset({On.REPORT, On.CONNECT})

#: What may strike where.
PLACES = {
    Kind.DROP_REQUEST: _REQUESTS | _QUESTIONS,
    Kind.DELAY: _REQUESTS | _QUESTIONS | _REPORTS,
    Kind.ACCEPT_THEN_TIMEOUT: _REQUESTS,
    Kind.ACCEPT_THEN_RESET: _REQUESTS,
    Kind.ACCEPT_LATE: _REQUESTS,
    Kind.NOT_SENT: _REQUESTS,
    Kind.REJECT: _REQUESTS,
    Kind.RATE_LIMITED: _REQUESTS | _QUESTIONS,
    Kind.UNAVAILABLE: _QUESTIONS,
    Kind.LAG: _LISTS,
    Kind.DUPLICATE: _REPORTS,
    Kind.DROP: _REPORTS,
    Kind.REORDER: _REPORTS,
    Kind.GAP: _REPORTS,
    Kind.DISCONNECT: _STREAM,
    Kind.SILENT: _STREAM,
}


class Choice(Value):
    """At which of the matching events a line of a script strikes.

    It strikes at every one, unless `nth` (the first is 1), `every` or `probability` choose among
    them; `times` ends it.
    """

    nth: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    times: int | None = Field(default=None, ge=1)
    #: A pattern like `fw-12*`; only what concerns such an order counts.
    client_order_id: str | None = None

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if sum(x is not None for x in (self.nth, self.every, self.probability)) > 1:
            raise ValueError("give at most one of nth, every and probability")
        return self


class Fault(Choice):
    """One line of the fake broker's script."""

    on: On
    fault: Kind
    seconds: float = Field(default=0.0, ge=0, le=86_400, allow_inf_nan=False)
    steps: int = Field(default=0, ge=0)
    text: str = "rejected by the fault script"
    hold: bool = False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.on not in PLACES[self.fault]:
            places = ", ".join(sorted(PLACES[self.fault]))
            raise ValueError(f"{self.fault} cannot happen on {self.on}; it can on {places}")
        return self


C = TypeVar("C", bound=Choice)


class Line(Generic[C]):
    """One line of a script, with its count of the events that it saw."""

    def __init__(self, fault: C) -> None:
        self.fault = fault
        self.seen = 0
        self.struck = 0

    def strikes(self, client_order_id: str, rng: Rng) -> bool:
        """Count an event that matches, and tell whether it is hit."""
        fault = self.fault
        pattern = fault.client_order_id
        if pattern is not None and not fnmatchcase(client_order_id, pattern):
            return False
        self.seen += 1
        if fault.times is not None and self.struck >= fault.times:
            return False
        hit = (
            (fault.nth is None or self.seen == fault.nth)
            and (fault.every is None or self.seen % fault.every == 0)
            and (fault.probability is None or rng.random() < fault.probability)
        )
        self.struck += hit
        return hit


class FaultScript:
    """Say which fault strikes now; the same script, chance and events give the same faults."""

    def __init__(self, faults: Iterable[Fault], rng: Rng) -> None:
        self._rng = rng
        self._lines = [Line(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        """Write one more line, which counts from now on."""
        self._lines.append(Line(fault))

    @property
    def may_lag(self) -> bool:
        """Whether a list may be asked for as it was; lines may still be added."""
        return True

    def clear(self) -> None:
        """End all faults."""
        self._lines.clear()

    def strike(self, on: On, client_order_id: str = "") -> Fault | None:
        """The fault of the first line that strikes at this event; every line counts it."""
        struck = [
            line.fault
            for line in self._lines
            if line.fault.on is on and line.strikes(client_order_id, self._rng)
        ]
        return struck[0] if struck else None
