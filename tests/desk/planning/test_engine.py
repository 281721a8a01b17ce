"""The plan engine against a scripted venue: order of things, money, doubt."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from desk.planning.cases import (
    FULL,
    FULL_PRICES,
    PRICES,
    D,
    basket,
    by_symbol,
    kinds,
    rebalance,
    run,
    sent,
    world,
)
from desk.planning.scripted import ScriptedDesk
from desk.planning.world import Script, resting
from fillwright.desk.planning import PlanEngine, PlanSettings
from fillwright.errors import IntentConflict, PlanError
from fillwright.orders import Order
from fillwright.plans import (
    ExecutionResult,
    ItemStatus,
    PlanStatus,
    StaleOrders,
    TargetQuantities,
    TargetWeights,
    Why,
)
from fillwright.states import Owner
from fillwright.types import ClientOrderId, Side


async def test_sells_go_first_and_buys_follow_by_priority() -> None:
    """A buy before its money is a loan, and a lesser buy before a better one takes its place."""
    venue = world(prices=dict(FULL_PRICES), positions={"A": D(50)}, settle_after=3.0)
    venue.scripts = {"A": Script(after=2.0)}
    result = await run(venue, FULL)
    assert sent(venue) == ["SELL A", "BUY C", "BUY W", "BUY B"]
    assert venue.sent[1][0] >= 5.0
    items = by_symbol(result)
    assert result.status is PlanStatus.SUCCESS
    assert items["A"].filled == 50
    assert items["W"].filled == 2
    assert items["X"].status is ItemStatus.HOLD
    assert kinds(venue)[-1] == "plan_finished"


async def test_buys_wait_for_money_and_not_for_a_timer() -> None:
    """Proceeds may take long; a buy sent by the clock would be refused or borrow."""
    venue = world(cash=D(0), positions={"A": D(50)}, settle_after=20.0)
    result = await run(venue, rebalance(("A", "-5000"), ("B", "4000")))
    assert result.success
    assert venue.sent[1][0] >= 20.0
    assert venue.account_reads < 25


async def test_a_buy_that_cannot_be_paid_in_full_is_made_smaller_and_says_so() -> None:
    """Money short of the plan must neither be borrowed nor hidden."""
    venue = world(cash=D(1050))
    result = await run(venue, rebalance(("B", "2000", 1), ("C", "500", 2)))
    items = by_symbol(result)
    assert items["B"].status is ItemStatus.PARTIALLY_FILLED
    assert items["B"].residuals[0].why is Why.NO_FUNDS
    assert D(19) < items["B"].filled <= 20
    assert result.status is PlanStatus.PARTIAL_SUCCESS
    assert items["C"].filled > 0


async def test_money_that_never_comes_is_waited_for_only_so_long() -> None:
    """A sell that does not trade must not hold the plan for ever, nor its buys be dropped."""
    venue = world(cash=D(0), positions={"A": D(50)}, scripts={"A": Script(how="never")})
    result = await run(venue, rebalance(("A", "-5000"), ("W", "900")))
    items = by_symbol(result)
    assert items["A"].residuals[0].why is Why.UNFILLED
    assert items["W"].residuals[0].why is Why.NO_FUNDS
    assert result.status is PlanStatus.FAILURE
    assert venue.clock.elapsed < 340
    assert not [s for s in venue.states.values() if not s.ended]


@pytest.mark.parametrize(("margin", "cash"), [(False, 1050), (True, 525)])
async def test_a_buy_that_the_broker_does_not_show_yet_is_paid_for_already(
    margin: bool, cash: int
) -> None:
    """Money promised to an order that is still on its way cannot be promised twice."""
    slow = Script(ack_after=5.0, after=5.0)
    venue = world(cash=D(cash), credit=D(525), scripts={"B": slow, "C": slow})
    plan = rebalance(("B", "900", 1), ("C", "500", 2))
    result = await run(venue, plan, settings=PlanSettings(margin=margin))
    assert [at for at, _ in venue.sent][1] >= 10.0
    assert result.total_trade_value <= 1050


async def test_cash_bounds_the_plan_where_no_margin_is_wanted() -> None:
    """A broker that lends would let a failed sell turn into a debt."""
    venue = world(cash=D(1000), credit=D(3000), scripts={"C": Script(how="never")})
    await run(venue, rebalance(("B", "900", 1), ("C", "900", 2)))
    assert venue.cash - venue.holds() >= 0
    assert sum((o.quantity or D(0)) * PRICES[o.symbol] for _, o in venue.sent) <= 1000


async def test_an_account_that_cannot_be_read_is_not_an_empty_one() -> None:
    """'Could not ask' read as 'no money' would drop buys; the outage is waited out."""
    venue = world(account_down_until=0.0)
    venue.clock.later(0.04, lambda: setattr(venue, "account_down_until", 10.0))
    result = await run(venue, rebalance(("B", "-500"), ("C", "500")))
    assert result.success
    assert venue.sent[1][0] >= 10.0


@pytest.mark.parametrize(
    ("how", "why", "status"),
    [
        ("reject", Why.REJECTED, ItemStatus.NOT_FILLED),
        ("refuse", Why.REFUSED, ItemStatus.NOT_FILLED),
        ("never", Why.UNFILLED, ItemStatus.NOT_FILLED),
        ("resize", Why.RESIZED, ItemStatus.PARTIALLY_FILLED),
    ],
)
async def test_what_did_not_trade_is_named(how: str, why: Why, status: ItemStatus) -> None:
    """Each end has its own cause, and its own thing to do about it."""
    venue = world(scripts={"C": Script(how=how)})
    item = by_symbol(await run(venue, rebalance(("C", "500"), ("B", "-100"))))["C"]
    assert (item.residuals[0].why, item.status) == (why, status)
    assert item.reason.startswith(why.value)


async def test_a_part_that_rests_at_the_deadline_is_canceled_and_reported() -> None:
    """A plan that returns must not leave orders behind that nobody watches."""
    venue = world(scripts={"C": Script(part=D("0.5"))})
    result = await run(venue, rebalance(("C", "500"), execution_urgency="URGENT"))
    item = by_symbol(result)["C"]
    assert item.status is ItemStatus.PARTIALLY_FILLED
    assert item.residuals[0].quantity == item.asked - item.filled  # type: ignore[operator]  # asked is known here
    assert 45 <= venue.clock.elapsed < 50


async def test_doubt_is_reported_and_the_plan_stays_open() -> None:
    """A result recorded while an order is in doubt would be repeated as truth for ever."""
    venue = world(scripts={"C": Script(how="doubt")})
    plan = rebalance(("C", "500"), ("B", "-100"))
    result = await run(venue, plan)
    assert by_symbol(result)["C"].status is ItemStatus.IN_DOUBT
    assert (result.in_doubt, result.exit_code) == (1, 4)
    assert "plan_finished" not in kinds(venue)
    key = ClientOrderId(str(by_symbol(result)["C"].client_order_id))
    venue.put(replace(venue.states[key], manual=False, pending=()))
    venue.clock.later(1, lambda: venue.fill(key, D(0) + venue.states[key].leaves))
    settled = await run(venue, plan)
    assert settled.success
    assert len(venue.sent) == 2
    assert kinds(venue)[-1] == "plan_finished"


async def test_a_cancel_that_is_not_confirmed_is_doubt() -> None:
    """An order that may still trade tomorrow is not 'unfilled'."""
    venue = world(scripts={"C": Script(how="never", cancel_after=None)})
    result = await run(venue, rebalance(("C", "500")))
    assert by_symbol(result)["C"].status is ItemStatus.IN_DOUBT
    assert result.exit_code == 4


async def test_the_same_plan_again_gives_the_first_result() -> None:
    """An event that is delivered twice must not trade twice."""
    venue = world()
    plan = rebalance(("C", "500"), ("B", "-100"))
    first = await run(venue, plan)
    records = len(venue.records)
    assert await run(venue, plan) == first
    assert (len(venue.sent), len(venue.records)) == (2, records)


async def test_the_same_id_with_other_content_is_a_conflict() -> None:
    """A second decision under an old name must neither trade nor pass for the first."""
    venue = world()
    await run(venue, rebalance(("C", "500")))
    with pytest.raises(IntentConflict):
        await run(venue, rebalance(("C", "600")))
    assert len(venue.sent) == 1


async def test_an_unknown_symbol_stops_the_plan_before_anything_leaves() -> None:
    """A typing error in one line must not leave the other half of a rebalance traded."""
    venue = world()
    with pytest.raises(PlanError, match=r"items\.1\.symbol: the broker does not know ZZ"):
        await run(venue, rebalance(("B", "-100"), ("ZZ", "500")))
    assert (venue.sent, venue.records) == ([], [])


async def test_an_unknown_tactic_is_refused() -> None:
    """A plan that asks to be worked gently must not be sent as market orders instead."""
    venue = world()
    with pytest.raises(PlanError, match="no tactic 'walk'"):
        await run(venue, rebalance(("B", "-100"), tactic="walk"))
    assert venue.sent == []


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (StaleOrders.CANCEL_ALL, set()),
        (StaleOrders.CANCEL_OURS, {"hand"}),
        (StaleOrders.KEEP, {"hand", "ours", "leg"}),
    ],
)
async def test_the_book_is_cleaned_by_policy(policy: StaleOrders, left: set[str]) -> None:
    """Canceling somebody else's order, or trading beside one's own old one, both do harm."""
    venue = world()
    for name, owner in (("ours", Owner.OURS), ("leg", Owner.LEG), ("hand", Owner.FOREIGN)):
        resting(venue, name, "B", Side.SELL, "2", owner)
    result = await run(venue, rebalance(("B", "-100"), ("C", "500"), stale_orders=policy))
    assert result.success
    still = {s.client_order_id for s in venue.states.values() if not s.ended}
    assert still == left


async def test_a_stale_order_that_does_not_go_blocks_its_symbol_alone() -> None:
    """Trading beside an order that may still fill could do the same thing twice."""
    venue = world(scripts={"B": Script(cancel_after=None)})
    resting(venue, "old", "B", Side.SELL, "2", Owner.OURS)
    items = by_symbol(await run(venue, rebalance(("B", "-100"), ("C", "500"))))
    assert items["B"].residuals[0].why is Why.STALE_ORDER
    assert items["C"].status is ItemStatus.FILLED


async def test_a_basket_is_sent_as_it_is() -> None:
    """A limit order's price is its owner's decision."""
    limit = Order.model_validate(
        {"symbol": "C", "side": "BUY", "quantity": "5", "type": "LIMIT", "limit_price": "11"}
    )
    big = Order(symbol="B", side=Side.BUY, quantity=D(900))
    venue = world()
    result = await run(venue, basket(limit, big))
    assert [order.limit_price for _, order in venue.sent] == [D(11)]
    assert result.items[1].residuals[0].why is Why.NO_FUNDS
    assert result.items[1].residuals[0].quantity == 900


async def test_targets_are_reached() -> None:
    """Weights that sum to one must end near the whole account, never above it."""
    venue = world(positions={"A": D(50)})
    weights = {"A": D("0.5"), "B": D("0.3"), "C": D("0.1")}
    result = await run(venue, TargetWeights(plan_id="p", target_weights=weights))
    assert result.success
    assert abs(venue.positions["A"] * 100 - 3000) < 1
    assert abs(venue.positions["C"] * 10 - 600) < 1
    again = TargetQuantities(plan_id="q", target_quantities={"B": D(0)}, close_others=True)
    await run(venue, again)
    assert not any(venue.positions.values())


async def test_a_preview_sends_and_records_nothing() -> None:
    """A dry run that leaves a trace would make the real run a repetition."""
    venue = world(scripts={"C": Script(how="refuse")}, cash=D(1050))
    resting(venue, "old", "A", Side.SELL, "50", Owner.OURS)
    engine = PlanEngine(ScriptedDesk(venue))
    plan = rebalance(("C", "500", 1), ("A", "-5000"), ("B", "9000", 2), ("W", "0"))
    preview = await venue.clock.drive(engine.preview(plan))
    lines = {line.symbol: line for line in preview.lines}
    assert (venue.sent, venue.records) == ([], [])
    assert preview.cancels == ("old",)
    assert preview.known == "new"
    assert (lines["A"].verdict, lines["C"].verdict) == ("ALLOW", "REJECT")
    assert lines["C"].reasons == ("C01: measured 9, limit 5",)
    assert lines["B"].residuals[0].why is Why.NO_FUNDS
    assert lines["W"].order is None


async def test_each_event_carries_the_plan_ids(caplog: pytest.LogCaptureFixture) -> None:
    """A7: without the ids nobody can follow one plan through the logs of a day."""
    caplog.set_level(logging.INFO, logger="fillwright.desk.planning")
    venue = world(prices=dict(FULL_PRICES), positions={"A": D(50)}, settle_after=1.0)
    await run(venue, FULL)
    events: list[Any] = [r.msg for r in caplog.records if r.name.startswith("fillwright.desk")]
    names = [event["event"] for event in events]
    assert [n for n in names if n != "book_cleaned"] == [
        "plan_started",
        "plan_sized",
        "sells_completed",
        "funds_arrived",
        "plan_completed",
    ]
    for event in events:
        bound = (event["plan_id"], event["correlation_id"], event["causation_id"])
        assert bound == ("p", "c", "e")
        assert event["item_count"] == 5


async def test_plans_take_turns() -> None:
    """Two plans at once would size themselves from the same shares and sell them twice."""
    venue = world(positions={"A": D(50)})
    engine = PlanEngine(ScriptedDesk(venue))
    one, two = (
        rebalance(("A", "-5000")),
        rebalance(("A", "-5000")).model_copy(update={"plan_id": "q"}),
    )

    async def both() -> list[ExecutionResult]:
        plans = (one, two, one)
        return await asyncio.gather(*(engine.execute(plan) for plan in plans))

    first, second, again = await venue.clock.drive(both())
    assert first == again
    assert first.success
    assert second.items[0].residuals[0].why is Why.NOT_AVAILABLE
    assert len(venue.sent) == 1
    assert venue.violations == []
