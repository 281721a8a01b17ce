"""The ready property finds what is wrong with a check; the strategies draw what they promise."""

import sys
from collections.abc import Callable
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given

from fillwright.book import BookView
from fillwright.errors import PluginError
from fillwright.hooks import hookimpl
from fillwright.inputs import Input
from fillwright.orders import Order
from fillwright.reports import Execution
from fillwright.states import OrderState
from fillwright.testing.books import a_book, a_fill
from fillwright.testing.strategies import assert_sound, books, fills, orders
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Reject, Verdict, Warn


class Made:
    """A check from a function."""

    needs: Any = ()

    def __init__(self, call: Callable[[Order, BookView], Any], **declared: Any) -> None:
        self.call = call
        vars(self).update(declared)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        answer: Verdict = self.call(order, book)
        return answer


REFUSED = Reject("R", measured=1, limit=0)


def counting() -> Callable[[Order, BookView], Verdict]:
    seen: list[Order] = []

    def call(order: Order, _book: BookView) -> Verdict:
        seen.append(order)
        return ALLOW if len(seen) % 2 else REFUSED

    return call


def mutating(order: Order, _book: BookView) -> Verdict:
    vars(order)["strategy"] = "mine"
    return ALLOW


def spoiling(_order: Order, book: BookView) -> Verdict:
    book.exposures.clear()  # type: ignore[attr-defined]  # as strangers do
    return ALLOW


def only_many(order: Order, _book: BookView) -> Verdict:
    return ALLOW if (order.quantity or order.notional or 0) > 100 else REFUSED


def raising(order: Order, _book: BookView) -> Verdict:
    raise LookupError(order.symbol)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (Made(counting()), "asked again, it answered something else"),
        (Made(mutating), "it changed what it was given"),
        (Made(spoiling), "it changed what it was given"),
        (Made(lambda o, b: None), "None is no sound verdict"),
        (Made(lambda o, b: Reject("", measured=1, limit=1)), "is no sound verdict"),
        (Made(only_many, monotone=True), "it refused less, and allows"),
    ],
)
def test_each_fault_is_found_and_named(check: Made, sentence: str) -> None:
    """A property that finds nothing gives its author a false peace of mind."""
    with pytest.raises(AssertionError, match=sentence):
        assert_sound(check)


def test_a_check_that_raises_shows_its_own_fault() -> None:
    """The author wants his traceback, and the order that led to it."""
    with pytest.raises(LookupError):
        assert_sound(Made(raising))


def test_a_check_that_forgets_none_is_found() -> None:
    """An absent quote is what every check meets in its first week."""
    check = Made(lambda o, b: ALLOW if b.quote(o.symbol).bid else REFUSED)  # type: ignore[union-attr]  # that is the mistake

    with pytest.raises(AttributeError):
        assert_sound(check)


def test_sound_checks_pass_as_objects_and_as_functions() -> None:
    """Three lines must be enough, whatever shape the check has."""

    @hookimpl
    def check_order(order: Order) -> Verdict:
        return REFUSED if order.side is Side.SELL else ALLOW

    def at_most_a_tenth(order: Order, book: BookView) -> Verdict:
        quantity = book.worst_quantity(order)
        small = quantity is not None and quantity * 10 <= book.adv(order.symbol)
        return ALLOW if small else REFUSED

    assert_sound(check_order)
    assert_sound(Made(at_most_a_tenth, needs=(Input.ADV,), monotone=True))
    assert_sound(Made(only_many))


BOUGHT = Order(symbol="AAPL", side=Side.BUY, quantity="10")


def at_most(limit: int, **declared: Any) -> Made:
    def call(order: Order, book: BookView) -> Verdict:
        return ALLOW if order.quantity is None or order.quantity <= limit else REFUSED

    return Made(call, **declared)


def test_a_check_that_refuses_nothing_is_found() -> None:
    """A comparison the wrong way round, or a setting that is not read, lets everything leave."""
    given = (BOUGHT, a_book())
    assert_sound(at_most(9), refuses=given)

    for blind in (at_most(10), Made(lambda o, b: Warn("W", measured=1, limit=0))):
        with pytest.raises(AssertionError, match=r"it must refuse .*AAPL.*, and does not"):
            assert_sound(blind, refuses=given)


def test_what_it_refuses_it_refuses_in_large_too() -> None:
    """The one order of the test is stopped, and the one with a digit too many is not."""
    odd = Made(lambda o, b: REFUSED if o.quantity == 10 else ALLOW, monotone=True)

    with pytest.raises(AssertionError, match="and allows 50 times it"):
        assert_sound(odd, refuses=(BOUGHT, a_book()))


def test_an_example_about_which_it_would_not_be_asked_proves_nothing() -> None:
    """The gate refuses for lack of data, and the check itself might allow."""
    check = at_most(9, needs=(Input.ADV,))
    assert_sound(check, refuses=(BOUGHT, a_book(data={"adv": Decimal(1)})))

    with pytest.raises(AssertionError, match="the book of refuses= has no adv"):
        assert_sound(check, refuses=(BOUGHT, a_book()))
    for nothing in ((BOUGHT,), (*a_fill(), a_book())):
        with pytest.raises(AssertionError, match="refuses= holds no order or fill"):
            assert_sound(check, refuses=nothing)


def test_a_check_of_fills_that_objects_to_nothing_is_found() -> None:
    """It is asked after each fill, and never says a word."""
    given = (*a_fill(quantity="11"), a_book())
    assert_sound(OfFills(lambda _o, e: ALLOW if e.quantity < 10 else REFUSED), refuses=given)

    with pytest.raises(AssertionError, match=r"it must refuse .*, and does not"):
        assert_sound(OfFills(lambda _o, _e: ALLOW), refuses=given)


class OfFills:
    """A check of fills from a function."""

    def __init__(self, call: Callable[[OrderState, Execution], Any]) -> None:
        self.call = call

    @hookimpl
    def check_execution(self, order: OrderState, execution: Execution) -> Verdict:
        answer: Verdict = self.call(order, execution)
        return answer


def in_turn() -> Callable[[OrderState, Execution], Verdict]:
    answers = cycle([ALLOW, REFUSED])
    return lambda _order, _execution: next(answers)


def marking(order: OrderState, _execution: Execution) -> Verdict:
    vars(order)["text"] = "seen"
    return ALLOW


def repricing(_order: OrderState, execution: Execution) -> Verdict:
    object.__setattr__(execution, "price", execution.price + 1)
    return ALLOW


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (in_turn(), "asked again, it answered something else"),
        (marking, "it changed what it was given"),
        (repricing, "it changed what it was given"),
        (lambda o, e: None, "None is no sound verdict"),
    ],
)
def test_each_fault_of_a_check_of_fills_is_found(
    call: Callable[[OrderState, Execution], Any], sentence: str
) -> None:
    """It fails for the first time on the first fill, when it is too late to say no."""
    with pytest.raises(AssertionError, match=sentence):
        assert_sound(OfFills(call))


def test_a_check_of_fills_that_raises_shows_its_own_fault() -> None:
    """The author wants his traceback, and the fill that led to it."""
    with pytest.raises(ZeroDivisionError):
        assert_sound(OfFills(lambda _order, execution: execution.price / 0))


def test_sound_checks_of_fills_pass_as_objects_and_as_functions() -> None:
    """A property that nothing passes is switched off."""

    @hookimpl
    def check_execution(execution: Execution) -> Verdict:
        return ALLOW if execution.quantity < 10 else REFUSED

    assert_sound(check_execution, examples=20)
    assert_sound(OfFills(lambda o, e: ALLOW if o.side is Side.BUY else REFUSED), examples=20)


def test_both_hooks_of_one_object_are_tried() -> None:
    """The half that nobody tried is the half that fails."""

    class Both(OfFills):
        @hookimpl
        def check_order(self, order: Order) -> Verdict:
            return ALLOW

    with pytest.raises(AssertionError, match="None is no sound verdict"):
        assert_sound(Both(lambda o, e: None), examples=5)


def test_an_object_with_nothing_to_try_is_told() -> None:
    """A property that tried nothing passes, and its author sleeps well."""

    class Observer:
        @hookimpl
        def order_changed(self, order: OrderState) -> None:
            """Look on."""

    for nothing in (Observer(), Observer, object()):
        with pytest.raises((AssertionError, PluginError)):
            assert_sound(nothing)


@given(fills("KO"))
def test_a_fill_is_one_of_its_order(fill: tuple[OrderState, Execution]) -> None:
    """A fill that no order could have proves nothing."""
    order, execution = fill
    assert (order.symbol, order.filled, order.value) == (
        "KO",
        execution.quantity,
        execution.quantity * execution.price,
    )


@given(orders(), books((*Input, "mine")))
def test_what_a_check_needs_is_always_drawn(order: Order, book: BookView) -> None:
    """A property over books without data would try the refusal alone."""
    assert order.symbol == "AAPL"
    assert all(book.find(name, order.symbol) is not None for name in (*Input, "mine"))


def test_without_hypothesis_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever installed the bare package must not read a traceback about our imports."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    for module in ("fillwright.testing.strategies", "fillwright.testing.drawn"):
        monkeypatch.delitem(sys.modules, module)

    with pytest.raises(ImportError, match="install it with: pip install hypothesis"):
        import fillwright.testing.strategies  # noqa: F401  # that is what fails
