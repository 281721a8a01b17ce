"""Crash and resume: the same intents, the same content, and nothing besides."""

from collections.abc import Callable

import pytest

from desk.planning.cases import FULL, FULL_PRICES, D, kinds, run, world
from desk.planning.scripted import ScriptedDesk
from desk.planning.world import Crashed, Script, World
from fillwright.desk.planning import PlanEngine
from fillwright.orders import content_hash
from fillwright.plans import (
    PlanStatus,
    Why,
)
from fillwright.types import Side


def _orders(the_world: World) -> dict[str | None, str]:
    return {order.intent_id: content_hash(order) for _, order in the_world.sent}


Making = Callable[[], World]


def _slow() -> World:
    scripts = {"A": Script(after=2.0), "C": Script(after=0.5)}
    return world(
        prices=dict(FULL_PRICES), positions={"A": D(50)}, settle_after=3.0, scripts=scripts
    )


def _short_of_money() -> World:
    return world(prices=dict(FULL_PRICES), positions={"A": D(20)}, cash=D(100), settle_after=1.0)


@pytest.mark.parametrize("making", [_slow, _short_of_money])
@pytest.mark.parametrize("after", [True, False])
async def test_a_crash_at_any_record_and_a_resume_send_the_same_orders(
    making: Making, after: bool
) -> None:
    """A process that dies anywhere must neither repeat an order, nor lose one, nor change one."""
    calm = making()
    wanted = await run(calm, FULL)
    for die_at in range(1, len(calm.records) + 1):
        venue = making()
        with pytest.raises(Crashed):
            await venue.clock.drive(
                PlanEngine(ScriptedDesk(venue, die_at=die_at, after=after)).execute(FULL)
            )
        for _ in range(3):
            result = await run(venue, FULL)
        assert _orders(venue).keys() == _orders(calm).keys()
        assert len(venue.sent) == len(_orders(venue))
        assert [i.status for i in result.items] == [i.status for i in wanted.items]
        released = [r for r in venue.records if r.kind == "plan_released"]
        assert len({r.body["line"] for r in released}) == len(released)
        assert kinds(venue).count("plan_sized") == 1


async def test_a_resumed_plan_does_not_size_again() -> None:
    """Prices move while the process is down; a second sizing would sell or buy twice."""
    calm, venue = _slow(), _slow()
    await run(calm, FULL)
    at = next(r.seq for r in calm.records if r.kind == "order_staged")
    with pytest.raises(Crashed):
        await venue.clock.drive(PlanEngine(ScriptedDesk(venue, die_at=at)).execute(FULL))
    venue.prices = {symbol: price * 2 for symbol, price in venue.prices.items()}
    result = await run(venue, FULL)
    sold = {o.intent_id: o.quantity for _, o in venue.sent if o.side is Side.SELL}
    assert sold == {o.intent_id: o.quantity for _, o in calm.sent if o.side is Side.SELL}
    lines = {o.symbol: o.quantity for _, o in calm.sent}
    for _, order in venue.sent:
        assert (order.quantity or 0) <= (lines[order.symbol] or 0)
    assert result.metadata["resumed"] is True


async def test_a_plan_found_days_later_sends_nothing_more() -> None:
    """Yesterday's decision must not be carried out at today's prices."""
    venue = _slow()
    with pytest.raises(Crashed):
        await venue.clock.drive(PlanEngine(ScriptedDesk(venue, die_at=2)).execute(FULL))
    venue.clock.elapsed += 3 * 86400
    result = await run(venue, FULL)
    assert venue.sent == []
    assert result.status is PlanStatus.FAILURE
    assert {i.residuals[0].why for i in result.items if i.side} == {Why.NOT_SENT}
    assert kinds(venue)[-1] == "plan_finished"


async def test_no_line_sends_more_than_it_decided() -> None:
    """Children that sum to more than their parent are how a desk buys itself into the ground."""
    venue = _short_of_money()
    result = await run(venue, FULL)
    for item in result.items:
        total = sum((o.quantity or D(0) for _, o in venue.sent if o.symbol == item.symbol), D(0))
        assert total <= (item.asked or D(0))
