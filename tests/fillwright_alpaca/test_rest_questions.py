"""Account, instruments, quotes and days: complete, or not given."""

from datetime import date

import pytest

from alpacakit.rest import (
    D,
    account,
    asset,
    clock_said,
    coin,
    fault,
    over,
    position,
    routes,
)
from fillwright.errors import BrokerUnavailable, UnknownSymbol
from fillwright.protocols import SessionSource
from fillwright.types import AssetClass

# ---------------------------------------------------------------------- account


async def held(*positions: dict, **fields):
    adapter, _ = over(
        routes(
            **{
                "GET /v2/account": account(**fields),
                "GET /v2/positions": list(positions),
                f"GET /v2/assets/{coin()['id']}": coin(),
            }
        )
    )
    return await adapter.executor.account()


async def test_the_account_is_exact() -> None:
    """Cents that get lost add up to a position break."""
    found = await held(position(), position(symbol="MSFT", side="short", qty="-2"))

    assert (found.account_id, found.currency) == ("PA3CANARY001", "USD")
    assert (found.cash, found.equity) == (D("100000.01"), D("103820.56"))
    assert found.buying_power == D("262113.632")
    assert not found.blocked
    assert found.positions["AAPL"].quantity == 5
    assert found.positions["AAPL"].available == 4
    assert found.positions["AAPL"].market_price == 120
    assert found.positions["MSFT"].quantity == -2


@pytest.mark.parametrize("quantity", ["2", "-2"])
async def test_a_short_position_is_negative_however_it_is_written(quantity: str) -> None:
    """A short that is read as long is bought once more instead of being closed."""
    found = await held(position(side="short", qty=quantity, qty_available=quantity))

    assert found.positions["AAPL"].quantity == -2
    assert found.positions["AAPL"].available == -2


@pytest.mark.parametrize("fields", [{"side": None}, {"side": "flat"}, {"qty": "-5"}])
async def test_a_position_without_a_clear_side_is_unavailable(fields: dict) -> None:
    """As above."""
    with pytest.raises(BrokerUnavailable):
        await held(position(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"account_blocked": True},
        {"trading_blocked": True},
        {"trade_suspended_by_user": True},
        {"status": "ACCOUNT_CLOSED_PENDING"},
        {"status": "ONBOARDING"},
    ],
)
async def test_every_block_counts(fields: dict) -> None:
    """Order after order would be rejected, and buys would wait for sells that never come."""
    assert (await held(**fields)).blocked


async def test_an_account_without_its_positions_is_no_answer() -> None:
    """No positions, read as none, would be a break in every symbol."""
    for broken in ("account", "positions"):
        said = {"GET /v2/account": account(), "GET /v2/positions": []}
        said[f"GET /v2/{broken}"] = (503, b"")
        adapter, _ = over(routes(**said))

        with pytest.raises(BrokerUnavailable):
            await adapter.executor.account()


async def test_a_position_that_is_listed_twice_is_no_answer() -> None:
    """One of the two would be lost."""
    with pytest.raises(BrokerUnavailable, match="AAPL is listed twice"):
        await held(position(), position(qty="7"))


async def test_a_coin_is_spelt_as_in_its_orders() -> None:
    """A position in BTCUSD beside fills in BTC/USD is a break on both."""
    bitcoin = position(asset_id=coin()["id"], symbol="BTCUSD", asset_class="crypto", qty="0.0015")

    found = await held(bitcoin)

    assert found.positions["BTC/USD"].quantity == D("0.0015")
    assert found.positions["BTC/USD"].symbol == "BTC/USD"


# ---------------------------------------------------------------------- instruments


async def rules(said: object, symbol: str = "AAPL"):
    adapter, _ = over(lambda _: said if isinstance(said, tuple) else (200, said))
    return await adapter.executor.instrument(symbol)


async def test_a_stock_has_its_rules() -> None:
    """An order off the tick is rejected, each time anew."""
    found = await rules(asset())

    assert (found.asset_class, found.tradable, found.fractionable) == (
        AssetClass.US_EQUITY,
        True,
        True,
    )
    assert (found.tick, found.sub_dollar_tick) == (D("0.01"), D("0.0001"))
    assert (found.lot, found.fraction, found.min_notional) == (1, D("0.000000001"), 1)


@pytest.mark.parametrize(
    ("fields", "shortable"),
    [
        ({}, True),
        ({"shortable": False}, False),
        ({"borrow_status": "hard_to_borrow"}, False),
        ({"borrow_status": "hard_to_borrow", "easy_to_borrow": True}, False),
        ({"borrow_status": "a new word"}, False),
        ({"borrow_status": None, "easy_to_borrow": True}, True),
        ({"borrow_status": None, "easy_to_borrow": False}, False),
        ({"borrow_status": None}, False),
    ],
)
async def test_short_selling_needs_a_borrow(fields: dict, *, shortable: bool) -> None:
    """A retired field must neither open short selling nor take every instrument's rules away."""
    assert (await rules(asset(**fields))).shortable is shortable


@pytest.mark.parametrize(
    "fields",
    [{"tradable": False}, {"status": "inactive"}, {"class": "us_option"}, {"class": "ipo"}],
)
async def test_what_cannot_be_traded_here_is_not_tradable(fields: dict) -> None:
    """Routes for stocks say nothing about an option."""
    assert not (await rules(asset(**fields))).tradable


async def test_a_coin_has_its_increments() -> None:
    """A coin is bought in ten-thousandths, at half dollars."""
    found = await rules(coin(), "BTC/USD")

    assert found.asset_class is AssetClass.CRYPTO
    assert (found.tick, found.sub_dollar_tick) == (D("0.5"), D("0.5"))
    assert (found.lot, found.fraction, found.step) == (D("0.0001"),) * 3
    assert not found.shortable


@pytest.mark.parametrize(
    "fields", [{"price_increment": None}, {"min_trade_increment": "0"}, {"price_increment": "-1"}]
)
async def test_a_coin_without_increments_has_no_rules(fields: dict) -> None:
    """Rounding to a step of zero divides by it."""
    with pytest.raises(BrokerUnavailable):
        await rules(coin(**fields), "BTC/USD")


async def test_an_unknown_symbol_needs_alpacas_word() -> None:
    """A symbol that is called unknown is never asked for again."""
    with pytest.raises(UnknownSymbol):
        await rules((404, fault(40410000, "asset not found for NOPE")), "NOPE")
    with pytest.raises(BrokerUnavailable):
        await rules((404, b"<html>"), "NOPE")


async def test_another_spelling_is_another_symbol() -> None:
    """An order for BTCUSD comes back as BTC/USD, and nobody finds it in the books."""
    with pytest.raises(UnknownSymbol):
        await rules(coin(), "BTCUSD")


# ---------------------------------------------------------------------- quotes and days


def quoted(symbol: str = "AAPL", **fields) -> dict:
    said = {"t": "2026-11-23T15:04:05.123456789Z", "ap": 150.11, "as": 2, "bp": 150.1, "bs": 3}
    return {"quotes": {symbol: said | fields}}


async def quote(said: object, symbol: str = "AAPL", **settings):
    adapter, alpaca = over(lambda _: said if isinstance(said, tuple) else (200, said), **settings)
    return await adapter.quotes.quote(symbol), alpaca.asked[0]


async def test_a_stocks_quote_is_exact_and_of_the_configured_feed() -> None:
    """Decimals of a quote size a position."""
    found, asked = await quote(quoted(), feed="sip")

    assert (found.bid, found.ask) == (D("150.1"), D("150.11"))
    assert (found.bid_size, found.ask_size) == (3, 2)
    assert found.at.isoformat() == "2026-11-23T15:04:05.123456+00:00"
    assert (asked.path, asked.query) == (
        "/v2/stocks/quotes/latest",
        {"symbols": "AAPL", "feed": "sip"},
    )


async def test_a_coins_quote_comes_from_the_coins_market() -> None:
    """The stocks' market knows no slash."""
    found, asked = await quote(quoted("BTC/USD", ap=65000.5), "BTC/USD")

    assert found.ask == D("65000.5")
    assert (asked.path, asked.query) == (
        "/v1beta3/crypto/us/latest/quotes",
        {"symbols": "BTC/USD"},
    )


@pytest.mark.parametrize("fields", [{"bp": 0}, {"bs": 0}, {"bp": None}, {"bp": 0, "bs": 0}])
async def test_a_side_without_a_price_or_a_size_is_nobody(fields: dict) -> None:
    """A bid of zero makes a market order look like a gift."""
    found, _ = await quote(quoted(**fields))

    assert (found.bid, found.bid_size, found.ask) == (None, 0, D("150.11"))


@pytest.mark.parametrize(
    "said",
    [
        {"quotes": {}},
        {"quotes": None},
        {},
        quoted("MSFT"),
        quoted(t=None),
        quoted(bp="x"),
        quoted(bp=[]),
        (400, fault(None, "invalid symbol")),
        (404, fault(40410000, "not found")),
        (429, fault(None, "too many requests.")),
    ],
)
async def test_a_quote_that_cannot_be_read_is_none(said: object) -> None:
    """A guessed price sizes a real order."""
    with pytest.raises(BrokerUnavailable):
        await quote(said)


async def test_the_adapter_tells_the_brokers_time() -> None:
    """Our own clock may be wrong, and the market's hours are Alpaca's to say."""
    adapter, _ = over(routes(**{"GET /v2/clock": clock_said()}))

    found = await adapter.session()

    assert isinstance(adapter, SessionSource)
    assert found.is_open
    assert found.at.isoformat() == "2026-11-23T15:04:05.123456+00:00"
    assert found.next_open.isoformat() == "2026-11-24T14:30:00+00:00"


async def test_the_calendar_keeps_to_what_was_asked() -> None:
    """A day too many is a day on which an order is held back."""
    days = [
        {"date": f"2026-11-{day}", "open": "09:30", "close": "16:00", "session_open": "0400"}
        for day in (20, 23, 24, 25)
    ]
    adapter, alpaca = over(routes(**{"GET /v2/calendar": days}))

    found = await adapter.calendar(date(2026, 11, 21), date(2026, 11, 24))

    assert [one.day.day for one in found] == [23, 24]
    assert found[0].opens.isoformat() == "2026-11-23T14:30:00+00:00"
    assert alpaca.asked[0].query == {"start": "2026-11-21", "end": "2026-11-24"}
