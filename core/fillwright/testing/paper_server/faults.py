"""The paper server's fault script: what goes wrong with which request, connection or message."""

from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase
from threading import Lock
from typing import Self

from pydantic import Field, JsonValue, model_validator

from fillwright.protocols import Rng
from fillwright.testing.fake_broker.script import Choice, Line

_DAY = 86_400
#: The oldest answer that a lagging list can give, in seconds.
LONGEST_LAG = 60.0


class On(StrEnum):
    """Where a fault strikes."""

    #: Any request but those to the control endpoint.
    REQUEST = "request"
    SUBMIT = "submit"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    REPLACE = "replace"
    #: An order by its client order id.
    FIND = "find"
    #: An order by its id.
    ORDER = "order"
    ORDERS = "orders"
    ACTIVITIES = "activities"
    ACCOUNT = "account"
    POSITIONS = "positions"
    CLOSE_POSITION = "close_position"
    ASSETS = "assets"
    #: The broker's clock and calendar.
    CLOCK = "clock"
    #: Quotes, trades and bars.
    DATA = "data"
    #: An attempt to open the stream.
    CONNECT = "connect"
    #: The keys, as the stream's client sends them.
    AUTHENTICATE = "authenticate"
    #: A message of trade_updates to somebody who listens.
    MESSAGE = "message"


class Kind(StrEnum):
    """What goes wrong."""

    # Requests that get no answer.
    DROP_RESET = "drop_reset"
    DROP_HANG = "drop_hang"
    ACCEPT_THEN_RESET = "accept_then_reset"
    ACCEPT_THEN_HANG = "accept_then_hang"
    ACCEPT_LATE = "accept_late"
    REFUSE_CONNECTIONS = "refuse_connections"
    # Requests that get another answer.
    ACCEPT_THEN_504 = "accept_then_504"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    REJECT = "reject"
    REDIRECT = "redirect"
    # Answers that come at another time.
    DELAY = "delay"
    DELAY_ANSWER = "delay_answer"
    SLOW_ANSWER = "slow_answer"
    EVENT_FIRST = "event_first"
    LAG = "lag"
    # Answers and messages that are not what they should be.
    TRUNCATED = "truncated"
    CUT_OFF = "cut_off"
    GARBAGE = "garbage"
    UNKNOWN_STATUS = "unknown_status"
    FIELD_MISSING = "field_missing"
    FIELD_NULL = "field_null"
    FIELD_SET = "field_set"
    FIELD_RETYPED = "field_retyped"
    # Messages.
    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    UNKNOWN_EVENT = "unknown_event"
    TEXT_FRAME = "text_frame"
    # The stream.
    SILENT = "silent"
    MUTE = "mute"
    CLOSE = "close"
    CUT = "cut"


_STREAM = frozenset({On.CONNECT, On.AUTHENTICATE, On.MESSAGE})
_REQUESTS = frozenset(On) - _STREAM
_CHANGES = frozenset(
    {On.REQUEST, On.SUBMIT, On.CANCEL, On.CANCEL_ALL, On.REPLACE, On.CLOSE_POSITION}
)
_LISTS = frozenset({On.FIND, On.ORDER, On.ORDERS, On.ACTIVITIES})
_CONNECT = frozenset({On.CONNECT})
_MESSAGE = frozenset({On.MESSAGE})
_CONTENT = _REQUESTS | _MESSAGE

#: What may strike where.
PLACES = {
    Kind.DROP_RESET: _REQUESTS | _CONNECT,
    Kind.DROP_HANG: _REQUESTS | _CONNECT | {On.AUTHENTICATE},
    Kind.ACCEPT_THEN_RESET: _REQUESTS,
    Kind.ACCEPT_THEN_HANG: _REQUESTS,
    Kind.ACCEPT_LATE: _REQUESTS,
    Kind.REFUSE_CONNECTIONS: _REQUESTS | _CONNECT | _MESSAGE,
    Kind.ACCEPT_THEN_504: _REQUESTS,
    Kind.BAD_GATEWAY: _REQUESTS | _CONNECT,
    Kind.UNAVAILABLE: _REQUESTS | _CONNECT,
    Kind.SERVER_ERROR: _REQUESTS | _CONNECT,
    Kind.RATE_LIMITED: _REQUESTS | _CONNECT,
    Kind.UNAUTHORIZED: _REQUESTS | {On.CONNECT, On.AUTHENTICATE},
    Kind.REJECT: _REQUESTS,
    Kind.REDIRECT: _REQUESTS | _CONNECT,
    Kind.DELAY: _REQUESTS | _CONNECT | _MESSAGE,
    Kind.DELAY_ANSWER: _REQUESTS,
    Kind.SLOW_ANSWER: _REQUESTS,
    Kind.EVENT_FIRST: _CHANGES,
    Kind.LAG: _LISTS,
    Kind.TRUNCATED: _CONTENT,
    Kind.CUT_OFF: _REQUESTS,
    Kind.GARBAGE: _CONTENT,
    Kind.UNKNOWN_STATUS: _CONTENT,
    Kind.FIELD_MISSING: _CONTENT,
    Kind.FIELD_NULL: _CONTENT,
    Kind.FIELD_SET: _CONTENT,
    Kind.FIELD_RETYPED: _CONTENT,
    Kind.DROP: _MESSAGE,
    Kind.DUPLICATE: _MESSAGE,
    Kind.REORDER: _MESSAGE,
    Kind.UNKNOWN_EVENT: _MESSAGE,
    Kind.TEXT_FRAME: _MESSAGE,
    Kind.SILENT: _STREAM,
    Kind.MUTE: _STREAM,
    Kind.CLOSE: _STREAM,
    Kind.CUT: _STREAM,
}
_FIELDS = frozenset({Kind.FIELD_MISSING, Kind.FIELD_NULL, Kind.FIELD_SET, Kind.FIELD_RETYPED})
_TIMED = frozenset(
    {
        *(Kind.ACCEPT_LATE, Kind.DELAY, Kind.DELAY_ANSWER, Kind.SLOW_ANSWER, Kind.LAG),
        Kind.REFUSE_CONNECTIONS,
    }
)


class Fault(Choice):
    """One line of the script."""

    on: On
    fault: Kind
    #: A pattern for the key id; only what concerns such an account counts.
    account: str | None = None
    seconds: float = Field(default=0.0, ge=0, le=_DAY, allow_inf_nan=False)
    #: The HTTP status and the broker's code of a REJECT.
    status: int = Field(default=422, ge=400, le=599)
    code: int | None = 42210000
    #: The message, the unknown word, or where a redirect leads; each has a default.
    text: str = ""
    #: Where in the JSON, like `status` or `order.qty`; a list is entered by itself.
    field: str = ""
    #: What FIELD_SET puts there.
    value: JsonValue = None
    #: Whether a request is taken before an error answers it.
    taken: bool = False
    #: Whether a 429 carries the X-RateLimit headers.
    headers: bool = True
    #: Whether the messages of a silence come when its `seconds` are over; else they are lost.
    hold: bool = False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.on not in PLACES[self.fault]:
            places = ", ".join(sorted(PLACES[self.fault]))
            raise ValueError(f"{self.fault} cannot happen on {self.on}; it can on {places}")
        if self.fault in _FIELDS and not all(self.field.split(".")):
            raise ValueError(f"{self.fault} needs a field, like status or order.qty")
        if self.fault in _TIMED and not self.seconds:
            raise ValueError(f"{self.fault} needs seconds")
        if self.hold and not (self.fault is Kind.SILENT and self.seconds):
            raise ValueError("hold goes with silent, and needs seconds")
        if self.fault is Kind.LAG and self.seconds > LONGEST_LAG:
            raise ValueError(f"lag goes back {LONGEST_LAG:g} seconds at most")
        return self


class _Numbered(Line[Fault]):
    def __init__(self, number: int, fault: Fault) -> None:
        super().__init__(fault)
        self.number = number

    def concerns(self, on: On, key: str) -> bool:
        wanted, pattern = self.fault.on, self.fault.account
        here = wanted is on or (wanted is On.REQUEST and on in _REQUESTS)
        return here and (pattern is None or fnmatchcase(key, pattern))


class Faults:
    """The script of one server; it may be written from any thread while the server runs.

    The same script, chance and events give the same faults.
    """

    def __init__(self, rng: Rng, faults: Iterable[Fault] = ()) -> None:
        self._rng = rng
        self._lock = Lock()
        self._lines: list[_Numbered] = []
        self._written = 0
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> int:
        """Write one more line, which counts from now on; returns its number."""
        with self._lock:
            self._written += 1
            self._lines.append(_Numbered(self._written, fault))
            return self._written

    def remove(self, number: int) -> None:
        """Strike a line out; raises KeyError for a number that is not there."""
        with self._lock:
            kept = [line for line in self._lines if line.number != number]
            if len(kept) == len(self._lines):
                raise KeyError(number)
            self._lines = kept

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._lines = []

    def strike(self, on: On, key: str = "", client_order_id: str = "") -> Fault | None:
        """The fault of the first line that strikes at this event; every line counts it."""
        with self._lock:
            struck = [
                line.fault
                for line in self._lines
                if line.concerns(on, key) and line.strikes(client_order_id, self._rng)
            ]
        return struck[0] if struck else None

    def struck(self, number: int) -> int:
        """How often a line struck; raises KeyError for a number that is not there."""
        for told, _, count in self.lines():
            if told == number:
                return count
        raise KeyError(number)

    def lines(self) -> list[tuple[int, Fault, int]]:
        """Every line with its number, and how often it struck."""
        with self._lock:
            return [(line.number, line.fault, line.struck) for line in self._lines]
