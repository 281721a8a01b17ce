"""The stream over the paper server, which behaves and misbehaves as Alpaca does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from pydantic import SecretStr

from alpacakit.streaming import Reader
from alpacakit.wsbroker import PATIENCE, HastyClock
from fillwright.reports import Disconnected, ExecutionReport, Gap, Heartbeat
from fillwright.testing import SeededRng
from fillwright.testing.paper_server import On
from fillwright.types import ExecType, OrdStatus
from fillwright_alpaca.answers import activity_of
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.messages import execution_id
from fillwright_alpaca.stream import AlpacaStream
from fillwright_alpaca.tape import Tape
from testing.paper_server.web_tools import Bench, bench, buy, eventually, fault, resting


def stream_of(
    desk: Bench, clock: HastyClock | None = None, orders: KnownOrders | None = None
) -> AlpacaStream:
    account = desk.account
    return AlpacaStream(
        desk.server.stream_url,
        SecretStr(account.key),
        SecretStr(account.secret),
        clock=clock or HastyClock(10),
        rng=SeededRng("paper"),
        orders=orders,
    )


@asynccontextmanager
async def reading(
    desk: Bench, clock: HastyClock | None = None, orders: KnownOrders | None = None
) -> AsyncIterator[Reader]:
    """A reader of the account's stream that is connected."""
    reader = Reader(stream_of(desk, clock, orders)).start()
    try:
        await told(reader, 1)
        yield reader
    finally:
        await reader.stream.close()
        await asyncio.wait_for(asyncio.wait([reader.task]), PATIENCE)


async def told(reader: Reader, count: int) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        await reader.until(count)
    return reader.told


async def test_the_life_of_an_order():
    """What the stream books and what the account activities list must bear the same names."""
    async with bench() as desk, reading(desk) as reader:
        made = (await desk.submit(resting("c-1", qty="10"))).json
        venue = desk.account.venue
        for quantity, price in ((3, 99), (7, 98)):
            venue.control.fill(made["id"], Decimal(quantity), Decimal(price))
        assert await told(reader, 4) == ["up", "NEW", "TRADE", "TRADE"]
        listed = (await desk.get("/v2/account/activities/FILL?direction=asc")).json

        said = reader.of(ExecutionReport)
        assert {one.client_order_id for one in said} == {"c-1"}
        booked = [
            (e.execution_id, e.quantity, e.price) for e in (one.execution for one in said[1:])
        ]
        assert booked == [
            (
                execution_id(a["order_id"], Decimal(a["cum_qty"])),
                Decimal(a["qty"]),
                Decimal(a["price"]),
            )
            for a in listed
        ]
        assert said[-1].status is OrdStatus.FILLED


@pytest.mark.parametrize("corrected", [False, True])
async def test_a_bust_and_a_correction(corrected):
    """What the venue took back must go once, whether the stream or the activities tell it."""
    async with bench(list_busts=True) as desk, reading(desk) as reader:
        made = (await desk.submit(resting("c-1", qty="10"))).json
        control = desk.account.venue.control
        done = control.fill(made["id"], Decimal(4), Decimal(99))
        if corrected:
            control.correct(done.execution_id, Decimal(3), Decimal("98.5"))
        else:
            control.bust(done.execution_id)
        kind = "TRADE_CORRECT" if corrected else "TRADE_CANCEL"
        assert await told(reader, 4) == ["up", "NEW", "TRADE", kind]
        listed = (await desk.get("/v2/account/activities/FILL?direction=asc")).json

        names = [(e.execution_id, e.corrects) for e in (r.execution for r in _executed(reader))]
        tape = Tape().take([activity_of(one) for one in listed])
        assert names == [(one.execution_id, one.corrects) for one in tape]
        assert names[1][1] == names[0][0]


def _executed(reader: Reader) -> list[ExecutionReport]:
    return [one for one in reader.of(ExecutionReport) if one.execution is not None]


async def test_a_replace():
    """The fills of the order that follows must find the order that was asked for."""
    async with bench() as desk, reading(desk) as reader:
        made = (await desk.submit(resting("c-1"))).json
        change = {"limit_price": "101", "client_order_id": "c-1-r1"}
        after = (await desk.ask("PATCH", f"/v2/orders/{made['id']}", json=change)).json
        desk.account.venue.control.fill(after["id"], Decimal(1), Decimal(99))
        await eventually(lambda: reader.told[-1] == "TRADE")

        said = reader.of(ExecutionReport)
        happened = [one for one in said if one.exec_type is ExecType.REPLACED]
        assert {(one.broker_order_id, one.replaced_by) for one in happened} == {
            (made["id"], after["id"])
        }
        assert said[-1].broker_order_id == after["id"]
        assert reader.of(Gap) == []


async def test_a_bracket():
    """The legs, under names of the broker's own, belong to the entry; only answers tell which."""
    async with bench() as desk:
        orders = KnownOrders()
        async with reading(desk, orders=orders) as reader:
            order = resting("c-1", order_class="bracket")
            exits = {"take_profit": {"limit_price": "9000"}, "stop_loss": {"stop_price": "50"}}
            made = (await desk.submit(order | exits)).json
            orders.learn(made)
            legs = {leg["id"] for leg in made["legs"]}
            await told(reader, 4)
            desk.account.venue.control.fill(made["id"], Decimal(1), Decimal(100))
            await told(reader, 7)

            later = reader.of(ExecutionReport)[3:]
            assert {one.broker_order_id for one in later} == {made["id"], *legs}
            for one in later:
                assert one.parent == ("c-1" if one.broker_order_id in legs else None)


async def test_missed_events_are_not_replayed_and_not_guessed():
    """Nothing that was missed is sent again: the next fill must not take the missed one's place."""
    async with bench() as desk, reading(desk) as reader:
        made = (await desk.submit(resting("c-1", qty="10"))).json
        fill = desk.account.venue.control.fill
        await told(reader, 2)
        assert desk.server.disturb(fault("connect", "cut")) == 1
        fill(made["id"], Decimal(3), Decimal(99))
        assert await told(reader, 4) == ["up", "NEW", "down", "up"]
        await eventually(lambda: desk.server.listening(desk.account.key))
        fill(made["id"], Decimal(3), Decimal(98))
        fill(made["id"], Decimal(4), Decimal(97))

        assert (await told(reader, 7))[4:] == ["gap", "ORDER_STATUS", "TRADE"]


async def test_a_lost_message_is_a_gap():
    """A message that the broker drops leaves no other trace."""
    script = [fault("message", "drop", nth=2)]
    async with bench(faults=script) as desk, reading(desk) as reader:
        made = (await desk.submit(resting("c-1"))).json
        desk.account.venue.control.fill(made["id"], Decimal("0.5"), Decimal(99))
        await desk.ask("DELETE", f"/v2/orders/{made['id']}")
        await eventually(lambda: reader.told[-1] == "CANCELED")

        assert "unseen" in reader.of(Gap)[0].reason
        assert reader.of(ExecutionReport)[-1].filled == Decimal("0.5")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"fault": "duplicate"}, ["NEW", "NEW", "NEW"]),
        ({"fault": "text_frame"}, ["NEW", "NEW"]),
        ({"fault": "garbage"}, ["gap", "NEW"]),
        ({"fault": "truncated"}, ["gap", "NEW"]),
        ({"fault": "unknown_event"}, ["gap", "ORDER_STATUS", "NEW", "NEW"]),
        ({"fault": "unknown_status"}, ["NEW", "NEW"]),
        ({"fault": "field_missing", "field": "order"}, ["gap", "NEW"]),
        ({"fault": "field_missing", "field": "event"}, ["gap", "ORDER_STATUS", "NEW"]),
        ({"fault": "field_null", "field": "order.symbol"}, ["gap", "NEW"]),
        ({"fault": "field_null", "field": "timestamp"}, ["NEW", "NEW"]),
        ({"fault": "field_null", "field": "order.client_order_id"}, ["NEW", "NEW"]),
        ({"fault": "field_retyped", "field": "order.qty"}, ["NEW", "NEW"]),
        ({"fault": "field_set", "field": "order.legs", "value": 7}, ["gap", "NEW", "NEW"]),
    ],
)
async def test_odd_messages(fields, expected):
    """One message that cannot be read must not cost the ones behind it."""
    script = [fault("message", nth=1, kind=fields["fault"], **_rest(fields))]
    async with bench(faults=script) as desk, reading(desk) as reader:
        await desk.submit(resting("c-1"))
        await desk.submit(resting("c-2"))

        assert (await told(reader, 1 + len(expected)))[1:] == expected
        assert reader.of(ExecutionReport)[-1].client_order_id == "c-2"


def _rest(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if name != "fault"}


async def test_a_silent_stream_is_alive_and_says_nothing():
    """Pongs prove the line and nothing about orders: that is for the desk's watch to find."""
    async with bench(faults=[fault("connect", "silent")]) as desk:
        clock = HastyClock(50)
        async with reading(desk, clock) as reader:
            await desk.submit(buy(client_order_id="c-1"))
            await clock.sleep(40)

            assert reader.told == ["up"]
            assert len(reader.of(Heartbeat)) >= 2


async def test_a_mute_stream_is_left():
    """A half-open connection must not keep the desk waiting for three minutes."""
    async with bench(faults=[fault("message", "mute", nth=1)]) as desk, reading(desk) as reader:
        await desk.submit(resting("c-1"))

        assert await told(reader, 3) == ["up", "down", "up"]
        assert "ping" in reader.of(Disconnected)[0].reason


async def test_a_second_connection_waits_for_its_turn():
    """The broker allows one; a second program must neither storm nor push the first one out."""
    async with bench() as desk:
        async with reading(desk) as first:
            second = Reader(stream_of(desk, HastyClock(50))).start()
            assert set(await told(second, 2)) == {"down"}
            assert "HTTP 429" in second.items[0].reason
            assert first.told == ["up"]
        await eventually(lambda: second.told[-1] == "up")
        await second.stream.close()
        await second.task
        refused = [seen for seen in desk.server.requests.of(On.CONNECT) if seen.status == 429]

        assert len(refused) >= 2


@pytest.mark.parametrize("kind", ["unavailable", "bad_gateway", "drop_reset", "close", "cut"])
async def test_connections_that_fail_at_first(kind):
    """A broker that is being restarted comes back, and so must the stream."""
    async with bench(faults=[fault("connect", kind, times=2)]) as desk:
        reader = Reader(stream_of(desk)).start()
        await eventually(lambda: reader.told.count("down") >= 2 and reader.told[-1] == "up")
        await desk.submit(resting("c-1"))
        await eventually(lambda: reader.told[-1] == "NEW")
        await reader.stream.close()
        await reader.task


async def test_keys_that_are_revoked_between_two_connections():
    """The second answer to the same keys may be another one."""
    async with bench(faults=[fault("authenticate", "unauthorized", nth=2)]) as desk:
        clock = HastyClock(50)
        async with reading(desk, clock) as reader:
            desk.server.disturb(fault("connect", "cut"))
            assert await told(reader, 3) == ["up", "down", "final"]
            await clock.sleep(60)

            assert len(desk.server.requests.of(On.CONNECT)) == 2
