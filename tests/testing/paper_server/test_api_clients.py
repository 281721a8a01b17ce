"""The real alpaca-py over an exchange in memory: its models are the strictest readers there are."""

import io
import warnings
from urllib.parse import parse_qsl, urlsplit

import pytest
from requests.adapters import BaseAdapter
from requests.models import Response

from fillwright.testing.paper_server.exchange import Exchange
from fillwright.testing.paper_server.request import Request
from testing.paper_server.api_tools import Api

with warnings.catch_warnings():
    # The library imports websockets.legacy, which warns.
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.common.exceptions import APIError
    from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
    from alpaca.data.requests import (
        CryptoLatestQuoteRequest,
        StockLatestQuoteRequest,
        StockLatestTradeRequest,
    )
    from alpaca.trading import requests as wanted
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderClass, OrderStatus, QueryOrderStatus
    from alpaca.trading.models import TradeUpdate


class _InMemory(BaseAdapter):
    """Carry the library's requests to an exchange without a socket."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def send(self, request, **_):
        parts = urlsplit(request.url)
        body = request.body or b""
        answer = self._exchange.handle(
            Request(
                request.method,
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in request.headers.items()},
                body.encode() if isinstance(body, str) else body,
            )
        )
        response = Response()
        response.status_code, response.url = answer.status, request.url
        response.headers.update(answer.headers)
        response.raw = io.BytesIO(answer.body)
        return response

    def close(self) -> None:
        pass


def _over(api: Api, client):
    client._session.mount("http://", _InMemory(api.exchange))
    client._session.mount("https://", _InMemory(api.exchange))
    client._retry = 0
    return client


@pytest.fixture
def api() -> Api:
    api = Api(positions={"AAPL": "10", "KO": "-3", "BTC/USD": "0.5"})
    api.quote("AAPL", "229.99", "230.01")
    return api


@pytest.fixture
def client(api: Api):
    keys = api.account.key, api.account.secret
    client = _over(api, TradingClient(*keys, url_override="http://paper"))
    yield client
    client._session.close()


def test_orders_through_the_library(api, client):
    """A model that does not validate after a 200 leaves an order that nobody holds."""
    market = client.submit_order(
        wanted.MarketOrderRequest(symbol="AAPL", qty=2, side="buy", time_in_force="day")
    )
    limit = client.submit_order(
        wanted.LimitOrderRequest(
            symbol="AAPL", qty=2, side="buy", limit_price=100.07, time_in_force="gtc"
        )
    )
    bracket = client.submit_order(
        wanted.LimitOrderRequest(
            symbol="MSFT",
            qty=2,
            side="buy",
            limit_price=400,
            time_in_force="gtc",
            order_class=OrderClass.BRACKET,
            take_profit=wanted.TakeProfitRequest(limit_price=500),
            stop_loss=wanted.StopLossRequest(stop_price=300),
        )
    )
    trail = client.submit_order(
        wanted.TrailingStopOrderRequest(
            symbol="AAPL", qty=1, side="sell", trail_percent=5, time_in_force="gtc"
        )
    )

    assert market.status is OrderStatus.PENDING_NEW
    assert client.get_order_by_id(market.id).status is OrderStatus.FILLED
    assert client.get_order_by_client_id(limit.client_order_id).id == limit.id
    assert [leg.status for leg in bracket.legs] == [OrderStatus.HELD] * 2
    assert client.get_order_by_id(trail.id).hwm == "229.99"
    found = client.get_orders(
        wanted.GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True, symbols=["AAPL", "MSFT"])
    )
    assert [order.id for order in found] == [trail.id, bracket.id, limit.id, market.id]
    new = client.replace_order_by_id(limit.id, wanted.ReplaceOrderRequest(qty=3, limit_price=99))
    assert (new.qty, new.replaces) == ("3", limit.id)
    client.cancel_order_by_id(new.id)
    assert {one.status for one in client.cancel_orders()} == {200}
    assert client.get_orders() == []


def test_the_rest_of_the_api_through_the_library(client):
    """Every model of the library must accept what the server shows."""
    account = client.get_account()
    positions = {p.symbol: p.qty for p in client.get_all_positions()}
    configuration = client.get_account_configurations()
    configuration.no_shorting = True

    assert (account.multiplier, account.pattern_day_trader) == ("4", None)
    assert positions == {"AAPL": "10", "BTCUSD": "0.5", "KO": "-3"}
    assert client.get_open_position("BTC/USD").symbol == "BTCUSD"
    assert client.set_account_configurations(configuration).no_shorting is True
    assert len(client.get_all_assets()) > 40
    assert client.get_asset("BTC/USD").id == client.get_asset("BTCUSD").id
    assert client.get_clock().is_open
    assert client.get_calendar(wanted.GetCalendarRequest(start="2026-03-02", end="2026-03-03"))
    closed = client.close_position("AAPL", wanted.ClosePositionRequest(percentage="50"))
    assert closed.qty == "5"
    assert {one.status for one in client.close_all_positions(cancel_orders=True)} == {200}
    fills = client.get("/account/activities/FILL", {"page_size": 2})
    assert len(fills) == 2


def test_errors_through_the_library(client):
    """The code of an error is what the library's users go by."""
    order = {"symbol": "AAPL", "qty": 1, "side": "buy", "time_in_force": "day"}
    client.submit_order(wanted.MarketOrderRequest(**order, client_order_id="once"))
    with pytest.raises(APIError) as repeated:
        client.submit_order(wanted.MarketOrderRequest(**order, client_order_id="once"))
    with pytest.raises(APIError) as missing:
        client.get_open_position("DIS")

    assert (repeated.value.status_code, repeated.value.code) == (422, 40010001)
    assert (missing.value.status_code, missing.value.code) == (404, 40410000)


def test_events_through_the_library(api, client):
    """An event that the library cannot read is lost there for good."""
    order = {"symbol": "AAPL", "qty": 1, "side": "buy", "time_in_force": "day"}
    client.submit_order(wanted.MarketOrderRequest(**order))
    resting = client.submit_order(wanted.LimitOrderRequest(**order, limit_price=90))
    client.replace_order_by_id(resting.id, wanted.ReplaceOrderRequest(limit_price=91))
    client.cancel_orders()
    first = api.venue.executions().items[0].execution.execution_id
    api.venue.control.bust(first)
    updates = [TradeUpdate(**event) for event in api.events]

    assert [str(getattr(u.event, "value", u.event)) for u in updates] == [
        *("new", "fill", "new", "replaced", "new", "canceled", "trade_bust"),
    ]
    assert (updates[1].qty, updates[1].position_qty) == (1.0, 11.0)


def test_market_data_through_the_library(api):
    """The data clients have their own models and their own ways to spell a symbol."""
    keys = api.account.key, api.account.secret
    stocks = _over(api, StockHistoricalDataClient(*keys, url_override="http://data"))
    coins = _over(api, CryptoHistoricalDataClient(url_override="http://data"))
    quote = stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))
    trade = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=["AAPL"]))
    coin = coins.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols="BTC/USD"))

    assert (quote["AAPL"].bid_price, quote["AAPL"].ask_price) == (229.99, 230.01)
    assert trade["AAPL"].price == 230.0
    assert coin["BTC/USD"].ask_price > coin["BTC/USD"].bid_price
    stocks._session.close()
    coins._session.close()
