"""`fillwright doctor`: time, prices, the stream, and the rate limit."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cli.doctorkit import named, states
from cli.oddbroker import HANG, OddBroker, TimedBroker
from fillwright.accounts import Instrument
from fillwright.desk.doctor import State
from fillwright.errors import UnknownSymbol
from fillwright.reports import Connected, Disconnected, Heartbeat
from fillwright.testing import ManualClock

# ---------------------------------------------------------------- time


@pytest.mark.parametrize("way", [1, -1], ids=["behind", "ahead"])
@pytest.mark.parametrize(
    ("seconds", "state"),
    [(0, "ok"), (1.9, "ok"), (2.1, "warning"), (29, "warning"), (31, "failed"), (3600, "failed")],
)
async def test_the_clock_is_compared(odd, way, seconds, state) -> None:
    """A machine that is an hour off takes old quotes for fresh ones and trades on them."""
    desk = odd(TimedBroker)
    ahead = seconds * way
    desk = odd(TimedBroker, session=lambda: desk.broker.sound_session(ahead))

    diagnosis = await desk.examined()

    found = named(diagnosis, "clock")
    assert found.state.value == state
    assert diagnosis.ready is (state != "failed")
    if state != "ok":
        assert f"{seconds:.1f} s {'behind' if way > 0 else 'ahead of'} the broker" in found.seen


async def test_a_slow_answer_is_no_skew(odd) -> None:
    """A slow line is taken for a wrong clock, and somebody sets a clock that was right."""

    class Slow(TimedBroker):
        async def session(self) -> Any:
            await self.clock.sleep(4)
            told = self.sound_session()
            await self.clock.sleep(4)
            return told

    found = named(await odd(Slow).examined(), "clock")

    assert found.state is State.OK
    assert "an answer of 8" in found.seen


async def test_a_broker_that_does_not_tell_its_time(odd) -> None:
    """A broker without a clock is called broken."""
    found = states(await odd().examined())

    assert (found["clock"], found["market"]) == ("skipped", "skipped")


@pytest.mark.parametrize("is_open", [True, False])
async def test_the_market_says_when_it_opens(odd, is_open) -> None:
    """Somebody waits for fills on a Sunday."""
    desk = odd(TimedBroker)
    desk = odd(TimedBroker, session=lambda: desk.broker.sound_session(is_open=is_open))

    found = named(await desk.examined(), "market")

    assert found.state is State.OK
    assert found.seen.startswith("open until 2026-" if is_open else "closed; opens 2026-")


@pytest.mark.parametrize(
    ("age", "is_open", "fields", "state", "said"),
    [
        (1, True, {}, "ok", "1.0 s old"),
        (6, True, {}, "failed", "quote_max_age_seconds is 5"),
        (6, False, {}, "warning", "the market is closed"),
        (-9, True, {}, "warning", "from the future"),
        (1, True, {"bid": None}, "warning", "prices nothing"),
        (1, True, {"bid": Decimal(11)}, "warning", "prices nothing"),
    ],
)
async def test_a_quote_is_judged_by_its_age(odd, age, is_open, fields, state, said) -> None:
    """The price feed stands still, and every order is refused when the market opens."""
    desk = odd(TimedBroker)
    desk = odd(
        TimedBroker,
        session=lambda: desk.broker.sound_session(is_open=is_open),
        quote=lambda: desk.broker.sound_quote("KO", age, **fields),
    )

    found = named(await desk.examined(), "quote")

    assert (found.state.value, said in found.seen) == (state, True), found


async def test_the_setting_for_a_quotes_age_counts(odd) -> None:
    """The doctor judges by another age than the desk."""
    desk = odd()
    desk = odd(quote=lambda: desk.broker.sound_quote("KO", 8))
    desk.write(desk="quote_max_age_seconds = 9")

    assert named(await desk.examined(), "quote").state is State.OK


async def test_a_symbol_is_chosen(odd) -> None:
    """A broker that does not know the first well-known symbol is called broken."""
    known = {"AAPL": True}

    class Few(OddBroker):
        async def instrument(self, symbol: str) -> Instrument:
            if symbol not in known:
                raise UnknownSymbol(symbol)
            return Instrument(symbol, tradable=known[symbol])

    assert named(await odd(Few).examined(), "quote").seen.startswith("AAPL bid 10")
    assert named(await odd(Few).examined(symbol="AAPL"), "quote").state is State.OK
    named_one = named(await odd(Few).examined(symbol="ZZZZ"), "quote")
    assert (named_one.state, "ZZZZ is not known" in named_one.seen) == (State.FAILED, True)
    known["AAPL"] = False
    assert "can be traded here" in named(await odd(Few).examined(), "quote").seen


# ---------------------------------------------------------------- stream and rate


def _down(reason: str, *, final: bool = False) -> Disconnected:
    return Disconnected(reason, ManualClock().now(), final=final)


@pytest.mark.parametrize(
    ("items", "state", "said"),
    [
        ([HANG], "failed", "no answer within 15 s"),
        ([Heartbeat(ManualClock().now()), "nonsense", HANG], "failed", "not connected"),
        ([_down("refused"), HANG], "failed", "last it said: refused"),
        ([_down("refused"), Connected(ManualClock().now())], "ok", "connected"),
        ([_down("wrong keys", final=True), HANG], "failed", "stood down for good: wrong keys"),
        ([_down("reset")], "failed", "it ended: reset"),
        ([], "failed", "ended without connecting"),
        ([RuntimeError("boom")], "failed", "RuntimeError: boom"),
    ],
)
async def test_the_stream(odd, items, state, said) -> None:
    """The stream never connects, and the desk waits for it in front of the customer."""
    desk = odd(stream=items)

    found = named(await desk.examined(), "stream")

    assert (found.state.value, said in found.seen) == (state, True), found
    assert bool(found.advice) is (state == "failed")


@pytest.mark.parametrize(
    ("limit", "remaining", "state", "said"),
    [
        (200, 180, "ok", "200 requests, 180 left"),
        (200, 5, "warning", "5 left"),
        (60, 50, "warning", "60 requests"),
        (None, 5, "skipped", "told none"),
    ],
)
async def test_the_rate_limit_that_was_seen(odd, limit, remaining, state, said) -> None:
    """Another program uses up the account's requests, and nobody knows why the desk is slow."""
    desk = odd()

    def told() -> list[Any]:
        reset = desk.clock.now() + timedelta(seconds=30)
        desk.broker.request.rate.observe(limit=limit, remaining=remaining, reset_at=reset)
        return []

    desk = odd(open_orders=told)

    found = named(await desk.examined(), "rate_limit")

    assert (found.state.value, said in found.seen) == (state, True)
