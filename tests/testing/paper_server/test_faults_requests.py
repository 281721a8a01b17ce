"""Faults between a client's request and its answer."""

import asyncio
import errno
import json

import aiohttp
import pytest

from fillwright.testing.paper_server import On
from testing.paper_server.web_tools import SOON, Bench, bench, buy, eventually, fault, keys, resting


async def orders_of(desk: Bench) -> list[str]:
    """The client order ids of everything that the venue ever took."""
    return [order.client_order_id for order in desk.account.venue.orders()]


async def is_reset(desk: Bench, order: dict) -> bool:
    """Whether the connection ends with a TCP reset, which is not the same as an end of file."""
    body = json.dumps(order).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in keys(desk.account).items())
    text = f"POST /v2/orders HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n"
    port = int(desk.server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text.encode() + body)
        got = await asyncio.wait_for(reader.read(), SOON)
    except ConnectionResetError as reset:
        return reset.errno == errno.ECONNRESET
    finally:
        writer.close()
    pytest.fail(f"it ended with {got!r}")


@pytest.mark.parametrize(("kind", "taken"), [("drop_reset", []), ("accept_then_reset", ["c-1"])])
async def test_a_reset_is_a_reset_whether_or_not_it_was_taken(kind: str, taken: list[str]) -> None:
    """The client cannot tell the two apart, and one of them is a live order."""
    async with bench(faults=[fault("submit", kind, nth=1)]) as desk:
        assert await is_reset(desk, resting("c-1"))
        assert await orders_of(desk) == taken
        (seen,) = desk.server.requests

    assert (seen.status, seen.fault, seen.client_order_id) == (None, kind, "c-1")


@pytest.mark.parametrize(("kind", "taken"), [("drop_hang", []), ("accept_then_hang", ["c-1"])])
async def test_a_hang_lasts_until_the_client_gives_up(kind: str, taken: list[str]) -> None:
    """A client without a timeout of its own waits for ever."""
    async with bench(faults=[fault("submit", kind)]) as desk:
        asking = asyncio.create_task(desk.submit(resting("c-1")))
        await eventually(lambda: desk.server.requests.of(On.SUBMIT, "c-1"))
        desk.clock.advance(86_400)
        await desk.get("/v2/clock")
        assert not asking.done()
        asking.cancel()
        await asyncio.wait([asking])

        assert await orders_of(desk) == taken


async def test_an_order_is_taken_long_after_its_connection_died() -> None:
    """«Not found» is no proof while a request may still be on its way."""
    async with bench(faults=[fault("submit", "accept_late", seconds=5, times=1)]) as desk:
        with pytest.raises(aiohttp.ClientError):
            await desk.submit(resting("c-1"))
        where = "/v2/orders:by_client_order_id?client_order_id=c-1"
        before = await desk.get(where)
        await desk.clock.run_for(5)
        after = await desk.get(where)

    assert (before.status, after.status) == (404, 200)


async def test_a_504_after_the_order_was_taken() -> None:
    """alpaca-py sends such a request again by itself; the order is there already."""
    async with bench(faults=[fault("submit", "accept_then_504", nth=1)]) as desk:
        answer = await desk.submit(buy(client_order_id="c-1"))
        again = await desk.submit(buy(client_order_id="c-1"))

        assert answer.status == 504
        assert (again.status, again.json["code"]) == (422, 40010001)
        assert await orders_of(desk) == ["c-1"]


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "body"),
    [
        ("bad_gateway", 502, "text/html", b"<html>"),
        ("unavailable", 503, None, b""),
        ("server_error", 500, "application/json; charset=UTF-8", b'{"message": "internal'),
        ("unauthorized", 401, "application/json; charset=UTF-8", b'{"code": 40110000'),
    ],
)
@pytest.mark.parametrize("taken", [False, True])
async def test_errors_that_say_nothing_about_the_order(
    kind: str, status: int, content_type: str | None, body: bytes, taken: bool
) -> None:
    """A 5xx looks the same whether the broker has the order or not."""
    async with bench(faults=[fault("submit", kind, taken=taken)]) as desk:
        answer = await desk.submit(resting("c-1"))

        assert answer.status == status
        assert answer.headers.get("Content-Type") == content_type
        assert answer.body.startswith(body)
        assert len(await orders_of(desk)) == taken


async def test_an_error_without_a_code() -> None:
    """alpaca-py raises KeyError when it asks such an error for its code."""
    async with bench(faults=[fault("account", "server_error")]) as desk:
        answer = await desk.get("/v2/account")

    assert "code" not in answer.json


async def test_the_broker_says_no_in_any_words() -> None:
    """A refusal that the emulator does not know by itself must be sayable all the same."""
    no = fault("submit", "reject", status=403, code=40310000, text="account is restricted")
    async with bench(faults=[no]) as desk:
        answer = await desk.submit(buy())

    assert (answer.status, answer.json) == (
        403,
        {"code": 40310000, "message": "account is restricted"},
    )


@pytest.mark.parametrize("headers", [True, False])
async def test_too_many_requests_with_and_without_headers(headers: bool) -> None:
    """A client that waits until X-RateLimit-Reset must cope without one."""
    limited = fault("request", "rate_limited", headers=headers, seconds=20)
    async with bench(faults=[limited]) as desk:
        answer = await desk.submit(buy())
        until = str(int(desk.clock.now().timestamp()) + 20)

        assert (answer.status, answer.json["code"]) == (429, 42910000)
        assert answer.headers.get("X-RateLimit-Remaining") == ("0" if headers else None)
        assert answer.headers.get("X-RateLimit-Reset") == (until if headers else None)
        assert await orders_of(desk) == []


async def test_keys_are_revoked_for_one_account_only() -> None:
    """A desk must stand down on 401, and the other account must go on."""
    async with bench(accounts=2) as desk:
        first, second = desk.server.accounts.values()
        desk.server.faults.add(fault("request", "unauthorized", account=first.key))

        assert (await desk.get("/v2/account", account=first)).status == 401
        assert (await desk.submit(buy(), account=first)).status == 401
        assert (await desk.get("/v2/account", account=second)).status == 200


async def test_a_redirect_leads_elsewhere() -> None:
    """A client that follows it sends its keys to another host."""
    async with bench(faults=[fault("account", "redirect", text="http://127.0.0.1:9/")]) as desk:
        answer = await desk.get("/v2/account")

    assert (answer.status, answer.headers["Location"]) == (302, "http://127.0.0.1:9/")


@pytest.mark.parametrize(("kind", "taken"), [("delay", 0), ("delay_answer", 1)])
async def test_a_delay_is_before_or_behind_the_order(kind: str, taken: int) -> None:
    """A deadline that passes meanwhile means something else in the two cases."""
    async with bench(faults=[fault("submit", kind, seconds=3)]) as desk:
        asking = asyncio.create_task(desk.submit(resting("c-1")))
        await desk.until(0, asking)
        assert len(await orders_of(desk)) == taken
        await desk.until(3, asking)
        answer = await asyncio.wait_for(asking, SOON)

        assert answer.status == 200
        assert await orders_of(desk) == ["c-1"]


async def test_a_slow_answer_comes_piece_by_piece() -> None:
    """A timeout between two bytes never strikes, however long the answer takes."""
    async with bench(faults=[fault("account", "slow_answer", seconds=20)]) as desk:
        async with desk.http.get(
            f"{desk.server.url}/v2/account", headers=keys(desk.account)
        ) as answer:
            reading = asyncio.create_task(answer.content.readany())
            await desk.until(1, reading)
            first = await asyncio.wait_for(reading, SOON)
            whole = asyncio.create_task(answer.read())
            while not whole.done():
                desk.clock.advance(1)
                await asyncio.sleep(0)
            rest = await whole

        assert answer.status == 200
        assert 0 < len(first) < 200
        assert json.loads(first + rest)["status"] == "ACTIVE"


async def test_a_slow_answer_ends_when_its_reader_leaves() -> None:
    """A server that drips on for nobody cannot be stopped."""
    async with bench(faults=[fault("account", "slow_answer", seconds=20)]) as desk:
        asking = asyncio.create_task(desk.get("/v2/account"))
        await desk.until(1, asking)
        asking.cancel()
        await asyncio.wait([asking])

        assert (await desk.get("/v2/clock")).status == 200


@pytest.mark.parametrize("kind", ["truncated", "garbage"])
async def test_an_answer_that_is_no_json(kind: str) -> None:
    """The order is there; only the handle to it is not."""
    async with bench(faults=[fault("submit", kind)]) as desk:
        answer = await desk.submit(resting("c-1"))

        assert answer.status == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer.body)
        assert await orders_of(desk) == ["c-1"]


async def test_an_answer_that_ends_before_its_length() -> None:
    """Half an answer is no answer, and no proof of anything."""
    async with bench(faults=[fault("submit", "cut_off")]) as desk:
        with pytest.raises(aiohttp.ClientPayloadError):
            await desk.submit(resting("c-1"))

        assert await orders_of(desk) == ["c-1"]


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"fault": "field_missing", "field": "status"}, "status", "absent"),
        ({"fault": "field_null", "field": "submitted_at"}, "submitted_at", None),
        ({"fault": "field_retyped", "field": "qty"}, "qty", 3.0),
        ({"fault": "field_retyped", "field": "extended_hours"}, "extended_hours", "false"),
        ({"fault": "field_set", "field": "newer", "value": {"a": [1]}}, "newer", {"a": [1]}),
        ({"fault": "unknown_status"}, "status", "being_considered"),
        ({"fault": "unknown_status", "text": "odd"}, "status", "odd"),
        ({"fault": "field_missing", "field": "no.such.thing"}, "status", "pending_new"),
    ],
)
async def test_the_schema_drifts(fields: dict, field: str, expected: object) -> None:
    """A broker that adds, drops or retypes a field must not cost a fill."""
    async with bench(faults=[fault("submit", fields.pop("fault"), **fields)]) as desk:
        order = (await desk.submit(buy(3))).json

    assert order.get(field, "absent") == expected


async def test_a_list_drifts_in_every_element() -> None:
    """A change of the schema strikes all orders of a list, not only the first."""
    script = [fault("orders", "field_missing", field="qty", nth=1)]
    script.append(fault("orders", "field_set", field="1.symbol", value="XXX", nth=2))
    async with bench(faults=script) as desk:
        for name in ("c-1", "c-2"):
            await desk.submit(resting(name))
        without = (await desk.get("/v2/orders")).json
        second = (await desk.get("/v2/orders")).json

    assert [("qty" in one, one["symbol"]) for one in without] == [(False, "AAPL")] * 2
    assert [one["symbol"] for one in second] == ["AAPL", "XXX"]


async def test_nobody_listens_for_a_while() -> None:
    """A broker that restarts refuses connections; the client must come back on the same port."""
    refused = fault("clock", "refuse_connections", seconds=4, nth=1)
    async with bench(faults=[refused]) as desk, desk.stream() as stream:
        with pytest.raises(aiohttp.ClientError):
            await desk.get("/v2/clock")
        await stream.ended()
        with pytest.raises(aiohttp.ClientConnectorError):
            await desk.get("/v2/account")
        await desk.clock.run_for(4)

        assert (await desk.get("/v2/clock")).status == 200
        async with desk.stream():
            pass


async def test_the_last_outage_counts() -> None:
    """A script that closes the port twice must not find it open in between."""
    async with bench() as desk:
        desk.server.refuse(2)
        desk.server.refuse(5)
        await desk.clock.run_for(3)
        with pytest.raises(aiohttp.ClientConnectorError):
            await desk.get("/v2/clock")
        await desk.clock.run_for(2)

        assert (await desk.get("/v2/clock")).status == 200


async def test_only_one_order_is_struck() -> None:
    """A script for one order that hits another proves nothing about either."""
    script = [fault("submit", "server_error", client_order_id="b-*")]
    script.append(fault("cancel", "server_error", client_order_id="a-2"))
    async with bench(faults=script) as desk:
        made = [await desk.submit(resting(name)) for name in ("a-1", "b-1", "a-2")]
        ids = [made[0].json["id"], made[2].json["id"]]
        ended = [await desk.ask("DELETE", f"/v2/orders/{one}") for one in ids]

    assert [one.status for one in made] == [200, 500, 200]
    assert [one.status for one in ended] == [204, 500]
