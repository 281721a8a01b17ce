"""The server as a thing that starts, answers and ends."""

import asyncio
import io
import socket
import subprocess
import sys
import threading
from urllib.request import ProxyHandler, Request, build_opener

import aiohttp
import pytest

from fillwright.errors import ConfigError, PluginError
from fillwright.testing.paper_server import Address, On, PaperServer, running_paper_server
from testing.paper_server.web_tools import (
    SOON,
    Stream,
    bench,
    buy,
    eventually,
    fault,
    keys,
    resting,
    settings,
)


def port_of(server: PaperServer) -> int:
    return int(server.url.rpartition(":")[2])


async def raw(server: PaperServer, request: bytes) -> bytes:
    """What the server answers to bytes off no HTTP library."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), SOON)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_an_order_goes_in_over_http_and_is_found_again() -> None:
    """A client that was tried here must meet the same requests and answers as at the broker."""
    async with bench() as desk:
        taken = await desk.submit(buy(3, client_order_id="a b/c"))
        found = await desk.get("/v2/orders:by_client_order_id?client_order_id=a+b%2Fc")
        holding = await desk.get("/v2/positions")

    assert taken.status == found.status == 200
    assert found.json["id"] == taken.json["id"]
    assert [(one["symbol"], one["qty"]) for one in holding.json] == [("AAPL", "3")]


async def test_wrong_keys_are_unauthorized() -> None:
    """A server that lets anybody in hides a client that sends no keys."""
    async with bench() as desk:
        answer = await desk.get("/v2/account", headers={"APCA-API-SECRET-KEY": "wrong"})

    assert answer.status == 401


async def test_every_request_is_in_the_log_with_its_order() -> None:
    """A test that counts requests per submit must see each, and whose it was."""
    async with bench(accounts=2) as desk:
        second = list(desk.server.accounts.values())[1]
        made = (await desk.submit(resting("c-1"))).json
        change = {"limit_price": 101, "client_order_id": "c-2"}
        newer = (await desk.ask("PATCH", f"/v2/orders/{made['id']}", json=change)).json
        await desk.ask("DELETE", f"/v2/orders/{newer['id']}")
        await desk.get("/v2/account", account=second)
        await desk.control("GET", "/state")
        seen = list(desk.server.requests)
        first = desk.account.key

    assert [(s.on, s.method, s.key, s.client_order_id, s.status) for s in seen] == [
        (On.SUBMIT, "POST", first, "c-1", 200),
        (On.REPLACE, "PATCH", first, "c-1", 200),
        (On.CANCEL, "DELETE", first, "c-2", 204),
        (On.ACCOUNT, "GET", second.key, "", 200),
    ]
    assert [s.number for s in seen] == [1, 2, 3, 4]


async def test_the_log_holds_no_secret() -> None:
    """The log ends up in test reports."""
    async with bench() as desk:
        secret = desk.account.secret
        await desk.get(f"/v2/account?secret={secret}")
        async with desk.stream():
            pass
        told = repr(list(desk.server.requests)) + repr(desk.account) + repr(desk.server)

    assert secret not in told


async def test_accounts_do_not_see_each_other() -> None:
    """Two users of one server would trade in each other's books."""
    async with bench(accounts=2) as desk:
        second = list(desk.server.accounts.values())[1]
        await desk.submit(resting("mine"))

        assert len((await desk.get("/v2/orders")).json) == 1
        assert (await desk.get("/v2/orders", account=second)).json == []


async def test_a_body_is_asked_for_when_the_client_waits_for_it() -> None:
    """A curl waits a second before it sends a large body to a server that does not ask for it."""
    async with bench() as desk:
        head = "".join(f"{name}: {value}\r\n" for name, value in keys(desk.account).items())
        text = (
            f"POST /v2/orders HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 2\r\n"
            "Connection: close\r\nExpect: 100-continue\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(desk.server))
        writer.write(text.encode())
        asked = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
        writer.write(b"{}")
        answer = await asyncio.wait_for(reader.read(), SOON)
        writer.close()
        await writer.wait_closed()

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 422 ")


async def test_bytes_that_are_no_http_do_not_end_the_server(caplog) -> None:
    """One broken client would take the server away from all others."""
    async with bench() as desk:
        answer = await raw(desk.server, b"\x16\x03\x01 hello\r\n\r\n")
        after = await desk.get("/v2/clock")

    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert after.status == 200


async def test_a_body_that_is_too_large_is_refused() -> None:
    """A client in a loop must not fill the memory of the machine."""
    async with bench() as desk:
        answer = await desk.ask("POST", "/v2/orders", data=io.BytesIO(b"x" * (1024 * 1024 + 1)))

    assert answer.status == 413


async def test_nothing_is_left_when_it_stops() -> None:
    """Servers that leak tasks or sockets make the tests after them fail."""
    before = asyncio.all_tasks()
    hanging = [fault("account", "drop_hang"), fault("clock", "accept_late", seconds=60)]
    async with aiohttp.ClientSession() as http:
        async with PaperServer(settings(step=0.01), faults=hanging) as server:
            port = port_of(server)
            socket_ = await http.ws_connect(server.stream_url)
            await Stream(socket_).log_in(server.account)
            idle = await asyncio.open_connection("127.0.0.1", port)
            asking = asyncio.create_task(http.get(f"{server.url}/v2/account"))
            with pytest.raises(aiohttp.ClientError):
                await http.get(f"{server.url}/v2/clock")
            await eventually(lambda: server.requests.of(On.ACCOUNT))
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(asking, SOON)
        frame = await asyncio.wait_for(socket_.receive(), SOON)
        assert await asyncio.wait_for(idle[0].read(), SOON) == b""
        idle[1].close()

    assert frame.type is aiohttp.WSMsgType.CLOSE
    assert frame.data == 1001
    assert {task for task in asyncio.all_tasks() if not task.done()} == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_stopped_server_can_be_started_again_on_its_port() -> None:
    """Whoever restarts the server must not wait for the old connections to be forgotten."""
    async with bench() as desk:
        await desk.get("/v2/clock")
        port = port_of(desk.server)

    async with PaperServer(settings(), address=Address(port=port)) as server:
        assert port_of(server) == port


async def test_a_port_in_use_is_one_sentence() -> None:
    """A traceback says nothing to whom the port belongs to another program."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}: is in use by another program"):
            await PaperServer(settings(), address=Address(port=port)).__aenter__()


@pytest.mark.parametrize("host", ["::", "192.0.2.1", "example.invalid"])
async def test_other_machines_must_be_allowed(host: str) -> None:
    """A server with keys that everybody knows must not stand in the network by mistake."""
    with pytest.raises(ConfigError, match="can be reached from other machines"):
        await PaperServer(settings(), address=Address(host)).__aenter__()


async def test_a_host_that_is_not_ours_is_one_sentence() -> None:
    """Whoever misspells an address must read which one."""
    address = Address("192.0.2.1", remote=True)
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1 port 0: cannot be had"):
        await PaperServer(settings(), address=address).__aenter__()


async def test_without_the_extra_it_says_what_to_install(monkeypatch) -> None:
    """`No module named 'aiohttp'` does not tell a user what he lacks."""
    for name in ("web", "sessions", "streams", "feeds", "running"):
        monkeypatch.delitem(sys.modules, f"fillwright.testing.paper_server.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)

    with pytest.raises(PluginError, match=r"pip install 'fillwright\[paper-server\]'"):
        await PaperServer(settings()).__aenter__()


def test_a_thread_of_its_own_serves_clients_that_block(tmp_path) -> None:
    """Most brokers' libraries block; a test that uses one has no loop to give."""
    http = build_opener(ProxyHandler({}))
    before = threading.active_count()
    with running_paper_server(settings(), state=tmp_path / "venue.db") as server:
        request = Request(f"{server.url}/v2/account", headers=keys(server.account))  # noqa: S310
        with http.open(request, timeout=SOON) as answer:
            status = answer.status
        second = server.add_account()
        step = server.call(lambda: server.account.venue.step_number)
        with pytest.raises(ZeroDivisionError):
            server.call(lambda: 1 // 0)

    assert status == 200
    assert second.number == 2
    assert step == 0
    assert threading.active_count() == before


def test_a_thread_that_cannot_start_says_why(tmp_path) -> None:
    """A test would wait for a server that never comes."""
    (tmp_path / "venue.db").write_text("no database" * 100)

    with (
        pytest.raises(ConfigError, match="is no state file"),
        running_paper_server(settings(), state=tmp_path / "venue.db"),
    ):
        pytest.fail("it runs")


def test_its_names_need_a_running_server() -> None:
    """A test that asks too early must read why, and not `NoneType`."""
    with pytest.raises(RuntimeError, match="not running"):
        _ = PaperServer(settings()).url


async def test_it_cannot_be_entered_twice() -> None:
    """The first run's socket would be left open, and nobody could close it."""
    async with PaperServer(settings()) as server:
        with pytest.raises(RuntimeError, match="running already"):
            await server.__aenter__()


def test_its_names_can_be_imported_without_the_extra() -> None:
    """A test that only makes a fault script needs no HTTP library."""
    code = "import sys, fillwright.testing.paper_server; sys.exit('aiohttp' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


async def test_it_starts_again_with_the_same_books(tmp_path) -> None:
    """A demo with a state file would begin anew each time."""
    file = tmp_path / "venue.db"
    async with PaperServer(settings(), state=file) as server, aiohttp.ClientSession() as http:
        key = server.account.key
        await http.post(f"{server.url}/v2/orders", json=buy(2), headers=keys(server.account))
    async with PaperServer(settings(), state=file) as server, aiohttp.ClientSession() as http:
        answer = await http.get(f"{server.url}/v2/positions", headers=keys(server.account))
        held = await answer.json()
        again = server.account.key

    assert again == key
    assert [one["qty"] for one in held] == ["2"]


async def test_the_venue_moves_by_itself() -> None:
    """An order that waits for its price would wait for ever."""
    async with PaperServer(settings(step=0.001)) as server:
        first = server.account.venue.step_number
        await eventually(lambda: server.account.venue.step_number > first)


async def test_a_venue_that_can_no_longer_write_is_told(tmp_path) -> None:
    """A server that takes orders and forgets them is worse than none."""
    server = PaperServer(settings(step=0.001), state=tmp_path / "venue.db")
    server_error = RuntimeError("the disk is full")

    async def run() -> None:
        async with server:
            server.exchange.advance = lambda: (_ for _ in ()).throw(server_error)
            await asyncio.wait_for(server.failed(), SOON)

    with pytest.raises(RuntimeError, match="the disk is full"):
        await run()
