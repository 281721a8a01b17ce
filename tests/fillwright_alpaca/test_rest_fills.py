"""Executions since a bookmark: none twice where that matters, and none ever left out."""

from datetime import datetime, timedelta

import pytest

from alpacakit.fills import START, Tape, names
from alpacakit.rest import (
    ORDER_ID,
    D,
    activity,
    over,
)
from fillwright.errors import BrokerUnavailable
from fillwright.types import Side
from fillwright_alpaca.fills import OVERLAP


async def test_a_fill_is_read_field_by_field() -> None:
    """A price or quantity in the wrong place moves cash and position by it."""
    tape = Tape(activity(side="sell_short", price="10.0650", qty="1.50", cum_qty="2.50"))
    adapter, _ = over(tape)

    (fill,) = (await adapter.executor.executions(None)).items

    assert fill.execution.execution_id == f"{ORDER_ID}:2.5"
    assert (fill.execution.quantity, fill.execution.price) == (D("1.5"), D("10.065"))
    assert fill.execution.transact_time.isoformat() == "2026-11-23T15:04:05.123456+00:00"
    assert (fill.symbol, fill.side, fill.broker_order_id) == ("AAPL", Side.SELL, ORDER_ID)


async def test_from_the_first_bookmark_on_nothing_is_told_twice() -> None:
    """A new desk opens its books when nothing came between two looks, or waits for ever."""
    tape = Tape()
    adapter, _ = over(tape)
    for number in range(1, 4):
        tape.add(number, number, cum_qty=str(3 * number))

    first = await adapter.executor.executions(None)
    again = await adapter.executor.executions(first.cursor)
    tape.add(4, 5, cum_qty="12")
    news = await adapter.executor.executions(again.cursor)

    assert names(first) == [f"{ORDER_ID}:3", f"{ORDER_ID}:6", f"{ORDER_ID}:9"]
    assert (names(again), again.cursor) == ([], first.cursor)
    assert names(news) == [f"{ORDER_ID}:12"]


async def test_an_empty_account_has_a_bookmark_too() -> None:
    """Its first fill ever would be lost, or the desk would never open."""
    tape = Tape()
    adapter, _ = over(tape)

    first = await adapter.executor.executions(None)
    again = await adapter.executor.executions(first.cursor)
    tape.add(1, 1)
    news = await adapter.executor.executions(again.cursor)

    assert (names(first), names(again)) == ([], [])
    assert first.cursor == again.cursor
    assert names(news) == [f"{ORDER_ID}:3"]


async def test_a_straggler_behind_the_bookmark_is_told() -> None:
    """Activities of one moment come out of order, and some late: a lost fill is a lost position."""
    tape = Tape()
    adapter, _ = over(tape)
    tape.add(2, 60, cum_qty="6")
    first = await adapter.executor.executions(None)
    tape.add(1, 59, cum_qty="3")
    tape.add(3, 60, cum_qty="9")

    news = await adapter.executor.executions(first.cursor)
    lost = await adapter.executor.executions(first.cursor)

    assert names(news) == names(lost) == [f"{ORDER_ID}:3", f"{ORDER_ID}:9"]
    assert news.cursor != first.cursor
    assert names(await adapter.executor.executions(news.cursor)) == []


async def test_an_older_bookmark_tells_again_what_came_after_it() -> None:
    """The desk asks from the bookmark before the last, so that nothing falls between two looks."""
    tape = Tape()
    adapter, _ = over(tape)
    tape.add(1, 1)
    first = await adapter.executor.executions(None)
    tape.add(2, 2, cum_qty="6")
    second = await adapter.executor.executions(first.cursor)

    again = await adapter.executor.executions(first.cursor)

    assert names(again) == [f"{ORDER_ID}:6"]
    assert again.cursor == second.cursor


async def test_a_bookmark_outlives_the_process() -> None:
    """After a restart the ledger hears the overlap again, which it knows, and everything since."""
    tape = Tape()
    tape.add(1, 0, cum_qty="3")
    tape.add(2, 1000, cum_qty="6")
    cursor = (await over(tape)[0].executor.executions(None)).cursor
    tape.add(3, 1001, cum_qty="9")
    adapter, alpaca = over(tape)

    page = await adapter.executor.executions(cursor)

    assert names(page) == [f"{ORDER_ID}:6", f"{ORDER_ID}:9"]
    after = datetime.fromisoformat(alpaca.asked[0].query["after"])
    assert after == START + timedelta(seconds=1000) - OVERLAP


@pytest.mark.parametrize("count", [99, 100, 101, 250])
async def test_every_page_is_read(count: int) -> None:
    """The 101st fill of a busy minute is a fill, too."""
    tape = Tape()
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    for number in range(1, count + 1):
        tape.add(number, number // 40, cum_qty=str(3 * number))

    page = await adapter.executor.executions(first.cursor)

    assert len(page.items) == len(set(names(page))) == count
    assert names(page) == [f"{ORDER_ID}:{3 * number}" for number in range(1, count + 1)]


async def test_the_first_look_does_not_walk_through_years() -> None:
    """An account with years of fills would use up its rate for hours before the desk opens."""
    tape = Tape()
    for number in range(1, 2001):
        tape.add(number, 3600 * number, cum_qty=str(3 * number))
    adapter, alpaca = over(tape)

    page = await adapter.executor.executions(None)

    assert len(alpaca.asked) == 1
    assert page.items[-1].execution.execution_id == f"{ORDER_ID}:6000"
    assert names(await adapter.executor.executions(page.cursor)) == []


async def test_pages_that_do_not_move_on_are_no_answer() -> None:
    """A list that repeats its first page would be read for ever."""
    page = [activity(number, cum_qty=str(3 * number)) for number in range(1, 101)]
    adapter, _ = over(lambda asked: (200, [] if asked.query["direction"] == "desc" else page))
    first = await adapter.executor.executions(None)

    with pytest.raises(BrokerUnavailable, match="do not come to an end"):
        await adapter.executor.executions(first.cursor)


@pytest.mark.parametrize(
    "cursor", ["17", "fills:", "fills:soon", "fills:2026-11-23T15:00:00#x", ""]
)
async def test_a_bookmark_of_another_broker_is_refused(cursor: str) -> None:
    """Begun anew, every fill before this journal would be booked into it."""
    adapter, alpaca = over(Tape())

    with pytest.raises(BrokerUnavailable, match="bookmark"):
        await adapter.executor.executions(cursor)
    assert alpaca.asked == []
