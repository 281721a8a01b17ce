"""What rules, quotes and views say in numbers: rounded to nobody's harm, and never guessed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import fillwright
from fillwright.accounts import Account, Instrument, Quote
from fillwright.book import BookView
from fillwright.costs.measures import FillCost
from fillwright.grants import Grant
from fillwright.inputs import Datum, Input, Supplied, flaw
from fillwright.orders import Order
from fillwright.types import Side
from fillwright.verdicts import Scope

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("price", "side", "rounded"),
    [
        ("10.019", Side.BUY, "10.01"),
        ("10.011", Side.SELL, "10.02"),
        ("10.01", Side.BUY, "10.01"),
        ("0.12345", Side.BUY, "0.1234"),
        ("0.12341", Side.SELL, "0.1235"),
    ],
)
def test_a_price_is_rounded_to_a_tick_and_never_to_a_worse_one(
    price: str, side: Side, rounded: str
) -> None:
    """A limit that was rounded the wrong way pays more than its owner allowed."""
    assert Instrument("KO").round_price(D(price), side) == D(rounded)


def test_the_other_side_of_a_buy_is_a_sell() -> None:
    """A leg on the side of its entry doubles what it should close."""
    assert [side.opposite for side in (Side.BUY, Side.SELL)] == [Side.SELL, Side.BUY]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (Input.ADV, D(-1), "is below zero"),
        (Input.ADV, D("NaN"), "is not finite"),
        (Input.ADV, 1.5, "is float"),
        ("mine", D(-1), ""),
        ("mine", " ", "is empty"),
        ("mine", "tech", ""),
    ],
)
def test_what_is_no_value_of_an_input_is_told(name: str, value: object, said: str) -> None:
    """An average volume below zero lets every share of it pass."""
    assert flaw(name, value) == said


def book() -> BookView:
    account = Account("A1", "USD", D(1000), D(1000), D(1000), NOW)
    data = {("desk_name", "KO"): Datum("desk_name", "KO", "east", NOW)}
    return BookView(NOW, account, {}, {}, {}, supplied=Supplied(data))


def test_a_check_reads_its_own_text() -> None:
    """A sector that is read as a number, or as none, puts everything into one."""
    assert book().text("desk_name", "KO") == "east"


def test_an_order_by_notional_costs_what_it_says() -> None:
    """Priced by a quote that there is not, it would pass a limit in dollars."""
    asked = Order(symbol="KO", side=Side.BUY, notional=D(500))

    assert book().worst_cost(asked) == 500


def test_the_worst_cost_follows_the_collar_that_is_asked_for() -> None:
    """A check with a wider collar than the desk's must not be told the narrow figure."""
    asked = Order(symbol="KO", side=Side.BUY, quantity=D(10))
    quote = Quote("KO", D(49), D(50), D(1), D(1), NOW)
    seen = replace(book(), quotes={"KO": quote})

    assert (seen.worst_cost(asked), seen.worst_cost(asked, D("0.5"))) == (525, 750)


def test_a_fill_without_a_middle_has_no_spread() -> None:
    """Counted as nothing, a missing quote makes the average of all others look good."""
    assert FillCost("e-1", NOW, D(10), D(50)).spread(Side.BUY) is None


@pytest.mark.parametrize(("minutes", "holds"), [(-1, False), (0, True), (29, True), (30, False)])
def test_a_grant_holds_for_its_time(minutes: int, holds: bool) -> None:
    """A grant for half an hour that covers the next morning is the new limit."""
    until = NOW + timedelta(minutes=30)
    grant = Grant("g-1", "C01", Scope.DESK, "", NOW, until, "jane", "test", "paper/fake/A1")
    asked = Order(symbol="KO", side=Side.BUY, quantity=D(1))

    assert grant.covers(asked, "A1", D(1), NOW + timedelta(minutes=minutes)) is holds


def test_the_package_says_its_version_and_its_names() -> None:
    """A report of a fault that does not say of which version."""
    assert fillwright.__version__.count(".") >= 1
    assert {"Order", "open_desk", "execute"} <= set(dir(fillwright))
    with pytest.raises(AttributeError, match="has no attribute 'Ordr'"):
        _ = fillwright.Ordr
