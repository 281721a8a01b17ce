"""Busts, corrections, and what else a venue does without being asked; sessions."""

from datetime import UTC, datetime, timedelta

import pytest

from fillwright.testing import ManualClock, Refused, Venue, VenueSettings
from fillwright.testing.venue import Hours, Phase
from fillwright.testing.venue.session import next_change, phase_at
from fillwright.types import ExecType, OrdStatus
from testing.venue_tools import Bench, D, limit


def _bench(**settings) -> Bench:
    bench = Bench(**settings)
    bench.quote("AAPL", "99.99", "100", "10", "10")
    return bench


def test_a_bust_takes_shares_and_money_back():
    """A bust that is booked by half leaves a position that does not exist."""
    bench = _bench(positions={"AAPL": "5"})
    order = bench.send("BUY 20 AAPL")
    (fill,) = bench.venue.executions().items
    execution = bench.venue.control.bust(fill.execution.execution_id)
    assert (bench.held("AAPL"), bench.cash, order.filled) == (5, 100_000, 0)
    assert execution.corrects == fill.execution.execution_id
    assert execution.execution_id != fill.execution.execution_id
    assert bench.kinds(order)[-1] is ExecType.TRADE_CANCEL
    assert bench.said[-1].filled == 0
    bench.venue.step(3)
    assert (order.status, order.filled, bench.held("AAPL")) == (OrdStatus.FILLED, 20, 25)


def test_a_correction_replaces_quantity_and_price():
    """A correction that adds instead of replacing counts a trade twice."""
    bench = _bench()
    bench.send("BUY 10 AAPL")
    (fill,) = bench.venue.executions().items
    name = fill.execution.execution_id
    bench.venue.control.correct(name, D(8), D(99))
    assert (bench.held("AAPL"), bench.cash) == (8, 100_000 - 8 * 99)
    assert bench.venue.account().positions["AAPL"].average_price == 99
    with pytest.raises(ValueError, match="already"):
        bench.venue.control.bust(name)
    last = bench.venue.executions().items[-1]
    assert (last.exec_type, last.execution.corrects) == (ExecType.TRADE_CORRECT, name)
    bench.venue.control.bust(last.execution.execution_id)
    assert (bench.held("AAPL"), bench.cash) == (0, 100_000)


def test_the_cursor_shows_everything_once():
    """A page that skips an execution loses it; one that repeats is only slow."""
    bench = _bench()
    bench.send("BUY 25 AAPL")
    first = bench.venue.executions()
    bench.venue.step(2)
    second = bench.venue.executions(first.cursor)
    assert [f.execution.quantity for f in (*first.items, *second.items)] == [10, 10, 5]
    assert bench.venue.executions(second.cursor).items == ()
    names = [f.execution.execution_id for f in bench.venue.executions().items]
    assert len(set(names)) == len(names)


def test_a_late_fill_counts_and_changes_no_status():
    """A fill after the cancel is a position all the same."""
    bench = _bench()
    order = bench.send("BUY 5 AAPL", **limit("90"))
    bench.venue.cancel(order.broker_order_id)
    bench.venue.control.fill(order.broker_order_id, D(5), D(90))
    assert (order.status, order.filled, bench.held("AAPL")) == (OrdStatus.CANCELED, 5, 5)
    assert bench.power == bench.cash == 100_000 - 450


@pytest.mark.parametrize(
    ("end", "status"),
    [("cancel", OrdStatus.CANCELED), ("reject", OrdStatus.REJECTED), ("expire", OrdStatus.EXPIRED)],
)
def test_the_venue_ends_an_order(end, status):
    """An end that nobody asked for must give its holds back too."""
    bench = _bench()
    order = bench.send("BUY 15 AAPL")
    getattr(bench.venue.control, end)(order.broker_order_id, "because")
    assert (order.status, order.text, order.filled) == (status, "because", 10)
    assert bench.said[-1].text == "because"
    assert bench.power == bench.cash


def test_suspended_and_done_for_day_rest():
    """An order that rests and trades is not resting."""
    bench = _bench()
    control = bench.venue.control
    order = bench.send("BUY 5 AAPL", **limit("99", time_in_force="GTC"))
    control.suspend(order.broker_order_id)
    bench.quote("AAPL", "98", "98.5")
    assert (order.status, order.filled) == (OrdStatus.SUSPENDED, 0)
    assert order in bench.venue.open_orders()
    control.resume(order.broker_order_id)
    bench.venue.step()
    assert order.status is OrdStatus.FILLED
    bench.quote("AAPL", "99.99", "100")
    other = bench.send("BUY 5 AAPL", **limit("99", time_in_force="GTC"))
    control.done_for_day(other.broker_order_id)
    bench.quote("AAPL", "98", "98.5")
    assert other.filled == 0
    control.close_session()
    control.open_session()
    assert other.status is OrdStatus.FILLED


def test_stopped_is_open_and_fills():
    """FIX "stopped" is a promised fill, not a cancel."""
    bench = _bench()
    order = bench.send("BUY 15 AAPL")
    bench.venue.control.stop(order.broker_order_id)
    assert (order.status, bench.kinds(order)[-1]) == (OrdStatus.STOPPED, ExecType.STOPPED)
    bench.venue.step()
    assert order.status is OrdStatus.FILLED


def test_sessions_by_hand():
    """An auction order that trades outside its auction gets another price than was asked for."""
    bench = _bench()
    control = bench.venue.control
    day = bench.send("BUY 5 AAPL", **limit("90"))
    keeps = bench.send("BUY 5 AAPL", **limit("90", time_in_force="GTC"))
    at_close = bench.send("BUY 15 AAPL", time_in_force="CLS")
    bench.venue.step()
    assert at_close.filled == 0
    control.close_session()
    assert (at_close.status, at_close.filled) == (OrdStatus.EXPIRED, 10)
    assert (day.status, keeps.status) == (OrdStatus.EXPIRED, OrdStatus.NEW)
    at_open = bench.send("BUY 5 AAPL", time_in_force="OPG")
    too_low = bench.send("BUY 5 AAPL", **limit("90", time_in_force="OPG"))
    waits = bench.send("BUY 5 AAPL")
    at_once = bench.send("BUY 5 AAPL", time_in_force="IOC")
    assert (waits.status, at_once.status) == (OrdStatus.NEW, OrdStatus.CANCELED)
    bench.venue.step()
    control.open_session()
    assert (at_open.status, too_low.status) == (OrdStatus.FILLED, OrdStatus.EXPIRED)
    assert (waits.status, keeps.status) == (OrdStatus.FILLED, OrdStatus.NEW)


def _new_york(day: int, hour: int, minute: int = 0) -> datetime:
    # March 2026 before the 8th: New York is five hours behind.
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (_new_york(2, 3, 59), Phase.CLOSED),
        (_new_york(2, 4), Phase.PRE),
        (_new_york(2, 9, 30), Phase.OPEN),
        (_new_york(2, 15, 59), Phase.OPEN),
        (_new_york(2, 16), Phase.POST),
        (_new_york(2, 20), Phase.CLOSED),
        (_new_york(7, 12), Phase.CLOSED),
        (datetime(2026, 7, 1, 13, 30, tzinfo=UTC), Phase.OPEN),
        (datetime(2026, 7, 1, 13, 29, tzinfo=UTC), Phase.PRE),
    ],
)
def test_the_us_calendar(at, phase):
    """An hour's error at daylight saving time opens the market too early."""
    assert phase_at(Hours.US, at) is phase
    change = next_change(Hours.US, at)
    assert change > at
    assert phase_at(Hours.US, change) is not phase_at(Hours.US, change - timedelta(seconds=1))


def test_us_hours_end_the_day_and_keep_extended_orders():
    """A DAY order that survives the night trades on yesterday's decision."""
    clock = ManualClock(_new_york(2, 15, 59))
    venue = Venue(VenueSettings(hours=Hours.US, step=1), clock)
    bench = Bench()
    bench.venue, bench.clock = venue, clock
    day = bench.send("BUY 1 AAPL", **limit("50"))
    extended = bench.send("BUY 1 AAPL", **limit("50", extended_hours=True))
    with_extension = bench.send("BUY 1 MSFT", **limit("50", extended_hours=True))
    kept = bench.send("BUY 1 AAPL", **limit("50", time_in_force="GTC"))
    clock.advance(120)
    venue.advance()
    assert [o.status for o in (day, extended, kept)] == [
        OrdStatus.EXPIRED,
        OrdStatus.NEW,
        OrdStatus.NEW,
    ]
    bench.quote("MSFT", "49", "50")
    assert with_extension.status is OrdStatus.FILLED
    waits = bench.send("BUY 1 NVDA")
    crypto = bench.send("BUY 0.01 BTC/USD")
    assert (waits.status, crypto.status) == (OrdStatus.NEW, OrdStatus.FILLED)
    clock.advance(4 * 3600)
    venue.advance()
    assert extended.status is OrdStatus.EXPIRED
    clock.advance(14 * 3600)
    venue.advance()
    assert waits.status is OrdStatus.FILLED
    with pytest.raises(Refused, match="extended hours"):
        bench.send("BUY 1 AAPL", extended_hours=True)


def test_always_hours_roll_at_midnight():
    """A demo on a Sunday must trade, and its DAY orders must still end."""
    clock = ManualClock(datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    venue = Venue(VenueSettings(step=1), clock)
    bench = Bench()
    bench.venue = venue
    day = bench.send("BUY 1 AAPL", **limit("50"))
    at_open = bench.send("BUY 1 AAPL", time_in_force="OPG")
    clock.advance(61)
    venue.advance()
    assert (day.status, at_open.status) == (OrdStatus.EXPIRED, OrdStatus.FILLED)
