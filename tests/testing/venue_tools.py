"""What the tests of the venue share: short ways to make venues, orders and quotes."""

from decimal import Decimal
from typing import Any

from fillwright.orders import Order
from fillwright.reports import ExecutionReport
from fillwright.testing import ManualClock, Touch, Venue, VenueOrder, VenueSettings
from fillwright.types import ClientOrderId, ExecType

D = Decimal


def touch(bid: str, ask: str, bid_size: str = "1000000", ask_size: str = "1000000") -> Touch:
    return Touch(D(bid), D(ask), D(bid_size), D(ask_size))


class Bench:
    """A venue that moves only by hand, with everything it ever said."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        state = settings.pop("state", None)
        self.venue = Venue(
            VenueSettings.model_validate({"step": 0} | settings), self.clock, state=state
        )
        self.said: list[ExecutionReport] = []
        self.venue.listen(self.said.append)
        self._count = 0

    def quote(self, symbol: str, *prices: str) -> None:
        self.venue.set_quote(symbol, touch(*prices))

    def send(self, text: str, name: str = "", **fields: Any) -> VenueOrder:
        """`BUY 10 AAPL`, further fields by name; `BUY $100 AAPL` is by notional."""
        side, amount, symbol = text.split()
        by = {"notional": amount[1:]} if amount.startswith("$") else {"quantity": amount}
        self._count += 1
        order = Order.model_validate({"side": side, "symbol": symbol} | by | fields)
        return self.venue.submit(order, ClientOrderId(name or f"c{self._count}"))

    def kinds(self, order: VenueOrder) -> list[ExecType]:
        return [r.exec_type for r in self.said if r.broker_order_id == order.broker_order_id]

    @property
    def cash(self) -> Decimal:
        return self.venue.account().cash

    @property
    def power(self) -> Decimal:
        return self.venue.account().buying_power

    def held(self, symbol: str) -> Decimal:
        return self.venue.account().quantity(symbol)


def limit(price: str, **more: Any) -> dict[str, Any]:
    return {"type": "LIMIT", "limit_price": price} | more
