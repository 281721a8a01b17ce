"""Data for checks: fetched in the background, bounded on an order's way, and never guessed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from desk.kit import Check, D, order
from fillwright.desk.supply import AGAIN_AFTER, FETCH_WITHIN, Source, wanted_of
from fillwright.errors import ConfigError
from fillwright.inputs import Datum, Input, SessionState
from fillwright.testing import ManualClock
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Halt, Reject, Scope


class Feed:
    """A provider whose answers the test sets."""

    supplies = frozenset({"mine", Input.ADV})

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.closed = 0
        self.answer = lambda name, symbol: Datum(name, symbol, D(1), clock.now())

    async def fetch(self, name, symbol):
        self.asked.append((name, symbol))
        answer = self.answer(name, symbol)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def close(self):
        self.closed += 1


def needing(*names, call=lambda o, b: ALLOW, name="needs_it"):
    check = Check(name, call)
    object.__setattr__(check, "needs", names)
    return check


@pytest.fixture
async def fed(world, monkeypatch):
    """A world whose check needs `mine`, and the feed that has it."""
    feed = Feed(world.clock)
    world.checks = (needing("mine"),)
    world.sources = (Source("feed", feed),)
    return world, feed


async def test_the_first_order_waits_and_the_next_does_not(fed):
    """A question per order is what makes a data source the slowest part of a desk."""
    world, feed = fed
    await world.ready()
    first, second = await world.submit(), await world.submit(quantity="2")

    assert [h.state.status for h in (first, second)] == [OrdStatus.FILLED] * 2
    assert feed.asked.count(("mine", "AAPL")) == 1


async def test_it_is_renewed_in_the_background_before_it_is_too_old(fed):
    """An order that comes after a quiet hour must not wait for what could be here."""
    world, feed = fed
    await world.ready()
    await world.submit()
    await world.run(600)
    asked = len(feed.asked)
    handle = await world.submit(quantity="2")

    assert handle.state.status is OrdStatus.FILLED
    assert len(feed.asked) == asked
    assert feed.asked.count(("mine", "AAPL")) > 10


async def test_what_is_held_is_kept_fresh_from_the_start(fed):
    """A check over the whole portfolio asks for symbols that no order named."""
    world, feed = fed
    await world.ready()
    await world.run(1)

    assert {symbol for _, symbol in feed.asked} == {"AAPL", "KO", "MSFT"}


def hang(_name, _symbol):
    return asyncio.Event().wait()


def boom(_name, _symbol):
    raise OSError("the feed is down")


WRONG = {
    "hangs": hang,
    "raises": boom,
    "has none": lambda name, symbol: None,
    "answers a number": lambda name, symbol: D(1),
    "answers another symbol": lambda name, symbol: Datum(name, "OTHER", D(1), _now(name)),
    "answers a float": lambda name, symbol: Datum(name, symbol, 1.5, _now(name)),
    "has no time": lambda name, symbol: Datum(name, symbol, D(1), _now(name).replace(tzinfo=None)),
}


def _now(_name):
    return ManualClock().now()


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_source_that_fails_refuses_the_order_and_is_told_once(fed, wrong, caplog):
    """Whatever a source does, the order is refused in a bounded time, and somebody is told."""
    world, feed = fed
    feed.answer = WRONG[wrong]
    await world.ready()
    handle = await world.desk.submit(order())
    await world.run(FETCH_WITHIN + 0.5)
    again = await world.submit(quantity="2")
    await world.run(30)

    assert handle.state.status is again.state.status is OrdStatus.REFUSED
    assert "no mine of AAPL" in str(handle.state.reasons)
    told = [r for r in caplog.records if "data_missing" in r.message and "AAPL" in r.message]
    assert len(told) == 1


async def test_an_order_does_not_wait_again_for_what_could_not_be_had(fed):
    """A source that hangs must not make every order two seconds late."""
    world, feed = fed
    feed.answer = hang
    await world.ready()
    await world.desk.submit(order())
    await world.run(FETCH_WITHIN + 0.1)
    handle = await world.submit(quantity="2")

    assert handle.state.status is OrdStatus.REFUSED
    await world.run(AGAIN_AFTER)
    feed.answer = lambda name, symbol: Datum(name, symbol, D(1), world.clock.now())
    third = await world.submit(quantity="3")
    await world.run(FETCH_WITHIN + 1)  # perhaps it shares a question that hangs already
    fourth = await world.submit(quantity="4")

    assert (third.state.ended, fourth.state.status) == (True, OrdStatus.FILLED)


async def test_a_second_source_is_asked_when_the_first_has_nothing_fresh(fed):
    """One stale file must not hide a live feed behind it."""
    world, feed = fed
    feed.answer = lambda name, symbol: Datum(
        name, symbol, D(1), world.clock.now() - timedelta(days=1)
    )
    second = Feed(world.clock)
    world.sources = (*world.sources, Source("second", second))
    await world.ready()
    handle = await world.submit()

    assert handle.state.status is OrdStatus.FILLED
    assert world.parts.supply.view().data["mine", "AAPL"].source == "second"


async def test_orders_of_the_same_moment_share_one_question(fed):
    """A hundred orders of one symbol are one question."""
    world, feed = fed
    await world.open()
    await asyncio.gather(*(world.desk.submit(order(quantity=str(n + 1))) for n in range(9)))
    await world.run(0.2)

    assert feed.asked.count(("mine", "AAPL")) == 1


async def test_nothing_is_asked_that_no_check_needs(world):
    """A provider that is named and not needed costs nothing."""
    feed = Feed(world.clock)
    world.sources = (Source("feed", feed),)
    await world.ready()
    await world.submit()
    await world.run(60)

    assert feed.asked == []
    assert not world.parts.supply.active


async def test_a_need_that_nothing_supplies_is_told_at_start(world):
    """A misspelt input would refuse every order for ever, and nobody would know why."""
    world.checks = (needing("advv"),)

    with pytest.raises(ConfigError, match="check needs_it: needs advv, and nothing supplies it"):
        await world.open()


async def test_providers_are_closed_with_the_desk(fed):
    """A socket that is left open keeps a process from ending."""
    world, feed = fed
    await world.ready()
    await world.aclose()

    assert feed.closed == 1


async def test_the_broker_tells_its_session_and_its_clock(world):
    """Without a provider, the broker's own clock says whether its market is open."""
    world.checks = (needing(Input.SESSION, Input.SKEW, call=_only_when_open),)
    await world.ready()

    assert (await world.submit()).state.status is OrdStatus.FILLED
    world.venue.control.close_session()
    await world.run(61)
    closed = await world.submit(quantity="2")
    assert closed.state.status is OrdStatus.REFUSED


def _only_when_open(asked, book):
    assert book.number(Input.SKEW) == 0
    state = book.session(asked.symbol).state
    return ALLOW if state is SessionState.OPEN else Reject("S", measured=state, limit="open")


async def test_a_check_of_fills_without_its_input_is_not_asked_and_told(fed, caplog):
    """A halt on a number that nobody knows would be a guess; silence would be worse."""
    world, feed = fed

    def halts(_state, _execution, _book):
        return Halt("H", scope=Scope.DESK, measured=1, limit=0)

    watching = needing(Input.ADV, call=halts, name="watching")
    world.execution_checks = (watching,)
    world.checks = (needing(),)
    feed.answer = lambda name, symbol: None
    await world.ready()
    await world.submit()
    await world.run(3)

    assert not world.desk.halts
    assert any("not asked: no adv of AAPL" in record.message for record in caplog.records)
    feed.answer = lambda name, symbol: Datum(name, symbol, D(1), world.clock.now())
    await world.run(10)
    await world.submit(quantity="2")
    await world.run(1)
    assert [halt.by for halt in world.desk.halts] == ["watching"]


def test_quotes_and_rules_are_asked_for_with_the_order():
    """Asked for twice, they would use up the broker's rate."""
    needs = (Input.QUOTE, Input.INSTRUMENT, Input.PNL, Input.SECTOR)

    assert wanted_of([needing(*needs)]) == {Input.SECTOR, Input.PNL}


async def test_the_account_is_asked_for_when_none_came_lately(world):
    """A quiet desk that compares once an hour still knows what today has brought."""
    world.limits = replace(world.limits, reconcile_every=3600.0)
    world.checks = (needing(Input.PNL, call=lambda o, b: ALLOW if b.pnl.equity else None),)
    await world.ready()
    await world.run(600)

    assert (await world.submit()).state.status is OrdStatus.FILLED
