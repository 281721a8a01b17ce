"""The whole adapter against the paper server: what it says is what the broker's books hold."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from alpacakit.rest import D, approved, changed, working
from fillwright.clock import SystemClock, SystemRng
from fillwright.errors import (
    BrokerUnavailable,
    DuplicateClientOrderId,
    NotSent,
    OrderInDoubt,
    OrderRejected,
    UnknownSymbol,
)
from fillwright.hooks import AdapterRequest
from fillwright.reports import BrokerOrder
from fillwright.testing.paper_server import Fault, Kind, On, PaperServer, PaperServerSettings
from fillwright.types import AssetClass, Mode, OrdStatus, Side
from fillwright_alpaca.adapter import AlpacaAdapter, build

MARKET = {"type": "MARKET", "limit_price": None}


class Site:
    """A paper server and an adapter on its first account."""

    def __init__(self, server: PaperServer, adapter: AlpacaAdapter) -> None:
        self.server = server
        self.adapter = adapter
        self.executor = adapter.executor

    def fault(self, on: On, kind: Kind, **fields: object) -> None:
        self.server.faults.add(Fault(on=on, fault=kind, **fields))

    async def until(self, name: str, true: Callable[[BrokerOrder], bool]) -> BrokerOrder:
        """The order once `true` holds of it."""
        while True:
            found = await self.executor.find(name)
            assert found is not None
            if true(found):
                return found
            await asyncio.sleep(0.02)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    settings = PaperServerSettings(step=0.02, requests_per_minute=10_000, signed_short_qty=False)
    async with PaperServer(settings) as server:
        keys = server.account
        table = {
            "key_id": SecretStr(keys.key),
            "secret_key": SecretStr(keys.secret),
            "url": server.url,
            "read_timeout_seconds": 0.5,
        }
        adapter = build(
            AdapterRequest("alpaca", Mode.PAPER, table, Path(), SystemClock(), SystemRng())
        )
        try:
            yield Site(server, adapter)
        finally:
            await adapter.close()


async def test_a_day_at_the_broker(site: Site) -> None:
    """Each answer alone may be right, and the whole still not fit together."""
    executor = site.executor
    before = await executor.account()
    start = await executor.executions(None)
    await executor.submit(approved("fw-buy", **MARKET))
    await executor.submit(approved("fw-short", symbol="NVDA", side="SELL", quantity="5", **MARKET))
    coin = {"symbol": "BTC/USD", "quantity": "0.5", "time_in_force": "GTC"}
    await executor.submit(approved("fw-coin", **coin, **MARKET))
    for name in ("fw-buy", "fw-short", "fw-coin"):
        await site.until(name, lambda one: one.status is OrdStatus.FILLED)

    page = await executor.executions(start.cursor)
    account = await executor.account()

    sums: dict[str, D] = {}
    for fill in page.items:
        sums[fill.symbol] = sums.get(fill.symbol, D(0)) + fill.execution.quantity * fill.side.sign
    assert sums == {"AAPL": D(3), "NVDA": D(-5), "BTC/USD": D("0.5")}
    assert {s: p.quantity for s, p in account.positions.items()} == sums
    paid = sum(f.execution.quantity * f.execution.price * f.side.sign for f in page.items)
    assert abs(before.cash - paid - account.cash) < D("0.01")
    assert {fill.client_order_id for fill in page.items} == {"fw-buy", "fw-short", "fw-coin"}
    assert (await executor.executions(page.cursor)).items == []


async def test_a_bracket_is_one_family(site: Site) -> None:
    """Legs that are strangers are exposure that nobody's plan knows."""
    quote = await site.adapter.quotes.quote("MSFT")
    bid = quote.bid.quantize(D(1))
    asked = approved(
        "fw-bracket",
        symbol="MSFT",
        limit_price=str(bid - 20),
        order_class="BRACKET",
        take_profit={"limit_price": str(bid + 50)},
        stop_loss={"stop_price": str(bid - 50)},
    )
    await site.executor.submit(asked)

    found = await site.executor.open_orders()

    entry = next(one for one in found if one.client_order_id == "fw-bracket")
    legs = [one for one in found if one is not entry]
    assert (entry.parent, [leg.parent for leg in legs]) == (None, ["fw-bracket"] * 2)
    assert {leg.side for leg in legs} == {Side.SELL}
    again = await site.executor.find(legs[0].client_order_id)
    assert again.parent == "fw-bracket"
    outcomes = await site.adapter.cancel_all()
    assert outcomes
    assert all(one.taken for one in outcomes)


async def test_a_replace_is_a_new_order_in_the_old_ones_place(site: Site) -> None:
    """Both of them together would be twice the quantity."""
    ack = await site.executor.submit(approved("fw-old", limit_price="1.00"))
    await site.until("fw-old", lambda one: one.status is OrdStatus.NEW)

    new = await site.executor.replace(
        working("fw-old", ack.broker_order_id), changed("fw-old-r1", limit_price="1.50")
    )
    old = await site.until("fw-old", lambda one: one.status is OrdStatus.REPLACED)
    found = await site.until("fw-old-r1", lambda one: one.status is OrdStatus.NEW)

    assert old.replaced_by == new.broker_order_id == found.broker_order_id
    assert found.replaces == ack.broker_order_id
    assert found.limit_price == D("1.5")
    assert len(await site.executor.open_orders()) == 1
    await site.executor.cancel(working("fw-old-r1", None))
    await site.until("fw-old-r1", lambda one: one.status is OrdStatus.CANCELED)


async def test_the_rules_of_the_house(site: Site) -> None:
    """What the broker refuses must come back as its refusal, with its words."""
    executor = site.executor
    await executor.submit(approved("fw-1", limit_price="1.00"))
    with pytest.raises(DuplicateClientOrderId):
        await executor.submit(approved("fw-1", limit_price="1.00"))
    with pytest.raises(OrderRejected, match="buying power"):
        await executor.submit(approved("fw-2", quantity="1000000", **MARKET))
    with pytest.raises(OrderRejected):
        await executor.submit(approved("fw-3", symbol="NOPE"))
    with pytest.raises(OrderRejected):
        await executor.cancel(working("fw-4", None))
    with pytest.raises(UnknownSymbol):
        await executor.instrument("NOPE")
    assert await executor.find("fw-2") is None

    assert (await executor.instrument("BTC/USD")).asset_class is AssetClass.CRYPTO
    assert (await site.adapter.session()).is_open
    assert len(await site.adapter.calendar(date(2026, 11, 23), date(2026, 11, 24))) == 2


@pytest.mark.parametrize(
    ("kind", "error", "there"),
    [
        (Kind.ACCEPT_THEN_504, OrderInDoubt, True),
        (Kind.ACCEPT_THEN_RESET, OrderInDoubt, True),
        (Kind.ACCEPT_THEN_HANG, OrderInDoubt, True),
        (Kind.DROP_RESET, OrderInDoubt, False),
        (Kind.DROP_HANG, OrderInDoubt, False),
        (Kind.BAD_GATEWAY, OrderInDoubt, False),
        (Kind.UNAVAILABLE, OrderInDoubt, False),
        (Kind.SERVER_ERROR, OrderInDoubt, False),
        (Kind.REDIRECT, OrderInDoubt, False),
        (Kind.TRUNCATED, OrderInDoubt, True),
        (Kind.CUT_OFF, OrderInDoubt, True),
        (Kind.GARBAGE, OrderInDoubt, True),
        (Kind.RATE_LIMITED, NotSent, False),
        (Kind.REJECT, OrderRejected, False),
        (Kind.UNAUTHORIZED, OrderRejected, False),
        (Kind.UNKNOWN_STATUS, None, True),
    ],
)
async def test_each_fault_is_one_request_and_the_truth(
    site: Site, kind: Kind, error: type | None, *, there: bool
) -> None:
    """In doubt must be possible either way; rejected and not sent must be so."""
    site.fault(On.SUBMIT, kind)
    asked = approved("fw-1", limit_price="1.00")

    if error is None:
        await site.executor.submit(asked)
    else:
        with pytest.raises(error) as raised:
            await site.executor.submit(asked)
        assert type(raised.value) is error

    site.server.faults.clear()
    assert (await site.executor.find("fw-1") is not None) is there
    assert len(site.server.requests.of(On.SUBMIT)) == 1


@pytest.mark.parametrize(
    "kind", [Kind.BAD_GATEWAY, Kind.DROP_RESET, Kind.TRUNCATED, Kind.RATE_LIMITED, Kind.REDIRECT]
)
async def test_no_question_is_answered_by_a_fault(site: Site, kind: Kind) -> None:
    """An empty list of orders that is none closes every order in the ledger."""
    await site.executor.submit(approved("fw-1", limit_price="1.00"))
    site.fault(On.REQUEST, kind)

    for ask in (
        site.executor.open_orders,
        site.executor.account,
        lambda: site.executor.executions(None),
        lambda: site.executor.find("fw-1"),
        lambda: site.executor.instrument("AAPL"),
        lambda: site.adapter.quotes.quote("AAPL"),
        site.adapter.session,
    ):
        with pytest.raises(BrokerUnavailable):
            await ask()
