"""Positions: what is shown, and how they are closed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testing.paper_server.api_tools import Api, D, limit

_HELD = {"AAPL": "10", "KO": "-4", "BTC/USD": "1.5", "MSFT": "2.5"}


def _api(**more) -> Api:
    api = Api(**{"positions": _HELD} | more)
    api.quote("AAPL", "119", "121")
    return api


def test_a_long_position():
    """Profit and size of a position are what a client sizes its exits by."""
    api = _api()
    api.sent("sell 4 AAPL", **limit("500"))
    shown = api.position("AAPL")

    assert shown == {
        "asset_id": api.found("/v2/assets/AAPL")["id"],
        "symbol": "AAPL",
        "exchange": "NASDAQ",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": "10",
        "qty_available": "6",
        "avg_entry_price": "230",
        "side": "long",
        "market_value": "1200",
        "cost_basis": "2300",
        "unrealized_pl": "-1100",
        "unrealized_plpc": "-0.47826087",
        "unrealized_intraday_pl": "-1100",
        "unrealized_intraday_plpc": "-0.47826087",
        "current_price": "120",
        "lastday_price": "230",
        "change_today": "-0.47826087",
    }


@pytest.mark.parametrize(("signed", "quantity"), [(True, "-4"), (False, "4")])
def test_a_short_position(signed, quantity):
    """A client must go by the side: whether the qty has a sign is not confirmed."""
    api = _api(signed_short_qty=signed)
    api.quote("KO", "68", "68")
    shown = api.position("KO")

    assert (shown["qty"], shown["qty_available"], shown["side"]) == (quantity, quantity, "short")
    assert (shown["market_value"], shown["cost_basis"]) == ("-272", "-272")


@pytest.mark.parametrize(("slashed", "symbol"), [(False, "BTCUSD"), (True, "BTC/USD")])
def test_a_coin_has_no_slash_in_positions(slashed, symbol):
    """The same coin has two spellings at the real broker: a client must know both as one."""
    api = _api(slashed_positions=slashed)

    assert [p["symbol"] for p in api.found("/v2/positions")] == ["AAPL", symbol, "KO", "MSFT"]
    for path in ("BTCUSD", "BTC/USD", "BTC%2FUSD", api.found("/v2/assets/BTCUSD")["id"]):
        assert api.found(f"/v2/positions/{path}")["qty"] == "1.5"


def test_yesterdays_close_is_remembered():
    """A profit of today that counts from another day misleads whoever reads it."""
    api = _api()
    api.clock.advance(86_400)
    api.quote("AAPL", "129", "131")
    shown = api.position("AAPL")

    assert (shown["lastday_price"], shown["unrealized_intraday_pl"]) == ("120", "100")
    assert shown["unrealized_pl"] == "-1000"


@pytest.mark.parametrize(
    ("symbol", "query", "order"),
    [
        ("AAPL", {}, ("sell", "10", "day")),
        ("AAPL", {"qty": "3"}, ("sell", "3", "day")),
        ("AAPL", {"qty": "0.557436865"}, ("sell", "0.557436865", "day")),
        ("AAPL", {"percentage": "25"}, ("sell", "2", "day")),
        ("MSFT", {"percentage": "50"}, ("sell", "1.25", "day")),
        ("MSFT", {"percentage": "33.333333333"}, ("sell", "0.833333333", "day")),
        ("KO", {}, ("buy", "4", "day")),
        ("KO", {"percentage": "100"}, ("buy", "4", "day")),
        ("BTC%2FUSD", {}, ("sell", "1.5", "gtc")),
    ],
)
def test_closing_one(symbol, query, order):
    """A close that rounds up, or buys where it should sell, opens the opposite position."""
    api = _api()
    reply = api.ask("DELETE", f"/v2/positions/{symbol}", query=query)
    shown = reply.json

    assert reply.status == 200
    assert (shown["side"], shown["qty"], shown["time_in_force"]) == order
    assert (shown["type"], shown["status"]) == ("market", "pending_new")
    assert shown["client_order_id"]
    assert api.order(shown)["status"] == "filled"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"qty": "1", "percentage": "1"}, (422, 40010001)),
        ({"percentage": "101"}, (422, 42210000)),
        ({"percentage": "0"}, (422, 42210000)),
        ({"percentage": "1"}, (422, 42210000)),
        ({"qty": "-1"}, (422, 42210000)),
        ({"qty": "much"}, (422, 40010001)),
        ({"qty": "11"}, (403, 40310000)),
    ],
)
def test_closing_more_or_less_than_there_is(query, told):
    """A close of more than is held would sell short."""
    api = _api()
    reply = api.ask("DELETE", "/v2/positions/AAPL", query=query)

    assert (reply.status, reply.json["code"]) == told
    assert api.orders(status="all") == []


def test_closing_all():
    """One position that cannot be closed must be told apart from those that can."""
    api = _api()
    resting = api.sent("sell 4 AAPL", **limit("500"))
    reply = api.ask("DELETE", "/v2/positions", query={"cancel_orders": "false"})

    assert reply.status == 207
    results = {one["symbol"]: (one["status"], one["body"]) for one in reply.json}
    assert {symbol: status for symbol, (status, _) in results.items()} == {
        "AAPL": 403,
        "BTCUSD": 200,
        "KO": 200,
        "MSFT": 200,
    }
    assert results["AAPL"][1]["code"] == 40310000
    assert results["AAPL"][1]["related_orders"] == [resting["id"]]
    assert results["KO"][1]["side"] == "buy"
    again = api.ask("DELETE", "/v2/positions", query={"cancel_orders": "True"})
    assert [(one["symbol"], one["status"]) for one in again.json] == [("AAPL", 200)]
    assert api.found("/v2/positions") == []
    assert api.order(resting)["status"] == "canceled"


@given(st.decimals("0.000000001", "100", places=9), st.integers(1, 10_000_000_000))
@settings(max_examples=100, deadline=None)
def test_a_percentage_never_closes_more_than_the_position(percentage, units):
    """A rounding that sells one unit too many turns a close into a short sale."""
    held = D(units) / 1_000_000_000
    api = Api(positions={"BTC/USD": str(held)})
    reply = api.ask("DELETE", "/v2/positions/BTCUSD", query={"percentage": f"{percentage:f}"})

    if reply.status == 200:
        sold = D(reply.json["qty"])
        assert 0 < sold <= held
        assert held * percentage / 100 - sold < D("0.000000001")
    else:
        assert (reply.status, reply.json["message"]) == (422, "qty must be > 0")
