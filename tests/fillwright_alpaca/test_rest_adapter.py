"""The adapter as a plugin: what it costs to import, what it refuses to be built on, its seams."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr
from requests.exceptions import ConnectionError as Broken
from requests.exceptions import ConnectTimeout

from alpacakit.rest import (
    KEY,
    NAME,
    SECRET,
    account,
    activity,
    approved,
    order,
    over,
    request,
    routes,
    table,
    working,
)
from fillwright.clock import SystemClock
from fillwright.desk.wire import HeedsFence
from fillwright.errors import (
    ConfigError,
    Fenced,
    NotSent,
    OrderInDoubt,
)
from fillwright.plugins import Registry
from fillwright.protocols import Dedup, Lookup, SessionSource
from fillwright.testing import ManualClock
from fillwright.types import AssetClass, Mode, OrderClass, OrdType, TimeInForce
from fillwright_alpaca import provide_adapter, translate
from fillwright_alpaca.adapter import build
from fillwright_alpaca.calls import InlineCaller, Ticket, Void
from fillwright_alpaca.exchange import Exchange
from fillwright_alpaca.settings import read_settings
from fillwright_alpaca.wire import Api, Failure, Reply, Request

POST = "POST /v2/orders"
ACCOUNT = {"GET /v2/account": account(), "GET /v2/positions": []}
T = TimeInForce


# ---------------------------------------------------------------------- the plugin


def test_importing_the_plugin_is_cheap() -> None:
    """`fillwright plugins` and every desk on another broker would wait a second for the SDK."""
    code = (
        "import sys, time; import fillwright.hooks; start = time.perf_counter();"
        "import fillwright_alpaca; print(time.perf_counter() - start);"
        "print(*(m for m in ('alpaca', 'requests', 'websockets', 'pandas') if m in sys.modules))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    told = [run.stdout.split("\n") for run in runs]

    assert {loaded for _, loaded, *_ in told} == {""}
    assert min(float(took) for took, *_ in told) < 0.02


async def test_the_desk_finds_it_by_its_name() -> None:
    """Changing one line of desk.toml is the whole migration."""
    registry = Registry.load((), folder=Path(), broker="alpaca")
    registry.freeze()

    adapter = registry.adapter(request(SystemClock()))

    assert (adapter.executor.broker, adapter.executor.endpoint) == ("alpaca", Mode.PAPER)
    assert isinstance(adapter, SessionSource)
    await adapter.close()


async def test_live_keys_and_host_make_a_live_endpoint() -> None:
    """The guard compares the endpoint before each send; built here, nothing is connected."""
    adapter = provide_adapter(request(SystemClock(), mode=Mode.LIVE))

    assert adapter.executor.endpoint is Mode.LIVE
    await adapter.close()


def test_building_connects_to_nobody_and_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that checks its configuration must not talk to the broker."""
    monkeypatch.setattr("socket.getaddrinfo", None)
    before = threading.active_count()

    build(request(SystemClock()))

    assert threading.active_count() == before


def test_a_table_without_keys_is_told_before_the_sdk_is_asked() -> None:
    """The SDK's own error shows neither the setting nor the file."""
    asked = request(SystemClock(), key_id=SecretStr(""))

    with pytest.raises(ConfigError, match=r"\[alpaca\] key_id: is empty"):
        provide_adapter(asked)


@pytest.mark.parametrize("name", ["_retry", "_session", "_retry_codes"])
def test_an_sdk_that_changed_inside_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its retries cannot be turned off, it sends orders four times."""
    real = translate.TradingClient.__init__

    def changed(self: object, *given: object, **named: object) -> None:
        real(self, *given, **named)
        delattr(self, name)

    monkeypatch.setattr(translate.TradingClient, "__init__", changed)

    with pytest.raises(ConfigError, match=rf"alpaca-py: version \S+ has no {name},"):
        build(request(SystemClock()))


def test_the_sdks_own_retries_are_off() -> None:
    """Off twice over: it never sees a status that it would retry, and its count is zero."""
    access = read_settings("alpaca", table(), Path(), Mode.PAPER)
    client = translate.SdkClient(access)

    assert client._trading._retry == 0
    assert {a.max_retries.total for a in client._trading._session.adapters.values()} == {0}
    assert client._trading._session.trust_env is False
    client.close()


@pytest.mark.parametrize(("asks", "error"), [(False, NotSent), (True, OrderInDoubt)])
async def test_an_sdk_that_keeps_the_response_to_itself_is_no_proof(
    monkeypatch: pytest.MonkeyPatch, error: type, *, asks: bool
) -> None:
    """What came back is unknown; only that nothing left would be a proof."""
    real = translate.TradingClient._one_request

    def keeps(*given: object) -> dict:
        if asks:
            real(*given)
        return {"id": "x"}

    monkeypatch.setattr(translate.TradingClient, "_one_request", keeps)
    adapter, _ = over(routes(**{POST: order()}))

    with pytest.raises(error):
        await adapter.executor.submit(approved())


# ---------------------------------------------------------------------- capabilities


def test_what_alpaca_takes_is_declared_by_asset_class() -> None:
    """What is declared and not taken is rejected, order by order; the other way it is missed."""
    adapter, _ = over(routes())
    takes = adapter.executor.capabilities
    stocks, coins = takes.routes[AssetClass.US_EQUITY], takes.routes[AssetClass.CRYPTO]

    assert set(takes.routes) == {AssetClass.US_EQUITY, AssetClass.CRYPTO}
    assert set(stocks.whole) == set(OrderClass)
    simple = stocks.whole[OrderClass.SIMPLE]
    assert simple[OrdType.LIMIT] == {T.DAY, T.GTC, T.IOC, T.FOK, T.OPG, T.CLS}
    assert simple[OrdType.TRAILING_STOP] == {T.DAY, T.GTC}
    assert set(stocks.whole[OrderClass.OCO]) == {OrdType.LIMIT}
    assert OrdType.TRAILING_STOP not in stocks.fractional
    assert set().union(*stocks.fractional.values()) == {T.DAY}
    assert dict(stocks.notional) == {OrdType.MARKET: {T.DAY}}
    assert dict(stocks.extended_hours) == {OrdType.LIMIT: {T.DAY}}
    assert (stocks.replace, stocks.replace_fractional) == (True, False)
    assert set(coins.whole) == {OrderClass.SIMPLE}
    assert OrdType.STOP not in coins.whole[OrderClass.SIMPLE]
    assert T.DAY not in set().union(*coins.whole[OrderClass.SIMPLE].values())
    assert not coins.replace
    assert T.GTD not in {
        one for table in stocks.whole.values() for tifs in table.values() for one in tifs
    }
    assert (takes.dedup, takes.lookup) == (Dedup.SERVER, Lookup.BY_CLIENT_ID)
    assert takes.requests_per_minute == 200


def test_the_fence_stands_behind_our_patience_and_a_proxys() -> None:
    """A request that is still held back somewhere would arrive after its order was sent again."""
    usual, _ = over(routes())
    short, _ = over(routes(), total_timeout_seconds=1.0, proxy_timeout_seconds=2.0)

    assert usual.executor.capabilities.t_inflight == 75
    assert short.executor.capabilities.t_inflight == 8


# ---------------------------------------------------------------------- seams


async def test_the_whole_adapter_runs_inline_over_memory() -> None:
    """A simulation needs the real SDK on its own loop, without a thread or a socket."""
    before = threading.active_count()
    said = ACCOUNT | {
        POST: order(),
        "GET /v2/orders": [order()],
        "GET /v2/orders:by_client_order_id": order(),
        f"DELETE /v2/orders/{order()['id']}": (204, b""),
        "GET /v2/account/activities/FILL": [activity()],
    }
    adapter, alpaca = over(routes(**said))

    await adapter.executor.submit(approved())
    await adapter.executor.cancel(working())
    assert (await adapter.executor.find(NAME)).client_order_id == NAME
    assert len(await adapter.executor.open_orders()) == 1
    assert (await adapter.executor.account()).equity
    (fill,) = (await adapter.executor.executions(None)).items
    await adapter.close()

    assert fill.client_order_id == NAME
    assert threading.active_count() == before
    assert all(asked.headers["APCA-API-KEY-ID"] == KEY for asked in alpaca.asked)
    assert all(asked.headers["APCA-API-SECRET-KEY"] == SECRET for asked in alpaca.asked)


async def test_a_lent_transport_says_what_did_not_leave() -> None:
    """A simulated refusal to connect must be as good a proof as a real one."""

    def fail(error: Exception):
        def answer(_: object) -> tuple:
            raise error

        return answer

    for error, expected in (
        (ConnectTimeout("no route"), NotSent),
        (Broken("reset"), OrderInDoubt),
        (RuntimeError("anything"), OrderInDoubt),
    ):
        adapter, alpaca = over(fail(error))
        with pytest.raises(expected):
            await adapter.executor.submit(approved())
        assert len(alpaca.asked) == 1


async def test_a_deadline_that_passes_under_way_is_no_proof() -> None:
    """A lent transport may take its time: what had left by the deadline may have been taken."""
    order = approved()

    def late(_: object) -> tuple:
        clock = adapter._exchange.clock
        clock.advance((order.deadline - clock.now()).total_seconds() + 1)
        raise Broken("reset")

    adapter, alpaca = over(late)
    adapter._exchange.clock.advance(
        (order.approved_at - adapter._exchange.clock.now()).total_seconds()
    )
    with pytest.raises(OrderInDoubt):
        await adapter.executor.submit(order)
    assert len(alpaca.asked) == 1


async def test_the_fence_is_looked_at_as_the_bytes_leave() -> None:
    """The journal is taken over while a submit waits for its connection, and it leaves."""
    adapter, alpaca = over(routes(**ACCOUNT))
    assert isinstance(adapter, HeedsFence)

    def taken_over() -> None:
        raise Fenced("desk.db", 1, 2)

    adapter.heed_fence(taken_over)
    with pytest.raises(NotSent, match="took the journal over"):
        await adapter.executor.submit(approved())
    with pytest.raises(NotSent, match="took the journal over"):
        await adapter.executor.cancel(working())
    assert {seen.method for seen in alpaca.asked} <= {"GET"}
    # Looking harms nobody, and says what became of what was sent.
    assert (await adapter.executor.account()).account_id == "PA3CANARY001"


def test_a_ticket_that_was_taken_back_lets_nothing_leave() -> None:
    """The proof of "not sent" is that it cannot happen any more, not that it has not yet."""
    ticket, cuts = Ticket(), []

    assert ticket.take_back() is False
    with pytest.raises(Void):
        ticket.depart(lambda: cuts.append(1))
    assert (ticket.left, cuts) == (False, [])


def test_a_ticket_whose_time_is_up_lets_nothing_leave() -> None:
    """A process that was paused on its way to the wire would send what was settled meanwhile."""
    ticket, late = Ticket(), []
    ticket.leave_before(lambda: bool(late), "its time was up")
    late.append(True)

    with pytest.raises(Void, match="its time was up"):
        ticket.depart()
    late.clear()
    with pytest.raises(Void, match="given up"):
        ticket.depart()
    assert ticket.left is False


def test_a_request_whose_time_is_up_halfway_is_not_completed() -> None:
    """The broker takes it with its last byte, which would come minutes late; and it is in doubt."""
    ticket, late = Ticket(), []
    ticket.leave_before(lambda: bool(late), "its time was up")
    ticket.depart()
    late.append(True)

    with pytest.raises(Void, match="its time was up"):
        ticket.depart()

    assert ticket.left is True


def test_a_ticket_that_left_is_cut_and_told() -> None:
    """A thread that nobody waits for would wait for the server."""
    ticket, cuts = Ticket(), []
    ticket.depart(lambda: cuts.append(1))

    assert ticket.take_back() is True
    assert cuts == [1]


class Odd:
    """A client whose calls fail as no client should."""

    def request(self, ticket: Ticket, request: Request) -> Reply | Failure:
        return Failure(sent=True, reason=f"{request} {request.api.version}")

    def close(self) -> None:
        pass


async def test_another_client_can_stand_in_for_the_sdk() -> None:
    """The executor knows requests and outcomes, and nothing of who carries them."""
    exchange = Exchange(InlineCaller(Odd), ManualClock(), request(ManualClock()).rate)

    outcome = await exchange.send("query", Request("GET", "/x", api=Api.CRYPTO_DATA))

    assert str(outcome) == "GET /x v1beta3"
