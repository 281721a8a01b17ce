"""Who may come in and how often: keys, rate limits, and the headers of every answer."""

import json

import pytest

from fillwright.testing.paper_server.request import Request
from testing.paper_server.api_tools import Api, D, keys_of, read

_RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@pytest.mark.parametrize(
    "change",
    [
        {"apca-api-key-id": "PKNOBODY"},
        {"apca-api-secret-key": "wrong"},
        {"apca-api-secret-key": ""},
        {"apca-api-key-id": None},
        {"apca-api-secret-key": None},
        {"apca-api-key-id": None, "apca-api-secret-key": None, "authorization": "Bearer x"},
        {"apca-api-secret-key": "\ud800"},
    ],
)
def test_wrong_keys(change):
    """An account that answers to wrong keys is everybody's account."""
    api = Api()
    headers = {k: v for k, v in (keys_of(api.account) | change).items() if v is not None}
    reply = read(api.exchange.handle(Request("GET", "/v2/account", headers=headers)))

    assert (reply.status, reply.json) == (401, {"message": "unauthorized."})
    assert all(reply.headers[name] for name in _RATE_HEADERS)


def test_an_account_is_only_had_with_both_halves():
    """One key with another account's secret must open neither."""
    api = Api(accounts=2)
    first, second = api.exchange.accounts.values()

    assert api.exchange.account_for(first.key, first.secret) is first
    assert api.exchange.account_for(first.key, second.secret) is None
    assert api.exchange.account_for("", "") is None


def test_accounts_do_not_see_each_other():
    """An order that shows in a stranger's list would be canceled by a stranger."""
    api = Api(accounts=2)
    _, other = api.exchange.accounts.values()
    heard = []
    other.listen(heard.append)
    order = api.sent("buy 1 AAPL", client_order_id="mine")

    assert api.ask("GET", "/v2/orders", query={"status": "all"}, account=other).json == []
    assert api.ask("GET", f"/v2/orders/{order['id']}", account=other).status == 404
    assert heard == []
    body = {"symbol": "AAPL", "side": "buy", "qty": "1", "type": "market"}
    body |= {"time_in_force": "day", "client_order_id": "mine"}
    theirs = api.ask("POST", "/v2/orders", body, account=other)
    assert theirs.status == 200
    assert theirs.json["id"] != order["id"]


def test_accounts_added_later():
    """A fixture that needs a rich account and one with a position makes both."""
    api = Api()
    rich = api.exchange.add_account(cash=D(10**9), positions={"AAPL": "3"})
    account = api.ask("GET", "/v2/account", account=rich).json

    assert list(api.exchange.accounts) == [api.account.key, rich.key]
    assert account["cash"] == "1000000000.00"
    assert api.ask("GET", "/v2/positions", account=rich).json[0]["qty"] == "3"
    assert api.found("/v2/positions") == []


def test_names_follow_from_the_seed():
    """A test that writes keys into a configuration needs the same ones tomorrow."""
    accounts = [
        [(a.key, a.secret, a.account_id, a.account_number) for a in one.exchange.accounts.values()]
        for one in (Api(accounts=3), Api(accounts=3), Api(accounts=3, seed=8))
    ]
    names = [name for account in accounts[0] for name in account]

    assert accounts[0] == accounts[1]
    assert len(set(names)) == 12
    assert not set(names) & {name for account in accounts[2] for name in account}
    assert all(key.startswith("PK") and len(key) == 20 for key, *_ in accounts[0])


def test_the_secret_is_in_no_repr():
    """A secret in a log is a secret no more, even a paper one: habits are made here."""
    api = Api()
    request = Request("GET", "/v2/account", headers=keys_of(api.account))
    told = [repr(api.account), str(api.account), repr(request), repr(api.exchange)]
    told.append(repr(api.account.settings))

    assert not any(api.account.secret in text for text in told)


def test_every_answer_tells_what_is_left():
    """A client that cannot see its limit runs into it."""
    api = Api(requests_per_minute=200)
    first, second = api.get("/v2/clock"), api.get("/v2/nothing")
    gone = api.cancel(api.sent("buy 1 AAPL", limit_price="1"))

    assert [first.headers[name] for name in _RATE_HEADERS] == ["200", "199", "1772463660"]
    assert second.headers["X-RateLimit-Remaining"] == "198"
    assert gone.status == 204
    assert gone.headers["X-RateLimit-Remaining"] == "196"
    assert first.headers["Content-Type"] == "application/json; charset=UTF-8"


def test_the_limit_is_enforced_and_lifted():
    """A limit that never refuses lets a client ship that floods the real broker."""
    api = Api(requests_per_minute=3)
    for _ in range(3):
        assert api.get("/v2/clock").status == 200
    refused = api.post("buy 1 AAPL", client_order_id="flood")

    assert refused.told == (429, 42910000, "rate limit exceeded")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert api.venue.orders() == []
    reset = int(refused.headers["X-RateLimit-Reset"])
    api.clock.advance(reset - api.clock.now().timestamp() - 1)
    assert api.get("/v2/clock").status == 429
    api.clock.advance(1)
    assert api.post("buy 1 AAPL", client_order_id="flood").status == 200


def test_each_account_and_market_data_count_for_themselves():
    """A quote feed that eats the order limit stops trading."""
    api = Api(accounts=2, requests_per_minute=2, data_requests_per_minute=1)
    _, other = api.exchange.accounts.values()
    quotes = "/v2/stocks/AAPL/quotes/latest"

    assert [api.get(quotes).status for _ in range(2)] == [200, 429]
    assert api.get(quotes).json["message"] == "too many requests."
    assert [api.get("/v2/clock").status for _ in range(3)] == [200, 200, 429]
    assert api.ask("GET", "/v2/clock", account=other).status == 200


def test_a_refused_request_answers_json():
    """A client that parses every answer must be able to parse this one."""
    api = Api()
    answer = api.exchange.handle(Request("TRACE", "/v2/orders", headers=keys_of(api.account)))

    assert (answer.status, json.loads(answer.body)) == (405, {"message": "method not allowed."})
