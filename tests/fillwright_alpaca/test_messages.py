"""Alpaca's orders read as ours, and our orders written as Alpaca's."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alpacakit.rest import NAME, ORDER_ID, order
from fillwright.types import OrdStatus, OrdType, Side, TimeInForce
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.messages import (
    STATUSES,
    Unreadable,
    broker_order,
    decimal_of,
    execution_id,
    read_json,
    time_of,
)

D = Decimal


# ---------------------------------------------------------------------- orders in


def test_an_order_is_read_field_by_field() -> None:
    """A field that lands in the wrong place is a wrong price or quantity in the books."""
    found = broker_order(
        order(
            type="stop_limit",
            stop_price="9.9",
            side="sell",
            time_in_force="gtc",
            status="partially_filled",
            filled_qty="1.5",
            filled_avg_price="10.0650",
            replaces="older",
        )
    )

    assert (found.broker_order_id, found.client_order_id) == (ORDER_ID, NAME)
    assert (found.symbol, found.side) == ("AAPL", Side.SELL)
    assert (found.type, found.time_in_force) == (OrdType.STOP_LIMIT, TimeInForce.GTC)
    assert (found.quantity, found.notional, found.filled) == (D(3), None, D("1.5"))
    assert (found.limit_price, found.stop_price) == (D("10.07"), D("9.9"))
    assert found.average_price == D("10.065")
    assert found.status is OrdStatus.PARTIALLY_FILLED
    assert (found.replaces, found.replaced_by) == ("older", None)
    assert found.submitted_at == datetime(2026, 11, 23, 15, 4, 5, 123456, UTC)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending_new", OrdStatus.PENDING_NEW),
        ("pending_review", OrdStatus.PENDING_NEW),
        ("held", OrdStatus.PENDING_NEW),
        ("accepted", OrdStatus.NEW),
        ("accepted_for_bidding", OrdStatus.NEW),
        ("new", OrdStatus.NEW),
        ("stopped", OrdStatus.STOPPED),
        ("suspended", OrdStatus.SUSPENDED),
        ("done_for_day", OrdStatus.DONE_FOR_DAY),
        ("calculated", OrdStatus.DONE_FOR_DAY),
        ("pending_cancel", OrdStatus.PENDING_CANCEL),
        ("pending_replace", OrdStatus.PENDING_REPLACE),
        ("canceled", OrdStatus.CANCELED),
        ("expired", OrdStatus.EXPIRED),
        ("rejected", OrdStatus.REJECTED),
        ("replaced", OrdStatus.REPLACED),
    ],
)
def test_every_status_has_its_meaning(word: str, status: OrdStatus) -> None:
    """An order that is read as ended while it works is exposure that nobody counts."""
    assert broker_order(order(status=word)).status is status
    assert word in STATUSES


def test_calculated_and_whole_is_filled() -> None:
    """At the day's end a filled order would look as if it came back tomorrow."""
    assert broker_order(order(status="calculated", filled_qty="3")).status is OrdStatus.FILLED


def test_an_accepted_replacement_is_not_born_yet() -> None:
    """Its rejection later would end the order that it never replaced."""
    found = broker_order(order(status="accepted", replaces="older"))

    assert found.status is OrdStatus.PENDING_NEW


def test_replaced_by_counts_only_once_it_happened() -> None:
    """While a replace is pending, the old order may still fill and the new one be rejected."""
    pending = broker_order(order(status="pending_replace", replaced_by="newer"))
    done = broker_order(order(status="replaced", replaced_by="newer"))

    assert (pending.replaced_by, done.replaced_by) == (None, "newer")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, OrdStatus.NEW),
        ({"filled_qty": "1"}, OrdStatus.PARTIALLY_FILLED),
        ({"filled_qty": "3"}, OrdStatus.FILLED),
        ({"filled_qty": "3", "canceled_at": "2026-11-23T15:05:00Z"}, OrdStatus.FILLED),
        ({"filled_qty": "1", "canceled_at": "2026-11-23T15:05:00Z"}, OrdStatus.CANCELED),
        ({"expired_at": "2026-11-23T15:05:00Z"}, OrdStatus.EXPIRED),
        ({"failed_at": "2026-11-23T15:05:00Z"}, OrdStatus.REJECTED),
        ({"replaced_at": "2026-11-23T15:05:00Z"}, OrdStatus.REPLACED),
        ({"canceled_at": "soon"}, OrdStatus.NEW),
    ],
)
def test_an_unknown_status_is_read_off_what_is_proven(fields: dict, status: OrdStatus) -> None:
    """A new word of Alpaca's must neither lose an order nor end one that still works."""
    found = broker_order(order(status="quantum_superposed", **fields))

    assert found.status is status
    assert found.text == "quantum_superposed"


def test_an_order_by_notional_has_no_quantity() -> None:
    """A notional that is read as a quantity buys a hundred shares for a hundred dollars."""
    found = broker_order(order(qty=None, notional="250.50"))

    assert (found.quantity, found.notional) == (None, D("250.5"))


@pytest.mark.parametrize("field", ["id", "symbol", "side", "status"])
@pytest.mark.parametrize("value", [None, "", 7, ["x"]])
def test_what_an_order_is_must_be_readable(field: str, value: object) -> None:
    """An order whose symbol or side is guessed counts against the wrong position."""
    with pytest.raises(Unreadable) as raised:
        broker_order(order(**{field: value}))

    assert raised.value.field == field


def test_an_order_without_any_size_is_unreadable() -> None:
    """An order that may trade any amount cannot be counted."""
    with pytest.raises(Unreadable, match="qty and notional are both missing"):
        broker_order(order(qty=None))


@pytest.mark.parametrize(
    "field",
    [
        "client_order_id",
        "created_at",
        "submitted_at",
        "updated_at",
        "asset_class",
        "order_class",
        "type",
        "order_type",
        "time_in_force",
        "limit_price",
        "legs",
        "extended_hours",
    ],
)
def test_the_rest_may_be_null_or_absent(field: str) -> None:
    """The SDK's own models raise for some of these, after the broker took the order."""
    raw = order()
    del raw[field]

    assert broker_order(raw).broker_order_id == ORDER_ID
    assert broker_order(order(**{field: None})).broker_order_id == ORDER_ID


def test_a_missing_filled_quantity_is_zero_only_when_nothing_speaks_against_it() -> None:
    """A filled order whose fills are read as zero would be closed with an empty position."""
    assert broker_order(order(filled_qty=None)).filled == 0
    for fields in ({"filled_avg_price": "10.07"}, {"filled_avg_price": "10", "status": "filled"}):
        with pytest.raises(Unreadable):
            broker_order(order(filled_qty=None, **fields))


def test_an_unknown_type_is_read_off_the_prices() -> None:
    """A foreign order of a new kind still counts."""
    assert broker_order(order(type="peg", order_type=None)).type is OrdType.LIMIT
    stop = order(type="peg", order_type=None, limit_price=None, stop_price="9")
    assert broker_order(stop).type is OrdType.STOP
    trail = order(type=None, order_type=None, trail_percent="1")
    assert broker_order(trail).type is OrdType.TRAILING_STOP


def test_half_a_character_stays_out_of_the_books() -> None:
    """Anybody may name an order so, and a journal that cannot write it stops the desk."""
    raw = read_json(r'{"name": "x\ud800"}')

    found = broker_order(order(client_order_id=raw["name"]))

    assert found.client_order_id.encode() == b"x?"


# ---------------------------------------------------------------------- numbers and times


def test_json_numbers_stay_exact() -> None:
    """Binary floats make 0.1 + 0.2 something else than 0.3."""
    said = read_json(b'{"a": 0.1000000000000000055511151231, "b": 12345678901234567890}')

    assert decimal_of(said, "a", "x") == D("0.1000000000000000055511151231")
    assert decimal_of(said, "b", "x") == D("12345678901234567890")


@pytest.mark.parametrize(
    "text", ["", "<html>", '{"a": NaN}', '{"a": Infinity}', "[" * 100_000, b"\xff"]
)
def test_what_is_no_json_is_unreadable(text: str | bytes) -> None:
    """A page of HTML must not crash the reader in some new way."""
    with pytest.raises(Unreadable):
        read_json(text)


@pytest.mark.parametrize("value", [1.5, True, None, "", "x", "nan", "1_0", [], {}, "9" * 40])
def test_what_is_no_decimal_is_unreadable(value: object) -> None:
    """A quantity that is half understood is worse than none."""
    with pytest.raises(Unreadable, match="qty"):
        decimal_of({"qty": value}, "qty", "order")


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-23T15:04:05Z", 0),
        ("2026-11-23T15:04:05.1Z", 100_000),
        ("2026-11-23T15:04:05.123456789Z", 123_456),
        ("2026-11-23T10:04:05.123456-05:00", 123_456),
    ],
)
def test_times_have_up_to_nine_digits(text: str, microsecond: int) -> None:
    """Alpaca writes nanoseconds; a reader that refuses them loses every order."""
    expected = datetime(2026, 11, 23, 15, 4, 5, microsecond, UTC)

    assert time_of({"t": text}, "t", "x") == expected


@pytest.mark.parametrize("value", [None, "", "soon", "2026-11-23T15:04:05", 1_700_000_000])
def test_a_time_without_an_offset_is_no_time(value: object) -> None:
    """A local time that is taken for UTC is five hours off."""
    with pytest.raises(Unreadable):
        time_of({"t": value}, "t", "x")


def test_an_execution_has_one_name_however_its_quantity_is_written() -> None:
    """Stream and activities write it differently; two names would book the fill twice."""
    assert execution_id("o", D("3")) == execution_id("o", D("3.000")) == "o:3"
    assert execution_id("o", D("1E+2")) == "o:100"
    assert execution_id("o", D("0.557436865")) == "o:0.557436865"


# ---------------------------------------------------------------------- known orders


def test_legs_know_their_entry_for_ever_after() -> None:
    """A leg that comes alone later would be taken for somebody else's order."""
    known = KnownOrders()
    leg = order(id="leg-1", client_order_id="made-by-alpaca", side="sell", status="held")
    entry, first = known.learn(order(order_class="bracket", legs=[leg]))

    alone = known.learn(leg | {"status": "new"})[0]

    assert (entry.parent, first.parent, alone.parent) == (None, NAME, NAME)
    assert known.get("leg-1").client_order_id == "made-by-alpaca"
    assert known.any_legs


def test_a_name_that_was_known_is_not_lost_again() -> None:
    """An answer without it would make our own order a stranger's."""
    known = KnownOrders()
    known.learn(order())

    (nameless,) = known.learn(order(client_order_id=None))

    assert nameless.client_order_id == known.get(ORDER_ID).client_order_id == NAME


def test_a_parent_that_is_no_order_is_left_out() -> None:
    """A spread placed by hand has a parent without a symbol: it must not blind the account."""
    leg = order(id="leg-1", symbol="AAPL261218C00300000", client_order_id=None)
    found = KnownOrders().learn(order(order_class="mleg", symbol="", side="", legs=[leg]))

    assert [one.broker_order_id for one in found] == ["leg-1"]


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    """A desk that runs for weeks must not grow with every order that it ever saw."""
    known = KnownOrders(most=2)
    for name in ("a", "b"):
        known.learn(order(id=name))
    known.get("a")
    known.learn(order(id="c"))

    assert (len(known), known.get("b")) == (2, None)
    assert known.get("a") is not None
