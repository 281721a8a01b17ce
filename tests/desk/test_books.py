"""The broker's books: compared, believed where they prove something, and never guessed at."""

import pytest

from desk.kit import D, resting
from fillwright.errors import (
    BrokerUnavailable,
)
from fillwright.reports import AnomalyKind
from fillwright.types import OrdStatus


async def test_a_bust_that_overtakes_its_trade_is_not_lost(world):
    """A bust that is dropped because its trade was unknown leaves shares that are not there."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    world.fault("report", "delay", seconds=5.0, nth=1)
    done = world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    world.venue.control.bust(done.execution_id)
    await world.run(1)
    kinds = {a.kind for c in world.changes for a in c.anomalies}
    assert AnomalyKind.BUST_OF_UNKNOWN in kinds
    await world.run(10)

    assert world.state(handle.client_order_id).filled == 0
    assert world.state(handle.client_order_id).leaves == 4
    await world.settled()


async def test_a_claim_from_before_a_bust_does_not_keep_the_order_open(world):
    """A stale cumulative quantity waits for an execution that was taken back."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    done = world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    world.fault("report", "delay", seconds=3.0, nth=1)
    world.venue.control.suspend(handle.state.broker_order_id)
    world.venue.control.bust(done.execution_id)
    world.venue.control.cancel(handle.state.broker_order_id)
    await world.run(60)

    state = world.state(handle.client_order_id)
    assert (state.status, state.filled, state.missing) == (OrdStatus.CANCELED, 0, 0)
    await world.settled()


async def test_a_fill_without_its_execution_is_booked_on_the_brokers_word(world):
    """Executions that the broker claims and does not list must not be left out for ever."""
    await world.ready()
    world.fault("executions", "lag", seconds=86_400, times=40)
    world.fault("report", "drop", times=20)
    handle = await world.submit(quantity="3")
    await world.run(60)

    assert world.state(handle.client_order_id).filled == 3
    world.script.clear()
    await world.run(30)
    assert world.state(handle.client_order_id).filled == 3
    assert world.state(handle.client_order_id).inferred == 0
    await world.settled()


async def test_a_lagging_list_ends_nothing(world):
    """An order that is not in the list is not a canceled one."""
    await world.ready()
    handle = await world.submit(**resting())
    world.fault("open_orders", "lag", seconds=60, times=5)
    world.fault("find", "lag", seconds=60, times=5)
    await world.wait(world.desk.reconcile())
    await world.run(1)
    assert not world.state(handle.client_order_id).ended
    await world.run(30)

    assert world.state(handle.client_order_id).status is OrdStatus.NEW
    await world.settled()


async def test_an_answer_that_could_not_be_had_is_no_answer(world):
    """A "could not ask" read as "there are none" cancels the book in our heads."""
    await world.ready()
    handle = await world.submit(**resting())
    world.fault("open_orders", "unavailable", times=3)

    with pytest.raises(BrokerUnavailable):
        await world.wait(world.desk.reconcile())

    assert handle.state.status is OrdStatus.NEW
    await world.settled()


async def test_whatever_an_adapter_raises_is_no_answer(world):
    """A vendor's parse error must not end the desk that watches over open orders."""
    await world.ready()
    handle = await world.submit(**resting())
    real = world.parts.adapter.executor.open_orders

    async def broken():
        raise KeyError("a field that the vendor removed")

    world.parts.adapter.executor.open_orders = broken
    await world.run(25)
    assert world.desk.state == "running"
    world.parts.adapter.executor.open_orders = real

    assert handle.state.status is OrdStatus.NEW
    await world.settled()


async def test_overdue_books_hold_new_risk_back(world):
    """A desk that has not compared for long does not know what it holds."""
    await world.ready()
    await world.submit(**resting())
    world.fault("executions", "unavailable", times=1000)
    await world.run(35)

    assert "not compared" in world.desk.obstacles
    await world.settled()


async def test_a_restart_doubts_what_was_on_the_wire_before_it_trades(world):
    """An in-flight order of the last process is unknown until the broker was asked (C34)."""
    world.latency = 0.5
    world.__post_init__()
    await world.ready()
    await world.wait((await world.submit()).done())
    handle = await world.submit(**resting())
    await world.crash(keep=100)
    await world.open()

    assert world.state(handle.client_order_id).in_doubt
    await world.run(10)
    assert world.state(handle.client_order_id).status is OrdStatus.NEW
    assert world.requests["submit", handle.client_order_id] == 1
    await world.settled()
