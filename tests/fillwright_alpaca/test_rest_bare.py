"""The bare SDK beside the adapter: what each of our measures is there for.

Each test shows alpaca-py as it comes first. When one of these fails after an upgrade of the SDK,
the measure may have become unnecessary; it does no harm meanwhile. What cannot be shown here: that
a second session on a key is refused, and how long an id stays taken, which only Alpaca knows.
"""

import json
import pickle
import subprocess
import sys
import threading
import warnings
from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError
from requests.exceptions import ConnectionError as BareConnectionError
from requests.exceptions import JSONDecodeError

from alpacakit.rawserver import RawServer, Talk
from alpacakit.rest import (
    KEY,
    NAME,
    ORDER_ID,
    SECRET,
    account,
    against,
    approved,
    asset,
    changed,
    coin,
    fault,
    order,
    over,
    routes,
    working,
)
from fillwright.clock import SystemClock
from fillwright.errors import NotSent, OrderInDoubt, OrderRejected
from fillwright.types import OrdStatus
from fillwright_alpaca.translate import TradingClient

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.common.exceptions import APIError
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest, ReplaceOrderRequest

CLOCK = SystemClock()


def bare(url: str) -> TradingClient:
    return TradingClient(KEY, SECRET, url_override=url)


def asked() -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol="AAPL",
        qty=3,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.DAY,
        limit_price=10.07,
        client_order_id=NAME,
    )


def saying(status: int, body: object, **headers: str):
    return lambda talk: talk.reply(status, body, **headers)


@pytest.mark.parametrize("status", [504, 429])
async def test_the_sdk_sends_an_order_four_times(status: int) -> None:
    """The first may have been taken behind the 504; without our id that makes four orders."""
    with RawServer(saying(status, fault(status * 100_000, "try again"))) as server:
        client = bare(server.url)
        client._retry_wait = 0
        with pytest.raises(APIError):
            client.submit_order(asked())
        assert len(server.orders()) == 4

        async with against(server.url, CLOCK) as adapter:
            with pytest.raises((OrderInDoubt, NotSent)):
                await adapter.executor.submit(approved())
        assert len(server.orders()) == 5


def test_the_sdk_waits_for_ever() -> None:
    """A thread that never comes back holds its order for ever; ours are in test_rest_wire."""
    arrived = threading.Event()

    def silence(talk: Talk) -> None:
        arrived.set()
        talk.silence()

    def ask() -> None:
        with pytest.raises(BareConnectionError):
            bare(server.url).get_account()

    with RawServer(silence) as server:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        assert arrived.wait(20)
        thread.join(1.5)
        assert thread.is_alive()
    thread.join(20)


async def test_the_sdk_takes_a_redirect_for_an_answer() -> None:
    """An order that went nowhere would be read from an empty answer."""
    with RawServer(saying(302, b"", Location="http://127.0.0.1:1/")) as server:
        with pytest.raises(TypeError):
            bare(server.url).submit_order(asked())
        async with against(server.url, CLOCK) as adapter:
            with pytest.raises(OrderInDoubt, match="302"):
                await adapter.executor.submit(approved())


async def test_the_sdk_raises_something_else_for_a_page_of_html() -> None:
    """Whoever catches its APIError does not catch this, and the order is lost."""
    with RawServer(saying(200, b"<html>", Content_Type="text/html")) as server:
        with pytest.raises(JSONDecodeError):
            bare(server.url).submit_order(asked())
        async with against(server.url, CLOCK) as adapter:
            with pytest.raises(OrderInDoubt):
                await adapter.executor.submit(approved())


async def test_the_sdks_error_raises_when_it_is_read() -> None:
    """A handler that asks for the code fails on an error without one, and on HTML."""
    with RawServer(saying(403, fault(None, "forbidden."))) as server:
        with pytest.raises(APIError) as raised:
            bare(server.url).submit_order(asked())
        with pytest.raises(KeyError):
            _ = raised.value.code
        async with against(server.url, CLOCK) as adapter:
            with pytest.raises(OrderRejected, match=r"forbidden\."):
                await adapter.executor.submit(approved())
    with RawServer(saying(502, b"<html>")) as server:
        with pytest.raises(APIError) as raised:
            bare(server.url).submit_order(asked())
        with pytest.raises(json.JSONDecodeError):
            _ = raised.value.code


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "quantum_superposed"},
        {"asset_class": "ipo"},
        {"submitted_at": None},
        {"client_order_id": None},
    ],
)
async def test_the_sdk_loses_an_order_that_was_taken(fields: dict) -> None:
    """It raises after Alpaca took the order, and its caller holds no handle."""
    with RawServer(saying(200, order(**fields))) as server:
        with pytest.raises(ValidationError):
            bare(server.url).submit_order(asked())
        async with against(server.url, CLOCK) as adapter:
            ack = await adapter.executor.submit(approved())

    assert ack.broker_order_id == ORDER_ID


async def test_the_sdk_sends_and_reads_binary_floats() -> None:
    """A price that passes a float is another price."""
    exact = (
        b'{"quotes": {"AAPL": {"t": "2026-11-23T15:04:05Z", "ap": 10.07, "as": 3, '
        b'"bp": 0.10000000000000000555, "bs": 1}}}'
    )
    with RawServer(saying(200, exact, Content_Type="application/json")) as server:
        with pytest.raises((ValidationError, TypeError)):
            bare(server.url).submit_order(asked())
        assert type(server.orders()[0].json["limit_price"]) is float
        assert type(bare(server.url).get("/x")["quotes"]["AAPL"]["bp"]) is float
        async with against(server.url, CLOCK) as adapter:
            quote = await adapter.quotes.quote("AAPL")
            with pytest.raises(OrderInDoubt):
                await adapter.executor.submit(approved())

        assert server.orders()[1].json["limit_price"] == "10.07"
    assert quote.bid == Decimal("0.10000000000000000555")


async def test_the_sdk_changes_whole_shares_only_and_asks_for_a_coin_as_two_folders() -> None:
    """`/assets/BTC/USD` is another path than `/assets/BTC%2FUSD`."""
    with pytest.raises(ValidationError):
        ReplaceOrderRequest(qty=1.5)
    with RawServer(saying(200, coin())) as server:
        client = TradingClient(KEY, SECRET, url_override=server.url, raw_data=True)
        client.get_asset("BTC/USD")
        async with against(server.url, CLOCK) as adapter:
            found = await adapter.executor.instrument("BTC/USD")

        assert [seen.target for seen in server.requests] == [
            "/v2/assets/BTC/USD",
            "/v2/assets/BTC%2FUSD",
        ]
    assert found.symbol == "BTC/USD"


async def test_the_sdk_asks_for_another_path_behind_a_slash() -> None:
    """`//v2/account` is not the account."""
    with RawServer(saying(200, account())) as server:
        TradingClient(KEY, SECRET, url_override=server.url + "/", raw_data=True).get_account()
        assert server.requests[-1].target == "//v2/account"


async def test_the_sdk_sends_the_keys_through_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the clear, where the proxy is plain; ours is in test_rest_wire."""
    with RawServer(saying(200, account())) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        TradingClient(KEY, SECRET, url_override="http://127.0.0.1:1", raw_data=True).get_account()

        assert proxy.requests[0].headers["apca-api-secret-key"] == SECRET


async def test_the_sdk_cannot_read_an_asset_since_a_field_was_retired() -> None:
    """From that day on no instrument has rules, and nothing trades."""
    with RawServer(saying(200, asset())) as server:
        with pytest.raises(ValidationError):
            bare(server.url).get_asset("AAPL")
        async with against(server.url, CLOCK) as adapter:
            assert (await adapter.executor.instrument("AAPL")).shortable


async def test_the_sdk_cannot_read_an_account_that_is_being_closed() -> None:
    """The one state in which nothing may be sent would look like an outage."""

    def answer(talk: Talk) -> None:
        closing = account(status="ACCOUNT_CLOSED_PENDING")
        talk.reply(200, [] if talk.seen.target == "/v2/positions" else closing)

    with RawServer(answer) as server:
        with pytest.raises(ValidationError):
            bare(server.url).get_account()
        async with against(server.url, CLOCK) as adapter:
            assert (await adapter.executor.account()).blocked


def test_the_sdks_calendar_has_no_time_zone() -> None:
    """Half past nine in New York that is read as UTC opens the market in the night."""
    days = [{"date": "2026-11-27", "open": "09:30", "close": "13:00"}]
    with RawServer(saying(200, days)) as server:
        assert bare(server.url).get_calendar()[0].open.tzinfo is None


async def test_ours_has() -> None:
    """The day after Thanksgiving closes at 18:00 UTC."""
    days = [{"date": "2026-11-27", "open": "09:30", "close": "13:00"}]
    adapter, _ = over(routes(**{"GET /v2/calendar": days}))

    (day,) = await adapter.calendar(date(2026, 11, 27), date(2026, 11, 27))

    assert day.opens.isoformat() == "2026-11-27T14:30:00+00:00"
    assert day.closes.isoformat() == "2026-11-27T18:00:00+00:00"


def test_the_sdk_keeps_the_secret_in_the_clear() -> None:
    """So no client of it may leave `translate.py`, be printed, or be pickled."""
    client = bare("http://127.0.0.1:1")

    assert SECRET in vars(client).values()
    assert SECRET.encode() in pickle.dumps(client)


def test_importing_the_sdk_warns_and_importing_the_adapter_does_not() -> None:
    """A program that turns warnings into errors could not start."""
    sdk = "import alpaca.trading.client"
    ours = "import fillwright_alpaca.adapter"

    def run(code: str) -> int:
        return subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
            capture_output=True,
            check=False,
            timeout=120,
        ).returncode

    assert run(sdk) != 0
    assert run(ours) == 0


async def test_a_cancel_of_an_id_that_is_no_uuid_still_goes_out() -> None:
    """The SDK refuses it before it asks; should Alpaca change its ids, cancels must go on."""
    with RawServer(saying(204, b"")) as server:
        with pytest.raises(ValueError, match="UUID"):
            bare(server.url).cancel_order_by_id("01JABC")
        async with against(server.url, CLOCK) as adapter:
            ack = await adapter.executor.cancel(working(order_id="01J/ABC"))

        assert [seen.target for seen in server.requests] == ["/v2/orders/01J%2FABC"]
    assert ack.status is OrdStatus.PENDING_CANCEL


async def test_a_change_keeps_its_fraction() -> None:
    """The SDK's model of a replace has whole numbers only."""
    with RawServer(saying(200, order(id="new", replaces=ORDER_ID))) as server:
        async with against(server.url, CLOCK) as adapter:
            await adapter.executor.replace(working(), changed(quantity="1.5"))

        assert server.requests[0].json["qty"] == "1.5"
