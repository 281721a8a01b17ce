"""Each sized line, field by field: what is ordered, what is left over, and what it says."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fillwright.accounts import Account, Instrument, Position, Quote
from fillwright.orders import Order
from fillwright.plans import Basket, RebalancePlan, Residual, Why
from fillwright.plans.sizing import SizedLine, intent_for, is_dust, residual, size, valued
from fillwright.plans.wishes import Snapshot, Working
from fillwright.types import Side

D = Decimal
NOW = datetime(2026, 11, 23, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL


def facts(held: str = "0", *working: Working, **rules: Any) -> Snapshot:
    positions = {"A": Position("A", D(held))} if D(held) else {}
    account = Account("A1", "USD", D(5000), D(5000), D(10000), NOW, positions)
    quotes = {"A": Quote("A", D(99), D(100), D(1), D(1), NOW)}
    return Snapshot(account, quotes, {"A": Instrument("A", **rules)}, working)


def rebalance(amount: str, weight: str = "0.5", **fields: Any) -> RebalancePlan:
    item = {"symbol": "A", "trade_amount": amount, "target_weight": weight, "priority": 2}
    item["action"] = "SELL" if amount.startswith("-") else "BUY"
    return RebalancePlan.model_validate({"plan_id": "p", "items": [item]} | fields)


def only(plan: RebalancePlan | Basket, snapshot: Snapshot) -> SizedLine:
    (line,) = size(plan, snapshot)
    return line


def line(side: Side, asked: str, value: str, *left: Residual, **fields: Any) -> SizedLine:
    return SizedLine(
        index=0,
        symbol="A",
        side=side,
        priority=2,
        asked=D(asked),
        asked_value=D(value),
        residuals=left,
        **fields,
    )


def left(why: Why, quantity: str | None, value: str | None, text: str = "") -> Residual:
    both = (None if part is None else D(part) for part in (quantity, value))
    return Residual(**dict(zip(("quantity", "value"), both, strict=True)), why=why, text=text)


def test_a_line_is_an_order_with_its_intent_and_labels() -> None:
    """An order that does not name its plan cannot be found again, and is sent twice."""
    plan = rebalance("250", correlation_id="c", causation_id="k", tactic="slow")

    assert only(plan, facts()) == line(
        BUY,
        "2.5",
        "250",
        order=Order(
            symbol="A",
            side=BUY,
            quantity="2.5",
            intent_id="p:A:1",
            plan_id="p",
            correlation_id="c",
            causation_id="k",
            tags=(),
            strategy=None,
        ),
    )


def test_a_lines_own_tactic_is_carried() -> None:
    """Worked by another tactic, an order trades at another pace than was decided."""
    plan = rebalance("250")
    item = plan.items[0].model_copy(update={"tactic": "slow"})

    assert only(plan.model_copy(update={"items": (item,)}), facts()).tactic == "slow"


def test_only_sales_may_only_reduce() -> None:
    """A sale that may open a short, or a buy that may not open, is another order."""
    sale, buy = only(rebalance("-198"), facts("9")).order, only(rebalance("200"), facts("9")).order

    assert sale is not None
    assert buy is not None
    assert (sale.reduce_only, buy.reduce_only) == (True, False)
    assert (sale.quantity, buy.quantity) == (2, 2)


def test_what_is_left_over_is_named_with_its_worth_and_a_sentence() -> None:
    """A part that is dropped in silence looks as if it had traded."""
    snapshot = facts("3.7", Working("A", SELL, D(1)), fractionable=False)

    assert only(rebalance("-495"), snapshot) == line(
        SELL,
        "5",
        "495",
        left(Why.NOT_AVAILABLE, "2.3", "227.7", "only 2.7 can be sold"),
        left(Why.ROUNDING, "0.7", "69.3", "steps are 1"),
        order=only(rebalance("-198"), snapshot).order,
    )


@pytest.mark.parametrize(
    ("rules", "amount", "expected"),
    [
        ({"fractionable": False}, "50", left(Why.WHOLE_SHARES, "0.5", "50", "steps are 1")),
        (
            {"fraction": D("0.01")},
            "0.5",
            left(Why.DUST, "0.005", "0.5", "steps are 0.01"),
        ),
        ({}, "0.5", left(Why.DUST, "0.005", "0.5", "worth less than 1")),
    ],
)
def test_nothing_to_order_says_why(rules: dict[str, Any], amount: str, expected: Residual) -> None:
    """Dust that is called a failure wakes somebody; a failure that is called dust does not."""
    assert only(rebalance(amount), facts(**rules)) == line(
        BUY, str(D(amount) / 100), amount, expected
    )


def test_less_than_the_smallest_step_is_dust() -> None:
    """A line that asks for nothing measurable is still told."""
    tiny = only(rebalance("0.00000001"), facts())

    assert tiny.order is None
    assert tiny.residuals == (left(Why.DUST, "0", "0"),)


@pytest.mark.parametrize(
    ("change", "why", "text"),
    [
        ({"unsettled": {"A": "still open"}}, Why.STALE_ORDER, "still open"),
        ({"instruments": {}}, Why.NOT_TRADABLE, "A cannot be traded at the broker"),
        ({"quotes": {}}, Why.NO_QUOTE, "A has no usable quote"),
        ({"quotes": {}, "unquoted": {"A": "too old"}}, Why.NO_QUOTE, "too old"),
    ],
)
def test_what_cannot_be_sized_says_why_with_what_was_asked(
    change: dict[str, Any], why: Why, text: str
) -> None:
    """Whoever reads the report must learn what did not trade, how much, and what to do."""
    snapshot = replace(facts(), **change)
    quantity = None if "quotes" in change else "2"

    sized = only(rebalance("200"), snapshot)

    assert sized.residuals == (left(why, quantity, "200", text),)
    assert sized.order is None
    assert (sized.index, sized.symbol, sized.side, sized.priority) == (0, "A", BUY, 2)


def test_a_blocked_symbol_trades_nothing() -> None:
    """An order in a halted instrument is rejected, or waits for a price of another day."""
    sized = only(rebalance("200"), facts(tradable=False))

    assert [part.why for part in sized.residuals] == [Why.NOT_TRADABLE]


def test_a_basket_order_is_rigid_and_keeps_its_own_names() -> None:
    """Cut, or under another name, it is not the order that its owner wrote."""
    own = Order(
        symbol="A",
        side=BUY,
        quantity="0.001",
        correlation_id="c2",
        causation_id="k2",
        strategy="s2",
        tags=("t2",),
    )
    plain = Order(symbol="A", side=SELL, quantity="9")
    basket = Basket(
        plan_id="p",
        orders=(own, plain),
        correlation_id="c",
        causation_id="k",
        metadata={"strategy_attribution": {"A": "s"}},
    )

    one, two = size(basket, facts())

    assert (one.rigid, two.rigid) == (True, True)
    assert one.order == own.model_copy(update={"intent_id": "p:A:1", "plan_id": "p"})
    names = {"intent_id": "p:A:2", "plan_id": "p", "correlation_id": "c", "causation_id": "k"}
    assert two.order == plain.model_copy(update=names | {"strategy": "s", "tags": ()})
    assert (one.asked, two.asked, one.asked_value) == (D("0.001"), D(9), None)
    assert not only(rebalance("200"), facts()).rigid


@pytest.mark.parametrize(
    ("named", "strategy", "tags"),
    [
        ("s", "s", ()),
        (["s"], "s", ()),
        (["no name!"], None, ()),
        ([], None, ()),
        (["s", "t"], None, ("strategy:s", "strategy:t")),
        ([f"s{n}" for n in range(40)], None, tuple(f"strategy:s{n}" for n in range(32))),
    ],
)
def test_an_order_carries_whose_it_is(
    named: Any, strategy: str | None, tags: tuple[str, ...]
) -> None:
    """A halt of a strategy holds only orders that carry its name."""
    plan = rebalance("200", metadata={"strategy_attribution": {"A": named, "B": "x"}})

    order = only(plan, facts()).order

    assert order is not None
    assert (order.strategy, order.tags) == (strategy, tags)


def test_turns_go_by_priority_then_by_symbol() -> None:
    """Turns by the order of a file let two files with the same items buy different things."""
    sized = only(rebalance("200"), facts())

    assert sized.rank == (2, "A", 0)
    assert intent_for("p", "A", 3) == "p:A:3"


@pytest.mark.parametrize(
    ("quantity", "price", "rules", "dust"),
    [
        ("0.0099", "100", {}, True),
        ("0.01", "100", {}, False),
        ("0.0101", "100", {}, False),
        ("0.0099", None, {}, False),
        ("3", "0.2", {}, False),
        ("3.5", "0.2", {}, True),
        ("10", "0.01", {"lot": D(10)}, False),
        ("5", "0.01", {"lot": D(10)}, True),
    ],
)
def test_dust_is_a_fraction_below_the_minimum(
    quantity: str, price: str | None, rules: dict[str, Any], dust: bool
) -> None:
    """Sent, it is rejected; a whole share that is taken for it is never sold."""
    known = None if price is None else D(price)

    assert is_dust(D(quantity), known, Instrument("A", **rules)) is dust


def test_what_is_left_over_is_valued_in_millionths_or_not_at_all() -> None:
    """A value of zero for an unknown price hides what is missing."""
    assert valued(D("0.3333333"), D("1")) == D("0.333333")
    assert valued(D(2), None) is None
    assert residual(Why.DUST, D(2), D(3), "why") == left(Why.DUST, "2", "6", "why")
    assert residual(Why.DUST, D(2), None) == left(Why.DUST, "2", None)
