"""Trade updates as Alpaca sends them, from a small order that fills, is canceled and is busted."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
D = Decimal


def order_id(number: int = 1) -> str:
    return str(UUID(int=number))


class AlpacaOrder:
    """One order at the broker; each method returns the update that the broker would send."""

    def __init__(
        self,
        number: int = 1,
        client_order_id: str | None = "fw-1",
        quantity: str = "10",
        **fields: Any,
    ) -> None:
        self._number = number
        self._at = START
        self._count = 0
        self._value = D(0)
        #: To how many decimals the broker rounds an average price.
        self.places = 12
        self.fields: dict[str, Any] = {
            "id": order_id(number),
            "client_order_id": client_order_id,
            "created_at": _text(START),
            "updated_at": _text(START),
            "submitted_at": _text(START),
            "filled_at": None,
            "asset_class": "us_equity",
            "symbol": "AAPL",
            "qty": quantity,
            "notional": None,
            "filled_qty": "0",
            "filled_avg_price": None,
            "order_class": "",
            "order_type": "limit",
            "type": "limit",
            "side": "buy",
            "time_in_force": "day",
            "limit_price": "100",
            "stop_price": None,
            "status": "new",
            "extended_hours": False,
            "legs": None,
            "replaces": None,
            "replaced_by": None,
        } | fields

    @property
    def filled(self) -> Decimal:
        return D(self.fields["filled_qty"])

    def event(self, name: str, status: str | None = None, **extra: Any) -> dict[str, Any]:
        self._at += timedelta(milliseconds=10)
        self.fields["status"] = status or (name if name in STATUS_EVENTS else self.fields["status"])
        self.fields["updated_at"] = _text(self._at)
        return {
            "event": name,
            "timestamp": _text(self._at),
            "order": deepcopy(self.fields),
        } | extra

    def fill(self, quantity: str, price: str, **extra: Any) -> dict[str, Any]:
        self._count += 1
        filled = self.filled + D(quantity)
        self._value += D(quantity) * D(price)
        self.fields["filled_qty"] = str(filled)
        self.fields["filled_avg_price"] = self._average()
        whole = filled >= D(self.fields["qty"])
        facts = {
            "execution_id": str(UUID(int=self._number * 1_000_000 + self._count)),
            "price": price,
            "qty": quantity,
            "position_qty": str(filled),
        }
        name, status = ("fill", "filled") if whole else ("partial_fill", "partially_filled")
        return self.event(name, status, **facts | extra)

    def _average(self) -> str:
        return str(round(self._value / self.filled, self.places).normalize())

    def bust(self, update: dict[str, Any], **extra: Any) -> dict[str, Any]:
        """Take back the execution of an earlier update."""
        quantity, price = D(update["qty"]), D(update["price"])
        filled = self.filled - quantity
        self._value -= quantity * price
        self.fields["filled_qty"] = str(filled)
        self.fields["filled_avg_price"] = self._average() if filled else None
        facts = {
            "execution_id": str(UUID(int=int(UUID(update["execution_id"])) + 500_000)),
            "previous_execution_id": update["execution_id"],
            "price": update["price"],
            "qty": update["qty"],
        }
        return self.event("trade_bust", None, **facts | extra)

    def correct(self, update: dict[str, Any], quantity: str, price: str) -> dict[str, Any]:
        """Change the execution of an earlier update."""
        self._value += D(quantity) * D(price) - D(update["qty"]) * D(update["price"])
        filled = self.filled + D(quantity) - D(update["qty"])
        self.fields["filled_qty"] = str(filled)
        self.fields["filled_avg_price"] = self._average()
        facts = {
            "execution_id": str(UUID(int=int(UUID(update["execution_id"])) + 500_000)),
            "previous_execution_id": update["execution_id"],
            "price": price,
            "qty": quantity,
        }
        return self.event("trade_correct", None, **facts)


STATUS_EVENTS = frozenset(
    {
        "pending_new",
        "accepted",
        "new",
        "held",
        "pending_cancel",
        "canceled",
        "expired",
        "rejected",
        "replaced",
        "pending_replace",
        "stopped",
        "suspended",
        "calculated",
        "done_for_day",
    }
)


def frame(update: dict[str, Any]) -> str:
    """The text of one frame."""
    return json.dumps({"stream": "trade_updates", "data": update})


def _text(at: datetime) -> str:
    """As Alpaca writes a time: nine decimals and a Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
