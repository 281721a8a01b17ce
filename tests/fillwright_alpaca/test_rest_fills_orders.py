"""Whose fill it is, and what takes a fill back."""

import pytest

from alpacakit.fills import ACTIVITIES, Tape, names
from alpacakit.rest import (
    NAME,
    ORDER_ID,
    activity,
    approved,
    order,
    over,
    routes,
)
from fillwright.errors import BrokerUnavailable
from fillwright.types import ExecType
from fillwright_alpaca.fills import BOOKS_WITHIN


async def test_a_fill_of_an_order_that_was_sent_here_has_its_name() -> None:
    """Activities know Alpaca's id alone; without ours the fill is a stranger's."""
    tape = Tape()
    said = routes(**{"POST /v2/orders": order()})
    adapter, alpaca = over(lambda asked: said(asked) if asked.method == "POST" else tape(asked))
    first = await adapter.executor.executions(None)
    await adapter.executor.submit(approved())
    tape.add(1, 1)

    (fill,) = (await adapter.executor.executions(first.cursor)).items

    assert fill.client_order_id == NAME
    assert all(asked.path == ACTIVITIES for asked in alpaca.asked if asked.method == "GET")


async def test_a_fill_of_an_order_that_was_never_seen_is_looked_up_once() -> None:
    """After a restart every order is one that was never seen."""
    tape = Tape(orders={ORDER_ID: order(symbol="BTC/USD")})
    adapter, alpaca = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1, symbol="BTCUSD", qty="1", cum_qty="1")
    tape.add(2, 2, symbol="BTCUSD", qty="2", cum_qty="3")

    for _ in range(2):
        page = await adapter.executor.executions(first.cursor)

    assert [fill.client_order_id for fill in page.items] == [NAME, NAME]
    assert [fill.symbol for fill in page.items] == ["BTC/USD", "BTC/USD"]
    looked_up = [asked for asked in alpaca.asked if asked.path == f"/v2/orders/{ORDER_ID}"]
    assert len(looked_up) == 1


async def test_a_legs_fill_knows_the_entry() -> None:
    """A leg that is taken for a stranger's order is exposure that its plan does not know."""
    leg = order(id="leg-1", client_order_id="alpacas", side="sell", status="held")
    tape = Tape(orders={ORDER_ID: order(order_class="bracket", legs=[leg])})
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1)
    tape.add(2, 2, order_id="leg-1", side="sell")

    page = await adapter.executor.executions(first.cursor)

    assert [fill.parent for fill in page.items] == [None, NAME]


async def test_a_fill_whose_order_is_unknown_to_alpaca_is_still_a_fill() -> None:
    """Dropped, it is missing from the position for ever."""
    tape = Tape(orders={})
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1)
    with pytest.raises(BrokerUnavailable):
        await adapter.executor.executions(first.cursor)
    adapter._exchange.clock.advance(BOOKS_WITHIN)

    (fill,) = (await adapter.executor.executions(first.cursor)).items

    assert (fill.client_order_id, fill.symbol) == (None, "AAPL")


@pytest.mark.parametrize("shown", [{}, {ORDER_ID: order(client_order_id=None)}])
async def test_a_fill_whose_order_is_not_shown_yet_waits_for_it(shown: dict) -> None:
    """Books that are a second late would make a stranger's order of it, open for ever."""
    tape = Tape(orders=shown)
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1)
    with pytest.raises(BrokerUnavailable, match="do not show it yet"):
        await adapter.executor.executions(first.cursor)
    tape.orders[ORDER_ID] = order()

    page = await adapter.executor.executions(first.cursor)

    assert [fill.client_order_id for fill in page.items] == [NAME]


async def test_a_fill_whose_order_could_not_be_asked_for_waits() -> None:
    """Told without its name, it would be booked on a stranger, for good."""
    tape = Tape(orders={ORDER_ID: (502, b"<html>")})
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1)

    with pytest.raises(BrokerUnavailable):
        await adapter.executor.executions(first.cursor)
    tape.orders[ORDER_ID] = order()
    page = await adapter.executor.executions(first.cursor)

    assert [fill.client_order_id for fill in page.items] == [NAME]


async def test_many_unknown_orders_are_looked_up_together() -> None:
    """After a restart in a busy minute, one question for each would use up the rate."""
    orders = {f"o-{n}": order(id=f"o-{n}", client_order_id=f"c-{n}") for n in range(20)}
    broken = order(id="broken", symbol=None)
    tape = Tape(orders=orders | {"broken": broken})
    adapter, alpaca = over(tape)
    first = await adapter.executor.executions(None)
    for n in range(20):
        tape.add(n, n, order_id=f"o-{n}")

    page = await adapter.executor.executions(first.cursor)

    assert [fill.client_order_id for fill in page.items] == [f"c-{n}" for n in range(20)]
    assert len([asked for asked in alpaca.asked if asked.path.startswith("/v2/orders")]) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"order_id": None},
        {"cum_qty": None},
        {"qty": "0"},
        {"qty": "4", "cum_qty": "3"},
        {"price": None},
        {"transaction_time": None},
        {"id": None},
        {"side": "sideways"},
        {"type": "adjustment"},
        {"type": "trade_bust"},
        {"type": "trade_correct", "previous_id": 7},
    ],
)
async def test_a_fill_that_cannot_be_read_holds_the_whole_answer(fields: dict) -> None:
    """Left out or guessed, the position is wrong, and the bookmark has passed it."""
    tape = Tape(activity(**fields))
    adapter, _ = over(lambda asked: (200, tape.activities))

    with pytest.raises(BrokerUnavailable):
        await adapter.executor.executions(None)


# ---------------------------------------------------------------------- busts and corrections


@pytest.mark.parametrize(("again", "name"), [("1", "1"), ("3", "3:2")])
async def test_a_fill_behind_a_bust_is_told(again: str, name: str) -> None:
    """The order goes on from less; taken for the fill that was undone, it would never be booked."""
    tape = Tape()
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1)
    tape.add(2, 2, type="trade_bust", cum_qty="0", previous_id=tape.activities[0]["id"])
    tape.add(3, 3, qty=again, cum_qty=again)

    page = await adapter.executor.executions(first.cursor)

    assert names(page) == [f"{ORDER_ID}:3", f"{ORDER_ID}:3:bust", f"{ORDER_ID}:{name}"]


async def test_a_bust_of_the_same_moment_finds_its_fill() -> None:
    """Read before the fill that it undoes, it would undo nothing, and the fill would stand."""
    tape = Tape()
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1)
    tape.add(2, 1, type="trade_bust", cum_qty="0", previous_id=tape.activities[0]["id"])

    page = await adapter.executor.executions(first.cursor)

    assert names(page) == [f"{ORDER_ID}:3", f"{ORDER_ID}:3:bust"]


async def test_a_bust_that_says_so_takes_its_fill_back() -> None:
    """Read as a fill, it would be booked once more instead of being taken back."""
    tape = Tape()
    adapter, _ = over(tape)
    tape.add(1, 1)
    first = await adapter.executor.executions(None)
    named = {"previous_id": tape.activities[0]["id"]}
    tape.add(2, 2, type="trade_bust", cum_qty="0", **named)
    tape.add(3, 3, type="trade_correct", qty="2", cum_qty="2", price="10.10", **named)

    bust, correction = (await adapter.executor.executions(first.cursor)).items

    assert (bust.exec_type, bust.execution.corrects) == (ExecType.TRADE_CANCEL, f"{ORDER_ID}:3")
    assert bust.execution.execution_id == f"{ORDER_ID}:3:bust"
    assert correction.exec_type is ExecType.TRADE_CORRECT
    assert correction.execution.execution_id == f"{ORDER_ID}:3:correct:2@10.1"
    assert correction.execution.corrects == f"{ORDER_ID}:3"


async def test_a_bust_comes_before_a_fill_of_its_moment() -> None:
    """Read behind the fill that took its place, it would come to an order that has ended."""
    tape = Tape()
    adapter, _ = over(tape)
    first = await adapter.executor.executions(None)
    tape.add(1, 1)
    tape.add(2, 2, qty="1", cum_qty="1")
    tape.add(3, 2, type="trade_bust", cum_qty="0", previous_id=tape.activities[0]["id"])

    page = await adapter.executor.executions(first.cursor)

    assert names(page) == [f"{ORDER_ID}:3", f"{ORDER_ID}:3:bust", f"{ORDER_ID}:1"]


async def test_a_bust_of_something_that_was_never_seen_is_told() -> None:
    """The ledger reports what it cannot take back; left out, nobody would know."""
    tape = Tape(activity(type="trade_bust", cum_qty="0", previous_id="long-ago"))
    adapter, _ = over(tape)

    (bust,) = (await adapter.executor.executions(None)).items

    assert bust.execution.corrects == "activity:long-ago"


async def test_a_correction_in_a_fills_place_is_not_booked_on_top() -> None:
    """Three shares that were corrected to two would be five."""
    tape = Tape()
    adapter, _ = over(tape)
    tape.add(1, 1)
    first = await adapter.executor.executions(None)
    tape.activities.clear()
    tape.add(2, 60, qty="2", cum_qty="2")

    page = await adapter.executor.executions(first.cursor)

    assert names(page) == []


async def test_fills_of_one_order_that_come_out_of_order_are_all_told() -> None:
    """The stretches that they cover do not overlap, whatever their times say."""
    tape = Tape()
    adapter, _ = over(tape)
    tape.add(2, 1, qty="3", cum_qty="6.000000001")
    first = await adapter.executor.executions(None)
    tape.add(1, 2, qty="3", cum_qty="3.000000002")

    page = await adapter.executor.executions(first.cursor)

    assert names(page) == [f"{ORDER_ID}:3.000000002"]
