"""Plans, worlds and short ways to look at what came of them."""

from decimal import Decimal
from typing import Any

from desk.planning.scripted import ScriptedDesk
from desk.planning.world import World
from fillwright.desk.planning import PlanEngine, PlanSettings
from fillwright.orders import Order
from fillwright.plans import (
    Basket,
    ExecutionResult,
    ItemResult,
    Plan,
    RebalancePlan,
)

D = Decimal
PRICES = {"A": D(100), "B": D(50), "C": D(10), "W": D(300)}


def world(**changes: Any) -> World:
    fields: dict[str, Any] = {
        "prices": dict(PRICES),
        "cash": D(1000),
        "positions": {"A": D(50), "B": D(20)},
        "whole": frozenset({"W"}),
    }
    return World(**(fields | changes))


def rebalance(*rows: tuple[str, str] | tuple[str, str, int], **fields: Any) -> RebalancePlan:
    items = []
    for symbol, amount, *priority in rows:
        value = D(amount)
        action = "HOLD" if not value else "BUY" if value > 0 else "SELL"
        weight = "0" if action == "SELL" and symbol == "A" else "0.1"
        items.append(
            {
                "symbol": symbol,
                "trade_amount": amount,
                "target_weight": weight,
                "action": action,
                "priority": priority[0] if priority else 3,
            }
        )
    return RebalancePlan.model_validate({"plan_id": "p", "items": items, **fields})


def basket(*orders: Order, **fields: Any) -> Basket:
    return Basket(plan_id="p", orders=orders, **fields)


async def run(
    the_world: World,
    plan: Plan,
    *,
    settings: PlanSettings | None = None,
    desk: ScriptedDesk | None = None,
) -> ExecutionResult:
    engine = PlanEngine(desk or ScriptedDesk(the_world), settings)
    result: ExecutionResult = await the_world.clock.drive(engine.execute(plan))
    assert the_world.violations == []
    check_sums(result)
    return result


def check_sums(result: ExecutionResult) -> None:
    for item in result.items:
        if item.asked is not None:
            named = sum((part.quantity or D(0) for part in item.residuals), D(0))
            assert item.asked == item.filled + named


def by_symbol(result: ExecutionResult) -> dict[str, ItemResult]:
    return {item.symbol: item for item in result.items}


def sent(the_world: World) -> list[str]:
    return [f"{order.side} {order.symbol}" for _, order in the_world.sent]


def kinds(the_world: World) -> list[str]:
    return [r.kind for r in the_world.records if r.kind.startswith("plan_")]


FULL = rebalance(
    ("B", "3500", 2), ("A", "-5000"), ("C", "1500", 1), ("W", "700", 1), ("X", "0")
).model_copy(update={"correlation_id": "c", "causation_id": "e"})
FULL_PRICES = PRICES | {"X": D(1)}
