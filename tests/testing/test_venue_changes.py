"""Cancel and replace, at once and with fills in between."""

import pytest

from fillwright.errors import DuplicateClientOrderId
from fillwright.orders import OrderChange
from fillwright.testing import Refused, Why
from fillwright.types import ExecType, OrdStatus
from testing.venue_tools import Bench, D, limit


def _bench(**settings) -> Bench:
    bench = Bench(**settings)
    bench.quote("AAPL", "99.99", "100", "10", "10")
    return bench


def _change(**fields) -> OrderChange:
    return OrderChange.model_validate(fields)


def test_replace_makes_a_new_order_that_carries_the_fills():
    """A replace that forgets the fills buys them twice."""
    bench = _bench()
    old = bench.send("BUY 30 AAPL", "mine", **limit("100"))
    assert old.filled == 10
    new = bench.venue.replace(
        old.broker_order_id, _change(quantity="25", limit_price="99"), "mine-2"
    )
    assert (old.status, old.replaced_by) == (OrdStatus.REPLACED, new.broker_order_id)
    assert new.replaces == old.broker_order_id
    assert (new.quantity, new.filled, new.leaves) == (25, 10, 15)
    assert bench.power == bench.cash - 15 * 99
    bench.quote("AAPL", "98", "98.50", "100", "100")
    assert (new.status, new.filled, new.value) == (OrdStatus.FILLED, 25, 1000 + 15 * D("98.50"))
    assert bench.held("AAPL") == 25
    assert bench.kinds(old) == [ExecType.NEW, ExecType.TRADE, ExecType.REPLACED]
    assert bench.kinds(new) == [ExecType.NEW, ExecType.TRADE]


def test_replace_may_keep_the_client_order_id():
    """The newest order of a chain is the one that its id means."""
    bench = _bench()
    old = bench.send("BUY 5 AAPL", "mine", **limit("90"))
    new = bench.venue.replace(old.broker_order_id, _change(limit_price="91"))
    assert bench.venue.find("mine") is new
    with pytest.raises(DuplicateClientOrderId):
        bench.send("BUY 1 AAPL", "mine")


@pytest.mark.parametrize(
    ("fields", "why", "said"),
    [
        ({"quantity": "10"}, Why.BAD_QUANTITY, "qty must be > filled_qty"),
        ({"limit_price": "100"}, Why.NOT_REPLACEABLE, "not changed"),
        ({"limit_price": "99.999"}, Why.BAD_PRICE, "sub-penny"),
        ({"stop_price": "99"}, Why.BAD_PRICE, "no stop_price"),
        ({"quantity": "2000"}, Why.INSUFFICIENT_FUNDS, "insufficient buying power"),
        ({"quantity": "20.5"}, Why.BAD_QUANTITY, "whole number"),
        ({"time_in_force": "GTD"}, Why.UNSUPPORTED, "cannot be changed"),
    ],
)
def test_a_refused_replace_changes_nothing(fields, why, said):
    """A refused change that half happened leaves an order that nobody wanted."""
    bench = _bench()
    order = bench.send("BUY 30 AAPL", **limit("100"))
    before = (bench.power, len(bench.said), order.snapshot())
    with pytest.raises(Refused, match=said) as refused:
        bench.venue.replace(order.broker_order_id, _change(**fields))
    assert refused.value.why is why
    assert (bench.power, len(bench.said), order.snapshot()) == before


def test_ended_and_pending_orders_are_not_changed():
    """A cancel that is taken for a filled order would be waited for, for ever."""
    bench = _bench(pending_steps=2)
    done = bench.send("BUY 5 AAPL")
    for ask in (
        lambda: bench.venue.cancel(done.broker_order_id),
        lambda: bench.venue.replace(done.broker_order_id, _change(quantity="6")),
    ):
        with pytest.raises(Refused):
            ask()
    order = bench.send("BUY 5 AAPL", **limit("90"))
    bench.venue.cancel(order.broker_order_id)
    assert order.status is OrdStatus.PENDING_CANCEL
    with pytest.raises(Refused, match="PENDING_CANCEL"):
        bench.venue.cancel(order.broker_order_id)
    with pytest.raises(Refused, match="cannot replace order in PENDING_CANCEL"):
        bench.venue.replace(order.broker_order_id, _change(quantity="6"))
    bench.venue.step(2)
    assert order.status is OrdStatus.CANCELED
    notional = bench.send("BUY $100 AAPL", **limit("90"))
    with pytest.raises(Refused, match="notional"):
        bench.venue.replace(notional.broker_order_id, _change(limit_price="91"))


def test_a_fill_wins_the_race_with_a_cancel():
    """A cancel that undoes a fill loses shares."""
    bench = _bench(pending_steps=2)
    order = bench.send("BUY 5 AAPL", **limit("90"))
    bench.venue.cancel(order.broker_order_id)
    bench.quote("AAPL", "89", "90", "10", "10")
    bench.venue.step(3)
    assert order.status is OrdStatus.FILLED
    assert bench.kinds(order) == [
        ExecType.NEW,
        ExecType.PENDING_CANCEL,
        ExecType.TRADE,
        ExecType.CANCEL_REJECTED,
    ]


def test_fills_during_a_pending_replace_are_carried_or_win():
    """The replaced order and its successor together must never fill more than was asked."""
    bench = _bench(pending_steps=2)
    part = bench.send("BUY 15 AAPL", **limit("90"))
    new = bench.venue.replace(part.broker_order_id, _change(quantity="20"), "new")
    assert (part.status, new.status) == (OrdStatus.PENDING_REPLACE, OrdStatus.PENDING_NEW)
    assert bench.power == 100_000 - 20 * 90
    bench.quote("AAPL", "89", "90", "6", "6")
    assert part.filled == 6
    bench.venue.step(2)
    assert (part.status, part.filled) == (OrdStatus.FILLED, 15)
    assert new.status is OrdStatus.REJECTED
    assert bench.kinds(part)[-1] is ExecType.REPLACE_REJECTED
    assert bench.power == bench.cash == 100_000 - 15 * 90

    slow = bench.send("BUY 15 AAPL", **limit("80"))
    next_one = bench.venue.replace(slow.broker_order_id, _change(quantity="20"))
    bench.quote("AAPL", "79", "80", "6", "6")
    bench.quote("AAPL", "89", "90", "6", "6")
    assert bench.venue.find(slow.client_order_id) is slow
    assert (slow.filled, next_one.filled) == (6, 0)
    bench.venue.step(2)
    assert (slow.status, next_one.filled, next_one.leaves) == (OrdStatus.REPLACED, 6, 14)
    assert bench.venue.find(slow.client_order_id) is next_one
    assert bench.power == bench.cash - 14 * 80


def test_cancel_during_a_pending_replace_by_the_venue_gives_everything_back():
    """A hold of a replace that came to nothing would be lost for good."""
    bench = _bench(pending_steps=5)
    order = bench.send("BUY 5 AAPL", **limit("90"))
    new = bench.venue.replace(order.broker_order_id, _change(quantity="50"), "n")
    bench.venue.control.cancel(order.broker_order_id)
    assert (order.status, new.status) == (OrdStatus.CANCELED, OrdStatus.REJECTED)
    assert bench.power == 100_000


def test_replacing_a_sell_keeps_within_the_position():
    """A larger sell must not use shares that another sell has promised."""
    bench = _bench(positions={"AAPL": "10"})
    one = bench.send("SELL 4 AAPL", **limit("110"))
    bench.send("SELL 4 AAPL", **limit("110"))
    with pytest.raises(Refused, match=r"requested: 7, available: 6"):
        bench.venue.replace(one.broker_order_id, _change(quantity="7"))
    new = bench.venue.replace(one.broker_order_id, _change(quantity="6"))
    assert new.status is OrdStatus.NEW
    assert bench.venue.account().positions["AAPL"].available == 0


def test_a_replace_can_trade_at_once_and_loses_its_place():
    """A re-peg that does not trade when it crosses would wait for nothing."""
    bench = _bench()
    early = bench.send("BUY 10 AAPL", **limit("98"))
    late = bench.send("BUY 10 AAPL", **limit("98"))
    moved = bench.venue.replace(early.broker_order_id, _change(quantity="11"))
    bench.quote("AAPL", "97", "97.5", "10", "10")
    assert (late.filled, moved.filled) == (10, 0)
    again = bench.venue.replace(moved.broker_order_id, _change(limit_price="99"))
    bench.venue.step()
    assert again.filled == 10


def test_a_trailing_stop_trails_anew_after_a_replace():
    """A new distance from an old watermark could trigger at once."""
    bench = _bench(positions={"AAPL": "10"})
    order = bench.send("SELL 10 AAPL", type="TRAILING_STOP", trail_price="5")
    bench.quote("AAPL", "120", "120.01")
    bench.quote("AAPL", "116", "116.01")
    new = bench.venue.replace(order.broker_order_id, _change(trail_price="2"))
    assert (new.stop_price, new.status) == (114, OrdStatus.NEW)


def test_a_replace_may_use_what_its_order_held():
    """A re-peg that needs the money twice fails whenever the account is nearly spent."""
    bench = _bench()
    order = bench.send("BUY 1000 AAPL", **limit("98"))
    new = bench.venue.replace(order.broker_order_id, _change(limit_price="99"))
    assert (new.status, bench.power) == (OrdStatus.NEW, 1_000)
