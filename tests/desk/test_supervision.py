"""Stream and books: what is missed is found, what is unknown holds new risk back."""

import asyncio

import pytest

from desk import invariants
from desk.kit import LIMITS, Check, D, World, but, order, resting
from fillwright.errors import BrokerUnavailable
from fillwright.reports import AnomalyKind
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Halt, Reject, Scope


@pytest.fixture
async def world():
    made = World()
    yield made
    await made.end()


async def settled(world, seconds=60):
    world.script.clear()
    await world.run(seconds)
    invariants.every_step(world)
    invariants.all_quiet(world)


async def test_new_risk_waits_while_the_stream_is_down(world):
    """An order whose fills nobody hears is flown blind (LEAN-Alpaca #58)."""
    await world.ready()
    world.fault("report", "disconnect", seconds=2)
    await world.submit()
    waiting = await world.submit(quantity="2")
    less = await world.submit(side="SELL", quantity="2")
    await world.run(1)

    assert "stream" in world.desk.obstacles
    assert waiting.state.status is OrdStatus.STAGED
    assert less.state.status is not OrdStatus.STAGED, "reducing must stay possible"
    await world.run(3)
    assert waiting.state.status is OrdStatus.FILLED
    await settled(world)


async def test_new_risk_is_refused_when_the_stream_stays_down(world):
    """A wait without an end sends yesterday's decision tomorrow."""
    await world.ready()
    world.fault("report", "disconnect", seconds=60)
    await world.submit()
    waiting = await world.submit(quantity="2")
    await world.run(6)

    assert waiting.state.status is OrdStatus.REFUSED
    assert waiting.state.reasons[0].code == "NOT_READY"
    await settled(world, 120)


async def test_fills_of_a_gap_are_booked_on_reconnect(world):
    """Fills lost across a reconnect (LEAN-IB #249)."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    world.fault("report", "disconnect", seconds=1)
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    world.venue.control.fill(handle.state.broker_order_id, D(3), D(90))
    await world.run(2)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await settled(world)


async def test_a_stream_that_goes_while_the_books_are_read_is_down(world):
    """The comparison of the connect before must not declare the next gap sound."""
    world.latency = 1.0
    world.__post_init__()
    await world.open()
    await world.run(1)
    world.broker.stream._interrupt(_disconnect(8.0))
    await world.run(6)

    assert "stream" in world.desk.obstacles


async def test_a_gap_while_the_books_are_read_is_read_again(world):
    """What happened between the reading and the reconnect is in neither."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    await world.run(6)
    world.fault("account", "delay", seconds=4.0)
    world.broker.stream._interrupt(_disconnect(0.1))
    await world.run(3.5)
    world.fault("report", "drop", times=2)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    world.broker.stream._interrupt(_disconnect(0.1))
    while world.desk.obstacles:
        await world.run(0.2)

    assert world.state(handle.client_order_id).filled == 4


def _disconnect(seconds):
    from fillwright.testing import Fault

    return Fault.model_validate({"on": "report", "fault": "disconnect", "seconds": seconds})


async def test_a_silent_stream_is_not_believed(world):
    """A mute socket that pings hides every fill (alpaca-py #740)."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    await world.run(1)
    world.fault("report", "silent", seconds=3600)
    world.venue.control.fill(handle.state.broker_order_id, D(4), D(90))
    await world.run(2 * world.limits.silence + 2)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED


async def test_a_missed_market_fill_is_found(world):
    """A missing fill report of an order that is over (LEAN-Alpaca #28, Nautilus #3869)."""
    await world.ready()
    world.fault("report", "drop", times=20)
    handle = await world.submit(quantity="3")
    await world.run(10)

    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await settled(world)


@pytest.mark.parametrize("how", ["duplicate", "reorder", "delay"])
async def test_reports_in_any_number_and_order(world, how):
    """A fill counted twice is a position that is not there."""
    await world.ready()
    world.fault("report", how, times=30, seconds=0.7)
    handle = await world.submit(quantity="12")
    await world.run(10)

    assert (handle.state.status, handle.state.filled) == (OrdStatus.FILLED, 12)
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


async def test_an_answer_that_could_not_be_had_is_no_answer(world):
    """A "could not ask" read as "there are none" cancels the book in our heads."""
    await world.ready()
    handle = await world.submit(**resting())
    world.fault("open_orders", "unavailable", times=3)

    with pytest.raises(BrokerUnavailable):
        await world.wait(world.desk.reconcile())

    assert handle.state.status is OrdStatus.NEW
    await settled(world)


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
    await settled(world)


async def test_overdue_books_hold_new_risk_back(world):
    """A desk that has not compared for long does not know what it holds."""
    await world.ready()
    await world.submit(**resting())
    world.fault("executions", "unavailable", times=1000)
    await world.run(35)

    assert "not compared" in world.desk.obstacles
    await settled(world)


async def test_a_position_break_halts_the_symbol(world):
    """Shares that no execution explains: somebody must look before more is traded."""
    await world.ready()
    world.venue._books._add("AAPL", D(-5), D(100))
    await world.run(25)

    assert [(h.scope, h.name) for h in world.desk.halts] == [(Scope.SYMBOL, "AAPL")]
    refused = await world.submit()
    other = await world.submit(symbol="KO")
    await world.run(0)
    assert refused.state.status is OrdStatus.REFUSED
    assert other.state.status is OrdStatus.FILLED


async def test_a_halt_survives_the_process(world):
    """A halt that a restart lifts is lifted by the first crash."""
    await world.ready()
    await world.desk.halt(Scope.DESK, reason="test", by="tester")
    await world.crash()
    await world.ready()
    assert (await world.submit()).state.status is OrdStatus.REFUSED

    await world.desk.resume(Scope.DESK, by="tester")
    assert (await world.submit(quantity="2")).state.status is OrdStatus.FILLED


async def test_reducing_orders_pass_a_halt(world):
    """A halt that keeps risk on is no protection."""
    await world.ready()
    await world.desk.halt(Scope.DESK, reason="test", by="tester")

    less = await world.submit(side="SELL", quantity="20")
    more = await world.submit(side="SELL", quantity="1")

    assert less.state.status is not OrdStatus.REFUSED
    assert more.state.status is OrdStatus.REFUSED


async def test_observers_that_raise_are_reported_and_the_rest_is_told(world, caplog):
    """A stranger's bug in an observer must not stop the books (I25)."""
    seen = []

    def bad(_state, _anomalies):
        raise RuntimeError("an observer that fails")

    def leaves(_state, _anomalies):
        raise SystemExit(1)

    def good(state, _anomalies):
        seen.append(state.status)

    world.observers = (Check("bad", bad), Check("leaves", leaves), Check("good", good))
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    assert handle.state.status is OrdStatus.FILLED
    assert OrdStatus.FILLED in seen
    assert world.desk.state == "running"
    await settled(world)


async def test_execution_checks_that_raise_or_answer_nonsense_change_nothing(world):
    """A post-execution check may ask for a halt; its faults are only told."""

    def bad(*_given):
        raise RuntimeError("a check that fails")

    def nonsense(*_given):
        return "yes"

    def objects(*_given):
        return Reject("T1", measured=1, limit=0)

    world.execution_checks = tuple(Check(f.__name__, f) for f in (bad, nonsense, objects))
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    assert handle.state.status is OrdStatus.FILLED
    assert not world.desk.halts
    await settled(world)


async def test_a_post_execution_halt_is_latched(world):
    """The check that saw the loss stops the next order."""

    def drawdown(*_given):
        return Halt("T2", scope=Scope.SYMBOL, measured=9, limit=1)

    world.execution_checks = (Check("drawdown", drawdown),)
    await world.ready()
    await world.submit()
    await world.run(1)

    assert [(h.scope, h.name, h.by) for h in world.desk.halts] == [
        (Scope.SYMBOL, "AAPL", "drawdown")
    ]
    assert (await world.submit(quantity="2")).state.status is OrdStatus.REFUSED
    assert (await world.submit(symbol="KO")).state.status is OrdStatus.FILLED


async def test_a_halt_of_a_check_holds_what_was_approved_with_it(world):
    """Two orders judged in one go: the halt that the second asks for holds the first as well."""

    def second(asked, _book):
        if asked.quantity == 2:
            return Halt("T3", scope=Scope.DESK, measured=2, limit=1)
        return ALLOW

    world.checks = (Check("second", second),)
    await world.ready()
    first, last = (
        await world.desk.submit(order(**resting(quantity="1"))),
        await world.desk.submit(order(**resting(quantity="2"))),
    )
    await world.run(1)

    assert last.state.status is OrdStatus.REFUSED
    assert first.state.status is OrdStatus.REFUSED
    assert world.requests.total() == 0


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
    await settled(world)


async def test_a_journal_that_fails_stops_sending_for_good(world):
    """A failed fsync cannot be retried: what is on disk is unknown."""
    await world.ready()
    handle = await world.submit(**resting())
    sent = world.requests.total()
    world.journal.fail("disk full")

    for work in (world.desk.submit(order()), world.desk.cancel(handle.client_order_id)):
        with pytest.raises(Exception, match="disk full"):
            await world.wait(work)
    await world.run(15)

    assert world.desk.state == "failed"
    assert world.requests.total() == sent
    with pytest.raises(Exception, match="disk full"):
        await world.wait(world.desk.aclose())


async def test_a_journal_that_fails_between_record_and_wire_sends_nothing(world):
    """The moment of the failed fsync is the moment before the send."""

    async def flush(_seq):
        raise OSError(28, "No space left on device")

    await world.ready()
    world.journal._flush = flush
    handle = await world.submit(**resting())
    await world.run(1)

    assert world.requests.total() == 0
    assert world.desk.state == "failed"
    with pytest.raises(Exception, match="No space left"):
        await handle.done()
    await world.run(30)
    assert world.requests.total() == 0


async def test_a_desk_whose_journal_was_taken_over_stops(world):
    """Two processes that both send are two desks on one account."""
    await world.ready()
    handle = await world.submit(**resting())
    sent = world.requests.total()
    world.journal.crash()
    await world.run(15)

    assert world.desk.state == "failed"
    with pytest.raises(Exception, match="taken over"):
        await world.desk.submit(order())
    with pytest.raises(Exception, match="taken over"):
        await world.desk.cancel(handle.client_order_id)
    assert world.requests.total() == sent


async def test_the_stream_does_not_swallow_a_journal_fault(world):
    """A fill that cannot be recorded must stop the desk, not reconnect the stream."""
    await world.ready()
    handle = await world.submit(**resting())
    await world.run(1)
    world.journal.fail("disk full")
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await world.run(0.1)

    assert world.desk.state == "failed"


async def test_no_task_is_left_when_a_start_fails(world):
    """A desk that could not start must not go on in the background."""
    await world.ready()
    await world.aclose()
    before = asyncio.all_tasks()
    world.fault("account", "unavailable", times=2)
    world.limits = but(LIMITS)
    opening = asyncio.create_task(world._open())
    await world.run(1)

    with pytest.raises(BrokerUnavailable):
        await opening
    await world.parts.close()
    assert asyncio.all_tasks() <= before
