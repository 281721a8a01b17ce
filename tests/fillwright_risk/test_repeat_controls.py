"""C05, C18 and C21: the same again, a little further each time, or in parts."""

from dataclasses import replace
from typing import Any

import pytest

from fillwright.book import Exposure
from fillwright.history import Deed
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Halt, Reject, Scope
from risk.controlkit import STALE, passes, say
from risk.gatekit import D, limit_order, order, view
from risk.pastkit import after, at, event, judged, sent


def too_large(quantity: str | None = "100", code: str = "C01", **fields: Any):
    return event(Deed.REFUSED, quantity=quantity, codes=(code,), **({"ago": 30} | fields))


class TestC05PriceDrift:
    """Each price is near the last, and the last is far from the first."""

    @pytest.mark.parametrize(("price", "good"), [("103", 1), ("103.01", 0), ("90", 1)])
    def test_a_buy_is_held_to_our_lowest(self, price: str, good: int) -> None:
        """Lower is no harm; at the limit is within."""
        given = after(event(price="100", ago=200), event(price="102"))

        assert passes("C05", limit_order(price), given, max_drift_pct="3") == bool(good)

    @pytest.mark.parametrize(("price", "good"), [("97", 1), ("96.99", 0), ("120", 1)])
    def test_a_sell_is_held_to_our_highest(self, price: str, good: int) -> None:
        """The same the other way."""
        given = after(event(Deed.REPLACED, price="100", side=Side.SELL))
        asked = limit_order(price, Side.SELL)

        assert passes("C05", asked, given, max_drift_pct="3") == bool(good)

    def test_only_the_window_the_symbol_and_the_side_count(self) -> None:
        """Yesterday's price says nothing."""
        others = [
            event(price="50", ago=301),
            event(price="50", symbol="KO"),
            event(price="50", side=Side.SELL),
            event(price=None),
        ]

        assert passes("C05", limit_order("100"), after(*others), max_drift_pct="3")

    def test_a_replace_walks_too(self) -> None:
        """Changing the price step by step is the usual way to walk."""
        given = after(event(price="100"), standing=D(10))

        assert not passes("C05", limit_order("104"), given, max_drift_pct="3")

    def test_orders_of_the_same_moment_see_each_other(self) -> None:
        """A ladder in one batch is a ladder."""
        assert not passes("C05", limit_order("104"), judged(after(), limit_order("100")), **DRIFT)

    def test_it_may_halt_the_symbol(self) -> None:
        """Where the owner says so."""
        verdict = say("C05", limit_order("104"), after(event(price="100")), halt=True, **DRIFT)

        assert isinstance(verdict, Halt)
        assert verdict.scope is Scope.SYMBOL

    def test_without_a_price_there_is_nothing_to_compare_and_reducing_passes(self) -> None:
        """A market order has limits of its own."""
        given = after(event(price="100", side=Side.SELL), event(price="100"), book=view("50"))

        assert passes("C05", order(), given, **DRIFT)
        assert passes("C05", limit_order("50", Side.SELL), given, **DRIFT)


DRIFT = {"max_drift_pct": "3"}


class TestC18RepeatedExecution:
    """A rule that fires again and again may be a rule that is wrong."""

    @pytest.mark.parametrize(("count", "good"), [(2, 1), (3, 0)])
    def test_so_many_orders_may_fill(self, count: int, good: int) -> None:
        """Then a person must look."""
        given = after(*sent(count, 100, Deed.FILLED))

        assert passes("C18", order(), given, max_orders=3) == bool(good)

    def test_it_halts_the_strategy(self) -> None:
        """Or the symbol, when the order has none."""
        mine = after(*sent(3, kind=Deed.FILLED, strategy="alpha"))
        verdict = say("C18", order(strategy="alpha"), mine, max_orders=3)
        nobody = say("C18", order(), after(*sent(3, kind=Deed.FILLED)), max_orders=3)

        assert isinstance(verdict, Halt)
        assert isinstance(nobody, Halt)
        assert (verdict.scope, nobody.scope) == (Scope.STRATEGY, Scope.SYMBOL)

    def test_an_order_that_fills_in_pieces_is_one(self) -> None:
        """A thin market is no runaway."""
        pieces = [event(Deed.FILLED) for _ in range(9)]

        assert passes("C18", order(), after(*pieces), max_orders=2)

    def test_other_strategies_symbols_and_sides_are_others(self) -> None:
        """Only the very same counts."""
        others = [
            *sent(9, kind=Deed.FILLED, strategy="beta"),
            *sent(9, kind=Deed.FILLED, symbol="KO"),
            *sent(9, kind=Deed.FILLED, side=Side.SELL),
            *sent(9, 11 * 3600, Deed.FILLED),
        ]

        assert passes("C18", order(), after(*others), max_orders=3)

    def test_what_is_open_may_fill(self) -> None:
        """It is counted as if it had, and then the order is refused and nobody halted."""
        held = Exposure(open_buys=D(2), orders=2, buy_orders=2)
        given = after(*sent(1, kind=Deed.FILLED), held=held)

        assert isinstance(say("C18", order(), given, max_orders=3), Reject)
        assert passes("C18", order(), given, max_orders=4)

    def test_it_begins_anew_when_a_person_looked(self) -> None:
        """The halt is latched; who lifts it has looked."""
        given = replace(after(*sent(9, 100, Deed.FILLED)), attended=at(50))

        assert passes("C18", order(), given, max_orders=3)

    def test_what_reduces_passes(self) -> None:
        """Closing a position in many parts is no runaway."""
        given = after(*sent(9, kind=Deed.FILLED, side=Side.SELL), book=view("50"))

        assert passes("C18", order(Side.SELL), given, max_orders=3)
        assert not passes("C18", order(Side.SELL), replace(given, exposures={}), max_orders=3)


class TestC21AntiSlicing:
    """What was too large in one piece is too large in ten."""

    @pytest.mark.parametrize(("before", "good"), [("89", 1), ("89.9", 1), ("90", 0)])
    def test_the_parts_stay_below_the_whole(self, before: str, good: int) -> None:
        """What left since and this one; the whole itself is already too much."""
        assert passes("C21", order(), after(too_large(), event(quantity=before))) == bool(good)

    def test_what_left_before_the_refusal_does_not_count(self) -> None:
        """It was no part of it."""
        assert passes("C21", order(), after(event(quantity="95", ago=40), too_large()))

    def test_the_smallest_that_was_refused_counts(self) -> None:
        """And from the first refusal on."""
        given = after(
            too_large("500", ago=20), too_large("100", ago=10), event(quantity="95", ago=15)
        )

        assert not passes("C21", order(), given)

    @pytest.mark.parametrize("code", ["C12", "C08", "C13"])
    def test_a_refusal_for_want_of_room_is_another_matter(self, code: str) -> None:
        """Once there is room, the order may come again."""
        assert passes("C21", order(quantity="100"), after(too_large(code=code)))

    def test_only_the_window_the_symbol_and_the_side_count(self) -> None:
        """An hour later it is another decision."""
        others = [
            too_large("1", ago=61),
            too_large("1", symbol="KO"),
            too_large("1", side=Side.SELL),
        ]

        assert passes("C21", order(), after(*others))
        assert not passes("C21", order(), after(*others), window_seconds=61)

    def test_by_notional(self) -> None:
        """What was refused by its value is compared by value."""
        given = after(too_large(None, "C02", notional="5000"), event(notional="4000"))

        assert passes("C21", limit_order("99"), given)
        assert not passes("C21", limit_order("100"), given)

    def test_what_cannot_be_compared_is_refused(self) -> None:
        """By notional without a quote nobody knows how much it is."""
        asked = order(quantity=None, notional="1")

        assert passes("C21", asked, after(too_large()))
        assert not passes("C21", asked, after(too_large(), price=STALE))

    def test_orders_of_the_same_moment_see_each_other(self) -> None:
        """Ten parts in one batch are the whole."""
        book = after(too_large())

        assert not passes("C21", order(quantity="50"), judged(book, order(quantity="50")))
        assert passes("C21", order(quantity="49"), judged(book, order(quantity="50")))

    def test_of_a_replace_what_it_adds_counts(self) -> None:
        """Growing an order share by share is slicing, too."""
        given = after(too_large(), event(quantity="60"), standing=D(60), already_filled=D(10))

        assert passes("C21", order(quantity="99"), given)
        assert not passes("C21", order(quantity="100"), given)

    def test_what_reduces_passes(self) -> None:
        """Closing is never held up."""
        given = after(too_large(side=Side.SELL), book=view("200"))

        assert passes("C21", order(Side.SELL, "150"), given)
        assert say("C21", order(), after()) is ALLOW
