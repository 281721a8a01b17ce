"""What goes wrong while something is let go of: told, bounded, and never in the way of the rest."""

import asyncio

import pytest

from desk.kit import Check, D, World, open_order, order, resting
from fillwright.desk.limiting import LimitBook
from fillwright.desk.supply import Source
from fillwright.desk.tasks import end
from fillwright.errors import ConfigError, JournalFailed
from fillwright.ledger import LimitChanged
from fillwright.limits import Scoped
from fillwright.protocols import OnDisconnect
from fillwright.testing import ManualClock
from fillwright.types import OrdStatus, Value
from fillwright.verdicts import ALLOW


async def test_a_provider_that_cannot_be_closed_is_told_and_the_next_is_closed(world, caplog):
    """One broken source leaves the sockets of all others open."""
    closed = []

    class Feed:
        supplies = frozenset({"mine"})

        async def fetch(self, name, symbol):
            return None

        async def close(self):
            closed.append(self)
            if len(closed) == 1:
                raise OSError("the socket is gone")

    check = Check("needs_it", lambda *_: ALLOW)
    object.__setattr__(check, "needs", ("mine",))
    world.checks = (check,)
    world.sources = (Source("one", Feed()), Source("two", Feed()))
    await world.ready()
    await world.aclose()

    told = [r.message for r in caplog.records if "provider_left_open" in r.message]
    assert (len(closed), len(told)) == (2, 1)
    assert "provider=one reason=OSError: the socket is gone" in told[0]


async def test_an_end_that_is_given_up_leaves_what_does_not_heed_it() -> None:
    """A library that swallows cancels keeps the whole desk from ending."""
    begun, release = asyncio.Event(), asyncio.Event()

    async def deaf():
        while not release.is_set():
            begun.set()
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(deaf())
    await begun.wait()
    ending = asyncio.create_task(end(task))
    await asyncio.sleep(0.01)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending

    assert not task.done()
    release.set()
    await task


async def test_the_sweep_of_an_outage_leaves_alone_what_is_canceled_already(world):
    """Canceled twice, an order uses up the rate; canceled for others, it is their loss."""
    world.limits = type(world.limits)(on_disconnect=OnDisconnect.CANCEL, disconnect_after=5.0)
    await world.ready()
    mine = await open_order(world)
    other = await open_order(world, quantity="2")
    theirs = world.venue.submit(order(**resting(quantity="3")), "by-hand")
    world.fault("cancel", "delay", seconds=3.0)
    world.fault("report", "disconnect", seconds=30)
    world.venue.control.fill(other.state.broker_order_id, D(1), D(90))
    await world.run(4)
    canceling = asyncio.create_task(world.desk.cancel(mine.client_order_id))
    await world.run(10)
    await canceling

    assert world.requests["cancel", mine.client_order_id] == 1
    assert world.requests["cancel", other.client_order_id] == 1
    assert theirs.status is OrdStatus.NEW
    await world.settled(120)


async def test_an_outage_whose_cancels_cannot_be_recorded_stops_the_desk(world):
    """What cannot be recorded may not leave, and a desk that does not say so seems to watch."""
    world.limits = type(world.limits)(on_disconnect=OnDisconnect.CANCEL, disconnect_after=5.0)
    await world.ready()
    handle = await open_order(world)
    world.fault("report", "disconnect", seconds=60)
    world.venue.control.suspend(handle.state.broker_order_id)
    await world.run(2)
    world.journal.fail("disk full")

    with pytest.raises(JournalFailed, match="disk full"):
        await world.parts.supervisor._deadman.sweep()
    await world.run(10)
    assert world.desk.state == "failed"
    assert world.requests["cancel", handle.client_order_id] == 0


class Stranger(Value):
    limit: str = "1"


def test_a_change_of_a_table_that_its_plugin_cannot_read_is_a_sentence() -> None:
    """A stranger's exception ends the task that looks for the kill file, too."""
    scoped = Scoped(Stranger, {"limit": "1"}, "mine")

    def exchange(changes):
        if changes:
            raise TypeError("not like this")

    scoped.exchange = exchange
    book = LimitBook({"mine": scoped})

    with pytest.raises(ConfigError, match="mine: TypeError: not like this"):
        book.judged("mine.limit", "2")


def test_a_change_of_a_check_that_is_off_counts_no_more() -> None:
    """A desk that cannot place an old change would not start."""
    at = ManualClock().now()
    change = LimitChanged(at, "l-1", "gone.limit", '"2"', "", "", "jane", "test")

    ((found, why),) = LimitBook({}).outdated([change])

    assert found is change
    assert "is a setting of no check that is on" in why


async def test_a_task_that_fails_behind_the_close_changes_nothing(world: World):
    """A desk that was closed in good order is shown as failed."""
    await world.ready()
    await world.aclose()
    world.desk.fail("late", RuntimeError("too late"))

    assert world.desk.state == "closed"
