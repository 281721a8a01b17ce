"""Order types, time in force, displayed size and priority."""

from datetime import timedelta

import pytest

from fillwright.testing import Refused, Touch, Why
from fillwright.testing.venue import ROUTES
from fillwright.types import AssetClass, ExecType, OrderClass, OrdStatus, OrdType, TimeInForce
from testing.venue_tools import Bench, D, limit


def _bench(**settings) -> Bench:
    bench = Bench(**{"cash": "1000000"} | settings)
    bench.quote("AAPL", "99.99", "100.00", "50", "40")
    return bench


_FIELDS = {
    OrdType.MARKET: {},
    OrdType.LIMIT: {"limit_price": "100.50"},
    OrdType.STOP: {"stop_price": "99"},
    OrdType.STOP_LIMIT: {"stop_price": "99", "limit_price": "100.50"},
    OrdType.TRAILING_STOP: {"trail_price": "1"},
}


@pytest.mark.parametrize("tif", TimeInForce)
@pytest.mark.parametrize("kind", OrdType)
@pytest.mark.parametrize("amount", ["100", "10.5", "$1000"])
def test_every_type_with_every_time_in_force(kind, tif, amount):
    """A route that is declared and refused, or the reverse, would strand a plan half way."""
    bench = _bench()
    fields = {"type": kind, "time_in_force": tif} | _FIELDS[kind]
    if tif is TimeInForce.GTD:
        fields["expire_time"] = bench.clock.now() + timedelta(seconds=60)
    whole = amount == "100"
    routes = ROUTES[AssetClass.US_EQUITY]
    by_notional = routes.notional if amount.startswith("$") else routes.fractional
    table = routes.whole[OrderClass.SIMPLE] if whole else by_notional
    if tif not in table.get(kind, ()):
        with pytest.raises(Refused) as refused:
            bench.send(f"BUY {amount} AAPL", **fields)
        assert refused.value.why is Why.UNSUPPORTED
        return
    order = bench.send(f"BUY {amount} AAPL", **fields)
    if not whole:
        assert order.status is (
            OrdStatus.NEW if tif in (TimeInForce.OPG, TimeInForce.CLS) else OrdStatus.FILLED
        )
        return
    expected = {
        TimeInForce.IOC: (OrdStatus.CANCELED, D(40)),
        TimeInForce.FOK: (OrdStatus.CANCELED, D(0)),
        TimeInForce.OPG: (OrdStatus.NEW, D(0)),
        TimeInForce.CLS: (OrdStatus.NEW, D(0)),
    }.get(tif, (OrdStatus.PARTIALLY_FILLED, D(40)))
    if kind is OrdType.TRAILING_STOP:
        expected = (OrdStatus.NEW, D(0))
    assert (order.status, order.filled) == expected
    bench.venue.step(2)
    if expected[0] is OrdStatus.PARTIALLY_FILLED:
        assert (order.status, order.filled, order.average_price) == (OrdStatus.FILLED, 100, 100)


def test_displayed_size_is_gone_until_the_next_step():
    """Size that comes back at once would make every order fill in one piece."""
    bench = _bench()
    first, second = bench.send("BUY 30 AAPL"), bench.send("BUY 30 AAPL")
    assert (first.filled, second.filled) == (30, 10)
    assert bench.venue.quote("AAPL").ask_size == 0
    bench.venue.step()
    assert second.status is OrdStatus.FILLED
    assert bench.venue.quote("AAPL").ask_size == 20


def test_better_price_first_then_earlier():
    """A queue that is not kept would fill a late order before an early one."""
    bench = _bench()
    low = bench.send("BUY 30 AAPL", **limit("98"))
    early = bench.send("BUY 30 AAPL", **limit("99"))
    late = bench.send("BUY 30 AAPL", **limit("99"))
    bench.quote("AAPL", "97.90", "97.95", "10", "40")
    assert (early.filled, late.filled, low.filled) == (30, 10, 0)
    assert early.average_price == D("97.95")
    bench.venue.step()
    assert (late.filled, low.filled) == (30, 20)


def test_a_limit_waits_for_its_price():
    """A limit order that trades through its limit costs its owner money."""
    bench = _bench()
    order = bench.send("BUY 10 AAPL", **limit("99.50"))
    bench.venue.step(3)
    assert (order.status, order.filled) == (OrdStatus.NEW, 0)
    bench.quote("AAPL", "99.30", "99.50", "10", "10")
    assert (order.status, order.average_price) == (OrdStatus.FILLED, D("99.50"))


def test_stops_wait_and_then_trade():
    """A stop that trades early sells at the top of its own panic."""
    bench = _bench(positions={"AAPL": "30"})
    stop = bench.send("SELL 10 AAPL", type="STOP", stop_price="95")
    stop_limit = bench.send("SELL 10 AAPL", type="STOP_LIMIT", stop_price="95", limit_price="94.50")
    bench.quote("AAPL", "95.01", "95.02")
    assert not stop.triggered
    bench.quote("AAPL", "94.00", "94.10")
    assert (stop.status, stop.average_price) == (OrdStatus.FILLED, D(94))
    assert (stop_limit.status, stop_limit.triggered) == (OrdStatus.NEW, True)
    bench.quote("AAPL", "94.60", "94.70")
    assert stop_limit.average_price == D("94.60")


@pytest.mark.parametrize(
    ("trail", "stop"), [({"trail_price": "2"}, "108"), ({"trail_percent": "10"}, "99")]
)
def test_a_trailing_stop_follows_and_never_retreats(trail, stop):
    """A trailing stop that moves back protects nothing."""
    bench = _bench(positions={"AAPL": "10"})
    order = bench.send("SELL 10 AAPL", type="TRAILING_STOP", **trail)
    bench.quote("AAPL", "110", "110.01")
    bench.quote("AAPL", "109", "109.01")
    assert (order.stop_price, order.status) == (D(stop), OrdStatus.NEW)
    bench.quote("AAPL", stop, "120")
    assert (order.status, order.average_price) == (OrdStatus.FILLED, D(stop))


def test_notional_spends_no_more_than_it_says():
    """An order by notional that rounds up overdraws the account."""
    bench = _bench()
    bench.quote("AAPL", "29.98", "29.99", "5", "5")
    order = bench.send("BUY $200 AAPL")
    assert order.status is OrdStatus.PARTIALLY_FILLED
    bench.quote("AAPL", "30.06", "30.07", "5", "5")
    assert order.status is OrdStatus.FILLED
    assert order.quantity == order.filled
    assert D("199.99") < order.value <= 200
    assert bench.power == bench.cash == 1_000_000 - order.value


def test_gtd_ends_at_its_time():
    """An order that outlives its time trades on a decision that is no longer wanted."""
    bench = _bench()
    when = bench.clock.now() + timedelta(seconds=10)
    order = bench.send("BUY 1 AAPL", **limit("90", time_in_force="GTD", expire_time=when))
    bench.clock.advance(9)
    assert bench.venue.find(order.client_order_id).status is OrdStatus.NEW
    bench.clock.advance(1)
    bench.venue.advance()
    assert order.status is OrdStatus.EXPIRED
    assert bench.kinds(order) == [ExecType.NEW, ExecType.EXPIRED]


def test_a_market_buy_never_costs_more_than_was_held():
    """A market buy that runs away would take buying power that others were promised."""
    bench = _bench()
    order = bench.send("BUY 60 AAPL")
    bench.quote("AAPL", "110", "110.01")
    assert order.filled == 40
    bench.quote("AAPL", "104", "104.5")
    assert order.status is OrdStatus.FILLED


def test_whole_orders_fill_in_whole_shares():
    """A fraction left at the touch must not make a fraction of a whole-share order."""
    bench = _bench()
    bench.send("BUY 0.5 AAPL")
    order = bench.send("BUY 50 AAPL")
    assert order.filled == 39


def test_a_quote_without_a_side_trades_nothing():
    """No offer is not an offer at zero."""
    bench = _bench(positions={"AAPL": "5"})
    bench.venue.set_quote("AAPL", Touch(None, D(100), D(0), D(10)))
    order = bench.send("SELL 5 AAPL")
    assert order.status is OrdStatus.NEW
    bench.quote("AAPL", "99", "100")
    assert order.status is OrdStatus.FILLED
