"""The fake broker's own clock and its trading days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from fillwright.protocols import SessionSource
from fillwright.testing import FakeBroker, FakeBrokerSettings, ManualClock

FRIDAY = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)


def broker(hours: str, now: datetime = FRIDAY) -> FakeBroker:
    settings = FakeBrokerSettings.model_validate({"hours": hours, "step": 0})
    return FakeBroker(settings, ManualClock(now))


def test_it_is_a_source_of_sessions() -> None:
    """A check that needs the session would refuse every order of every test."""
    assert isinstance(broker("us"), SessionSource)


@pytest.mark.parametrize(
    ("now", "is_open", "opens", "closes"),
    [
        # Friday, 15:00 in New York, in winter time.
        ("2026-11-20T20:00", True, "2026-11-23T14:30", "2026-11-20T21:00"),
        ("2026-11-20T21:00", False, "2026-11-23T14:30", "2026-11-23T21:00"),
        # Early on Monday: extended hours are not the session.
        ("2026-11-23T10:00", False, "2026-11-23T14:30", "2026-11-23T21:00"),
        # Over a change of the clocks.
        ("2026-10-30T20:00", False, "2026-11-02T14:30", "2026-11-02T21:00"),
    ],
)
async def test_us_hours(now: str, is_open: bool, opens: str, closes: str) -> None:
    """A clock that is an hour off sends orders into a closed market twice a year."""
    said = await broker("us", at(now)).session()

    assert (said.at, said.is_open) == (at(now), is_open)
    assert (said.next_open, said.next_close) == (at(opens), at(closes))


async def test_always_is_one_session_a_day() -> None:
    """A day without an end would never begin the limits of a day anew."""
    said = await broker("always").session()
    midnight = datetime(2026, 11, 21, tzinfo=UTC)

    assert said.is_open
    assert (said.next_open, said.next_close) == (midnight, midnight)


async def test_trading_days() -> None:
    """A calendar that leaves a day out moves every count of days."""
    first, last = date(2026, 11, 20), date(2026, 11, 23)
    us = await broker("us").calendar(first, last)
    always = await broker("always").calendar(first, last)

    assert [day.day for day in us] == [first, last]
    assert (us[0].opens, us[0].closes) == (at("2026-11-20T14:30"), at("2026-11-20T21:00"))
    assert [day.day for day in always] == [first + timedelta(days=n) for n in range(4)]
    assert {day.closes - day.opens for day in always} == {timedelta(days=1)}
    assert await broker("us").calendar(last, first) == []


async def test_staff_may_close_it_by_hand() -> None:
    """An unscheduled halt of the whole market is no line in a calendar."""
    made = broker("always")
    made.venue.control.close_session()

    assert not (await made.session()).is_open


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
