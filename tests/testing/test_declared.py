"""What the fake broker declares is what its venue takes, no more and no less."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.risk import Conditions
from fillwright.risk.house import house_rules
from fillwright.testing.fake_broker import CAPABILITIES
from fillwright.testing.venue import LISTINGS
from fillwright.testing.venue.rules import objection_to
from fillwright.types import AssetClass, OrderClass, OrdType, TimeInForce
from testing.venue_tools import Bench

PRICES: dict[OrdType, dict[str, Any]] = {
    OrdType.MARKET: {},
    OrdType.LIMIT: {"limit_price": "100"},
    OrdType.STOP: {"stop_price": "100"},
    OrdType.STOP_LIMIT: {"limit_price": "100", "stop_price": "100"},
    OrdType.TRAILING_STOP: {"trail_price": "1"},
}
PROFIT, LOSS = {"limit_price": "100"}, {"stop_price": "90"}
LEGS: dict[OrderClass, dict[str, Any]] = {
    OrderClass.SIMPLE: {},
    OrderClass.BRACKET: {"take_profit": PROFIT, "stop_loss": LOSS},
    # Legs as they stand around a position that is sold.
    OrderClass.OCO: {"take_profit": PROFIT, "stop_loss": LOSS, "side": "SELL"},
    OrderClass.OTO: {"stop_loss": LOSS},
}
SYMBOLS = {AssetClass.US_EQUITY: "AAPL", AssetClass.CRYPTO: "BTC/USD"}


#: An OCO order is a limit order by its own rules.
SHAPES = [
    (order_class, order_type)
    for order_class, order_type in product(OrderClass, OrdType)
    if order_class is not OrderClass.OCO or order_type is OrdType.LIMIT
]


@pytest.mark.parametrize("kind", AssetClass)
@pytest.mark.parametrize(("order_class", "order_type"), SHAPES)
def test_the_house_says_what_the_venue_says(
    kind: AssetClass, order_class: OrderClass, order_type: OrdType
) -> None:
    """A table that promises too much strands a plan; one that promises too little hides a path."""
    bench = Bench()
    now, symbol = bench.clock.now(), SYMBOLS[kind]
    rules = LISTINGS[symbol].instrument
    book = BookView(now, bench.venue.account(), {}, {}, {symbol: rules})
    amounts = ({"quantity": "3"}, {"quantity": "1.5"}, {"notional": "100"})
    for time_in_force, extended, amount in product(TimeInForce, (False, True), amounts):
        fields = {"symbol": symbol, "side": "BUY", "type": order_type, "order_class": order_class}
        fields |= {"time_in_force": time_in_force, "extended_hours": extended} | amount
        if time_in_force is TimeInForce.GTD:
            fields["expire_time"] = now + timedelta(hours=1)
        order = Order.model_validate(fields | PRICES[order_type] | LEGS[order_class])
        said = house_rules(order, book, Conditions(CAPABILITIES), change=False)

        assert bool(said) == bool(objection_to(order, rules)), order
