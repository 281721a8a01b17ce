"""What each line of a plan asks for: side, quantity and value, from the facts alone."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fillwright.accounts import Account, Position, Quote
from fillwright.orders import Order
from fillwright.plans import (
    Basket,
    Plan,
    RebalancePlan,
    TargetQuantities,
    TargetValues,
    TargetWeights,
)
from fillwright.plans.wishes import (
    Snapshot,
    Wish,
    Working,
    counted_money,
    symbol_numbers,
    wishes,
)
from fillwright.types import Side

D = Decimal
NOW = datetime(2026, 11, 23, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL


def quote(bid: str | None, ask: str | None, symbol: str = "A") -> Quote:
    sides = (D(price) if price else None for price in (bid, ask))
    return Quote(symbol, *sides, D(1), D(1), NOW)


def facts(
    positions: dict[str, Position | str] | None = None, *working: Working, **fields: Any
) -> Snapshot:
    held = {
        s: p if isinstance(p, Position) else Position(s, D(p)) for s, p in (positions or {}).items()
    }
    account = Account("A1", "USD", D(5000), D(5000), D(10000), NOW, held)
    return Snapshot(account, fields.get("quotes", {"A": quote("99", "101")}), {}, working)


def asked(plan: Plan, snapshot: Snapshot) -> list[Wish]:
    return list(wishes(plan, snapshot))


def rebalance(amount: str, weight: str, action: str, **fields: Any) -> RebalancePlan:
    item = {"symbol": "A", "trade_amount": amount, "target_weight": weight, "action": action}
    return RebalancePlan.model_validate({"plan_id": "p", "items": [item | fields]})


OPEN = (
    Working("A", BUY, D(4)),
    Working("A", BUY, D(9), contingent=True),
    Working("A", SELL, D(2)),
    Working("A", SELL, D(1), contingent=True),
    Working("B", BUY, D(50)),
)


def test_open_orders_count_by_symbol_and_side() -> None:
    """Counted on the wrong side, or for another symbol, they double or halve a position."""
    snapshot = facts({"A": "10"}, *OPEN)

    assert snapshot.leaves("A", BUY) == 13
    assert snapshot.leaves("A", SELL) == 3
    assert snapshot.leaves("C", BUY) == 0


def test_the_expected_position_leaves_stops_aside() -> None:
    """A stop that may never trade, counted as traded, leaves the target missed."""
    snapshot = facts({"A": "10"}, *OPEN)

    assert snapshot.expected("A") == 10 + 4 - 2
    assert snapshot.expected("B") == 50
    assert snapshot.expected("C") == 0


@pytest.mark.parametrize(
    ("position", "free"),
    [
        (None, "0"),
        (Position("A", D(10)), "7"),
        (Position("A", D(10), available=D(5)), "5"),
        (Position("A", D(10), available=D(9)), "7"),
        (Position("A", D(10), available=D(0)), "0"),
        (Position("A", D(2)), "0"),
        (Position("A", D("3.5")), "0.5"),
    ],
)
def test_what_is_free_is_neither_being_sold_nor_tied_up(
    position: Position | None, free: str
) -> None:
    """Sold twice, the second sale opens a short."""
    snapshot = facts({"A": position} if position else {}, *OPEN)

    assert snapshot.free("A") == D(free)


@pytest.mark.parametrize(
    ("seen", "buy", "sell", "worth"),
    [
        (quote("99", "101"), "101", "99", "100"),
        (quote("99", None), None, "99", "99"),
        (quote(None, "101"), "101", None, "101"),
        (quote(None, None), None, None, None),
        (quote("101", "99"), None, None, None),
        (replace(quote("99", "101"), bid=D(0), ask=D(0)), None, None, None),
        (None, None, None, None),
    ],
)
def test_prices_come_from_the_side_that_trades(
    seen: Quote | None, buy: str | None, sell: str | None, worth: str | None
) -> None:
    """A buy sized at the bid overspends; one sized at zero has no bound."""
    snapshot = facts(quotes={"A": seen} if seen else {})

    def shown(price: Decimal | None) -> str | None:
        return None if price is None else str(price)

    assert shown(snapshot.price("A", BUY)) == buy
    assert shown(snapshot.price("A", SELL)) == sell
    assert shown(snapshot.worth("A")) == worth


def test_a_held_line_asks_for_nothing() -> None:
    """HOLD that keeps a side may be read as an order."""
    plan = rebalance("0", "0.5", "HOLD", priority=2, tactic="slow")

    assert asked(plan, facts()) == [Wish(0, "A", None, D(0), D(0), 2, "slow")]


@pytest.mark.parametrize(
    ("amount", "action", "side", "quantity"),
    [("202", "BUY", BUY, "2"), ("-198", "SELL", SELL, "2"), ("100", "BUY", BUY, "0.990099009")],
)
def test_an_amount_becomes_a_quantity_at_the_touch(
    amount: str, action: str, side: Side, quantity: str
) -> None:
    """Rounded up, or priced at the other side, it spends more than was decided."""
    plan = rebalance(amount, "0.5", action, priority=1, tactic="slow")

    assert asked(plan, facts({"A": "9"})) == [
        Wish(0, "A", side, D(quantity), abs(D(amount)), 1, "slow")
    ]


def test_without_a_price_the_value_stays() -> None:
    """A line without a quantity and without a value is gone from the report."""
    plan = rebalance("-500", "0.5", "SELL", priority=5, tactic="slow")

    assert asked(plan, facts(quotes={})) == [Wish(0, "A", SELL, None, D(500), 5, "slow")]


@pytest.mark.parametrize(
    ("held", "quantity"),
    [("7", "7"), ("0.000000000001", "0.000000000001"), ("-3", "5"), ("0", "5")],
)
def test_a_liquidation_sells_the_position(held: str, quantity: str) -> None:
    """A short that is "liquidated" by its size would be doubled."""
    plan = rebalance("-495", "0", "SELL", priority=4, tactic="slow")

    assert asked(plan, facts({"A": held})) == [Wish(0, "A", SELL, D(quantity), D(495), 4, "slow")]


def test_a_basket_is_taken_as_it_was_written() -> None:
    """A quantity or notional that changes on the way is another order."""
    one = Order(symbol="A", side="BUY", quantity="3")
    two = Order(symbol="B", side="SELL", notional="50")

    assert asked(Basket(plan_id="p", orders=(one, two)), facts()) == [
        Wish(0, "A", BUY, D(3), None, order=one),
        Wish(1, "B", SELL, None, D(50), order=two),
    ]


@pytest.mark.parametrize(
    ("target", "side", "quantity", "value"),
    [
        ("20", BUY, "10", "1000"),
        ("10.5", BUY, "0.5", "50"),
        ("4", SELL, "6", "600"),
        ("10", None, "0", None),
    ],
)
def test_a_target_asks_for_the_difference(
    target: str, side: Side | None, quantity: str, value: str | None
) -> None:
    """Asked from nothing instead of from what is held, it doubles the position."""
    plan = TargetQuantities(plan_id="p", target_quantities={"A": D(target)})

    wish = Wish(0, "A", side, D(quantity), D(value) if value else None)
    assert asked(plan, facts({"A": "10"})) == [wish]


def test_a_target_quantity_needs_no_price() -> None:
    """What is to go must be able to go when the market does not say its price."""
    plan = TargetQuantities(plan_id="p", target_quantities={"A": D(4)})

    assert asked(plan, facts({"A": "10"}, quotes={})) == [Wish(0, "A", SELL, D(6))]


def test_a_value_counts_at_what_one_is_worth() -> None:
    """Counted at the ask, a target is bought and sold back for ever."""
    plan = TargetValues(plan_id="p", target_values={"A": D(700), "Z": D(0), "N": D(9)})
    snapshot = facts({"A": "10", "Z": "2"})

    assert asked(plan, snapshot) == [
        Wish(0, "A", SELL, D(3), D(300)),
        Wish(1, "Z", SELL, D(2)),
        Wish(2, "N", BUY, None, D(9)),
    ]


def test_a_value_is_counted_in_billionths_and_money_in_millionths() -> None:
    """A quotient with no end is refused by every broker."""
    plan = TargetValues(plan_id="p", target_values={"A": D("333.33")})
    snapshot = facts(quotes={"A": quote("7", "7")})

    assert asked(plan, snapshot) == [Wish(0, "A", BUY, D("47.618571428"), D("333.329999"))]


@pytest.mark.parametrize(("equity", "quantity"), [("10000", "25"), ("-10000", None)])
def test_weights_are_parts_of_the_equity(equity: str, quantity: str | None) -> None:
    """A weight of negative equity would turn every target into a sale."""
    plan = TargetWeights(plan_id="p", target_weights={"A": D("0.25")})
    snapshot = facts()
    snapshot = replace(snapshot, account=replace(snapshot.account, equity=D(equity)))

    wish = Wish(0, "A", BUY, D(25), D(2500)) if quantity else Wish(0, "A", None, D(0))
    assert asked(plan, snapshot) == [wish]


def test_weights_are_counted_in_millionths_of_money() -> None:
    """A value with more digits than money has differs from what the report shows."""
    plan = TargetWeights(plan_id="p", target_weights={"N": D("0.12345678901")})

    assert asked(plan, facts()) == [Wish(0, "N", BUY, None, D("1234.567890"))]


def test_others_are_closed_by_name_and_only_where_they_are_held() -> None:
    """A target of the plan that is closed, or an empty position that is sold, is an error."""
    target = {"A": D(10)}
    plan = TargetQuantities(plan_id="p", target_quantities=target, close_others=True)
    snapshot = facts({"C": "2", "B": "1", "E": "0", "A": "10"}, quotes={})

    assert asked(plan, snapshot) == [
        Wish(0, "A", None, D(0)),
        Wish(1, "B", SELL, D(1)),
        Wish(2, "C", SELL, D(2)),
    ]


def test_symbols_are_numbered_as_they_come() -> None:
    """Two lines with one number are one intent, and the second would never be sent."""
    assert symbol_numbers(["A", "B", "A", "A"]) == (1, 1, 2, 3)


def test_money_is_rounded_down() -> None:
    """Rounded up, it spends what is not there."""
    assert str(counted_money(D("1.9999999"))) == "1.999999"
