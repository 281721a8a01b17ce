"""How often the stream tries to connect, counted on a clock of our own."""

from itertools import pairwise

import pytest

from alpacakit.streaming import Unlucky, World
from alpacakit.updates import AlpacaOrder
from fillwright_alpaca.socket import Unreachable, UpgradeRefused

TEN_MINUTES = 600.0
#: What the stream promises: 6 at once and 6 a minute.
MOST_IN_TEN_MINUTES = 66


def _attempts_of(world: World) -> list[float]:
    return world.broker.attempts


@pytest.mark.parametrize(
    "refusal",
    [
        lambda: UpgradeRefused(429),
        lambda: Unreachable("connection refused"),
        lambda: UpgradeRefused(503),
    ],
)
async def test_attempts_are_bounded_when_refused(refusal):
    """The SDK before 0.44 tried 80 times a second, and was refused all the more."""
    world = World(Unlucky())
    world.broker.refusal = refusal
    async with world:
        await world.run(TEN_MINUTES)

        assert 30 <= len(_attempts_of(world)) <= MOST_IN_TEN_MINUTES
        assert set(world.told) == {"down"}


async def test_back_off_alone_keeps_to_six_a_minute():
    """With ordinary luck the bound is never even touched."""
    world = World()
    world.broker.refusal = lambda: UpgradeRefused(429)
    async with world:
        await world.run(TEN_MINUTES)

        assert len(_attempts_of(world)) <= 60
        gaps = _gaps(_attempts_of(world))
        assert all(0.5 <= gap <= 30.001 for gap in gaps)
        assert "one stream connection" in world.reader.items[0].reason


async def test_attempts_are_bounded_when_accepted_and_closed():
    """A server that takes the connection and closes it is no reason to ask at once again."""
    world = World(Unlucky())
    world.broker.auth = None
    async with world:
        world.broker.socket.drop()
        for _ in range(1200):
            await world.run(0.5)
            world.broker.socket.drop()

        assert len(_attempts_of(world)) <= MOST_IN_TEN_MINUTES


@pytest.mark.parametrize("carries", [False, True])
async def test_attempts_are_bounded_when_flapping(carries):
    """A connection that drops every second, with or without a message, must not become a storm."""
    world = World(Unlucky())
    sent = AlpacaOrder().event("new")

    def flap(socket):
        socket.drop_after(1.0)
        if carries:
            world.broker.update(sent)

    world.broker.on_listening = flap
    async with world:
        await world.run(TEN_MINUTES)

        assert 10 <= len(_attempts_of(world)) <= MOST_IN_TEN_MINUTES
        assert world.told.count("up") == len(_attempts_of(world))


async def test_any_minute_has_at_most_twelve_attempts():
    """What was saved up in a quiet hour is small."""
    world = World(Unlucky())
    async with world:
        await world.run(3600)
        world.broker.refusal = lambda: UpgradeRefused(429)
        world.broker.socket.drop()
        await world.run(TEN_MINUTES)

        times = _attempts_of(world)
        assert max(sum(t <= other < t + 60 for other in times) for t in times) <= 12


async def test_connecting_alone_proves_nothing():
    """A counter that is reset by every connect never backs off from a server that drops them."""
    world = World()
    world.broker.on_listening = lambda socket: socket.drop_after(1.0)
    async with world:
        await world.run(TEN_MINUTES)

        gaps = _gaps(_attempts_of(world))
        assert max(gaps) > 15
        assert sum(gaps[-10:]) / 10 > 8


@pytest.mark.parametrize("carries", [False, True])
async def test_a_connection_that_was_good_resets_the_counter(carries):
    """After a day without a fault, one drop must not cost half a minute of blindness."""
    world = World()
    world.broker.refusal = lambda: UpgradeRefused(503)
    async with world:
        await world.run(240)
        world.broker.refusal = None
        await world.run(40)
        assert world.told[-1] == "up"
        if carries:
            world.broker.update(AlpacaOrder().event("new"))
            await world.clock.settle()
        else:
            await world.run(60)
        world.broker.socket.drop()
        await world.run(1.1)

        assert world.told[-1] == "up"


def _gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]
