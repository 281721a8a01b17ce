"""A large plan at Alpaca's limit of 200 requests a minute, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

import pytest

from alpacakit.world import AlpacaWorld
from desk.kit import resting
from fillwright.desk.handles import Handle
from fillwright.plans import ExecutionResult, TargetQuantities
from fillwright.protocols import Limits
from fillwright.testing.paper_server import On, Seen
from fillwright.types import OrdStatus

D = Decimal
COUNT = 200
LIMIT = 200
SYMBOLS = [f"S{number:03d}" for number in range(COUNT)]
#: Of the broker's clock: rules and order of each symbol at the limit, a quarter more for polls.
SECONDS = 2 * COUNT / LIMIT * 60 * 1.25
#: In seconds: a cancel waits for nothing.
CANCEL_WAITS = 0.0


class PatientWorld(AlpacaWorld):
    """No server hangs here, and the machine may be slow."""

    give_up = 60.0


@asynccontextmanager
async def market_of_many() -> AsyncIterator[PatientWorld]:
    """A desk with the limits that a user gets, at a server with two hundred symbols more."""
    positions = {"AAPL": D(20), **dict.fromkeys(SYMBOLS[: COUNT // 2], D(10))}
    world = PatientWorld(limits=Limits(), positions=positions)
    await world.begin(instruments={symbol: {"price": "100"} for symbol in SYMBOLS})
    try:
        await world.ready()
        yield world
    finally:
        await world.end()


def half_and_half() -> TargetQuantities:
    """Sell half of a hundred positions, and buy a hundred new ones."""
    targets = dict.fromkeys(SYMBOLS, "5")
    said = {"plan_id": "many", "target_quantities": targets, "stale_orders": "keep"}
    return TargetQuantities.model_validate(said)


def by_minute(seen: list[Seen]) -> Counter[datetime]:
    return Counter(entry.at.replace(second=0, microsecond=0) for entry in seen)


@pytest.mark.timeout(600)
async def test_two_hundred_orders_are_done_in_the_time_that_the_limit_allows() -> None:
    """Polls that nobody needs, and quotes one by one, made a plan three times as slow."""
    async with market_of_many() as world:
        began = world.clock.monotonic()

        result = await world.wait(world.desk.execute(half_and_half()), SECONDS)

        took = world.clock.monotonic() - began
        trading = [s for s in world.server.requests if s.on not in (On.DATA, On.CONNECT)]
        quotes = world.server.requests.of(On.DATA)
        assert (result.status, result.orders_succeeded) == ("SUCCESS", COUNT)
        assert took <= SECONDS
        assert [seen for seen in world.server.requests if seen.status == 429] == []
        assert max(by_minute(trading).values()) <= LIMIT
        assert max(by_minute(quotes).values()) <= LIMIT
        assert len(world.server.requests.of(On.SUBMIT)) == COUNT
        # Rules once, order once; a quarter more for books and money. One
        # question for quotes serves all who ask at the same moment: before an order, behind a fill.
        assert len(trading) <= 2.5 * COUNT
        assert len(quotes) <= COUNT
        await world.settled(90)


@pytest.mark.timeout(600)
async def test_a_cancel_does_not_wait_behind_the_orders_of_a_plan() -> None:
    """Risk that somebody wants to be rid of stays on while a hundred orders go first."""
    async with market_of_many() as world:
        open_ones = []
        for number in range(18):
            price = str(80 + number)
            open_ones.append(await world.submit(**resting(limit_price=price)))
        await world.run(70)
        running = asyncio.create_task(world.desk.execute(half_and_half()))
        while not world.parts.carrier.count:
            await world.run(1)
        waits = []
        # One at a time while submits wait for their turn, then ten at once.
        for handles in (*([one] for one in open_ones[:8]), open_ones[8:]):
            await world.run(3)
            assert world.parts.limiter.waiting > 0
            waits += await waits_of_cancels(world, handles)

        result = await world.wait(end_of(running), SECONDS)

        assert max(waits) <= CANCEL_WAITS
        assert {one.state.status for one in open_ones} == {OrdStatus.CANCELED}
        assert (result.status, result.orders_succeeded) == ("SUCCESS", COUNT)
        assert [seen for seen in world.server.requests if seen.status == 429] == []


async def waits_of_cancels(world: PatientWorld, handles: list[Handle]) -> list[float]:
    """Cancel all at once: the seconds of the desk's time until each request was at the server."""
    asked = world.clock.now()
    names = [handle.client_order_id for handle in handles]
    canceling = asyncio.gather(*map(world.desk.cancel, names))
    await world.run(1)
    await canceling
    sent = [seen for seen in world.server.requests.of(On.CANCEL) if seen.client_order_id in names]
    assert len(sent) == len(handles)
    return [(seen.at - asked).total_seconds() for seen in sent]


async def end_of(running: asyncio.Task[ExecutionResult]) -> ExecutionResult:
    return await running
