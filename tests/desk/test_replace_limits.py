"""Replaces and the controls: what a change counts for, and that its refusal is remembered."""

from decimal import Decimal
from typing import Any

import pytest

from desk.kit import Check, D, World, open_order, resting
from fillwright.errors import OrderRefused
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus
from fillwright_risk.build import build_checks


def controls(**tables: Any) -> list[Check]:
    """The named controls, with their tables."""
    made = [one for one in build_checks(tables) if one.name in tables]
    return [Check(one.name, one.check_order, one.code) for one in made]  # type: ignore[attr-defined]  # each has it


def spending(limit: str) -> World:
    return World(checks=controls(daily_capital={"limit_usd": limit}))


async def replaced(world: World, handle: Any, **change: str) -> None:
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(**change)))
    await world.run(1)


async def refused(world: World, handle: Any, **change: str) -> set[str]:
    with pytest.raises(OrderRefused) as told:
        await replaced(world, handle, **change)
    return {reason.code for reason in told.value.reasons}


async def codes_of(world: World, **fields: str) -> set[str]:
    handle = await world.submit(**resting(**fields))
    await world.run(0.1)
    return {reason.code for reason in handle.state.reasons}


async def test_a_replace_counts_what_it_adds(made):
    """Counted in full, every change of a price would use up the day's money once more."""
    world = await made(spending("1000"))
    handle = await open_order(world, quantity="10")

    await replaced(world, handle, quantity="11")

    assert handle.state.quantity == 11
    assert await codes_of(world, quantity="0.2") == {"C13"}
    assert await codes_of(world, quantity="0.1") == set()
    await world.settled()


async def test_a_replace_that_adds_too_much_is_refused(made):
    """What may not be bought in a new order may not be bought by changing an old one."""
    world = await made(spending("1000"))
    handle = await open_order(world, quantity="10")

    assert await refused(world, handle, quantity="12") == {"C13"}
    assert await refused(world, handle, limit_price="101") == {"C13"}
    assert (handle.state.status, handle.state.quantity) == (OrdStatus.NEW, 10)
    await world.settled()


async def test_a_replace_that_takes_away_passes_a_limit_that_is_used_up(made):
    """Nobody may be held in an order that he wants to make smaller."""
    world = await made(spending("900"))
    handle = await open_order(world, quantity="10")

    await replaced(world, handle, quantity="4")

    assert handle.state.quantity == 4
    assert await codes_of(world, quantity="1") == {"C13"}
    await world.settled()


async def test_no_row_of_replaces_is_worth_more_than_the_limit(made):
    """Up and down again in price and size, an order must not outgrow what it was counted for."""
    world = await made(spending("1000"))
    handle = await open_order(world, quantity="10", limit_price="50")
    await replaced(world, handle, quantity="5", limit_price="95")
    await replaced(world, handle, quantity="10", limit_price="50")

    assert await refused(world, handle, quantity="15", limit_price="80") == {"C13"}
    await replaced(world, handle, quantity="10", limit_price="95")
    assert handle.state.order.limit_price == 95
    await world.settled()


async def test_what_replaces_added_is_counted_after_a_restart(made):
    """A limit that a restart resets is a limit per restart."""
    world = await made(spending("1000"))
    handle = await open_order(world, quantity="5")
    await replaced(world, handle, quantity="10")
    await world.crash()
    await world.ready()

    assert await codes_of(world, quantity="1.2") == {"C13"}
    assert await codes_of(world, quantity="1.1") == set()
    await world.settled()


async def test_buying_power_that_the_order_holds_is_not_asked_for_twice(made):
    """The broker's figure is less what the order holds: counted in full, no change would pass."""
    world = await made(World(checks=controls(buying_power={})))
    handle = await open_order(world, quantity="12000")
    await world.run(15)
    left = (await world.wait(world.desk.fresh_account())).buying_power
    assert left < 12_000 * 90

    most = 12_000 + int(left / 90)
    assert await refused(world, handle, quantity=str(most + 1)) == {"C12"}
    await replaced(world, handle, quantity=str(most))
    assert handle.state.quantity == most
    await world.settled()


async def test_buying_power_before_the_broker_shows_the_order(made):
    """What nobody has taken off yet is not given back."""
    world = await made(World(checks=controls(buying_power={})))
    world.fault("account", "unavailable", times=50)
    handle = await open_order(world, quantity="12000")

    power = world.parts.market.account.buying_power
    assert power > 12_000 * 90
    assert await refused(world, handle, quantity=str(int(power / 90) + 1)) == {"C12"}


@pytest.mark.parametrize("when", ["at once", "after a restart"])
async def test_a_refused_replace_is_remembered(made, when):
    """Refused in one piece as a change, it must not leave in parts as orders."""
    tables = {"max_order_quantity": {"limit_shares": "6"}, "anti_slicing": {}}
    world = await made(World(checks=controls(**tables)))
    handle = await open_order(world, quantity="1")
    assert await refused(world, handle, quantity="7") == {"C01"}
    if when == "after a restart":
        await world.run(1)
        await world.crash()
        await world.ready()

    assert await codes_of(world, quantity="5") == set()
    assert await codes_of(world, quantity="1") == {"C21"}
    assert await codes_of(world, quantity="0.5") == set()
    assert world.state(handle.client_order_id).quantity == 1
    await world.settled()


async def test_a_refused_replace_is_in_the_journal(made):
    """Whoever asks later must find who asked for what, and why it did not leave."""
    world = await made(World(checks=controls(max_order_quantity={"limit_shares": "6"})))
    handle = await open_order(world, quantity="1")
    await refused(world, handle, quantity="7")
    await world.run(1)

    (record,) = (one for one in world.journal.read() if one.kind == "change_refused")
    assert record.key == handle.client_order_id
    assert record.body["change"] == {"quantity": "7"}
    assert record.body["reasons"][0]["code"] == "C01"
    assert Decimal(record.body["reasons"][0]["limit"]) == D(6)
