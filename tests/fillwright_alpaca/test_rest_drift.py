"""Alpaca changes its answers: every field in turn missing, new, null, and of another type."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from alpacakit.rest import (
    NAME,
    ORDER_ID,
    account,
    activity,
    approved,
    asset,
    changed,
    clock_said,
    coin,
    order,
    over,
    position,
    routes,
    working,
)
from fillwright.errors import BrokerUnavailable, OrderInDoubt
from fillwright_alpaca.adapter import AlpacaAdapter

#: What a field may turn into.
RETYPED: tuple[object, ...] = (None, "", "odd", "-7", 7, -7.5, True, [], ["x"], {}, {"x": 1})


def drifted(said: dict) -> Iterator[tuple[str, dict]]:
    """Each variant of an answer with the field that is not as it was."""
    yield "", said | {"brand_new": {"nested": ["things"]}}
    for field in said:
        yield field, {name: value for name, value in said.items() if name != field}
        for value in RETYPED:
            yield field, said | {field: value}


async def survives(
    base: dict, ask: Callable[[dict], Awaitable[object]], error: type[Exception]
) -> dict[str, set[str]]:
    """What came of each field's variants: only `read` and `error` may."""
    found: dict[str, set[str]] = {}
    for field, said in drifted(base):
        try:
            await ask(said)
        except error:
            found.setdefault(field, set()).add("unread")
        else:
            found.setdefault(field, set()).add("read")
    return found


def lost(found: dict[str, set[str]]) -> set[str]:
    """The fields whose every loss is told; a part of their variants may still be readable."""
    return {field for field, outcomes in found.items() if "unread" in outcomes}


def answering(**said: object) -> AlpacaAdapter:
    return over(routes(**said))[0]


async def test_an_order_that_was_taken_is_acknowledged_or_in_doubt() -> None:
    """Any other error, or an ack of something else, and the order is lost or sent again."""

    async def submit(said: dict) -> None:
        ack = await answering(**{"POST /v2/orders": said}).executor.submit(approved())
        assert ack.broker_order_id == said["id"]

    found = await survives(order(), submit, OrderInDoubt)

    assert lost(found) == {"id", "client_order_id"}


async def test_an_open_order_is_listed_or_the_list_is_unavailable() -> None:
    """An order that drops out of the list is asked for as vanished."""

    async def list_them(said: dict) -> None:
        adapter = answering(**{"GET /v2/orders": [order(id="other"), said]})
        found = await adapter.executor.open_orders()
        assert {"other", said["id"]} == {one.broker_order_id for one in found}
        mine = next(one for one in found if one.broker_order_id == said["id"])
        assert (mine.symbol, mine.side) == (said["symbol"], "BUY")

    found = await survives(order(), list_them, BrokerUnavailable)

    assert lost(found) == {
        *("id", "client_order_id", "symbol", "side", "status"),
        *("qty", "notional", "filled_qty", "legs"),
    }


async def test_an_order_is_found_or_the_answer_is_unavailable() -> None:
    """None would say that the broker never had it."""

    async def find(said: dict) -> None:
        adapter = answering(**{"GET /v2/orders:by_client_order_id": said})
        assert (await adapter.executor.find(NAME)) is not None

    await survives(order(), find, BrokerUnavailable)


async def test_the_account_is_read_or_unavailable() -> None:
    """A missing balance that is read as zero, or a block that is not read at all."""

    async def ask(said: dict) -> None:
        adapter = answering(**{"GET /v2/account": said, "GET /v2/positions": []})
        found = await adapter.executor.account()
        assert (found.account_id, found.cash) == ("PA3CANARY001", found.cash)

    found = await survives(account(), _named(ask), BrokerUnavailable)

    assert lost(found) >= {"account_number", "status", "cash", "equity", "buying_power"}
    assert lost(found) <= {
        "account_number", "status", "cash", "equity", "buying_power", "currency",
        "account_blocked", "trading_blocked", "trade_suspended_by_user",
    }  # fmt: skip


def _named(ask: Callable[[dict], Awaitable[object]]) -> Callable[[dict], Awaitable[object]]:
    async def asked(said: dict) -> None:
        number = said.get("account_number")
        if isinstance(number, str) and number not in ("", "PA3CANARY001"):
            return  # a readable number of another account: the guard's matter, not the reader's
        await ask(said)

    return asked


async def test_a_position_is_read_or_all_are_unavailable() -> None:
    """One position less is a break, and a sell that is refused as a short."""

    async def ask(said: dict) -> None:
        adapter = answering(
            **{
                "GET /v2/account": account(),
                "GET /v2/positions": [position(symbol="MSFT"), said],
                "GET /v2/assets/AAPL": asset(),
            }
        )
        found = await adapter.executor.account()
        assert len(found.positions) == 2

    found = await survives(position(), ask, BrokerUnavailable)

    assert lost(found) == {"symbol", "qty", "side"}


@pytest.mark.parametrize("said", [asset(), coin()], ids=["stock", "coin"])
async def test_an_instrument_is_read_or_unavailable(said: dict) -> None:
    """A field of which nobody trades by must not stop all trading; one that says how must."""
    symbol = said["symbol"]

    async def ask(answer: dict) -> None:
        spelt = answer.get("symbol")
        if isinstance(spelt, str) and spelt not in ("", symbol):
            return  # another spelling: an unknown symbol
        path = f"GET /v2/assets/{symbol.replace('/', '%2F')}"
        await answering(**{path: answer}).executor.instrument(symbol)

    found = await survives(said, ask, BrokerUnavailable)

    assert lost(found) >= {"symbol", "class", "tradable"}
    assert lost(found) <= {
        "symbol", "class", "tradable", "status", "fractionable", "shortable", "borrow_status",
        "price_increment", "min_trade_increment",
    }  # fmt: skip


async def test_fills_are_read_or_unavailable() -> None:
    """A fill that is left out moves the bookmark past it."""

    async def ask(said: dict) -> None:
        adapter = answering(**{"GET /v2/account/activities/FILL": [said]})
        assert len((await adapter.executor.executions(None)).items) == 1

    found = await survives(activity(), ask, BrokerUnavailable)

    assert lost(found) == {
        "id", "transaction_time", "type", "price", "qty", "side", "symbol", "order_id", "cum_qty",
    }  # fmt: skip


async def test_the_clock_is_read_or_unavailable() -> None:
    """A market that is open by default trades into the night."""

    async def ask(said: dict) -> None:
        await answering(**{"GET /v2/clock": said}).session()

    found = await survives(clock_said(), ask, BrokerUnavailable)

    assert lost(found) == {"timestamp", "is_open", "next_open", "next_close"}


async def test_a_change_that_was_taken_is_acknowledged_or_in_doubt() -> None:
    """As for a submit."""

    async def replace(said: dict) -> None:
        adapter = answering(**{f"PATCH /v2/orders/{ORDER_ID}": said})
        ack = await adapter.executor.replace(working(), changed(quantity="5"))
        assert ack.broker_order_id == said["id"]

    found = await survives(order(id="new", replaces=ORDER_ID), replace, OrderInDoubt)

    assert lost(found) == {"id"}
