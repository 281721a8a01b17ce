"""C13, C14 and C15: what a day, a plan and a parent may come to."""

from dataclasses import replace
from typing import Any

import pytest

from fillwright.book import Beside
from fillwright.history import Deed
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Halt, Scope, Warn
from risk.controlkit import STALE, passes, say
from risk.gatekit import D, limit_order, order, view
from risk.pastkit import after, event, judged


class TestC13DailyCapital:
    """Many orders inside every limit can still be more than the day was meant to cost."""

    @pytest.mark.parametrize(("before", "good"), [("8999", 1), ("9000", 1), ("9000.01", 0)])
    def test_the_day_and_this_order(self, before: str, good: int) -> None:
        """To the cent."""
        book = after(event(notional=before, ago=3600))

        assert passes("C13", limit_order("100"), book, limit_usd="10000") == bool(good)

    def test_yesterday_and_what_reduced_do_not_count(self) -> None:
        """A day begins anew, and closing uses no capital."""
        yesterday = event(notional="9999", ago=11 * 3600)
        closed = event(notional="9999", side=Side.SELL, opening=False)
        book = after(yesterday, closed)

        assert passes("C13", limit_order("100"), book, limit_usd="1000")

    def test_replaces_and_other_symbols_count(self) -> None:
        """Capital is used by changing orders, too."""
        book = after(event(Deed.REPLACED, notional="500"), event(symbol="KO", notional="500"))

        assert passes("C13", limit_order("100"), book, limit_usd="2000")
        assert not passes("C13", limit_order("100"), book, limit_usd="1999.99")

    def test_an_order_of_unknown_value_stops_new_risk(self) -> None:
        """A total that leaves one out is too low."""
        assert not passes("C13", limit_order("1"), after(event(notional=None)), limit_usd="99999")

    def test_orders_of_the_same_moment_see_each_other(self) -> None:
        """Two halves in one batch are the whole."""
        book = judged(after(), limit_order("100"))

        assert passes("C13", limit_order("100"), book, limit_usd="2000")
        assert not passes("C13", limit_order("100.01"), book, limit_usd="2000")

    def test_a_market_order_needs_a_fresh_quote(self) -> None:
        """Its value is not known without one."""
        assert not passes("C13", order(), after(price=STALE), limit_usd="99999")

    @pytest.mark.parametrize(("price", "good"), [("100", 1), ("140", 1), ("140.1", 0), ("90", 1)])
    def test_a_replace_counts_what_it_adds(self, price: str, good: int) -> None:
        """Five have traded and five stood at 100: what the rest costs more is new."""
        book = after(event(notional="1000"), already_filled=D(5), standing=D(10))
        book = replace(book, standing_value=D(500))

        assert passes("C13", limit_order(price), book, limit_usd="1200") == bool(good)

    def test_a_replace_of_an_order_of_unknown_value_counts_its_whole_rest(self) -> None:
        """What has traded was counted when it was sent."""
        book = after(already_filled=D(5), standing=D(10))

        assert passes("C13", limit_order("100"), book, limit_usd="500")
        assert not passes("C13", limit_order("100.1"), book, limit_usd="500")
        assert not passes("C13", limit_order("100", quantity="11"), book, limit_usd="500")

    def test_beyond_it_may_halt(self) -> None:
        """Where the owner says so, the account takes no more risk until somebody looks."""
        table = {"limit_usd": "999", "halt": True}
        verdict = say("C13", limit_order("100"), after(), **table)

        assert isinstance(verdict, Halt)
        assert (verdict.scope, verdict.measured, verdict.limit) == (Scope.ACCOUNT, 1000, 999)
        assert not isinstance(say("C13", order(), after(price=STALE), **table), Halt)

    def test_what_reduces_passes(self) -> None:
        """Closing is never held up."""
        asked = limit_order("100", Side.SELL)
        assert passes("C13", asked, after(event(notional=None), book=view("10")), limit_usd="1")


class TestC14BasketNotional:
    """A basket of good orders can be a bad basket: Citi's was 444 billion dollars."""

    @pytest.mark.parametrize(("table", "mine"), [("plan_usd", "plan"), ("parent_usd", "parent")])
    def test_the_orders_of_one_plan_or_parent(self, table: str, mine: str) -> None:
        """Those that left and this one, whatever its side; at the limit is within."""
        asked = limit_order("100", plan_id="p", parent_id="p", parent_quantity="99")
        book = after(event(notional="500", **{mine: "p"}, side=Side.SELL, symbol="KO"))

        assert passes("C14", asked, book, **{table: "1500"})
        assert not passes("C14", asked, book, **{table: "1499.99"})

    def test_other_plans_do_not_count_and_days_do_not_matter(self) -> None:
        """A plan that is resumed tomorrow is the same plan."""
        asked = limit_order("100", plan_id="p")

        assert passes("C14", asked, after(event(notional="9999", plan="q")), plan_usd="1000")
        yesterday = event(notional="1", plan="p", ago=20 * 3600)
        assert not passes("C14", asked, after(yesterday), plan_usd="1000")

    def test_an_order_without_a_plan_is_not_its_matter(self) -> None:
        """One order has limits of its own."""
        assert passes("C14", limit_order("100"), after(), plan_usd="1")

    def test_unknown_values_and_stale_quotes_refuse(self) -> None:
        """What cannot be added up is not within."""
        asked = order(plan_id="p")

        assert not passes("C14", asked, after(event(notional=None, plan="p")), plan_usd="99999")
        assert not passes("C14", asked, after(price=STALE), plan_usd="99999")

    def test_orders_of_the_same_moment_see_each_other(self) -> None:
        """A basket is sent in one moment."""
        asked = limit_order("100", plan_id="p")

        assert not passes("C14", asked, judged(after(), asked), plan_usd="1999")
        assert passes("C14", asked, judged(after(), asked), plan_usd="2000")

    def test_what_reduces_passes(self) -> None:
        """Closing is never held up, and counts for what follows."""
        asked = limit_order("100", Side.SELL, plan_id="p")
        assert passes("C14", asked, after(book=view("10")), plan_usd="1")

    @pytest.mark.parametrize(("quantity", "good"), [("10", 1), ("12", 1), ("12.1", 0), ("9", 1)])
    def test_a_replace_counts_what_it_adds(self, quantity: str, good: int) -> None:
        """What stood was counted when it was sent; what has traded, too."""
        asked = limit_order("100", quantity=quantity, plan_id="p")
        book = after(event(notional="1000", plan="p"), already_filled=D(5), standing=D(10))
        book = replace(book, standing_value=D(500))

        assert passes("C14", asked, book, plan_usd="1200") == bool(good)

    @pytest.mark.parametrize("standing", [None, D("NaN")])
    def test_a_replace_of_an_unknown_order_counts_in_full(self, standing: Any) -> None:
        """What nobody can take off stays on."""
        asked = limit_order("100", plan_id="p")
        book = after(event(notional="1000", plan="p"), standing=D(10))
        book = replace(book, standing_value=standing)

        assert not passes("C14", asked, book, plan_usd="1999")
        assert passes("C14", asked, replace(book, standing_value=None), plan_usd="2000")

    def test_a_replace_that_adds_nothing_passes(self) -> None:
        """Nobody is held in an order that he wants to make smaller, or as dear as it was."""
        asked = limit_order("100", plan_id="p")
        book = after(event(notional=None, plan="p"), standing=D(10))

        assert passes("C14", asked, replace(book, standing_value=D(1000)), plan_usd="1")
        assert not passes("C14", asked, replace(book, standing_value=D("999.9")), plan_usd="9999")


def child(side: Side = Side.BUY, quantity: str = "10", parent: str = "100", **fields):
    return order(side, quantity, parent_id="p", parent_quantity=parent, **fields)


class TestC15ParentQuantity:
    """Knight's router lost count of its children, and sent for 45 minutes."""

    @pytest.mark.parametrize(("filled", "good"), [("69", 1), ("70", 1), ("70.1", 0), ("100", 0)])
    def test_filled_open_and_this_one_stay_within(self, filled: str, good: int) -> None:
        """At the parent's quantity is within."""
        book = after(
            event(quantity="90", parent="p"), event(Deed.FILLED, quantity=filled, parent="p")
        )
        book = replace(book, beside=Beside(children=D(20)))

        assert passes("C15", child(), book) == bool(good)

    @pytest.mark.parametrize("claimed", ["1000", "101", "99", "10"])
    def test_the_first_word_on_a_parent_stands(self, claimed: str) -> None:
        """Who may say how large its parent is has no limit; and who says less has lost count."""
        verdict = say("C15", child(parent=claimed), after(event(quantity="10", parent="p")))

        assert isinstance(verdict, Halt)
        assert (verdict.measured, verdict.limit) == (D(claimed), 100)
        assert passes("C15", child(parent="100.0"), after(event(quantity="10", parent="p")))

    def test_the_first_word_of_the_same_moment_stands(self) -> None:
        """Children that are judged in one go must not each bring a parent of their own."""
        assert not passes("C15", child(parent="1000"), judged(after(), child()))
        assert passes("C15", child(), judged(after(), child()))

    def test_what_was_refused_says_nothing_of_its_parent(self) -> None:
        """A slip that never left must not spoil the parent for a week."""
        slip = event(Deed.REFUSED, quantity="9", parent="p", parent_quantity=D(7))

        assert passes("C15", child(), after(slip))

    def test_another_parents_word_is_none_of_this_ones(self) -> None:
        """Each parent has a size of its own."""
        other = event(quantity="9", parent="q", parent_quantity=D(9))

        assert passes("C15", child(), after(other))

    def test_what_reduces_passes_whatever_it_claims(self) -> None:
        """Risk can be taken off, and the other word is still told."""
        told = event(quantity="10", parent="p", side=Side.SELL)
        verdict = say("C15", child(Side.SELL, parent="50"), after(told, book=view("20")))

        assert isinstance(verdict, Warn)

    def test_more_than_the_parent_halts(self) -> None:
        """Who sends more has lost count, and must not be asked again."""
        verdict = say("C15", child(quantity="101"), after())

        assert isinstance(verdict, Halt)
        assert (verdict.scope, verdict.measured, verdict.limit) == (Scope.SYMBOL, 101, 100)
        verdict = say("C15", child(quantity="101", strategy="alpha"), after())
        assert isinstance(verdict, Halt)
        assert verdict.scope is Scope.STRATEGY

    def test_children_of_the_same_moment_see_each_other(self) -> None:
        """Ten of them in one batch are ten."""
        children = [child(quantity="50"), child(quantity="50")]

        assert passes("C15", child(quantity="50"), judged(after(), *children[:1]))
        assert not passes("C15", child(quantity="1"), judged(after(), *children))

    def test_what_was_canceled_makes_room_again(self) -> None:
        """A tactic cancels a child and sends another; only what may trade counts."""
        book = after(event(quantity="100", parent="p"))

        assert passes("C15", child(quantity="100"), book)

    def test_a_child_on_another_side_or_symbol_is_no_child(self) -> None:
        """A parent buys one thing."""
        book = after(event(quantity="1", parent="p", side=Side.SELL))

        assert isinstance(say("C15", child(), book), Halt)
        assert isinstance(say("C15", child(), after(event(parent="p", symbol="KO"))), Halt)

    def test_by_notional_it_needs_a_fresh_quote(self) -> None:
        """How many shares it buys is not known without one."""
        asked = child(quantity=None, notional="100")

        assert passes("C15", asked, after())
        assert not passes("C15", asked, after(price=STALE))

    def test_on_a_replace_what_has_traded_counts_once(self) -> None:
        """It is among the fills."""
        filled = event(Deed.FILLED, quantity="5", parent="p")
        book = after(filled, already_filled=D(5), standing=D(10))

        assert passes("C15", child(quantity="100"), book)
        assert not passes("C15", child(quantity="101"), book)

    def test_what_reduces_passes_and_says_so(self) -> None:
        """Risk can be taken off, and the miscount is still told."""
        verdict = say("C15", child(Side.SELL, "200"), after(book=view("200")))

        assert isinstance(verdict, Warn)
        assert say("C15", order(), after()) is ALLOW
