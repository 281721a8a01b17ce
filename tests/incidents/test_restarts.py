"""Restarts."""

from desk.kit import BINDING, D, open_order, resting
from fillwright.journal import MemoryJournal
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus

MORE = OrderChange(quantity="5")


async def test_lean_ib_227(world):
    """LEAN Interactive Brokers #227: the nightly reset lost what happened while it lasted.

    There: the gateway went away for its reset, and orders that ended meanwhile stayed open here.
    Here: an outage is a gap; every order that is missing behind it is asked for by name.
    """
    await world.ready()
    filled = await open_order(world, quantity="3")
    canceled = await open_order(world, limit_price="88")
    world.fault("report", "disconnect", seconds=120)
    world.venue.control.fill(filled.state.broker_order_id, D(3), D(90))
    world.venue.control.cancel(canceled.state.broker_order_id)
    await world.run(240)

    assert world.state(filled.client_order_id).status is OrdStatus.FILLED
    assert world.state(canceled.client_order_id).status is OrdStatus.CANCELED
    await world.settled()


async def test_lean_alpaca_78(world):
    """LEAN Alpaca #78: after a restart nobody could tell which order was whose.

    There: no id of the program's own went to the broker, so only the broker's were there.
    Here: the id is the decision's; a new process finds the order, and its fills, under it.
    """
    await world.ready()
    handle = await open_order(world, quantity="2", intent_id="mine")
    await world.crash()
    world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
    await world.ready()
    await world.run(10)
    found = await world.desk.find("mine")

    assert found.client_order_id == handle.client_order_id
    assert found.state.filled == 2
    await world.settled()


async def test_lumibot_660(world):
    """Lumibot #660: orders of the process before were not tracked, and traded on unseen.

    There: the list of orders began empty with each start.
    Here: the journal is replayed and compared before new risk; what it lacks is adopted.
    """
    await world.ready()
    handle = await open_order(world, quantity="4")
    await world.crash()
    world.journal = MemoryJournal(BINDING, clock=world.clock)
    await world.ready()
    await world.run(5)

    (kept,) = world.desk.working()
    assert (kept.client_order_id, kept.leaves) == (handle.client_order_id, 4)
    assert world.parts.keeper.exposures.snapshot()["AAPL"].open_buys == 4
    await world.settled()


async def test_nautilus_3176(world):
    """NautilusTrader #3176: each restart added the same order once more.

    There: the orders in the venue's list were not recognised, and were made anew.
    Here: three restarts later there is one order, here and there.
    """
    await world.ready()
    handle = await world.submit(**resting(intent_id="once"))
    for _ in range(3):
        await world.crash(keep=100)
        await world.ready()
        await world.run(5)
        await world.submit(**resting(intent_id="once"))
    await world.run(5)

    assert [state.client_order_id for state in world.desk.working()] == [handle.client_order_id]
    assert len(world.venue.orders()) == 1
    await world.settled()


async def test_openalgo_932(world):
    """Openalgo #932: one trigger was executed twice.

    There: claiming the trigger and placing its order were two steps with room between them.
    Here: the intent is on the disk before the first byte; a crash in between sends nothing twice.
    """
    await world.ready()
    world.fault("submit", "accept_late", seconds=2.0)
    handle = await world.submit(quantity="2", intent_id="trigger-7")
    await world.crash()
    await world.ready()
    await world.submit(quantity="2", intent_id="trigger-7")
    await world.run(30)

    assert len(world.venue.orders()) == 1
    assert world.state(handle.client_order_id).filled == 2
    await world.settled()


async def test_stoqey_129(world):
    """stoqey/ib #129: a cancel and a change after a restart left two orders behind.

    There: the ids of the first process were gone, so the new one placed what it could not name.
    Here: names and their changes are in the journal, and the change goes to the order it means.
    """
    await world.ready()
    handle = await open_order(world, quantity="2")
    await world.crash()
    await world.ready()
    await world.run(5)
    await world.wait(world.desk.replace(handle.client_order_id, MORE))
    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(5)

    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    assert not [o for o in world.at_venue(handle.client_order_id) if o.status is OrdStatus.NEW]
    await world.settled()
