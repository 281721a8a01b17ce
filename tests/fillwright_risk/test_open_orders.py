"""C22: how many orders may be open at once."""

from dataclasses import replace

import pytest

from fillwright.book import Exposure
from fillwright.risk import with_order
from fillwright.types import Side
from risk.controlkit import passes
from risk.gatekit import D, order, view
from risk.pastkit import judged


def open_ones(buys: int, sells: int = 0, position: str = "0"):
    held = Exposure(D(position), D(buys), D(sells), orders=buys + sells, buy_orders=buys)
    return view(held=held)


class TestC22OpenOrders:
    """Brokers refuse more on one side, and nobody can watch five hundred."""

    @pytest.mark.parametrize(("buys", "good"), [(0, 1), (2, 1), (3, 0)])
    def test_one_side_of_one_symbol(self, buys: int, good: int) -> None:
        """At the limit is within, above is not."""
        assert passes("C22", order(), open_ones(buys, 9), side_orders=3) == bool(good)
        assert passes("C22", order(Side.SELL), open_ones(9, buys), side_orders=3) == bool(good)

    @pytest.mark.parametrize(("sells", "good"), [(1, 1), (2, 0)])
    def test_both_sides_of_one_symbol(self, sells: int, good: int) -> None:
        """Side by side they are twice as many."""
        assert passes("C22", order(), open_ones(1, sells), symbol_orders=3) == bool(good)

    @pytest.mark.parametrize(("elsewhere", "good"), [(1, 1), (2, 0)])
    def test_the_whole_account(self, elsewhere: int, good: int) -> None:
        """Many symbols with one order each are many orders."""
        book = open_ones(1)
        book = replace(book, exposures={**book.exposures, "KO": Exposure(orders=elsewhere)})

        assert passes("C22", order(), book, account_orders=3) == bool(good)

    def test_what_is_under_way_counts(self) -> None:
        """In flight and in doubt are open until the broker says otherwise."""
        book = with_order(open_ones(1), order())

        assert passes("C22", order(), book, side_orders=3)
        assert not passes("C22", order(), book, side_orders=2)
        assert not passes("C22", order(), judged(open_ones(1), order()), side_orders=2)

    def test_a_replace_is_the_order_that_it_changes(self) -> None:
        """Changing the last of them is not one more; the view is without it."""
        assert passes("C22", order(), replace(open_ones(2), standing=D(5)), side_orders=3)

    def test_an_order_that_reduces_passes(self) -> None:
        """Risk can be taken off."""
        assert passes("C22", order(Side.SELL), open_ones(9, position="50"), account_orders=3)

    def test_the_default_is_what_brokers_take(self) -> None:
        """Twenty on one side."""
        assert passes("C22", order(), open_ones(19))
        assert not passes("C22", order(), open_ones(20))
