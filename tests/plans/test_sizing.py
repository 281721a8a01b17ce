"""Sizing: never oversells, never overspends, and every share that is asked is accounted for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.accounts import Account, Instrument, Position, Quote
from fillwright.orders import Order
from fillwright.plans import (
    Basket,
    Plan,
    RebalancePlan,
    TargetQuantities,
    TargetValues,
    TargetWeights,
    Why,
)
from fillwright.plans.funds import Price, fit
from fillwright.plans.sizing import SizedLine, size
from fillwright.plans.wishes import Snapshot, Working
from fillwright.types import Side

D = Decimal
ZERO = D(0)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
COLLAR = D("0.05")
SYMBOLS = ("A", "B", "C", "D")


def facts(
    positions: dict[str, Any] | None = None,
    prices: dict[str, Any] | None = None,
    *,
    working: tuple[Working, ...] = (),
    equity: str = "10000",
    **rules: Any,
) -> Snapshot:
    prices = {"A": "100"} if prices is None else prices
    quotes = {s: Quote(s, D(p), D(p), D(1), D(1), NOW) for s, p in prices.items() if p}
    held = {s: Position(s, D(q)) for s, q in (positions or {}).items()}
    account = Account("A1", "USD", D(5000), D(5000), D(equity), NOW, held)
    names = {*prices, *held, *quotes}
    return Snapshot(account, quotes, {s: Instrument(s, **rules) for s in names}, working)


def sell(amount: str, weight: str = "0.5", symbol: str = "A") -> RebalancePlan:
    return rebalance((symbol, f"-{amount}", weight, "SELL", 3))


def rebalance(*rows: tuple[str, str, str, str, int]) -> RebalancePlan:
    names = ("symbol", "trade_amount", "target_weight", "action", "priority")
    items = tuple(dict(zip(names, row, strict=True)) for row in rows)
    return RebalancePlan.model_validate({"plan_id": "p", "items": items})


def only(plan: Plan, snapshot: Snapshot) -> SizedLine:
    (line,) = size(plan, snapshot)
    return line


def ordered(line: SizedLine) -> Decimal:
    return line.order.quantity or ZERO if line.order else ZERO


def whys(line: SizedLine) -> dict[Why, Decimal | None]:
    return {part.why: part.quantity for part in line.residuals}


def test_a_liquidation_sells_what_is_really_held() -> None:
    """Selling by last night's value would leave a crumb, or sell what is not there."""
    line = only(sell("500", "0"), facts({"A": "7.123456789123"}))
    assert ordered(line) == D("7.123456789")
    assert whys(line) == {Why.ROUNDING: D("0.000000000123")}
    assert line.order is not None
    assert line.order.reduce_only
    assert line.order.intent_id == "p:A:1"


def test_a_liquidation_needs_no_quote() -> None:
    """Getting out must stay possible when the market does not say its price."""
    assert ordered(only(sell("500", "0"), facts({"A": "7"}, {"A": None}))) == 7


def test_a_sell_is_bounded_by_what_is_free() -> None:
    """Shares that another order is selling already cannot be sold twice."""
    snapshot = facts({"A": "10"}, working=(Working("A", Side.SELL, D(4)),))
    line = only(sell("900"), snapshot)
    assert ordered(line) == 6
    assert whys(line) == {Why.NOT_AVAILABLE: D(3)}


def test_selling_what_is_not_held_is_reported() -> None:
    """A plan made for another account must not open a short position."""
    line = only(sell("500", "0"), facts())
    assert line.order is None
    assert whys(line) == {Why.NOT_AVAILABLE: D(5)}


def test_whole_share_instruments_are_rounded_down_and_nothing_left_is_named() -> None:
    """A fraction sent to a whole-share instrument is rejected, and rounding up overspends."""
    plan = rebalance(("A", "250", "0.5", "BUY", 1))
    line = only(plan, facts(fractionable=False))
    assert ordered(line) == 2
    assert whys(line) == {Why.ROUNDING: D("0.5")}
    line = only(plan, facts(prices={"A": "300"}, fractionable=False))
    assert line.order is None
    assert list(whys(line)) == [Why.WHOLE_SHARES]


def test_fractions_below_the_minimum_are_dust_but_whole_shares_are_not() -> None:
    """The broker refuses a fraction below a dollar; a whole penny share may be sold."""
    plan = rebalance(("A", "0.99", "0.5", "BUY", 1))
    assert whys(only(plan, facts())) == {Why.DUST: D("0.0099")}
    assert ordered(only(rebalance(("A", "1", "0.5", "BUY", 1)), facts())) == D("0.01")
    penny = facts({"A": "3"}, {"A": "0.20"})
    assert ordered(only(sell("9", "0"), penny)) == 3


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        (facts(tradable=False), Why.NOT_TRADABLE),
        (facts(prices={"A": None}), Why.NO_QUOTE),
        (replace(facts(), unsettled={"A": "still open"}), Why.STALE_ORDER),
        (replace(facts(), instruments={}), Why.NOT_TRADABLE),
    ],
)
def test_what_cannot_be_traded_or_known_is_refused_by_name(snapshot: Snapshot, why: Why) -> None:
    """A line that vanishes from the report looks as if it had traded."""
    line = only(rebalance(("A", "500", "0.5", "BUY", 1)), snapshot)
    assert line.order is None
    assert list(whys(line)) == [why]


def test_a_hold_asks_for_nothing() -> None:
    """HOLD must be reported and must not trade."""
    line = only(rebalance(("A", "0", "0.5", "HOLD", 1)), facts({"A": "5"}))
    assert (line.side, line.order, line.residuals) == (None, None, ())


def test_targets_start_from_the_position_and_what_is_working() -> None:
    """Buying again what an open order is buying already doubles the position."""
    working = (Working("A", Side.BUY, D(4)), Working("A", Side.BUY, D(9), contingent=True))
    snapshot = facts({"A": "10"}, working=working)
    assert (
        ordered(only(TargetQuantities(plan_id="p", target_quantities={"A": D(20)}), snapshot)) == 6
    )
    hold = only(TargetQuantities(plan_id="p", target_quantities={"A": D(14)}), snapshot)
    assert hold.side is None
    weights = TargetWeights(plan_id="p", target_weights={"A": D("0.2")})
    assert ordered(only(weights, snapshot)) == 6
    values = TargetValues(plan_id="p", target_values={"A": D(500)})
    line = only(values, snapshot)
    assert line.side is Side.SELL
    assert ordered(line) == 9


def test_close_others_sells_what_the_plan_does_not_name() -> None:
    """A position that the plan forgot stays, unless the plan says that others go."""
    prices = {"A": "100", "B": "50", "C": "10"}
    snapshot = facts({"A": "1", "C": "7", "B": "3"}, prices)
    target = {"A": D(1)}
    kept = size(TargetQuantities(plan_id="p", target_quantities=target), snapshot)
    assert [line.symbol for line in kept] == ["A"]
    plan = TargetQuantities(plan_id="p", target_quantities=target, close_others=True)
    closed = {line.symbol: ordered(line) for line in size(plan, snapshot) if line.side}
    assert closed == {"B": 3, "C": 7}


def test_a_basket_goes_as_its_owner_wrote_it() -> None:
    """An order that somebody wrote down must not change on its way to the gate."""
    first = Order(symbol="A", side=Side.SELL, quantity=D(9), strategy="mine")
    other = Order(symbol="A", side=Side.BUY, notional=D(50), intent_id="own")
    basket = Basket(
        plan_id="p",
        orders=(first, other),
        metadata={"strategy_attribution": {"A": ["x", "y"]}},
        correlation_id="c",
    )
    one, two = (line.order for line in size(basket, facts()))
    assert one is not None
    assert two is not None
    assert one.quantity == 9
    assert (one.intent_id, one.strategy, one.correlation_id) == ("p:A:1", "mine", "c")
    assert two.notional == 50
    assert (two.intent_id, two.tags) == ("own", ("strategy:x", "strategy:y"))


money = st.decimals("0.01", 10**12, places=2)
small = st.decimals("0.000000001", 10**6, places=9)
price = st.decimals("0.0001", 10**6, places=4)
weights = st.sampled_from([D(0), D("0.1")])


@st.composite
def worlds(draw: st.DrawFn) -> Snapshot:
    prices = {s: draw(st.none() | price) for s in SYMBOLS}
    held = {s: draw(st.none() | small | small.map(lambda q: -q)) for s in SYMBOLS}
    working = draw(
        st.lists(
            st.builds(
                Working, st.sampled_from(SYMBOLS), st.sampled_from(Side), small, st.booleans()
            ),
            max_size=4,
        )
    )
    snapshot = facts(
        {s: q for s, q in held.items() if q is not None},
        prices,
        working=tuple(working),
        equity=str(draw(money)),
    )
    rules = {s: Instrument(s, fractionable=draw(st.booleans())) for s in SYMBOLS}
    return replace(snapshot, instruments=rules)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, unique=True))
    kind: Callable[..., Plan] = draw(
        st.sampled_from([RebalancePlan, TargetWeights, TargetValues, TargetQuantities])
    )
    if kind is TargetWeights:
        return TargetWeights(plan_id="p", target_weights={s: draw(weights) for s in symbols})
    if kind is TargetValues:
        return TargetValues(
            plan_id="p",
            target_values={s: draw(money | st.just(ZERO)) for s in symbols},
            close_others=draw(st.booleans()),
        )
    if kind is TargetQuantities:
        return TargetQuantities(
            plan_id="p", target_quantities={s: draw(small | st.just(ZERO)) for s in symbols}
        )
    rows = []
    for symbol in symbols:
        amount, buys = draw(money), draw(st.booleans())
        signed = str(amount if buys else -amount)
        action = "BUY" if buys else "SELL"
        rows.append((symbol, signed, str(draw(weights)), action, draw(st.integers(1, 5))))
    return rebalance(*rows)


@given(plans(), worlds())
def test_nothing_is_oversold(plan: Plan, world: Snapshot) -> None:
    """Selling more than is held and free opens a short position that nobody wanted."""
    for line in size(plan, world):
        if line.side is Side.SELL and line.order is not None:
            held = world.account.quantity(line.symbol)
            assert ordered(line) + world.leaves(line.symbol, Side.SELL) <= held
            assert line.order.reduce_only


@given(plans(), worlds())
def test_what_is_asked_is_ordered_or_named(plan: Plan, world: Snapshot) -> None:
    """A share that is neither ordered nor named was dropped in silence."""
    lines = size(plan, world)
    for line in lines:
        if line.asked is not None:
            named = sum((part.quantity or ZERO for part in line.residuals), ZERO)
            assert line.asked == ordered(line) + named
        else:
            assert line.order is None
            assert line.residuals
        assert line.side or (line.order is None and not line.residuals)
        if line.order is not None and not world.instruments[line.symbol].fractionable:
            assert ordered(line) % 1 == 0
    dumped = [line.model_dump_json() for line in lines]
    assert [SizedLine.model_validate_json(text) for text in dumped] == list(lines)


@given(plans(), worlds(), st.decimals(0, 10**7, places=6))
def test_nothing_is_overspent_in_the_worst_case(plan: Plan, world: Snapshot, funds: D) -> None:
    """Buys that all run to the collar must still be paid for by what is available."""
    lines = size(plan, world)
    prices = {s: Price(world.quotes.get(s), world.instruments[s], COLLAR) for s in SYMBOLS}
    paid = fit(lines, prices, funds)
    worst = sum((prices[o.symbol].cost(o) or ZERO for o in paid.values()), ZERO)
    assert worst <= funds
    for index, order in paid.items():
        wanted = lines[index].order
        assert wanted is not None
        assert (order.quantity or ZERO) <= (wanted.quantity or ZERO)


@settings(max_examples=60)
@given(worlds(), st.permutations(SYMBOLS), money, st.decimals(0, 10**7, places=6))
def test_the_order_of_items_is_no_matter(
    world: Snapshot, order: list[str], amount: D, funds: D
) -> None:
    """Two files with the same items must buy the same, however they are sorted."""

    def bought(symbols: tuple[str, ...] | list[str]) -> dict[str, Order]:
        plan = rebalance(*((s, str(amount), "0.1", "BUY", 3) for s in symbols))
        prices = {s: Price(world.quotes.get(s), world.instruments[s], COLLAR) for s in SYMBOLS}
        return {o.symbol: o for o in fit(size(plan, world), prices, funds).values()}

    assert bought(SYMBOLS) == bought(order)


def test_money_goes_by_priority() -> None:
    """What is most wanted must not wait behind what comes first in the alphabet."""
    plan = rebalance(("A", "1000", "0.1", "BUY", 2), ("B", "1000", "0.1", "BUY", 1))
    snapshot = facts(prices={"A": "100", "B": "100"})
    prices = {s: Price(snapshot.quotes[s], snapshot.instruments[s], COLLAR) for s in ("A", "B")}
    paid = fit(size(plan, snapshot), prices, D("1260"))
    assert {o.symbol: o.quantity for o in paid.values()} == {"B": D(10), "A": D(2)}


def test_a_basket_buy_is_paid_whole_or_not_at_all() -> None:
    """Half of an order that somebody wrote is another order."""
    basket = Basket(plan_id="p", orders=(Order(symbol="A", side=Side.BUY, quantity=D(10)),))
    snapshot = facts()
    prices = {"A": Price(snapshot.quotes["A"], snapshot.instruments["A"], COLLAR)}
    lines = size(basket, snapshot)
    assert fit(lines, prices, D("1049.99")) == {}
    assert fit(lines, prices, D(1050)) == {0: lines[0].order}
