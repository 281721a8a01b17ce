"""The market's clock and its days.

The venue has no holidays, and no early closes. A venue that is always open has one session for
each day in UTC, which is shown as it is.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache

from fillwright.protocols import Json
from fillwright.testing.paper_server.calls import Call
from fillwright.testing.paper_server.hours import (
    NEW_YORK,
    next_trading_day,
    trading_days,
)
from fillwright.testing.paper_server.moments import written
from fillwright.testing.paper_server.refusals import misshapen
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.writing import answer
from fillwright.testing.venue import Hours, Phase
from fillwright.testing.venue.session import next_time

_FIRST, _LAST = date(1970, 1, 1), date(2029, 12, 31)
_TIMES: dict[Hours, dict[str, Json]] = {
    Hours.US: {"open": "09:30", "close": "16:00", "session_open": "0400", "session_close": "2000"},
    Hours.ALWAYS: {
        "open": "00:00",
        "close": "23:59",
        "session_open": "0000",
        "session_close": "2359",
    },
}


def get_clock(call: Call) -> Answer:
    """`GET /v2/clock`."""
    hours = call.account.settings.hours
    books = call.venue.books
    return answer(
        200,
        {
            "timestamp": _local(call.now),
            "is_open": books.phase is Phase.OPEN,
            "next_open": _local(next_time(hours, call.now, opens=True), whole=True),
            "next_close": _local(next_time(hours, call.now, opens=False), whole=True),
        },
    )


def get_calendar(call: Call) -> Answer:
    """`GET /v2/calendar`."""
    query = call.query
    first = _day(query.text("start"), "start") or _FIRST
    last = _day(query.text("end"), "end") or _LAST
    if query.choice("date_type", ("TRADING", "SETTLEMENT")) == "SETTLEMENT":
        days = _calendar(call.account.settings.hours, first - timedelta(days=7), last)
        shown = [day for day in days if str(first) <= str(day["settlement_date"]) <= str(last)]
        return answer(200, list(shown))
    return answer(200, list(_calendar(call.account.settings.hours, first, last)))


@lru_cache(maxsize=16)
def _calendar(hours: Hours, first: date, last: date) -> tuple[dict[str, Json], ...]:
    return tuple(
        {
            "date": str(day),
            **_TIMES[hours],
            "settlement_date": str(next_trading_day(hours, day)),
        }
        for day in trading_days(hours, max(first, _FIRST), min(last, _LAST))
    )


def _day(text: str | None, name: str) -> date | None:
    if text is None:
        return None
    try:
        # A time of day behind the date does no harm.
        return min(max(date.fromisoformat(text[:10]), _FIRST), _LAST)
    except ValueError:
        raise misshapen(f"invalid {name}") from None


def _local(moment: datetime, *, whole: bool = False) -> str:
    """A moment with New York's offset, as this endpoint shows it."""
    local = moment.astimezone(NEW_YORK)
    return local.isoformat(timespec="seconds") if whole else written(local, digits="000")
