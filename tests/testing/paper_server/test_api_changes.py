"""Replace and cancel: new ids and links, what is refused, and who wins a race."""

from uuid import UUID

import pytest

from testing.paper_server.api_tools import SUB_PENNY, Api, D, limit


def _api(**settings) -> Api:
    api = Api(**settings)
    api.quote("AAPL", "99.99", "100")
    return api


def _fill(api: Api, order, quantity: str, price: str = "90") -> None:
    api.venue.control.fill(order["id"], D(quantity), D(price))


def test_a_replace_makes_a_new_order():
    """A client that goes on with the old id loses sight of the order that works."""
    api = _api()
    old = api.sent("buy 10 AAPL", client_order_id="mine", **limit("90"))
    with api.hearing() as heard:
        new = api.patch(old, limit_price="91.5", qty=12, time_in_force="gtc").json
    before, after = api.order(old), api.order(new)

    assert new["id"] != old["id"]
    assert UUID(new["client_order_id"])
    assert (new["replaces"], new["status"], new["replaced_by"]) == (old["id"], "pending_new", None)
    assert (new["qty"], new["limit_price"], new["time_in_force"]) == ("12", "91.5", "gtc")
    assert (before["status"], before["replaced_by"]) == ("replaced", new["id"])
    assert before["replaced_at"] is not None
    assert (after["status"], after["replaces"]) == ("new", old["id"])
    assert [e["event"] for e in heard] == ["replaced", "new"]
    assert heard[0]["order"]["id"] == old["id"]
    assert heard[0]["order"]["replaced_by"] == new["id"]
    assert heard[1]["order"]["id"] == new["id"]
    found = api.found("/v2/orders:by_client_order_id", client_order_id="mine")
    assert found["id"] == old["id"]


def test_a_replace_with_its_own_client_order_id():
    """An id of one's own is what lets a client find the replacement after a lost answer."""
    api = _api()
    old = api.sent("buy 10 AAPL", client_order_id="mine", **limit("90"))
    new = api.patch(old, limit_price="91", client_order_id="mine-2").json

    assert new["client_order_id"] == "mine-2"
    for name in ("mine", "mine-2"):
        again = api.patch(new, limit_price="92", client_order_id=name)
        assert again.told == (422, 40010001, "client_order_id must be unique")


def test_fills_carry_over_a_replace():
    """A replacement whose quantity begins anew would buy the filled part again."""
    api = _api()
    old = api.sent("buy 10 AAPL", **limit("90"))
    _fill(api, old, "4")
    new = api.patch(old, qty="6").json
    shown = api.order(new)
    _fill(api, new, "100")

    assert (new["qty"], new["filled_qty"], new["filled_avg_price"]) == ("6", "4", "90")
    assert (shown["status"], shown["filled_qty"]) == ("partially_filled", "4")
    assert (api.order(new)["status"], api.order(new)["filled_qty"]) == ("filled", "6")
    assert api.position("AAPL")["qty"] == "6"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "order parameters are not changed"),
        ({"limit_price": "90"}, "order parameters are not changed"),
        ({"qty": "4"}, "qty must be > filled_qty"),
        ({"qty": "12.5"}, "qty must be a whole number of shares"),
        ({"trail": "2"}, "trail is for trailing_stop orders"),
        ({"notional": "100"}, "notional orders cannot be replaced"),
        ({"stop_price": "80"}, "LIMIT orders have no stop_price"),
        (
            {"limit_price": "90.001"},
            "invalid limit_price 90.001. " + SUB_PENNY,
        ),
    ],
)
def test_replaces_that_are_refused(fields, message):
    """A refused replace leaves the order as it was: the client must know which one works."""
    api = _api()
    order = api.sent("buy 10 AAPL", **limit("90"))
    _fill(api, order, "4")

    assert api.patch(order, **fields).told == (422, 42210000, message)
    assert (api.order(order)["status"], api.order(order)["qty"]) == ("partially_filled", "10")


def test_orders_that_cannot_be_replaced():
    """The text names the status, so that a client can tell a race from a mistake."""
    api = _api(positions={"AAPL": "3"})
    filled = api.sent("buy 1 AAPL")
    canceled = api.sent("buy 1 AAPL", **limit("90"))
    api.cancel(canceled)
    notional = api.sent("buy $50 AAPL", **limit("90"))
    fraction = api.sent("buy 1.5 AAPL", **limit("90"))
    replaced = api.sent("buy 2 AAPL", **limit("90"))
    api.patch(replaced, qty=3)

    refused = {
        text: api.patch(order, qty="5").told[2]
        for text, order in {
            "filled": filled,
            "canceled": canceled,
            "notional": notional,
            "fraction": fraction,
            "replaced": replaced,
        }.items()
    }
    assert refused == {
        "filled": "cannot replace order in filled status",
        "canceled": "cannot replace order in canceled status",
        "notional": "notional orders cannot be replaced",
        "fraction": "qty of a fractional order cannot be replaced",
        "replaced": "order already replaced",
    }
    assert api.patch(fraction, limit_price="91").status == 200


def test_trails_are_replaced_by_trail():
    """A trailing stop cannot turn from dollars to percent behind its owner's back."""
    api = _api(positions={"AAPL": "10"})
    orders = [
        api.sent("sell 5 AAPL", type="trailing_stop", **how)
        for how in ({"trail_price": "5"}, {"trail_percent": "5"})
    ]
    new = [api.patch(order, trail="7").json for order in orders]

    assert [(o["trail_price"], o["trail_percent"]) for o in new] == [("7", None), (None, "7")]


def test_a_cancel_answers_nothing():
    """204 says that the request was taken; the event says that the order is gone."""
    api = _api()
    order = api.sent("buy 1 AAPL", **limit("90"))
    reply = api.cancel(order)

    assert (reply.status, reply.json) == (204, None)
    assert api.told == ["new", "canceled"]
    assert api.order(order)["status"] == "canceled"
    assert api.order(order)["canceled_at"] is not None
    assert api.cancel(order).told == (422, 42210000, "order is not cancelable")


def test_a_pending_cancel_can_still_fill():
    """Whoever books a cancel at 204 loses the fill that crossed it."""
    api = _api(pending_steps=1)
    order = api.sent("buy 1 AAPL", **limit("90"))
    api.cancel(order)
    assert api.order(order)["status"] == "pending_cancel"
    assert api.cancel(order).told == (422, 42210000, "order pending cancel")
    refused = api.patch(order, limit_price="91").told
    assert refused == (422, 42210000, "cannot replace order in pending_cancel status")
    api.quote("AAPL", "89", "89.50")

    assert api.order(order)["status"] == "filled"
    assert api.told == ["new", "pending_cancel", "fill", "order_cancel_rejected"]


def test_a_pending_replace_that_comes_to_nothing():
    """A 200 to a replace is no promise: when the old order fills first, the new one is rejected."""
    api = _api(pending_steps=1)
    old = api.sent("buy 1 AAPL", **limit("90"))
    new = api.patch(old, limit_price="91").json
    waiting = api.order(old), api.order(new)
    assert [o["status"] for o in waiting] == ["pending_replace", "pending_new"]
    assert [o["replaced_by"] for o in waiting] == [None, None]
    assert {o["id"] for o in api.orders()} == {old["id"], new["id"]}
    assert api.cancel(old).told == (422, 42210000, "order is not cancelable")
    assert api.patch(new, limit_price="92").told[2] == "order chain not fully replaced"
    api.quote("AAPL", "89", "89.50")

    assert [api.order(o)["status"] for o in (old, new)] == ["filled", "rejected"]
    assert api.order(new)["failed_at"] is not None
    assert api.told == ["new", "pending_replace", "fill", "order_replace_rejected"]
    assert api.position("AAPL")["qty"] == "1"


def test_a_pending_replace_that_takes_effect():
    """Between the answer and the event both orders stand; only one of them may fill."""
    api = _api(pending_steps=1)
    old = api.sent("buy 1 AAPL", **limit("90"))
    new = api.patch(old, limit_price="91").json
    api.venue.step(2)

    assert [api.order(o)["status"] for o in (old, new)] == ["replaced", "new"]
    assert api.told == ["new", "pending_replace", "replaced", "new"]


def test_canceling_everything():
    """One order that cannot be canceled must not hide what became of the others."""
    api = _api(pending_steps=1)
    first = api.sent("buy 1 AAPL", **limit("90"))
    second = api.sent("buy 1 AAPL", **limit("91"))
    api.cancel(second)
    reply = api.ask("DELETE", "/v2/orders")

    assert reply.status == 207
    assert reply.json == [
        {"id": first["id"], "status": 200},
        {
            "id": second["id"],
            "status": 422,
            "body": {"code": 42210000, "message": "order pending cancel"},
        },
    ]
    api.venue.step(2)
    assert api.orders() == []
    assert api.ask("DELETE", "/v2/orders").json == []


def test_what_the_venue_does_by_itself():
    """Every event that a desk must survive has to exist somewhere to be tried."""
    api = _api()
    orders = [api.sent("buy 2 AAPL", **limit("90")) for _ in range(6)]
    control = api.venue.control
    for act, order in zip(
        (control.cancel, control.reject, control.expire, control.done_for_day, control.suspend),
        orders,
        strict=False,
    ):
        act(order["id"])
    control.stop(orders[5]["id"])
    control.resume(orders[4]["id"])

    assert api.told[6:] == [
        *("canceled", "rejected", "expired", "done_for_day", "suspended", "stopped", "restated"),
    ]
    assert [api.order(o)["status"] for o in orders] == [
        *("canceled", "rejected", "expired", "done_for_day", "new", "stopped"),
    ]
    ended = [api.order(o) for o in orders[:3]]
    names = ("canceled_at", "failed_at", "expired_at")
    for order, name in zip(ended, names, strict=True):
        assert [n for n in (*names, "filled_at", "replaced_at") if order[n]] == [name]


def test_a_late_fill_keeps_the_status():
    """A fill after the cancel counts; that the order stays canceled must not hide it."""
    api = _api()
    order = api.sent("buy 2 AAPL", **limit("90"))
    api.cancel(order)
    _fill(api, order, "1")

    assert api.told == ["new", "canceled", "partial_fill"]
    assert api.events[-1]["position_qty"] == "1"
    found = api.order(order)
    assert (found["status"], found["filled_qty"]) == ("canceled", "1")
    assert found["canceled_at"] is not None
