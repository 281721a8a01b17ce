"""While the books are compared the market goes on: what came meanwhile counts."""

import pytest

from desk.kit import D, open_order, order
from fillwright.errors import DeskClosed
from fillwright.plans import TargetQuantities
from fillwright.protocols import ClosePolicy
from fillwright.reports import Evidence, ExecutionReport, Source
from fillwright.types import ExecType, Mode, OrdStatus


def asking(world, name, answer):
    """From now on this question is answered by the test, who gets the real one."""
    executor = world.parts.adapter.executor
    before = getattr(executor, name)

    async def asked(*given):
        return await answer(before, *given)

    setattr(executor, name, asked)
    return lambda: setattr(executor, name, before)


def claim(world, handle, filled):
    """The broker claims so much as filled, and lists no execution of it."""
    state = handle.state
    world.parts.books.take(
        ExecutionReport(
            ExecType.ORDER_STATUS,
            state.symbol,
            state.side,
            Evidence(Source.STREAM, "claim"),
            world.clock.now(),
            state.client_order_id,
            state.broker_order_id,
            status=OrdStatus.PARTIALLY_FILLED,
            filled=D(filled),
        )
    )
    assert handle.state.missing == filled


async def test_books_that_are_opened_while_it_fills_are_read_again(world):
    """Neither in the opening position nor among what follows: shares that nobody counts."""
    await world.ready()
    told = []

    async def account(before):
        said = await before()
        told.append(said.quantity("AAPL"))
        if len(told) == 1:
            world.venue.submit(order(), "by-hand")
            await world.clock.sleep(0.5)
        return said

    undo = asking(world, "account", account)
    opened = await world.wait(world.parts.reconciler.open_books())
    undo()

    assert told == [20, 21]
    assert opened.quantity("AAPL") == 21


async def test_an_order_that_ends_while_it_is_looked_for_is_not_doubted(world):
    """A doubt about what is over blocks its symbol for nothing."""
    await world.ready()
    handle = await open_order(world)

    async def gone(_before, *_given):
        return []

    async def find(_before, *_given):
        world.venue.cancel(handle.state.broker_order_id)
        await world.clock.sleep(0.5)

    back = [asking(world, "open_orders", gone), asking(world, "find", find)]
    await world.wait(world.desk.reconcile())

    assert (handle.state.status, handle.state.in_doubt) == (OrdStatus.CANCELED, False)
    for undo in back:
        undo()
    await world.settled()


async def test_an_execution_that_comes_while_it_is_asked_for_is_not_inferred(world):
    """Booked on the broker's word and by itself, it is counted twice."""
    await world.ready()
    handle = await open_order(world, quantity="4")
    claim(world, handle, 2)

    async def find(before, *given):
        world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))
        await world.clock.sleep(0.5)
        return await before(*given)

    undo = asking(world, "find", find)
    for _ in range(2):
        await world.wait(world.desk.reconcile())
    undo()

    assert (handle.state.filled, handle.state.inferred) == (2, 0)
    await world.settled()


async def test_a_claim_that_the_broker_takes_back_is_let_go(world):
    """An order that waits for executions of a claim that nobody makes any more never ends."""
    await world.ready()
    handle = await open_order(world, quantity="4")
    claim(world, handle, 3)
    for _ in range(3):
        await world.wait(world.desk.reconcile())

    assert (handle.state.missing, handle.state.filled) == (0, 0)
    await world.wait(world.desk.cancel(handle.client_order_id))
    assert (await world.wait(handle.done())).status is OrdStatus.CANCELED
    await world.settled()


# ---------------------------------------------------------------------- opening and closing


async def test_a_desk_that_may_not_cancel_closes_all_the_same(world, caplog):
    """The wrong endpoint, and the journal stays locked until somebody kills the process."""
    await world.ready()
    handle = await open_order(world)
    world.parts.adapter.executor.endpoint = Mode.LIVE
    await world.aclose(ClosePolicy.CANCEL_ALL)

    assert world.desk.state == "closed"
    assert any("drain_failed" in record.message for record in caplog.records)
    assert world.venue.open_orders()[0].client_order_id == handle.client_order_id


async def test_a_closed_desk_begins_no_plan(world):
    """Its result would be one of a desk that sends nothing."""
    await world.ready()
    await world.aclose()

    with pytest.raises(DeskClosed):
        await world.desk.execute(TargetQuantities(plan_id="p", target_quantities={"AAPL": D(1)}))
