"""What the control endpoint cannot do is one sentence, and nothing has changed."""

from typing import Any

import pytest

from fillwright.testing.paper_server.control import TABLE
from testing.paper_server.web_tools import bench, buy, done, resting

BAD = [
    ("POST", "/quotes", {"symbol": "AAPL", "bid": 10}, "body.bid: write it as a string"),
    ("POST", "/quotes", {"symbol": "ZZZZZ", "bid": "1"}, "does not know ZZZZZ"),
    ("POST", "/quotes", {"symbol": "AAPL", "bid": "1", "x": 1}, "body.x: Extra inputs"),
    ("POST", "/quotes", [1], "body: Input should be a valid dictionary"),
    ("GET", "/quotes/ZZZZZ", None, "does not know ZZZZZ"),
    ("POST", "/clock", {}, "give set, advance or frozen"),
    ("POST", "/clock", {"set": "2026-03-06T20:59:00"}, "body.set: the time has no offset"),
    ("POST", "/clock", {"advance": 1e300}, "by more than 10 years"),
    ("POST", "/clock", {"advance": -4e8}, "by more than 10 years"),
    ("POST", "/clock", {"set": "2126-03-06T20:59:00Z"}, "by more than 10 years"),
    ("POST", "/session", {}, "body.open: Field required"),
    ("POST", "/halt", {"symbol": "ZZZZZ"}, "does not know ZZZZZ"),
    ("POST", "/accounts", {"cash": "-1"}, "body.cash: -1 is below zero"),
    ("POST", "/accounts", {"positions": {"ZZZZZ": "1"}}, "ZZZZZ is not listed"),
    ("POST", "/faults", {"on": "submit", "fault": "lag", "seconds": 1}, "cannot happen on submit"),
    ("POST", "/faults", {"on": "orders", "fault": "lag"}, "lag needs seconds"),
    ("POST", "/faults", {"on": "orders", "fault": "lag", "seconds": 61}, "60 seconds at most"),
    ("POST", "/faults", {"on": "submit", "fault": "field_null"}, "needs a field"),
    ("POST", "/faults", [{"on": "x", "fault": "drop"}], "body.0.on: Input should be"),
    (
        "POST",
        "/faults",
        {"on": "submit", "fault": "delay", "seconds": 1, "nth": 1, "every": 2},
        "at most one of nth",
    ),
    ("POST", "/stream", {"fault": "drop"}, "fault must be one of close, cut, mute, silent"),
    ("POST", "/stream", {"fault": "cut", "hold": True}, "hold goes with silent"),
    ("POST", "/faults", {"on": "message", "fault": "silent", "hold": True}, "needs seconds"),
    ("POST", "/refuse", {"seconds": 0}, "body.seconds"),
]


@pytest.mark.parametrize(("method", "path", "body", "sentence"), BAD)
async def test_bad_input_is_one_sentence(method: str, path: str, body: Any, sentence: str) -> None:
    """A test's author must read what is wrong with his line, and nothing may have changed."""
    async with bench() as desk:
        answer = await desk.control(method, path, body)
        state = await done(desk, "GET", "/state")

    assert answer.status == 400, answer.body
    assert sentence in answer.json["message"]
    assert "\n" not in answer.json["message"]
    assert (state["faults"], len(state["accounts"])) == (0, 1)


async def test_a_body_that_is_no_json_is_bad_input() -> None:
    """A curl without quotes sends such a body."""
    async with bench() as desk:
        answer = await desk.ask("POST", "/_control/quotes", data=b"{symbol: AAPL}")

    assert (answer.status, answer.json) == (400, {"message": "body: is not JSON"})


UNKNOWN = [
    ("POST", "/orders/nope/cancel", None),
    ("POST", "/orders/nope/fill", {"quantity": "1", "price": "1"}),
    ("POST", "/executions/nope/bust", None),
    ("POST", "/executions/nope/correct", {"quantity": "1", "price": "1"}),
    ("DELETE", "/faults/7", None),
    ("GET", "/quotes/AAPL?account=PKNOPE", None),
    ("GET", "/nope", None),
    ("GET", "", None),
    ("PUT", "/state", None),
    ("POST", "/orders/nope/dance", None),
]


@pytest.mark.parametrize(("method", "path", "body"), UNKNOWN)
async def test_what_is_not_there_is_not_found(method: str, path: str, body: Any) -> None:
    """A misspelt path that answers 200 makes a test that tests nothing."""
    async with bench() as desk:
        answer = await desk.control(method, path, body)

    assert answer.status == 404
    assert answer.json["message"]


async def test_an_order_that_ended_cannot_end_again() -> None:
    """The venue's staff can do much, but not what no venue can."""
    async with bench() as desk:
        order_id = (await desk.submit(buy())).json["id"]
        answer = await desk.control("POST", f"/orders/{order_id}/cancel")

    assert answer.status == 400
    assert "FILLED" in answer.json["message"]


async def test_an_order_is_found_whichever_account_has_it() -> None:
    """A test that knows an order's id need not know whose it is; a wrong account has it not."""
    async with bench(accounts=2) as desk:
        first, second = desk.server.accounts.values()
        order_id = (await desk.submit(resting("c"), account=second)).json["id"]
        wrong = await desk.control("POST", f"/orders/{order_id}/cancel", {"account": first.key})
        right = await desk.control("POST", f"/orders/{order_id}/cancel")

    assert (wrong.status, right.status) == (404, 200)


async def test_only_this_machine_is_answered(monkeypatch) -> None:
    """On a server that others can reach, they must not move the clock."""
    monkeypatch.setattr("fillwright.testing.paper_server.web.is_loopback", lambda host: False)
    async with bench() as desk:
        answer = await desk.control("GET", "/state")
        trading = await desk.get("/v2/account")

    assert (answer.status, trading.status) == (403, 200)
    assert "its own machine only" in answer.json["message"]


async def test_an_unknown_control_lists_those_there_are() -> None:
    """Whoever guesses a path must be told the right one."""
    async with bench() as desk:
        told = (await desk.control("GET", "/help")).json["message"]

    assert all(f"{method} /_control{path}" in told for method, path, _ in TABLE)
