"""A leg's fill that the broker's books bring before anybody saw the leg."""

from datetime import UTC, datetime
from decimal import Decimal

from fillwright.desk.reconciler import _as_trade
from fillwright.reports import Execution, Fill
from fillwright.types import BrokerOrderId, ClientOrderId, ExecutionId, Side


def test_a_legs_fill_keeps_its_entry_on_the_way_into_the_books() -> None:
    """Without it the leg of our own bracket is adopted as a stranger's order."""
    at = datetime(2026, 11, 23, 15, tzinfo=UTC)
    execution = Execution(ExecutionId("leg-1:3"), Decimal(3), Decimal(10), at)
    entry, leg = ClientOrderId("fw-entry"), ClientOrderId("made-by-the-broker")
    fill = Fill(execution, "AAPL", Side.SELL, BrokerOrderId("leg-1"), leg, parent=entry)

    report = _as_trade(fill, "reconcile-1")

    assert (report.parent, report.client_order_id) == (entry, leg)
