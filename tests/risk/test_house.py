"""The house's rules: what the broker cannot take, and when only risk may be taken off."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.accounts import Instrument
from fillwright.book import Exposure
from fillwright.orders import Order
from fillwright.protocols import Capabilities, Routes
from fillwright.risk.house import ActiveHalt, Conditions, house_rules
from fillwright.types import AssetClass, OrderClass, OrdType, Side, TimeInForce
from fillwright.verdicts import Reject, Resize, Scope
from risk.gatekit import CALM, EQUITY_ROUTES, ONLY_MARKET_DAY, D, account, limit_order, order, view

LEGS: dict[str, Any] = {"take_profit": {"limit_price": "120"}, "stop_loss": {"stop_price": "90"}}


def codes(asked: Order, conditions: Conditions = CALM, **fields: Any) -> list[str]:
    change = fields.pop("change", False)
    said = house_rules(asked, fields.pop("book", view(**fields)), conditions, change=change)
    return [verdict.code for _, verdict in said if hasattr(verdict, "code")]


def taking(**fields: Any) -> Conditions:
    return Conditions(Capabilities({AssetClass.US_EQUITY: replace(EQUITY_ROUTES, **fields)}))


ONLY_SIMPLE = {OrderClass.SIMPLE: ONLY_MARKET_DAY}


@pytest.mark.parametrize(
    ("asked", "conditions", "measured", "limit"),
    [
        (limit_order("100"), taking(whole=ONLY_SIMPLE), "us_equity LIMIT orders", "MARKET"),
        (
            order(time_in_force="IOC"),
            taking(whole=ONLY_SIMPLE),
            "us_equity MARKET IOC orders",
            "DAY",
        ),
        (
            order(quantity="1.5"),
            taking(fractional={}),
            "us_equity fractional MARKET orders",
            "none",
        ),
        (
            order(quantity="1.5", time_in_force="IOC"),
            CALM,
            "us_equity fractional MARKET IOC orders",
            "DAY",
        ),
        (
            order(quantity=None, notional="100"),
            taking(notional={}),
            "us_equity notional MARKET orders",
            "none",
        ),
        (
            order(order_class="BRACKET", **LEGS),
            taking(whole=ONLY_SIMPLE),
            "us_equity BRACKET orders",
            "SIMPLE",
        ),
        (
            order(quantity="1.5", order_class="BRACKET", **LEGS),
            CALM,
            "us_equity fractional BRACKET orders",
            "SIMPLE",
        ),
        (order(extended_hours=True), CALM, "us_equity extended-hours MARKET orders", "LIMIT"),
        (order(), Conditions(Capabilities({})), "us_equity orders", "none"),
    ],
)
def test_what_is_not_declared_is_refused(
    asked: Order, conditions: Conditions, measured: str, limit: str
) -> None:
    """What a broker does not take, it may take for something else; and who asked must learn it."""
    said = house_rules(asked, view(), conditions, change=False)

    assert [(v.code, v.measured, v.limit) for _, v in said if isinstance(v, Reject)] == [
        ("UNSUPPORTED", measured, limit)
    ]


def test_the_tables_of_the_instrument_count() -> None:
    """A coin that is sent by the rules for shares is rejected, or worse, rests for a day."""
    day = {OrdType.MARKET: frozenset({TimeInForce.DAY})}
    gtc = {OrdType.MARKET: frozenset({TimeInForce.GTC})}
    both = Capabilities(
        {
            AssetClass.US_EQUITY: Routes({OrderClass.SIMPLE: day}),
            AssetClass.CRYPTO: Routes({OrderClass.SIMPLE: gtc}),
        }
    )
    coin = Instrument("AAPL", asset_class=AssetClass.CRYPTO)

    assert codes(order(), Conditions(both), instrument=coin) == ["UNSUPPORTED"]
    assert codes(order(time_in_force="GTC"), Conditions(both), instrument=coin) == []
    assert codes(order(), Conditions(both)) == []
    assert codes(order(), Conditions(both), instrument=None) == []


def test_a_change_needs_a_broker_that_replaces() -> None:
    """A replace sent to a broker without one could become a second order."""
    whole_only = taking(replace_fractional=False)
    by_notional = order(quantity=None, notional="100")

    assert codes(order(), taking(replace=False), change=True) == ["UNSUPPORTED"]
    assert codes(order(), taking(replace=False)) == []
    assert codes(order(), whole_only, change=True, standing=D(9)) == []
    assert codes(order(quantity="1.5"), whole_only, change=True, standing=D(9)) == ["UNSUPPORTED"]
    assert codes(order(), whole_only, change=True, standing=D("1.5")) == ["UNSUPPORTED"]
    assert codes(order(quantity="1.5"), change=True, standing=D("2.5")) == []
    assert codes(by_notional, change=True) == ["UNSUPPORTED"]


def test_what_is_declared_passes() -> None:
    """A rule that refuses everything would be turned off by its owner."""
    assert codes(order(quantity="1.5")) == []
    assert codes(limit_order("100", extended_hours=True)) == []
    assert codes(order(quantity=None, notional="100")) == []
    assert codes(order(order_class="BRACKET", **LEGS)) == []


HELD_BACK = {
    "desk": replace(CALM, halts=frozenset({ActiveHalt(Scope.DESK, "all")})),
    "account": replace(CALM, halts=frozenset({ActiveHalt(Scope.ACCOUNT, "other")})),
    "symbol": replace(CALM, halts=frozenset({ActiveHalt(Scope.SYMBOL, "AAPL")})),
    "doubt": replace(CALM, doubtful_symbols=frozenset({"AAPL"})),
    "health": replace(CALM, not_ready="the stream is down"),
}


@pytest.mark.parametrize("why", HELD_BACK)
def test_new_risk_waits_and_reducing_passes(why: str) -> None:
    """Held back it must be; but a person must always be able to take risk off."""
    conditions = HELD_BACK[why]

    assert len(codes(order(), conditions)) == 1
    assert codes(order(Side.SELL), conditions, position="10") == []
    assert len(codes(order(Side.SELL), conditions, position="9")) == 1


def test_a_blocked_account_lets_only_reducing_orders_try() -> None:
    """New risk in an account that the broker blocked cannot end well."""
    blocked = account(blocked=True)

    assert codes(order(), account=blocked) == ["ACCOUNT_BLOCKED"]
    assert codes(order(Side.SELL), account=blocked, position="10") == []


def test_halts_hold_whom_they_name_and_nobody_else() -> None:
    """A halt that leaks stops the desk; one that misses stops nothing."""
    halts = frozenset({ActiveHalt(Scope.SYMBOL, "MSFT"), ActiveHalt(Scope.STRATEGY, "momentum")})
    conditions = replace(CALM, halts=halts)

    assert codes(order(), conditions) == []
    assert codes(order(strategy="momentum"), conditions) == ["HALTED"]
    assert codes(order(strategy="value"), conditions) == []
    assert codes(order(symbol="MSFT"), conditions) == ["HALTED"]


@given(st.integers(-20, 20), st.integers(0, 10), st.integers(1, 40), st.sampled_from(Side))
def test_no_flip_passes_a_halt(position: int, under_way: int, quantity: int, side: Side) -> None:
    """After a halt no order may leave the position larger, or on the other side of zero."""
    held = Exposure(D(position), open_buys=D(under_way), open_sells=D(under_way))
    passed = not codes(order(side, str(quantity)), HELD_BACK["desk"], held=held)

    after = position + side.sign * (under_way + quantity)
    assert passed == (position != 0 and abs(after) <= abs(position) and after * position >= 0)


def test_reduce_only_refuses_or_shrinks() -> None:
    """An order that promised only to reduce must never open a position."""
    asked = order(Side.SELL, "10", reduce_only=True)
    allowing = replace(HELD_BACK["desk"], allow_resize=True)
    said = house_rules(asked, view("4"), allowing, change=False)

    assert codes(asked, position="4") == ["REDUCE_ONLY"]
    assert codes(asked, position="10") == []
    assert codes(asked, replace(CALM, allow_resize=True), position="0") == ["REDUCE_ONLY"]
    assert [v.quantity for _, v in said if isinstance(v, Resize)] == [D(4)]
    assert len(said) == 1


def test_reduce_only_shrinks_to_what_may_be_ordered() -> None:
    """A shrunk order with a broken lot would be rejected by the broker."""
    whole = Instrument("AAPL", fractionable=False)
    asked = order(Side.SELL, "10", reduce_only=True)
    conditions = replace(CALM, allow_resize=True)
    said = house_rules(asked, view("4.5", instrument=whole), conditions, change=False)

    assert [v.quantity for _, v in said if isinstance(v, Resize)] == [Decimal(4)]


def test_a_change_below_the_filled_quantity_is_refused() -> None:
    """Nothing would be left to trade, and brokers disagree on what that means."""
    assert codes(order(quantity="5"), change=True, already_filled=D(5)) == ["NOTHING_LEFT"]
    assert codes(order(quantity="6"), change=True, already_filled=D(5)) == []


def test_nothing_is_taken_by_a_broker_that_declares_nothing() -> None:
    """An adapter that forgot its capabilities must not trade on luck."""
    empty = Conditions(Capabilities(routes={}))

    assert codes(order(), empty) == ["UNSUPPORTED"]
