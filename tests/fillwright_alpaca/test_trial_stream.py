"""The stream goes wrong for minutes: what the desk knows, takes and tries meanwhile, and after."""

from contextlib import suppress
from decimal import Decimal

import pytest
from websockets.asyncio.client import connect

from alpacakit.trial import Trial, attempts, gated, open_again, trial, until
from desk.kit import order, resting
from fillwright.testing.paper_server import Fault, On
from fillwright.types import OrdStatus

D = Decimal
MINUTES = 10


def bound(minutes: float) -> int:
    """As docs/reference/alpaca.md says it."""
    return int(6 + 6 * minutes)


async def filled_unheard(world: Trial) -> None:
    """Everything that the broker does from here on is done while nobody hears it."""
    world.quote("AAPL", D(80), size=D(5))
    await world.run(30)
    world.quote("AAPL", D(100), size=D(5))


async def test_a_silent_stream_does_not_hide_fills() -> None:
    """A peer that answers pings and tells nothing looks like a quiet account for ever."""
    async with trial() as world:
        open_one = await world.submit(**resting(quantity="12"))
        await world.run(1)
        world.server.disturb(Fault(on=On.MESSAGE, fault="silent"))

        await filled_unheard(world)
        await world.run(60 * MINUTES - 30)

        assert (open_one.state.status, open_one.state.filled) == (OrdStatus.FILLED, D(12))
        assert attempts(world) == 1
        await open_again(world)
        await world.settled(30)


async def test_a_half_open_connection_is_noticed_and_replaced() -> None:
    """A peer that is gone without a word: minutes without news, and new risk taken blindly."""
    async with trial() as world:
        open_one = await world.submit(**resting(quantity="12"))
        await world.run(1)
        world.server.disturb(Fault(on=On.MESSAGE, fault="mute"))
        gone = world.server.faults.add(Fault(on=On.CONNECT, fault="drop_hang"))
        await world.run(13)
        # A mute peer answers no goodbye either, and the library waits for it in real time.
        await until(lambda: "the stream is down" in world.desk.obstacles)

        assert "the stream" in await gated(world)
        await filled_unheard(world)
        await world.run(60 * MINUTES)
        assert (open_one.state.status, open_one.state.filled) == (OrdStatus.FILLED, D(12))
        assert attempts(world) <= bound(MINUTES + 1)

        world.server.faults.remove(gone)
        await world.run(60)
        await open_again(world)
        await world.settled(30)


@pytest.mark.parametrize("how", ["close", "cut"])
async def test_a_stream_that_flaps_every_second_is_no_storm(how: str) -> None:
    """Alpaca bans whoever hammers it, and every gap hides something."""
    async with trial() as world:
        open_one = await world.submit(**resting(quantity="12"))
        began = attempts(world)
        world.quote("AAPL", D(80), size=D(5))

        for _ in range(60 * MINUTES):
            world.server.disturb(Fault(on=On.MESSAGE, fault=how))
            await world.run(1)

        assert attempts(world) - began <= bound(MINUTES)
        assert (open_one.state.status, open_one.state.filled) == (OrdStatus.FILLED, D(12))
        asked = [s for s in world.server.requests if s.on is not On.CONNECT]
        assert len(asked) < 200 * MINUTES
        assert [seen for seen in asked if seen.status == 429] == []
        await world.run(60)
        world.quote("AAPL", D(100), size=D(5))
        await open_again(world)
        await world.settled(30)


async def test_a_second_connection_that_is_refused_gates_new_risk_until_the_other_is_gone() -> None:
    """Another program has the account's one stream: this desk is blind and must say so."""
    async with trial() as world:
        open_one = await world.submit(**resting(quantity="12"))
        world.server.disturb(Fault(on=On.MESSAGE, fault="close"))
        await until(lambda: not world.server.connected(world.account.key))
        async with connect(world.server.stream_url, proxy=None) as other:
            keys = f'{{"key_id": "{world.account.key}", "secret_key": "{world.account.secret}"}}'
            await other.send(f'{{"action": "authenticate", "data": {keys}}}')
            await other.recv()
            began = attempts(world)
            await world.run(5)

            assert "HTTP 429" in await gated(world)
            await filled_unheard(world)
            await world.run(60 * MINUTES)
            assert attempts(world) - began <= bound(MINUTES + 1)
            assert (open_one.state.status, open_one.state.filled) == (OrdStatus.FILLED, D(12))
        await world.run(60)

        await open_again(world)
        await world.settled(30)


async def test_keys_that_are_revoked_stop_the_desk_until_somebody_acts() -> None:
    """A desk that goes on trying locks the account out, and one that goes on trading is blind."""
    async with trial() as world:
        open_one = await world.submit(**resting(quantity="12"))
        await world.run(1)
        began = attempts(world)
        for place in ("request", "connect", "authenticate"):
            world.server.faults.add(Fault(on=place, fault="unauthorized"))
        world.server.disturb(Fault(on=On.MESSAGE, fault="close"))
        await world.run(15)

        said = await gated(world)
        assert "refused the keys" in said
        world.quote("AAPL", D(80), size=D(5))
        await world.run(60 * MINUTES)
        # One attempt, one sentence, and silence until somebody acts.
        assert attempts(world) - began == 1
        assert open_one.state.status is OrdStatus.NEW

        world.server.faults.clear()
        await world.run(60)
        assert (open_one.state.status, open_one.state.filled) == (OrdStatus.FILLED, D(12))
        assert "refused the keys" in await gated(world)
        await world.aclose()
        await world.broker.close()
        await world.ready()
        world.quote("AAPL", D(100), size=D(5))
        await open_again(world)
        await world.settled(30)


@pytest.mark.parametrize("every", [1, 2, 3])
async def test_messages_that_never_come_are_made_up_for_by_the_books(every: int) -> None:
    """A fill that only a lost message told is a position that nobody knows."""
    async with trial() as world:
        world.server.faults.add(Fault(on=On.MESSAGE, fault="drop", every=every))
        handles = [await world.submit(quantity=str(n + 1)) for n in range(4)]
        canceled = await world.submit(**resting())
        await world.run(10)
        with suppress(Exception):
            await world.wait(world.desk.cancel(canceled.client_order_id))
        await world.run(60)

        assert {handle.state.status for handle in handles} == {OrdStatus.FILLED}
        assert canceled.state.status is OrdStatus.CANCELED
        await world.settled(30)


class Lagging(Trial):
    #: In seconds: what the adapter declares, and no list lags behind it.
    t_inflight = 75.0


@pytest.mark.parametrize("seconds", [1.0, 5.0, 30.0])
async def test_lists_that_lag_take_no_order_away(seconds: float) -> None:
    """An order that is not in the list yet is not gone: sent again it would be two."""
    async with trial(world=Lagging()) as world:
        for place in ("orders", "activities", "find"):
            world.server.faults.add(Fault(on=place, fault="lag", seconds=seconds))
        world.server.faults.add(Fault(on=On.MESSAGE, fault="drop", every=2))
        handles = [await world.submit(quantity=str(n + 1)) for n in range(4)]
        open_one = await world.submit(**resting())
        await world.run(60)
        again = [await world.submit(symbol="KO", quantity=str(n + 1)) for n in range(3)]
        await world.run(60)

        everyone = [*handles, *again]
        assert {handle.state.status for handle in everyone} == {OrdStatus.FILLED}
        assert open_one.state.status is OrdStatus.NEW
        for handle in (*everyone, open_one):
            assert len(world.at_venue(handle.client_order_id)) == 1
        await world.settled(90)


async def test_a_broker_that_is_gone_for_minutes_is_come_back_to() -> None:
    """Everything at once: no stream, no answers, and fills meanwhile."""
    async with trial() as world:
        open_one = await world.submit(**resting(quantity="12"))
        await world.run(1)
        began = attempts(world)
        world.server.refuse(60.0 * MINUTES)
        world.quote("AAPL", D(80), size=D(5))
        await world.run(20)
        risky = await world.desk.submit(order(symbol="MSFT"))
        await world.run(60 * MINUTES - 20)
        assert risky.state.status is OrdStatus.REFUSED
        assert "NOT_READY" in str(risky.state.reasons)

        await world.run(90)

        assert (open_one.state.status, open_one.state.filled) == (OrdStatus.FILLED, D(12))
        assert attempts(world) - began <= bound(2)
        world.quote("AAPL", D(100), size=D(5))
        await open_again(world)
        await world.settled(30)
