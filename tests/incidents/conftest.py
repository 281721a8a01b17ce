"""A world for each incident."""

from collections.abc import AsyncIterator

import pytest

from desk.kit import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A venue, its faults and a disk; the incident opens a desk on them."""
    made = World()
    yield made
    await made.end()
