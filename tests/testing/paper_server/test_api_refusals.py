"""The error catalogue: status, code, message and further fields of every refusal."""

import pytest

from testing.paper_server.api_tools import SUB_PENNY, Api, limit

_MISSHAPEN, _RULES, _FORBIDDEN, _NOT_FOUND = (
    (422, 40010001),
    (422, 42210000),
    (403, 40310000),
    (404, 40410000),
)


def _api(**settings) -> Api:
    api = Api(**{"cash": "10000", "multiplier": "1", "positions": {"MSFT": "10"}} | settings)
    api.quote("AAPL", "99.99", "100")
    return api


@pytest.mark.parametrize(
    ("text", "fields", "kind", "message"),
    [
        ("buy 1 AAPL", {"side": None}, _MISSHAPEN, "side is required"),
        ("buy 1 AAPL", {"side": "hold"}, _MISSHAPEN, "invalid side"),
        ("buy 1 AAPL", {"type": None}, _MISSHAPEN, "type is required"),
        ("buy 1 AAPL", {"type": "pegged"}, _MISSHAPEN, "invalid type"),
        ("buy 1 AAPL", {"time_in_force": None}, _MISSHAPEN, "time_in_force is required"),
        ("buy 1 AAPL", {"time_in_force": "gtd"}, _MISSHAPEN, "invalid time_in_force"),
        ("buy 1 AAPL", {"qty": None}, _MISSHAPEN, "qty or notional is required"),
        ("buy 1 AAPL", {"qty": "ten"}, _MISSHAPEN, "invalid qty"),
        ("buy 1 AAPL", {"qty": True}, _MISSHAPEN, "invalid qty"),
        ("buy 1 AAPL", {"qty": "1e15"}, _MISSHAPEN, "invalid qty"),
        ("buy 1 AAPL", {"extended_hours": "perhaps"}, _MISSHAPEN, "invalid extended_hours"),
        (
            *("buy 1 AAPL", {"client_order_id": "x" * 129}, _MISSHAPEN),
            "client_order_id must be no longer than 128 characters",
        ),
        (
            *("buy 1 AAPL", {"notional": "100"}, (400, 40010001)),
            "only one of qty or notional is accepted",
        ),
        ("buy 0 AAPL", {}, _RULES, "qty must be > 0"),
        ("buy -1 AAPL", {}, _RULES, "qty must be > 0"),
        ("buy $0 AAPL", {}, _RULES, "notional must be > 0"),
        ("buy $1.001 AAPL", {}, _RULES, "notional value must be limited to 2 decimal places"),
        ("buy 1 NOSUCH", {}, _RULES, 'asset "NOSUCH" not found'),
        ("buy 1 DWAC", {}, _RULES, 'asset "DWAC" is not tradable'),
        ("buy 0.001 AAPL", {}, _RULES, "cost basis must be >= minimal amount of order 1"),
        (
            *("buy 1 AAPL", {"limit_price": "99", "type": "market"}, _RULES),
            "market orders require no stop or limit price",
        ),
        ("buy 1 AAPL", {"type": "limit"}, _RULES, "limit orders require a limit price"),
        ("buy 1 AAPL", {"type": "stop"}, _RULES, "stop orders require a stop price"),
        (
            *("buy 1 AAPL", limit("290.123"), _RULES),
            "invalid limit_price 290.123. " + SUB_PENNY,
        ),
        (
            *("buy 1 AAPL", {"type": "stop", "stop_price": "100.001"}, _RULES),
            "invalid stop_price 100.001. " + SUB_PENNY,
        ),
        ("buy 2 NVR", {"qty": "0.5"}, _FORBIDDEN, 'asset "NVR" is not fractionable'),
        ("buy $500 NVR", {}, _FORBIDDEN, 'asset "NVR" is not fractionable'),
        ("buy 0.5 AAPL", {"time_in_force": "gtc"}, _RULES, "fractional orders must be DAY orders"),
        (
            *("sell 1.5 MSFT", {"type": "trailing_stop", "trail_price": "1"}, _RULES),
            "fractional orders must be market, limit, stop, or stop_limit orders",
        ),
        (
            *("buy 1 AAPL", limit("99", extended_hours=True, time_in_force="gtc"), _RULES),
            "extended hours order must be DAY limit orders",
        ),
        (
            *("buy 1 AAPL", {"extended_hours": True}, _RULES),
            "extended hours order must be DAY limit orders",
        ),
        (
            *("buy 1 BTC/USD", {"time_in_force": "day"}, _RULES),
            "invalid crypto time_in_force",
        ),
        (
            *("buy 1 BTC/USD", {"type": "stop", "stop_price": "99000"}, _RULES),
            "invalid order type for crypto order",
        ),
        (
            *("sell 1 BTC/USD", {}, _FORBIDDEN),
            "insufficient qty available for order (requested: 1, available: 0)",
        ),
        (
            *("sell 1 GME", {}, _FORBIDDEN),
            'asset "GME" cannot be sold short',
        ),
        (
            *("buy 1 AAPL", {"take_profit": {"limit_price": "110"}}, _RULES),
            "simple orders have no take_profit or stop_loss",
        ),
        (
            *("buy 1 AAPL", {"order_class": "bracket"}, _RULES),
            "bracket orders require take_profit and stop_loss",
        ),
        (
            *("buy 1 AAPL", {"order_class": "mleg"}, _RULES),
            "mleg orders are for options, which this server does not list",
        ),
    ],
)
def test_refused_orders(text, fields, kind, message):
    """A refusal in other words than the broker's own is one that no client recognizes."""
    api = _api()

    assert api.post(text, **fields).told == (*kind, message)
    assert api.orders(status="all") == []
    assert api.events == []


def test_buying_power():
    """The numbers beside the refusal tell a client what it could still afford."""
    reply = _api().post("buy 200 AAPL", **limit("100"))

    assert (reply.status, reply.json) == (
        403,
        {
            "code": 40310000,
            "message": "insufficient buying power",
            "buying_power": "10000",
            "cost_basis": "20000",
        },
    )


def test_quantity_that_others_tie_up():
    """A client that does not see which order ties its shares up cannot free them."""
    api = _api()
    first = api.sent("sell 7 MSFT", **limit("900"))
    reply = api.post("sell 4 MSFT")

    assert (reply.status, reply.json) == (
        403,
        {
            "code": 40310000,
            "message": "insufficient qty available for order (requested: 4, available: 3)",
            "available": "3",
            "existing_qty": "10",
            "held_for_orders": "7",
            "symbol": "MSFT",
            "related_orders": [first["id"]],
        },
    )


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (limit("500"), limit("500"), "opposite side limit order exists"),
        (limit("500"), {"type": "market"}, "opposite side limit order exists"),
        (
            {"type": "stop", "stop_price": "400"},
            limit("390"),
            "opposite side market/stop order exists",
        ),
    ],
)
def test_wash_trades(first, second, reason):
    """Two orders of one account that trade with each other are forbidden by law."""
    api = _api()
    resting = api.sent("sell 5 MSFT", **first)
    reply = api.post("buy 1 MSFT", **second)

    assert (reply.status, reply.json) == (
        403,
        {
            "code": 40310000,
            "message": "potential wash trade detected. use complex orders",
            "existing_order_id": resting["id"],
            "reject_reason": reason,
        },
    )


def test_orders_that_cannot_cross_are_no_wash_trade():
    """A grid of orders on both sides is allowed as long as they cannot meet."""
    api = _api()
    api.sent("sell 5 MSFT", **limit("500"))
    api.sent("sell 1 MSFT", type="trailing_stop", trail_price="20")

    assert api.post("buy 1 MSFT", **limit("400")).status == 200


def test_a_buy_while_a_short_sale_rests():
    """The broker refuses what would flip a position before it exists."""
    api = _api(multiplier="2")
    api.sent("sell 1 AAPL", **limit("150"))

    assert api.post("buy 1 AAPL", **limit("90")).told == (
        *_FORBIDDEN,
        "cannot open a long buy while a short sell order is open",
    )


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        (
            *("GET", "/v2/orders/11111111-2222-4333-8444-555555555555"),
            (*_NOT_FOUND, "order not found for 11111111-2222-4333-8444-555555555555"),
        ),
        (
            *("DELETE", "/v2/orders/11111111-2222-4333-8444-555555555555"),
            (*_NOT_FOUND, "order not found for 11111111-2222-4333-8444-555555555555"),
        ),
        ("GET", "/v2/orders/7", (*_MISSHAPEN, "order_id must be a valid UUID")),
        ("GET", "/v2/positions/AAPL", (*_NOT_FOUND, "position does not exist")),
        ("DELETE", "/v2/positions/AAPL", (*_NOT_FOUND, "position does not exist")),
        ("GET", "/v2/positions/NOSUCH", (*_NOT_FOUND, "position does not exist")),
        ("GET", "/v2/assets/NOSUCH", (*_NOT_FOUND, "asset not found for NOSUCH")),
        ("GET", "/v2/nothing", (404, None, "endpoint not found.")),
        ("GET", "/v1/orders", (404, None, "endpoint not found.")),
        ("PUT", "/v2/orders", (405, None, "method not allowed.")),
        ("GET", "/v2/account/activities/TIPS", (*_MISSHAPEN, "invalid activity type")),
    ],
)
def test_what_is_not_there(method, path, told):
    """Not found must look like not found: a client must not take it for a failure."""
    assert _api().ask(method, path).told == told


def test_a_lookup_that_finds_nothing():
    """The answer that proves that an order never arrived has one shape."""
    reply = _api().get("/v2/orders:by_client_order_id", client_order_id="lost")

    assert reply.told == (404, 40410000, "order not found for lost")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"qty": NaN}', b"[" * 100_000])
def test_bodies_that_are_no_json_object(body):
    """A body that cannot be read is the client's fault, and no order."""
    api = _api()

    assert api.ask("POST", "/v2/orders", body).told == (
        400,
        40010000,
        "request body format is invalid",
    )
    assert api.orders(status="all") == []


def test_halts_and_blocks():
    """What the venue's staff stopped must be refused at the door."""
    api = _api()
    api.venue.control.halt("AAPL")
    halted = api.post("buy 1 AAPL")
    api.venue.control.block()
    blocked = api.post("buy 1 KO")

    assert halted.told == (422, 42210000, 'trading in "AAPL" is halted')
    assert blocked.told == (403, 40310000, "account is blocked from trading")
