"""Whatever the parts: what a limit refuses in one piece never leaves in several."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.inputs import Locate
from fillwright.orders import Order
from fillwright.risk.judge import Batch, Judge, Question
from fillwright.types import Side
from fillwright_risk.build import build_checks
from fillwright_risk.common import Control
from risk.gatekit import CALM, D, limit_order, proposal
from risk.pastkit import after, event, supplied

#: Limits that a day's work of some hundred shares at 100 reaches.
TABLES: dict[str, dict[str, Any]] = {
    "daily_capital": {"limit_usd": "5000"},
    "basket_notional": {"plan_usd": "5000"},
    "parent_quantity": {},
    "gross_exposure": {"limit_usd": "5000"},
    "net_exposure": {"limit_usd": "5000"},
    "concentration": {"max_pct": "0.5"},
    "sector_exposure": {"limit_usd": "5000"},
    "max_long_position": {"limit_shares": "50"},
    "average_volume": {"max_pct": "5"},
    "participation": {"max_pct": "5"},
    "margin_excess": {"floor_usd": "998750"},
    "settled_cash": {"floor_usd": "995000"},
    "short_sale": {},
}
_EARLIER = st.lists(st.integers(0, 30), max_size=3)
#: The machine may be busy.
unhurried = settings(deadline=None)
_PARTS = st.lists(st.integers(1, 40), min_size=2, max_size=6)


class Asked:
    """A control as the registry hands it to the gate."""

    def __init__(self, check: Control[Any]) -> None:
        self.name, self.code, self.needs = check.name, check.code, check.needs
        self.call = check.check_order  # type: ignore[attr-defined]  # each has it


def controls(*names: str, **tables: Any) -> list[Asked]:
    return [Asked(one) for one in build_checks(tables) if one.name in names]


def book(earlier: list[int]) -> Any:
    events = [
        event(
            quantity=str(n),
            notional=str(n * 100),
            plan="p",
            parent="p",
            parent_quantity=D(50),
            ago=60,
        )
        for n in earlier
    ]
    data = {"adv": D(1000), "volume": D(1000), "sector": "food", "locate": Locate(D(50))}
    return supplied(after(*events), **data)


def part(number: int, quantity: int, side: Side = Side.BUY) -> Order:
    more = {"plan_id": "p", "parent_id": "p", "parent_quantity": "50"}
    return limit_order("100", side, str(quantity), **more | {"intent_id": f"i-{number}"})


def left(checks: list[Asked], given_book: Any, orders: list[Order]) -> Any:
    """How much of these leaves when they are judged in one batch."""
    questions = [
        Question(proposal(one, name=f"c-{n}"), given_book, {}) for n, one in enumerate(orders)
    ]
    batch = Batch(questions, CALM)
    Judge(checks).run(batch)
    passed = [one.order.quantity for one in batch.judged if one.decision.may_leave]
    return sum(filter(None, passed), D(0))


@pytest.mark.parametrize("name", TABLES)
@unhurried
@given(_PARTS, _EARLIER)
def test_what_the_whole_may_not_the_parts_may_not(
    name: str, parts: list[int], earlier: list[int]
) -> None:
    """An algorithm that is refused cuts the order up; a limit that lets it is none."""
    checks, view = controls(name, **{name: TABLES[name]}), book(earlier)
    side = Side.SELL if name == "short_sale" else Side.BUY
    whole = left(checks, view, [part(0, sum(parts), side)])
    together = left(checks, view, [part(n, one, side) for n, one in enumerate(parts)])

    assert together <= sum(parts)
    assert whole or together < sum(parts)


@unhurried
@given(_PARTS, st.integers(5, 60))
def test_what_was_refused_for_its_size_never_leaves_in_parts(parts: list[int], most: int) -> None:
    """C01 and C21 together: the whole, then its parts, in one batch."""
    table = {"limit_shares": str(most)}
    checks = controls("max_order_quantity", "anti_slicing", max_order_quantity=table)
    orders = [part(n, one) for n, one in enumerate([sum(parts), *parts])]
    passed = left(checks, book([]), orders)

    if sum(parts) > most:
        assert passed < sum(parts)


@unhurried
@given(st.integers(1, 12), st.integers(1, 8))
def test_parts_use_up_the_rate(parts: int, limit: int) -> None:
    """C16 counts orders, so that splitting makes it stricter, never milder."""
    checks = controls("order_rate", order_rate={"symbol_per_second": limit})
    orders = [part(n, 1) for n in range(parts)]

    assert left(checks, book([]), orders) == min(parts, limit)


@unhurried
@given(st.integers(1, 12), st.integers(1, 8))
def test_parts_use_up_the_open_orders(parts: int, limit: int) -> None:
    """C22 counts what the batch before it opened."""
    checks = controls("open_orders", open_orders={"side_orders": limit})

    assert left(checks, book([]), [part(n, 1) for n in range(parts)]) == min(parts, limit)


@pytest.mark.parametrize(
    "setting", ["symbol_per_second", "strategy_per_minute", "account_per_second"]
)
@unhurried
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
def test_tightening_a_rate_never_allows_more(
    setting: str, parts: int, one: int, other: int
) -> None:
    """The same for counts."""
    tight, loose = sorted((one, other))
    orders = [part(n, 1) for n in range(parts)]
    passed = [
        left(controls("order_rate", order_rate={setting: limit}), book([]), orders)
        for limit in (tight, loose)
    ]

    assert passed[0] <= passed[1]
