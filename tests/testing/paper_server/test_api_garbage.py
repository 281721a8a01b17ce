"""Whatever comes in, something sensible goes out."""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.testing.paper_server.request import Request
from testing.paper_server.api_tools import Api, keys_of

_TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *("AAPL", "BTC/USD", "BTCUSD", "NVR", "buy", "sell", "market", "limit", "stop"),
            *("stop_limit", "trailing_stop", "day", "gtc", "ioc", "fok", "opg", "cls", "gtd"),
            *("bracket", "oco", "oto", "mleg", "simple", "", "true", "True", "0", "-1", "1"),
            *("10", "0.5", "100.01", "1e28", "1e-30", "1e9999", "NaN", "Infinity", "1_0", "٣"),
            *("open", "closed", "all", "asc", "desc", "2026-03-02", "2026-03-02T15:00:00Z"),
            *("0001-01-01", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-14:00"),
            *("00000001-08c0-4d17-8b4c-019caf103180", "\ud800", "\x00", "a" * 129),
        ]
    ),
)
_FIELDS = st.sampled_from(
    [
        *("symbol", "side", "type", "time_in_force", "qty", "notional", "limit_price"),
        *("stop_price", "trail_price", "trail_percent", "extended_hours", "order_class"),
        *("take_profit", "stop_loss", "client_order_id", "position_intent", "trail"),
        *("suspend_trade", "max_options_trading_level", "trade_confirm_email"),
    ]
)
_NAMES = st.sampled_from(
    [
        *("status", "limit", "after", "until", "direction", "nested", "symbols", "side"),
        *("asset_class", "before_order_id", "after_order_id", "client_order_id", "qty"),
        *("percentage", "cancel_orders", "page_size", "page_token", "date", "start", "end"),
        *("activity_types", "category", "exchange", "attributes", "date_type"),
    ]
)
_LEAVES = st.one_of(_TEXTS, st.none(), st.booleans(), st.integers(), st.floats())
_VALUES = st.one_of(
    _LEAVES,
    st.dictionaries(st.sampled_from(["limit_price", "stop_price"]), _LEAVES),
    st.lists(_LEAVES, max_size=3),
)
_DOCUMENTS = st.dictionaries(_FIELDS, _VALUES, max_size=9)
_BODIES = st.one_of(
    st.binary(max_size=30),
    _DOCUMENTS.map(lambda document: json.dumps(document).encode()),
    st.sampled_from([b"[" * 100_000, b'{"qty": 1e999999999999999999999}', b"9" * 5000, b"{}"]),
)
_PATHS = st.one_of(
    st.sampled_from(
        [
            *("/v2/orders", "/v2/orders:by_client_order_id", "/v2/positions", "/v2/account"),
            *("/v2/account/configurations", "/v2/account/activities", "/v2/assets", "/v2/clock"),
            *("/v2/calendar", "/v2/stocks/quotes/latest", "/v2/stocks/trades/latest"),
            *("/v1beta3/crypto/us/latest/quotes", "/v1beta3/crypto/us/latest/trades", "/", ""),
        ]
    ),
    st.tuples(
        st.sampled_from(["/v2/orders", "/v2/positions", "/v2/assets", "/v2/account/activities"]),
        st.one_of(_TEXTS, st.sampled_from(["BTC/USD", "BTC%2FUSD", "%", "%zz", "%ff", "FILL"])),
    ).map("/".join),
    st.text(max_size=20),
)
_REQUESTS = st.tuples(
    st.sampled_from(["GET", "GET", "POST", "PATCH", "DELETE", "PUT", "get", "", "OPTIONS"]),
    _PATHS,
    st.dictionaries(_NAMES, _TEXTS, max_size=4),
    _BODIES,
)


#: Every pair of status and code that a refusal of the catalogue may have here.
_REFUSALS = {
    *((400, None), (400, 40010000), (400, 40010001)),
    *((403, 40310000), (404, None), (404, 40410000), (405, None)),
    *((422, 40010001), (422, 42210000)),
}


def _check(answer) -> None:
    assert answer.headers["X-RateLimit-Limit"]
    if answer.status == 204:
        assert answer.body == b""
        return
    found = json.loads(answer.body)
    if answer.status in (200, 207):
        assert isinstance(found, dict | list)
        return
    assert isinstance(found["message"], str)
    assert found["message"]
    assert (answer.status, found.get("code")) in _REFUSALS


@given(st.lists(_REQUESTS, min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
def test_no_request_raises(requests):
    """A server that falls over on a bad request takes the good ones of everybody else along."""
    api = Api(positions={"AAPL": "20", "BTC/USD": "1.5"})
    api.sent("buy 5 AAPL", limit_price="100")
    for method, path, query, body in requests:
        _check(api.exchange.handle(Request(method, path, query, keys_of(api.account), body)))


@given(_DOCUMENTS)
@settings(max_examples=300, deadline=None)
def test_no_order_document_raises(document):
    """An order that nobody thought of must be refused, not crash the account."""
    api = Api(positions={"AAPL": "20"})
    whole = {"symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day"} | document
    reply = api.ask("POST", "/v2/orders", whole)

    assert reply.status in (200, 400, 403, 422)
    assert (reply.status == 200) == (len(api.orders(status="all")) > 0)


def test_the_documents_do_something():
    """A property over documents that are all refused alike would prove nothing."""
    seen = Counter()

    @given(_DOCUMENTS)
    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    def tally(document):
        api = Api(positions={"AAPL": "20"})
        whole = {"symbol": "AAPL", "side": "buy", "qty": "1", "type": "market"} | document
        reply = api.ask("POST", "/v2/orders", {"time_in_force": "day"} | whole)
        seen[reply.status if reply.status == 200 else reply.json["message"]] += 1

    tally()
    assert seen[200] > 10
    assert len(seen) > 12, seen
