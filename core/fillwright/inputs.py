"""What a check can ask for besides the book: data by name, each with its own time and age.

Rules:
1. A datum has the time that its source gave it; older than its input's allowed age, it is absent.
2. What is not finite, not of its input's type, or from the future counts as absent, too.
3. An input that is not listed here is called by a name of its own; it holds a Decimal or text.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, TypeVar

from fillwright.types import ZERO

T = TypeVar("T")


class Input(StrEnum):
    """The inputs that have a name of ours."""

    #: A fresh quote that is not crossed and has at least one side.
    QUOTE = "quote"
    #: The broker's rules for the symbol.
    INSTRUMENT = "instrument"
    #: Whether the symbol trades now: a `Session`.
    SESSION = "session"
    #: Average daily volume, in shares or coins.
    ADV = "adv"
    #: Volume traded today by everybody, in shares or coins.
    VOLUME = "volume"
    #: What may be sold short: a `Locate`.
    LOCATE = "locate"
    #: Whether short sales are restricted: an `Ssr`.
    SSR = "ssr"
    #: The account's profit and loss today: a `ProfitAndLoss`.
    PNL = "pnl"
    #: The symbol's sector, as text.
    SECTOR = "sector"
    #: By how many seconds the broker's clock is ahead of ours.
    SKEW = "skew"


#: They are about the account; their symbol is "".
ACCOUNT_WIDE = frozenset({Input.PNL, Input.SKEW})
#: What the desk has by itself, and no provider may supply.
THE_DESKS_OWN = frozenset({Input.QUOTE, Input.INSTRUMENT, Input.PNL})

#: How old an input may be when `[data.max_age_seconds]` says nothing; a quote's age stands in
#: `[desk]`. Average volume is that of the last trading day, which lies days back on a Monday.
MAX_AGE: Mapping[str, timedelta] = MappingProxyType(
    {
        Input.INSTRUMENT: timedelta(days=1),
        Input.SESSION: timedelta(seconds=60),
        Input.ADV: timedelta(days=4),
        Input.VOLUME: timedelta(seconds=60),
        Input.LOCATE: timedelta(hours=12),
        Input.SSR: timedelta(seconds=60),
        Input.PNL: timedelta(seconds=90),
        Input.SECTOR: timedelta(days=30),
        Input.SKEW: timedelta(seconds=60),
    }
)
#: The same for inputs with a name of their own.
OTHER_MAX_AGE = timedelta(seconds=60)
#: What an input may be called.
INPUT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class SessionState(StrEnum):
    """Whether a symbol trades now."""

    OPEN = "open"
    #: Before or after the regular hours.
    EXTENDED = "extended"
    CLOSED = "closed"
    #: The market is open, and this symbol is not.
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Session:
    """Whether a symbol trades now, and when that changes next, where the source says."""

    state: SessionState
    next_open: datetime | None = None
    next_close: datetime | None = None

    def at(self, now: datetime) -> "Session":
        """The same at a later moment: what was open is closed from its close on."""
        over = self.next_close is not None and now >= self.next_close
        return replace(self, state=SessionState.CLOSED) if over and self._trades else self

    @property
    def _trades(self) -> bool:
        return self.state in {SessionState.OPEN, SessionState.EXTENDED}


@dataclass(frozen=True, slots=True)
class Locate:
    """What may be sold short of one symbol."""

    #: Shares that were located for us.
    shares: Decimal = ZERO
    #: Easy to borrow: no locate is needed.
    easy: bool = False


class Ssr(StrEnum):
    """Whether short sales of a symbol are restricted (SEC rule 201)."""

    ACTIVE = "active"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ProfitAndLoss:
    """The account today, in its currency: deposits and withdrawals count as gain and loss."""

    equity: Decimal
    #: What today is measured from: the broker's equity at the last close, else the day's first.
    base: Decimal
    #: The highest equity that was seen today.
    peak: Decimal

    @property
    def today(self) -> Decimal:
        """Gained since the base; below zero is a loss."""
        return self.equity - self.base

    @property
    def drawdown(self) -> Decimal:
        """How far the equity stands below today's peak; never below zero."""
        return self.peak - self.equity


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of one input, with the time that its source gave it."""

    name: str
    #: "" for an input that is about the account.
    symbol: str
    value: object
    at: datetime
    #: Who supplied it.
    source: str = ""
    #: Whether its value is one for its input: looked at once, and asked for by every check.
    sound: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sound", not flaw(self.name, self.value))


class DataProvider(Protocol):
    """Data for checks, from anywhere: average volumes, sectors, locates, inputs of your own."""

    @property
    def supplies(self) -> Collection[str]:
        """The names of the inputs that it may have."""

    async def fetch(self, name: str, symbol: str) -> Datum | None:
        """One input of one symbol ("" for the account); None, and any exception: it has none."""

    async def close(self) -> None:
        """Let go of sockets and files."""


@dataclass(frozen=True, slots=True)
class Window:
    """A need: how far back the check looks into the desk's own history."""

    length: timedelta


#: What a check declares in `needs`.
Need = Input | str | Window


def needs(*wanted: Need) -> Callable[[T], T]:
    """Declare what a check function or class needs: `@needs(Input.ADV, Window(...))`."""

    def declared(check: T) -> T:
        check.needs = wanted  # type: ignore[attr-defined]  # functions and classes take it
        return check

    return declared


def windows(wanted: Iterable[Need]) -> Iterable[timedelta]:
    """How far back each of these needs looks."""
    return (one.length for one in wanted if isinstance(one, Window))


def flaw(name: str, value: object) -> str:
    """Why this value is none for the input called `name`; empty when it is one."""
    kind = _KINDS.get(name, (Decimal, str))
    if not isinstance(value, kind):
        return f"is {type(value).__name__}"
    if isinstance(value, str):
        return "" if value.strip() else "is empty"
    if not all(number.is_finite() for number in _numbers(value)):
        return "is not finite"
    if name in _NOT_NEGATIVE and any(number < 0 for number in _numbers(value)):
        return "is below zero"
    return ""


def _numbers(value: object) -> tuple[Decimal, ...]:
    if isinstance(value, Decimal):
        return (value,)
    if isinstance(value, Locate):
        return (value.shares,)
    if isinstance(value, ProfitAndLoss):
        return (value.equity, value.base, value.peak)
    return ()


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    # The desk makes these two itself.
    Input.QUOTE: object,
    Input.INSTRUMENT: object,
    Input.SESSION: Session,
    Input.ADV: Decimal,
    Input.VOLUME: Decimal,
    Input.LOCATE: Locate,
    Input.SSR: Ssr,
    Input.PNL: ProfitAndLoss,
    Input.SECTOR: str,
    Input.SKEW: Decimal,
}
_NOT_NEGATIVE = frozenset({Input.ADV, Input.VOLUME, Input.LOCATE})


@dataclass(frozen=True, slots=True)
class Supplied:
    """What the desk holds of all inputs but the quotes, and how old each may be."""

    data: Mapping[tuple[str, str], Datum] = field(default_factory=dict)
    max_age: Mapping[str, timedelta] = field(default_factory=lambda: MAX_AGE)
    #: When the rules of each instrument were read; one that is missing here was read just now.
    instruments_at: Mapping[str, datetime] = field(default_factory=dict)
    #: The inputs that have a source, whether or not it answers.
    offered: frozenset[str] = frozenset()

    def age_of(self, name: str) -> timedelta:
        """How old this input may be."""
        return self.max_age.get(name, OTHER_MAX_AGE)

    def held(self, name: str, symbol: str) -> Datum | None:
        """The datum as it was supplied, however old."""
        return self.data.get((name, "" if name in ACCOUNT_WIDE else symbol))

    def fresh(self, name: str, symbol: str, now: datetime) -> Datum | None:
        """The datum, if it is sound and no older than allowed."""
        datum = self.data.get((name, "" if name in ACCOUNT_WIDE else symbol))
        if datum is None or not datum.sound:
            return None
        age = now - datum.at if now >= datum.at else datum.at - now
        return datum if age <= self.max_age.get(name, OTHER_MAX_AGE) else None


#: Nothing was supplied.
NOTHING = Supplied()
