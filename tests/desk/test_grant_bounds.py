"""Where a grant ends: in time, and in size."""

from datetime import timedelta

import pytest

from desk.grantkit import KEY, Check, D, give, status
from desk.kit import World, resting
from fillwright.desk.granting import write_key
from fillwright.desk.operator import Beside
from fillwright.errors import OrderRefused
from fillwright.ledger import GrantRevoked, decode
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus


@pytest.fixture
async def world(tmp_path):
    one = World(beside=Beside(tmp_path / "db", inbox=tmp_path / "in", grant_key=tmp_path / "key"))
    write_key(tmp_path / "key", KEY)
    one.checks = (Check(),)
    yield one
    await one.end()


async def test_a_clock_that_moves_back_does_not_bring_it_back(world):
    """A grant that ran out ran out, whatever the clock says later, and over a restart."""
    await world.ready()
    give(world)
    await world.run(31 * 60)
    told = world.clock.now
    world.clock.now = lambda: told() - timedelta(minutes=20)
    assert (await status(world)).status is OrdStatus.REFUSED
    await world.crash()
    await world.ready()

    assert (await status(world)).status is OrdStatus.REFUSED
    ended = [f for f in map(decode, world.journal.read()) if isinstance(f, GrantRevoked)]
    assert [fact.by for fact in ended] == ["the desk"]


async def test_of_a_replace_the_whole_order_is_held_to_its_amount(world):
    """In steps that are each small, an order would outgrow what its grant lets pass."""
    await world.ready()
    give(world, up_to_usd=D(300))
    await world.run(2)
    handle = await world.submit(**resting(quantity="1"))
    await world.run(1)

    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity="3")))
    with pytest.raises(OrderRefused):
        await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity="4")))
