"""The first books of a journal: what the account held then is not counted a second time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from desk.kit import D, order
from fillwright.desk import overlap
from fillwright.desk.overlap import Differing, held_already
from fillwright.ledger import Adopted, BooksOpened, HeldAlready, Reported, decode, encode
from fillwright.protocols import Record
from fillwright.reports import Evidence, Execution, ExecutionReport, Source
from fillwright.states import Owner
from fillwright.types import ClientOrderId, ExecType, ExecutionId, OrdStatus, Side


async def held(world):
    """What was found to be in the opening books."""
    await world.journal.durable(world.journal.seq)
    facts = [decode(record) for record in world.journal.read()]
    return [fact for fact in facts if isinstance(fact, HeldAlready)]


async def stranger(world, symbol="AAPL", quantity="3", side="BUY"):
    """Somebody else's order, which has filled."""
    theirs = world.venue.submit(
        order(symbol=symbol, quantity=quantity, side=side), f"by-hand-{symbol}-{side}"
    )
    await world.run(0.5)
    assert theirs.status is OrdStatus.FILLED
    return theirs


async def opened_late(world, *trades, times=2, then=lambda: None):
    """Open the first books while strangers trade what the lists of executions do not show yet."""
    world.fault("executions", "lag", seconds=3600, times=times)
    world.fault("account", "delay", seconds=5)
    opening = asyncio.create_task(world.open())
    await world.clock.settle()
    for trade in trades:
        await stranger(world, *trade)
    then()
    while not opening.done():
        await world.run(1)
    await world.run(0.1)


async def test_what_was_listed_late_is_counted_once(world):
    """The first morning of a journal ends with a halted symbol, and nobody knows why."""
    await opened_late(world, ("AAPL", "3"), ("KO", "4"))
    await world.run(90)

    assert not world.desk.halts
    (fact,) = await held(world)
    assert (fact.positions, len(fact.executions)) == ({"AAPL": D(3), "KO": D(4)}, 2)
    await world.settled()


async def test_what_was_sold_late_is_counted_once(world):
    """Taken out with the wrong sign, a sale is there three times."""
    await opened_late(world, ("AAPL", "5"), ("AAPL", "2", "SELL"))
    await world.run(90)

    assert not world.desk.halts
    await world.settled()


async def test_what_traded_after_the_opening_counts(world):
    """Taken out as well, a real position would be watched by nobody."""
    await opened_late(world, ("AAPL", "3"), times=4)
    await stranger(world, quantity="2", side="SELL")
    await world.run(120)

    (fact,) = await held(world)
    assert fact.positions == {"AAPL": D(3)}
    assert not world.desk.halts
    await world.settled()


async def test_it_is_found_by_the_next_process_as_well(world):
    """A restart in the first minute must not make the difference one for a person."""
    await opened_late(world, ("AAPL", "3"))
    await world.run(1)
    await world.crash()
    await world.ready()
    await world.run(90)

    assert not world.desk.halts
    assert len(await held(world)) == 1
    await world.settled()


@pytest.mark.parametrize("off", [D(1), D(-1)])
async def test_another_difference_is_for_a_person(world, off):
    """A guess that fits nearly hides a fill that is really missing."""
    await opened_late(world, ("AAPL", "3"))
    world.venue._books._add("AAPL", off, D(100))
    await world.run(120)

    assert await held(world) == []
    assert [halt.name for halt in world.desk.halts] == ["AAPL"]


async def test_a_strangers_later_fill_explains_no_difference(world):
    """A fill of noon that happens to have the size of a loss would hide it."""
    await world.ready()
    await world.run(120)
    await stranger(world)
    await world.run(30)
    world.venue._books._add("AAPL", D(-3), D(100))
    await world.run(120)

    assert await held(world) == []
    assert [halt.name for halt in world.desk.halts] == ["AAPL"]


def test_a_long_journal_is_read_in_its_first_part_alone():
    """A journal of years that is read through for each difference stops the desk."""
    began, read = datetime(2026, 3, 2, 15, tzinfo=UTC), []

    def records():
        kind, key, body = encode(BooksOpened(began, D(0), {}))
        yield Record(1, 1, began, kind, key, body, "")
        for seq in range(2, 100_000):
            read.append(seq)
            yield Record(seq, 1, began + timedelta(seconds=seq), "plan_sized", "", {}, "")

    assert held_already(records(), Differing({"AAPL": D(3)}, D(-300)), at=began) is None
    assert 600 < len(read) < 1100


def test_the_records_are_counted_from_the_opening_on():
    """Behind a plan of a thousand orders, the second fill that is listed late is left out."""
    began = datetime(2026, 3, 2, 15, tzinfo=UTC)
    hour = began + timedelta(hours=1)
    key, evidence = ClientOrderId("foreign-1"), Evidence(Source.QUERY, "q")

    def filled(name, at):
        execution = Execution(ExecutionId(name), D(1), D(100), began - timedelta(seconds=1))
        given = {"client_order_id": key, "execution": execution}
        return Reported(
            key, at, ExecutionReport(ExecType.TRADE, "AAPL", Side.BUY, evidence, began, **given)
        )

    facts = [
        BooksOpened(began, D(0), {}),
        Adopted(key, began, "AAPL", Side.BUY, Owner.FOREIGN, D(2)),
        filled("e1", began),
        filled("e2", hour),
    ]
    records = [
        Record(seq, 1, fact.at, kind, name, body, "")
        for seq, fact in enumerate(facts, start=2000)
        for kind, name, body in [encode(fact)]
    ]

    assert held_already(records, Differing({"AAPL": D(2)}, D(-200)), at=hour) is not None


async def test_a_clock_that_is_set_behind_the_opening_changes_nothing(world):
    """An hour of the desk's clock passed in a second, and a person is asked for nothing."""
    await opened_late(world, ("AAPL", "3"), times=4)
    right = world.clock.now
    world.clock.now = lambda: right() + timedelta(hours=1)
    await world.run(90)

    assert not world.desk.halts
    assert len(await held(world)) == 1
    await world.settled()


async def test_what_differs_long_after_the_opening_is_for_a_person(world):
    """A trade of an hour ago is no explanation of what is missing now."""
    await opened_late(world, ("AAPL", "3"))
    await world.run(90)
    assert len(await held(world)) == 1
    await world.run(660)
    await stranger(world, "KO", "2")
    await world.run(30)
    world.venue._books._add("KO", D(-2), D(100))
    await world.run(60)

    assert len(await held(world)) == 1
    assert [halt.name for halt in world.desk.halts] == ["KO"]


async def test_what_was_taken_back_since_counts(world):
    """The account held a fill that was busted a moment later: the bust alone is to be booked."""
    await opened_late(world, ("AAPL", "5"), ("AAPL", "2", "SELL"), times=5)
    (first, *_) = world.venue.executions(None).items
    world.venue.control.bust(first.execution.execution_id)
    await world.run(120)

    assert not world.desk.halts
    assert len(await held(world)) == 1
    await world.settled()


async def test_what_was_corrected_before_and_since_counts(world):
    """Of a chain of corrections the account held the first, and the second is booked alone."""

    def correct(quantity):
        newest = world.venue.executions(None).items[-1].execution.execution_id
        world.venue.control.correct(newest, D(quantity), D(100))

    await opened_late(world, ("AAPL", "5"), times=5, then=lambda: correct(4))
    correct(2)
    await world.run(120)

    assert not world.desk.halts
    assert len(await held(world)) == 1
    await world.settled()


async def test_a_clock_that_is_set_while_the_books_are_opened_begins_them_anew(world):
    """By the clock before, what is in the account already seems to come behind the opening."""
    world.fault("account", "delay", seconds=5, times=2)
    begun, executions = [], world.venue.executions
    world.venue.executions = lambda since=None: begun.append(since) or executions(since)
    opening = asyncio.create_task(world.open())
    await world.clock.settle()
    await world.run(7)
    right = world.clock.now
    world.clock.now = lambda: right() - timedelta(hours=1)
    while not opening.done():
        await world.run(1)

    assert begun.count(None) == 3, begun
    await world.settled()


async def test_what_was_taken_out_late_is_not_taken_out_again(world, monkeypatch):
    """The same trade explains a second loss, and a position that is really missing is hidden."""
    monkeypatch.setattr(overlap, "_RECORDS", 9)
    await opened_late(world, ("AAPL", "3"))
    await world.run(1)
    await world.crash()
    await world.run(700)
    await world.ready()
    await world.run(90)
    (fact,) = await held(world)
    assert not world.desk.halts

    world.venue._books._add("AAPL", D(-3), D(100))
    world.venue._books.cash -= fact.cash
    await world.crash()
    await world.ready()
    await world.run(120)

    assert await held(world) == [fact]
    assert [halt.name for halt in world.desk.halts] == ["AAPL"]
