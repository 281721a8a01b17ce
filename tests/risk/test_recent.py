"""Remembering recent orders without looking at all of them."""

from datetime import timedelta

from fillwright.risk import RecentOrders
from risk.gatekit import NOW, limit_order, order


def test_only_what_is_alike_and_recent_is_found() -> None:
    """A memory that grows with the rate of orders makes each order dearer than the last."""
    recent = RecentOrders(timedelta(seconds=10))
    recent.add(order(), "c-1", NOW, 0.0)
    recent.add(limit_order("100"), "c-2", NOW, 5.0)
    recent.add(order(intent_id="i-2"), "c-3", NOW, 8.0)

    def alike(moment: float) -> list[str]:
        return [one.client_order_id for one in recent.alike(order(), moment)]

    assert alike(10) == ["c-1", "c-3"]
    assert alike(10.1) == ["c-3"]
    assert alike(30) == []


def test_a_clock_that_was_set_forward_and_back_empties_no_memory() -> None:
    """Somebody corrects the clock for a moment, and the same order leaves twice."""
    recent = RecentOrders(timedelta(seconds=10))
    recent.add(order(), "c-1", NOW, 0.0)
    recent.add(limit_order("100"), "c-2", NOW + timedelta(hours=1), 1.0)

    assert [one.client_order_id for one in recent.alike(order(), 2.0)] == ["c-1"]
