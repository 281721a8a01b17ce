"""One order as the broker's words find it, and those words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fillwright import lifecycle
from fillwright.orders import Order, OrderChange
from fillwright.reports import Anomaly, AnomalyKind, Evidence, Execution, ExecutionReport, Source
from fillwright.states import Action, OrderState, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, ExecType, ExecutionId, OrdStatus, Side

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
KEY, ALIAS = ClientOrderId("c"), ClientOrderId("c-r1")
B0, B1, B2 = BrokerOrderId("b0"), BrokerOrderId("b1"), BrokerOrderId("b2")
TOLD, ASKED = Evidence(Source.STREAM, "e-1"), Evidence(Source.QUERY, "q-1")
ORDER = Order(symbol="XYZ", side="BUY", quantity="10", type="LIMIT", limit_price="5")
SUBMIT, CANCEL = Pending(Action.SUBMIT), Pending(Action.CANCEL, "timeout")
CHANGE = OrderChange(quantity="20", limit_price="6")
REPLACE = Pending(Action.REPLACE, "timeout", CHANGE, D(20), ALIAS)
NEW, PART, FILLED = OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED
DOUBT, GONE = OrdStatus.IN_DOUBT, OrdStatus.ABANDONED


def order(base: OrdStatus = NEW, *, status: OrdStatus | None = None, **fields: Any) -> OrderState:
    plain = OrderState(KEY, "XYZ", Side.BUY, status or base, base, D(10), NOW, order=ORDER)
    return plain.but(**({"broker_order_id": B1, "alias": None} | fields))


def said(kind: ExecType, **fields: Any) -> ExecutionReport:
    known: dict[str, Any] = {"broker_order_id": B1, "client_order_id": KEY, "evidence": TOLD}
    known |= fields
    return ExecutionReport(kind, "XYZ", Side.BUY, transact_time=LATER, **known)


def trade(name: str, quantity: str, price: str = "5", fee: str = "0") -> Execution:
    return Execution(ExecutionId(name), D(quantity), D(price), LATER, D(fee))


def told(state: OrderState, kind: ExecType, **fields: Any) -> OrderState:
    after, surprises = lifecycle.report(state, said(kind, **fields))
    assert surprises == ()
    return after


def anomaly(kind: AnomalyKind, text: str) -> Anomaly:
    return Anomaly(kind, KEY, text)
