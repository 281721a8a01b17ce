"""The adapter: settings, latency, stream, and the plain way of an order."""

import asyncio
import time

import pytest

from fillwright.errors import ConfigError, DuplicateClientOrderId, OrderRejected, UnknownSymbol
from fillwright.reports import Connected, Disconnected
from fillwright.testing import FakeBroker, FakeBrokerSettings, ManualClock
from fillwright.testing.fake_broker import FakeExecutor, FakeStream, provide_adapter
from fillwright.types import Mode, OrdStatus
from testing.adapter_tools import DeskSide, approved, changed, request, working


async def test_an_order_goes_out_and_comes_back(tmp_path):
    """The whole point: ack, reports and books agree."""
    async with DeskSide(tmp_path) as desk:
        ack = await desk.submit("one")
        assert ack.status is OrdStatus.NEW
        await desk.clock.settle()
        assert desk.told == ["up", "one NEW", "one TRADE"]
        executor = desk.adapter.executor
        found = await executor.find("one")
        assert (found.status, found.broker_order_id) == (OrdStatus.FILLED, ack.broker_order_id)
        assert desk.reports[-1].broker_order_id == ack.broker_order_id
        page = await executor.executions(None)
        assert [f.execution for f in page.items] == [desk.reports[-1].execution]
        assert (await executor.account()).quantity("AAPL") == 1
        assert await executor.open_orders() == []
        assert await executor.find("two") is None
        assert (await desk.adapter.quotes.quote("AAPL")).ask == found.average_price
        with pytest.raises(DuplicateClientOrderId):
            await desk.submit("one")
        with pytest.raises(UnknownSymbol):
            await executor.instrument("NOSUCH")


async def test_cancel_and_replace_by_either_id(tmp_path):
    """A desk that lost the ack knows only its own id."""
    async with DeskSide(tmp_path) as desk:
        executor = desk.adapter.executor
        fields = {"type": "LIMIT", "limit_price": "50"}
        ack = await desk.submit("one", **fields)
        await desk.submit("two", **fields)
        cancel = await executor.cancel(working("two"))
        assert cancel.status is OrdStatus.PENDING_CANCEL
        replaced = await executor.replace(
            working("one", ack), changed("one-b", desk.clock, limit_price="51")
        )
        assert replaced.broker_order_id != ack.broker_order_id
        (standing,) = await executor.open_orders()
        assert (standing.client_order_id, standing.limit_price) == ("one-b", 51)
        assert standing.replaces == ack.broker_order_id
        await desk.clock.settle()
        assert desk.told == [
            *("up", "one NEW", "two NEW", "two CANCELED", "one REPLACED", "one-b NEW")
        ]
        assert desk.reports[3].replaced_by == replaced.broker_order_id
        with pytest.raises(OrderRejected, match="order not found"):
            await executor.cancel(working("three"))


async def test_the_pump_finishes_what_the_touch_could_not(tmp_path):
    """A large order must not wait for the next request."""
    async with DeskSide(tmp_path, depth="10") as desk:
        await desk.submit("big", quantity="25")
        await desk.clock.run_for(0.2)
        assert [r.filled for r in desk.reports] == [0, 10, 20, 25]
        stamps = [r.transact_time for r in desk.reports]
        assert (stamps[2] - stamps[1]).total_seconds() == pytest.approx(0.05)


async def test_latency_goes_there_and_back(tmp_path):
    """An answer that comes before the order arrived hides every race."""
    async with DeskSide(tmp_path, latency=0.2) as desk:
        sending = asyncio.create_task(desk.submit("one"))
        await desk.clock.run_for(0.09)
        assert desk.adapter.venue.find("one") is None
        await desk.clock.run_for(0.02)
        assert desk.adapter.venue.find("one") is not None
        assert not sending.done()
        assert desk.told[-1] == "one TRADE"
        await desk.clock.run_for(0.1)
        assert sending.done()


async def test_latency_between_bounds_repeats(tmp_path):
    """A race that depends on the day's chance cannot be repeated."""

    async def times():
        found = []
        async with DeskSide(tmp_path, latency={"min": 0.1, "max": 0.9}, step=0) as desk:
            for number in range(4):
                sending = asyncio.create_task(desk.submit(f"o{number}"))
                begun = desk.clock.monotonic()
                while not sending.done():
                    await desk.clock.run_for(0.01)
                found.append(round(desk.clock.monotonic() - begun, 2))
        return found

    first = await times()
    assert first == await times()
    assert len(set(first)) > 1
    assert all(0.1 <= t <= 0.95 for t in first)


async def test_a_new_reader_starts_anew(tmp_path):
    """What happened between two readers is missed, and `Connected` says so."""
    async with DeskSide(tmp_path) as desk:
        await desk.clock.settle()
        reports = desk.adapter.stream.reports()
        await desk.submit("before")
        assert isinstance(await anext(reports), Connected)
        await desk.submit("after")
        assert (await anext(reports)).client_order_id == "after"
        await reports.aclose()


async def test_a_slow_reader_loses_nothing():
    """A queue that drops a fill makes a position that nobody knows."""
    clock = ManualClock()
    settings = FakeBrokerSettings.model_validate({"depth": "1", "backlog": 3})
    broker = FakeBroker(settings, clock)
    reports = broker.stream.reports()
    assert isinstance(await anext(reports), Connected)
    await broker.executor.submit(approved("big", clock, quantity="9"))
    await clock.run_for(5)
    assert len(broker.stream._waiting) == 3
    got = [await anext(reports) for _ in range(3)]
    await clock.run_for(0.1)
    got += [await anext(reports) for _ in range(7)]
    assert [r.filled for r in got] == list(range(10))
    await broker.close()


async def test_close_ends_everything(tmp_path):
    """A task that outlives its desk keeps a program from ending."""
    before = asyncio.all_tasks()
    async with DeskSide(tmp_path, state="fake.db") as desk:
        await desk.submit("one")
    assert asyncio.all_tasks() == before
    async with DeskSide(tmp_path, state="fake.db") as desk:
        assert (await desk.adapter.executor.find("one")).filled == 1
        assert desk.told == ["up"]


async def test_a_state_file_that_fails_stands_the_stream_down(tmp_path):
    """A stream that dies in silence looks like a quiet market."""
    async with DeskSide(tmp_path, state="fake.db", depth="1") as desk:
        await desk.submit("big", quantity="9")
        desk.adapter.venue._store._database.execute("PRAGMA query_only=ON")
        await desk.clock.run_for(0.2)
        last = desk.items[-1]
        assert isinstance(last, Disconnected)
        assert last.final
        assert "cannot be written" in last.reason


def test_nothing_stands_between_without_faults(tmp_path):
    """Fault machinery in the ordinary way would be measured and trusted as the product."""
    adapter = provide_adapter(request(tmp_path, ManualClock()))
    assert type(adapter.executor) is FakeExecutor
    assert type(adapter.stream) is FakeStream
    assert (adapter.executor.broker, adapter.executor.endpoint) == ("fake", Mode.PAPER)
    assert adapter.venue.account().account_id == "FAKE-1"


def test_live_mode_is_refused(tmp_path):
    """A person who means real money must not be shown invented fills."""
    with pytest.raises(ConfigError, match="the fake broker has no real money"):
        provide_adapter(request(tmp_path, ManualClock(), Mode.LIVE))


@pytest.mark.parametrize(
    ("table", "field", "said"),
    [
        ({"sed": 1}, "sed", "is not a setting. Did you mean seed?"),
        ({"xyz": 1}, "xyz", "is not a setting. Known are: account_id, backlog, cash"),
        ({"latency": {"mim": 1}}, "latency.mim", "is not a setting. Did you mean min?"),
        (
            {"instruments": {"ABC": {"prize": "1"}}},
            "instruments.ABC.prize",
            "is not a setting. Did you mean price?",
        ),
        (
            {"faults": [{"on": "submit", "fault": "delay", "second": 1}]},
            "faults.0.second",
            "is not a setting. Did you mean seconds?",
        ),
        ({"cash": 100.5}, "cash", "write it as a string"),
        ({"cash": "-1"}, "cash", "below zero"),
        ({"positions": {"AAPL": 1.5}}, "positions.AAPL", "write it as a string"),
        ({"latency": -1}, "latency.min", "must be at least 0"),
        ({"latency": {"min": 2, "max": 1}}, "latency", "min is above max"),
        ({"hours": "mars"}, "hours", "must be 'always' or 'us'"),
        ({"faults": [{"on": "submit", "fault": "lag"}]}, "faults.0", "cannot happen on submit"),
        ({"faults": [{"on": "submit", "fault": "magic"}]}, "faults.0.fault", "must be"),
        (
            {"faults": [{"on": "submit", "fault": "delay", "nth": 1, "every": 2}]},
            "faults.0",
            "at most one of nth, every and probability",
        ),
        ({"step": "often"}, "step", "must be a number"),
    ],
)
def test_bad_settings_name_their_field(tmp_path, table, field, said):
    """A misspelt setting that is ignored tests something else than it says."""
    with pytest.raises(ConfigError) as bad:
        provide_adapter(request(tmp_path, ManualClock(), **table))
    assert bad.value.where == f"fake.{field}"
    assert said in f"{bad.value.problem}. {bad.value.hint}"


def test_paths_start_at_the_config_file(tmp_path):
    """A path from the shell's folder would find another state on another day."""
    (tmp_path / "q.csv").write_text(
        "time,symbol,bid,ask,bid_size,ask_size\n2020-01-01T00:00:00Z,AAPL,1,2,3,4\n"
    )
    clock = ManualClock()
    adapter = provide_adapter(request(tmp_path, clock, state="deep/fake.db", quotes="q.csv"))
    assert (tmp_path / "deep" / "fake.db").exists()
    assert adapter.venue.quote("AAPL").ask == 2
    with pytest.raises(ConfigError, match="in use by another process"):
        provide_adapter(request(tmp_path, clock, state="deep/fake.db"))
    adapter.venue.close()


async def test_a_submit_is_fast():
    """A slow fake broker would be measured as a slow desk. The bound is loose on purpose."""
    clock = ManualClock()
    settings = FakeBrokerSettings.model_validate({"cash": "1000000000", "depth": "1000000000"})
    broker = FakeBroker(settings, clock)
    tasks = len(asyncio.all_tasks())
    orders = [approved(f"o{n}", clock) for n in range(2000)]
    begun = time.process_time()
    for order in orders:
        await broker.executor.submit(order)
    each = (time.process_time() - begun) / len(orders)
    assert each < 0.0005
    assert len(asyncio.all_tasks()) == tasks
    await broker.close()
