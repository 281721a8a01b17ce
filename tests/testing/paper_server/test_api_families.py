"""Bracket, OCO and OTO orders: legs, nesting, and what ends with what."""

from uuid import UUID

import pytest

from testing.paper_server.api_tools import Api, D, limit

_EXITS = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}


def _api(**settings) -> Api:
    api = Api(**settings)
    api.quote("AAPL", "99.99", "100")
    return api


def _legs(api: Api, order) -> list:
    return api.order(order, nested="true")["legs"]


def test_a_bracket_waits_for_its_entry():
    """A stop that works before there is a position sells short."""
    api = _api()
    order = api.sent(
        "buy 10 AAPL", client_order_id="mine", order_class="bracket", **_EXITS, **limit("95")
    )

    assert (order["order_class"], order["status"]) == ("bracket", "pending_new")
    profit, stop = order["legs"]
    assert (profit["type"], profit["limit_price"], profit["status"]) == ("limit", "110", "held")
    assert (stop["type"], stop["stop_price"], stop["status"]) == ("stop", "90", "held")
    assert {leg["side"] for leg in order["legs"]} == {"sell"}
    assert {leg["order_class"] for leg in order["legs"]} == {"bracket"}
    names = {one["client_order_id"] for one in (order, profit, stop)}
    assert len(names) == 3
    assert all(UUID(name) for name in names - {"mine"})
    assert api.told == ["new", "held", "held"]
    api.quote("AAPL", "94.99", "95")
    assert api.told[3:] == ["fill", "new", "new"]
    assert [leg["status"] for leg in _legs(api, order)] == ["new", "new"]
    api.quote("AAPL", "110", "110.01")
    assert [leg["status"] for leg in _legs(api, order)] == ["filled", "canceled"]
    assert api.get("/v2/positions/AAPL").status == 404


def test_nested_lists_hold_every_order_once():
    """A leg that no list shows is an order that nobody reconciles."""
    api = _api(positions={"MSFT": "5"})
    bracket = api.sent("buy 10 AAPL", order_class="bracket", **_EXITS, **limit("95"))
    oco = api.sent(
        "sell 5 MSFT",
        type="limit",
        order_class="oco",
        take_profit={"limit_price": "500"},
        stop_loss={"stop_price": "300", "limit_price": "299"},
    )
    simple = api.sent("buy 1 AAPL", **limit("90"))
    flat, nested = api.orders(), api.orders(nested="True")

    assert [order["id"] for order in nested] == [simple["id"], oco["id"], bracket["id"]]
    assert [order["legs"] and len(order["legs"]) for order in nested] == [None, 1, 2]
    inside = [leg["id"] for order in nested for leg in order["legs"] or ()]
    assert sorted(inside + [o["id"] for o in nested]) == sorted(o["id"] for o in flat)
    assert all(order["legs"] is None for order in flat)
    assert len(flat) == 6


def test_a_leg_whose_entry_is_not_in_the_list_stands_for_itself():
    """Open legs of a filled entry must be in the list of open orders."""
    api = _api()
    order = api.sent("buy 10 AAPL", order_class="bracket", **_EXITS)
    legs = {leg["id"] for leg in order["legs"]}

    assert api.order(order)["status"] == "filled"
    assert {one["id"] for one in api.orders(nested="true")} == legs


def test_an_oco_shows_the_limit_as_parent():
    """Who cancels the wrong half of an OCO keeps the stop and loses the profit."""
    api = _api(positions={"AAPL": "10"})
    order = api.sent("sell 10 AAPL", type="limit", order_class="oco", **_EXITS)
    (stop,) = order["legs"]

    assert (order["limit_price"], order["type"]) == ("110", "limit")
    assert (stop["stop_price"], stop["side"]) == ("90", "sell")
    new = api.patch(order, limit_price="120").json
    assert [leg["id"] for leg in _legs(api, new)] == [stop["id"]]
    assert api.cancel(new).status == 204
    assert api.order(stop)["status"] == "canceled"


def test_an_oco_fill_shrinks_the_other_half():
    """Two halves that both stand for the whole can sell twice what is held."""
    api = _api(positions={"AAPL": "10"})
    order = api.sent("sell 10 AAPL", type="limit", order_class="oco", **_EXITS)
    api.quote("AAPL", "110", "110.01", "4", "4")

    assert api.told[-2:] == ["partial_fill", "restated"]
    assert api.events[-1]["order"]["qty"] == "6"
    assert _legs(api, order)[0]["qty"] == "6"


def test_an_oto_has_one_leg():
    """An entry with one exit is still an entry with an exit."""
    api = _api()
    order = api.sent("buy 10 AAPL", order_class="oto", stop_loss={"stop_price": "90"})
    both = api.post("buy 10 AAPL", order_class="oto", **_EXITS)

    assert [leg["type"] for leg in order["legs"]] == ["stop"]
    assert [leg["status"] for leg in _legs(api, order)] == ["new"]
    assert both.told == (422, 42210000, "oto orders require one of take_profit and stop_loss")


@pytest.mark.parametrize("which", ["entry", "profit", "stop"])
@pytest.mark.parametrize("filled", ["0", "4"])
def test_one_cancel_ends_the_whole_bracket(which, filled):
    """What is left of a canceled group would trade for nobody."""
    api = _api()
    order = api.sent("buy 10 AAPL", order_class="bracket", **_EXITS, **limit("95"))
    if filled != "0":
        api.venue.control.fill(order["id"], D(filled), D(95))
    one = {"entry": order, "profit": order["legs"][0], "stop": order["legs"][1]}[which]

    assert api.cancel(one).status == 204
    assert api.orders() == []
    assert {o["status"] for o in api.orders(status="all")} == {"canceled"}
    assert api.told.count("canceled") == 3
    leg = api.cancel(order["legs"][0])
    assert leg.told == (422, 42210000, "leg order is already in canceled state")


def test_canceling_everything_takes_groups_whole():
    """A cancel of all that trips over a leg it just canceled would report a failure."""
    api = _api()
    api.sent("buy 10 AAPL", order_class="bracket", **_EXITS, **limit("95"))
    reply = api.ask("DELETE", "/v2/orders")

    assert [result["status"] for result in reply.json] == [200, 200, 200]
    assert api.orders() == []


def test_legs_may_be_moved_once_they_work():
    """A stop that cannot be trailed by hand is half a stop."""
    api = _api()
    order = api.sent("buy 10 AAPL", order_class="bracket", **_EXITS)
    profit, stop = order["legs"]
    new = api.patch(stop, stop_price="92").json
    size = api.patch(profit, qty="5")

    assert new["stop_price"] == "92"
    assert new["status"] == "pending_new"
    assert [leg["status"] for leg in _legs(api, order)] == ["new", "replaced", "new"]
    assert size.told == (422, 42210000, "qty of a complex order cannot be replaced")
    held = api.sent("buy 5 AAPL", order_class="bracket", **_EXITS, **limit("95"))["legs"][0]
    refused = api.patch(held, limit_price="111")
    assert refused.told == (422, 42210000, "cannot replace order in held status")


def test_a_group_that_waits_for_the_open_stays_accepted():
    """An event that calls a queued order working lets a client replace what cannot be replaced."""
    api = _api(positions={"AAPL": "10"}, hours="us", queue_when_closed=True)
    api.venue.control.close_session()
    order = api.sent("sell 10 AAPL", type="limit", order_class="oco", **_EXITS)
    (stop,) = order["legs"]
    api.venue.control.fill(order["id"], D(4), D(110))
    restated = api.events[-1]

    assert (order["status"], stop["status"]) == ("accepted", "accepted")
    assert api.told == ["accepted", "accepted", "partial_fill", "restated"]
    assert (restated["order"]["id"], restated["order"]["qty"]) == (stop["id"], "6")
    assert restated["order"]["status"] == api.order(stop)["status"] == "accepted"
    api.venue.control.open_session()
    assert api.order(stop)["status"] == "new"
