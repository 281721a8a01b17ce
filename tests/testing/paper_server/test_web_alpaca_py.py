"""The broker's own library, alpaca-py, trades on the server as it does on the real one."""

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Self

import pytest
import requests

from fillwright.testing.paper_server import Fault, On, PaperServer, running_paper_server
from testing.paper_server.web_tools import SOON, eventually, fault, settings

with warnings.catch_warnings():
    # Its import of websockets.legacy is deprecated; nothing else may hide behind it.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    from alpaca.common.exceptions import APIError
    from alpaca.data.historical import StockHistoricalDataClient
    from alpaca.data.requests import StockLatestQuoteRequest
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderSide, OrderStatus, TimeInForce
    from alpaca.trading.models import TradeUpdate
    from alpaca.trading.requests import (
        LimitOrderRequest,
        MarketOrderRequest,
        ReplaceOrderRequest,
    )
    from alpaca.trading.stream import TradingStream


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` believes the environment's proxies, also for this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[PaperServer]:
    with running_paper_server(settings()) as running:
        yield running


def trading(server: PaperServer) -> TradingClient:
    return TradingClient(server.account.key, server.account.secret, url_override=server.url)


@pytest.fixture
def client(server: PaperServer) -> Iterator[TradingClient]:
    made = trading(server)
    yield made
    made._session.close()


def market(quantity: float = 1, **fields: Any) -> MarketOrderRequest:
    return MarketOrderRequest(
        symbol="AAPL", qty=quantity, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, **fields
    )


def limit(price: float = 100, **fields: Any) -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol="AAPL",
        qty=2,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.GTC,
        limit_price=price,
        **fields,
    )


def test_it_reads_the_account_the_clock_and_the_assets(client: TradingClient) -> None:
    """Its models are strict: a field that is missing here raises where the real API does not."""
    account, clock = client.get_account(), client.get_clock()
    asset = client.get_asset("AAPL")

    assert (account.status.value, account.cash) == ("ACTIVE", "100000.00")
    assert clock.is_open is True
    assert (asset.symbol, asset.tradable, asset.fractionable) == ("AAPL", True, True)
    assert len(client.get_all_assets()) > 20
    assert client.get_calendar()


def test_an_order_from_its_submit_to_its_position(client: TradingClient) -> None:
    """The way that every program goes first."""
    made = client.submit_order(market(3, client_order_id="c-1"))
    found = client.get_order_by_client_id("c-1")
    (held,) = client.get_all_positions()

    assert made.status is OrderStatus.PENDING_NEW
    assert (found.id, found.status, found.filled_qty) == (made.id, OrderStatus.FILLED, "3")
    assert (held.symbol, held.qty) == ("AAPL", "3")


def test_a_resting_order_is_replaced_and_canceled(client: TradingClient) -> None:
    """A replace makes a new order with a new id; a cancel of the old one is refused."""
    made = client.submit_order(limit())
    newer = client.replace_order_by_id(made.id, ReplaceOrderRequest(limit_price=101))
    with pytest.raises(APIError) as refused:
        client.cancel_order_by_id(made.id)
    client.cancel_order_by_id(newer.id)

    assert newer.replaces == made.id
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)
    assert client.get_order_by_id(made.id).replaced_by == newer.id
    assert client.get_order_by_id(newer.id).status is OrderStatus.CANCELED
    assert client.get_orders() == []


def test_a_second_order_with_the_same_name_is_refused(client: TradingClient) -> None:
    """What keeps a repeated order from being a second order."""
    client.submit_order(market(client_order_id="c-1"))

    with pytest.raises(APIError) as refused:
        client.submit_order(market(client_order_id="c-1"))
    assert (refused.value.status_code, refused.value.code) == (422, 40010001)


def test_it_sends_an_order_again_by_itself_after_a_504(
    client: TradingClient, server: PaperServer
) -> None:
    """The reason why its retries must be turned off: the wire saw the order twice."""
    server.faults.add(fault("submit", "accept_then_504", nth=1))
    client._retry_wait = 0

    with pytest.raises(APIError) as refused:
        client.submit_order(market(client_order_id="c-1"))
    seen = server.requests.of(On.SUBMIT, "c-1")
    assert refused.value.code == 40010001
    assert [one.status for one in seen] == [504, 422]


@pytest.mark.parametrize(
    "script",
    [
        fault("submit", "drop_reset"),
        fault("submit", "accept_then_reset"),
        fault("submit", "cut_off"),
        fault("submit", "garbage"),
    ],
    ids=lambda line: line.fault.value,
)
def test_lost_answers_are_its_own_errors(
    client: TradingClient, server: PaperServer, script: Fault
) -> None:
    """An adapter sorts what was taken from what was not by these exceptions."""
    server.faults.add(script)

    with pytest.raises(requests.exceptions.RequestException):
        client.submit_order(market(client_order_id="c-1"))
    assert len(server.requests.of(On.SUBMIT)) == 1


def test_errors_without_a_body_or_code(client: TradingClient, server: PaperServer) -> None:
    """Its error object raises when it is asked for a code that is not there."""
    server.faults.add(fault("account", "bad_gateway", nth=1))
    server.faults.add(fault("account", "server_error", nth=2))
    with pytest.raises(APIError) as page:
        client.get_account()
    with pytest.raises(APIError) as plain:
        client.get_account()

    assert (page.value.status_code, plain.value.status_code) == (502, 500)
    with pytest.raises(ValueError, match="Expecting value"):
        _ = page.value.code
    with pytest.raises(KeyError):
        _ = plain.value.code


def test_a_status_that_it_does_not_know_breaks_its_model(
    client: TradingClient, server: PaperServer
) -> None:
    """The order was taken, and the library gives no handle to it."""
    server.faults.add(fault("submit", "unknown_status"))

    with pytest.raises(ValueError, match="being_considered"):
        client.submit_order(market(client_order_id="c-1"))
    assert client.get_order_by_client_id("c-1").status is OrderStatus.FILLED


def test_its_market_data_client_reads_quotes(server: PaperServer) -> None:
    """Sizing and checks need a price, from the same server."""
    data = StockHistoricalDataClient(
        server.account.key, server.account.secret, url_override=server.data_url
    )
    with closing(data._session):
        quotes = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))

    assert 0 < quotes["AAPL"].bid_price < quotes["AAPL"].ask_price


class Listener:
    """alpaca-py's stream in the test's own loop, as an adapter embeds it."""

    def __init__(self, server: PaperServer) -> None:
        account = server.account
        self._server = server
        self._stream = TradingStream(account.key, account.secret, url_override=server.stream_url)
        self._stream._reconnect_min_backoff = self._stream._reconnect_max_backoff = 0.01
        self._heard: asyncio.Queue[TradeUpdate] = asyncio.Queue()
        self._stream.subscribe_trade_updates(self._hear)

    async def _hear(self, update: TradeUpdate) -> None:
        self._heard.put_nowait(update)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stream._run_forever())
        await self.listening()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._stream.close()

    async def listening(self) -> None:
        await eventually(lambda: self._server.listening(self._server.account.key))

    async def next(self) -> TradeUpdate:
        return await asyncio.wait_for(self._heard.get(), SOON)


async def submit(server: PaperServer, *orders: MarketOrderRequest | LimitOrderRequest) -> None:
    client = trading(server)
    for order in orders:
        await asyncio.to_thread(client.submit_order, order)
    client._session.close()


async def test_its_stream_hears_the_life_of_an_order() -> None:
    """The same events as at the broker, in frames that its reader takes."""
    async with PaperServer(settings()) as server, Listener(server) as listener:
        await submit(server, market(3))
        new, fill = await listener.next(), await listener.next()

    assert (new.event, fill.event) == ("new", "fill")
    assert (fill.qty, fill.position_qty, fill.order.filled_qty) == (3.0, 3.0, "3")
    assert fill.execution_id


async def test_its_stream_comes_back_after_a_cut_and_has_missed_what_was() -> None:
    """It reconnects by itself and says so to nobody: only the broker's books fill the gap."""
    async with PaperServer(settings()) as server, Listener(server) as listener:
        server.faults.add(fault("message", "cut", nth=1))
        await submit(server, limit(client_order_id="missed"))
        await listener.listening()
        await submit(server, limit(client_order_id="heard"))
        heard = await listener.next()

        assert heard.order.client_order_id == "heard"
        assert len(server.requests.of(On.CONNECT)) >= 2


async def test_its_stream_loses_a_message_that_it_cannot_read() -> None:
    """One bad frame must not cost the ones behind it."""
    async with PaperServer(settings()) as server, Listener(server) as listener:
        server.faults.add(fault("message", "garbage", nth=1))
        await submit(server, limit(client_order_id="lost"), limit(client_order_id="heard"))

        assert (await listener.next()).order.client_order_id == "heard"
