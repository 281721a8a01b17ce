"""Assets: what is listed, by which names it is found, and its increments."""

from uuid import UUID

import pytest

from testing.paper_server.api_tools import Api


@pytest.mark.parametrize("name", ["BTC/USD", "BTC%2FUSD", "BTC%2fUSD", "BTCUSD"])
def test_every_spelling_of_a_pair(name):
    """Libraries differ in how they write a slash in a path; all of them mean one coin."""
    api = Api()
    asset = api.found(f"/v2/assets/{name}")

    assert (asset["symbol"], asset["class"], asset["exchange"]) == ("BTC/USD", "crypto", "CRYPTO")
    assert (asset["min_trade_increment"], asset["price_increment"]) == ("0.000000001", "0.01")
    assert asset["min_order_size"] == "0.000010257"
    assert "borrow_status" not in asset
    assert api.found(f"/v2/assets/{asset['id']}") == asset


def test_a_share():
    """What may be shorted or split is read here before an order is sized."""
    assert Api().found("/v2/assets/AAPL") == {
        "id": str(UUID(Api().found("/v2/assets/AAPL")["id"])),
        "class": "us_equity",
        "exchange": "NASDAQ",
        "symbol": "AAPL",
        "name": "AAPL Common Stock",
        "status": "active",
        "tradable": True,
        "marginable": True,
        "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30",
        "margin_requirement_short": "30",
        "shortable": True,
        "easy_to_borrow": True,
        "borrow_status": "easy_to_borrow",
        "fractionable": True,
        "attributes": ["fractional_eh_enabled"],
    }


def test_lists_are_of_shares_unless_asked_otherwise():
    """A client that does not ask for coins must not get them."""
    api = Api()
    shares = api.found("/v2/assets")
    coins = api.found("/v2/assets", asset_class="crypto")

    assert {a["class"] for a in shares} == {"us_equity"}
    assert [a["symbol"] for a in coins] == ["BTC/USD", "ETH/USD"]
    order = [(a["exchange"], a["symbol"]) for a in shares]
    assert order == sorted(order)
    assert len({a["id"] for a in shares + coins}) == len(shares) + len(coins)


@pytest.mark.parametrize(
    ("query", "some", "none"),
    [
        ({"status": "inactive"}, "DWAC", "AAPL"),
        ({"status": "active"}, "AAPL", "DWAC"),
        ({"exchange": "ARCA"}, "SPY", "AAPL"),
        ({"attributes": "has_options,fractional_eh_enabled"}, "AAPL", "NVR"),
    ],
)
def test_filters(query, some, none):
    """A filter that is ignored offers what cannot be traded."""
    symbols = [a["symbol"] for a in Api().found("/v2/assets", **query)]

    assert some in symbols
    assert none not in symbols


def test_flags_of_special_shares():
    """Each of these flags refuses orders; a client must be able to see it beforehand."""
    api = Api()
    shown = {name: api.found(f"/v2/assets/{name}") for name in ("NVR", "GME", "DWAC")}

    assert shown["NVR"]["fractionable"] is False
    assert (shown["GME"]["shortable"], shown["GME"]["borrow_status"]) == (False, "hard_to_borrow")
    assert (shown["DWAC"]["tradable"], shown["DWAC"]["status"]) == (False, "inactive")


def test_a_field_that_will_be_gone():
    """A client that needs the old field breaks on the day that it goes; this is that day."""
    asset = Api(omit_easy_to_borrow=True).found("/v2/assets/AAPL")

    assert "easy_to_borrow" not in asset
    assert asset["borrow_status"] == "easy_to_borrow"


def test_instruments_of_the_settings():
    """A test that lists its own symbol must find it everywhere."""
    api = Api(instruments={"NEW": {"price": "5", "shortable": False}})
    order = api.sent("buy 2 NEW")

    assert api.found("/v2/assets/NEW")["exchange"] == "NYSE"
    assert api.order(order)["status"] == "filled"
