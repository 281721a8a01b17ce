"""What buys may cost at worst, and how much of them the money at hand pays for."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fillwright.accounts import Account, Instrument, Quote
from fillwright.orders import Order
from fillwright.plans.funds import Price, available, cut, fit, proceeds
from fillwright.plans.sizing import SizedLine
from fillwright.plans.wishes import Snapshot
from fillwright.types import Side

D = Decimal
NOW = datetime(2026, 11, 23, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL


def quote(bid: str | None = "99", ask: str | None = "100") -> Quote:
    sides = (D(price) if price else None for price in (bid, ask))
    return Quote("A", *sides, D(1), D(1), NOW)


def price(seen: Quote | None = quote(), collar: str = "0.05", **rules: Any) -> Price:  # noqa: B008  # frozen
    return Price(seen, Instrument("A", **rules), D(collar))


def order(quantity: str | None = "10", side: Side = BUY, **fields: Any) -> Order:
    return Order(symbol="A", side=side, quantity=quantity, **fields)


def limit(at: str, quantity: str = "10", side: Side = BUY) -> Order:
    return order(quantity, side, type="LIMIT", limit_price=at)


def line(asked: Order | None, **fields: Any) -> SizedLine:
    given: dict[str, Any] = {"index": 0, "symbol": "A", "side": BUY, "priority": 3, "asked": None}
    return SizedLine(order=asked, **(given | fields))


@pytest.mark.parametrize(
    ("seen", "ask"),
    [
        (quote(), "100"),
        (quote(None), "100"),
        (quote(ask=None), None),
        (quote("101", "100"), None),
        (quote("100", "100"), "100"),
        (None, None),
    ],
)
def test_only_a_usable_quote_has_an_ask(seen: Quote | None, ask: str | None) -> None:
    """A buy priced from a crossed or empty quote costs what nobody knows."""
    assert price(seen).ask == (D(ask) if ask else None)
    assert price(Quote("A", None, D(0), D(1), D(1), NOW)).ask is None


@pytest.mark.parametrize(
    ("asked", "worst"),
    [
        (order(), "105"),
        (limit("90"), "90"),
        (limit("190"), "190"),
        (order(type="STOP", stop_price="120"), "120"),
        (order(type="STOP", stop_price="101"), "105"),
        (order(type="STOP_LIMIT", stop_price="120", limit_price="121"), "121"),
    ],
)
def test_the_worst_price_is_the_limit_or_the_collar(asked: Order, worst: str) -> None:
    """Reserved at less, all buys together cost more than there is."""
    assert price().worst(asked) == D(worst)
    assert price().cost(asked) == D(worst) * 10


def test_without_a_quote_only_a_limit_has_a_cost() -> None:
    """A cost of nothing for an unknown price spends money that is not there."""
    assert (price(None).worst(order()), price(None).cost(order())) == (None, None)
    assert (price(None).worst(limit("90")), price(None).cost(limit("90"))) == (D(90), D(900))


def test_an_order_by_notional_costs_its_notional() -> None:
    """Counted again at a price, it would cost twice, or nothing without a quote."""
    asked = order(None, notional="55")

    assert price(None).cost(asked) == price().cost(asked) == D(55)


@pytest.mark.parametrize(
    ("funds", "quantity"),
    [
        ("1050", "10"),
        ("1051", "10"),
        ("1049", "9.990476190"),
        ("105", "1"),
        ("104.99", "0.999904761"),
        ("1", None),
        ("0", None),
        ("-500", None),
    ],
)
def test_a_buy_is_cut_to_what_is_paid_for(funds: str, quantity: str | None) -> None:
    """One step more than is paid for is rejected, or bought on margin."""
    left = cut(line(order(intent_id="i-1")), price(), D(funds))

    assert left == (order(quantity, intent_id="i-1") if quantity else None)


def test_what_is_paid_for_in_full_goes_as_it_is() -> None:
    """An order that is written anew loses what its owner set."""
    for asked in (order(), limit("90"), order(None, notional="55")):
        whole = line(asked)
        assert cut(whole, price(), D(1050)) is whole.order
        assert cut(line(asked, rigid=True), price(), D(1050)) is not None


def test_what_cannot_be_cut_waits() -> None:
    """Half of an order that somebody wrote, or a part of a notional, is another order."""
    assert cut(line(None), price(), D(1050)) is None
    assert cut(line(order()), price(None), D(1050)) is None
    assert cut(line(order(), rigid=True), price(), D(1049)) is None
    assert cut(line(order(None, notional="55")), price(), D(54)) is None
    assert cut(line(limit("90")), price(None), D(450)) == limit("90", "5")


def test_whole_shares_are_cut_to_whole_shares_and_crumbs_are_left() -> None:
    """A fraction of a whole-share instrument is rejected, and so is one below the minimum."""
    assert cut(line(order()), price(fractionable=False), D(1049)) == order("9")
    assert cut(line(order()), price(fractionable=False), D(104)) is None
    crumb = cut(line(order()), price(min_notional=D(50)), D("52.4"))
    assert crumb is None
    assert cut(line(order()), price(min_notional=D(50)), D("52.6")) == order("0.500952380")


@pytest.mark.parametrize(
    ("cash", "power", "margin", "free"),
    [
        ("100", "200", False, "100"),
        ("100", "200", True, "200"),
        ("200", "100", False, "100"),
        ("-5", "100", False, "0"),
        ("5", "-1", True, "0"),
    ],
)
def test_without_margin_only_cash_is_spent(cash: str, power: str, margin: bool, free: str) -> None:
    """Spent on margin that nobody asked for, it is borrowed money."""
    account = Account("A1", "USD", D(cash), D(power), D(1), NOW)

    assert available(account, margin=margin) == D(free)


def test_money_is_spent_once_in_the_order_of_turns() -> None:
    """Spent twice, or on a sale, it is missing for what was most wanted."""
    first = line(limit("10"), index=0, priority=2)
    second = line(limit("10"), index=1, priority=1)
    sale = line(limit("10", side=SELL), index=2, priority=1, side=SELL)
    none = line(None, index=3, priority=1)
    plain = line(order("10"), index=4, priority=3)

    paid = fit([first, second, sale, none, plain], {"A": price()}, D(150))

    assert paid == {1: limit("10"), 0: limit("10", "5")}
    assert fit([first, second], {"A": price(None)}, D(150)) == paid
    assert fit([plain, first], {"A": price(None)}, D(100)) == {0: limit("10")}


def test_sales_bring_what_the_bid_pays() -> None:
    """Counted at the ask, or without a quote, buys are planned from money that never comes."""
    account = Account("A1", "USD", D(1), D(1), D(1), NOW)
    snapshot = Snapshot(account, {"A": quote()}, {})
    lines = [
        line(order("2", SELL), side=SELL),
        line(limit("110", "3", SELL), side=SELL),
        line(order(None, SELL, notional="7"), side=SELL),
        line(order("2", SELL), side=SELL, symbol="B"),
        line(None, side=SELL),
        line(order("100"), side=BUY),
        line(limit("1"), side=BUY),
        line(order("1", SELL), side=SELL),
    ]

    assert proceeds(lines, snapshot) == 2 * 99 + 3 * 110 + 7 + 99
