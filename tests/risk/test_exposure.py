"""Worst-case exposure: never less than what could happen, kept up in constant time."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.book import FLAT, BookView, Exposure
from fillwright.orders import OrderChange
from fillwright.risk import ExposureBook, Terms, with_order, worst_leaves, worst_value
from fillwright.risk.overlay import Overlay
from fillwright.states import ENDED, Action, OrderState, Pending
from fillwright.types import ClientOrderId, OrdStatus, OrdType, Side
from risk.gatekit import NOW, D, limit_order, order, quote, view


def state(status: OrdStatus = OrdStatus.NEW, **fields: Any) -> OrderState:
    given: dict[str, Any] = {"quantity": D(10), "side": Side.BUY, "key": "c-1"} | fields
    key, side, quantity = given.pop("key"), given.pop("side"), given.pop("quantity")
    symbol = given.pop("symbol", "AAPL")
    return OrderState(ClientOrderId(key), symbol, side, status, status, quantity, NOW, **given)


@pytest.mark.parametrize("status", [s for s in OrdStatus if s not in ENDED])
def test_every_living_status_counts_in_full(status: OrdStatus) -> None:
    """An order in flight or in doubt that did not count would let a second one pass."""
    assert worst_leaves(state(status, filled=D(3))) == D(7)


@pytest.mark.parametrize("status", sorted(ENDED))
def test_an_ended_order_counts_only_what_is_claimed(status: OrdStatus) -> None:
    """A claimed fill without its execution still moves the position; the rest is gone."""
    assert worst_leaves(state(status, filled=D(3), claimed=D(3))) == 0
    assert worst_leaves(state(status, filled=D(3), claimed=D(8))) == D(5)


@pytest.mark.parametrize(("new", "expected"), [(D(25), D(23)), (D(5), D(8))])
def test_an_open_replace_counts_the_larger(new: Decimal, expected: Decimal) -> None:
    """The broker may hold either quantity until it says which."""
    pending = (Pending(Action.REPLACE, "timeout", OrderChange(quantity=str(new)), new),)

    assert worst_leaves(state(filled=D(2), pending=pending)) == expected


def test_an_open_replace_counts_the_higher_price() -> None:
    """A buy raised to a higher limit costs that limit, acknowledged or not."""
    pending = (Pending(Action.REPLACE, "", OrderChange(limit_price="12")),)
    asked = limit_order("10")

    assert worst_value(state(order=asked, pending=pending)) == D(120)


def test_notional_counts_the_quantity_fixed_at_approval() -> None:
    """An order by notional buys more when the price falls; forgetting that undercounts it."""
    book = view()
    terms = Terms.of(order(quantity=None, notional="1010"), book)
    asked = state(quantity=None)

    assert terms.quantity == D(1010) / (D(101) * D("0.95"))
    assert worst_leaves(asked, terms) == terms.quantity


def test_unknown_price_is_called_unknown() -> None:
    """A value reckoned with a price of zero would hide a market order from every limit."""
    book = ExposureBook()
    book.update(None, state(), Terms())

    held = book.snapshot()["AAPL"]

    assert (held.open_buys, held.open_buy_value, held.unpriced) == (D(10), D(0), 1)


def test_staged_counts_from_its_approval() -> None:
    """Counted earlier it would block itself; counted later a second order would pass."""
    book, staged = ExposureBook(), state(OrdStatus.STAGED)
    book.update(None, staged)
    before = book.snapshot().get("AAPL", FLAT)
    book.update(staged, staged, Terms(D(10)))
    approved = book.snapshot()["AAPL"]
    book.release("c-1")

    assert before == FLAT
    assert approved.open_buys == D(10)
    assert "AAPL" not in book.snapshot()


def test_terms_never_get_milder() -> None:
    """While a replace to a lower price is open, the higher price may still trade."""
    book = ExposureBook()
    book.update(None, state(), Terms(D(12)))
    book.update(state(), state(), Terms(D(10)))

    assert book.snapshot()["AAPL"].open_buy_value == D(120)


def test_a_snapshot_does_not_change() -> None:
    """A view that changed under a check would be judged on two states at once."""
    book = ExposureBook()
    book.update(None, state(), Terms(D(1)))
    snapshot = book.snapshot()
    book.update(None, state(key="c-2"), Terms(D(1)))

    assert snapshot["AAPL"].open_buys == D(10)
    assert book.without("c-2")["AAPL"] == snapshot["AAPL"]
    assert book.snapshot() is book.snapshot()


_steps = st.lists(
    st.tuples(
        st.sampled_from(["c-1", "c-2", "c-3"]),
        st.sampled_from(sorted(OrdStatus)),
        st.integers(0, 12),
        st.integers(0, 12),
        st.sampled_from([None, D(3), D(7)]),
        st.booleans(),
    ),
    max_size=25,
)
_SHAPES = {
    "c-1": ("AAPL", Side.BUY),
    "c-2": ("AAPL", Side.SELL),
    "c-3": ("MSFT", Side.BUY),
}


@given(_steps, st.dictionaries(st.sampled_from(["AAPL", "MSFT"]), st.integers(-5, 5)))
def test_incremental_equals_recomputed(steps: list[Any], positions: dict[str, int]) -> None:
    """A drift of the running sums would slowly open or close every limit."""
    book, last = ExposureBook(), dict[str, OrderState]()
    terms: dict[str, Terms] = {}
    for key, status, filled, claimed, price, gone in steps:
        symbol, side = _SHAPES[key]
        new = state(status, key=key, symbol=symbol, side=side, filled=D(filled), claimed=D(claimed))
        given_terms = Terms(price) if price else None
        if gone:
            book.update(last.pop(key, None), None)
            terms.pop(key, None)
            continue
        book.update(last.get(key), new, given_terms)
        if given_terms:
            terms[key] = terms.get(key, given_terms).harder(given_terms)
        last[key] = new
        if new.ended and not new.missing:
            terms.pop(key, None)
    for symbol, quantity in positions.items():
        book.set_position(symbol, D(quantity))

    fresh = ExposureBook()
    for symbol, quantity in positions.items():
        fresh.set_position(symbol, D(quantity))
    for key, known in last.items():
        fresh.update(None, known, terms.get(key))

    assert dict(book.snapshot()) == dict(fresh.snapshot())


@given(
    st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 50)), min_size=1, max_size=6),
    st.integers(-100, 100),
)
def test_overlay_equals_adding_one_by_one(asked: list[tuple[Side, int]], position: int) -> None:
    """Orders of one batch must see each other exactly as if each had been reserved."""
    base = view(str(position))
    overlay, laid = Overlay(), base
    for side, quantity in asked:
        one = limit_order("100", side, str(quantity))
        overlay.add(one, overlay.over(base, one), "c")
        laid = with_order(laid, one)

    seen = overlay.over(base, order())

    assert seen.exposure("AAPL") == laid.exposure("AAPL")
    assert seen.reserved == laid.reserved
    assert len(list(seen.exposures)) == len(seen.exposures) == 1


def test_views_laid_earlier_stay_as_they_were() -> None:
    """A check's facts, kept for the record, must not show orders that came later."""
    base, overlay = view(), Overlay()
    overlay.add(order(), base, "c-1")
    early = overlay.over(base, order())
    overlay.add(order(), base, "c-2")

    assert early.exposure("AAPL").open_buys == D(10)
    assert overlay.over(base, order()).exposure("AAPL").open_buys == D(20)


def test_a_bracket_never_reduces() -> None:
    """Its legs trade the other way and would open the position again."""
    legs: dict[str, Any] = {
        "take_profit": {"limit_price": "90"},
        "stop_loss": {"stop_price": "120"},
    }
    asked = order(Side.SELL, order_class="BRACKET", **legs)

    assert view("10").reduces(order(Side.SELL))
    assert not view("10").reduces(asked)


def test_worst_case_covers_position_and_price() -> None:
    """Exposure below the true worst case is how limits are broken without a warning."""
    base: BookView = view("5", price=quote("99", "100"))
    laid = with_order(base, order(type=OrdType.MARKET))

    expected = Exposure(D(5), open_buys=D(10), open_buy_value=D(1050), orders=1, buy_orders=1)
    assert laid.exposure("AAPL") == expected
    assert laid.reserved == D(1050)
