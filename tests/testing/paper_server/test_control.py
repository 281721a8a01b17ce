"""The control endpoint: what a test in any language can make happen."""

import aiohttp
import pytest

from testing.paper_server.web_tools import bench, buy, done, resting


async def test_state_shows_everything_but_secrets() -> None:
    """Somebody who looks whether the server is there must not spread its keys."""
    async with bench(positions={"KO": "10"}, cash="500") as desk:
        async with desk.stream():
            await desk.submit(buy(symbol="KO", type="limit", limit_price=1))
            told = await desk.control("GET", "/state")
        secret = desk.account.secret

    state = told.json
    (account,) = state["accounts"]
    assert secret not in told.body.decode()
    assert state["now"].startswith("2026-03-02T15:00:00")
    assert (account["cash"], account["positions"]) == ("500", {"KO": "10"})
    assert (account["open_orders"], account["connected"], account["listening"]) == (1, True, True)
    assert (state["faults"], state["requests"], state["frozen"]) == (0, 2, False)


async def test_a_quote_is_set_and_cleared_for_everybody() -> None:
    """A test that cannot set the price cannot say what an order must do."""
    async with bench(accounts=2) as desk:
        body = {"symbol": "AAPL", "bid": "10", "ask": "10.05", "ask_size": "3"}
        shown = await done(desk, "POST", "/quotes", body)
        second = list(desk.server.accounts.values())[1]
        prices = [str(a.venue.quote("AAPL").ask) for a in (desk.account, second)]
        await desk.submit(buy(3))
        cost = (await desk.get("/v2/positions")).json[0]["avg_entry_price"]
        cleared = await done(desk, "DELETE", "/quotes/AAPL")
        coin = await done(desk, "GET", "/quotes/BTC%2FUSD")

    assert (shown["ask"], shown["ask_size"], shown["bid_size"]) == ("10.05", "3", "1000")
    assert prices == ["10.05", "10.05"]
    assert cost == "10.05"
    assert cleared["ask"] != "10.05"
    assert coin["symbol"] == "BTC/USD"


async def test_a_quote_of_one_account_with_an_old_time_and_no_bid() -> None:
    """A stale or one-sided quote must be refused by who reads it."""
    async with bench(accounts=2) as desk:
        first, second = desk.server.accounts.values()
        body = {"symbol": "AAPL", "ask": "10", "at": "2026-01-01T00:00:00Z", "account": second.key}
        shown = await done(desk, "POST", "/quotes", body)
        other = await done(desk, "GET", f"/quotes/AAPL?account={first.key}")

    assert (shown["bid"], shown["at"]) == (None, "2026-01-01T00:00:00+00:00")
    assert other["ask"] != "10"


async def test_the_clock_is_set_moved_and_stopped() -> None:
    """What happens at the close must not wait for the close."""
    async with bench() as desk:
        set_ = await done(desk, "POST", "/clock", {"set": "2026-03-06T20:59:00Z"})
        moved = await done(desk, "POST", "/clock", {"advance": 30.5})
        stopped = await done(desk, "POST", "/clock", {"frozen": True})
        desk.clock.advance(100)
        still = await done(desk, "GET", "/clock")
        shown = (await desk.get("/v2/clock")).json["timestamp"]
        running = await done(desk, "POST", "/clock", {"frozen": False})
        desk.clock.advance(100)
        later = await done(desk, "GET", "/clock")

    assert set_ == {"now": "2026-03-06T20:59:00+00:00", "frozen": False}
    assert moved["now"] == "2026-03-06T20:59:30.500000+00:00"
    assert still == stopped == {"now": moved["now"], "frozen": True}
    assert shown.startswith("2026-03-06T15:59:30.5")
    assert running["now"] == moved["now"]
    assert later["now"] == "2026-03-06T21:01:10.500000+00:00"


async def test_what_was_due_happens_when_the_clock_jumps() -> None:
    """A DAY order must end with its day, also when a test makes the day short."""
    async with bench(hours="us") as desk:
        made = (await desk.submit(resting("c-1"))).json
        await done(desk, "POST", "/clock", {"advance": 86_400})
        ended = (await desk.get(f"/v2/orders/{made['id']}")).json["status"]

    assert made["status"] in ("pending_new", "accepted")
    assert ended in ("expired", "canceled")


async def test_the_session_opens_and_closes() -> None:
    """Whether the market is open must not depend on when a test runs."""
    async with bench() as desk:
        await desk.submit(resting("day"))
        await done(desk, "POST", "/session", {"open": False})
        shut = (await desk.get("/v2/clock")).json["is_open"]
        left = (await desk.get("/v2/orders")).json
        await done(desk, "POST", "/session", {"open": True})
        opened = (await desk.get("/v2/clock")).json["is_open"]

    assert (shut, left, opened) == (False, [], True)


async def test_a_halted_symbol_takes_no_orders() -> None:
    """A halt is refused in words that a client must understand."""
    async with bench() as desk:
        await done(desk, "POST", "/halt", {"symbol": "AAPL"})
        refused = await desk.submit(buy())
        await done(desk, "POST", "/halt", {"symbol": "AAPL", "halted": False})
        taken = await desk.submit(buy())

    assert (refused.status, taken.status) == (422, 200)


async def test_an_account_is_added_and_can_trade_and_listen() -> None:
    """Tests that run side by side need books of their own."""
    async with bench() as desk:
        made = await done(desk, "POST", "/accounts", {"cash": "750.5", "positions": {"KO": "3"}})
        account = desk.server.accounts[made["key"]]
        async with desk.stream(account) as stream:
            await desk.submit(resting("c-1"), account=account)
            heard = (await stream.event())["order"]["client_order_id"]

    assert made["secret"] == account.secret
    assert (made["cash"], made["positions"], heard) == ("750.5", {"KO": "3"}, "c-1")


async def test_an_order_is_filled_by_hand_late_and_undone() -> None:
    """Late fills, busts and corrections happen at the broker, and to nobody's wish."""
    async with bench() as desk, desk.stream() as stream:
        order_id = (await desk.submit(resting("c-1"))).json["id"]
        trade = {"quantity": "1", "price": "99.5"}
        canceled = await done(desk, "POST", f"/orders/{order_id}/cancel", {"text": "risk"})
        filled = await done(desk, "POST", f"/orders/{order_id}/fill", trade)
        events = [await stream.event() for _ in range(3)]
        first = events[-1]["execution_id"]
        better = {"quantity": "1", "price": "98"}
        corrected = await done(desk, "POST", f"/executions/{first}/correct", better)
        second = (await stream.event())["execution_id"]
        await done(desk, "POST", f"/executions/{second}/bust")
        events.append(await stream.event())

    assert (canceled["status"], filled["filled_qty"]) == ("canceled", "1")
    assert corrected == {"corrected": first, "quantity": "1"}
    assert [e["event"] for e in events] == ["new", "canceled", "fill", "trade_bust"]
    assert events[-1]["previous_execution_id"] == second


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("cancel", "canceled"),
        ("reject", "rejected"),
        ("expire", "expired"),
        ("done_for_day", "done_for_day"),
        ("suspend", "suspended"),
        ("stop", "stopped"),
    ],
)
async def test_the_venue_ends_or_rests_an_order(word: str, status: str) -> None:
    """Each status that a broker knows must be met once before it is met live."""
    async with bench() as desk:
        order_id = (await desk.submit(resting("c-1"))).json["id"]
        told = await done(desk, "POST", f"/orders/{order_id}/{word}")
        shown = (await desk.get(f"/v2/orders/{order_id}")).json["status"]

    assert told["status"] == shown == status


async def test_a_rested_order_goes_on() -> None:
    """An order that was suspended trades again once it is resumed."""
    async with bench() as desk:
        order_id = (await desk.submit(resting("c-1"))).json["id"]
        await done(desk, "POST", f"/orders/{order_id}/suspend")
        told = await done(desk, "POST", f"/orders/{order_id}/resume")

    assert told["status"] == "new"


async def test_faults_are_added_listed_and_struck_out() -> None:
    """A client in another language scripts faults as Python does."""
    async with bench() as desk:
        one = {"on": "submit", "fault": "accept_then_504", "nth": 1}
        two = [
            {"on": "account", "fault": "reject", "status": 403},
            {"on": "clock", "fault": "delay", "seconds": 1},
        ]
        first = await done(desk, "POST", "/faults", one)
        more = await done(desk, "POST", "/faults", two)
        answer = await desk.submit(buy())
        listed = await done(desk, "GET", "/faults")
        await done(desk, "DELETE", "/faults/2")
        after = (await desk.get("/v2/account")).status
        left = [line["number"] for line in await done(desk, "GET", "/faults")]
        await done(desk, "DELETE", "/faults")
        none = await done(desk, "GET", "/faults")

    assert (first, more) == ({"numbers": [1]}, {"numbers": [2, 3]})
    assert answer.status == 504
    assert listed[0] == {**one, "number": 1, "struck": 1}
    assert (after, left, none) == (200, [1, 3], [])


async def test_the_requests_log_is_read_and_forgotten() -> None:
    """Exactly one request per order can only be proven by counting."""
    async with bench() as desk:
        await desk.submit(buy(client_order_id="c-1"))
        await desk.get("/v2/account")
        submits = await done(desk, "GET", "/requests?on=submit")
        everything = await done(desk, "GET", "/requests")
        await done(desk, "DELETE", "/requests")
        none = await done(desk, "GET", "/requests")

    assert [(s["client_order_id"], s["status"]) for s in submits] == [("c-1", 200)]
    assert [s["on"] for s in everything] == ["submit", "account"]
    assert none == []


async def test_the_stream_is_cut_at_once() -> None:
    """A test wants the gap now, not at the next message."""
    async with bench() as desk, desk.stream() as stream:
        struck = await done(desk, "POST", "/stream", {"fault": "close"})
        end = await stream.ended()
        none = await done(desk, "POST", "/stream", {"fault": "cut"})

    assert (struck, none) == ({"connections": 1}, {"connections": 0})
    assert end.data == 1001


async def test_the_port_is_closed_after_the_answer() -> None:
    """Whoever asks for an outage must learn that it was granted."""
    async with bench() as desk:
        told = await done(desk, "POST", "/refuse", {"seconds": 5})
        await desk.clock.run_for(1)
        with pytest.raises(aiohttp.ClientConnectorError):
            await desk.get("/v2/clock")
        await desk.clock.run_for(5)

        assert told == {"seconds": 5}
        assert (await desk.get("/v2/clock")).status == 200
