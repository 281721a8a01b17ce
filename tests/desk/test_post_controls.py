"""The standard post-execution controls on a real desk: found, reacted to, journaled, kept."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from desk.kit import D, order, resting, with_dedup
from fillwright.alerts import Level
from fillwright.findings import BreakKind
from fillwright.ledger import Alerted, FillQuoted, Reported, Sent, decode
from fillwright.plugins import Registry
from fillwright.protocols import Dedup
from fillwright.reports import Page
from fillwright.types import OrdStatus, Side
from fillwright.verdicts import Scope


def controls(world, **tables):
    """Put the standard controls into the world, loaded as a desk loads them."""
    registry = Registry.load(["risk"], folder=Path("/"), settings={"risk": tables})
    world.execution_checks = registry.execution_checks
    world.books_checks = registry.books_checks


def alerts(world, code=None):
    found = (decode(record) for record in world.journal.read())
    raised = [fact.alert for fact in found if isinstance(fact, Alerted)]
    return [alert for alert in raised if code in (None, alert.code)]


def halts(world):
    return {(halt.scope, halt.name, halt.reason.partition(":")[0]) for halt in world.desk.halts}


async def quietly(world, seconds=30):
    """Let time pass, and let whoever is told be told."""
    await world.run(seconds)
    await world.clock.settle()


async def test_ordinary_trading_raises_nothing(world):
    """A control that cries every day is switched off before the day it is needed."""
    controls(world, cash_break={"warn_usd": "0"}, post_trade_credit={"limit_usd": "1000000"})
    await world.ready()
    await world.submit()
    await world.submit(symbol="KO", side="SELL", quantity="3")
    await world.submit(**resting())
    await quietly(world, 120)

    assert alerts(world) == []
    await world.settled()


async def test_t04_a_fill_by_hand_halts_the_symbol_and_the_halt_survives(world):
    """Limits that know half of the trading in an account protect against half of it."""
    controls(world)
    await world.ready()
    world.venue.submit(order(symbol="KO", quantity="2"), "by-hand")
    await quietly(world)

    assert halts(world) == {(Scope.SYMBOL, "KO", "T04")}
    (alert,) = alerts(world, "T04")
    assert (alert.level, alert.symbol, alert.scope) == (Level.HALT, "KO", Scope.SYMBOL)
    await world.crash()
    await world.ready()
    assert halts(world) == {(Scope.SYMBOL, "KO", "T04")}
    assert (await world.submit(symbol="KO")).state.status is OrdStatus.REFUSED
    await quietly(world)
    assert len(alerts(world, "T04")) == 1


async def test_t04_can_be_told_to_warn_where_people_trade_by_hand(world):
    """A shared account must not stop with every trade of a colleague."""
    controls(world, unintended_fill={"reaction": "warn"}, orphan_order={"reaction": "warn"})
    await world.ready()
    world.venue.submit(order(symbol="KO", quantity="2"), "by-hand")
    await quietly(world)

    assert not world.desk.halts
    assert {alert.level for alert in alerts(world)} == {Level.WARNING}


async def test_t05_an_overfill_halts_the_symbol(world):
    """The broker sold us more than we ordered; the next order must not add to it."""
    controls(world)
    await world.ready()
    handle = await world.submit(**resting(quantity="2"))
    state = handle.state
    broker = state.broker_order_id
    world.venue.control.fill(broker, D(2), D(90))
    await quietly(world, 1)
    (fill,) = world.venue.executions().items
    more = replace(fill.execution, execution_id="too-much", quantity=D(1))
    _tell(world, fill, more)
    await quietly(world, 1)

    (alert,) = alerts(world, "T05")
    assert (alert.measured, alert.limit, alert.execution_id) == ("3", "2", "too-much")
    assert (Scope.SYMBOL, "AAPL", "T05") in halts(world)


def _tell(world, fill, execution):
    """The stream tells an execution that the venue does not list."""
    from fillwright.reports import Evidence, ExecutionReport, Source

    world.parts.books.take(
        ExecutionReport(
            fill.exec_type,
            fill.symbol,
            fill.side,
            Evidence(Source.STREAM, "made-up"),
            execution.transact_time,
            fill.client_order_id,
            fill.broker_order_id,
            execution,
        )
    )


async def test_t01_an_execution_of_the_stream_that_is_never_listed_halts_the_desk(world):
    """A trade in the ledger that the broker does not know is no trade."""
    controls(world)
    await world.ready()
    await world.submit()
    await quietly(world, 1)
    (fill,) = world.venue.executions().items
    _tell(world, fill, replace(fill.execution, execution_id="invented"))
    await quietly(world, 100)

    found = alerts(world, "T01")
    assert [alert.measured for alert in found] == [f"invented {BreakKind.UNLISTED}"]
    assert (Scope.DESK, "", "T01") in halts(world)


async def test_t01_what_was_told_before_a_restart_must_still_be_listed(world):
    """A restart must not launder an execution that nobody can show."""
    controls(world)
    await world.ready()
    await world.submit()
    await quietly(world, 0.5)
    (fill,) = world.venue.executions().items
    _tell(world, fill, replace(fill.execution, execution_id="invented"))
    await quietly(world, 0.5)
    await world.crash(keep=100)
    await world.ready()
    await quietly(world, 100)

    assert [alert.measured for alert in alerts(world, "T01")] == [f"invented {BreakKind.UNLISTED}"]


async def test_t01_a_listed_execution_with_other_numbers_is_a_break(world):
    """Two prices for one trade: one of the two books is wrong."""
    controls(world)
    await world.ready()
    await world.submit()
    await quietly(world, 1)
    ask = world.broker.executor.executions

    async def differs(since):
        page = await ask(since)
        items = [
            replace(fill, execution=replace(fill.execution, price=fill.execution.price + 1))
            for fill in page.items
        ]
        return Page(items, page.cursor)

    world.broker.executor.executions = differs
    await quietly(world, 25)

    (alert,) = alerts(world, "T01")
    assert alert.measured.endswith(BreakKind.DIFFERS)
    assert (Scope.DESK, "", "T01") in halts(world)


async def test_t02_tolerance_and_reaction_are_heeded(world):
    """A tolerance that the desk's own halt overrules is none."""
    controls(world, position_break={"tolerance_shares": "5", "reaction": "halt_account"})
    await world.ready()
    world.venue._books._add("AAPL", D(-5), D(100))
    await quietly(world, 40)
    assert not world.desk.halts
    world.venue._books._add("AAPL", D(-1), D(100))
    await quietly(world, 40)

    assert halts(world) == {(Scope.ACCOUNT, "FAKE-1", "T02")}
    (alert,) = alerts(world, "T02")
    assert (alert.measured, alert.limit) == ("6", "5")


async def test_t03_cash_that_nobody_traded_is_warned_then_halts(world):
    """Interest may pass; a missing thousand may not."""
    controls(world, cash_break={"warn_usd": "10", "halt_usd": "1000"})
    await world.ready()
    world.venue._books.cash += D(10)
    await quietly(world, 40)
    assert alerts(world) == []
    world.venue._books.cash += D(1)
    await quietly(world, 40)
    assert [(a.level, a.measured) for a in alerts(world, "T03")] == [(Level.WARNING, "11")]
    world.venue._books.cash -= D(1500)
    await quietly(world, 40)

    assert halts(world) == {(Scope.ACCOUNT, "FAKE-1", "T03")}
    assert [a.measured for a in alerts(world, "T03")] == ["11", "1489"]


async def test_t08_an_orphan_is_told_once_and_adopted(world):
    """An order that nobody owns is canceled by nobody."""
    controls(world)
    await world.ready()
    world.venue.submit(order(**resting(symbol="KO", limit_price="10", quantity="3")), "by-hand")
    await quietly(world, 60)

    (alert,) = alerts(world, "T08")
    assert (alert.level, alert.symbol, alert.measured) == (Level.ALERT, "KO", "BUY 3 KO")
    assert world.parts.keeper.exposures.snapshot()["KO"].open_buys == 3


async def test_t09_a_partial_fill_that_stalls_is_told_after_the_broker_was_asked(world):
    """Half a hedge that nobody looks at is a position."""
    controls(world, stuck_order={"stalled_seconds": 60})
    await world.ready()
    handle = await world.submit(**resting(quantity="4"))
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await quietly(world, 55)
    assert alerts(world, "T09") == []
    await quietly(world, 30)
    assert [alert.client_order_id for alert in alerts(world, "T09")] == [handle.client_order_id]
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await quietly(world, 85)

    assert len(alerts(world, "T09")) == 2  # it moved, and stalled again


async def test_t09_an_order_without_an_answer_is_told(world):
    """A request that nobody can account for must not be forgotten among the others."""
    controls(world)
    world.capabilities = with_dedup(Dedup.TAG_ONLY)
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit()
    await quietly(world, 50)
    assert alerts(world, "T09") == []
    await quietly(world, 120)

    assert handle.state.in_doubt
    found = alerts(world, "T09")
    assert {alert.client_order_id for alert in found} == {handle.client_order_id}
    assert "without an answer" in found[0].text


async def test_t10_a_bust_is_reversed_and_told(world):
    """A trade that is gone without a word leaves whoever hedged it alone."""
    controls(world)
    await world.ready()
    handle = await world.submit()
    await quietly(world, 1)
    (fill,) = world.venue.executions().items
    world.venue.control.bust(fill.execution.execution_id)
    await quietly(world, 1)

    (alert,) = alerts(world, "T10")
    assert alert.client_order_id == handle.client_order_id
    assert world.desk.positions["AAPL"] == 20
    assert not world.desk.halts


async def test_t06_the_journal_holds_the_market_at_arrival_and_at_the_fill(world):
    """A cost that is measured against a quote of tomorrow measures nothing."""
    controls(world, slippage={"max_arrival_pct": "1"})
    await world.ready()
    handle = await world.submit(**resting(quantity="1"))
    arrival = world.parts.market.quotes["AAPL"]
    await quietly(world, 60)
    world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await quietly(world, 5)

    found = [decode(record) for record in world.journal.read()]
    (sent,) = [fact for fact in found if isinstance(fact, Sent)]
    assert (sent.quote.bid, sent.quote.ask) == (arrival.bid, arrival.ask)
    (fill,) = [f for f in found if isinstance(f, Reported) and f.report.execution]
    assert fill.quote == arrival  # the newest that there was
    changed = [change.fact for change in world.changes]
    (asked,) = [fact for fact in changed if isinstance(fact, FillQuoted)]
    assert asked.execution_id == fill.report.execution.execution_id
    assert abs(asked.quote.at - fill.at) <= timedelta(seconds=2)
    assert handle.state.arrival == arrival


async def test_t06_a_fill_far_from_arrival_is_told(world):
    """The market ran away between the decision and the trade."""
    controls(world, slippage={"max_arrival_pct": "1", "max_quote_pct": "99"})
    await world.ready()
    handle = await world.submit(**resting(quantity="1", limit_price="99"))
    world.venue.control.fill(handle.state.broker_order_id, D(1), D("98"))
    await quietly(world, 1)
    assert alerts(world, "T06") == []
    other = await world.submit(**resting(side="SELL", quantity="1"))
    world.venue.control.fill(other.state.broker_order_id, D(1), D("95"))
    await quietly(world, 1)

    (alert,) = alerts(world, "T06")
    assert (alert.measured, alert.limit) == ("95", "110")
    assert Side.SELL in alert.text


async def test_t07_too_much_after_a_fill_halts_the_desk(world):
    """The sum of all fills is what the account is worth risking, not the sum of all orders."""
    controls(world, post_trade_credit={"limit_usd": "3500"})
    await world.ready()
    await world.submit()
    await quietly(world, 1)

    (alert,) = alerts(world, "T07")
    assert alert.limit == "3500"
    assert D(alert.measured) > 3500
    assert halts(world) == {(Scope.DESK, "", "T07")}


@pytest.mark.parametrize("fault", ["raises", "hangs up", "nonsense"])
async def test_a_standard_control_that_fails_is_named_and_the_others_go_on(world, fault):
    """The matrix: whatever a post-execution control does, fills are booked and told."""
    controls(world)

    def broken(*_given):
        if fault == "raises":
            raise ZeroDivisionError("a mistake")
        if fault == "hangs up":
            raise asyncio.CancelledError
        return object()

    for victim in [check.name for check in world.execution_checks]:
        world.execution_checks = tuple(
            replace(check, call=broken) if check.name == victim else check
            for check in world.execution_checks
        )
    await world.ready()
    handle = await world.submit()
    await quietly(world, 1)

    assert handle.state.status is OrdStatus.FILLED
    named = {alert.check for alert in alerts(world)}
    assert named == {check.name for check in world.execution_checks}
    assert world.desk.positions["AAPL"] == 21
    assert world.desk.state == "running"
    await world.settled()
