"""What a plan meets on its bad days: each line ends with the reason that is true."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from desk.planning.cases import D, basket, by_symbol, rebalance, run, sent, world
from desk.planning.scripted import ScriptedDesk
from desk.planning.world import Crashed, Script, World, resting
from fillwright.desk.planning import PlanEngine, PlanSettings
from fillwright.errors import (
    DeskBusy,
    IntentConflict,
    OrderRejected,
    PlanError,
    UnknownSymbol,
)
from fillwright.orders import Order
from fillwright.plans import (
    ExecutionResult,
    ItemStatus,
    Plan,
    StaleOrders,
    TargetQuantities,
    TargetWeights,
    Why,
)
from fillwright.protocols import Record
from fillwright.states import Owner
from fillwright.types import Side


async def run_on(desk: ScriptedDesk, plan: Plan, **settings: Any) -> ExecutionResult:
    """Carry a plan out on a desk that the test has changed."""
    engine = PlanEngine(desk, PlanSettings(**settings))
    result: ExecutionResult = await desk.clock.drive(engine.execute(plan))
    return result


def worth(amount: str, symbol: str = "C") -> Order:
    return Order(symbol=symbol, side=Side.BUY, notional=D(amount))


@pytest.mark.parametrize(
    ("plan", "where"),
    [
        (basket(worth("5"), worth("5", "ZZ")), r"plan p: orders\.1\.symbol: "),
        (TargetWeights(plan_id="p", target_weights={"ZZ": D("0.1")}), r"target_weights\.ZZ: "),
        (TargetQuantities(plan_id="p", target_quantities={"ZZ": D(1)}), r"target_quantities\.ZZ: "),
    ],
)
async def test_an_unknown_symbol_is_told_where_it_stands(plan: Plan, where: str) -> None:
    """In a plan of a thousand lines nobody finds the one with the typing error."""
    venue = world()

    with pytest.raises(PlanError, match=where):
        await run(venue, plan)
    assert venue.records == []


async def test_what_cannot_be_traded_any_more_is_left_when_the_others_are_closed() -> None:
    """One delisted share in the account, and the portfolio can never be closed again."""
    venue = world(positions={"A": D(50), "GONE": D(5)})
    venue.prices["GONE"] = D(1)
    desk = ScriptedDesk(venue)
    asked = desk.instrument

    async def instrument(symbol: str) -> Any:
        if symbol == "GONE":
            raise UnknownSymbol(symbol)
        return await asked(symbol)

    desk.instrument = instrument  # type: ignore[method-assign]  # what the test is about
    plan = TargetQuantities(plan_id="p", target_quantities={"B": D(0)}, close_others=True)
    result = await run_on(desk, plan)

    assert by_symbol(result)["GONE"].residuals[0].why is Why.NOT_TRADABLE
    assert venue.positions == {"A": 0, "GONE": 5}


async def test_a_symbol_that_is_forgotten_between_rules_and_quote_has_no_quote() -> None:
    """Asked three times in vain, the line holds the others up; raised, it ends the plan."""
    desk = ScriptedDesk(world())
    asked = desk.fresh_quote

    async def quote(symbol: str) -> Any:
        if symbol == "C":
            raise UnknownSymbol(symbol)
        return await asked(symbol)

    desk.fresh_quote = quote  # type: ignore[method-assign]  # what the test is about
    items = by_symbol(await run_on(desk, rebalance(("C", "500"), ("B", "-100"))))

    assert (items["C"].residuals[0].why, items["B"].status) == (Why.NO_QUOTE, ItemStatus.FILLED)
    assert "the broker does not know C" in items["C"].residuals[0].text


# ---------------------------------------------------------------------- orders by notional


async def test_a_buy_by_notional_ends_without_a_rest() -> None:
    """A rest in shares of an order in dollars is a number that nobody can check."""
    venue = world()

    result = await run(venue, basket(worth("500")))

    (item,) = result.items
    assert (item.status, item.filled, item.residuals) == (ItemStatus.FILLED, 50, ())


async def test_what_a_buy_by_notional_did_not_spend_is_named() -> None:
    """Money that was set aside and not spent has to be told, or it is missing tomorrow."""
    venue = world(scripts={"C": Script(how="never")})

    (item,) = (await run(venue, basket(worth("500")))).items

    assert (item.residuals[0].why, item.residuals[0].value) == (Why.UNFILLED, 500)
    assert item.status is ItemStatus.NOT_FILLED


async def test_what_a_buy_by_notional_holds_is_not_spent_again() -> None:
    """The cash is there until the fill; a second buy would count on it as well."""
    venue = world(credit=D(5000), scripts={"A": Script(how="never")})
    other = Order(symbol="B", side=Side.BUY, quantity=D(9))

    result = await run(venue, basket(worth("600", "A"), other))

    assert sent(venue) == ["BUY A"]
    assert by_symbol(result)["B"].residuals[0].why is Why.NO_FUNDS


@pytest.mark.parametrize("quoted", [True, False])
async def test_an_open_order_by_notional_counts_at_todays_price_or_blocks(quoted: bool) -> None:
    """It will trade some number of shares: taken for none, the target is overshot."""
    venue = world(positions={"B": D(20)}, quoteless=frozenset() if quoted else frozenset({"C"}))
    key = resting(venue, "old", "C", Side.BUY, "1", Owner.OURS)
    old = venue.states[key]
    venue.states[key] = replace(old, quantity=None, order=worth("400"))
    plan = TargetQuantities(
        plan_id="p", target_quantities={"C": D(50)}, stale_orders=StaleOrders.KEEP
    )

    result = await run(venue, plan)

    if quoted:
        assert by_symbol(result)["C"].asked == pytest.approx(10, abs=Decimal("0.1"))
    else:
        assert "how much the open order old may still trade is not known" in (
            by_symbol(result)["C"].residuals[0].text
        )
        assert venue.sent == []


# ---------------------------------------------------------------------- time and money


async def test_a_broker_that_does_not_tell_the_account_is_no_empty_one() -> None:
    """Told as "no money", the outage sends somebody to the bank."""
    venue = world()
    venue.clock.later(0.04, lambda: setattr(venue, "account_down_until", 1e9))

    result = await run(venue, rebalance(("B", "-500"), ("C", "500")))

    assert sent(venue) == ["SELL B"]
    assert by_symbol(result)["C"].residuals[0].why is Why.NO_ANSWER


async def test_buys_whose_turn_never_came_are_told_so() -> None:
    """Left out of the result, they are bought again by whoever counts."""
    venue = world(cash=D(0), positions={"A": D(50)}, scripts={"A": Script(how="never")})
    plan = rebalance(("A", "-5000"), ("B", "900", 1), ("C", "900", 2), execution_urgency="URGENT")

    result = await run(venue, plan, settings=PlanSettings(funds_within=1e6))

    items = by_symbol(result)
    assert {items[symbol].residuals[0].why for symbol in "BC"} == {Why.NOT_SENT}
    assert "the plan's time was up before its turn" in items["B"].residuals[0].text


async def test_a_dry_run_names_what_nothing_pays_for() -> None:
    """Shown as sent, it is counted on."""
    venue = world(cash=D(0))

    shown = await venue.clock.drive(PlanEngine(ScriptedDesk(venue)).preview(basket(worth("500"))))

    (line,) = shown.lines
    assert (line.order, [part.why for part in line.residuals]) == (None, [Why.NO_FUNDS])


async def test_a_dry_run_says_how_far_the_plan_is() -> None:
    """Shown as new, a plan that is done looks as if it would trade again."""
    venue, plan = world(), rebalance(("C", "500"))
    with pytest.raises(Crashed):
        await venue.clock.drive(PlanEngine(ScriptedDesk(venue, die_at=2)).execute(plan))
    engine = PlanEngine(ScriptedDesk(venue))
    started = await venue.clock.drive(engine.preview(plan))
    await run(venue, plan)
    finished = await venue.clock.drive(engine.preview(plan))

    assert (started.known, finished.known) == ("started", "finished")


# ---------------------------------------------------------------------- the desk says no


def refusing(desk: ScriptedDesk, fault: Exception) -> ScriptedDesk:
    """A desk that takes no order of C."""
    taking = desk.submit

    async def submit(order: Order) -> Any:
        if order.symbol == "C":
            raise fault
        return await taking(order)

    desk.submit = submit  # type: ignore[method-assign]  # what the test is about
    return desk


@pytest.mark.parametrize(
    ("fault", "why", "said"),
    [
        (IntentConflict("i", "a" * 64, "b" * 64), Why.REFUSED, "already recorded"),
        (DeskBusy(1000), Why.NOT_SENT, "1000"),
    ],
)
async def test_a_desk_that_takes_no_order_of_one_line_carries_the_others(
    fault: Exception, why: Why, said: str
) -> None:
    """One line in the way of all others leaves half of a rebalance."""
    desk = refusing(ScriptedDesk(world()), fault)

    items = by_symbol(await run_on(desk, rebalance(("C", "500"), ("B", "-100"))))

    assert (items["C"].residuals[0].why, items["B"].status) == (why, ItemStatus.FILLED)
    assert said in items["C"].residuals[0].text


async def test_an_order_that_would_not_be_canceled_is_shown_as_it_stands() -> None:
    """A cancel that the broker refuses must not end the plan in the middle."""
    desk = ScriptedDesk(world(scripts={"C": Script(how="never")}))

    async def cancel(key: Any) -> Any:
        raise OrderRejected(key, "x", "too late to cancel")

    desk.cancel = cancel  # type: ignore[method-assign]  # what the test is about
    result = await run_on(desk, rebalance(("C", "500")))

    assert by_symbol(result)["C"].status is ItemStatus.IN_DOUBT
    assert result.exit_code == 4


# ---------------------------------------------------------------------- found again


async def test_an_order_that_was_sent_before_a_plan_was_given_up_is_in_its_result() -> None:
    """It traded days ago: told as not sent, somebody sends it again."""
    calm, venue = _sold(), _sold()
    plan = rebalance(("B", "-500"), ("C", "500"))
    await run(calm, plan)
    after = next(r.seq for r in calm.records if r.kind == "plan_released")
    with pytest.raises(Crashed):
        await venue.clock.drive(PlanEngine(ScriptedDesk(venue, die_at=after)).execute(plan))
    venue.clock.elapsed += 3 * 86400

    items = by_symbol(await run(venue, plan))

    assert sent(venue) == ["SELL B"]
    assert (items["B"].status, items["C"].residuals[0].why) == (ItemStatus.FILLED, Why.NOT_SENT)


def _sold() -> World:
    return world(cash=D(0))


async def test_a_record_of_a_kind_that_is_not_known_is_passed_over() -> None:
    """A journal that a newer desk wrote into could not be resumed by this one."""
    venue, plan = world(), rebalance(("C", "500"))
    remark = Record(1, 1, venue.clock.now(), "plan_remarked", "p", {"text": "x"}, "")
    venue.records.append(remark)

    result = await run(venue, plan)

    assert result.success
    assert await run(venue, plan) == result
