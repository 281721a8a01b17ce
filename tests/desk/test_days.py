"""Profit and loss of the day: from what it is measured, and that a restart forgets nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from desk.kit import D
from fillwright.errors import InputMissing
from fillwright.ledger import DayOpened, EquityPeaked


@pytest.fixture
def told(world, monkeypatch):
    """Set what the broker says of equity; None leaves its own word."""
    said = {}
    account = world.venue.account

    def altered():
        return replace(account(), **said)

    monkeypatch.setattr(world.venue, "account", altered)
    return said


def pnl(world):
    return world.parts.approvals.view().pnl


async def heard(world):
    await world.wait(world.desk.fresh_account())


async def test_the_day_is_measured_from_its_first_account(world, told):
    """Without the broker's word on yesterday's close, the day begins where it was first seen."""
    told["equity"] = D(1000)
    await world.ready()
    told["equity"] = D(940)
    await heard(world)

    assert (pnl(world).today, pnl(world).drawdown) == (-60, 60)
    assert world.parts.keeper.ledger.day == ("2026-03-02", 1000, 1000)


async def test_the_brokers_equity_at_the_last_close_goes_first(world, told):
    """A gap down over night is a loss of today."""
    told.update(equity=D(900), last_equity=D(1000))
    await world.ready()

    assert pnl(world).today == -100


async def test_the_peak_only_rises_and_survives_a_restart(world, told):
    """A drawdown that a restart resets is one loss limit per restart."""
    told["equity"] = D(1000)
    await world.ready()
    for equity in (1050, 1010):
        told["equity"] = D(equity)
        await heard(world)
    await world.run(1)
    await world.crash()
    await world.ready()

    assert (pnl(world).peak, pnl(world).drawdown, pnl(world).today) == (1050, 40, 10)


async def test_only_what_is_new_is_journaled(world, told):
    """A record for every account that comes would bury the orders."""
    told["equity"] = D(1000)
    await world.ready()
    for equity in (1000, 990, 1001, 1001):
        told["equity"] = D(equity)
        await heard(world)

    kinds = [type(c.fact) for c in world.changes if isinstance(c.fact, DayOpened | EquityPeaked)]
    assert kinds == [DayOpened, EquityPeaked]


async def test_a_new_day_begins_at_midnight_of_the_time_zone(world, told):
    """Yesterday's loss must not stop today, nor today's begin with yesterday's peak."""
    world.clock._now = datetime(2026, 3, 3, 4, 59, 30, tzinfo=UTC)  # half a minute to midnight
    told["equity"] = D(1000)
    await world.ready()
    told["equity"] = D(900)
    await heard(world)
    before = world.parts.keeper.ledger.day
    await world.run(60)

    assert before.day == "2026-03-02"
    assert world.parts.keeper.ledger.day == ("2026-03-03", 900, 900)
    assert pnl(world).today == 0


@pytest.mark.parametrize("equity", ["NaN", "Infinity"])
async def test_an_equity_that_is_no_number_is_no_profit_and_no_loss(world, told, equity):
    """A loss limit on a NaN never fires."""
    told["equity"] = D(1000)
    await world.ready()
    told["equity"] = D(equity)
    await heard(world)

    with pytest.raises(InputMissing):
        pnl(world)
    told.update(equity=D(999), last_equity=D("NaN"))
    await heard(world)
    assert pnl(world).today == -1
