"""What every kind of plan names, and a rebalance that asks for more than there is."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from fillwright.orders import Order
from fillwright.plans import Basket, Plan, RebalancePlan, TargetQuantities, TargetWeights
from fillwright.plans.kinds import item_count, kind_of, symbols_of

D = Decimal


def rebalance(*weights: str) -> RebalancePlan:
    items = [
        {"symbol": f"S{n}", "target_weight": weight, "trade_amount": "5", "action": "BUY"}
        for n, weight in enumerate(weights)
    ]
    return RebalancePlan.model_validate({"plan_id": "p", "items": items})


ORDERS = tuple(Order(symbol=s, side="BUY", quantity=str(n)) for n, s in enumerate("BAB", 1))


@pytest.mark.parametrize(
    ("plan", "kind", "count", "symbols"),
    [
        (rebalance("0.5", "0.5"), "items", 2, ("S0", "S1")),
        (Basket(plan_id="p", orders=ORDERS), "orders", 3, ("B", "A")),
        (
            TargetQuantities(plan_id="p", target_quantities={"B": D(1), "A": D(2)}),
            "target_quantities",
            2,
            ("B", "A"),
        ),
        (TargetWeights(plan_id="p", target_weights={"A": D("0.1")}), "target_weights", 1, ("A",)),
    ],
)
def test_a_plan_names_each_symbol_once(
    plan: Plan, kind: str, count: int, symbols: tuple[str, ...]
) -> None:
    """A symbol that is left out has no quote, no rules, and its orders of yesterday stay."""
    assert (kind_of(plan), item_count(plan), symbols_of(plan)) == (kind, count, symbols)


def test_weights_of_more_than_the_whole_are_refused() -> None:
    """Sized all the same, its last lines would be bought with money that is not there."""
    assert rebalance("0.5", "0.5001").items
    with pytest.raises(ValidationError, match=r"sum to 1\.0002, which is more than 1"):
        rebalance("0.5", "0.5002")
