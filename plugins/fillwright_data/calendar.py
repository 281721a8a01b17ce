"""`calendar`: when an exchange is open, where the broker has no clock; over exchange-calendars."""

import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError

from fillwright.config import explain_table
from fillwright.errors import ConfigError
from fillwright.hooks import DataRequest, hookimpl
from fillwright.inputs import DataProvider, Datum, Input, Session, SessionState
from fillwright.protocols import Clock
from fillwright.types import Value

#: How far around now the hours are looked up, and how near its end they are looked up again.
BEFORE, AHEAD, AGAIN = timedelta(days=7), timedelta(days=60), timedelta(days=30)

Hours = tuple[datetime, datetime]


class CalendarSettings(Value):
    """`[calendar]`."""

    #: The exchange, by its ISO code (MIC): XNYS, XNAS, XLON.
    exchange: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,8}$")] = "XNYS"


class Calendar:
    """Supply SESSION by the hours of one exchange; halts are not in it.

    A pair like BTC/USD trades at all hours.
    """

    supplies = frozenset({Input.SESSION})

    def __init__(self, exchange: str, clock: Clock) -> None:
        # Imported here, because it takes a second and a half and most desks do not need it.
        import exchange_calendars  # noqa: PLC0415

        self._library: Any = exchange_calendars
        self._exchange = exchange
        self._clock = clock
        self._hours: Sequence[Hours] = self._looked_up(clock.now())

    async def fetch(self, name: str, symbol: str) -> Datum | None:
        """Whether the exchange is open now, and when that changes."""
        now = self._clock.now()
        if name not in self.supplies:
            return None
        if "/" in symbol:
            return Datum(name, symbol, Session(SessionState.OPEN), now)
        if now + AGAIN > self._hours[-1][1]:
            self._hours = self._looked_up(now)
        return Datum(name, symbol, session_at(self._hours, now), now)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _looked_up(self, now: datetime) -> Sequence[Hours]:
        first, last = (now - BEFORE).date().isoformat(), (now + AHEAD).date().isoformat()
        try:
            with warnings.catch_warnings():
                # The library warns of its own use of pandas, about which nobody here can do more.
                warnings.simplefilter("ignore", DeprecationWarning)
                calendar = self._library.get_calendar(self._exchange, start=first, end=last)
        except self._library.errors.InvalidCalendarName as fault:
            hint = "Name it by its ISO code, like XNYS"
            raise ConfigError("calendar.exchange", "there is no such exchange", hint) from fault
        return list(_hours(calendar.schedule))


def session_at(hours: Sequence[Hours], now: datetime) -> Session:
    """The session at `now`, from hours that lie on both sides of it."""
    at = bisect_right(hours, now, key=lambda one: one[0])
    following = hours[at][0] if at < len(hours) else None
    if at and now < hours[at - 1][1]:
        return Session(SessionState.OPEN, following, hours[at - 1][1])
    return Session(SessionState.CLOSED, following, hours[at][1] if at < len(hours) else None)


def _hours(schedule: Any) -> Iterator[Hours]:  # noqa: ANN401  # a pandas table
    """Opening and closing times; a lunch break makes two of a day."""
    for row in schedule.itertuples(index=False):
        opens, closes = _utc(row.open), _utc(row.close)
        pause, resumes = _utc(row.break_start), _utc(row.break_end)
        if opens is None or closes is None:
            continue
        if pause is None or resumes is None:
            yield opens, closes
        else:
            yield opens, pause
            yield resumes, closes


def _utc(moment: Any) -> datetime | None:  # noqa: ANN401  # a pandas time, or none
    at: datetime = moment.to_pydatetime()
    return None if at != at else at.astimezone(UTC)  # noqa: PLR0124  # no time equals itself


@hookimpl
def provide_data(request: DataRequest) -> DataProvider:
    """Look the exchange up, so that a misspelt one is told before anything starts."""
    try:
        settings = CalendarSettings.model_validate(dict(request.settings))
    except ValidationError as fault:
        raise explain_table(fault, request.name, CalendarSettings) from None
    return Calendar(settings.exchange, request.clock)
