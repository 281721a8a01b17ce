"""Lists of orders: every filter, every page."""

from hypothesis import given, settings
from hypothesis import strategies as st

from testing.paper_server.api_tools import Api, limit

_SYMBOLS = ("AAPL", "MSFT", "BTC/USD")
_OPEN = {"new", "partially_filled", "accepted", "pending_new", "held"}


def _furnished(clock_moves: list[int]) -> Api:
    """An exchange with orders of many kinds, some at the same moment."""
    api = Api(positions={"AAPL": "100", "BTC/USD": "5"}, step=0)
    for number, seconds in enumerate(clock_moves):
        api.clock.advance(seconds)
        symbol = _SYMBOLS[number % 3]
        price = "1" if number % 4 else "1000000"
        tif = "gtc" if symbol == "BTC/USD" else "day"
        side = "sell" if number % 5 == 0 and symbol != "MSFT" else "buy"
        price = {"buy": price, "sell": "2000000"}[side]
        order = api.sent(f"{side} 1 {symbol}", **limit(price, time_in_force=tif))
        if number % 6 == 3:
            api.cancel(order)
    legs = {"take_profit": {"limit_price": "900"}, "stop_loss": {"stop_price": "50"}}
    api.sent("buy 2 AAPL", order_class="bracket", **legs, **limit("100"))
    return api


def _all(api: Api) -> list:
    return api.orders(status="all", limit="500", direction="asc")


_MOVES = st.lists(st.sampled_from([0, 0, 1, 60]), min_size=6, max_size=24)


@given(
    _MOVES,
    st.sampled_from(["open", "closed", "all", None]),
    st.sampled_from(["asc", "desc", None]),
    st.sets(st.sampled_from([*_SYMBOLS, "BTCUSD", "KO"]), max_size=2),
    st.sampled_from(["buy", "sell", None]),
    st.sampled_from(["us_equity", "crypto", "us_equity,crypto", "all", None]),
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["time", "id", "id2", None])),
    st.sampled_from([1, 3, 50, None]),
)
@settings(max_examples=80, deadline=None)
def test_a_filtered_list_is_the_whole_list_filtered(  # noqa: PLR0913, PLR0917 - one for each filter
    moves, status, direction, symbols, side, classes, bounds, count
):
    """An order that a filter loses is one that a client believes gone."""
    api = _furnished(moves)
    whole = _all(api)
    first, last = (whole[number % len(whole)] for number in sorted(bounds[:2]))
    query = {"status": status, "direction": direction, "side": side, "asset_class": classes}
    query |= {"symbols": ",".join(sorted(symbols)), "limit": count}
    expected = whole
    if bounds[2] == "time":
        query |= {"after": first["submitted_at"], "until": last["submitted_at"]}
        expected = [
            o for o in whole if first["submitted_at"] < o["submitted_at"] < last["submitted_at"]
        ]
    elif bounds[2] == "id":
        query |= {"after_order_id": first["id"]}
        expected = whole[whole.index(first) + 1 :]
    elif bounds[2] == "id2":
        query |= {"before_order_id": last["id"]}
        expected = whole[: whole.index(last)]
    found = api.orders(**{name: value for name, value in query.items() if value is not None})

    if status != "all":
        is_open = status in ("open", None)
        expected = [o for o in expected if (o["status"] in _OPEN) == is_open]
    names = {"BTC/USD" if name == "BTCUSD" else name for name in symbols}
    expected = [o for o in expected if not names or o["symbol"] in names]
    expected = [o for o in expected if side in (None, o["side"])]
    wanted = None if classes in (None, "all") else classes.split(",")
    expected = [o for o in expected if wanted is None or o["asset_class"] in wanted]
    if direction != "asc":
        expected = expected[::-1]
    assert found == expected[: count or 50]


@given(_MOVES, st.integers(1, 7), st.sampled_from(["asc", "desc"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_page_size_shows_every_order_once(moves, size, direction, by_id):
    """A page that repeats or skips makes a client resend or forget."""
    api = _furnished(moves)
    whole = _all(api)
    seen = []
    query: dict[str, str] = {}
    while True:
        page = api.orders(status="all", limit=size, direction=direction, **query)
        assert len(page) <= size
        seen += page
        if not page:
            break
        bound = page[-1]["id"] if by_id else page[-1]["submitted_at"]
        names = ("after_order_id", "before_order_id") if by_id else ("after", "until")
        query = {names[direction == "desc"]: bound}

    assert seen == (whole if direction == "asc" else whole[::-1])


def test_the_usual_page_is_fifty_open_orders_newest_first():
    """A client that asks for nothing gets what the documents promise."""
    api = Api()
    sent = [api.sent("buy 1 AAPL", **limit("1"))["id"] for _ in range(55)]
    api.sent("buy 1 AAPL")

    assert [order["id"] for order in api.orders()] == sent[:4:-1]
    assert len(api.orders(limit="500")) == 55


def test_questions_that_cannot_be_understood():
    """A filter that is ignored shows a client a list that it did not ask for."""
    api = Api()
    unknown = "11111111-2222-4333-8444-555555555555"
    for query, status in (
        ({"status": "working"}, 422),
        ({"limit": "501"}, 422),
        ({"limit": "0"}, 422),
        ({"limit": "ten"}, 422),
        ({"after": "yesterday"}, 422),
        ({"nested": "maybe"}, 422),
        ({"direction": "up"}, 422),
        ({"side": "both"}, 422),
        ({"asset_class": "coins"}, 422),
        ({"after_order_id": "7"}, 422),
        ({"after_order_id": unknown}, 404),
    ):
        assert api.get("/v2/orders", **query).status == status, query
    order = api.sent("buy 1 AAPL")
    both = {"after_order_id": order["id"], "before_order_id": order["id"]}
    assert api.get("/v2/orders", **both).status == 422


def test_times_are_compared_to_the_last_digit():
    """A client that cuts a time to microseconds sees its last order again, and no other less."""
    api = Api()
    first, second = api.sent("buy 1 AAPL"), api.sent("buy 1 AAPL")
    assert first["submitted_at"] < second["submitted_at"]

    after_first = api.orders(status="all", after=first["submitted_at"])
    cut = api.orders(status="all", after=first["submitted_at"][:26] + "Z")
    offset = api.orders(status="all", after=first["submitted_at"][:29] + "+00:00")
    assert [o["id"] for o in after_first] == [second["id"]]
    assert [o["id"] for o in cut] == [second["id"], first["id"]]
    assert offset == after_first
