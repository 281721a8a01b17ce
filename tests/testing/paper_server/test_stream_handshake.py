"""The stream's own words: keys, subscriptions, frames, and who may connect."""

import asyncio
import json
import socket
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from fillwright.orders import Order
from fillwright.testing.paper_server import On
from fillwright.testing.paper_server.sessions import BACKLOG
from fillwright.types import ClientOrderId, Side
from testing.paper_server.web_tools import SOON, Bench, Stream, bench, buy, eventually, resting

UNAUTHORIZED = {
    "stream": "authorization",
    "data": {
        "status": "unauthorized",
        "action": "authenticate",
        "message": "access key verification failed",
    },
}
AUTHORIZED = {
    "stream": "authorization",
    "data": {"status": "authorized", "action": "authenticate"},
}


def listening(*streams: str) -> dict:
    return {"stream": "listening", "data": {"streams": list(streams)}}


async def connected(desk: Bench) -> Stream:
    return Stream(await desk.http.ws_connect(desk.server.stream_url))


async def refused(desk: Bench, **headers: str) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as fault_:
        await desk.http.ws_connect(desk.server.stream_url, headers=headers)
    return fault_.value.status


async def test_the_handshake_word_by_word() -> None:
    """An adapter that was tried here meets the same words at the broker."""
    async with bench() as desk:
        stream = await connected(desk)
        data = {"key_id": desk.account.key, "secret_key": desk.account.secret}
        await stream.say(action="authenticate", data=data)
        assert await stream.hear() == AUTHORIZED
        await stream.say(action="listen", data={"streams": ["trade_updates"]})
        assert await stream.hear() == listening("trade_updates")

        await desk.submit(buy(3, client_order_id="c-1"))
        first = await stream.event()
        await stream.socket.close()

    assert (first["event"], first["order"]["client_order_id"]) == ("new", "c-1")


async def test_the_newer_form_of_the_keys_is_taken() -> None:
    """Some clients send `auth` with the keys at the top."""
    async with bench() as desk:
        stream = await connected(desk)
        await stream.say(action="auth", key=desk.account.key, secret=desk.account.secret)

        assert await stream.hear() == AUTHORIZED
        await stream.socket.close()


async def test_binary_frames_are_read_as_text_is() -> None:
    """Some clients pack what they say as binary."""
    async with bench() as desk:
        stream = await connected(desk)
        words = {"action": "auth", "key": desk.account.key, "secret": desk.account.secret}
        await stream.socket.send_bytes(json.dumps(words).encode())

        assert await stream.hear() == AUTHORIZED
        await stream.socket.close()


@pytest.mark.parametrize(
    "words",
    [
        {"action": "authenticate", "data": {"key_id": "PK", "secret_key": "wrong"}},
        {"action": "authenticate", "data": {"key_id": None, "secret_key": None}},
        {"action": "authenticate", "data": ["PK"]},
        {"action": "authenticate"},
        {"action": "auth", "key": 7, "secret": {}},
    ],
)
async def test_wrong_keys_are_unauthorized_and_may_be_corrected(words: dict) -> None:
    """A client must learn that its keys are wrong, and from a crash it learns nothing."""
    async with bench() as desk:
        stream = await connected(desk)
        await stream.say(**words)
        assert await stream.hear() == UNAUTHORIZED
        await stream.log_in(desk.account)
        await stream.socket.close()


async def test_the_right_key_with_the_wrong_secret() -> None:
    """Half of the keys must open nothing."""
    async with bench() as desk:
        stream = await connected(desk)
        data = {"key_id": desk.account.key, "secret_key": desk.account.secret[:-1]}
        await stream.say(action="authenticate", data=data)

        assert await stream.hear() == UNAUTHORIZED
        await stream.socket.close()


async def test_listening_before_the_keys_is_unauthorized() -> None:
    """Another account's orders must not be heard by whoever connects."""
    async with bench() as desk:
        stream = await connected(desk)
        await stream.say(action="listen", data={"streams": ["trade_updates"]})
        answer = await stream.hear()
        await desk.submit(buy())
        await stream.log_in(desk.account)
        await stream.socket.close()

    assert answer == {
        "stream": "authorization",
        "data": {"status": "unauthorized", "action": "listen"},
    }


async def test_unknown_streams_are_left_out_and_the_list_replaces() -> None:
    """Whoever asks for a stream that is not there gets no error, and no stream."""
    async with bench() as desk, desk.stream() as stream:
        await stream.say(action="listen", data={"streams": ["trade_updates", "weather"]})
        assert await stream.hear() == listening("trade_updates")
        for streams in ([], ["weather"], "trade_updates", None):
            await stream.say(action="listen", data={"streams": streams})
            assert await stream.hear() == listening()
        await desk.submit(buy(client_order_id="unheard"))
        await stream.say(action="listen", data={"streams": ["trade_updates"]})
        assert await stream.hear() == listening("trade_updates")
        await desk.submit(buy(client_order_id="heard"))

        assert (await stream.event())["order"]["client_order_id"] == "heard"


@pytest.mark.parametrize("words", ["hello", "[1]", '{"action": "dance"}', "[" * 60_000, "7"])
async def test_what_is_no_command_is_answered_and_forgotten(words: str) -> None:
    """A client's slip must not take its connection, nor the server, away."""
    async with bench() as desk, desk.stream() as stream:
        await stream.socket.send_str(words)

        assert (await stream.hear())["stream"] == "error"
        await desk.submit(buy())
        assert (await stream.event())["event"] == "new"


async def test_events_come_after_the_answer_and_in_order() -> None:
    """The executions of one order add up to its filled quantity, in the order of the stream."""
    async with bench(depth="2") as desk, desk.stream() as stream:
        await desk.submit(buy(5, client_order_id="c-1"))
        events = [await stream.event(), await stream.event()]
        for _ in range(2):
            desk.server.account.venue.step()
            events.append(await stream.event())

    assert [e["event"] for e in events] == ["new", "partial_fill", "partial_fill", "fill"]
    assert [e["order"]["filled_qty"] for e in events] == ["0", "2", "4", "5"]
    assert [e.get("qty") for e in events] == [None, "2", "2", "1"]
    assert [e.get("position_qty") for e in events] == [None, "2", "4", "5"]
    assert len({e["execution_id"] for e in events[1:]}) == 3


async def test_each_account_hears_its_own_orders_only() -> None:
    """A fill of another account would be booked as one's own."""
    async with bench(accounts=2) as desk:
        first, second = desk.server.accounts.values()
        async with desk.stream(first) as one, desk.stream(second) as other:
            await desk.submit(resting("for one"), account=first)
            await desk.submit(resting("for other"), account=second)
            heard = [(await each.event())["order"]["client_order_id"] for each in (one, other)]

    assert heard == ["for one", "for other"]


async def test_nothing_missed_is_repeated() -> None:
    """A client that trusts the stream alone never learns of a fill in its gap."""
    async with bench() as desk:
        async with desk.stream():
            pass
        await desk.submit(buy(client_order_id="missed"))
        async with desk.stream() as stream:
            await desk.submit(buy(client_order_id="heard"))

            assert (await stream.event())["order"]["client_order_id"] == "heard"


async def test_a_second_connection_is_refused_on_upgrade() -> None:
    """A desk that is started twice must find out at once that another one listens."""
    async with bench() as desk:
        async with desk.stream():
            assert await refused(desk) == 429
        async with desk.stream():
            pass
        statuses = [seen.status for seen in desk.server.requests.of(On.CONNECT)]

    assert statuses == [101, 429, 101]


async def test_with_several_accounts_the_second_is_refused_as_soon_as_it_can_be() -> None:
    """Nobody says whose he is before the upgrade, unless a header does."""
    async with bench(accounts=2) as desk:
        first, second = desk.server.accounts.values()
        async with desk.stream(first):
            assert await refused(desk, **{"APCA-API-KEY-ID": first.key}) == 429
            late = await connected(desk)
            data = {"key_id": first.key, "secret_key": first.secret}
            await late.say(action="authenticate", data=data)
            end = await late.ended()
            async with desk.stream(second):
                assert await refused(desk) == 429

    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1013)


async def test_a_connection_that_is_not_logged_in_keeps_nobody_out() -> None:
    """A client with wrong keys in a loop would lock the right one out."""
    async with bench() as desk:
        idle = await connected(desk)
        async with desk.stream():
            pass
        await idle.socket.close()


async def test_another_accounts_keys_on_the_same_connection() -> None:
    """One connection that carries two accounts' orders would mix them up."""
    async with bench(accounts=2) as desk:
        first, second = desk.server.accounts.values()
        async with desk.stream(first) as stream:
            await stream.say(action="auth", key=second.key, secret=second.secret)
            assert await stream.hear() == UNAUTHORIZED
            await stream.say(action="auth", key=first.key, secret=first.secret)
            assert await stream.hear() == AUTHORIZED


async def test_pings_are_answered() -> None:
    """A client takes a stream without pongs for dead and reconnects for ever."""
    async with bench() as desk:
        plain = await desk.http.ws_connect(desk.server.stream_url, autoping=False)
        await plain.ping(b"there?")
        pong = await asyncio.wait_for(plain.receive(), SOON)
        await plain.close()

    assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, b"there?")


async def test_without_an_upgrade_it_says_what_it_is() -> None:
    """Whoever opens the stream's path with curl must not wait for an answer."""
    async with bench() as desk:
        answer = await desk.get("/stream")

    assert answer.status == 400
    assert "websocket" in answer.json["message"]


def masked(**words: Any) -> bytes:
    """A text frame as a client sends it, with a mask of zeros."""
    text = json.dumps(words).encode()
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


async def test_a_reader_that_does_not_read_is_cut_off() -> None:
    """A client that hangs must not make the server grow until it dies."""
    async with bench(cash="1000000000") as desk:
        account = desk.account
        host, port = desk.server.url.removeprefix("http://").split(":")
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect((host, int(port)))
        reader, writer = await asyncio.open_connection(sock=plain, limit=1024)
        writer.write(
            b"GET /stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 101")
        writer.write(masked(action="auth", key=account.key, secret=account.secret))
        writer.write(masked(action="listen", data={"streams": ["trade_updates"]}))
        await eventually(lambda: desk.server.listening(account.key))
        told = 0
        while desk.server.connected(account.key):
            order = Order(symbol="AAPL", side=Side.BUY, quantity=Decimal(1))
            account.venue.submit(order, ClientOrderId(f"c-{told}"))
            told += 1
            assert told < BACKLOG * 50
            await asyncio.sleep(0)
        writer.close()

        assert (await desk.get("/v2/clock")).status == 200
    assert told > BACKLOG / 2
