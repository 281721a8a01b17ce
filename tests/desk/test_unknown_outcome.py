"""Requests whose outcome nobody knows: asked about, fenced, sent again once, or given up."""

import asyncio

import pytest

from desk.kit import LIMITS, but, order, resting, with_dedup
from fillwright.errors import (
    DuplicateClientOrderId,
)
from fillwright.protocols import Dedup
from fillwright.reports import AnomalyKind
from fillwright.resilience import Lane
from fillwright.types import OrdStatus


@pytest.mark.parametrize("how", ["accept_then_timeout", "accept_then_reset"])
async def test_an_order_that_was_taken_unheard_is_adopted(world, how):
    """A timeout read as a failure leaves an order at the broker that nobody knows."""
    await world.ready()
    world.fault("submit", how, seconds=1.0)
    world.fault("report", "drop", times=5)

    handle = await world.submit(**resting())
    state = await world.wait(handle.decided())
    assert state.status is OrdStatus.IN_DOUBT
    await world.run(1)

    assert world.state(handle.client_order_id).status is OrdStatus.NEW
    assert world.requests["submit", handle.client_order_id] == 1
    await world.settled()


async def test_a_stream_that_was_faster_leaves_no_doubt(world):
    """A doubt about what is already proven blocks the symbol for nothing."""
    await world.ready()
    world.fault("submit", "accept_then_timeout", seconds=1.0)

    handle = await world.submit(**resting())
    await world.run(1.5)

    assert not any(c.after and c.after.in_doubt for c in world.changes)
    assert handle.state.status is OrdStatus.NEW
    await world.settled()


async def test_a_lost_request_goes_again_behind_the_fence(world):
    """Sending again too early makes two orders; never sending again loses one."""
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    key = handle.client_order_id

    await world.run(1.9)
    assert world.requests["submit", key] == 1, "sent again within t_inflight"
    await world.run(10)

    assert world.requests["submit", key] == 2
    assert len(world.at_venue(key)) == 1
    assert world.state(key).status is OrdStatus.NEW
    await world.settled()


async def test_a_request_that_arrives_late_makes_no_second_order(world):
    """The first request may still arrive after the second: the id is the same for that."""
    await world.ready()
    world.fault("submit", "accept_late", seconds=8.0)
    handle = await world.submit(**resting())
    await world.run(20)

    assert len(world.at_venue(handle.client_order_id)) == 1
    assert world.state(handle.client_order_id).status is OrdStatus.NEW
    await world.settled()


async def test_what_is_answered_while_it_waits_for_its_turn_does_not_go_again(world):
    """Once more at the broker whose answer is here: a duplicate id where it looks at ids."""
    await world.ready()
    world.fault("submit", "accept_late", seconds=15.0)
    waited = []

    async def hold(lane):
        waited.append(lane)
        await world.clock.sleep(15)

    held = {"try_acquire": lambda _lane: False, "acquire": staticmethod(hold)}
    handle = await world.submit(**resting())
    await world.run(1)
    world.parts.carrier._limiter = type("Held", (), held)
    await world.run(30)

    key = handle.client_order_id
    assert waited == [Lane.SUBMIT]
    assert world.requests["submit", key] == 1
    assert world.state(key).status is OrdStatus.NEW
    await world.settled()


async def test_past_its_deadline_it_is_abandoned_on_clean_reads(world):
    """An order that goes out after its deadline trades on a decision that is no longer meant."""
    world.limits = but(LIMITS, send_deadline=1.0)
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    state = await world.wait(handle.done())

    assert state.status is OrdStatus.ABANDONED
    assert state.evidence is not None
    assert "clean reads" in state.evidence.reference
    assert world.requests["submit", handle.client_order_id] == 1
    await world.settled()


async def test_what_arrives_after_it_was_abandoned_is_cancelled(world):
    """An order that was given up and then works unseen is a position that nobody wants."""
    world.limits = but(LIMITS, send_deadline=1.0)
    await world.ready()
    world.fault("submit", "accept_late", seconds=30.0)
    handle = await world.submit(**resting())
    assert (await world.wait(handle.done())).status is OrdStatus.ABANDONED

    await world.run(30)

    kinds = {a.kind for c in world.changes for a in c.anomalies}
    assert AnomalyKind.LATE_ACCEPT in kinds
    assert [o.status for o in world.at_venue(handle.client_order_id)] == ["CANCELED"]
    assert world.state(handle.client_order_id).status is OrdStatus.CANCELED
    await world.settled()


@pytest.mark.parametrize("restart", [False, True])
async def test_a_refused_cancel_of_what_was_given_up_is_asked_for_again(world, restart):
    """A broker that once says no leaves an order at work that nobody waits for."""
    world.limits = but(LIMITS, send_deadline=1.0)
    await world.ready()
    world.fault("submit", "accept_late", seconds=30.0)
    world.fault("cancel", "reject")
    handle = await world.submit(**resting())
    await world.wait(handle.done())
    while not world.requests["cancel", handle.client_order_id]:
        await world.run(1)
    if restart:
        await world.crash()
        await world.ready()
    await world.run(2 * world.limits.reconcile_every)

    assert [o.status for o in world.at_venue(handle.client_order_id)] == ["CANCELED"]
    await world.settled()


async def test_what_arrives_late_and_unseen_is_found_and_cancelled_after_a_restart(world):
    """The late order must not outlive the process that gave it up."""
    world.limits = but(LIMITS, send_deadline=1.0)
    await world.ready()
    world.fault("submit", "accept_late", seconds=30.0)
    handle = await world.submit(**resting())
    await world.wait(handle.done())
    await world.crash()
    await world.run(30)

    await world.ready()
    await world.run(5)

    assert [o.status for o in world.at_venue(handle.client_order_id)] == ["CANCELED"]
    await world.settled()


async def test_a_duplicate_id_is_the_order_itself(world):
    """A "duplicate id" read as a rejection loses an order that works."""
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    key = handle.client_order_id
    # The broker has it after all, and says so only to who sends it again.
    world.fault("find", "lag", seconds=60, times=50)
    world.fault("open_orders", "lag", seconds=60, times=50)
    world.fault("report", "drop", times=5)
    world.venue.submit(order(**resting()), key)
    await world.run(30)
    assert world.state(key).status is not OrdStatus.REJECTED

    world.script.clear()
    await world.run(60)

    assert world.state(key).status in (OrdStatus.NEW, OrdStatus.MANUAL)
    assert len(world.at_venue(key)) == 1


async def test_an_id_that_is_proven_to_exist_is_never_abandoned(world):
    """Clean reads that contradict the broker's own word prove that the reads are blind."""
    world.limits = but(LIMITS, send_deadline=10.0)
    await world.ready()

    async def refuses(_order):
        raise DuplicateClientOrderId(
            _order.client_order_id, "422", "client_order_id must be unique"
        )

    world.parts.adapter.executor.submit = refuses
    handle = await world.submit(**resting())
    state = await world.wait(handle.done())

    assert state.status is OrdStatus.MANUAL


@pytest.mark.parametrize("dedup", [Dedup.TAG_ONLY, Dedup.NONE])
async def test_a_broker_that_takes_duplicates_never_gets_one(world, dedup):
    """Without a server that refuses the second one, a resend is a second order."""
    world.capabilities = with_dedup(dedup)
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    state = await world.wait(handle.done())
    await world.run(60)

    assert state.status is OrdStatus.MANUAL
    assert world.requests["submit", handle.client_order_id] == 1


async def test_what_waits_for_a_person_is_settled_when_it_shows(world):
    """A late appearance is the evidence that the person was waiting for."""
    world.capabilities = with_dedup(Dedup.TAG_ONLY)
    await world.ready()
    world.fault("submit", "accept_late", seconds=20)
    handle = await world.submit(**resting())
    assert (await world.wait(handle.done())).status is OrdStatus.MANUAL

    await world.run(20)

    assert world.state(handle.client_order_id).status is OrdStatus.NEW
    await world.settled()


async def test_a_rejection_of_the_second_request_says_nothing_of_the_first(world):
    """The broker refuses the repetition because the first one holds the money."""
    await world.ready()
    world.fault("submit", "accept_late", seconds=9.0, nth=1)
    world.fault("submit", "reject", nth=2)
    handle = await world.submit(**resting())
    await world.run(60)

    assert [o.status for o in world.at_venue(handle.client_order_id)] in (["NEW"], ["CANCELED"])
    assert world.state(handle.client_order_id).status is not OrdStatus.REJECTED
    await world.settled()


async def test_an_answer_that_never_comes_puts_the_order_in_doubt(world):
    """A request that hangs for ever hides an order for ever."""
    await world.ready()

    async def hangs(_order):
        await asyncio.get_running_loop().create_future()

    world.parts.adapter.executor.submit = hangs
    handle = await world.submit(**resting())
    await world.run(12)

    assert handle.state.status is OrdStatus.IN_DOUBT


async def test_an_unknown_exception_of_the_adapter_proves_nothing(world):
    """A bug in an adapter that is read as "not sent" sends twice."""
    await world.ready()

    async def fails(_order):
        raise KeyError("a field that the vendor removed")

    world.parts.adapter.executor.submit = fails
    state = await world.wait((await world.submit(**resting())).decided())

    assert state.status is OrdStatus.IN_DOUBT
    assert "KeyError" in state.pending[0].doubt


async def test_in_doubt_blocks_new_risk_of_its_symbol_only(world):
    """New risk on top of an unknown order doubles what is not known."""
    await world.ready()
    world.fault("submit", "drop_request")
    await world.submit(**resting())
    other = await world.submit(symbol="KO")
    same = await world.submit(quantity="2")
    less = await world.submit(side="SELL", quantity="2")
    await world.run(0)

    assert other.state.status is OrdStatus.FILLED
    assert same.state.status is OrdStatus.REFUSED
    assert same.state.reasons[0].code == "IN_DOUBT"
    assert less.state.status is OrdStatus.FILLED
