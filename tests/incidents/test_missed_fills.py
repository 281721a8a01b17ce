"""Missed fills, and fills that counted twice."""

from desk.kit import D, open_order
from fillwright.orders import OrderChange
from fillwright.reports import AnomalyKind
from fillwright.types import OrdStatus

MORE = OrderChange(quantity="7")


def kinds(world):
    return {anomaly.kind for change in world.changes for anomaly in change.anomalies}


async def test_nautilus_3870(world):
    """NautilusTrader #3870: an order that filled faster than its answer came ended as REJECTED.

    There: the fill was there first, the state machine had no place for it, and the position moved
    without an order that explained it.
    Here: a fill counts in every state, also before the answer.
    """
    await world.ready()
    world.fault("submit", "accept_then_timeout", seconds=2.0)
    handle = await world.submit(quantity="2")
    await world.run(0.5)

    assert (handle.state.status, handle.state.filled) == (OrdStatus.FILLED, 2)
    await world.settled()


async def test_nautilus_3869(world):
    """NautilusTrader #3869: a fill that the stream lost stayed lost.

    There: the order's end was seen, and the execution behind it was never asked for.
    Here: an end tells its cumulative quantity; what is missing is fetched from the executions.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.fault("report", "drop", times=1)
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    world.venue.control.cancel(handle.state.broker_order_id)
    await world.run(15)

    state = world.state(handle.client_order_id)
    assert (state.status, state.filled, state.missing) == (OrdStatus.CANCELED, 1, 0)
    await world.settled()


async def test_lean_alpaca_28(world):
    """LEAN Alpaca #28: a market order was filled, and its fill event never came.

    There: one lost event left the order open in the program for good.
    Here: silence while an order is out is a reason to ask.
    """
    await world.ready()
    world.fault("report", "drop", times=20)
    handle = await world.submit(quantity="3")
    await world.run(10)

    assert world.state(handle.client_order_id).filled == 3
    await world.settled()


async def test_lean_ib_249(world):
    """LEAN Interactive Brokers #249: fills of an outage were dropped and never asked for again.

    There: what arrived between the disconnect and its end was thrown away, and the reconnect
    fetched no executions.
    Here: every connect counts as a gap: executions since the last mark are read before new risk.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.fault("report", "disconnect", seconds=3)
    world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    await world.run(10)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    assert world.desk.obstacles == ""
    await world.settled()


async def test_nautilus_3493(world):
    """NautilusTrader #3493: a fill that was inferred counted again when the real one came.

    There: the comparison made up a fill for a gap, and the stream's own fill had another id.
    Here: an inferred fill is provisional, and the real execution takes its place.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.fault("executions", "lag", seconds=3600, times=100)
    world.fault("report", "drop", times=1)
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await world.run(40)
    inferred = world.state(handle.client_order_id)
    world.script.clear()
    await world.run(30)

    real = world.state(handle.client_order_id)
    assert AnomalyKind.INFERRED_FILL in kinds(world)
    assert (inferred.filled, inferred.inferred) == (1, 1)
    assert (real.filled, real.inferred) == (1, 0)
    await world.settled()


async def test_lean_tradestation_101(world):
    """LEAN TradeStation #101: one lost frame of a healthy stream led to liquidating for ever.

    There: the stream went on with its heartbeats and everybody else's fills, the position stayed
    wrong, and each new attempt to close it was refused by the broker.
    Here: books are compared whether or not the stream looks well, so the position is right.
    """
    await world.ready()
    handle = await open_order(world, side="SELL", quantity="20")
    world.fault("report", "drop", times=1)
    world.venue.control.fill(handle.state.broker_order_id, D(20), D(110))
    await world.run(2 * world.limits.reconcile_every)
    again = await world.submit(side="SELL", quantity="20", reduce_only=True)

    assert world.desk.positions.get("AAPL", 0) == 0
    assert again.state.status is OrdStatus.REFUSED
    assert world.requests["submit", again.client_order_id] == 0
    await world.settled()


async def test_lean_tradestation_84(world):
    """LEAN TradeStation #84: a fill was lost because a change of the order was under way.

    There: the message with the fill was read as the answer to the change, and the shares it
    carried were dropped.
    Here: a fill is booked in every state, and the change is settled beside it.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    world.fault("replace", "accept_then_timeout", seconds=1.0)
    changing = world.desk.replace(handle.client_order_id, MORE)
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await world.wait(changing)
    await world.run(15)

    state = world.state(handle.client_order_id)
    assert (state.filled, state.quantity) == (1, 7)
    await world.settled()


async def test_vnpy_661(world):
    """Vnpy #661 and #564: trades that were told again after a reconnect doubled the position.

    There: the counter was fed by messages, and the server repeats its messages.
    Here: an execution counts once by its id, for ever, also in the next process.
    """
    await world.ready()
    world.fault("report", "duplicate", times=50)
    handle = await world.submit(quantity="3")
    await world.run(5)
    await world.crash()
    await world.ready()
    await world.run(15)

    assert world.state(handle.client_order_id).filled == 3
    assert world.desk.positions["AAPL"] == 23
    await world.settled()


async def test_pysystemtrade_1580(world):
    """Pysystemtrade #1580: a fill after the cancel was not expected, and not counted.

    There: canceled was the end of the order, and the trades behind it belonged to nobody.
    Here: the fill is booked, the status stays, and a late fill is reported.
    """
    await world.ready()
    handle = await open_order(world, quantity="5")
    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(1)
    world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    await world.run(1)

    state = world.state(handle.client_order_id)
    assert (state.status, state.filled) == (OrdStatus.CANCELED, 2)
    assert AnomalyKind.LATE_FILL in kinds(world)
    await world.settled()


async def test_hummingbot_8457(world):
    """Hummingbot #8457: orders were dropped while names could not be resolved, and filled unseen.

    There: questions that failed were counted as "not found", and enough of them ended the order.
    Here: a question without an answer is no answer; the order stays, and so does its exposure.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    for question in ("find", "open_orders", "executions"):
        world.fault(question, "drop_request", times=40)
    world.fault("report", "drop", times=5)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    await world.run(30)
    blind = world.state(handle.client_order_id)
    held = world.parts.keeper.exposures.snapshot()["AAPL"].open_buys
    world.script.clear()
    await world.run(60)

    assert not blind.ended
    assert held == 4
    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await world.settled()
