"""T11: the costs of a journal are what a plain computation gives, and nothing is guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.accounts import Quote
from fillwright.costs import tally
from fillwright.ledger import Fact, FillQuoted, Reported, Sent, Staged, encode
from fillwright.orders import Order, content_hash
from fillwright.protocols import Json, Record
from fillwright.reports import Evidence, Execution, ExecutionReport, Source
from fillwright.types import (
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    OrdType,
    Side,
)

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
D = Decimal


def records(*facts: Fact) -> list[Record]:
    """As a journal holds them, in order."""
    made = []
    for seq, fact in enumerate(facts, start=1):
        kind, key, body = encode(fact)
        made.append(Record(seq, 1, NOW, kind, key, body, ""))
    return made


def quote(bid: object, ask: object, at: datetime = NOW) -> Quote:
    return Quote("AAPL", D(str(bid)), D(str(ask)), D(5), D(5), at)


def sent(key: str, *, at: Quote | None, when: datetime = NOW, **fields: object) -> list[Fact]:
    """An order that left."""
    content = {"symbol": "AAPL", "side": "BUY", "quantity": "10", **fields}
    order = Order.model_validate(content)
    name = ClientOrderId(key)
    return [
        Staged(name, when, order, content_hash(order)),
        Sent(name, when, content_hash(order), when, order.quantity, None, quote=at),
    ]


def traded(  # noqa: PLR0913  # what a fill consists of
    key: str,
    name: str,
    quantity: object,
    price: object,
    *,
    at: Quote | None = None,
    side: Side = Side.BUY,
    fee: object = 0,
    kind: ExecType = ExecType.TRADE,
    corrects: str | None = None,
    when: datetime = NOW,
) -> Reported:
    execution = Execution(
        ExecutionId(name),
        D(str(quantity)),
        D(str(price)),
        when,
        D(str(fee)),
        ExecutionId(corrects) if corrects else None,
    )
    report = ExecutionReport(
        kind,
        "AAPL",
        side,
        Evidence(Source.STREAM, name),
        when,
        ClientOrderId(key),
        BrokerOrderId(f"b-{key}"),
        execution,
    )
    return Reported(ClientOrderId(key), when, report, at)


def test_one_order_by_hand() -> None:
    """The numbers of an example that anybody can check on paper."""
    (one,) = tally(
        records(
            *sent("a", at=quote(99, 101)),
            traded("a", "e1", 4, 101, at=quote(100, 102), fee="0.40"),
            traded("a", "e2", 4, 103, at=quote(101, 103)),
        )
    ).orders
    costs = one.costs

    assert one.arrival == D(100)
    assert one.vwap == D(102)
    assert one.unfilled == D(2)
    assert costs.arrival_cost == D(16)
    assert costs.arrival_bps == D(200)
    assert costs.shortfall == D("16.40")
    assert costs.shortfall_bps == D(205)
    assert costs.spread_cost == D(8)
    assert costs.spread_bps == D(8) / D(812) * 10_000


def test_a_sell_that_got_less_cost_something() -> None:
    """A sign that is wrong for sells would call every bad sale a gain."""
    (one,) = tally(
        records(
            *sent("a", at=quote(99, 101), side="SELL"),
            traded("a", "e1", 10, 98, at=quote(98, 100), side=Side.SELL),
        )
    ).orders

    assert one.costs.arrival_bps == D(200)
    assert one.costs.spread_cost == D(20)


def test_a_bust_and_a_correction_count_as_they_stand() -> None:
    """A trade that was taken back cost nothing."""
    (one,) = tally(
        records(
            *sent("a", at=quote(99, 101)),
            traded("a", "e1", 4, 101, at=quote(100, 102)),
            traded("a", "e2", 4, 200, at=quote(100, 102)),
            traded("a", "e3", 0, 200, kind=ExecType.TRADE_CANCEL, corrects="e2"),
            traded("a", "e4", 4, 102, kind=ExecType.TRADE_CORRECT, corrects="e1"),
        )
    ).orders

    assert [(fill.execution_id, fill.price, fill.bid) for fill in one.fills] == [
        ("e4", D(102), D(100))
    ]
    assert one.vwap == D(102)


@pytest.mark.parametrize("arrival", [None, quote(101, 99)])
def test_what_has_no_quote_is_counted_apart(arrival: Quote | None) -> None:
    """A fill without a market must not count as one at no cost."""
    report = tally(
        records(
            *sent("a", at=arrival),
            traded("a", "e1", 4, 101, fee=1),
            *sent("b", at=quote(99, 101)),
            traded("b", "e2", 4, 101, at=quote(100, 102)),
        )
    )
    total = report.total

    assert (total.without_arrival, total.without_quote) == (1, 1)
    assert total.arrival_bps == D(100)
    assert total.shortfall == D(4)
    assert total.fees == D(1)
    assert total.spread_value == D(404)


def test_a_quote_of_another_time_is_none() -> None:
    """The market of a minute ago says nothing about this fill."""
    old = quote(1, 2, NOW - timedelta(seconds=6))
    late = FillQuoted(NOW, ClientOrderId("a"), ExecutionId("e2"), quote(100, 102))
    (one,) = tally(
        records(
            *sent("a", at=old),
            traded("a", "e1", 4, 101, at=old),
            traded("a", "e2", 4, 101, at=old),
            late,
        )
    ).orders

    assert [fill.middle for fill in one.fills] == [None, D(101)]
    assert one.arrival == D("1.5")  # the newest that there was, as the desk saw it


def test_old_journals_are_read() -> None:
    """A report that breaks on last year's journal cannot compare the years."""
    written = records(*sent("a", at=quote(99, 101)), traded("a", "e1", 4, 101, at=quote(1, 2)))
    before = [_without_quote(record) for record in written]
    (one,) = tally(before).orders

    assert (one.filled, one.arrival, one.fills[0].middle) == (D(4), None, None)


def _without_quote(record: Record) -> Record:
    body: Mapping[str, Json] = {k: v for k, v in record.body.items() if k != "quote"}
    return Record(record.seq, 1, record.at, record.kind, record.key, body, "")


def test_since_counts_the_orders_that_arrived_from_then_on() -> None:
    """A quarter's report with half of the last quarter in it is worth nothing."""
    later = NOW + timedelta(hours=1)
    found = records(
        *sent("a", at=quote(99, 101)),
        traded("a", "e1", 4, 101),
        *sent("b", at=quote(99, 101), when=later),
    )

    assert [one.client_order_id for one in tally(found, since=later).orders] == ["b"]
    assert len(tally(found, since=later + timedelta(seconds=1)).orders) == 0
    assert len(tally(found).orders) == 2


# ---------------------------------------------------------------- against brute force

cents = st.integers(1, 1_000_000).map(lambda n: D(n) / 100)
quantities = st.integers(1, 10_000).map(lambda n: D(n) / 10)


@dataclass(frozen=True)
class Drawn:
    """One order and its fills, as drawn."""

    side: Side
    kind: OrdType
    strategy: str
    arrival: tuple[Decimal, Decimal] | None
    fills: list[tuple[Decimal, Decimal, Decimal, tuple[Decimal, Decimal] | None]]


touches = st.one_of(st.none(), st.tuples(cents, cents).map(lambda two: (min(two), max(two))))
drawn = st.builds(
    Drawn,
    st.sampled_from(Side),
    st.sampled_from([OrdType.MARKET, OrdType.LIMIT]),
    st.sampled_from(["", "alpha", "beta"]),
    touches,
    st.lists(st.tuples(quantities, cents, cents, touches), max_size=5),
)


def facts_of(number: int, one: Drawn) -> list[Fact]:
    fields: dict[str, object] = {"side": one.side, "quantity": "100000", "type": one.kind}
    if one.kind is OrdType.LIMIT:
        fields["limit_price"] = "1"
    if one.strategy:
        fields["strategy"] = one.strategy
    key = f"o{number}"
    facts = sent(key, at=quote(*one.arrival) if one.arrival else None, **fields)
    for place, (size, price, fee, touch) in enumerate(one.fills):
        at = quote(*touch) if touch else None
        facts.append(traded(key, f"{key}-{place}", size, price, at=at, side=one.side, fee=fee))
    return facts


@given(st.lists(drawn, max_size=8))
def test_the_numbers_equal_a_plain_computation(orders: list[Drawn]) -> None:
    """A report that is believed and wrong costs more than none."""
    report = tally(records(*(fact for n, one in enumerate(orders) for fact in facts_of(n, one))))
    groups = {(one.kind, one.strategy) for one in orders}

    assert set(report.by("order_type", "strategy")) == groups
    for kind, strategy in groups:
        mine = [one for one in orders if (one.kind, one.strategy) == (kind, strategy)]
        costs = report.by("order_type", "strategy")[kind, strategy]
        arrival, worth, fees, spread, spread_worth = _brute(mine)
        assert Fraction(costs.arrival_cost) == arrival
        assert Fraction(costs.shortfall) == arrival + fees
        assert Fraction(costs.spread_cost) == spread
        _assert_bps(costs.arrival_bps, arrival, worth)
        _assert_bps(costs.shortfall_bps, arrival + fees, worth)
        _assert_bps(costs.spread_bps, spread, spread_worth)
    total = report.total
    assert total.fills == sum(len(one.fills) for one in orders)
    assert total.fees == sum((fee for one in orders for _, _, fee, _ in one.fills), D(0))


def _brute(orders: list[Drawn]) -> tuple[Fraction, Fraction, Fraction, Fraction, Fraction]:
    arrival = worth = fees = spread = spread_worth = Fraction(0)
    for one in orders:
        sign = 1 if one.side is Side.BUY else -1
        for size, price, fee, touch in one.fills:
            if one.arrival is not None:
                middle = (Fraction(one.arrival[0]) + Fraction(one.arrival[1])) / 2
                arrival += sign * Fraction(size) * (Fraction(price) - middle)
                worth += Fraction(size) * middle
                fees += Fraction(fee)
            if touch is not None:
                middle = (Fraction(touch[0]) + Fraction(touch[1])) / 2
                spread += 2 * sign * Fraction(size) * (Fraction(price) - middle)
                spread_worth += Fraction(size) * middle
    return arrival, worth, fees, spread, spread_worth


def _assert_bps(said: Decimal | None, cost: Fraction, worth: Fraction) -> None:
    if not worth:
        assert said is None
        return
    assert said is not None
    assert abs(Fraction(said) - cost / worth * 10_000) <= Fraction(1, 10**9)


def test_records_of_other_rooms_cost_nothing() -> None:
    """A journal holds plans and epochs too; one that stops the reckoning hides every cost."""
    facts = records(*sent("c-1", at=quote(9, 10)), traded("c-1", "e-1", 4, 10))
    other = Record(9, 1, NOW, "plan_started", "p", {"anything": "1"}, "")

    assert tally([facts[0], other, *facts[1:], other]) == tally(facts)
