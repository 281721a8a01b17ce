"""C06 and C07: how much of the market an order may be."""

from typing import Any

import pytest

from fillwright.history import Deed
from fillwright.risk import with_order
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Resize, Warn
from risk.controlkit import STALE, code_of, passes, say
from risk.gatekit import D, order, view
from risk.pastkit import after, event, judged, supplied


def traded(kind: str, volume: str, book: Any = None, **fields: Any):
    return supplied(book or after(**fields), **{kind: D(volume)})


class TestC06AverageVolume:
    """An order of half a day's volume is the market."""

    @pytest.mark.parametrize(("adv", "good"), [("200", 1), ("199.9", 0), ("0", 0)])
    def test_a_part_of_an_average_day(self, adv: str, good: int) -> None:
        """At the limit is within; without any volume there is no part."""
        assert passes("C06", order(), traded("adv", adv), max_pct="5") == bool(good)

    def test_the_softer_bound_warns_and_stops_nobody(self) -> None:
        """Ten of 400 are 2.5 percent."""
        given = traded("adv", "400")

        assert isinstance(say("C06", order(), given, max_pct="5", warn_pct="2"), Warn)
        assert say("C06", order(), given, max_pct="5", warn_pct="2.5") is ALLOW

    def test_what_is_under_way_counts(self) -> None:
        """Two orders are one large one."""
        book = with_order(traded("adv", "399"), order())

        assert not passes("C06", order(), book, max_pct="5")
        assert passes("C06", order(Side.SELL), book, max_pct="5")
        assert not passes("C06", order(), judged(traded("adv", "399"), order()), max_pct="5")

    @pytest.mark.parametrize("spoilt", [{}, {"age": 5 * 86_400}])
    def test_without_a_volume_it_is_not_asked(self, spoilt: dict[str, Any]) -> None:
        """Absent or old: called all the same, it raises, which refuses."""
        book = supplied(view(), adv=D(10_000), **spoilt) if spoilt else view()

        assert code_of(say("C06", order(), book, max_pct="5")) == "CHECK_RAISED"
        nan = supplied(view(), adv=D("NaN"))
        assert code_of(say("C06", order(), nan, max_pct="5")) == "CHECK_RAISED"

    def test_on_a_replace_only_the_rest_counts(self) -> None:
        """What has traded is in the market already."""
        given = traded("adv", "100", already_filled=D(5), standing=D(10))

        assert passes("C06", order(), given, max_pct="5")
        assert not passes("C06", order(quantity="11"), given, max_pct="5")

    def test_by_notional_it_needs_a_quote_and_reducing_passes(self) -> None:
        """How many shares it is is not known without one."""
        asked = order(quantity=None, notional="100")

        assert not passes("C06", asked, traded("adv", "9999", price=STALE), max_pct="5")
        assert passes("C06", order(Side.SELL), traded("adv", "1", position="50"), max_pct="5")


class TestC07Participation:
    """Who is a third of the market moves it."""

    @pytest.mark.parametrize(("volume", "good"), [("150", 1), ("149.9", 0)])
    def test_our_part_of_today(self, volume: str, good: int) -> None:
        """Five filled, ten now: a tenth of 150."""
        given = after(event(Deed.FILLED, quantity="5"))

        assert passes("C07", order(), traded("volume", volume, given), max_pct="10") == bool(good)

    def test_yesterday_and_other_symbols_are_no_part(self) -> None:
        """A day begins anew."""
        others = event(Deed.FILLED, quantity="99", ago=11 * 3600)
        given = after(others, event(Deed.FILLED, quantity="99", symbol="KO"))

        assert passes("C07", order(), traded("volume", "100", given), max_pct="10")

    def test_what_is_under_way_counts_on_both_sides(self) -> None:
        """Our sells are our part, too."""
        book = with_order(traded("volume", "199"), order(Side.SELL))

        assert not passes("C07", order(quantity="10"), book, max_pct="10")
        assert not passes("C07", order(), judged(traded("volume", "199"), order()), max_pct="10")

    def test_it_asks_for_what_there_is_room_for(self) -> None:
        """The rest of our part, and on a replace what has traded on top."""
        given = traded("volume", "100")
        verdict = say("C07", order(quantity="30"), given, max_pct="10")
        more = traded("volume", "100", already_filled=D(5), standing=D(10))
        replaced = say("C07", order(quantity="30"), more, max_pct="10")

        assert isinstance(verdict, Resize)
        assert isinstance(replaced, Resize)
        assert (verdict.quantity, replaced.quantity) == (10, 15)

    def test_without_room_it_refuses(self) -> None:
        """Nothing is not a size."""
        assert code_of(say("C07", order(), traded("volume", "0"), max_pct="10")) == "C07"

    @pytest.mark.parametrize("value", [D("NaN"), None])
    def test_without_a_volume_it_is_not_asked(self, value: Any) -> None:
        """Called all the same, it raises, which refuses."""
        book = supplied(view(), volume=value) if value is not None else view()

        assert code_of(say("C07", order(), book, max_pct="10")) == "CHECK_RAISED"
        old = supplied(view(), age=61, volume=D(10_000))
        assert code_of(say("C07", order(), old, max_pct="10")) == "CHECK_RAISED"

    def test_by_notional_it_needs_a_quote_and_reducing_passes(self) -> None:
        """How many shares it is is not known without one."""
        asked = order(quantity=None, notional="100")

        assert not passes("C07", asked, traded("volume", "9999", price=STALE), max_pct="10")
        assert passes("C07", order(Side.SELL), traded("volume", "1", position="50"), max_pct="10")
