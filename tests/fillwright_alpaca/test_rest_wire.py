"""The real SDK over real sockets: whatever goes wrong, one request, and an error that is true."""

import asyncio
import gzip
import json
import socket

import pytest

from alpacakit.failing import UNKNOWN, html
from alpacakit.rawserver import RawServer, Talk
from alpacakit.rest import (
    ORDER_ID,
    against,
    approved,
    changed,
    fault,
    order,
    request,
    working,
)
from fillwright.clock import SystemClock
from fillwright.errors import BrokerUnavailable, NotSent, OrderInDoubt, OrderRejected
from fillwright.types import OrdStatus
from fillwright_alpaca import translate
from fillwright_alpaca.adapter import build

CLOCK = SystemClock()


@pytest.mark.parametrize("kind", UNKNOWN)
async def test_what_proves_nothing_is_in_doubt_after_one_request(kind: str) -> None:
    """Read as failed, the order is sent again and held twice; the SDK alone sends it four times."""
    with RawServer(UNKNOWN[kind]) as server:
        async with against(
            server.url, CLOCK, read_timeout_seconds=0.4, total_timeout_seconds=2.0
        ) as adapter:
            with pytest.raises(OrderInDoubt):
                await adapter.executor.submit(approved())

        assert len(server.orders()) == len(server.requests) == 1


@pytest.mark.parametrize("kind", ["silence", "reset", "502 in HTML", "504", "302", "200 in HTML"])
async def test_cancels_and_changes_are_held_to_the_same(kind: str) -> None:
    """A replace that is sent twice may double the quantity."""
    with RawServer(UNKNOWN[kind]) as server:
        async with against(server.url, CLOCK, read_timeout_seconds=0.4) as adapter:
            with pytest.raises(OrderInDoubt):
                await adapter.executor.cancel(working())
            with pytest.raises(OrderInDoubt):
                await adapter.executor.replace(working(), changed(quantity="5"))

        assert [seen.method for seen in server.requests] == ["DELETE", "PATCH"]


@pytest.mark.parametrize("kind", sorted(UNKNOWN.keys() - {"200 as a list"}))
async def test_a_question_without_an_answer_is_unavailable(kind: str) -> None:
    """Could not ask, read as "there are none", closes every position in the books."""
    with RawServer(UNKNOWN[kind]) as server:
        async with against(
            server.url, CLOCK, read_timeout_seconds=0.4, total_timeout_seconds=2.0
        ) as adapter:
            with pytest.raises(BrokerUnavailable):
                await adapter.executor.open_orders()
            with pytest.raises(BrokerUnavailable):
                await adapter.executor.find(approved().client_order_id)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (422, fault(42210000, "qty must be > 0"), OrderRejected),
        (403, fault(None, "forbidden."), OrderRejected),
        (429, fault(42910000, "rate limit exceeded"), NotSent),
    ],
)
async def test_a_refusal_is_one_request_too(status: int, body: dict, error: type) -> None:
    """The SDK repeats a 429 three times at its own pace, past the desk's limiter."""
    with RawServer(lambda talk: talk.reply(status, body)) as server:
        async with against(server.url, CLOCK) as adapter:
            with pytest.raises(error):
                await adapter.executor.submit(approved())

        assert len(server.requests) == 1


# ---------------------------------------------------------------------- before the first byte


async def test_a_refused_connection_is_proven_unsent() -> None:
    """In doubt, an order that never left would be asked for over a minute."""
    with RawServer(lambda talk: None) as server:
        url = server.url
    async with against(url, CLOCK) as adapter:
        with pytest.raises(NotSent, match="Connection refused"):
            await adapter.executor.submit(approved())


async def test_an_unknown_host_is_proven_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that is down must not put every order in doubt."""

    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with against("http://127.0.0.1:1", CLOCK) as adapter:
        monkeypatch.setattr(socket, "getaddrinfo", nobody)
        with pytest.raises(NotSent, match="not known"):
            await adapter.executor.submit(approved())


async def test_a_server_without_tls_is_proven_unsent() -> None:
    """The handshake carries nothing of the order."""
    with RawServer(lambda talk: talk.hang_up(), b"220 another protocol\r\n") as server:
        async with against(server.url.replace("http:", "https:"), CLOCK) as adapter:
            with pytest.raises(NotSent, match="SSL"):
                await adapter.executor.submit(approved())

        assert server.orders() == []


async def test_a_certificate_that_nobody_vouches_for_is_proven_unsent(tls_server: int) -> None:
    """Whoever sits between here and Alpaca would get the keys."""
    async with against(f"https://127.0.0.1:{tls_server}", CLOCK) as adapter:
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            await adapter.executor.submit(approved())


async def test_a_connect_that_nobody_answers_is_proven_unsent() -> None:
    """A firewall that drops packets must not put every order in doubt."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        async with against(
            f"http://127.0.0.1:{port}", CLOCK, connect_timeout_seconds=0.3
        ) as adapter:
            with pytest.raises(NotSent, match="timed out"):
                await adapter.executor.submit(approved())
        for one in crowd:
            one.close()


async def test_an_order_past_its_deadline_does_not_leave() -> None:
    """An order that waited too long trades at a price that nobody meant."""
    with RawServer(lambda talk: talk.reply(200, order())) as server:
        async with against(server.url, CLOCK) as adapter:
            late = approved(at=CLOCK.now().replace(year=2020))
            with pytest.raises(NotSent, match="deadline"):
                await adapter.executor.submit(late)

        assert server.requests == []


# ---------------------------------------------------------------------- what goes out and comes in


async def test_a_submit_is_our_own_json_with_the_sdks_headers() -> None:
    """A number that passes a float is another number."""
    with RawServer(lambda talk: talk.reply(200, order())) as server:
        async with against(server.url + "/prefix/", CLOCK) as adapter:
            ack = await adapter.executor.submit(approved(quantity="3.000000001"))

        (seen,) = server.requests
    assert (seen.method, seen.target) == ("POST", "/prefix/v2/orders")
    assert seen.json["qty"] == "3.000000001"
    assert seen.headers["apca-api-key-id"].startswith("PKCANARY")
    assert seen.headers["user-agent"].startswith("APCA-PY/")
    assert (ack.broker_order_id, ack.status) == (ORDER_ID, OrdStatus.PENDING_NEW)


async def test_the_environment_chooses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that somebody set for another program would get the keys."""
    with (
        RawServer(html(502)) as proxy,
        RawServer(lambda talk: talk.reply(200, order())) as server,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        async with against(server.url, CLOCK) as adapter:
            await adapter.executor.submit(approved())

        assert (len(server.requests), proxy.requests) == (1, [])


async def test_cookies_are_not_kept() -> None:
    """Whoever sets one could recognise, and route, every later request."""
    with RawServer(lambda talk: talk.reply(200, order(), Set_Cookie="a=b; Path=/")) as server:
        async with against(server.url, CLOCK) as adapter:
            for _ in range(2):
                await adapter.executor.submit(approved())

        assert "cookie" not in server.requests[1].headers


async def test_an_answer_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never stops would fill the memory long before the time is up."""
    monkeypatch.setattr(translate, "MAX_BODY", 10_000)
    long = json.dumps(order()).encode() + b" " * 100_000
    with RawServer(lambda talk: talk.reply(200, long)) as server:
        async with against(server.url, CLOCK) as adapter:
            with pytest.raises(OrderInDoubt, match="longer than 10000 bytes"):
                await adapter.executor.submit(approved())


async def test_a_compressed_answer_is_read() -> None:
    """Alpaca compresses long lists."""

    def answer(talk: Talk) -> None:
        body = gzip.compress(b"[]")
        talk.reply(200, body, Content_Encoding="gzip", Content_Type="application/json")

    with RawServer(answer) as server:
        async with against(server.url, CLOCK) as adapter:
            assert await adapter.executor.open_orders() == []


async def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    """Every order after a quiet minute would be in doubt."""

    def answer_and_close(talk: Talk) -> None:
        talk.reply(200, order())
        talk.hang_up()

    with RawServer(answer_and_close) as server:
        async with against(server.url, CLOCK) as adapter:
            for count in (1, 2):
                await adapter.executor.submit(approved())
                await asyncio.to_thread(server.fall_quiet)
                assert len(server.orders()) == server.connections == count


async def test_a_configured_proxy_gets_a_tunnel_and_no_key() -> None:
    """A proxy that sees the request sees the keys."""
    with RawServer(html(502)) as proxy:
        adapter = build(request(CLOCK, proxy=proxy.url))
        with pytest.raises(OrderInDoubt, match="Tunnel"):
            await adapter.executor.submit(approved())
        await adapter.close()

    (seen,) = proxy.requests
    assert (seen.method, seen.target) == ("CONNECT", "paper-api.alpaca.markets:443")
    assert not {name for name in seen.headers if name.startswith("apca")}


@pytest.mark.parametrize(
    "cut", ["X-RateLimit-Limit: 2", "X-RateLimit-Limit", "X-Request-ID: 1\r\n"]
)
@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "404 Not Found"])
async def test_headers_that_were_cut_off_are_no_answer(status: str, cut: str) -> None:
    """A limit of 200 becomes one of 2, and half of an answer becomes all of it."""

    def answer(talk: Talk) -> None:
        talk.send(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{cut}".encode())
        talk.hang_up()

    told: list[tuple] = []
    with RawServer(answer) as server:
        async with against(server.url, CLOCK, rate=told) as adapter:
            with pytest.raises(OrderInDoubt, match="within the headers"):
                await adapter.executor.submit(approved())
            with pytest.raises(BrokerUnavailable, match="within the headers"):
                await adapter.executor.find(approved().client_order_id)
    assert told == []
