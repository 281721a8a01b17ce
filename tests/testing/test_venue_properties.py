"""What must hold at a venue whatever is asked of it."""

from collections import defaultdict
from contextlib import suppress
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.errors import OrderRejected
from fillwright.orders import OrderChange
from fillwright.types import ZERO, ExecType, OrdStatus, OrdType, Side
from testing.venue_tools import Bench, D, limit, touch

_SYMBOLS = ("AAPL", "NVR", "BTC/USD")
_OPENING = {"AAPL": "20", "BTC/USD": "1.5"}
_PRICES = st.integers(90, 110).map(str)
_LEGS = {
    "BUY": {"take_profit": {"limit_price": "112"}, "stop_loss": {"stop_price": "88"}},
    "SELL": {"take_profit": {"limit_price": "88"}, "stop_loss": {"stop_price": "112"}},
}


@st.composite
def _orders(draw):
    side = draw(st.sampled_from(["BUY", "SELL"]))
    amount = draw(st.sampled_from(["1", "7", "30", "250", "0.5", "1.25", "$50", "$999.99"]))
    kind = draw(st.sampled_from(OrdType))
    fields = {"type": kind, "time_in_force": draw(st.sampled_from(["DAY", "GTC", "IOC", "FOK"]))}
    if kind in (OrdType.LIMIT, OrdType.STOP_LIMIT):
        fields["limit_price"] = draw(_PRICES)
    if kind in (OrdType.STOP, OrdType.STOP_LIMIT):
        fields["stop_price"] = draw(_PRICES)
    if kind is OrdType.TRAILING_STOP:
        fields["trail_price"] = "2"
    if draw(st.integers(0, 4)) == 0:
        fields |= {"order_class": "BRACKET"} | _LEGS[side]
    return "submit", f"{side} {amount} {draw(st.sampled_from(_SYMBOLS))}", fields


_QUOTES = st.tuples(
    st.just("quote"),
    st.sampled_from(_SYMBOLS),
    st.tuples(st.integers(85, 115), st.integers(0, 2), st.integers(0, 40), st.integers(0, 40)),
)
_CHANGES = st.fixed_dictionaries(
    {}, optional={"quantity": st.sampled_from(["2", "8", "40"]), "limit_price": _PRICES}
).filter(bool)
_MOVES = st.lists(
    st.one_of(
        _orders(),
        _orders(),
        _QUOTES,
        st.tuples(st.just("step"), st.integers(1, 3), st.none()),
        st.tuples(st.just("cancel"), st.integers(0, 30), st.none()),
        st.tuples(st.just("replace"), st.integers(0, 30), _CHANGES),
    ),
    min_size=8,
    max_size=40,
)


def _play(moves, each=lambda _: None, **more):
    bench = Bench(cash="20000", positions=_OPENING, **more)
    for symbol in _SYMBOLS:
        bench.quote(symbol, "99", "100", "20", "20")
    for what, which, how in moves:
        with suppress(OrderRejected):
            _move(bench, what, which, how)
        each(bench)
    return bench


def _move(bench, what, which, how):
    if what == "submit":
        bench.send(which, **how)
    elif what == "quote":
        bid, spread, bid_size, ask_size = how
        bench.venue.set_quote(
            which, touch(str(bid), str(bid + spread), str(bid_size), str(ask_size))
        )
    elif what == "step":
        bench.venue.step(which)
    else:
        # Half of them at an order that may still change; of all orders most have ended.
        orders = (which % 2 and bench.venue.open_orders()) or bench.venue.orders()
        if not orders:
            return
        order = orders[which // 2 % len(orders)]
        if what == "cancel":
            bench.venue.cancel(order.broker_order_id)
        else:
            bench.venue.replace(order.broker_order_id, OrderChange.model_validate(how))


def _account_adds_up(bench):
    fills = bench.venue.executions().items
    position = defaultdict(lambda: ZERO, {s: D(q) for s, q in _OPENING.items()})
    cash = D(20_000)
    for fill in fills:
        signed = fill.execution.quantity * fill.side.sign
        position[fill.symbol] += signed
        cash -= signed * fill.execution.price
    account = bench.venue.account()
    assert account.cash == cash
    assert {s: p.quantity for s, p in account.positions.items()} == {
        s: q for s, q in position.items() if q
    }
    names = [fill.execution.execution_id for fill in fills]
    assert len(set(names)) == len(names)


def _holds_add_up(bench):
    books = bench.venue._books
    assert books.held == sum((o.held for o in books.orders.values()), start=ZERO)
    for order in books.orders.values():
        assert order.held >= 0
        if order.ended:
            assert (order.held, order.claim) == (0, 0)
    for symbol, market in bench.venue._matching.markets.items():
        held = books.quantity(symbol)
        assert market.open_buys >= 0
        assert market.open_sells >= 0
        assert market.bid_left >= 0
        assert market.ask_left >= 0
        if held > 0:
            assert market.open_sells <= held


def _orders_add_up(bench):
    executed = defaultdict(lambda: ZERO)
    for fill in bench.venue.executions().items:
        executed[fill.broker_order_id] += fill.execution.quantity
    for order in bench.venue.orders():
        own, at = executed[order.broker_order_id], order
        while at.replaces is not None and at.status not in (
            OrdStatus.PENDING_NEW,
            OrdStatus.REJECTED,
        ):
            at = bench.venue.order(at.replaces)
            own += executed[at.broker_order_id]
        assert order.filled == own
        if order.quantity is not None and not order.notional:
            assert order.filled <= order.quantity
        if order.notional is not None:
            assert order.value <= order.notional * D("1.2")
        if order.notional is not None and order.side is Side.BUY:
            assert order.value <= order.notional
        if order.status is OrdStatus.FILLED:
            assert order.filled == order.quantity
        if order.ended:
            assert order.leaves == 0
            assert order not in bench.venue.open_orders()


@given(_MOVES, st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_money_shares_and_holds_are_conserved(moves, pending_steps):
    """A venue that makes or loses money by itself proves nothing about a desk."""

    def check(bench):
        _account_adds_up(bench)
        _holds_add_up(bench)
        _orders_add_up(bench)

    _play(moves, check, pending_steps=pending_steps)


@given(_MOVES)
@settings(max_examples=60, deadline=None)
def test_without_shorting_buying_power_is_never_overdrawn(moves):
    """Buying power below zero means that the same dollar was promised twice."""

    def check(bench):
        books = bench.venue._books
        assert books.cash - books.held >= 0
        assert bench.venue.account().buying_power == books.cash - books.held
        assert all(p.quantity > 0 for p in bench.venue.account().positions.values())

    _play(moves, check, shorting=False)


@given(_MOVES)
@settings(max_examples=60, deadline=None)
def test_limits_and_displayed_sizes_are_kept(moves):
    """A fill beyond the limit or beyond what was displayed cannot happen at a market."""
    shown, traded = {}, defaultdict(lambda: ZERO)
    seen = 0

    def check(bench):
        nonlocal seen
        for report in bench.said[seen:]:
            if report.exec_type is not ExecType.TRADE:
                continue
            order = bench.venue.order(report.broker_order_id)
            price = report.execution.price
            if order.limit_price is not None and order.replaced_by is None:
                better = order.limit_price - price
                assert better * order.side.sign >= 0
        seen = len(bench.said)

    def record(show):
        def wrapped(market, quote, step, now):
            for side, size in ((Side.BUY, quote.ask_size), (Side.SELL, quote.bid_size)):
                shown[id(market), side] = size
                traded[id(market), side] = ZERO
            show(market, quote, step, now)

        return wrapped

    def spend(consume):
        def wrapped(market, side, quantity):
            traded[id(market), side] += quantity
            assert traded[id(market), side] <= shown[id(market), side]
            consume(market, side, quantity)

        return wrapped

    from fillwright.testing.venue.market import Market

    show, consume = Market.show, Market.consume
    Market.show, Market.consume = record(show), spend(consume)
    try:
        _play(moves, check)
    finally:
        Market.show, Market.consume = show, consume


@given(
    st.lists(st.tuples(st.integers(95, 99), st.integers(1, 30)), min_size=2, max_size=8),
    st.integers(1, 60),
)
@settings(max_examples=60, deadline=None)
def test_better_prices_then_earlier_orders_fill_first(orders, size):
    """An order that overtakes another takes its fill away."""
    bench = Bench(cash="1000000")
    bench.quote("AAPL", "99.98", "100", "0", "0")
    placed = [bench.send(f"BUY {quantity} AAPL", **limit(str(p))) for p, quantity in orders]
    bench.quote("AAPL", "94", "95", "0", str(size))
    left = D(size)
    for order in sorted(placed, key=lambda o: -o.limit_price):
        expected = min(order.quantity, left)
        assert order.filled == expected
        left -= expected


@given(_MOVES, st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_same_calls_give_the_same_history(moves, seed):
    """A failure that cannot be repeated cannot be repaired."""

    def history():
        bench = _play([m for m in moves if m[0] != "quote"], seed=seed)
        said = "\n".join(map(repr, (*bench.said, *bench.venue.executions().items)))
        return sha256(said.encode()).hexdigest()

    assert history() == history()


@given(_MOVES, st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_a_reopened_venue_equals_the_one_before(tmp_path_factory, moves, pending_steps):
    """What a restart changes was never safe."""
    state = tmp_path_factory.mktemp("state") / "venue.db"
    more = {"positions": _OPENING, "pending_steps": pending_steps, "volatility": "0"}
    bench = Bench(cash="20000", state=state, **more)
    for what, which, how in moves:
        if what != "quote":
            with suppress(OrderRejected):
                _move(bench, what, which, how)
    before = _books(bench.venue)
    bench.venue.close()
    again = Bench(cash="20000", state=state, **more)
    assert _books(again.venue) == before
    again.venue.close()


def _books(venue):
    books = venue._books
    return (
        [(o.snapshot(), o.held, o.claim, o.due, o.legs, o.sibling) for o in venue.orders()],
        books.fills,
        books.held,
        (books.cash, books.tag, books.orders_made, books.events_made, books.ranks_given),
        {s: (h.quantity, h.cost) for s, h in books.holdings.items()},
        {name: order.broker_order_id for name, order in books.by_client.items()},
        {
            symbol: (market.open_buys, market.open_sells)
            for symbol, market in venue._matching.markets.items()
            if market.open_buys or market.open_sells
        },
    )


def test_the_moves_do_something():
    """A property over moves that are all refused would hold for an empty venue.

    What is drawn depends on the constants of every module that is loaded, so there are many.
    """
    counts = defaultdict(int)

    @given(_MOVES)
    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    def tally(moves):
        bench = _play(moves)
        for report in bench.said:
            counts[report.exec_type] += 1
        counts["orders"] += len(bench.venue.orders())

    tally()
    assert counts["orders"] > 60
    for kind in (ExecType.TRADE, ExecType.CANCELED, ExecType.REPLACED, ExecType.PENDING_NEW):
        assert counts[kind] > 5, (kind, dict(counts))
