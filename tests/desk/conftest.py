"""A world for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from desk.kit import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A venue, its faults and a disk; the test opens a desk on them."""
    made = World()
    yield made
    await made.end()


@pytest.fixture
async def made() -> AsyncIterator[Callable[[World], Awaitable[World]]]:
    """A world of one's own, with its desk open; it is ended behind the test."""
    worlds: list[World] = []

    async def ready(world: World) -> World:
        worlds.append(world)
        await world.ready()
        return world

    yield ready
    for world in worlds:
        await world.end()
