"""FILL activities: ids, numbers, pages, and that they add up."""

import re
from collections import defaultdict
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.testing import ManualClock
from testing.paper_server.api_tools import Api, D, limit

_OPENING = {"AAPL": "20", "KO": "-15", "BTC/USD": "1.5"}
_FIELDS = {
    *("id", "activity_type", "transaction_time", "type", "price", "qty", "side", "symbol"),
    *("leaves_qty", "order_id", "cum_qty", "order_status"),
}


def _two_parts() -> Api:
    api = Api()
    api.quote("AAPL", "99.99", "100", "40", "40")
    api.sent("buy 60 AAPL", client_order_id="mine")
    api.clock.advance(1.5)
    api.venue.step()
    return api


def test_what_a_fill_activity_shows():
    """Reconciliation goes by order id and cumulative quantity: there is no client order id."""
    api = _two_parts()
    order = api.found("/v2/orders:by_client_order_id", client_order_id="mine")
    second, first = api.fills()

    assert set(first) == set(second) == _FIELDS
    assert {one["order_id"] for one in (first, second)} == {order["id"]}
    assert [first[n] for n in ("type", "qty", "cum_qty", "leaves_qty", "order_status")] == [
        *("partial_fill", "40", "40", "20", "partially_filled"),
    ]
    assert [second[n] for n in ("type", "qty", "cum_qty", "leaves_qty", "order_status")] == [
        *("fill", "20", "60", "0", "filled"),
    ]
    assert (first["price"], first["side"], first["symbol"]) == ("100", "buy", "AAPL")
    assert first["activity_type"] == "FILL"
    assert first["transaction_time"] == "2026-03-02T15:00:00.000000001Z"
    # New York, and to the millisecond.
    assert re.fullmatch(r"20260302100000000::[0-9a-f-]{36}", first["id"])
    assert second["id"].startswith("20260302100001500::")


@pytest.mark.parametrize("match", [False, True])
def test_the_stream_and_the_list_may_name_a_fill_differently(match):
    """A client that matches the two by id counts every fill twice."""
    api = Api(activity_ids_match=match)
    api.sent("buy 1 AAPL")
    executed = api.events[-1]["execution_id"]
    _, _, name = api.fills()[0]["id"].partition("::")

    assert (executed == name) is match


def test_ids_are_in_new_yorks_time_even_where_it_runs_back():
    """An id that is taken for a time sorts an hour of the year wrongly."""
    api = Api(clock=ManualClock(datetime(2026, 11, 1, 5, 59, tzinfo=UTC)))
    api.sent("buy 1 AAPL")
    api.clock.advance(3600)
    api.sent("buy 1 AAPL")
    newest, oldest = api.fills()

    assert newest["transaction_time"] > oldest["transaction_time"]
    assert newest["id"][:12] == oldest["id"][:12] == "202611010159"


@st.composite
def _moves(draw):
    side = draw(st.sampled_from(["buy", "sell"]))
    symbol = draw(st.sampled_from(list(_OPENING)))
    amount = draw(st.sampled_from(["1", "7", "30", "0.5", "$50"]))
    price = draw(st.sampled_from([None, None, "95", "105"]))
    return draw(st.sampled_from([0, 0, 1, 90_000])), f"{side} {amount} {symbol}", price


_PLAYS = st.lists(_moves(), min_size=4, max_size=25)


def _play(moves) -> Api:
    api = Api(positions=_OPENING)
    for seconds, text, price in moves:
        api.clock.advance(seconds)
        for symbol in _OPENING:
            api.quote(symbol, "99", "100", "6", "6")
        api.post(text, **({} if price is None else {"type": "limit", "limit_price": price}))
        api.venue.step(2)
    return api


@given(_PLAYS)
@settings(max_examples=50, deadline=None)
def test_fills_add_up_to_positions_orders_and_cash(moves):
    """A list of fills that does not add up cannot settle any doubt."""
    api = _play(moves)
    position = defaultdict(lambda: D(0), {s: D(q) for s, q in _OPENING.items()})
    filled: dict[str, D] = defaultdict(lambda: D(0))
    cash = D(100_000)
    for fill in api.fills(direction="asc"):
        signed = D(fill["qty"]) * (1 if fill["side"] == "buy" else -1)
        position[fill["symbol"]] += signed
        filled[fill["order_id"]] += D(fill["qty"])
        cash -= signed * D(fill["price"])
        assert D(fill["cum_qty"]) == filled[fill["order_id"]]
    shown = {
        p["symbol"].replace("BTCUSD", "BTC/USD"): D(p["qty"]) for p in api.found("/v2/positions")
    }

    assert shown == {symbol: quantity for symbol, quantity in position.items() if quantity}
    for order in api.orders(status="all", limit=500):
        assert D(order["filled_qty"]) == filled[order["id"]]
    assert abs(D(api.found("/v2/account")["cash"]) - cash) <= D("0.005")


@given(_PLAYS)
@settings(max_examples=30, deadline=None)
def test_the_stream_tells_the_same_as_the_list(moves):
    """Two sources that disagree leave a desk without a truth."""
    api = _play(moves)
    streamed = [
        (e["order"]["id"], e["qty"], e["price"], e["timestamp"], e["order"]["filled_qty"])
        for e in api.events
        if e["event"] in ("fill", "partial_fill")
    ]
    listed = [
        (f["order_id"], f["qty"], f["price"], f["transaction_time"], f["cum_qty"])
        for f in api.fills(direction="asc")
    ]

    assert streamed[:100] == listed
    final = {e["order"]["id"]: e["order"]["status"] for e in api.events}
    assert final == {o["id"]: o["status"] for o in api.orders(status="all", limit=500)}


@given(_PLAYS, st.integers(1, 9), st.sampled_from(["asc", "desc"]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_page_size_yields_every_fill_once(moves, size, direction, bust):
    """A page that skips loses a fill; one that repeats books it twice."""
    api = _play(moves)
    whole = api.fills(direction=direction)
    seen, query = [], {}
    while True:
        page = api.fills(direction=direction, page_size=size, **query)
        seen += page
        if len(page) < size:
            break
        query = {"page_token": page[-1]["id"]}
        if bust and len(seen) == size:
            # The token's own fill may be gone by the time of the next page.
            name = api.account.venue.executions().items[_number(page[-1]) - 1].execution
            api.venue.control.bust(name.execution_id)

    assert seen == whole
    assert len({fill["id"] for fill in seen}) == len(seen)


def _number(fill) -> int:
    return int(fill["id"].partition("::")[2][1:8], 16)


def test_after_until_and_date():
    """A cursor by time that includes its own end makes every poll begin with a known fill."""
    api = Api()
    for _ in range(4):
        api.sent("buy 1 AAPL")
        api.clock.advance(6 * 3600)
    times = [f["transaction_time"] for f in api.fills(direction="asc")]
    assert times[2][:10] == "2026-03-03"

    def found(**query):
        return [f["transaction_time"] for f in api.fills(direction="asc", **query)]

    assert found(after=times[1]) == times[2:]
    assert found(until=times[1]) == times[:1]
    assert found(after=times[0], until=times[3]) == times[1:3]
    # 15:00 to 09:00 UTC are one day in New York until 05:00.
    assert found(date="2026-03-02") == times[:3]
    assert found(date="2026-03-03") == times[3:]
    both = api.get("/v2/account/activities", date="2026-03-02", after=times[0])
    assert both.told == (422, 40010001, "date cannot be used with after or until")


def test_types_and_categories():
    """A client that asks for dividends must not book fills as such."""
    api = Api()
    api.sent("buy 1 AAPL")
    for query, count in (
        ({}, 1),
        ({"activity_types": "FILL,DIV"}, 1),
        ({"activity_types": "DIV"}, 0),
        ({"category": "trade_activity"}, 1),
        ({"category": "non_trade_activity"}, 0),
    ):
        assert len(api.found("/v2/account/activities", **query)) == count, query
    assert api.found("/v2/account/activities/DIV") == []
    for query in (
        {"activity_types": "TIPS"},
        {"activity_types": "FILL", "category": "trade_activity"},
        {"page_size": "101"},
        {"page_token": "20260302100000000::nonsense"},
        {"page_token": "x"},
    ):
        assert api.get("/v2/account/activities", **query).status == 422, query


def test_a_fill_is_told_of_the_order_that_filled():
    """After a replace, fills belong to two ids; a client must add them up itself."""
    api = Api()
    api.quote("AAPL", "99.99", "100")
    old = api.sent("buy 10 AAPL", **limit("90"))
    api.venue.control.fill(old["id"], D(4), D(90))
    new = api.patch(old, qty=6).json
    api.venue.control.fill(new["id"], D(2), D(90))

    assert [(f["order_id"], f["qty"], f["cum_qty"], f["leaves_qty"]) for f in api.fills()] == [
        (new["id"], "2", "6", "0"),
        (old["id"], "4", "4", "6"),
    ]


@pytest.mark.parametrize("listed", [False, True])
def test_busts_and_corrections(listed):
    """A trade that was taken back must not stay in the sum."""
    api = Api(list_busts=listed)
    for _ in range(3):
        api.sent("buy 2 AAPL")
    names = [f.execution.execution_id for f in api.venue.executions().items]
    api.venue.control.bust(names[0])
    api.venue.control.correct(names[1], D(1), D(200))

    bust, correction = api.events[-2:]
    assert (bust["event"], correction["event"]) == ("trade_bust", "trade_correct")
    assert (bust["previous_execution_id"], bust["position_qty"]) == (names[0], "4")
    assert (correction["qty"], correction["price"], correction["position_qty"]) == ("1", "200", "3")
    shown = [(f["type"], f["qty"], f.get("previous_id")) for f in api.fills(direction="asc")]
    if not listed:
        assert shown == [("fill", "2", None), ("fill", "1", None)]
        assert sum(D(f["qty"]) for f in api.fills()) == D(api.position("AAPL")["qty"])
        return
    ids = [f["id"] for f in api.fills(direction="asc")]
    assert shown == [
        *(("fill", "2", None),) * 3,
        ("trade_bust", "2", ids[0]),
        ("trade_correct", "1", ids[1]),
    ]
