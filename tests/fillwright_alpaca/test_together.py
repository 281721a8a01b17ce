"""Quotes of many symbols in one request: who asks while one is under way shares the next."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from alpacakit.rest import Asked, fault, over
from fillwright.errors import BrokerUnavailable
from fillwright.resilience import Limiter
from fillwright.testing import ManualClock
from fillwright_alpaca.capabilities import SYMBOLS_IN_ONE
from fillwright_alpaca.together import Together
from fillwright_alpaca.wire import Failure, Outcome, Reply

D = Decimal
AT = "2026-11-23T15:04:05Z"


def named(asked: Asked) -> list[str]:
    return asked.query["symbols"].split(",")


def quoted(*symbols: str) -> dict:
    said = {"t": AT, "ap": 150.11, "as": 2, "bp": 150.1, "bs": 3}
    return {"quotes": dict.fromkeys(symbols, said)}


def market(*unknown: str, wrong: str = "") -> Callable[[Asked], tuple]:
    """Alpaca's market data: it leaves out what it does not know, and refuses what is no symbol."""

    def answer(asked: Asked) -> tuple:
        symbols = named(asked)
        if wrong in symbols:
            return 400, fault(None, f"invalid symbol: {wrong}")
        return 200, quoted(*(one for one in symbols if one not in unknown))

    return answer


async def test_many_quotes_are_one_request() -> None:
    """Two hundred symbols one by one are a minute of the account's market data."""
    adapter, alpaca = over(market())
    symbols = [f"S{number}" for number in range(SYMBOLS_IN_ONE + 3)]

    found = await asyncio.gather(*map(adapter.quotes.quote, symbols))

    assert [len(named(asked)) for asked in alpaca.asked] == [SYMBOLS_IN_ONE, 3]
    assert [quote.symbol for quote in found] == symbols
    await adapter.close()


async def test_stocks_and_coins_are_asked_of_their_own_markets() -> None:
    """One market knows no slash, and refuses the whole list for it."""
    adapter, alpaca = over(market())

    await asyncio.gather(*map(adapter.quotes.quote, ["AAPL", "BTC/USD", "KO"]))

    assert sorted(asked.query["symbols"] for asked in alpaca.asked) == ["AAPL,KO", "BTC/USD"]
    await adapter.close()


async def test_a_symbol_without_a_quote_is_nobody_elses_fault() -> None:
    """One delisted symbol would leave a whole plan without prices."""
    adapter, _ = over(market("GONE"))
    asking = (adapter.quotes.quote(symbol) for symbol in ("AAPL", "GONE", "KO"))

    first, gone, last = await asyncio.gather(*asking, return_exceptions=True)

    assert (first.ask, last.ask) == (D("150.11"), D("150.11"))
    assert isinstance(gone, BrokerUnavailable)
    await adapter.close()


async def test_a_symbol_that_the_market_refuses_is_found_and_left_alone() -> None:
    """The same, where the broker refuses the whole list for one name in it."""
    adapter, alpaca = over(market(wrong="W!"))
    symbols = [f"S{number}" for number in range(40)]
    symbols[17] = "W!"
    asking = map(adapter.quotes.quote, symbols)

    found = await asyncio.gather(*asking, return_exceptions=True)

    refused = [s for s, one in zip(symbols, found, strict=True) if isinstance(one, Exception)]
    assert refused == ["W!"]
    # Down the halves to the one: each step costs two.
    assert len(alpaca.asked) <= 1 + 2 * 6
    await adapter.close()


class Line:
    """A line to the broker that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answers: list[asyncio.Future[Outcome]] = []

    async def send(self, symbols) -> Outcome:
        self.asked.append(list(symbols))
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return await answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def together(line, clock) -> Together:
    return Together(line.send, Limiter(20, clock=clock), most=3)


async def asked(together: Together, clock: ManualClock, *symbols: str) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(together.ask(symbol)) for symbol in symbols]
    await clock.settle()
    return tasks


async def test_who_comes_meanwhile_shares_the_next_request(together, line, clock) -> None:
    """An answer from before the question was asked would pass for a fresh price."""
    first = await asked(together, clock, "A")
    later = await asked(together, clock, "A", "B", "B")
    line.answers[0].set_result(Reply(200, text="one"))
    await clock.settle()
    line.answers[1].set_result(Reply(200, text="two"))
    await clock.settle()

    assert line.asked == [["A"], ["A", "B"]]
    assert [task.result().text for task in (*first, *later)] == ["one", "two", "two", "two"]


async def test_an_asker_who_leaves_takes_nobodys_answer_with_him(together, line, clock) -> None:
    """One order's deadline would take the prices of all others."""
    leaves, stays = await asked(together, clock, "A", "B")
    leaves.cancel()
    await clock.settle()
    line.answers[0].set_result(Reply(200))
    await clock.settle()

    assert leaves.cancelled()
    assert stays.result() == Reply(200)


@pytest.mark.parametrize("outcome", [Failure(sent=True, reason="reset"), Reply(503), Reply(429)])
async def test_what_is_about_no_symbol_is_asked_once(together, line, clock, outcome) -> None:
    """A broker in trouble is asked a hundred times as much."""
    tasks = await asked(together, clock, "A", "B", "C")
    line.answers[0].set_result(outcome)
    await clock.settle()

    assert [task.result() for task in tasks] == [outcome] * 3
    assert len(line.asked) == 1


async def test_the_requests_themselves_are_counted(line, clock) -> None:
    """The broker's limit is of requests, and market data answers 429 to whoever is above it."""
    limiter = Limiter(20, clock=clock)
    together = Together(line.send, limiter, most=1)
    limiter.observe(limit=20, remaining=2, reset_at=clock.now() + timedelta(seconds=30))

    (task,) = await asked(together, clock, "A")
    before = len(line.asked)
    await clock.run_for(31)
    line.answers[0].set_result(Reply(200))
    await clock.settle()

    assert (before, len(line.asked)) == (0, 1)
    assert task.result() == Reply(200)


async def test_what_the_data_hosts_headers_say_slows_the_quotes_alone() -> None:
    """Another program spends the market data's minute: every quote would be a 429."""
    headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0"}
    adapter, alpaca = over(lambda _: (200, quoted("AAPL"), headers))
    await adapter.quotes.quote("AAPL")

    waiting = asyncio.create_task(adapter.quotes.quote("AAPL"))
    for _ in range(20):
        await asyncio.sleep(0)

    assert not waiting.done()
    assert len(alpaca.asked) == 1
    await adapter.close()
    with pytest.raises(BrokerUnavailable, match="closed"):
        await waiting


async def test_closing_leaves_no_task_and_no_asker_behind(together, line, clock) -> None:
    """A desk that closes while it asks for prices would hang, or leave a task behind."""
    askers = await asked(together, clock, "A")
    askers += await asked(together, clock, "B")
    before = asyncio.all_tasks()

    await together.close()
    await clock.settle()

    for task in askers:
        assert task.result() == Failure(sent=True, reason="the adapter was closed")
    assert "alpaca-together" in {task.get_name() for task in before}
    assert "alpaca-together" not in {task.get_name() for task in asyncio.all_tasks()}
