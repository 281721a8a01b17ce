"""Each fault does what it says, and nothing else."""

import asyncio

import pytest

from fillwright.errors import BrokerUnavailable, NotSent, OrderInDoubt, OrderRejected
from fillwright.testing import Fault, FaultScript, SeededRng
from fillwright.testing.fake_broker import PLACES, Kind, On
from fillwright.types import OrdStatus
from testing.adapter_tools import DeskSide, changed, working

_LIMIT = {"type": "LIMIT", "limit_price": "50"}


def _fault(on: str, fault: str, **more):
    return {"on": on, "fault": fault} | more


async def _finish(desk, coroutine, seconds=10.0):
    task = asyncio.create_task(coroutine)
    await desk.clock.run_for(seconds)
    assert task.done()
    return await task


_OUTCOMES = [
    ("drop_request", OrderInDoubt, "timed out", False),
    ("accept_then_timeout", OrderInDoubt, "timed out", True),
    ("accept_then_reset", OrderInDoubt, "connection reset", True),
    ("accept_late", OrderInDoubt, "timed out", False),
    ("not_sent", NotSent, "connection refused", False),
    ("rate_limited", NotSent, "429", False),
    ("reject", OrderRejected, "rejected by the fault script", False),
]


@pytest.mark.parametrize(("kind", "error", "said", "arrived"), _OUTCOMES)
async def test_faults_of_a_submit(tmp_path, kind, error, said, arrived):
    """A fault that lies about what the venue saw would test the wrong recovery."""
    faults = [_fault("submit", kind, nth=2, seconds=3)]
    async with DeskSide(tmp_path, faults=faults) as desk:
        await desk.submit("first")
        sending = asyncio.create_task(desk.submit("second"))
        await desk.clock.settle()
        await desk.clock.run_for(2)
        assert (desk.adapter.venue.find("second") is not None) is arrived
        await desk.clock.run_for(2)
        with pytest.raises(error, match=said):
            await sending
        late = kind == "accept_late"
        assert (desk.adapter.venue.find("second") is not None) is (arrived or late)
        assert (await desk.submit("third")).status is OrdStatus.NEW


@pytest.mark.parametrize(("kind", "error", "said", "arrived"), _OUTCOMES)
async def test_faults_of_cancel_and_replace(tmp_path, kind, error, said, arrived):
    """Cancel and replace can be in doubt exactly like a submit."""
    faults = [_fault("cancel", kind), _fault("replace", kind)]
    async with DeskSide(tmp_path, faults=faults) as desk:
        await desk.submit("one", **_LIMIT)
        await desk.submit("two", **_LIMIT)
        executor = desk.adapter.executor
        for ask in (
            executor.cancel(working("one")),
            executor.replace(working("two"), changed("two-b", desk.clock, limit_price="51")),
        ):
            with pytest.raises(error, match=said):
                await ask
        happened = arrived or kind == "accept_late"
        await desk.clock.run_for(1)
        assert (desk.adapter.venue.find("one").status is OrdStatus.CANCELED) is happened
        assert (desk.adapter.venue.find("two").status is OrdStatus.REPLACED) is happened


async def test_a_refusal_that_nobody_hears_is_in_doubt_too(tmp_path):
    """The desk cannot know that the lost answer was a refusal."""
    async with DeskSide(tmp_path, faults=[_fault("submit", "accept_then_timeout")]) as desk:
        with pytest.raises(OrderInDoubt):
            await desk.submit("one", quantity="100000")
        assert await desk.adapter.executor.find("one") is None


async def test_delay_arrives_later(tmp_path):
    """A slow request is still one request."""
    async with DeskSide(tmp_path, faults=[_fault("submit", "delay", seconds=3)]) as desk:
        sending = asyncio.create_task(desk.submit("one"))
        await desk.clock.run_for(2.9)
        assert desk.adapter.venue.find("one") is None
        await desk.clock.run_for(0.2)
        assert (await sending).status is OrdStatus.NEW


@pytest.mark.parametrize("on", ["find", "open_orders", "executions", "account", "quote"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [("drop_request", "timed out"), ("unavailable", "503"), ("rate_limited", "429")],
)
async def test_questions_without_an_answer(tmp_path, on, kind, said):
    """No answer must never look like an empty one."""
    async with DeskSide(tmp_path, faults=[_fault(on, kind, times=1)]) as desk:
        executor = desk.adapter.executor
        asks = {
            "find": lambda: executor.find("one"),
            "open_orders": executor.open_orders,
            "executions": lambda: executor.executions(None),
            "account": executor.account,
            "quote": lambda: desk.adapter.quotes.quote("AAPL"),
        }
        with pytest.raises(BrokerUnavailable, match=said):
            await asks[on]()
        await asks[on]()


@pytest.mark.parametrize("lag", [{"seconds": 2}, {"steps": 40}])
async def test_lists_that_lag(tmp_path, lag):
    """An order that is not listed yet is not an order that does not exist."""
    faults = [_fault(on, "lag", **lag) for on in ("find", "open_orders", "executions")]
    async with DeskSide(tmp_path, faults=faults) as desk:
        executor = desk.adapter.executor
        await desk.submit("fills")
        ack = await desk.submit("rests", **_LIMIT)
        assert await executor.find("fills") is None
        assert await executor.open_orders() == []
        empty = await executor.executions(None)
        assert list(empty.items) == []
        await desk.clock.run_for(1.5)
        await executor.cancel(working("rests", ack))
        await desk.clock.run_for(1)
        assert (await executor.find("fills")).status is OrdStatus.FILLED
        assert [o.client_order_id for o in await executor.open_orders()] == ["rests"]
        assert len((await executor.executions(empty.cursor)).items) == 1
        await desk.clock.run_for(1.5)
        assert (await executor.find("rests")).status is OrdStatus.CANCELED
        assert await executor.open_orders() == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (_fault("report", "duplicate", nth=2), ["a NEW", "a TRADE", "a TRADE", "b NEW", "b TRADE"]),
        (_fault("report", "drop", nth=2), ["a NEW", "b NEW", "b TRADE"]),
        (_fault("report", "reorder", nth=1), ["a TRADE", "a NEW", "b NEW", "b TRADE"]),
        (_fault("report", "reorder", nth=4), ["a NEW", "a TRADE", "b NEW", "b TRADE"]),
        (
            _fault("report", "delay", nth=2, seconds=1.5),
            ["a NEW", "b NEW", "b TRADE", "a TRADE"],
        ),
        (
            _fault("report", "drop", client_order_id="a*"),
            ["b NEW", "b TRADE"],
        ),
        (_fault("report", "drop", every=2), ["a NEW", "b NEW"]),
        (_fault("report", "gap", nth=2), ["a NEW", "gap", "b NEW", "b TRADE"]),
    ],
)
async def test_faults_of_single_reports(tmp_path, fault, told):
    """A stream that only ever works proves nothing about deduplication."""
    async with DeskSide(tmp_path, faults=[fault]) as desk:
        await desk.submit("a")
        await desk.clock.run_for(0.5)
        await desk.submit("b")
        await desk.clock.run_for(3)
        assert desk.told == ["up", *told]


async def test_a_disconnection_loses_what_happens_meanwhile(tmp_path):
    """Missed reports are not repeated: only the books know."""
    faults = [_fault("report", "disconnect", nth=3, seconds=2)]
    async with DeskSide(tmp_path, faults=faults) as desk:
        await desk.submit("a")
        await desk.submit("b")
        await desk.clock.run_for(1)
        await desk.submit("c")
        await desk.clock.run_for(1.5)
        await desk.submit("d")
        await desk.clock.settle()
        assert desk.told == ["up", "a NEW", "a TRADE", "down", "up", "d NEW", "d TRADE"]
        assert len((await desk.adapter.executor.executions(None)).items) == 4


async def test_a_connection_that_fails_at_first(tmp_path):
    """A desk that trades before its stream is up trades blind."""
    faults = [_fault("connect", "disconnect", nth=1, seconds=2)]
    async with DeskSide(tmp_path, faults=faults) as desk:
        assert desk.told == ["down"]
        await desk.submit("a")
        await desk.clock.run_for(3)
        assert desk.told == ["down", "up"]


@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize("on", ["connect", "report"])
async def test_a_stream_that_is_up_and_silent(tmp_path, hold, on):
    """A silent stream looks healthy; reports may come late or never."""
    faults = [_fault(on, "silent", nth=1, seconds=2, hold=hold)]
    async with DeskSide(tmp_path, faults=faults) as desk:
        await desk.submit("a")
        await desk.clock.run_for(1)
        assert desk.told == ["up"]
        await desk.clock.run_for(2)
        await desk.submit("b")
        await desk.clock.settle()
        kept = ["a NEW", "a TRADE"] if hold else []
        assert desk.told == ["up", *kept, "b NEW", "b TRADE"]


def test_chance_comes_from_the_seed():
    """A fault that strikes on another order in each run cannot be repeated."""
    line = Fault(on=On.SUBMIT, fault=Kind.NOT_SENT, probability=0.3)

    def strikes(seed):
        script = FaultScript([line], SeededRng(seed))
        return [script.strike(On.SUBMIT) is not None for _ in range(200)]

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert 30 < sum(strikes(1)) < 90


def test_times_ends_a_fault_and_lines_can_be_added():
    """A fault that never heals lets no run come to its end."""
    script = FaultScript([Fault(on=On.FIND, fault=Kind.UNAVAILABLE, times=2)], SeededRng(1))
    assert [bool(script.strike(On.FIND)) for _ in range(4)] == [True, True, False, False]
    script.add(Fault(on=On.FIND, fault=Kind.DELAY, nth=2))
    assert [bool(script.strike(On.FIND)) for _ in range(3)] == [False, True, False]
    script.clear()
    assert script.strike(On.FIND) is None


def test_every_fault_has_a_place():
    """A fault that cannot be written down is not tested by anybody."""
    assert set(PLACES) == set(Kind)
    assert all(places <= set(On) for places in PLACES.values())
