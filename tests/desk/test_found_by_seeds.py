"""What seeds of the simulation found, each told again as the smallest example."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from desk.kit import World, open_order, order, resting
from fillwright.desk.deadline import Deadline
from fillwright.desk.market import account_of
from fillwright.desk.tasks import Tasks
from fillwright.errors import BrokerUnavailable, DeskClosed
from fillwright.orders import OrderChange
from fillwright.reports import Evidence, ExecutionReport, Source
from fillwright.testing import FakeBroker, ManualClock, SeededRng
from fillwright.types import OrdStatus

D = Decimal
START = ManualClock().now()


def theirs(world: World, **fields):
    """An order that somebody else placed, at the touch."""
    return world.venue.submit(order(type="LIMIT", limit_price="101", **fields), "by-hand")


# ------------------------------------------------------------------ opening the books


async def test_an_order_that_is_half_filled_when_the_journal_begins_is_booked_once(world):
    """Its first half is in the opening position; counting it again halts the symbol."""
    placed = theirs(world, quantity="8")
    world.quote("AAPL", D(120))
    assert (placed.filled, placed.ended) == (5, False)
    await world.ready()
    await world.run(25)

    state = next(s for s in world.desk.working() if s.broker_order_id == placed.broker_order_id)
    assert (state.filled, state.inferred) == (placed.filled, 0)
    assert world.desk.positions["AAPL"] == world.venue.account().quantity("AAPL")
    assert not world.desk.halts


async def test_a_fill_from_before_the_journal_that_is_told_again_is_not_booked(world):
    """A stream that repeats the morning's fills would double the position."""
    theirs(world, quantity="5")
    await world.ready()
    before = world.desk.positions["AAPL"]
    [fill] = world.venue.executions().items
    told = ExecutionReport(
        fill.exec_type,
        fill.symbol,
        fill.side,
        Evidence(Source.STREAM, "again"),
        fill.execution.transact_time,
        fill.client_order_id,
        fill.broker_order_id,
        fill.execution,
    )
    world.parts.books.take(told)

    assert world.desk.positions["AAPL"] == before


async def test_a_fill_from_before_the_journal_can_be_taken_back(world):
    """A bust of the morning's fill moves the position, also when the journal began at noon."""
    theirs(world, quantity="5")
    await world.ready()
    [fill] = world.venue.executions().items
    world.venue.control.bust(fill.execution.execution_id)
    await world.run(25)

    assert world.desk.positions["AAPL"] == world.venue.account().quantity("AAPL") == 20
    assert not world.desk.halts


async def test_books_and_cursor_are_opened_by_one_record(world):
    """Torn between the two, the books would have no place from which executions count."""
    theirs(world, quantity="5")
    await world.ready()
    opened = [r for r in world.journal.read() if r.kind == "books_opened"]

    assert [r.body["cursor"] for r in opened] == ["1"]


async def test_an_adapter_that_fails_before_there_is_a_desk_is_no_answer(world):
    """A vendor's own exception at the first question is no sentence that helps anybody."""
    broker = FakeBroker(world.settings, world.clock, rng=SeededRng(1), venue=world.venue)

    async def fails():
        raise ValueError("expecting value: line 1 column 1")

    broker.executor.account = fails
    with pytest.raises(BrokerUnavailable, match="ValueError: expecting value"):
        await account_of(broker, world.clock)


# ------------------------------------------------------------------ handles


async def test_a_bust_shows_in_the_handle_of_a_filled_order(world):
    """A plan that counts a fill which was taken back reports a trade that never was."""
    await world.ready()
    handle = await world.submit(quantity="2")
    await world.run(1)
    assert handle.state.filled == 2
    [fill] = world.venue.executions().items
    world.venue.control.bust(fill.execution.execution_id)
    await world.run(1)

    assert handle.state.filled == 0


async def test_a_late_fill_shows_in_the_handle_of_a_canceled_order(world):
    """A fill behind the cancel is money, and whoever waits for the order must see it."""
    await world.ready()
    handle = await open_order(world, quantity="3")
    await world.desk.cancel(handle.client_order_id)
    await world.run(1)
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(100))
    await world.run(1)

    assert (handle.state.status, handle.state.filled) == (OrdStatus.CANCELED, D(1))


async def test_the_same_order_has_the_same_handle_while_somebody_holds_it(world):
    """Two handles of one order, one of them stale, are two truths."""
    await world.ready()
    handle = await world.submit(intent_id="once")
    await world.run(1)

    assert world.desk.order(handle.client_order_id) is handle


# ------------------------------------------------------------------ closing


async def test_a_doubt_that_closing_itself_raises_is_left_to_the_next_process(world):
    """A task that outlives the desk may send an order again with nobody there."""
    await world.ready()
    world.fault("submit", "delay", seconds=60)
    handle = await world.submit(**resting())
    await world.aclose()

    assert len(world.parts.tasks) == 0
    kinds = [r.kind for r in world.journal.about(handle.client_order_id)]
    assert kinds[-1] == "request_doubted"


async def test_nothing_begins_behind_the_end(world):
    """Work that somebody starts on a closed desk must not run."""
    await world.ready()
    await world.aclose()
    ran = []

    async def work():
        ran.append(True)

    task = world.parts.tasks.spawn("late", work())
    await asyncio.gather(task, return_exceptions=True)

    assert (ran, task.cancelled()) == ([], True)


async def test_a_task_that_has_just_ended_does_not_hold_up_the_end():
    """From 3.12 on `gather` does not give the loop a turn when all that it waits for has ended."""

    async def nothing():
        return None

    tasks = Tasks(lambda _name, _fault: None)
    ended = tasks.spawn("one", nothing())
    await asyncio.sleep(0)

    assert ended.done()
    assert tasks.names == ("one",)
    await tasks.cancel_all()


@pytest.mark.parametrize("question", ["fresh_account", "fresh_quote", "instrument"])
async def test_a_closed_desk_asks_nothing_more(world, question):
    """A plan that goes on by itself would ask through an adapter that is closed."""
    await world.ready()
    await world.aclose()
    given = () if question == "fresh_account" else ("AAPL",)

    with pytest.raises(DeskClosed):
        await getattr(world.desk, question)(*given)


# ------------------------------------------------------------------ deadlines


def crowd(world: World) -> None:
    """Let no request for new risk have its turn."""
    world.parts.limiter.try_acquire = lambda lane: lane.name != "SUBMIT"

    async def waits(_lane):
        await asyncio.get_running_loop().create_future()

    world.parts.limiter.acquire = waits


async def test_an_order_that_never_has_its_turn_ends_by_its_deadline(world):
    """An order that waits for ever is neither sent nor given back."""
    await world.ready()
    await world.wait((await world.submit()).done())
    crowd(world)
    handle = await world.submit(**resting())
    await world.run(world.limits.send_deadline + 1)

    assert handle.state.status is OrdStatus.EXPIRED
    assert world.requests["submit", handle.client_order_id] == 0


async def test_an_order_that_waits_for_its_turn_can_be_canceled(world):
    """A cancel that waits behind the order's own turn comes too late."""
    await world.ready()
    await world.wait((await world.submit()).done())
    crowd(world)
    handle = await world.submit(**resting())
    canceling = asyncio.ensure_future(world.desk.cancel(handle.client_order_id))
    await world.run(0.1)

    assert canceling.done()
    assert handle.state.status is OrdStatus.CANCELED


async def test_a_doubt_that_waited_for_its_turn_goes_no_more_when_it_is_late(world):
    """What was to leave at nine must not leave at ten because the wire was busy."""
    await world.ready()
    await world.wait((await world.submit()).done())
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    held = asyncio.Event()
    world.parts.limiter.try_acquire = lambda lane: lane.name != "SUBMIT"

    async def waits(_lane):
        await held.wait()

    world.parts.limiter.acquire = waits
    await world.run(world.limits.send_deadline + 5)
    held.set()
    await world.run(30)

    assert world.requests["submit", handle.client_order_id] == 1
    assert world.state(handle.client_order_id).status is OrdStatus.ABANDONED


def test_setting_the_clock_back_gives_an_order_no_more_time():
    """An hour more for an order is an hour in which the price has moved."""
    clock = ManualClock()
    deadline = Deadline.of(clock, timedelta(seconds=20))
    clock.advance(15)
    clock.now = lambda: START - timedelta(hours=1)
    left = deadline.left(clock)
    clock.advance(5)

    assert (left, deadline.passed(clock)) == (5.0, True)


def test_setting_the_clock_forward_takes_the_time_away():
    """When the day is over by any clock, an order for the day is late."""
    clock = ManualClock()
    deadline = Deadline.of(clock, timedelta(seconds=20))
    clock.now = lambda: START + timedelta(hours=1)

    assert (deadline.left(clock), deadline.passed(clock)) == (0.0, True)


# ------------------------------------------------------------------ changes


async def test_a_cancel_of_a_leg_that_the_process_died_on_is_asked_again(world):
    """A leg that nobody can cancel any more sells what was to be kept."""
    await world.ready()
    await world.submit(
        quantity="2",
        time_in_force="GTC",
        order_class="BRACKET",
        take_profit={"limit_price": "120"},
        stop_loss={"stop_price": "80"},
    )
    await world.run(2)
    leg = next(s for s in world.desk.working() if s.side == "SELL")
    world.fault("cancel", "drop_request", seconds=30)
    asking = asyncio.ensure_future(world.desk.cancel(leg.client_order_id))
    await world.run(0.1)
    await world.crash()
    await asyncio.gather(asking, return_exceptions=True)
    await world.ready()
    await world.run(20)

    assert not world.venue.open_orders()
    await world.settled()


async def test_a_replacement_that_the_broker_rejects_later_has_ended(world):
    """It stood, so it is no replacement that never came to be; kept open, it counts for ever."""
    await world.ready()
    handle = await open_order(world, quantity="3")
    await world.desk.replace(handle.client_order_id, OrderChange(quantity="4"))
    await world.run(1)
    world.fault("report", "disconnect", seconds=5)
    world.fault("report", "disconnect", seconds=5)
    world.venue.control.reject(world.state(handle.client_order_id).broker_order_id)
    await world.run(25)

    assert world.state(handle.client_order_id).status is OrdStatus.REJECTED
    await world.settled()
