"""Clock and calendar: New York's hours, and their turns."""

from datetime import UTC, datetime

import pytest

from fillwright.testing import ManualClock
from testing.paper_server.api_tools import Api


def _at(*moment: int, **settings) -> Api:
    return Api(clock=ManualClock(datetime(*moment, tzinfo=UTC)), **{"hours": "us"} | settings)


@pytest.mark.parametrize(
    ("moment", "is_open", "next_open", "next_close"),
    [
        ((2026, 3, 3, 15, 0), True, "2026-03-04T09:30:00-05:00", "2026-03-03T16:00:00-05:00"),
        ((2026, 3, 3, 14, 29), False, "2026-03-03T09:30:00-05:00", "2026-03-03T16:00:00-05:00"),
        ((2026, 3, 3, 21, 0), False, "2026-03-04T09:30:00-05:00", "2026-03-04T16:00:00-05:00"),
        # Over the weekend on which summer time begins.
        ((2026, 3, 7, 12, 0), False, "2026-03-09T09:30:00-04:00", "2026-03-09T16:00:00-04:00"),
        ((2026, 3, 6, 20, 59), True, "2026-03-09T09:30:00-04:00", "2026-03-06T16:00:00-05:00"),
    ],
)
def test_the_clock(moment, is_open, next_open, next_close):
    """A client that waits for the wrong open sends its orders into the night."""
    clock = _at(*moment).found("/v2/clock")

    assert (clock["is_open"], clock["next_open"], clock["next_close"]) == (
        is_open,
        next_open,
        next_close,
    )
    assert datetime.fromisoformat(clock["timestamp"]) == datetime(*moment, tzinfo=UTC)
    assert clock["timestamp"].endswith("-05:00")


def test_the_clock_follows_a_session_that_is_closed_by_hand():
    """A test that needs a holiday closes the session, and every client must see it."""
    api = _at(2026, 3, 3, 15, 0)
    api.venue.control.close_session()

    assert api.found("/v2/clock")["is_open"] is False


def test_a_venue_that_never_closes():
    """A demo on a Sunday must look open."""
    api = _at(2026, 3, 1, 15, 0, hours="always")
    clock = api.found("/v2/clock")

    assert clock["is_open"] is True
    assert clock["next_close"] == "2026-03-01T19:00:00-05:00"
    assert [d["date"] for d in api.found("/v2/calendar", start="2026-02-28", end="2026-03-01")] == [
        *("2026-02-28", "2026-03-01"),
    ]


def test_the_calendar():
    """A client counts its days here; a weekend in the list shifts every one of them."""
    days = _at(2026, 3, 3, 15, 0).found("/v2/calendar", start="2026-03-05", end="2026-03-10")

    assert [day["date"] for day in days] == [
        *("2026-03-05", "2026-03-06", "2026-03-09", "2026-03-10"),
    ]
    assert days[1] == {
        "date": "2026-03-06",
        "open": "09:30",
        "close": "16:00",
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": "2026-03-09",
    }


def test_the_calendar_by_settlement():
    """Who plans withdrawals asks for the day on which a trade settles."""
    api = _at(2026, 3, 3, 15, 0)
    days = api.found("/v2/calendar", start="2026-03-09", end="2026-03-10", date_type="SETTLEMENT")

    assert [day["date"] for day in days] == ["2026-03-06", "2026-03-09"]


def test_the_whole_calendar():
    """Old clients ask without bounds and take what comes."""
    days = _at(2026, 3, 3, 15, 0).found("/v2/calendar")

    assert (days[0]["date"], days[-1]["date"]) == ("1970-01-01", "2029-12-31")
    assert len(days) == 15_653


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"start": "soon"}, 422),
        ({"date_type": "BIRTHDAY"}, 422),
        ({"start": "2026-03-09", "end": "2026-03-01"}, 200),
        ({"start": "2026-03-09T00:00:00Z", "end": "2026-03-09"}, 200),
        ({"start": "0001-01-01", "end": "0001-01-02", "date_type": "SETTLEMENT"}, 200),
    ],
)
def test_bounds(query, status):
    """A bound that cannot be read must not be read as no bound."""
    assert _at(2026, 3, 3, 15, 0).get("/v2/calendar", **query).status == status
