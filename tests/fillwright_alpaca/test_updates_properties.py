"""Whatever happens to the frames on their way, the ledger holds every execution once."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from alpacakit.updates import START, AlpacaOrder, D, frame, order_id
from fillwright.ledger import BooksOpened, Ledger, Reported, Sent, Staged
from fillwright.orders import Order
from fillwright.reports import AnomalyKind, Evidence, Execution, ExecutionReport, Gap, Source
from fillwright.types import BrokerOrderId, ClientOrderId, ExecType, OrdStatus, Side
from fillwright_alpaca.frames import EVENTS, messages
from fillwright_alpaca.messages import Unreadable, execution_id
from fillwright_alpaca.updates import Updates

KEY = ClientOrderId("fw-1")
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)

quantities = st.integers(1, 6).map(lambda n: str(D(n) / 2))
prices = st.integers(9_000, 11_000).map(lambda n: str(D(n) / 100))
fills = st.lists(st.tuples(quantities, prices), min_size=1, max_size=6)


class History:
    """One order from its acknowledgement to its end: the frames, and the account activities."""

    def __init__(self, rows: list[tuple[str, str]], *, ends: bool, places: int = 12) -> None:
        whole = sum((D(q) for q, _ in rows), D(0))
        order = AlpacaOrder(quantity=str(whole + 1 if ends else whole))
        order.places = places
        self.whole = whole
        self.value = sum((D(q) * D(p) for q, p in rows), D(0))
        self.updates = [order.event("new")]
        self.activities: list[ExecutionReport] = []
        for quantity, price in rows:
            self.updates.append(order.fill(quantity, price))
            self.activities.append(_activity(quantity, price, order.filled))
        if ends:
            self.updates.append(order.event("canceled"))


def _activity(quantity: str, price: str, filled: Decimal) -> ExecutionReport:
    """One line of the account activities, as a comparison books it."""
    name = execution_id(order_id(), filled)
    return ExecutionReport(
        ExecType.TRADE,
        "AAPL",
        Side.BUY,
        Evidence(Source.QUERY, "reconcile-1"),
        NOW,
        broker_order_id=BrokerOrderId(order_id()),
        client_order_id=KEY,
        execution=Execution(name, D(quantity), D(price), NOW),
    )


class Desk:
    """The reader of the stream, and the ledger behind it."""

    def __init__(self, quantity: Decimal) -> None:
        order = Order(symbol="AAPL", side="BUY", quantity=str(quantity))
        self.updates = Updates()
        self.ledger = Ledger()
        self.gaps = 0
        self.differences = 0
        for fact in (
            BooksOpened(NOW, D(0), {}),
            Staged(KEY, NOW, order, "h"),
            Sent(KEY, NOW, "h", NOW, quantity, D(100)),
        ):
            self.ledger.apply(fact)

    def hear(self, update: dict) -> None:
        (message,) = messages(frame(update))
        for item in self.updates.take(message["data"], START):
            if isinstance(item, Gap):
                self.gaps += 1
            else:
                self.book(item)

    def book(self, report: ExecutionReport) -> None:
        change = self.ledger.apply(Reported(KEY, NOW, report))
        kinds = [anomaly.kind for anomaly in change.anomalies]
        self.differences += kinds.count(AnomalyKind.DUPLICATE_DIFFERS)

    @property
    def state(self):
        return self.ledger.orders[KEY]


def _check(desk: Desk, history: History) -> None:
    booked = {e.execution_id: (e.quantity, e.price) for e in desk.ledger.executions(KEY)}
    expected = {
        a.execution.execution_id: (a.execution.quantity, a.execution.price)
        for a in history.activities
    }
    assert booked == expected
    assert (desk.state.filled, desk.state.value) == (history.whole, history.value)
    assert desk.differences == 0


@given(fills, st.booleans(), st.sampled_from([2, 4, 6, 12]), st.data())
def test_loss_repetition_order_and_restarts(rows, ends, places, data):
    """Fills lost across a gap, or booked twice behind it, make the position wrong for good."""
    history = History(rows, ends=ends, places=places)
    desk = Desk(history.whole + 1)
    copies = [data.draw(st.integers(0, 2), label="copies") for _ in history.updates]
    sent = [u for u, n in zip(history.updates, copies, strict=True) for _ in range(n)]
    for update in data.draw(st.permutations(sent), label="order"):
        happens = data.draw(st.sampled_from(["frame", "frame", "restart", "books"]), label="first")
        if happens == "restart":
            desk.updates = Updates()
        if happens == "books":
            for activity in history.activities:
                desk.book(activity)
        desk.hear(update)
        assert desk.state.filled <= history.whole
    for activity in history.activities:
        desk.book(activity)

    _check(desk, history)


@given(fills, st.data())
def test_whatever_is_lost_is_claimed_or_a_gap(rows, data):
    """A fill that is lost without a sign is found a quarter of an hour later, or never."""
    history = History(rows, ends=True)
    desk = Desk(history.whole + 1)
    lost = data.draw(st.sets(st.integers(1, len(rows))), label="lost")
    for number, update in enumerate(history.updates):
        if number not in lost:
            desk.hear(update)

    assert bool(desk.gaps) == bool(lost)
    assert desk.state.claimed == history.whole
    assert (desk.state.missing > 0) == bool(lost)
    for activity in history.activities:
        desk.book(activity)
    _check(desk, history)
    assert desk.state.settled
    assert desk.state.status is OrdStatus.CANCELED


@given(st.lists(quantities, min_size=1, max_size=6), st.data())
def test_frames_whose_order_ran_ahead(sizes, data):
    """An order that is newer than the fill in its frame gives the fill another one's name."""
    asked = data.draw(
        st.lists(prices, min_size=len(sizes), max_size=len(sizes), unique=True), label="prices"
    )
    history = History(list(zip(sizes, asked, strict=True)), ends=False)
    desk = Desk(history.whole)
    for number, update in enumerate(history.updates):
        ahead = data.draw(st.integers(number, len(sizes)), label="ahead")
        if data.draw(st.booleans(), label="lost"):
            continue
        desk.hear(update | {"order": history.updates[ahead]["order"]})
    for activity in history.activities:
        desk.book(activity)

    _check(desk, history)


@given(fills, st.data())
def test_busts_and_corrections_follow_the_broker(rows, data):
    """What the broker took back must be gone, however often it says so."""
    order = AlpacaOrder(quantity=str(sum(D(q) for q, _ in rows) + 1))
    desk = Desk(D(order.fields["qty"]))
    sent = [order.fill(quantity, price) for quantity, price in rows]
    chosen = data.draw(st.sampled_from(sent), label="taken back")
    if data.draw(st.booleans(), label="corrected"):
        chosen = order.correct(chosen, data.draw(quantities), data.draw(prices))
        sent.append(chosen)
    if data.draw(st.booleans(), label="busted"):
        sent.append(order.bust(chosen))
    for update in sent:
        for _ in range(data.draw(st.integers(1, 2), label="copies")):
            desk.hear(update)

    assert desk.gaps == 0
    assert desk.state.filled == order.filled
    assert desk.state.value == order._value


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([*EVENTS, "buy", "AAPL", "1", "-1", "1e28", "1e9999", "NaN", "0", order_id()])
    | st.datetimes().map(str)
)
names = st.sampled_from([*AlpacaOrder().fill("1", "1"), *AlpacaOrder().fields, "stream", "data"])
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)


def _take(updates: Updates, text: bytes | str) -> None:
    try:
        found = messages(text)
    except Unreadable:
        return
    for message in found:
        for item in updates.take(message.get("data"), START):
            assert isinstance(item, Gap | ExecutionReport)
            repr(item).encode()


@given(anything)
def test_random_json_never_raises(value):
    """One message that raises ends the reader, and with it every fill behind it."""
    updates = Updates()

    _take(updates, json.dumps(value))
    _take(updates, json.dumps({"stream": "trade_updates", "data": value}))
    _take(updates, json.dumps({"data": {"event": "fill", "order": value}}))


@given(st.binary(max_size=64))
def test_random_bytes_never_raise(raw):
    """A proxy's page in a frame must not end the reader."""
    _take(Updates(), raw)


@given(st.data())
def test_spoiled_updates_never_raise(data):
    """A field that is gone or new in one frame must not cost the frames behind it."""
    order = AlpacaOrder(order_class="bracket")
    leg = AlpacaOrder(2, "leg")
    order.fields["legs"] = [leg.fields]
    updates = Updates()
    fill = order.fill("3", "99")
    for update in (order.event("new"), fill, order.bust(fill), order.event("replaced")):
        spoiled = json.loads(json.dumps(update))
        for _ in range(data.draw(st.integers(0, 3))):
            target = data.draw(
                st.sampled_from([spoiled, spoiled["order"], spoiled["order"]["legs"][0]])
                if isinstance(spoiled.get("order"), dict)
                and isinstance(spoiled["order"].get("legs"), list)
                and spoiled["order"]["legs"]
                and isinstance(spoiled["order"]["legs"][0], dict)
                else st.just(spoiled)
            )
            target[data.draw(names)] = data.draw(anything)
        _take(updates, json.dumps({"data": spoiled}))
