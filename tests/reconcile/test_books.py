"""The broker's books against the ledger's: what a snapshot says, and what is missing from it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fillwright.accounts import Account, Position
from fillwright.reconcile import (
    absent,
    as_report,
    as_reports,
    foreign_key,
    inferred_fill,
    is_unborn,
    position_breaks,
)
from fillwright.reports import BrokerOrder, Evidence, Execution, ExecutionReport, Source
from fillwright.states import OrderState
from fillwright.types import (
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
THEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
KEY = ClientOrderId("fw-1")
B1, B2 = BrokerOrderId("b1"), BrokerOrderId("b2")


def found(**fields: Any) -> BrokerOrder:
    plain = BrokerOrder(
        B1,
        KEY,
        "XYZ",
        Side.SELL,
        OrdType.LIMIT,
        TimeInForce.DAY,
        OrdStatus.PARTIALLY_FILLED,
        D(4),
        THEN,
        quantity=D(10),
        average_price=D("10.5"),
        parent=ClientOrderId("fw-0"),
        text="seen",
    )
    return replace(plain, **fields)


def state(**fields: Any) -> OrderState:
    plain = OrderState(KEY, "XYZ", Side.SELL, OrdStatus.NEW, OrdStatus.NEW, D(10), NOW)
    return plain.but(**{"broker_order_id": B1, **fields})


def test_a_snapshot_is_told_whole() -> None:
    """A field that is lost on the way leaves the ledger with half of what the broker said."""
    said = as_report(found(), "open-orders-7", NOW)

    assert said == ExecutionReport(
        ExecType.ORDER_STATUS,
        "XYZ",
        Side.SELL,
        Evidence(Source.QUERY, "open-orders-7"),
        NOW,
        KEY,
        B1,
        filled=D(4),
        average_price=D("10.5"),
        quantity=D(10),
        status=OrdStatus.PARTIALLY_FILLED,
        parent=ClientOrderId("fw-0"),
        text="seen",
    )


@pytest.mark.parametrize(
    "fields", [{"status": OrdStatus.REPLACED}, {"replaced_by": B2}, {"replaced_by": B1}]
)
def test_a_replaced_order_is_told_as_replaced(fields: dict[str, Any]) -> None:
    """Told as a status it would end the chain, and the order that took its place is unwatched."""
    said = as_report(found(**fields), "q", NOW)

    assert said.exec_type is ExecType.REPLACED
    assert said.replaced_by == fields.get("replaced_by")


def test_an_order_that_replaces_ours_tells_two_things() -> None:
    """Without the first the ledger keeps the old id; with its fills told twice it miscounts."""
    happened, stands = as_reports(found(broker_order_id=B2, replaces=B1), B1, "q", NOW)

    assert happened == replace(
        stands,
        exec_type=ExecType.REPLACED,
        broker_order_id=B1,
        replaced_by=B2,
        status=None,
        filled=None,
    )
    assert stands == as_report(found(broker_order_id=B2, replaces=B1), "q", NOW)


@pytest.mark.parametrize(("replaces", "current"), [(None, B1), (B2, B1), (None, None), (B1, None)])
def test_any_other_order_tells_one_thing(
    replaces: BrokerOrderId | None, current: BrokerOrderId | None
) -> None:
    """A replace that did not happen to this order would change its quantity."""
    one = found(replaces=replaces)

    assert as_reports(one, current, "q", NOW) == (as_report(one, "q", NOW),)


@pytest.mark.parametrize("status", list(OrdStatus))
def test_what_is_to_take_a_place_and_has_not_is_unborn(status: OrdStatus) -> None:
    """Taken for the order itself, a rejected replacement would end the one that still works."""
    waits = status in (OrdStatus.PENDING_NEW, OrdStatus.REJECTED)

    assert is_unborn(found(broker_order_id=B2, replaces=B1, status=status), B1) is waits
    assert is_unborn(found(broker_order_id=B2, replaces=B1, status=status), None) is waits
    assert not is_unborn(found(broker_order_id=B2, replaces=B1, status=status), B2)
    assert not is_unborn(found(broker_order_id=B2, status=status), B1)


def test_strangers_have_a_name_of_their_own() -> None:
    """A stranger's order under one of our names would be changed as if it were ours."""
    assert foreign_key(B1) == "foreign-b1"


def test_absent_are_those_that_no_list_names() -> None:
    """An order taken for missing is asked for in vain; one that is missing and not is unwatched."""
    by_broker_id = state(client_order_id=ClientOrderId("by-broker-id"))
    by_our_id = state(client_order_id=ClientOrderId("by-our-id"), broker_order_id=None)
    gone = state(client_order_id=ClientOrderId("gone"), broker_order_id=BrokerOrderId("b9"))
    nameless = state(client_order_id=ClientOrderId("nameless"), broker_order_id=None)
    ended = state(client_order_id=ClientOrderId("ended"), broker_order_id=BrokerOrderId("b8"))
    ended = ended.but(status=OrdStatus.CANCELED)
    staged = state(client_order_id=ClientOrderId("staged"), status=OrdStatus.STAGED)
    staged = staged.but(broker_order_id=None)
    lists = [
        found(client_order_id=None),
        found(broker_order_id=B2, client_order_id=ClientOrderId("by-our-id")),
    ]

    missing = absent([by_broker_id, gone, by_our_id, ended, nameless, staged], lists)

    assert missing == (gone, nameless)


def test_breaks_are_told_by_symbol_with_both_sides() -> None:
    """A difference that is told the wrong way round is mended in the wrong direction."""
    held = {"C": Position("C", D(5)), "A": Position("A", D(-1)), "S": Position("S", D(3))}
    account = Account("A1", "USD", D(0), D(0), D(0), NOW, held)

    breaks = position_breaks({"B": D(2), "C": D(4), "S": D(3), "Z": D(0)}, account)

    assert breaks == (("A", D(0), D(-1)), ("B", D(2), D(0)), ("C", D(4), D(5)))


def test_an_inferred_fill_is_the_claim_less_what_is_booked() -> None:
    """A wrong price of the rest makes cash differ from the broker's for good."""
    booked = state(filled=D(4), value=D(40))

    fill = inferred_fill(booked, found(filled=D(10), average_price=D(13)), THEN)

    # 10 at 13 are 130; 4 of them cost 40, so 6 cost 90.
    assert fill == Execution(ExecutionId("inferred:b1:10"), D(6), D(15), THEN)
    part = inferred_fill(state(), found(filled=D("0.5"), average_price=D(13)), THEN)
    assert part == Execution(ExecutionId("inferred:b1:0.5"), D("0.5"), D(13), THEN)


def test_the_price_of_an_inferred_fill_has_an_end() -> None:
    """Cash takes it with as many digits as it can hold, and gives back as many as are left."""
    fill = inferred_fill(state(), found(filled=D(3), average_price=D("33.3333333333333")), THEN)

    assert fill is not None
    assert fill.price == D("33.333333333")


def test_the_name_of_an_inferred_fill_is_the_claim() -> None:
    """Named after a time or written in another way, the same claim would be booked twice."""
    later = inferred_fill(state(), found(filled=D("10.000")), THEN)
    earlier = inferred_fill(state(filled=D(4), value=D(1)), found(filled=D("1E+1")), NOW)

    assert later is not None
    assert earlier is not None
    assert later.execution_id == earlier.execution_id


@pytest.mark.parametrize(
    ("booked", "claimed", "price"),
    [("4", "4", "10"), ("5", "4", "10"), ("0", "0", "10"), ("3", "4", None)],
)
def test_nothing_is_inferred_without_a_claim_and_a_price(
    booked: str, claimed: str, price: str | None
) -> None:
    """A fill at a guessed price, or one of nothing, is money that nobody spent."""
    known = state(filled=D(booked), value=D(0))
    seen = found(filled=D(claimed), average_price=D(price) if price else None)

    assert inferred_fill(known, seen, NOW) is None
