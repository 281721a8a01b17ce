"""Bracket, OCO and OTO: legs wait, wake, share one position and end together."""

import pytest

from fillwright.orders import OrderChange
from fillwright.testing import Refused
from fillwright.types import ExecType, OrdStatus
from testing.venue_tools import Bench, limit

_LEGS = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}


def _bench(**settings) -> Bench:
    bench = Bench(**settings)
    bench.quote("AAPL", "99.99", "100", "10", "10")
    return bench


def _bracket(bench, text="BUY 15 AAPL", **fields):
    entry = bench.send(text, order_class="BRACKET", **(_LEGS | fields))
    profit, stop = (bench.venue.order(leg) for leg in entry.legs)
    return entry, profit, stop


def test_legs_are_held_until_the_entry_is_filled():
    """A stop that works before its entry sells what is not there."""
    bench = _bench()
    entry, profit, stop = _bracket(bench)
    assert [leg.status for leg in (profit, stop)] == [OrdStatus.PENDING_NEW] * 2
    assert profit.parent == stop.parent == entry.client_order_id
    assert profit.client_order_id != stop.client_order_id
    assert entry.filled == 10
    bench.venue.step()
    assert [leg.status for leg in (entry, profit, stop)] == [
        OrdStatus.FILLED,
        OrdStatus.NEW,
        OrdStatus.NEW,
    ]
    assert bench.kinds(stop) == [ExecType.PENDING_NEW, ExecType.NEW]
    assert bench.venue.account().positions["AAPL"].available == 0


@pytest.mark.parametrize(("bid", "winner"), [("110", 1), ("90", 2)])
def test_one_leg_cancels_the_other(bid, winner):
    """Two exits that both fill turn a long position into a short one."""
    bench = _bench()
    group = _bracket(bench)
    bench.venue.step()
    bench.quote("AAPL", bid, "111", "100", "100")
    bench.venue.step(2)
    assert group[winner].status is OrdStatus.FILLED
    assert group[3 - winner].status is OrdStatus.CANCELED
    assert bench.held("AAPL") == 0
    assert bench.power == bench.cash


def test_a_partial_exit_shrinks_the_other_leg():
    """Legs that each keep the whole quantity oversell after a partial fill."""
    bench = _bench()
    _, profit, stop = _bracket(bench)
    bench.venue.step()
    bench.quote("AAPL", "110", "111", "4", "4")
    assert (profit.filled, stop.quantity) == (4, 11)
    assert bench.kinds(stop)[-1] is ExecType.RESTATED
    bench.quote("AAPL", "90", "111", "5", "5")
    assert (stop.filled, profit.leaves, stop.leaves) == (5, 6, 6)
    bench.venue.step(2)
    assert bench.held("AAPL") == 0
    assert profit.filled + stop.filled == 15


def test_canceling_a_leg_or_the_entry_ends_the_rest():
    """A leg that is left alone works for a position that is gone."""
    bench = _bench()
    _, profit, stop = _bracket(bench)
    bench.venue.step()
    bench.venue.cancel(stop.broker_order_id)
    assert profit.status is OrdStatus.CANCELED
    entry, profit, stop = _bracket(bench, **limit("95"))
    bench.venue.cancel(entry.broker_order_id)
    assert [leg.status for leg in (profit, stop)] == [OrdStatus.CANCELED] * 2


def test_an_entry_that_ends_early_leaves_its_fills_protected():
    """A partly filled entry without its stop is an open risk."""
    bench = _bench()
    entry, profit, stop = _bracket(bench)
    bench.venue.cancel(entry.broker_order_id)
    assert entry.filled == 10
    assert (profit.status, profit.quantity, stop.quantity) == (OrdStatus.NEW, 10, 10)


def test_oco_exits_with_one_of_two():
    """Both halves of an OCO tie up the position once, not twice."""
    bench = _bench(positions={"AAPL": "10"})
    main = bench.send("SELL 10 AAPL", order_class="OCO", **_LEGS, **limit("110"))
    (stop,) = (o for o in bench.venue.open_orders() if o is not main)
    assert (stop.parent, stop.stop_price, stop.status) == (
        main.client_order_id,
        90,
        OrdStatus.NEW,
    )
    with pytest.raises(Refused, match="available: 0"):
        bench.send("SELL 1 AAPL", **limit("120"))
    bench.quote("AAPL", "89", "89.01")
    assert (stop.status, main.status) == (OrdStatus.FILLED, OrdStatus.CANCELED)
    assert bench.held("AAPL") == 0


@pytest.mark.parametrize(
    "leg", [{"take_profit": {"limit_price": "110"}}, {"stop_loss": {"stop_price": "90"}}]
)
def test_oto_wakes_one_leg(leg):
    """An OTO without its other order is a naked entry."""
    bench = _bench()
    entry = bench.send("BUY 10 AAPL", order_class="OTO", **leg)
    (only,) = (bench.venue.order(name) for name in entry.legs)
    assert (entry.status, only.status, only.quantity) == (OrdStatus.FILLED, OrdStatus.NEW, 10)


def test_a_short_bracket_covers():
    """Legs on the wrong side would double a short position."""
    bench = _bench()
    legs = {"take_profit": {"limit_price": "90"}, "stop_loss": {"stop_price": "110"}}
    _, profit, stop = _bracket(bench, "SELL 10 AAPL", **legs)
    assert bench.held("AAPL") == -10
    bench.quote("AAPL", "89", "90", "100", "100")
    assert (profit.status, stop.status) == (OrdStatus.FILLED, OrdStatus.CANCELED)
    assert (bench.held("AAPL"), bench.power) == (0, bench.cash)


def test_a_replaced_leg_keeps_its_ties():
    """A stop that was moved must still end when the profit is taken."""
    bench = _bench()
    _, profit, stop = _bracket(bench)
    bench.venue.step()
    change = OrderChange.model_validate({"stop_price": "95"})
    moved = bench.venue.replace(stop.broker_order_id, change)
    with pytest.raises(Refused, match="complex"):
        bench.venue.replace(moved.broker_order_id, OrderChange.model_validate({"quantity": "5"}))
    bench.quote("AAPL", "110", "111", "100", "100")
    assert (profit.status, moved.status) == (OrdStatus.FILLED, OrdStatus.CANCELED)
    assert bench.held("AAPL") == 0


def test_a_replaced_entry_keeps_its_legs():
    """An entry that was re-priced must still be protected."""
    bench = _bench()
    entry, profit, _ = _bracket(bench, **limit("95"))
    change = OrderChange.model_validate({"limit_price": "100"})
    new = bench.venue.replace(entry.broker_order_id, change)
    bench.venue.step(2)
    assert (new.status, profit.status, profit.quantity) == (OrdStatus.FILLED, OrdStatus.NEW, 15)
