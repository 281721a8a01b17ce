"""Market data: shapes, JSON numbers, and which symbols are found where."""

import json

import pytest

from fillwright.testing import Touch
from fillwright.testing.paper_server.request import Request
from testing.paper_server.api_tools import Api, D, keys_of, limit

_CRYPTO = "/v1beta3/crypto/us/latest"


def test_stock_quotes():
    """A client sizes its orders by these numbers; they must be numbers, and exact."""
    api = Api()
    api.quote("AAPL", "100.01", "100.03", "300", "200")
    one = api.found("/v2/stocks/AAPL/quotes/latest")
    many = api.found("/v2/stocks/quotes/latest", symbols="AAPL, MSFT,NOSUCH", feed="iex")

    assert one == {
        "symbol": "AAPL",
        "quote": {
            "t": "2026-03-02T15:00:00.000000000Z",
            "ax": "Q",
            "ap": D("100.03"),
            "as": 200,
            "bx": "Q",
            "bp": D("100.01"),
            "bs": 300,
            "c": ["R"],
            "z": "C",
        },
    }
    assert list(many["quotes"]) == ["AAPL", "MSFT"]
    assert many["quotes"]["AAPL"] == one["quote"]


def test_numbers_are_written_as_they_are():
    """A price that went through a float may end in nines."""
    api = Api(instruments={"LOW": {"price": "0.5", "sub_dollar_tick": "0.0001"}})
    api.quote("LOW", "0.1001", "0.3003")
    body = api.exchange.handle(
        Request("GET", "/v2/stocks/LOW/quotes/latest", {}, keys_of(api.account))
    ).body

    assert b'"bp":0.1001,' in body
    assert b'"ap":0.3003,' in body


def test_a_side_without_interest_is_zero():
    """The API has no word for an empty side but the number 0; a client must not buy at it."""
    api = Api()
    api.venue.set_quote("AAPL", Touch(None, D(100), D(0), D(10)))
    quote = api.found("/v2/stocks/AAPL/quotes/latest")["quote"]

    assert (quote["bp"], quote["bs"], quote["ap"], quote["as"]) == (0, 0, 100, 10)


def test_crypto_quotes_and_trades():
    """Coins are told in another shape than shares, with fractions in their sizes."""
    api = Api()
    api.quote("BTC/USD", "97000", "97001.5", "1.25", "0.75")
    quotes = api.found(f"{_CRYPTO}/quotes", symbols="BTC/USD,ETH/USD")["quotes"]
    trades = api.found(f"{_CRYPTO}/trades", symbols="BTC/USD")["trades"]

    assert list(quotes) == ["BTC/USD", "ETH/USD"]
    assert quotes["BTC/USD"] == {
        "t": "2026-03-02T15:00:00.000000000Z",
        "ap": D("97001.5"),
        "as": D("0.75"),
        "bp": 97000,
        "bs": D("1.25"),
    }
    assert set(trades["BTC/USD"]) == {"t", "p", "s", "tks", "i"}
    assert trades["BTC/USD"]["p"] == D("97000.75")


def test_the_newest_trade():
    """A last price that is older than one's own fill shows a stale market."""
    api = Api()
    api.quote("AAPL", "100.00", "100.03")
    before = api.found("/v2/stocks/AAPL/trades/latest")["trade"]
    api.sent("buy 150 AAPL")
    after = api.found("/v2/stocks/trades/latest", symbols="AAPL")["trades"]["AAPL"]

    assert set(before) == {"t", "x", "p", "s", "c", "i", "z"}
    assert (before["p"], before["s"]) == (D("100.01"), 100)
    assert (after["p"], after["s"], after["i"]) == (D("100.03"), 150, 1)
    api.clock.advance(1)
    api.venue.step()
    api.sent("buy 1 MSFT", **limit("1"))
    assert api.found("/v2/stocks/AAPL/trades/latest")["trade"]["p"] == D("100.01")


@pytest.mark.parametrize(
    ("path", "symbols", "told"),
    [
        ("/v2/stocks/quotes/latest", "", (400, None, "symbols is required")),
        ("/v2/stocks/quotes/latest", "BTC/USD", (400, None, "invalid symbol: BTC/USD")),
        (f"{_CRYPTO}/quotes", "BTCUSD", (400, None, "invalid symbol: BTCUSD")),
        ("/v2/stocks/NOSUCH/quotes/latest", "", (404, None, "no quote found for NOSUCH")),
        ("/v2/stocks/NOSUCH/trades/latest", "", (404, None, "no trade found for NOSUCH")),
    ],
)
def test_symbols_that_do_not_belong(path, symbols, told):
    """A symbol in the wrong place is an error of the client, not an empty market."""
    assert Api().get(path, symbols=symbols).told == told


def test_crypto_prices_need_no_keys():
    """Crypto data clients are made without keys, and must work."""
    api = Api()
    request = Request("GET", f"{_CRYPTO}/quotes", {"symbols": "BTC/USD"})
    answer = api.exchange.handle(request)
    stocks = api.exchange.handle(Request("GET", "/v2/stocks/AAPL/quotes/latest"))

    assert answer.status == 200
    assert "BTC/USD" in json.loads(answer.body)["quotes"]
    assert stocks.status == 401


def test_crypto_books_and_snapshots():
    """Libraries for many exchanges read their ticker from these."""
    api = Api()
    api.quote("BTC/USD", "97000", "97001.5", "1.25", "0.75")
    keyless = Request("GET", f"{_CRYPTO}/orderbooks", {"symbols": "BTC/USD"})
    book = json.loads(api.exchange.handle(keyless).body)["orderbooks"]["BTC/USD"]
    snapshot = api.found("/v1beta3/crypto/us/snapshots", symbols="BTC/USD")["snapshots"]

    assert book["b"] == [{"p": 97000, "s": 1.25}]
    assert book["a"] == [{"p": 97001.5, "s": 0.75}]
    assert set(snapshot["BTC/USD"]) == {"latestQuote", "latestTrade"}
    assert snapshot["BTC/USD"]["latestQuote"]["bp"] == 97000
