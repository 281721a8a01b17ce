"""Remembering recent orders without looking at all of them."""

from datetime import timedelta

from fillwright.risk import RecentOrders
from risk.gatekit import NOW, limit_order, order


def test_only_what_is_alike_and_recent_is_found() -> None:
    """A memory that grows with the rate of orders makes each order dearer than the last."""
    recent = RecentOrders(timedelta(seconds=10))
    recent.add(order(), "c-1", NOW)
    recent.add(limit_order("100"), "c-2", NOW + timedelta(seconds=5))
    recent.add(order(intent_id="i-2"), "c-3", NOW + timedelta(seconds=8))

    def alike(seconds: float) -> list[str]:
        at = NOW + timedelta(seconds=seconds)
        return [one.client_order_id for one in recent.alike(order(), at)]

    assert alike(10) == ["c-1", "c-3"]
    assert alike(10.1) == ["c-3"]
    assert alike(30) == []
