"""Random play with everything the API can do: whatever happens, its answers agree."""

from collections import Counter, defaultdict
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from testing.paper_server.api_tools import Api, D

_OPENING = {"AAPL": "20", "KO": "-15", "BTC/USD": "1.5"}
_PRICES = st.integers(92, 108).map(str)
_SIDES = st.sampled_from(["buy", "sell"])
_LEGS = {
    "buy": {"take_profit": {"limit_price": "112"}, "stop_loss": {"stop_price": "88"}},
    "sell": {"take_profit": {"limit_price": "88"}, "stop_loss": {"stop_price": "112"}},
}
_NEEDS = {"limit": ("limit_price",), "stop": ("stop_price",)}
_NEEDS["stop_limit"] = ("limit_price", "stop_price")
_STATUSES = {200, 204, 207, 403, 404, 422}
_PRICED = {"limit_price", "stop_price"}
_SAME = ("status", "qty", "filled_qty", "filled_avg_price", "filled_at", "canceled_at")


@st.composite
def _simple(draw):
    symbol = draw(st.sampled_from(list(_OPENING)))
    kind = draw(st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"]))
    tif = draw(st.sampled_from(["day", "gtc", "ioc"]))
    fields = {"type": kind, "time_in_force": "gtc" if "/" in symbol else tif}
    fields |= {name: draw(_PRICES) for name in _NEEDS.get(kind, ())}
    if kind == "trailing_stop":
        fields["trail_price"] = "2"
    side, amount = draw(_SIDES), draw(st.sampled_from(["1", "7", "30", "0.5", "$50"]))
    return "post", f"{side} {amount} {symbol}", fields


@st.composite
def _complex(draw):
    group = draw(st.sampled_from(["bracket", "oco", "oto"]))
    side, tif = draw(_SIDES), draw(st.sampled_from(["day", "gtc"]))
    # AAPL is held and KO is short, so that either side has something to leave.
    symbol = {"sell": "AAPL", "buy": "KO"}[side] if group == "oco" else "AAPL"
    exits = dict(_LEGS["sell" if (side == "sell") != (group == "oco") else "buy"])
    if group == "oto":
        exits.pop("take_profit")
    fields = {"order_class": group, "time_in_force": tif} | exits
    if group == "oco":
        fields["type"] = "limit"
    elif draw(st.booleans()):
        fields["limit_price"] = draw(_PRICES)
    return "post", f"{side} {draw(st.sampled_from(['1', '7']))} {symbol}", fields


_CHANGES = st.fixed_dictionaries(
    {"limit_price": _PRICES, "stop_price": _PRICES, "trail": st.sampled_from(["3", "4"])},
    optional={"qty": st.sampled_from(["2", "8"])},
)
_MOVES = st.lists(
    st.one_of(
        _simple(),
        _simple(),
        _complex(),
        st.tuples(st.just("patch"), st.integers(0, 40), _CHANGES),
        st.tuples(st.just("cancel"), st.integers(0, 40), st.none()),
        st.tuples(st.just("quote"), st.integers(90, 110), st.integers(0, 30)),
        st.tuples(st.just("step"), st.integers(1, 3), st.none()),
        st.tuples(st.just("wait"), st.sampled_from([1, 3600, 40_000]), st.none()),
        st.tuples(st.just("close"), st.sampled_from(list(_OPENING)), st.sampled_from(["", "50"])),
        st.tuples(st.just("all"), st.sampled_from(["orders", "positions"]), st.booleans()),
        st.tuples(st.just("hand"), st.integers(0, 40), st.sampled_from(["fill", "expire", "stop"])),
    ),
    min_size=15,
    max_size=40,
)
_HABITS = st.fixed_dictionaries(
    {
        "pending_steps": st.integers(0, 2),
        "hours": st.sampled_from(["always", "us"]),
        "queue_when_closed": st.booleans(),
        "pending_new_events": st.booleans(),
    }
)


def _move(api: Api, what, which, how) -> int:
    orders = api.orders(status="all", limit=500)
    if what == "post":
        return api.post(which, **how).status
    if what == "quote":
        for symbol in _OPENING:
            api.quote(symbol, str(which), str(which + 1), str(how), str(how))
    elif what == "step":
        api.venue.step(which)
    elif what == "wait":
        api.clock.advance(which)
    elif what == "close":
        symbol, query = which.replace("/", ""), {"percentage": how}
        return api.ask("DELETE", f"/v2/positions/{symbol}", query=query).status
    elif what == "all":
        query = {"cancel_orders": str(how)}
        return api.ask("DELETE", f"/v2/{which}", query=query).status
    elif orders:
        # Mostly those that are open: the others only refuse.
        some = (which % 4 and api.orders(limit=500)) or orders
        return _move_one(api, what, some[which % len(some)], how)
    return 200


def _present(order) -> list[str]:
    return [name for name, value in order.items() if value is not None]


def _move_one(api: Api, what, order, how) -> int:
    if what == "patch":
        fits = {"trail"} if order["trail_price"] else {"qty"} | _PRICED & set(_present(order))
        return api.patch(order, **{n: v for n, v in how.items() if n in fits}).status
    if what == "cancel":
        return api.cancel(order).status
    record = api.venue.order(order["id"])
    if not record.ended and not record.waits_to_replace and record.entry is None:
        if how == "fill" and record.leaves:
            api.venue.control.fill(record.broker_order_id, D(1), D(100))
        elif how == "expire":
            api.venue.control.expire(record.broker_order_id)
        elif how == "stop" and record.successor is None and record.due is None:
            api.venue.control.stop(record.broker_order_id)
    return 200


def _play(moves, habits, each=lambda _: None) -> Api:
    api = Api(cash="20000", positions=_OPENING, **habits)
    for symbol in _OPENING:
        api.quote(symbol, "99", "100", "20", "20")
    for what, which, how in moves:
        assert _move(api, what, which, how) in _STATUSES
        each(api)
    return api


def _agree(api: Api) -> None:
    api.exchange.advance()
    flat = {order["id"]: order for order in api.orders(status="all", limit=500)}
    last = {event["order"]["id"]: event["order"] for event in api.events}
    for order_id, told in last.items():
        shown = flat[order_id]
        assert {n: told[n] for n in _SAME} == {n: shown[n] for n in _SAME}
    for order in flat.values():
        assert UUID(order["id"])
        assert (order["replaced_by"] is not None) == (order["status"] == "replaced")
        if order["replaced_by"]:
            assert flat[order["replaced_by"]]["replaces"] == order["id"]
    for status in ("open", "closed", "all"):
        nested = api.orders(status=status, limit=500, nested="true")
        plain = {order["id"] for order in api.orders(status=status, limit=500)}
        seen = [o["id"] for o in nested] + [leg["id"] for o in nested for leg in o["legs"] or ()]
        assert len(seen) == len(set(seen))
        assert plain <= set(seen)
        assert status != "all" or plain == set(seen)


def _add_up(api: Api) -> None:
    held = defaultdict(lambda: D(0), {symbol: D(q) for symbol, q in _OPENING.items()})
    for fill in api.fills():
        held[fill["symbol"]] += D(fill["qty"]) * (1 if fill["side"] == "buy" else -1)
    shown = {p["symbol"].replace("BTCUSD", "BTC/USD"): D(p["qty"]) for p in _positions(api)}
    if len(api.fills()) < 100:
        assert shown == {symbol: quantity for symbol, quantity in held.items() if quantity}


def _positions(api: Api) -> list:
    return api.found("/v2/positions")


@given(_MOVES, _HABITS)
@settings(max_examples=40, deadline=None)
def test_stream_lists_and_positions_agree(moves, habits):
    """Three sources that disagree leave a desk without a truth."""

    def check(api):
        _agree(api)
        _add_up(api)

    _play(moves, habits, check)


def test_the_moves_do_something():
    """A property over moves that are all refused would hold for an empty server."""
    seen = Counter()

    @given(_MOVES, _HABITS)
    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    def tally(moves, habits):
        api = _play(moves, habits)
        seen.update(api.told)
        seen.update(order["order_class"] for order in api.orders(status="all", limit=500))

    tally()
    for name in ("new", "fill", "partial_fill", "canceled", "replaced", "held", "pending_cancel"):
        assert seen[name] > 5, (name, seen)
    for name in ("bracket", "oco", "oto"):
        assert seen[name] > 3, (name, seen)
