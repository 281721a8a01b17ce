"""Post-execution controls in a running desk: halts hold, alerts are told, and none is lost."""

import asyncio
import threading
from datetime import timedelta

import pytest

from desk.kit import Check, D
from fillwright.alerts import Level
from fillwright.desk.asides import ThreadAside
from fillwright.ledger import Alerted, decode
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Halt, Reject, Scope, Warn


def durable(world, kind):
    found = (decode(record) for record in world.journal.read())
    return [fact for fact in found if isinstance(fact, kind)]


def objecting(name="objects", code="T99", verdict=Reject, **more):
    """A check that objects to every fill, and what it was shown."""
    seen = []

    def call(_order, execution, _book):
        seen.append(execution.execution_id)
        return verdict(code, measured=1, limit=0, **more)

    check = Check(name, call, code)
    return check, seen


async def test_an_alert_is_journaled_with_its_facts_and_told(world):
    """A breach that only a log line knows is one that nobody can prove or act upon."""
    told = []
    check, _ = objecting(verdict=Reject, text="why")
    world.execution_checks = (check,)
    world.alert_observers = (Check("app", told.append),)
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    (alert,) = told
    assert [fact.alert for fact in durable(world, Alerted)] == [alert]
    assert (alert.level, alert.code, alert.check) == (Level.ALERT, "T99", "objects")
    assert (alert.measured, alert.limit, alert.text) == ("1", "0", "why")
    assert (alert.symbol, alert.client_order_id) == ("AAPL", handle.client_order_id)
    assert alert.subject == alert.execution_id
    await world.settled()


async def test_an_alert_reaches_whoever_watches_within_five_seconds(world):
    """RTS 6 16(5): who hears late cannot stop what goes on."""
    told = []
    check, _ = objecting()
    world.latency = 0.5
    world.execution_checks = (check,)
    world.alert_observers = (Check("app", lambda alert: told.append((alert, world.clock.now()))),)
    await world.ready()
    await world.submit()
    await world.run(5)

    ((alert, heard),) = told
    (execution,) = world.venue.executions().items
    reported = execution.execution.transact_time
    assert heard - reported <= timedelta(seconds=5)
    assert heard - alert.breached_at <= timedelta(seconds=5)
    assert alert.latency <= 5


async def test_an_alert_that_was_not_told_is_told_late_with_its_own_id(world, caplog):
    """A crash between the record and the pager would else be the alert that nobody got."""
    told = []
    check, _ = objecting()
    world.execution_checks = (check,)
    world.alert_observers = (Check("app", told.append),)
    await world.ready()
    await world.submit()
    await world.run(0.1)
    await world.crash()  # what was told is not recorded yet
    await world.clock.run_for(10)
    await world.ready()
    await world.run(1)

    first, again = told
    assert first == again
    assert len(durable(world, Alerted)) == 1
    assert any("alert_late" in record.message for record in caplog.records)
    await world.aclose()
    await world.ready()
    assert len(told) == 2


@pytest.mark.parametrize("keep", [0, 1, 2, 3])
async def test_a_fill_that_was_not_shown_is_shown_after_the_restart_and_counts_once(world, keep):
    """A control that misses what the crash swallowed guards everything but the worst moment."""
    check, seen = objecting(verdict=Halt, scope=Scope.SYMBOL)
    world.execution_checks = (check,)
    await world.ready()
    await world.submit()
    await world.run(0.1)
    await world.crash(keep=keep)
    await world.ready()
    await world.run(30)

    ids = [fill.execution.execution_id for fill in world.venue.executions().items]
    alerts = [fact.alert.execution_id for fact in durable(world, Alerted)]
    assert set(seen) == set(ids)
    assert alerts == ids
    assert [(h.scope, h.name) for h in world.desk.halts] == [(Scope.SYMBOL, "AAPL")]
    await world.settled()


async def test_a_fill_that_nobody_was_shown_before_the_crash_is_shown_once(world):
    """Durable and not delivered is where every at-most-once consumer loses a fill."""
    seen = []
    world.execution_checks = (Check("sees", lambda _o, e, _b: seen.append(e) or ALLOW),)
    await world.ready()
    for task in [t for t in asyncio.all_tasks() if t.get_name() == "announcer"]:
        task.cancel()
    await world.submit()
    await world.run(0.1)
    assert seen == []
    await world.crash(keep=100)
    await world.ready()
    await world.run(1)

    ids = [fill.execution.execution_id for fill in world.venue.executions().items]
    assert [execution.execution_id for execution in seen] == ids
    await world.aclose()
    await world.ready()
    assert len(seen) == len(ids) == 1


async def test_a_new_consumer_is_not_shown_the_past(world):
    """A control that is turned on today must not halt for what happened last year."""
    await world.ready()
    await world.submit()
    await world.run(1)
    await world.aclose()
    check, seen = objecting()
    world.execution_checks = (check,)
    await world.ready()
    await world.run(1)

    assert seen == []
    await world.submit(quantity="2")
    await world.run(1)
    assert len(seen) >= 1


async def test_what_is_shown_again_goes_only_to_whoever_missed_it(world):
    """Twice is as wrong as never: a sum over fills would count the one in the crash double."""
    first, saw_first = objecting("first")
    world.execution_checks = (first,)
    await world.ready()
    await world.submit()
    await world.run(1)
    await world.aclose()
    second, saw_second = objecting("second")
    world.execution_checks = (first, second)
    await world.ready()
    await world.run(1)

    assert (len(saw_first), len(saw_second)) == (1, 0)
    assert len(durable(world, Alerted)) == 1


@pytest.mark.parametrize("verdict", [Warn, Reject, Halt])
async def test_a_plugin_that_fails_stops_nobody_else(world, verdict):
    """One broken control must not silence the others (I25)."""

    def raises(*_given):
        raise RuntimeError("a mistake")

    def leaves(*_given):
        raise SystemExit(1)

    more = {"scope": Scope.DESK} if verdict is Halt else {}
    good, seen = objecting("good", verdict=verdict, **more)
    faulty = (
        Check("raises", raises),
        Check("leaves", leaves),
        Check("none", lambda *_: None),
        Check("true", lambda *_: True),
        Check("nan", lambda *_: Reject("", measured=D("NaN"), limit=1)),
    )
    world.execution_checks = (*faulty, good)
    world.alert_observers = (Check("app", raises),)
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    named = {fact.alert.check: fact.alert for fact in durable(world, Alerted)}
    assert set(named) == {"raises", "leaves", "none", "true", "nan", "good"}
    assert all(named[one.name].code.startswith("CHECK_") for one in faulty)
    assert handle.state.status is OrdStatus.FILLED
    assert len(seen) == 1
    assert world.desk.state == "running"


async def test_a_plugin_that_hangs_is_given_up_and_named_and_fills_go_on(world):
    """A control that never answers would else hold up every fill behind it (I25)."""
    release = threading.Event()
    good, seen = objecting("good")
    shown = []

    def hangs(_order, execution, _book):
        shown.append(execution.execution_id)
        release.wait(60)
        return ALLOW

    world.aside = ThreadAside(0.2)
    world.execution_checks = (Check("hangs", hangs), good)
    await world.ready()
    first = await world.submit()
    try:
        await _until(lambda: len(seen) == 1)
        second = await world.submit(quantity="2")
        await _until(lambda: len(seen) == 2)
    finally:
        release.set()

    assert first.state.status is second.state.status is OrdStatus.FILLED
    assert shown == [first_id(world)]
    hung = [f.alert for f in facts_now(world) if f.alert.code == "CHECK_HUNG"]
    assert [(alert.check, alert.measured) for alert in hung] == [("hangs", "hangs")]
    judged = world.parts.keeper.ledger.watched.judged
    assert judged["hangs"] < judged["good"]
    await world.aclose()
    world.aside = None
    mended, saw = objecting("hangs")
    world.execution_checks = (mended, good)
    await world.ready()
    ids = [fill.execution.execution_id for fill in world.venue.executions().items]
    assert saw == ids  # what it missed, and the one that it hung on
    assert seen == ids


def first_id(world):
    return world.venue.executions().items[0].execution.execution_id


def facts_now(world):
    return [change.fact for change in world.changes if isinstance(change.fact, Alerted)]


async def _until(true, tries=500):
    """Let the other thread come; bounded by tries."""
    for _ in range(tries):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")
