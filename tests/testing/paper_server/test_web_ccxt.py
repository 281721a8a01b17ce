"""ccxt's own Alpaca client, which knows nothing of this server, trades on it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import ccxt
import ccxt.pro
import pytest

from fillwright.testing.paper_server import On, PaperServer, running_paper_server
from testing.paper_server.web_tools import SOON, eventually, fault, settings

COIN = "BTC/USD"


def pointed_at(server: PaperServer, client: Any) -> Any:
    """The client with its three hosts and its stream exchanged for the server."""
    hosts = dict.fromkeys(("broker", "trader", "market"), server.url)
    client.urls["api"] = {**hosts, "ws": {"trading": server.stream_url}}
    client.enableRateLimit = False
    return client


def credentials(server: PaperServer) -> dict[str, str]:
    return {"apiKey": server.account.key, "secret": server.account.secret}


@pytest.fixture
def server() -> Iterator[PaperServer]:
    with running_paper_server(settings(cash="50000")) as running:
        yield running


@pytest.fixture
def client(server: PaperServer) -> Iterator[Any]:
    made = pointed_at(server, ccxt.alpaca(credentials(server)))
    # Proxies of the environment are for other hosts.
    made.session.trust_env = False
    made.load_markets()
    yield made
    made.session.close()


def test_it_sees_the_markets_the_time_and_the_money(client: Any) -> None:
    """A client that cannot read the account cannot begin to trade."""
    market = client.market(COIN)
    balance = client.fetch_balance()

    assert (market["base"], market["quote"], market["active"]) == ("BTC", "USD", True)
    assert balance["USD"] == {"free": 50000.0, "used": 0.0, "total": 50000.0}
    assert client.fetch_time() > 1_700_000_000_000


def test_it_sees_prices(client: Any) -> None:
    """A limit price is chosen by the ticker or the book."""
    ticker, book = client.fetch_ticker(COIN), client.fetch_order_book(COIN)

    assert 0 < ticker["bid"] < ticker["ask"]
    assert (book["bids"][0][0], book["asks"][0][0]) == (ticker["bid"], ticker["ask"])
    assert ticker["bid"] <= ticker["last"] <= ticker["ask"]


def test_a_market_order_is_filled_and_its_trade_is_found(client: Any, server: PaperServer) -> None:
    """The fill of an order must be the same in the order, in the trades and in the balance."""
    made = client.create_order(COIN, "market", "buy", 0.01, None, {"clientOrderId": "c-1"})
    found = client.fetch_order(made["id"])
    (trade,) = client.fetch_my_trades(COIN)

    assert (made["status"], made["clientOrderId"]) == ("open", "c-1")
    assert (found["status"], found["filled"], found["remaining"]) == ("closed", 0.01, 0.0)
    assert (trade["order"], trade["amount"], trade["side"]) == (made["id"], 0.01, "buy")
    assert trade["price"] == found["average"]
    assert client.fetch_balance()["BTC"]["total"] == 0.01
    assert [seen.status for seen in server.requests.of(On.SUBMIT, "c-1")] == [200]


def test_an_order_by_cost_is_filled(client: Any) -> None:
    """Coins are mostly bought for an amount of money."""
    made = client.create_market_order_with_cost(COIN, "buy", 100)

    assert 0 < client.fetch_order(made["id"])["cost"] <= 100


def test_a_limit_order_rests_is_changed_and_canceled(client: Any) -> None:
    """An order that cannot be found, changed and canceled cannot be worked."""
    made = client.create_order(COIN, "limit", "buy", 0.01, 50_000)
    (resting,) = client.fetch_open_orders(COIN)
    changed = client.edit_order(made["id"], COIN, "limit", "buy", 0.02, 51_000)
    (after,) = client.fetch_open_orders(COIN)
    client.cancel_order(changed["id"])

    assert (resting["id"], resting["price"], resting["amount"]) == (made["id"], 50_000.0, 0.01)
    assert (after["id"], after["price"], after["amount"]) == (changed["id"], 51_000.0, 0.02)
    assert client.fetch_open_orders(COIN) == []
    assert client.fetch_order(changed["id"])["status"] == "canceled"
    assert client.fetch_order(made["id"])["status"] == "canceled"


def test_all_orders_are_canceled_at_once(client: Any) -> None:
    """The emergency brake of most strategies is this one call."""
    for price in (40_000, 50_000):
        client.create_order(COIN, "limit", "buy", 0.01, price)

    assert len(client.cancel_all_orders()) == 2
    assert client.fetch_open_orders(COIN) == []
    assert len(client.fetch_closed_orders(COIN)) == 2


def test_refusals_are_ccxts_own_errors(client: Any, server: PaperServer) -> None:
    """A client tells the broker's refusals apart by status, code and text: they must be real."""
    client.create_order(COIN, "limit", "buy", 0.01, 50_000, {"clientOrderId": "c-1"})

    with pytest.raises(ccxt.InvalidOrder, match="order not found"):
        client.fetch_order("00000000-0000-4000-8000-000000000000")
    with pytest.raises(ccxt.BadRequest, match="client_order_id must be unique"):
        client.create_order(COIN, "limit", "buy", 0.01, 50_000, {"clientOrderId": "c-1"})
    server.faults.add(fault("request", "unauthorized"))
    with pytest.raises(ccxt.PermissionDenied, match="request is not authorized"):
        client.fetch_balance()


def test_a_rate_limit_is_ccxts_own_error(client: Any, server: PaperServer) -> None:
    """A client slows down only for what it takes for a rate limit."""
    server.faults.add(fault("account", "rate_limited", times=1))

    with pytest.raises(ccxt.RateLimitExceeded):
        client.fetch_balance()
    assert client.fetch_balance()["USD"]["total"] == 50000.0


async def test_its_stream_hears_orders_and_trades() -> None:
    """A websocket client that nobody here wrote reads the same handshake and the same events."""
    async with PaperServer(settings()) as server:
        client = pointed_at(server, ccxt.pro.alpaca(credentials(server)))
        try:
            await client.load_markets()
            orders = asyncio.create_task(client.watch_orders(COIN))
            trades = asyncio.create_task(client.watch_my_trades())
            await eventually(lambda: server.listening(server.account.key))
            made = await client.create_order(COIN, "market", "buy", 0.01)
            both = asyncio.gather(trades, orders)
            ((trade,), (first, *_)) = await asyncio.wait_for(both, SOON)
        finally:
            await client.close()

    assert first["id"] == trade["order"] == made["id"]
    assert trade["amount"] == 0.01
