"""Faults on the stream: what a client hears when messages are lost, late, odd, or never come."""

import asyncio
import json

import aiohttp
import pytest

from testing.paper_server.web_tools import (
    SOON,
    Bench,
    Stream,
    bench,
    buy,
    eventually,
    fault,
    resting,
)


async def names(desk: Bench, stream: Stream, *orders: str) -> list[str]:
    """Send resting orders, and one more at the end; the names of what is heard up to that one."""
    for name in (*orders, "last"):
        await desk.submit(resting(name))
    heard: list[str] = []
    while not heard or heard[-1] != "last":
        heard.append((await stream.event())["order"]["client_order_id"])
    return heard[:-1]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("drop", ["a", "c"]),
        ("duplicate", ["a", "b", "b", "c"]),
        ("reorder", ["a", "c", "b"]),
    ],
)
async def test_messages_are_lost_twice_and_out_of_order(kind: str, expected: list[str]) -> None:
    """Fills are booked once each, whatever the stream does to them."""
    async with bench(faults=[fault("message", kind, nth=2)]) as desk, desk.stream() as stream:
        assert await names(desk, stream, "a", "b", "c") == expected


@pytest.mark.parametrize(("kind", "seconds"), [("delay", 7), ("reorder", 7), ("reorder", 0)])
async def test_a_message_comes_late(kind: str, seconds: float) -> None:
    """A fill that comes after the cancel was confirmed is a fill all the same."""
    late = fault("message", kind, seconds=seconds, client_order_id="late")
    async with bench(faults=[late]) as desk, desk.stream() as stream:
        await desk.submit(buy(client_order_id="late", type="limit", limit_price=100))
        hearing = asyncio.create_task(stream.event())
        await desk.until(seconds or 1, hearing)

        assert (await asyncio.wait_for(hearing, SOON))["order"]["client_order_id"] == "late"


async def test_an_event_comes_before_its_answer() -> None:
    """A fill for an order whose id is not known yet must find its order all the same."""
    async with bench(faults=[fault("submit", "event_first")]) as desk, desk.stream() as stream:
        asking = asyncio.create_task(desk.submit(buy(client_order_id="c-1")))
        events = [(await stream.event())["event"], (await stream.event())["event"]]
        assert not asking.done()
        await desk.until(1, asking)
        answer = await asyncio.wait_for(asking, SOON)

    assert events == ["new", "fill"]
    assert answer.json["status"] == "pending_new"


async def test_an_unknown_event_goes_before_the_real_one() -> None:
    """A new word in the stream must not end the reading of it."""
    script = [fault("message", "unknown_event", nth=1)]
    async with bench(faults=script) as desk, desk.stream() as stream:
        await desk.submit(resting("c-1"))

        assert [(await stream.event())["event"] for _ in range(2)] == ["reconsidered", "new"]


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"fault": "unknown_status"}, ("order", "status"), "being_considered"),
        ({"fault": "field_missing", "field": "order.symbol"}, ("order", "symbol"), "absent"),
        ({"fault": "field_null", "field": "timestamp"}, ("timestamp",), None),
        ({"fault": "field_retyped", "field": "order.qty"}, ("order", "qty"), 1.0),
        ({"fault": "field_set", "field": "event", "value": "odd"}, ("event",), "odd"),
    ],
)
async def test_the_schema_of_messages_drifts(fields: dict, path: tuple, expected: object) -> None:
    """One message that cannot be read must not cost the ones behind it."""
    script = [fault("message", fields.pop("fault"), nth=1, **fields)]
    async with bench(faults=script) as desk, desk.stream() as stream:
        await desk.submit(resting("c-1"))
        found = await stream.event()
        for name in path:
            found = found.get(name, "absent")
        await desk.submit(resting("c-2"))
        after = await stream.event()

    assert found == expected
    assert after["order"]["client_order_id"] == "c-2"
    assert (after["order"]["qty"], after["order"]["status"]) == ("1", "new")


async def test_a_change_of_a_message_stays_out_of_the_books() -> None:
    """A fault that changes what the server itself believes proves nothing."""
    script = [
        fault("message", "field_missing", field="order.qty"),
        fault("order", "lag", seconds=5),
    ]
    async with bench(faults=script) as desk, desk.stream() as stream:
        made = (await desk.submit(resting("c-1"))).json
        await stream.event()
        await desk.clock.run_for(10)

        assert (await desk.get(f"/v2/orders/{made['id']}")).json["qty"] == "1"


@pytest.mark.parametrize("kind", ["garbage", "truncated"])
async def test_a_message_that_is_no_json(kind: str) -> None:
    """A reader that dies of one bad frame leaves the desk blind, with the socket open."""
    async with bench(faults=[fault("message", kind, nth=1)]) as desk, desk.stream() as stream:
        await desk.submit(resting("c-1"))
        frame = await asyncio.wait_for(stream.socket.receive(), SOON)
        await desk.submit(resting("c-2"))

        assert frame.type is aiohttp.WSMsgType.BINARY
        with pytest.raises(json.JSONDecodeError):
            json.loads(frame.data)
        assert (await stream.event())["order"]["client_order_id"] == "c-2"


async def test_a_message_in_a_text_frame() -> None:
    """Whether the live stream sends text or binary frames is not known: both must be read."""
    script = [fault("message", "text_frame", nth=1)]
    async with bench(faults=script) as desk, desk.stream() as stream:
        await desk.submit(resting("c-1"))
        frame = await asyncio.wait_for(stream.socket.receive(), SOON)

    assert frame.type is aiohttp.WSMsgType.TEXT
    assert json.loads(frame.data)["data"]["event"] == "new"


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("on", ["message", "connect", "authenticate"])
async def test_a_silent_stream_answers_pings(on: str, hold: bool) -> None:
    """Pongs prove that the socket is alive, and nothing about the orders."""
    silent = fault(on, "silent", seconds=9, hold=hold, nth=1)
    async with bench(faults=[silent]) as desk, desk.stream() as stream:
        await desk.submit(resting("c-1"))
        await desk.submit(resting("c-2"))
        ponged = await asyncio.wait_for(ping(stream), SOON)
        await desk.clock.run_for(9)
        await desk.submit(resting("c-3"))
        heard = [(await stream.event())["order"]["client_order_id"] for _ in range(1 + 2 * hold)]

    assert ponged
    assert heard == (["c-1", "c-2", "c-3"] if hold else ["c-3"])


async def ping(stream: Stream) -> bool:
    """Send something that is answered at once, behind everything else in the queue."""
    await stream.say(action="listen", data={"streams": ["trade_updates"]})
    return (await stream.hear())["stream"] == "listening"


async def test_a_silence_without_an_end_ends_with_the_connection() -> None:
    """Only a reconnect helps against a stream that says nothing any more."""
    async with bench(faults=[fault("message", "silent", nth=1)]) as desk:
        async with desk.stream() as stream:
            await desk.submit(resting("c-1"))
            await desk.clock.run_for(3600)
            await desk.submit(resting("c-2"))
            assert await ping(stream)
        async with desk.stream() as stream:
            await desk.submit(resting("c-3"))
            assert (await stream.event())["order"]["client_order_id"] == "c-3"


@pytest.mark.parametrize("on", ["connect", "message"])
async def test_a_mute_stream_answers_nothing_at_all(on: str) -> None:
    """A half-open connection looks like this: everything can be sent, nothing comes back."""
    async with bench(faults=[fault(on, "mute", nth=1)]) as desk:
        socket = await desk.http.ws_connect(desk.server.stream_url, autoping=False)
        stream = Stream(socket)
        if on == "message":
            await stream.log_in(desk.account)
            await desk.submit(resting("c-1"))
        await socket.ping(b"there?")
        await stream.say(action="authenticate")
        hearing = asyncio.create_task(socket.receive())
        await desk.get("/v2/clock")
        await desk.get("/v2/clock")
        assert not hearing.done()
        hearing.cancel()
        await asyncio.wait([hearing])
        socket._response.close()

        await eventually(lambda: not desk.server.connected(desk.account.key))
        async with desk.stream():
            pass


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        ("close", (aiohttp.WSMsgType.CLOSE, 1001)),
        ("cut", (aiohttp.WSMsgType.CLOSED, None)),
    ],
)
@pytest.mark.parametrize("on", ["message", "connect", "authenticate"])
async def test_the_connection_ends(on: str, kind: str, ends: tuple) -> None:
    """A client must come back after a goodbye, and after none; what it missed is gone."""
    async with bench(faults=[fault(on, kind, nth=1)]) as desk:
        stream = Stream(await desk.http.ws_connect(desk.server.stream_url))
        if on == "message":
            await stream.log_in(desk.account)
            await desk.submit(resting("lost"))
        elif on == "authenticate":
            account = desk.account
            await stream.say(action="auth", key=account.key, secret=account.secret)
        end = await stream.ended()
        async with desk.stream() as again:
            await desk.submit(resting("heard"))
            assert (await again.event())["order"]["client_order_id"] == "heard"

    assert end.type in (ends[0], aiohttp.WSMsgType.ERROR)
    assert kind == "cut" or end.data == ends[1]


async def test_the_broker_restarts_at_a_message() -> None:
    """The stream and every other connection end at once, and for a while nobody answers."""
    restart = fault("message", "refuse_connections", seconds=2, nth=1)
    async with bench(faults=[restart]) as desk:
        async with desk.stream() as stream:
            # Its own answer falls to the restart, or comes just before it.
            asking = asyncio.create_task(desk.submit(resting("c-1")))
            await asyncio.wait([asking])
            asking.exception()
            await stream.ended()
            with pytest.raises(aiohttp.ClientConnectorError):
                await desk.http.ws_connect(desk.server.stream_url)
            await desk.clock.run_for(2)
        async with desk.stream():
            found = await desk.get("/v2/orders:by_client_order_id?client_order_id=c-1")

    assert found.status == 200


async def test_faults_of_one_account_leave_the_other_alone() -> None:
    """A test of one account must be able to run beside another."""
    async with bench(accounts=2) as desk:
        first, second = desk.server.accounts.values()
        desk.server.faults.add(fault("message", "drop", account=first.key))
        async with desk.stream(first) as one, desk.stream(second) as other:
            for account in (first, second):
                await desk.submit(resting("x"), account=account)
            assert (await other.event())["order"]["client_order_id"] == "x"
            desk.server.faults.clear()
            await desk.submit(resting("y"), account=first)

            assert (await one.event())["order"]["client_order_id"] == "y"


async def test_a_connection_is_disturbed_at_once_from_python() -> None:
    """A test wants to cut the stream now, not at the next message."""
    async with bench() as desk, desk.stream() as stream:
        struck = desk.server.disturb(fault("connect", "cut"))
        await stream.ended()

        assert struck == 1
        assert desk.server.disturb(fault("connect", "cut")) == 0
        with pytest.raises(ValueError, match="drop happens to no connection"):
            desk.server.disturb(fault("message", "drop"))
