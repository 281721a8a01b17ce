"""Which type takes which time in force, by kind of asset, and when."""

from datetime import UTC, datetime

import pytest

from fillwright.testing import ManualClock
from testing.paper_server.api_tools import Api, limit

_TIMES = ("day", "gtc", "ioc", "fok", "opg", "cls")
_TYPES = {
    "market": {},
    "limit": {"limit_price": "100"},
    "stop": {"stop_price": "120"},
    "stop_limit": {"stop_price": "120", "limit_price": "121"},
    "trailing_stop": {"trail_price": "5"},
}
_ALL, _RESTING, _DAY, _COIN = set(_TIMES), {"day", "gtc"}, {"day"}, {"gtc", "ioc"}
_TAKEN = {
    "buy 2 AAPL": dict.fromkeys(("market", "limit"), _ALL)
    | dict.fromkeys(("stop", "stop_limit", "trailing_stop"), _RESTING),
    "buy 1.5 AAPL": dict.fromkeys(("market", "limit", "stop", "stop_limit"), _DAY),
    "buy $150 AAPL": dict.fromkeys(("market", "limit"), _DAY),
    "buy 0.5 BTC/USD": {
        "market": _COIN,
        "limit": _COIN,
        "stop_limit": {"gtc"},
    },
    "buy 3 BTC/USD": {
        "market": _COIN,
        "limit": _COIN,
        "stop_limit": {"gtc"},
    },
    "buy $150 BTC/USD": dict.fromkeys(("market", "limit"), _COIN),
}


@pytest.mark.parametrize("time_in_force", _TIMES)
@pytest.mark.parametrize("kind", _TYPES)
@pytest.mark.parametrize("text", _TAKEN)
def test_every_type_with_every_time_in_force(text, kind, time_in_force):
    """A server that takes more than the broker lets a client ship what the broker will refuse."""
    api = Api(cash="1000000")
    for symbol in ("AAPL", "BTC/USD"):
        api.quote(symbol, "99.99", "100")
    reply = api.post(text, **{"type": kind, "time_in_force": time_in_force} | _TYPES[kind])
    taken = time_in_force in _TAKEN[text].get(kind, ())

    assert reply.status == (200 if taken else 422), reply
    if not taken:
        assert reply.json["code"] == 42210000


def _at(hour: int, minute: int, day: int = 3, **settings) -> Api:
    """An exchange with New York's hours at a moment of March 2026 (winter time until the 8th)."""
    begin = datetime(2026, 3, day, hour, minute, tzinfo=UTC)
    return Api(clock=ManualClock(begin), hours="us", **settings)


@pytest.mark.parametrize(
    ("time_in_force", "hour", "minute", "day", "taken"),
    [
        ("opg", 14, 27, 3, True),
        ("opg", 14, 28, 3, False),
        ("opg", 23, 59, 3, False),
        ("opg", 0, 0, 4, True),
        ("opg", 14, 28, 7, True),
        ("cls", 20, 49, 3, True),
        ("cls", 20, 50, 3, False),
        ("cls", 23, 59, 3, False),
        ("cls", 0, 0, 4, True),
    ],
)
def test_auction_orders_come_in_time(time_in_force, hour, minute, day, taken):
    """An auction order that comes too late would wait for a day that its owner did not mean."""
    api = _at(hour, minute, day)
    reply = api.post("buy 1 AAPL", time_in_force=time_in_force)

    assert reply.status == (200 if taken else 422), reply


def test_auction_orders_at_a_venue_without_hours():
    """A demo on a Sunday must be able to show every time in force."""
    assert Api().post("buy 1 AAPL", time_in_force="cls").status == 200


def test_when_orders_expire():
    """A client that plans its day by expires_at must not be told another day."""
    in_session, at_night = _at(15, 0), _at(2, 0, 7)

    for api, day, extended, good in (
        (in_session, "2026-03-03T21:00:00", "2026-03-04T01:00:00", "2026-06-01T20:15:00"),
        # Saturday in London, Friday evening in New York.
        (at_night, "2026-03-09T20:00:00", "2026-03-10T00:00:00", "2026-06-04T20:15:00"),
    ):
        ends = [
            api.sent("buy 1 AAPL", **limit("50", **more))["expires_at"]
            for more in ({}, {"extended_hours": True}, {"time_in_force": "gtc"})
        ]
        assert ends == [f"{text}.000000000Z" for text in (day, extended, good)]


def test_a_day_order_ends_with_its_session():
    """A DAY order that outlives the close buys on yesterday's decision."""
    api = _at(15, 0)
    order = api.sent("buy 1 AAPL", **limit("50"))
    api.clock.advance(6 * 3600)
    found = api.order(order)

    assert (found["status"], found["expired_at"][:19]) == ("expired", order["expires_at"][:19])
    assert api.told == ["new", "expired"]


def test_a_good_till_canceled_order_is_canceled_after_ninety_days():
    """A forgotten order does not trade for ever."""
    api = _at(15, 0)
    order = api.sent("buy 1 AAPL", **limit("50", time_in_force="gtc"))
    other = api.sent("buy 1 AAPL", **limit("51", time_in_force="gtc"))
    api.clock.advance(89 * 86_400)
    assert api.order(order)["status"] == "new"
    api.clock.advance(2 * 86_400)
    api.exchange.advance()

    assert [api.order(one)["status"] for one in (order, other)] == ["canceled", "canceled"]
    assert api.told == ["new", "new", "canceled", "canceled"]


def test_orders_at_night_are_accepted_and_wait():
    """An order that the broker only queued is not working yet, and cannot be replaced."""
    api = _at(2, 0, queue_when_closed=True)
    order = api.sent("buy 1 AAPL", **limit("50"))
    at_once = api.sent("buy 0.01 BTC/USD")

    assert (order["status"], at_once["status"]) == ("accepted", "pending_new")
    assert api.order(order)["status"] == "accepted"
    assert api.told == ["accepted", "new", "fill"]
    assert api.events[0]["order"]["status"] == "accepted"
    refused = api.patch(order, limit_price="51")
    assert refused.told == (422, 42210000, "cannot replace order in accepted status")

    with api.hearing() as heard:
        api.clock.advance(13 * 3600)
        api.exchange.advance()

    assert [(e["event"], e["order"]["status"]) for e in heard] == [("new", "new")]
    assert api.order(order)["status"] == "new"
    assert api.patch(order, limit_price="51").status == 200


def test_extended_hours_orders_work_before_the_open():
    """Who asked for the early session must not wait for the late one."""
    api = _at(10, 0, queue_when_closed=True)
    early = api.sent("buy 1 AAPL", **limit("300", extended_hours=True))
    late = api.sent("buy 1 AAPL", **limit("300"))

    assert api.order(early)["status"] == "filled"
    assert api.order(late)["status"] == "accepted"


@pytest.mark.parametrize(
    ("text", "fields", "base"),
    [
        ("buy 2 AAPL", {"stop": "100"}, "99.99"),
        ("buy 2 AAPL", {"stop": "95", "limit_price": "95"}, "95"),
        ("sell 2 AAPL", {"stop": "100", "profit": "80"}, "100"),
    ],
)
def test_a_stop_loss_on_the_wrong_side(text, fields, base):
    """A stop loss that is hit already would close the position the moment it opens."""
    api = Api()
    api.quote("AAPL", "99.99", "100")
    stop, profit = fields.pop("stop"), fields.pop("profit", "150")
    reply = api.post(
        text,
        order_class="bracket",
        take_profit={"limit_price": profit},
        stop_loss={"stop_price": stop},
        **fields,
    )

    assert reply.status == 422
    assert (reply.json["code"], reply.json["base_price"]) == (42210000, base)
    assert "stop_loss.stop_price must be" in reply.json["message"]


def test_complex_orders_are_for_whole_shares_of_stock():
    """A leg that the broker cannot place leaves a position without its stop."""
    api = Api()
    legs = {"take_profit": {"limit_price": "400"}, "stop_loss": {"stop_price": "100"}}
    fraction = api.post("buy 1.5 AAPL", order_class="bracket", **legs)
    coin = api.post("buy 1 BTC/USD", order_class="bracket", **legs)
    trail = api.post(
        "buy 1 AAPL", type="trailing_stop", trail_price="1", order_class="bracket", **legs
    )

    assert fraction.told == (422, 42210000, "fractional orders must be simple orders")
    assert coin.told == (422, 42210000, "crypto orders must be simple orders")
    assert trail.told == (422, 42210000, "trailing stop orders must be simple orders")
