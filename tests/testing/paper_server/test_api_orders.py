"""Sending an order: what is answered, what is told on the stream, and what stands in the books."""

import re
from uuid import UUID

import pytest

from testing.paper_server.api_tools import Api, D, limit

_FIELDS = {
    *("id", "client_order_id", "created_at", "updated_at", "submitted_at", "filled_at"),
    *("expired_at", "expires_at", "canceled_at", "failed_at", "replaced_at", "replaced_by"),
    *("replaces", "asset_id", "symbol", "asset_class", "notional", "qty", "filled_qty"),
    *("filled_avg_price", "order_class", "order_type", "type", "side", "position_intent"),
    *("time_in_force", "limit_price", "stop_price", "status", "extended_hours", "legs"),
    *("trail_percent", "trail_price", "hwm", "ratio_qty", "subtag", "source"),
}
_NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def test_an_order_object_has_every_field():
    """A client in a strict language fails on a field that is not there."""
    api = Api()
    order = api.sent("buy 10 AAPL", client_order_id="mine")

    assert set(order) == _FIELDS
    assert (order["status"], order["filled_qty"], order["filled_avg_price"]) == (
        "pending_new",
        "0",
        None,
    )
    assert (order["order_class"], order["legs"], order["qty"]) == ("", None, "10")
    assert (order["type"], order["order_type"], order["side"]) == ("market", "market", "buy")
    assert order["client_order_id"] == "mine"
    assert UUID(order["id"])
    assert UUID(order["asset_id"])
    for name in ("created_at", "updated_at", "submitted_at", "expires_at"):
        assert _NANOSECONDS.fullmatch(order[name])


def test_what_was_answered_pending_is_filled_when_asked():
    """The answer describes the request; who takes it for the outcome misses the fill."""
    api = Api()
    order = api.sent("buy 10 AAPL")
    found = api.order(order)

    assert (found["status"], found["filled_qty"]) == ("filled", "10")
    assert D(found["filled_avg_price"]) == D("230.01")
    assert _NANOSECONDS.fullmatch(found["filled_at"])
    assert [found[name] for name in ("canceled_at", "expired_at", "failed_at")] == [None] * 3
    assert found["submitted_at"] == order["submitted_at"]


def test_the_events_of_an_order_that_fills_in_parts():
    """A stream that tells other numbers than the books would make a desk book twice."""
    api = Api(positions={"AAPL": "5"})
    api.quote("AAPL", "99.99", "100", "40", "40")
    with api.hearing() as heard:
        order = api.sent("buy 60 AAPL", client_order_id="mine")
        api.quote("AAPL", "100.49", "100.50", "40", "40")

    assert [event["event"] for event in heard] == ["new", "partial_fill", "fill"]
    shown = [(e["order"]["status"], e["order"]["filled_qty"]) for e in heard]
    assert shown == [("new", "0"), ("partially_filled", "40"), ("filled", "60")]
    assert [e.get("qty") for e in heard] == [None, "40", "20"]
    assert [e.get("price") for e in heard] == [None, "100", "100.5"]
    assert [e.get("position_qty") for e in heard] == [None, "45", "65"]
    assert heard[2]["order"]["filled_avg_price"] == "100.166666667"
    assert len({e["event_id"] for e in heard}) == 3
    assert [e["event_id"] for e in heard] == sorted(e["event_id"] for e in heard)
    assert all(len(e["event_id"]) == 26 for e in heard)
    assert all(_NANOSECONDS.fullmatch(e["timestamp"]) for e in heard)
    assert heard[1]["execution_id"] != heard[2]["execution_id"]
    assert all(UUID(e["execution_id"]) for e in heard[1:])
    assert heard[0]["order"]["filled_at"] is None
    assert {e["order"]["id"] for e in heard} == {order["id"]}
    assert set(heard[0]) == {"event", "event_id", "at", "timestamp", "order"}


@pytest.mark.parametrize("written", ["10", 10, 10.0, "10.0"])
def test_amounts_may_be_numbers_or_texts(written):
    """Clients write JSON numbers; the answer is a text all the same."""
    api = Api()
    order = api.ask(
        "POST",
        "/v2/orders",
        {
            "symbol": "AAPL",
            "side": "buy",
            "qty": written,
            "type": "limit",
            "limit_price": 100.07,
            "time_in_force": "day",
        },
    ).json

    assert (order["qty"], order["limit_price"]) == ("10", "100.07")


def test_numbers_never_pass_through_a_float():
    """A quantity that loses its last digit leaves a rest in the position that nobody can sell."""
    body = b'{"symbol":"AAPL","side":"buy","qty":12345.123456789,"type":"limit",'
    body += b'"limit_price":1.01,"time_in_force":"day"}'
    order = Api().ask("POST", "/v2/orders", body).json

    assert order["qty"] == "12345.123456789"


def test_an_order_by_notional_keeps_its_words():
    """An order that was entered in dollars has no qty, however many shares it became."""
    api = Api()
    api.quote("AAPL", "99.99", "100")
    order = api.sent("buy $250 AAPL")
    found = api.order(order)

    assert (order["qty"], order["notional"]) == (None, "250")
    assert (found["qty"], found["notional"], found["filled_qty"]) == (None, "250", "2.5")
    assert found["status"] == "filled"


def test_ids_that_the_server_makes():
    """A client that sends no id must still be able to find its order."""
    api = Api()
    first, second = api.sent("buy 1 AAPL"), api.sent("buy 1 AAPL")

    assert first["client_order_id"] != second["client_order_id"]
    assert UUID(first["client_order_id"])
    for order in (first, second):
        name = order["client_order_id"]
        found = api.found("/v2/orders:by_client_order_id", client_order_id=name)
        assert found["id"] == order["id"]


@pytest.mark.parametrize("name", ["a:b/c d&e+f", "ü" * 128, "x" * 128, "0"])
def test_any_client_order_id_of_up_to_128_characters(name):
    """An id that is stored but cannot be looked up is an order that cannot be found."""
    api = Api()
    order = api.sent("buy 1 AAPL", client_order_id=name)
    found = api.found("/v2/orders:by_client_order_id", client_order_id=name)

    assert (found["id"], found["client_order_id"]) == (order["id"], name)


def test_a_repeated_client_order_id_is_refused_for_ever():
    """The broker's refusal of a repeated id is what keeps a resent order from buying twice."""
    api = Api()
    api.quote("AAPL", "99.99", "100")
    filled = api.sent("buy 1 AAPL", client_order_id="filled")
    canceled = api.sent("buy 1 AAPL", client_order_id="canceled", **limit("50"))
    api.cancel(canceled)
    api.post("buy 1 NOSUCH", client_order_id="refused")

    for name in ("filled", "canceled"):
        told = api.post("buy 2 AAPL", client_order_id=name).told
        assert told == (422, 40010001, "client_order_id must be unique")
    assert api.post("buy 2 AAPL", client_order_id="refused").status == 200
    assert len(api.orders(status="all")) == 3
    assert api.order(filled)["filled_qty"] == "1"


def test_an_order_by_asset_id_or_by_a_pair_without_its_slash():
    """Symbols have more than one spelling in requests, and one in answers."""
    api = Api()
    share = api.found("/v2/assets/AAPL")
    by_id = api.sent(f"buy 1 {share['id']}")
    coin = api.sent("buy 0.5 BTCUSD", time_in_force="gtc")

    assert (by_id["symbol"], by_id["asset_id"]) == ("AAPL", share["id"])
    assert (coin["symbol"], coin["asset_class"]) == ("BTC/USD", "crypto")


def test_position_intents():
    """An intent that is inferred wrongly turns an exit into a new risk."""
    api = Api(positions={"AAPL": "10", "KO": "-10"})
    intents = {
        text: api.sent(text)["position_intent"]
        for text in ("buy 1 AAPL", "sell 1 AAPL", "buy 1 KO", "sell 1 MSFT", "buy 1 PEP")
    }
    told = api.post("sell 1 DIS", position_intent="sell_to_close").told

    assert list(intents.values()) == [
        *("buy_to_open", "sell_to_close", "buy_to_close", "sell_to_open", "buy_to_open"),
    ]
    text = "position intent mismatch, inferred: sell_to_open, specified: sell_to_close"
    assert told == (422, 42210000, text)


def test_a_trailing_stop_shows_how_far_it_trailed():
    """A trailing stop whose level is hidden cannot be checked by its owner."""
    api = Api(positions={"AAPL": "10"})
    api.quote("AAPL", "100", "100.01")
    order = api.sent("sell 10 AAPL", type="trailing_stop", trail_percent="10", time_in_force="gtc")
    api.quote("AAPL", "120", "120.01")
    found = api.order(order)

    assert (order["trail_percent"], found["hwm"], found["stop_price"]) == ("10", "120", "108")


def test_pending_new_as_an_event_of_its_own():
    """Some servers tell the step that others leave out; a client must live with both."""
    api = Api(pending_new_events=True)
    api.quote("AAPL", "99.99", "100")
    api.sent("buy 1 AAPL")

    assert api.told == ["pending_new", "new", "fill"]
    assert [e["order"]["status"] for e in api.events] == ["pending_new", "new", "filled"]
    assert len({e["event_id"] for e in api.events}) == 3


def test_nobody_hears_after_they_stopped_listening():
    """A listener that cannot leave keeps a dead connection alive."""
    api = Api()
    heard = []
    stop = api.account.listen(heard.append)
    api.sent("buy 1 AAPL")
    count = len(heard)
    stop()
    stop()
    api.sent("buy 1 AAPL")

    assert count == 2
    assert len(heard) == count
    assert len(api.events) == 4
