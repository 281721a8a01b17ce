"""Sessions in the API's words: when a DAY or GTC order ends, and trading days."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from fillwright.testing.venue import Hours, Phase
from fillwright.testing.venue.session import next_change, phase_at

NEW_YORK = ZoneInfo("America/New_York")
#: A GTC order is canceled on this day after its creation, at this time in New York.
_GTC_DAYS = timedelta(days=90)
_GTC_TIME = time(16, 15)
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@lru_cache(maxsize=4096)
def day_end(hours: Hours, after: datetime, *, extended: bool = False) -> datetime:
    """When a DAY order of this moment ends: the close, or the end of the extended day."""
    if hours is Hours.ALWAYS:
        return next_change(hours, after)
    while True:
        before = phase_at(hours, after)
        after = next_change(hours, after)
        if phase_at(hours, after) is Phase.CLOSED if extended else before is Phase.OPEN:
            return after


def gtc_end(created: datetime) -> datetime:
    """When a GTC order of this moment is canceled."""
    day = created.astimezone(NEW_YORK).date() + _GTC_DAYS
    return datetime.combine(day, _GTC_TIME, NEW_YORK).astimezone(UTC)


def is_trading_day(hours: Hours, day: date) -> bool:
    """Whether there is a session on this day."""
    return hours is Hours.ALWAYS or day.weekday() < _SATURDAY


def trading_days(hours: Hours, first: date, last: date) -> Iterator[date]:
    """Every day with a session between two days, both included."""
    for number in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(number)
        if is_trading_day(hours, day):
            yield day


def next_trading_day(hours: Hours, day: date, *, step: int = 1) -> date:
    """The next day with a session; the one before with `step=-1`."""
    day += step * _ONE_DAY
    while not is_trading_day(hours, day):
        day += step * _ONE_DAY
    return day
