"""What the tests of the request side share: Alpaca's words, and an adapter over any transport."""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from fillwright.hooks import AdapterRequest
from fillwright.orders import Order, OrderChange, WorkingOrder, content_hash
from fillwright.testing import ManualClock, SeededRng
from fillwright.types import BrokerOrderId, ClientOrderId, Mode, Side
from fillwright.verdicts import ApprovedChange, ApprovedOrder
from fillwright_alpaca.adapter import AlpacaAdapter, build
from fillwright_alpaca.calls import InlineCaller

KEY = "PKCANARY0KEY7Q4ZT2WA"
SECRET = "canarySecretZ9x8C7v6B5n4M3a2S1d0F9g8H7j6"  # noqa: S105  # a planted one
NAME = ClientOrderId("fw-0123456789abcdef0123456789abcdef")
ORDER_ID = "61e69015-8549-4bfd-b9c3-01e75843f47d"
D = Decimal


def order(**fields) -> dict:
    """An order as Alpaca shows it after a submit on paper."""
    return {
        "id": ORDER_ID,
        "client_order_id": NAME,
        "created_at": "2026-11-23T15:04:05.123456789Z",
        "updated_at": "2026-11-23T15:04:05.123456789Z",
        "submitted_at": "2026-11-23T15:04:05.123456789Z",
        "filled_at": None,
        "expired_at": None,
        "expires_at": "2026-11-23T21:00:00Z",
        "canceled_at": None,
        "failed_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "notional": None,
        "qty": "3",
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "order_type": "limit",
        "type": "limit",
        "side": "buy",
        "position_intent": "buy_to_open",
        "time_in_force": "day",
        "limit_price": "10.07",
        "stop_price": None,
        "status": "pending_new",
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
    } | fields


def account(**fields) -> dict:
    return {
        "id": "11111111-2222-4333-8444-555555555555",
        "account_number": "PA3CANARY001",
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "buying_power": "262113.632",
        "non_marginable_buying_power": "65528.4",
        "cash": "100000.01",
        "equity": "103820.56",
        "multiplier": "4",
        "trading_blocked": False,
        "account_blocked": False,
        "transfers_blocked": False,
        "trade_suspended_by_user": False,
        "shorting_enabled": True,
    } | fields


def position(**fields) -> dict:
    return {
        "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "symbol": "AAPL",
        "exchange": "NASDAQ",
        "asset_class": "us_equity",
        "qty": "5",
        "qty_available": "4",
        "side": "long",
        "avg_entry_price": "100.0",
        "market_value": "600.0",
        "current_price": "120.0",
    } | fields


def asset(**fields) -> dict:
    return {
        "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "class": "us_equity",
        "exchange": "NASDAQ",
        "symbol": "AAPL",
        "name": "Apple Inc. Common Stock",
        "status": "active",
        "tradable": True,
        "marginable": True,
        "shortable": True,
        "borrow_status": "easy_to_borrow",
        "fractionable": True,
        "attributes": [],
    } | fields


def coin(**fields) -> dict:
    return asset(
        **{
            "id": "276e2673-764b-4ab6-a611-caf665ca6340",
            "class": "crypto",
            "symbol": "BTC/USD",
            "shortable": False,
            "min_order_size": "0.0001",
            "min_trade_increment": "0.0001",
            "price_increment": "0.5",
        }
        | fields
    )


def activity(number: int = 1, **fields) -> dict:
    return {
        "id": f"20261123100405123::{number:08d}-0000-4000-8000-000000000000",
        "activity_type": "FILL",
        "transaction_time": "2026-11-23T15:04:05.123456Z",
        "type": "fill",
        "price": "10.07",
        "qty": "3",
        "side": "buy",
        "symbol": "AAPL",
        "leaves_qty": "0",
        "order_id": ORDER_ID,
        "cum_qty": "3",
        "order_status": "filled",
    } | fields


def clock_said(**fields) -> dict:
    return {
        "timestamp": "2026-11-23T10:04:05.123456789-05:00",
        "is_open": True,
        "next_open": "2026-11-24T09:30:00-05:00",
        "next_close": "2026-11-23T16:00:00-05:00",
    } | fields


def fault(code: int | None, message: str, **fields) -> dict:
    return ({} if code is None else {"code": code}) | {"message": message} | fields


def approved(name: str = NAME, at: datetime | None = None, **fields) -> ApprovedOrder:
    """An order that the gate let pass, for 30 s from `at`."""
    asked = {
        "symbol": "AAPL",
        "side": "BUY",
        "quantity": "3",
        "type": "LIMIT",
        "limit_price": "10.07",
    } | fields
    made = Order.model_validate({key: value for key, value in asked.items() if value is not None})
    now = at or datetime.now(UTC)
    return ApprovedOrder(
        made, ClientOrderId(name), content_hash(made), now, now + timedelta(seconds=30)
    )


def changed(name: str = f"{NAME}-r1", at: datetime | None = None, **fields) -> ApprovedChange:
    change = OrderChange.model_validate(fields)
    now = at or datetime.now(UTC)
    deadline = now + timedelta(seconds=30)
    return ApprovedChange(change, approved().order, ClientOrderId(name), now, deadline)


def working(name: str = NAME, order_id: str | None = ORDER_ID) -> WorkingOrder:
    broker_order_id = BrokerOrderId(order_id) if order_id else None
    return WorkingOrder(ClientOrderId(name), broker_order_id, "AAPL", Side.BUY, D(3), D(0))


@dataclass
class Asked:
    """One request that reached the in-memory transport."""

    method: str
    path: str
    query: dict[str, str]
    body: dict | None
    headers: dict[str, str] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Alpaca(BaseAdapter):
    """Answers from memory: a function from what is asked to (status, body, headers)."""

    def __init__(self, answer: Callable[[Asked], tuple]) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[Asked] = []

    def send(self, request: PreparedRequest, **_) -> Response:
        parts = urlsplit(request.url)
        body = json.loads(request.body) if request.body else None
        asked = Asked(
            request.method, parts.path, dict(parse_qsl(parts.query)), body, dict(request.headers)
        )
        self.asked.append(asked)
        status, said, *rest = self.answer(asked)
        response = Response()
        response.status_code = status
        response.headers.update({"Content-Type": "application/json"} | (rest[0] if rest else {}))
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        response.raw = BytesIO(content)
        response.url, response.request = request.url, request
        return response

    def close(self) -> None:
        pass


def table(**fields) -> dict:
    return {"key_id": SecretStr(KEY), "secret_key": SecretStr(SECRET)} | fields


def request(clock, rate=None, **fields) -> AdapterRequest:
    mode = fields.pop("mode", Mode.PAPER)
    asked = AdapterRequest("alpaca", mode, table(**fields), Path(), clock, SeededRng(1))
    if rate is not None:
        asked.rate.listen(lambda *said: rate.append(said))
    return asked


def over(answer: Callable[[Asked], tuple], **fields) -> tuple[AlpacaAdapter, Alpaca]:
    """An adapter that runs the real SDK inline over memory, on a clock that stands still."""
    memory = Alpaca(answer)
    clock = ManualClock()
    return build(request(clock, **fields), transport=memory, caller=InlineCaller), memory


def routes(**by: object) -> Callable[[Asked], tuple]:
    """Answers by "METHOD path": what is said, (status, said), or a function of what is asked."""

    def answer(asked: Asked) -> tuple:
        found = by[str(asked)]
        if callable(found):
            found = found(asked)
        return found if isinstance(found, tuple) else (200, found)

    return answer


def turns(*answers: object) -> Callable[[Asked], object]:
    """One answer after the other, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@asynccontextmanager
async def against(url: str, clock, **fields):
    """An adapter in threads against a server on this machine."""
    adapter = build(request(clock, url=url, **fields))
    try:
        yield adapter
    finally:
        await adapter.close()
