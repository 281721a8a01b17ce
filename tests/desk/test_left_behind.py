"""What an earlier process left behind: money that may be spent, and orders that nobody asks for."""

from dataclasses import replace

from desk.kit import LIMITS, D, resting
from fillwright.orders import OrderChange
from fillwright.states import Action
from fillwright.types import OrdStatus

DAY = 24 * 3600.0


async def test_money_of_a_buy_in_doubt_is_not_spent_twice_after_a_restart(world):
    """The broker's buying power does not show an order that it may have any moment."""
    await world.ready()
    await world.wait((await world.submit()).done())
    world.fault("submit", "accept_late", seconds=60.0)
    lost = await world.submit(**resting(quantity="4"))
    await world.run(0.5)
    await world.crash()
    await world.ready()

    assert world.state(lost.client_order_id).in_doubt
    assert world.parts.funds.reserved == D(4) * D(90)
    assert world.parts.approvals.view().reserved == D(4) * D(90)
    await world.settled(120)
    assert world.parts.funds.reserved == 0


async def test_money_of_an_order_by_notional_too(world):
    """It has no quantity yet, and costs what was said."""
    await world.ready()
    await world.wait((await world.submit()).done())
    world.fault("submit", "accept_late", seconds=60.0)
    await world.submit(notional="150")
    await world.run(0.5)
    await world.crash()
    await world.ready()

    assert world.parts.funds.reserved == D(150)
    await world.settled(120)


async def test_a_sale_that_reduces_reserves_nothing(world):
    """Money that is held for a sale would keep the buys of a plan waiting for it."""
    await world.ready()
    await world.wait((await world.submit()).done())
    world.fault("submit", "accept_late", seconds=60.0)
    await world.submit(**resting(side="SELL", quantity="4"))
    await world.run(0.5)
    await world.crash()
    await world.ready()

    assert world.parts.funds.reserved == 0
    await world.settled(120)


async def test_a_replace_in_doubt_keeps_its_money(world):
    """The larger order may stand at the broker, and its account shows the smaller one."""
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    await world.run(1)
    world.fault("replace", "drop_request", times=1)
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity="9")))
    assert world.state(handle.client_order_id).awaiting(Action.REPLACE)
    await world.wait(world.desk.fresh_account())

    assert world.parts.funds.reserved == D(9) * D(90)
    await world.crash()
    await world.ready()
    assert world.parts.funds.reserved == D(9) * D(90)
    await world.settled()
    await world.wait(world.desk.fresh_account())
    assert world.parts.funds.reserved == 0


async def staged(world):
    """An order that an earlier process staged, and that did not leave."""
    world.latency = 1.0
    world.__post_init__()
    await world.open()
    left = await world.submit(quantity="1", intent_id="left-behind")
    assert left.state.status is OrdStatus.STAGED
    await world.crash(keep=100)
    world.latency = 0.0
    return left


async def test_orders_left_behind_take_no_room(world):
    """A desk that crashed often enough would take no orders any more, for ever."""
    world.limits = replace(LIMITS, max_in_flight=1)
    left = await staged(world)
    await world.ready()

    assert world.state(left.client_order_id).status is OrdStatus.STAGED
    other = await world.submit(symbol="KO")
    await world.run(5)
    assert other.state.status is OrdStatus.FILLED
    await world.submit(quantity="1", intent_id="left-behind")
    await world.run(5)
    assert world.state(left.client_order_id).status is OrdStatus.FILLED
    await world.settled()


async def test_what_was_left_behind_long_ago_ends(world):
    """A decision of last week that leaves today is one that nobody took."""
    left = await staged(world)
    world.clock.advance(DAY)
    await world.ready()

    state = world.state(left.client_order_id)
    assert state.status is OrdStatus.EXPIRED
    assert "nobody went on with it" in state.text
    again = await world.submit(quantity="1", intent_id="left-behind")
    assert again.state.status is OrdStatus.EXPIRED
    assert not world.requests["submit", left.client_order_id]
    await world.settled()
