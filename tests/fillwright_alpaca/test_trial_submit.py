"""One request for each attempt and one order for each intent, whatever becomes of the request."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alpacakit.world import PATIENCE, AlpacaWorld
from desk.kit import order, resting
from fillwright.testing.paper_server import PLACES, Fault, Kind, On
from fillwright.types import OrdStatus

DUPLICATE = "client_order_id must be unique"
#: What a kind needs besides its name; one that is absent needs nothing.
MORE: dict[Kind, list[dict[str, Any]]] = {
    Kind.ACCEPT_LATE: [{"seconds": 1.0}, {"seconds": 8.0}],
    Kind.DELAY: [{"seconds": 1.0}],
    Kind.DELAY_ANSWER: [{"seconds": 1.0}],
    Kind.SLOW_ANSWER: [{"seconds": 5.0}],
    Kind.EVENT_FIRST: [{"seconds": 0.5}],
    Kind.REFUSE_CONNECTIONS: [{"seconds": 3.0}],
    Kind.BAD_GATEWAY: [{}, {"taken": True}],
    Kind.UNAVAILABLE: [{}, {"taken": True}],
    Kind.SERVER_ERROR: [{}, {"taken": True}],
    Kind.REDIRECT: [{}, {"taken": True}],
    Kind.REJECT: [
        {"status": 403, "code": 40310000, "text": "insufficient buying power"},
        {"status": 422, "code": 40010001, "text": "qty or notional is required"},
        {"status": 422, "code": 40010001, "text": DUPLICATE},
        {"status": 408, "code": None, "text": "request timed out", "taken": True},
    ],
    Kind.FIELD_MISSING: [{"field": f} for f in ("id", "client_order_id", "status")],
    Kind.FIELD_NULL: [{"field": f} for f in ("id", "client_order_id", "symbol")],
    Kind.FIELD_RETYPED: [{"field": f} for f in ("id", "client_order_id", "qty")],
    Kind.FIELD_SET: [{"field": "client_order_id", "value": "fw-somebody-elses"}],
}
CASES = [
    {"fault": kind, **more}
    for kind, places in PLACES.items()
    if On.SUBMIT in places
    for more in MORE.get(kind, [{}])
]


def expected(case: dict[str, Any]) -> OrdStatus:
    """How the order stands in the end: it works, unless the broker's own word is against it."""
    kind = case["fault"]
    if case.get("taken"):
        return OrdStatus.NEW
    if case.get("text") == DUPLICATE:
        return OrdStatus.MANUAL  # the broker says that it has it, and never shows it
    if kind is Kind.RATE_LIMITED:
        return OrdStatus.EXPIRED
    if kind is Kind.REFUSE_CONNECTIONS:
        return OrdStatus.ABANDONED  # when it might have gone again, the desk was not ready
    refused = kind in (Kind.UNAUTHORIZED, Kind.REJECT)
    return OrdStatus.REJECTED if refused else OrdStatus.NEW


class Trial(AlpacaWorld):
    #: In seconds: hangs are part of this trial, and so is an answer that waits for the test.
    give_up = 1.5


@asynccontextmanager
async def desk() -> AsyncIterator[Trial]:
    world = Trial()
    await world.begin()
    try:
        await world.ready()
        yield world
    finally:
        await world.end()


def name_of(case: dict[str, Any]) -> str:
    return "-".join(str(value) for key, value in case.items() if key != "status")


@pytest.mark.parametrize("case", CASES, ids=name_of)
async def test_each_attempt_is_one_request_and_each_intent_one_order(case: dict[str, Any]) -> None:
    """A library that repeats by itself, or an answer that is misread, buys twice."""
    async with desk() as world:
        world.server.faults.add(Fault.model_validate({"on": On.SUBMIT, "nth": 1, **case}))

        handle = await world.submit(**resting())
        key = handle.client_order_id
        await world.run(25)

        sent = world.server.requests.of(On.SUBMIT, key)
        at_broker = world.at_venue(key)
        assert len(sent) == world.requests["submit", key]
        assert len(at_broker) <= 1
        assert handle.state.status is expected(case)
        assert [o.broker_order_id for o in at_broker] == [
            one for one in (handle.state.broker_order_id,) if one is not None
        ]
        await world.settled(30)


async def test_an_order_that_was_taken_unheard_is_found_by_its_id() -> None:
    """The gateway's 504 says nothing about the order behind it."""
    async with desk() as world:
        world.fault("submit", "accept_then_504")
        world.fault("report", "drop", times=5)

        handle = await world.submit(**resting())
        await world.run(10)

        assert handle.state.status is OrdStatus.NEW
        assert len(world.server.requests.of(On.SUBMIT)) == 1
        await world.settled(30)


async def test_a_second_request_that_is_refused_as_a_duplicate_adopts_the_first() -> None:
    """Books that lag show nothing behind a 504; a duplicate read as a rejection loses an order."""
    async with desk() as world:
        world.fault("submit", "accept_then_504")
        world.fault("report", "drop", times=5)
        for question in ("find", "open_orders", "executions"):
            world.fault(question, "lag", seconds=30.0, times=20)

        handle = await world.submit(**resting())
        await world.run(60)

        statuses = [seen.status for seen in world.server.requests.of(On.SUBMIT)]
        assert statuses == [504, 422]
        assert handle.state.status is OrdStatus.NEW
        assert [o.broker_order_id for o in world.at_venue(handle.client_order_id)] == [
            handle.state.broker_order_id
        ]
        await world.settled(30)


async def test_events_that_come_before_the_answer_are_the_same_order() -> None:
    """A fill that is faster than the answer to its own submit is lost, or booked twice."""
    async with desk() as world:
        world.fault("submit", "event_first", seconds=0.5)

        handle = await world.desk.submit(order(quantity="3"))
        await until(lambda: handle.state.filled == 3)
        before = handle.state
        asked = world.server.requests.of(On.SUBMIT)
        assert [seen.status for seen in asked] == [None]
        world.clock.advance(0.6)
        await world.run(5)

        assert before.status is OrdStatus.FILLED
        assert [seen.status for seen in world.server.requests.of(On.SUBMIT)] == [200]
        assert (handle.state.status, handle.state.filled) == (OrdStatus.FILLED, 3)
        await world.settled(30)


async def until(true: Callable[[], bool]) -> None:
    """Let real sockets work while the desk's time stands still."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE, "it never came"
        await asyncio.sleep(0.005)
