"""Halts by symbol, strategy, account and desk: they latch, and only reductions pass."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.kit import World, order
from fillwright.errors import BadInput
from fillwright.types import OrdStatus
from fillwright.verdicts import Scope

D = Decimal
SCOPES = [
    (Scope.SYMBOL, "AAPL"),
    (Scope.STRATEGY, "momo"),
    (Scope.ACCOUNT, "FAKE-1"),
    (Scope.DESK, ""),
]
#: Which of the orders below a halt of each scope holds.
HELD = {Scope.SYMBOL: {0, 1}, Scope.STRATEGY: {1, 2}, Scope.ACCOUNT: {0, 1, 2, 3}}
HELD[Scope.DESK] = HELD[Scope.ACCOUNT]
ORDERS = (
    {"symbol": "AAPL"},
    {"symbol": "AAPL", "strategy": "momo"},
    {"symbol": "KO", "strategy": "momo"},
    {"symbol": "MSFT", "strategy": "other"},
)


async def refused(world):
    """Which of the orders are refused now."""
    handles = [await world.desk.submit(order(**fields)) for fields in ORDERS]
    await world.run(1)
    assert all(h.state.status in {OrdStatus.FILLED, OrdStatus.REFUSED} for h in handles)
    return {n for n, h in enumerate(handles) if h.state.status is OrdStatus.REFUSED}


@pytest.mark.parametrize(("scope", "name"), SCOPES)
async def test_a_halt_holds_its_scope_over_a_restart_until_a_person_resumes(world, scope, name):
    """Too narrow a halt lets risk pass, too wide a one stops what is sound."""
    await world.ready()
    await world.desk.halt(scope, name, reason="test", by="jane")
    assert await refused(world) == HELD[scope]

    await world.crash()
    await world.ready()
    assert await refused(world) == HELD[scope]
    for nobody in ("", "  "):
        with pytest.raises(BadInput):
            await world.desk.resume(scope, name, by=nobody)
    assert await refused(world) == HELD[scope]

    await world.desk.resume(scope, name, by="joe")
    assert await refused(world) == set()


@pytest.mark.parametrize(("scope", "name"), SCOPES)
async def test_lifting_one_halt_leaves_the_others(world, scope, name):
    """The person who lifts his own halt does not know of the other one."""
    await world.ready()
    for each, whom in SCOPES:
        await world.desk.halt(each, whom, reason="test", by="jane")
    await world.desk.resume(scope, name, by="joe")

    left = [HELD[each] for each, _ in SCOPES if each is not scope]
    assert await refused(world) == set().union(*left)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 12),
        st.booleans(),  # at the market, or resting
        st.booleans(),  # reduce_only
        st.booleans(),  # wait until it is settled before the next
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(st.integers(-10, 10), st.sampled_from(SCOPES), STEPS, st.booleans())
def test_under_a_halt_no_position_grows_or_flips(held, halt, steps, resize) -> None:
    """A flat account opens nothing, and what reduces never flips, orders under way included."""

    async def run():
        world = World(positions={"AAPL": D(held)} if held else {}, allow_resize=resize)
        world.quote("AAPL", D(100), size=D(1000))
        low = high = D(held)
        try:
            await world.ready()
            scope, name = halt
            await world.desk.halt(scope, name, reason="test", by="jane")
            for side, quantity, market, only, wait in steps:
                away = "90" if side == "BUY" else "110"
                kind = {} if market else {"type": "LIMIT", "limit_price": away}
                asked = order(
                    side=side, quantity=str(quantity), strategy="momo", reduce_only=only, **kind
                )
                await world.desk.submit(asked)
                await world.run(1 if wait else 0)
            await world.run(2)
            # Whatever still rests fills now, all at once.
            world.quote("AAPL", D(80 if held < 0 else 120), size=D(1000))
            await world.run(5)
            now = world.venue.account().positions.get("AAPL")
            return low, high, now.quantity if now else D(0)
        finally:
            await world.end()

    start, _, end = asyncio.run(run())

    assert min(start, D(0)) <= end <= max(start, D(0))
