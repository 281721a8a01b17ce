"""Hypothesis strategies for checks, and a property that each check must pass.

Three lines try a check on hundreds of orders and books:

    def test_my_check() -> None:
        '''What would hurt if it failed.'''
        assert_sound(MyCheck(limit), refuses=(order, book))
"""

from dataclasses import fields
from decimal import ROUND_UP, Decimal
from types import SimpleNamespace

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.plugins import NamedHook
from fillwright.plugins.verify import implementations
from fillwright.reports import Execution
from fillwright.risk.answers import sound
from fillwright.risk.inputs import absent, declared
from fillwright.states import OrderState
from fillwright.testing.drawn import (
    SYMBOL,
    amounts,
    books,
    fills,
    histories,
    instruments,
    orders,
    quotes,
)
from fillwright.verdicts import Allow, Warn

# Behind ours, which says what to install where it is missing.
from hypothesis import Phase, given, settings  # isort: skip
from hypothesis import strategies as st  # isort: skip

__all__ = [
    "SYMBOL",
    "amounts",
    "assert_sound",
    "books",
    "fills",
    "histories",
    "instruments",
    "orders",
    "quotes",
]

_PHASES = tuple(phase for phase in Phase if phase is not Phase.explain)
_PASSED = Allow | Warn
#: What can be tried.
_TRIED = ("check_order", "check_execution")


def assert_sound(check: object, *, refuses: tuple[object, ...] = (), examples: int = 100) -> None:
    """Try what every check owes the gate, on many orders and books. Raises AssertionError.

    It never raises, changes nothing that it was given, answers a verdict, and the same one again.
    With an attribute `monotone = True` it never allows a larger order where it refused a smaller.
    A check of fills is tried on fills. What a check raises comes through as it is.

    Give in `refuses` what it must object to: an order and its book, or an order's state, an
    execution and a book. A check that lets everything pass is sound in all else.
    """
    # Which other values would fail, too, takes a minute to find and tells little.
    tried = settings(
        max_examples=examples, deadline=None, phases=_PHASES, report_multiple_bugs=False
    )
    hooks, monotone = _hooks_of(check), getattr(check, "monotone", False)
    if refuses:
        _try_refusing(hooks, refuses, monotone=monotone)
    for hook in hooks:
        if hook.hook == "check_order":
            _try_on_orders(hook, tried, monotone=monotone)
        else:
            _try_on_fills(hook, tried)


def _try_refusing(hooks: list[NamedHook], asked: tuple[object, ...], *, monotone: bool) -> None:
    """Whether it objects to what it must object to, and to more of it."""
    what, book = asked[0], asked[-1]
    wanted = "check_order" if isinstance(what, Order) else "check_execution"
    hook = next((one for one in hooks if one.hook == wanted), None)
    if hook is None or not isinstance(book, BookView):
        raise AssertionError("refuses= holds no order or fill that it is asked about, and a book")
    missing = absent(declared(hook), getattr(what, "symbol", ""), book)
    _must(not missing, f"the book of refuses= has no {', '.join(missing)}: it would not be asked")
    _must(not isinstance(_answer(hook, *asked), _PASSED), f"it must refuse {what}, and does not")
    if monotone and isinstance(what, Order):
        more = hook.call(_scaled(what, 50, down=False), book)
        _must(not isinstance(more, _PASSED), f"it refuses {what}, and allows 50 times it")


def _try_on_orders(hook: NamedHook, tried: settings, *, monotone: bool) -> None:
    @tried
    @given(orders(), books(hook.needs), st.integers(2, 50))
    def holds(order: Order, book: BookView, times: int) -> None:
        answer = _answer(hook, order, book)
        if monotone:
            passed = isinstance(answer, _PASSED)
            other = hook.call(_scaled(order, times, down=passed), book)
            kept = isinstance(other, _PASSED) == passed
            _must(kept, f"it refused less, and allows {times} times it")

    holds()


def _try_on_fills(hook: NamedHook, tried: settings) -> None:
    @tried
    @given(fills(), books(hook.needs))
    def holds(fill: tuple[OrderState, Execution], book: BookView) -> None:
        _answer(hook, *fill, book)

    holds()


def _answer(hook: NamedHook, *asked: object) -> object:
    """What it answers, and the same again, with nothing changed."""
    before = [_shown(one) for one in asked]
    answer = hook.call(*asked)
    _must(sound(answer) is answer, f"{answer!r} is no sound verdict")
    _must([_shown(one) for one in asked] == before, "it changed what it was given")
    _must(hook.call(*asked) == answer, "asked again, it answered something else")
    return answer


def _hooks_of(check: object) -> list[NamedHook]:
    """The check's hooks that can be tried; a function marked with @hookimpl is one, too."""
    plugin, named = check, getattr(check, "__name__", "check_order")
    if not any(hasattr(check, hook) for hook in _TRIED):
        plugin = SimpleNamespace(**{named if named in _TRIED else "check_order": check})
    name = str(getattr(check, "name", "check"))
    hooks = [one for one in implementations(plugin, name) if one.hook in _TRIED]
    _must(bool(hooks), f"{name} has none of {', '.join(_TRIED)}")
    return hooks


def _must(holds: bool, otherwise: str) -> None:  # noqa: FBT001  # a condition, as in an assertion
    if not holds:
        raise AssertionError(otherwise)


def _scaled(order: Order, times: int, *, down: bool) -> Order:
    by = "notional" if order.quantity is None else "quantity"
    size = getattr(order, by) / times if down else getattr(order, by) * times
    size = size.quantize(Decimal("0.0001"), ROUND_UP)
    return Order.model_validate({**order.model_dump(), by: size})


def _shown(given: object) -> object:
    """Everything in it as text, a view's history aside, which cannot be changed through it."""
    if isinstance(given, Order):
        return given.content()
    if not isinstance(given, BookView):
        return repr(given)
    facts = [one.name for one in fields(given) if one.compare and one.name != "history"]
    return repr([getattr(given, name) for name in facts])
