"""A dozen orders over a network that drops, delays, cuts, resets and is silent, by the seed.

`TRY_PROXY_SEEDS` says how many seeds of mixtures are tried.
"""

import asyncio
import os
import random

import pytest

from desk.kit import resting
from fillwright.types import OrdStatus
from machines.proxied import ProxiedTrial
from machines.proxy import Fault, Kind, On, Way, drawn

SEEDS = int(os.environ.get("TRY_PROXY_SEEDS", "1"))
#: What becomes of an order over a bad network; nothing else may stand in the end.
QUIET = frozenset(
    {
        OrdStatus.NEW,
        OrdStatus.FILLED,
        OrdStatus.CANCELED,
        OrdStatus.ABANDONED,
        OrdStatus.EXPIRED,
        OrdStatus.REFUSED,
    }
)
DOZEN = (
    *({"quantity": str(n)} for n in (1, 2, 3)),
    *(resting(quantity=str(n)) for n in (4, 5, 6)),
    *({"symbol": "MSFT", "quantity": str(n)} for n in (1, 7)),
    resting(symbol="MSFT", limit_price="45"),
    *({"symbol": "KO", "side": "SELL", "quantity": str(n)} for n in (2, 9)),
    resting(symbol="KO", side="SELL", limit_price="22"),
)


#: What is tried by itself; a connection is only refused where another was cut before.
ALIKE = (
    (Kind.TRUNCATE,),
    (Kind.RESET, Kind.REFUSE),
    (Kind.HALF_CLOSE,),
    (Kind.MUTE,),
    (Kind.LATE,),
    (Kind.DELAY, Kind.DRIP),
)


async def carry_out(world: ProxiedTrial, chance: random.Random) -> None:
    """The dozen, with cancels and perhaps a crash among them."""
    handles = []
    for fields in DOZEN:
        handles.append(await world.submit(**fields))
        if chance.random() < 0.3:
            await world.run(chance.uniform(0.1, 2.0))
    await world.run(5)
    working = [one for one in handles if one.state.status is OrdStatus.NEW]
    for handle in working[:2]:
        await world.run(0.5)
        if not handle.state.ended:
            cancelling = asyncio.create_task(world.desk.cancel(handle.client_order_id))
            world.flight.add(cancelling)
            cancelling.add_done_callback(world._landed)
    await world.run(10)
    if chance.random() < 0.3:
        await world.crash()
        await world.open()
    await world.run(10)


async def under(faults: list[Fault], seed: int) -> ProxiedTrial:
    """One whole trial: trouble, healing, rest, and everything that must hold then."""
    world, chance = ProxiedTrial(seed=seed), random.Random(seed)
    await world.begin()
    try:
        await world.ready()
        world.proxy.arm(*faults)
        await carry_out(world, chance)
        world.proxy.heal()
        for _ in range(4):
            # The desk's minute may be over before a busy machine has carried the answer to a ping.
            await world.run(60)
            if not world.desk.obstacles:
                break
        await world.settled(1)
        world.counted()
        states = world.parts.keeper.ledger.orders.values()
        stuck = {s.client_order_id: s.status for s in states if s.status not in QUIET}
        assert stuck == {}
        assert [s.client_order_id for s in states if s.in_doubt] == []
    finally:
        await world.end()
    return world


@pytest.mark.parametrize("kinds", ALIKE, ids="-".join)
async def test_each_fault_by_itself(kinds: tuple[Kind, ...]) -> None:
    """A request that is repeated below us, or a fill that nobody hears of."""
    seed = 1 + ALIKE.index(kinds)
    chance = random.Random(seed)
    faults = [drawn(chance, kinds) for _ in range(6)]
    # The stream and an early request, whatever was drawn.
    faults[0].on, faults[0].skip = On.STREAM, 0
    faults[1].on, faults[1].way, faults[1].skip = On.REST, Way.UP, 2

    world = await under(faults, seed)

    assert {fault.kind for fault in world.proxy.struck} == set(kinds)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_mixtures(seed: int) -> None:
    """Two faults at once: what mends the one is cut by the other."""
    chance = random.Random(1000 + seed)

    await under([drawn(chance) for _ in range(chance.randint(3, 12))], seed)
