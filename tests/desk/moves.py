"""What may happen in the state machine: orders, what becomes of requests, reads and reports."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from desk.kit import PRICES

symbols = st.sampled_from(sorted(PRICES))
sides = st.sampled_from(["BUY", "SELL"])
quantities = st.integers(1, 12).map(str)
seconds = st.sampled_from([0.0, 0.05, 0.3, 1.0, 3.0, 7.0, 12.0])
LOST = ["drop_request", "accept_then_timeout", "accept_then_reset", "accept_late", "delay"]
#: What may become of a request; most get through.
fates = st.none() | st.sampled_from([*LOST, *LOST, "not_sent", "reject", "rate_limited"])
READS = [
    *((on, "lag") for on in ("find", "open_orders", "executions")),
    *((on, "unavailable") for on in ("find", "open_orders", "executions", "account", "quote")),
]
STREAM = [
    *(("report", k) for k in ("duplicate", "drop", "reorder", "delay", "disconnect", "silent")),
    ("connect", "disconnect"),
]
#: In seconds; the longest breaks the promise that the broker gives with `t_inflight`.
waits = st.sampled_from([0.0, 0.2, 1.0, 1.8, 6.0])


def _simple(symbol: str, side: str, quantity: str, limit: str, time_in_force: str) -> Any:
    fields = {"symbol": symbol, "side": side, "quantity": quantity, "time_in_force": time_in_force}
    if not limit:
        return fields
    price = (PRICES[symbol] * Decimal(limit)).quantize(Decimal("0.01"))
    return fields | {"type": "LIMIT", "limit_price": str(price)}


def _bracket(symbol: str, quantity: str) -> Any:
    return {
        "symbol": symbol,
        "quantity": quantity,
        "time_in_force": "GTC",
        "order_class": "BRACKET",
        "take_profit": {"limit_price": str(PRICES[symbol] + 5)},
        "stop_loss": {"stop_price": str(PRICES[symbol] - 5)},
    }


simple = st.builds(
    _simple,
    symbols,
    sides,
    quantities,
    st.sampled_from(["", "", "0.9", "0.999", "1.001", "1.1"]),
    st.sampled_from(["DAY", "GTC", "GTC", "IOC"]),
)
brackets = st.builds(_bracket, symbols, quantities)
orders = st.one_of(simple, simple, simple, simple, brackets)
