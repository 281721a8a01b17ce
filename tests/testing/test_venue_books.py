"""What the venue's books tell those who show them: marks, endings, closes, notes, names."""

from uuid import UUID

import pytest

from fillwright.errors import UnknownSymbol
from fillwright.orders import OrderChange
from fillwright.testing import Refused
from fillwright.types import ExecType, OrderClass, OrdStatus
from testing.venue_tools import Bench, D, limit

_LEGS = {"take_profit": {"limit_price": "400"}, "stop_loss": {"stop_price": "90"}}


def _bench(**settings) -> Bench:
    bench = Bench(**{"cash": "1000000"} | settings)
    bench.quote("AAPL", "99.99", "100.00", "50", "40")
    return bench


def _marks(bench: Bench) -> list[tuple]:
    marks = bench.venue.books.marks
    return [(m.filled, m.leaves, m.status, m.position) for m in marks]


def test_every_execution_is_marked():
    """A list of fills that cannot say how the order stood then shows how it stands now."""
    bench = _bench(positions={"AAPL": "5"})
    order = bench.send("BUY 60 AAPL")
    bench.venue.step()
    name = bench.venue.executions().items[0].execution.execution_id
    bench.venue.control.bust(name)

    assert _marks(bench) == [
        (40, 20, OrdStatus.PARTIALLY_FILLED, 45),
        (60, 0, OrdStatus.FILLED, 65),
        (20, 0, OrdStatus.FILLED, 25),
    ]
    assert len(bench.venue.books.marks) == len(bench.venue.books.fills)
    assert order.filled == 20


def test_a_notional_order_leaves_what_the_rest_can_buy():
    """The rest of an order in dollars is a quantity only at a price."""
    bench = _bench()
    bench.quote("AAPL", "99.99", "100", "50", "2")
    bench.send("BUY $300 AAPL")

    assert _marks(bench) == [(2, 1, OrdStatus.PARTIALLY_FILLED, 2)]
    bench.venue.step()
    assert _marks(bench)[-1] == (3, 0, OrdStatus.FILLED, 3)


def test_a_late_fill_leaves_nothing():
    """An ended order that leaves something would look as if it still worked."""
    bench = _bench()
    order = bench.send("BUY 10 AAPL", **limit("90"))
    bench.venue.cancel(order.broker_order_id)
    bench.venue.control.fill(order.broker_order_id, D(4), D(90))

    assert _marks(bench) == [(4, 0, OrdStatus.CANCELED, 4)]


def test_when_an_order_ended():
    """The time of an ending must survive what changes an order afterwards."""
    bench = _bench()
    filled, canceled = bench.send("BUY 10 AAPL"), bench.send("BUY 10 AAPL", **limit("90"))
    working = bench.send("BUY 10 AAPL", **limit("91"))
    bench.clock.advance(1)
    bench.venue.cancel(canceled.broker_order_id)
    ended = canceled.ended_at
    bench.clock.advance(1)
    bench.venue.control.fill(canceled.broker_order_id, D(1), D(90))

    assert filled.ended_at == filled.submitted_at
    assert (ended - filled.ended_at).total_seconds() == 1
    assert canceled.ended_at == ended < canceled.updated_at
    assert working.ended_at is None


def test_a_rejected_replacement_ended_too():
    """An order without an end would stay open in every list."""
    bench = _bench(pending_steps=1)
    old = bench.send("BUY 1 AAPL", **limit("90"))
    change = OrderChange.model_validate({"limit_price": "91"})
    new = bench.venue.replace(old.broker_order_id, change)
    bench.quote("AAPL", "89", "89.5")

    assert (new.status, new.ended_at) == (OrdStatus.REJECTED, bench.clock.now())


def test_legs_know_their_class():
    """A leg without its class looks like an order of its own."""
    bench = _bench()
    bench.send("BUY 10 AAPL", "entry", order_class="BRACKET", **_LEGS, **limit("95"))
    bench.send("BUY 10 AAPL", **limit("95"))

    classes = [order.order_class for order in bench.venue.orders()]
    assert classes == [OrderClass.BRACKET] * 3 + [OrderClass.SIMPLE]


def test_the_stop_of_an_oco_follows_the_limit_that_is_replaced():
    """A stop that hangs on an order that is gone would be shown with nobody."""
    bench = _bench(positions={"AAPL": "10"})
    profit = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}
    old = bench.send("SELL 10 AAPL", order_class="OCO", **profit, **limit("110"))
    stop = bench.venue.order(old.sibling)
    change = OrderChange.model_validate({"limit_price": "120"})
    new = bench.venue.replace(old.broker_order_id, change)

    assert (stop.entry, stop.sibling) == (new.broker_order_id,) * 2


def test_ids_have_the_shape_of_uuids_and_tell_accounts_apart():
    """Two accounts of one server with the same order id would share their orders."""
    benches = [_bench(account_id=name) for name in ("one", "two")]
    for bench in benches:
        bench.send("BUY 1 AAPL")
        bench.send("BUY 1 AAPL", order_class="BRACKET", **_LEGS)
    orders = [o.broker_order_id for bench in benches for o in bench.venue.orders()]
    fills = [f.execution.execution_id for b in benches for f in b.venue.executions().items]
    legs = [o.client_order_id for b in benches for o in b.venue.orders() if o.entry]

    names = orders + fills + legs
    assert len(set(names)) == len(names) == 16
    assert all(str(UUID(name)) == name for name in names)


def test_what_everything_was_worth_at_the_close():
    """Yesterday's equity cannot be computed from today's prices."""
    bench = _bench(positions={"AAPL": "10"}, cash="1000")
    books = bench.venue.books
    assert (books.closing_equity, books.closing_prices) == (3300, {"AAPL": 230})
    bench.clock.advance(86_400)
    bench.venue.advance()

    assert (books.closing_equity, books.closing_prices) == (D("1999.95"), {"AAPL": D("99.995")})


def test_closes_marks_and_notes_survive(tmp_path):
    """What is shown from the books must be in the file."""
    state = tmp_path / "venue.db"
    bench = _bench(positions={"AAPL": "10"}, state=state)
    bench.send("BUY 60 AAPL")
    bench.clock.advance(86_400)
    bench.venue.keep_note("switches", {"on": True, "names": ["a"]})
    before = bench.venue.books
    bench.venue.close()
    again = Bench(positions={"AAPL": "10"}, cash="1000000", state=state).venue

    assert again.books.marks == before.marks
    assert again.books.notes == {"switches": {"on": True, "names": ["a"]}}
    assert again.books.closing_equity == before.closing_equity
    assert again.books.closing_prices == before.closing_prices
    again.close()


def test_orders_for_a_closed_market_may_wait_unacknowledged(tmp_path):
    """An order that is only queued must not be taken for one that works."""
    state = tmp_path / "venue.db"
    bench = Bench(hours="us", queue_when_closed=True, state=state)
    bench.venue.control.close_session()
    order = bench.send("BUY 1 AAPL", "queued", **limit("50"))
    coin = bench.send("BUY 0.01 BTC/USD")

    assert (order.queued, order.status, coin.queued) == (True, OrdStatus.NEW, False)
    assert bench.kinds(order) == [ExecType.PENDING_NEW]
    bench.venue.close()
    again = Bench(hours="us", queue_when_closed=True, state=state)
    order = again.venue.find("queued")
    assert order.queued
    again.venue.control.open_session()
    assert not order.queued
    assert again.kinds(order) == [ExecType.NEW]
    again.venue.close()


def test_refusals_carry_their_numbers():
    """Who must tell the refusal in other words needs the facts, not the text."""
    bench = _bench(cash="1000", positions={"MSFT": "10"})
    resting = bench.send("SELL 7 MSFT", **limit("900"))
    with pytest.raises(Refused) as funds:
        bench.send("BUY 20 AAPL", **limit("100"))
    with pytest.raises(Refused) as quantity:
        bench.send("SELL 4 MSFT")
    with pytest.raises(Refused) as wash:
        bench.send("BUY 1 MSFT", **limit("900"))

    assert funds.value.facts == {"cost": 2000, "available": 1000}
    assert quantity.value.facts == {"requested": 4, "available": 3}
    assert wash.value.facts == {"existing": resting.broker_order_id}


def test_looking_at_the_books_lets_no_time_pass():
    """A look that moves the market changes what it looks at."""
    bench = _bench(step=0.05)
    before = bench.venue.step_number
    bench.clock.advance(60)

    assert bench.venue.books.step == before
    assert bench.venue.buying_power() == 1_000_000
    assert bench.venue.books.step > before


def test_listings():
    """A base price is what a client sees before the first quote."""
    bench = _bench()

    assert bench.venue.listing("AAPL").price == 230
    with pytest.raises(UnknownSymbol):
        bench.venue.listing("NOSUCH")
