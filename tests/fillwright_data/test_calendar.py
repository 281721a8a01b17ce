"""The calendar of an exchange: holidays, early closes and pauses are known, and misspelt names."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fillwright.errors import ConfigError
from fillwright.hooks import DataRequest
from fillwright.inputs import Datum, Input, Session, SessionState
from fillwright.plugins import sources
from fillwright.testing import ManualClock
from fillwright_data.calendar import provide_data, session_at

pytest.importorskip("exchange_calendars")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def calendar(now: str, **settings: Any) -> Any:
    return provide_data(DataRequest("calendar", settings, Path(), ManualClock(at(now))))


async def session(now: str, symbol: str = "AAPL", **settings: Any) -> Session:
    datum = await calendar(now, **settings).fetch(Input.SESSION, symbol)
    assert isinstance(datum, Datum)
    assert isinstance(datum.value, Session)
    return datum.value


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-11-25T14:29:59", SessionState.CLOSED),
        ("2026-11-25T14:30:00", SessionState.OPEN),
        ("2026-11-25T20:59:59", SessionState.OPEN),
        ("2026-11-25T21:00:00", SessionState.CLOSED),
        ("2026-11-26T16:00:00", SessionState.CLOSED),  # Thanksgiving
        ("2026-11-27T17:59:59", SessionState.OPEN),
        ("2026-11-27T18:00:00", SessionState.CLOSED),  # an early close
        ("2026-11-28T16:00:00", SessionState.CLOSED),  # a Saturday
    ],
)
async def test_new_york_with_its_holidays_and_early_closes(now: str, state: SessionState) -> None:
    """An order into a closed market fills at tomorrow's price."""
    assert (await session(now)).state is state


async def test_when_it_changes_is_told_too() -> None:
    """A session that was told open is over at its close, whoever still holds the answer."""
    told = await session("2026-11-25T15:00:00")

    assert told.next_close == at("2026-11-25T21:00:00")
    assert told.next_open == at("2026-11-27T14:30:00")


async def test_a_lunch_break_is_a_break() -> None:
    """Tokyo rests at noon."""
    assert (await session("2026-11-25T02:31:00", exchange="XTKS")).state is SessionState.CLOSED
    assert (await session("2026-11-25T03:31:00", exchange="XTKS")).state is SessionState.OPEN


async def test_a_pair_trades_at_all_hours() -> None:
    """A coin knows no Saturday."""
    assert (await session("2026-11-28T16:00:00", "BTC/USD")).state is SessionState.OPEN


async def test_a_desk_that_runs_for_months_still_knows_the_hours() -> None:
    """A calendar that ends is a market that never opens again."""
    clock = ManualClock(at("2026-11-25T15:00:00"))
    made: Any = provide_data(DataRequest("calendar", {}, Path(), clock))
    clock._now = at("2027-03-25T15:00:00")

    assert (await made.fetch(Input.SESSION, "AAPL")).value.state is SessionState.OPEN


def test_a_misspelt_exchange_or_setting_is_named() -> None:
    """Another exchange's hours are worse than none."""
    with pytest.raises(ConfigError, match=r"calendar\.exchange: there is no such exchange"):
        calendar("2026-11-25T15:00:00", exchange="XNYX")
    with pytest.raises(ConfigError, match="Did you mean exchange"):
        calendar("2026-11-25T15:00:00", exchang="XNYS")


def test_who_lacks_the_library_is_told_which_extra_to_install() -> None:
    """A traceback about a module that nobody named helps nobody."""
    fault = sources.not_importable("calendar", ImportError("No module named 'exchange_calendars'"))

    assert "pip install 'fillwright[calendar]'" in str(fault)


def test_before_and_behind_all_hours_it_is_closed() -> None:
    """At the edge of what is known nothing is guessed open."""
    hours = [(at("2026-11-25T14:30:00"), at("2026-11-25T21:00:00"))]

    assert session_at(hours, at("2026-11-24T15:00:00")).state is SessionState.CLOSED
    assert session_at(hours, at("2026-11-26T15:00:00")).state is SessionState.CLOSED
    assert session_at(hours, at("2026-11-26T15:00:00")).next_open is None
