"""When the venue trades: phases of the day, and the moment of the next change.

There are no holidays; a test that needs one closes the session itself.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from fillwright.accounts import TradingDay
from fillwright.testing.venue.settings import Hours

_NEW_YORK = ZoneInfo("America/New_York")
_MIDNIGHT = time(0, 0)
_SATURDAY = 5


class Phase(StrEnum):
    """What may trade."""

    CLOSED = "closed"
    PRE = "pre"
    OPEN = "open"
    POST = "post"


#: Each phase of a New York weekday with its beginning, in order.
_DAY = (
    (time(4, 0), Phase.PRE),
    (time(9, 30), Phase.OPEN),
    (time(16, 0), Phase.POST),
    (time(20, 0), Phase.CLOSED),
)


def phase_at(hours: Hours, now: datetime) -> Phase:
    """The phase that the calendar gives."""
    if hours is Hours.ALWAYS:
        return Phase.OPEN
    local = now.astimezone(_NEW_YORK)
    if local.weekday() >= _SATURDAY:
        return Phase.CLOSED
    phase = Phase.CLOSED
    for begins, name in _DAY:
        if local.time() >= begins:
            phase = name
    return phase


def next_time(hours: Hours, after: datetime, *, opens: bool) -> datetime:
    """When the regular hours begin or end next; of a day that is always open, at its midnight."""
    if hours is Hours.ALWAYS:
        return next_change(hours, after)
    was_open, moment = phase_at(hours, after) is Phase.OPEN, next_change(hours, after)
    is_open = phase_at(hours, moment) is Phase.OPEN
    while is_open == was_open or is_open != opens:
        was_open, moment = is_open, next_change(hours, moment)
        is_open = phase_at(hours, moment) is Phase.OPEN
    return moment


def trading_day(hours: Hours, day: date) -> TradingDay | None:
    """The regular hours of one day; None when there are none."""
    if hours is Hours.ALWAYS:
        midnight = datetime.combine(day, _MIDNIGHT, UTC)
        return TradingDay(day, midnight, midnight + timedelta(days=1))
    if day.weekday() >= _SATURDAY:
        return None
    times = {phase: begins for begins, phase in _DAY}
    opens, closes = (
        datetime.combine(day, times[phase], _NEW_YORK).astimezone(UTC)
        for phase in (Phase.OPEN, Phase.POST)
    )
    return TradingDay(day, opens, closes)


def next_change(hours: Hours, after: datetime) -> datetime:
    """The first moment later than `after` at which the calendar has something to say."""
    if hours is Hours.ALWAYS:
        tomorrow = after.astimezone(UTC).date() + timedelta(days=1)
        return datetime.combine(tomorrow, _MIDNIGHT, UTC)
    day = after.astimezone(_NEW_YORK).date()
    while True:
        if day.weekday() < _SATURDAY:
            for begins, _ in _DAY:
                moment = datetime.combine(day, begins, _NEW_YORK).astimezone(UTC)
                if moment > after:
                    return moment
        day += timedelta(days=1)
