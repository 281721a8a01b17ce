"""T04, T05, T06, T07, T10: what one fill shows, at the boundary, beyond it, and without data."""

from decimal import Decimal

import pytest

from fillwright.reports import Anomaly, AnomalyKind
from fillwright.states import Owner
from fillwright.types import Side
from fillwright.verdicts import ALLOW
from risk.postkit import (
    NAN,
    D,
    book,
    execution,
    foreign,
    kind,
    of_fill,
    quote,
    state,
)

REACTIONS = {
    "warn": "warn",
    "alert": "alert",
    "halt_symbol": "halt symbol",
    "halt_strategy": "halt strategy",
    "halt_account": "halt account",
    "halt_desk": "halt desk",
}


@pytest.mark.parametrize(("reaction", "answer"), REACTIONS.items())
def test_the_reaction_is_the_owners_to_choose(reaction: str, answer: str) -> None:
    """An account that people trade by hand must not halt with every trade of theirs."""
    verdict = of_fill("T04", foreign(), execution(), book(), reaction=reaction)

    assert answer == kind(verdict)


def test_t04_a_fill_without_an_intent_halts_its_symbol() -> None:
    """Somebody else trades in the account, and every limit here is wrong."""
    verdict = of_fill("T04", foreign(), execution(), book())

    assert kind(verdict) == "halt symbol"
    assert verdict.code == "T04"
    assert verdict.measured == "10 at 100"


@pytest.mark.parametrize("owner", [Owner.OURS, Owner.LEG])
def test_t04_our_own_fills_and_legs_are_meant(owner: Owner) -> None:
    """A bracket whose leg halts its own symbol could never be used."""
    assert of_fill("T04", state(owner=owner), execution(), book()) is ALLOW


def test_t04_a_bust_of_a_foreign_fill_is_none() -> None:
    """What was taken back traded nothing."""
    assert of_fill("T04", foreign(), execution(quantity="0"), book()) is ALLOW


def test_t04_a_scope_counts() -> None:
    """One symbol is traded by hand; the others are not."""
    table = {"reaction": "halt_desk", "symbol": {"AAPL": {"reaction": "warn"}}}

    assert kind(of_fill("T04", foreign(), execution(), book(), **table)) == "warn"
    assert kind(of_fill("T04", foreign(symbol="KO"), execution(), book(), **table)) == "halt desk"


@pytest.mark.parametrize(
    ("filled", "answer"),
    [("9", "allow"), ("10", "allow"), ("10.000000001", "halt symbol"), ("20", "halt symbol")],
)
def test_t05_overfill_at_the_boundary(filled: str, answer: str) -> None:
    """One share too many is a position that nobody decided on."""
    verdict = of_fill("T05", state(filled=D(filled)), execution(), book())

    assert answer == kind(verdict)


@pytest.mark.parametrize(
    ("value", "answer"), [("999.99", "allow"), ("1000", "allow"), ("1000.01", "halt symbol")]
)
def test_t05_an_order_by_notional_is_held_to_its_value(value: str, answer: str) -> None:
    """Without a quantity there is still a sum that was meant."""
    wanted = {"notional": "1000", "quantity": None}
    order = state(order=wanted, quantity=None, value=D(value))

    assert answer == kind(of_fill("T05", order, execution(), book()))


def test_t05_what_nobody_told_the_size_of_is_another_controls_matter() -> None:
    """A foreign order without a quantity is T04's and T08's; a guess would be a false alarm."""
    assert of_fill("T05", foreign(quantity=None), execution(), book()) is ALLOW


@pytest.mark.parametrize(
    ("side", "price", "limit", "answer"),
    [
        (Side.BUY, "100", "100", "allow"),
        (Side.BUY, "100.01", "100", "alert"),
        (Side.BUY, "99", "100", "allow"),
        (Side.SELL, "100", "100", "allow"),
        (Side.SELL, "99.99", "100", "alert"),
        (Side.SELL, "101", "100", "allow"),
    ],
)
def test_t06_worse_than_the_limit_is_always_an_alert(
    side: Side, price: str, limit: str, answer: str
) -> None:
    """A fill beyond its limit is the broker's fault, and must be claimed at once."""
    order = state(side=side, order={"type": "LIMIT", "limit_price": limit})
    verdict = of_fill("T06", order, execution(price), book(), reaction="warn")

    assert answer == kind(verdict)


@pytest.mark.parametrize(
    ("side", "price", "answer"),
    [
        (Side.BUY, "102", "allow"),
        (Side.BUY, "102.01", "alert"),
        (Side.BUY, "50", "allow"),
        (Side.SELL, "97.02", "allow"),
        (Side.SELL, "97.01", "alert"),
        (Side.SELL, "150", "allow"),
    ],
)
@pytest.mark.parametrize("when", ["arrival", "fill"])
def test_t06_slippage_at_the_boundary(side: Side, price: str, answer: str, when: str) -> None:
    """A market order that is filled far away costs what no limit bounds."""
    table = {"arrival": {"max_arrival_pct": "2"}, "fill": {"max_quote_pct": "2"}}[when]
    other = {"arrival": {"max_quote_pct": "99"}, "fill": {"max_arrival_pct": "99"}}[when]
    verdict = of_fill("T06", state(side=side), execution(price), book(), **table, **other)

    assert answer == kind(verdict)


@pytest.mark.parametrize(
    "missing", [None, quote(None, None), quote("NaN", "NaN"), quote("101", "99")]
)
def test_t06_a_missing_quote_is_told(missing: object) -> None:
    """A comparison that was silently left out looks like a good price."""
    view = book(at_fill=missing)  # type: ignore[arg-type]
    verdict = of_fill("T06", state(), execution(), view)
    arrival = of_fill("T06", state(arrival=missing), execution(), book())

    assert kind(verdict) == kind(arrival) == "warn"
    assert "not compared" in verdict.text


def test_t06_a_stale_quote_is_no_quote_at_the_fill() -> None:
    """An hour-old quote would call every price an outlier."""
    view = book(at_fill=quote("49", "50", age=6))

    assert kind(of_fill("T06", state(), execution(), view)) == "warn"


def test_t06_a_limit_order_needs_no_quote() -> None:
    """It is bounded by its limit; a warning with each such fill would drown the others."""
    order = state(order={"type": "LIMIT", "limit_price": "100"}, arrival=None)

    assert of_fill("T06", order, execution(), book(at_fill=None)) is ALLOW


def test_t06_a_stop_is_not_held_to_the_market_at_arrival() -> None:
    """A stop is meant to trade at another market than that of its arrival."""
    order = state(side=Side.SELL, order={"type": "STOP", "stop_price": "90"})
    view = book(at_fill=quote("90", "91"))

    assert of_fill("T06", order, execution("90"), view) is ALLOW


def test_t06_an_alert_counts_more_than_a_warning() -> None:
    """The missing quote of one comparison must not hide the finding of the other."""
    verdict = of_fill("T06", state(arrival=None), execution("200"), book())

    assert kind(verdict) == "alert"


@pytest.mark.parametrize(
    ("limit", "answer"), [("3000", "allow"), ("2999.99", "halt desk"), ("5000", "allow")]
)
def test_t07_exposure_at_the_boundary(limit: str, answer: str) -> None:
    """What the fills really cost may be more than what was approved."""
    view = book(held={"AAPL": "10", "KO": "-100"}, prices={"KO": "20", "AAPL": "1"})

    assert answer == kind(of_fill("T07", state(), execution(), view, limit_usd=limit))


def test_t07_a_fresh_quote_counts_before_the_brokers_price() -> None:
    """A price of yesterday hides today's exposure."""
    view = book(
        held={"AAPL": "10", "KO": "100"},
        prices={"KO": "1"},
        quotes=(quote("29", "31", symbol="KO"),),
    )
    verdict = of_fill("T07", state(), execution(), view, limit_usd="3999")

    assert verdict.measured == Decimal(4000)


@pytest.mark.parametrize("held", [{"KO": "1"}, {"AAPL": "NaN"}])
def test_t07_a_position_without_a_price_is_an_alert(held: dict[str, str]) -> None:
    """What cannot be added up is not within the limit; nor is it a reason to halt by itself."""
    verdict = of_fill("T07", state(), execution(), book(held=held), limit_usd="1000000")

    assert kind(verdict) == "alert"
    assert verdict.measured == "unknown"


@pytest.mark.parametrize(
    ("limit", "reaction", "said"),
    [
        ("1000000", "warn", "alert"),
        ("1", "warn", "alert"),
        ("1", "alert", "alert"),
        ("1", "halt_account", "halt account"),
    ],
)
def test_a_missing_price_is_no_quieter_above_a_tighter_limit(
    limit: str, reaction: str, said: str
) -> None:
    """Who lowers the limit hears a warning where the higher one raised an alert."""
    view = book(held={"AAPL": "20", "KO": "5"})

    verdict = of_fill("T07", state(), execution(), view, limit_usd=limit, reaction=reaction)

    assert kind(verdict) == said
    assert "no price for KO" in verdict.text


def test_t10_a_bust_and_a_correction_are_alerts() -> None:
    """A trade that is gone leaves a hedge without what it hedges."""
    bust = execution(quantity="0", corrects="e-0")
    corrected = execution("99", "7", corrects="e-0")

    assert kind(of_fill("T10", state(), bust, book())) == "alert"
    assert kind(of_fill("T10", state(), corrected, book())) == "alert"
    assert "e-0" in of_fill("T10", state(), corrected, book()).measured
    assert of_fill("T10", state(), execution(), book()) is ALLOW


def test_t10_a_bust_that_was_told_before_its_fill_counts() -> None:
    """Reordered messages must not hide that a trade was taken back."""
    surprise = Anomaly(AnomalyKind.BUSTED, "fw-1", "e-1")

    assert kind(of_fill("T10", state(), execution(), book(surprise))) == "alert"


def test_nothing_is_said_of_numbers_that_are_none() -> None:
    """A NaN price must be a fault that is told, never a silent pass."""
    view = book(held={"AAPL": "10"})
    fill = execution("NaN")

    assert NAN.is_nan()
    assert kind(of_fill("T07", state(), fill, view, limit_usd="1")) == "alert"
