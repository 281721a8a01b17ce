"""Submitting: one order per intent, whatever becomes of the request."""

import asyncio

import pytest

from desk import invariants
from desk.kit import LIMITS, D, World, but, order, resting, with_dedup
from fillwright.errors import DeskBusy, DeskClosed, DuplicateClientOrderId, IntentConflict
from fillwright.protocols import Dedup
from fillwright.reports import AnomalyKind
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Scope


@pytest.fixture
async def world():
    made = World()
    yield made
    await made.end()


async def settled(world, seconds=60):
    """Let time pass until the faults are dealt with, and look at everything."""
    world.script.clear()
    await world.run(seconds)
    invariants.every_step(world)
    invariants.all_quiet(world)


async def test_an_order_fills_and_its_handle_says_so(world):
    """The way of most orders: without it nothing else matters."""
    await world.ready()

    handle = await world.submit(quantity="3")
    state = await world.wait(handle.done())

    assert (state.status, state.filled, state.average_price) == ("FILLED", 3, D("100.01"))
    await settled(world)


async def test_a_fill_before_the_ack_is_no_surprise(world):
    """An ack that comes behind its own fill must not bring the order back to NEW."""
    world.latency = 1.0
    world.__post_init__()
    await world.ready()

    handle = await world.submit(quantity="3")
    while handle.state.status in (OrdStatus.STAGED, OrdStatus.PENDING_NEW):
        await world.run(0.1)

    assert handle.state.status is OrdStatus.FILLED
    await world.run(2)
    assert world.state(handle.client_order_id).status is OrdStatus.FILLED
    await settled(world)


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
    await settled(world)


async def test_a_stream_that_was_faster_leaves_no_doubt(world):
    """A doubt about what is already proven blocks the symbol for nothing."""
    await world.ready()
    world.fault("submit", "accept_then_timeout", seconds=1.0)

    handle = await world.submit(**resting())
    await world.run(1.5)

    assert not any(c.after and c.after.in_doubt for c in world.changes)
    assert handle.state.status is OrdStatus.NEW
    await settled(world)


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
    await settled(world)


async def test_a_request_that_arrives_late_makes_no_second_order(world):
    """The first request may still arrive after the second: the id is the same for that."""
    await world.ready()
    world.fault("submit", "accept_late", seconds=8.0)
    handle = await world.submit(**resting())
    await world.run(20)

    assert len(world.at_venue(handle.client_order_id)) == 1
    assert world.state(handle.client_order_id).status is OrdStatus.NEW
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


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
    await settled(world)


async def test_a_request_that_never_left_goes_again_at_once(world):
    """A refused connection proves that nothing left; waiting for the fence loses the moment."""
    await world.ready()
    world.fault("submit", "not_sent", times=2)

    handle = await world.submit(quantity="1")
    state = await world.wait(handle.done())

    assert state.status is OrdStatus.FILLED
    assert world.requests["submit", handle.client_order_id] == 3
    await settled(world)


async def test_a_rejection_is_final_and_has_its_evidence(world):
    """A rejection that is tried again annoys the broker; one without evidence is a guess."""
    await world.ready()
    world.fault("submit", "reject", text="insufficient buying power")

    state = await world.wait((await world.submit()).done())

    assert state.status is OrdStatus.REJECTED
    assert state.text == "insufficient buying power"
    await settled(world)


async def test_a_rejection_of_the_second_request_says_nothing_of_the_first(world):
    """The broker refuses the repetition because the first one holds the money."""
    await world.ready()
    world.fault("submit", "accept_late", seconds=9.0, nth=1)
    world.fault("submit", "reject", nth=2)
    handle = await world.submit(**resting())
    await world.run(60)

    assert [o.status for o in world.at_venue(handle.client_order_id)] in (["NEW"], ["CANCELED"])
    assert world.state(handle.client_order_id).status is not OrdStatus.REJECTED
    await settled(world)


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


async def test_the_same_intent_is_the_same_order(world):
    """A caller that retries must not trade twice."""
    await world.ready()
    first, second = await asyncio.gather(
        *(world.desk.submit(order(intent_id="once", **resting())) for _ in range(2))
    )
    await world.run(1)
    third = await world.desk.submit(order(intent_id="once", **resting()))

    assert first is second is third
    assert world.requests["submit", first.client_order_id] == 1
    with pytest.raises(IntentConflict):
        await world.desk.submit(order(intent_id="once", **resting(quantity="2")))


@pytest.mark.parametrize("crash", [True, False])
async def test_the_same_intent_across_a_restart_even_when_it_settled(world, crash):
    """A process that starts again and asks again must not trade again."""
    await world.ready()
    handle = await world.desk.submit(order(intent_id="once", quantity="2"))
    await world.wait(handle.done())
    await world.run(1)
    await (world.crash() if crash else world.aclose())
    await world.ready()

    again = await world.desk.submit(order(intent_id="once", quantity="2"))

    assert again.state.status is OrdStatus.FILLED
    assert again == handle
    assert (await world.desk.find("once")) == handle
    assert world.requests["submit", handle.client_order_id] == 1
    with pytest.raises(IntentConflict):
        await world.desk.submit(order(intent_id="once", quantity="3"))
    await settled(world)


async def test_a_staged_intent_goes_on_when_it_is_asked_for_again(world):
    """What a crash left unsent is sent once when its owner still wants it."""
    world.limits = but(LIMITS, ready_within=60.0)
    await world.ready()
    world.fault("report", "disconnect", seconds=50)
    await world.submit(quantity="1")
    handle = await world.desk.submit(order(intent_id="later", **resting()))
    await world.run(1)
    assert handle.state.status is OrdStatus.STAGED
    await world.crash(keep=100)
    world.script.clear()
    await world.ready()
    await world.run(5)
    assert world.requests["submit", handle.client_order_id] == 0

    again = await world.desk.submit(order(intent_id="later", **resting()))
    await world.run(1)

    assert again.state.status is OrdStatus.NEW
    await settled(world)


async def test_more_orders_than_the_desk_takes_are_refused_unrecorded(world):
    """An unbounded queue fails late and takes everything with it."""
    world.limits = but(LIMITS, max_in_flight=5)
    await world.ready()
    for number in range(5):
        await world.submit(**resting(intent_id=f"o{number}"))
    recorded = world.journal.seq

    with pytest.raises(DeskBusy):
        await world.desk.submit(order(intent_id="one too many"[:3], **resting()))

    assert world.journal.seq == recorded
    known = await world.desk.submit(order(intent_id="o3", **resting()))
    assert known.state.status is OrdStatus.NEW


async def test_settled_orders_make_room_again(world):
    """A desk that counts what is over stops trading after a thousand orders."""
    world.limits = but(LIMITS, max_in_flight=3)
    await world.ready()
    for _ in range(12):
        await world.wait((await world.submit(quantity="1")).done())
        await world.run(1)
    await settled(world)


@pytest.mark.parametrize("word", ["raise", "none"])
async def test_a_check_that_fails_stops_the_order(world, word):
    """A check that raises or says nothing has not allowed anything."""
    await world.ready()

    state = await world.wait((await world.submit(tags=(word,))).done())

    assert state.status is OrdStatus.REFUSED
    assert world.requests.total() == 0


async def test_a_caller_that_goes_away_takes_nothing_with_it(world):
    """Cancelling the task that submitted must neither lose nor repeat the order."""
    world.latency = 0.5
    world.__post_init__()
    await world.ready()

    async def owner():
        handle = await world.desk.submit(order(intent_id="mine", quantity="1"))
        await handle.done()

    task = asyncio.create_task(owner())
    await world.run(0.1)
    task.cancel()
    await world.run(5)

    handle = await world.desk.find("mine")
    assert handle is not None
    assert handle.state.status is OrdStatus.FILLED
    await settled(world)


async def test_two_orders_inside_one_ack_latency_share_the_limit(world):
    """Two orders that each fit and together do not must not both pass."""
    seen = []

    def limit(asked, book):
        held = book.exposure(asked.symbol)
        seen.append(held.open_buys)
        return ALLOW

    world.latency = 1.0
    world.__post_init__()
    world.checks = (
        *world.checks,
        type("Named", (), {"name": "limit", "call": staticmethod(limit)}),
    )
    await world.ready()
    await world.desk.submit(order(**resting(quantity="3")))
    await world.desk.submit(order(**resting(quantity="4")))
    await world.run(0.1)
    await world.desk.submit(order(**resting(quantity="5")))
    await world.run(5)

    assert seen == [0, 3, 7]


async def test_a_closed_desk_takes_nothing(world):
    """An order that is taken and never carried is worse than one refused."""
    await world.ready()
    desk = world.desk
    await world.aclose()

    with pytest.raises(DeskClosed):
        await desk.submit(order())
    with pytest.raises(DeskClosed):
        await desk.cancel("fw-1")


async def test_halted_while_it_waits_for_its_turn(world):
    """A halt that lets through what stands in a queue behind the gate is no halt."""
    await world.ready()
    await world.submit(quantity="1")
    free = world.parts.limiter
    free._tokens = 0.0
    waiting = await world.submit(quantity="1")
    less = await world.submit(side="SELL", quantity="1")
    assert waiting.state.status is OrdStatus.STAGED

    await world.desk.halt(Scope.DESK, reason="test", by="tester")
    free._tokens = 500_000.0
    await world.run(3)

    assert waiting.state.status is OrdStatus.REFUSED
    assert less.state.status is OrdStatus.FILLED
    assert world.requests["submit", waiting.client_order_id] == 0
