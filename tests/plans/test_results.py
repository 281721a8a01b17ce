"""Results: the verdict on the whole, and the code a command exits with."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.plans import (
    Basket,
    ExecutionResult,
    ItemResult,
    ItemStatus,
    OrderLine,
    PlanStatus,
    RebalancePlan,
    TargetQuantities,
    read_plan,
)
from fillwright.types import OrdStatus, OrdType, Side

PLAN = TargetQuantities(plan_id="p", target_quantities={"A": Decimal(1)}, correlation_id="c")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def item(status: ItemStatus, filled: str = "0") -> ItemResult:
    amount = Decimal(filled)
    return ItemResult(symbol="A", side=Side.BUY, status=status, asked=Decimal(2), filled=amount)


def result(*items: ItemResult, orders: tuple[OrderLine, ...] = ()) -> ExecutionResult:
    return ExecutionResult.of(PLAN, orders, items, at=NOW)


def line(*, success: bool) -> OrderLine:
    return OrderLine(
        symbol="A",
        action=Side.BUY,
        trade_amount=Decimal(10),
        shares=Decimal(1),
        price=Decimal(10),
        success=success,
        status=OrdStatus.FILLED if success else OrdStatus.CANCELED,
        order_type=OrdType.MARKET,
        client_order_id="fw-1",
        value=Decimal(10),
        timestamp=NOW,
    )


FILLED, PARTIAL = item(ItemStatus.FILLED, "2"), item(ItemStatus.PARTIALLY_FILLED, "1")
MISSED, DOUBT = item(ItemStatus.NOT_FILLED), item(ItemStatus.IN_DOUBT)
HOLD, DUST = item(ItemStatus.HOLD), item(ItemStatus.DUST)


@pytest.mark.parametrize(
    ("items", "status", "code"),
    [
        ((FILLED, HOLD, DUST), PlanStatus.SUCCESS, 0),
        ((HOLD,), PlanStatus.SUCCESS, 0),
        ((FILLED, MISSED), PlanStatus.PARTIAL_SUCCESS, 3),
        ((PARTIAL,), PlanStatus.PARTIAL_SUCCESS, 3),
        ((MISSED, HOLD), PlanStatus.FAILURE, 1),
        ((DOUBT,), PlanStatus.FAILURE, 4),
        ((FILLED, DOUBT), PlanStatus.PARTIAL_SUCCESS, 4),
    ],
)
def test_the_whole_is_judged_from_its_items(
    items: tuple[ItemResult, ...], status: PlanStatus, code: int
) -> None:
    """A script that reads the exit code must never take doubt for success."""
    judged = result(*items)
    assert (judged.status, judged.exit_code) == (status, code)
    assert judged.success is (status is PlanStatus.SUCCESS)


@given(st.lists(st.sampled_from([FILLED, PARTIAL, MISSED, DOUBT, HOLD, DUST]), min_size=1))
def test_nothing_unfinished_is_success(items: list[ItemResult]) -> None:
    """SUCCESS with an open end would stop people from looking."""
    judged = result(*items)
    if {PARTIAL, MISSED, DOUBT} & set(items):
        assert not judged.success
    assert (judged.exit_code == 4) is (DOUBT in items)


def test_orders_are_counted() -> None:
    """A rate over nothing must not divide by zero, and a failure must count as one."""
    assert result(HOLD).success_rate == 1
    judged = result(FILLED, orders=(line(success=True), line(success=False)))
    assert (judged.orders_placed, judged.orders_succeeded, judged.failure_count) == (2, 1, 1)
    assert judged.success_rate == Decimal("0.5")
    assert judged.total_trade_value == 20


def test_a_result_survives_its_json() -> None:
    """The result that is given again tomorrow is read from the journal's text."""
    judged = result(FILLED, DOUBT, orders=(line(success=True),))
    assert ExecutionResult.model_validate_json(judged.model_dump_json()) == judged


def test_the_examples_are_plans() -> None:
    """The first file that a newcomer runs must be read."""
    plan = read_plan(EXAMPLES / "rebalance.json")
    assert isinstance(plan, RebalancePlan)
    assert len(plan.items) >= 12
    assert {item.action.value for item in plan.items} == {"BUY", "SELL", "HOLD"}
    assert any(item.liquidates for item in plan.items)
    assert isinstance(read_plan(EXAMPLES / "basket.csv"), Basket)
