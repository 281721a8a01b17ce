"""Price, duplicate, list and instrument controls: boundaries, staleness, exemptions."""

from datetime import timedelta
from typing import Any

import pytest

from fillwright.accounts import Instrument
from fillwright.book import RecentOrder
from fillwright.orders import Order
from fillwright.risk.recent import recent_order
from fillwright.types import OrdType, Side, TimeInForce
from fillwright.verdicts import ALLOW
from fillwright_risk import provide_checks
from risk.controlkit import NAMES, NAN, STALE, passes, say
from risk.gatekit import NOW, D, limit_order, order, quote, view


class TestC04PriceCollar:
    """A price with a slipped decimal point trades at once, against somebody glad."""

    @pytest.mark.parametrize(
        ("price", "good"), [("110", 1), ("110.01", 0), ("90", 1), ("89.99", 0), ("1000", 0)]
    )
    @pytest.mark.parametrize("side", list(Side))
    def test_ten_percent_to_either_side(self, price: str, good: int, side: Side) -> None:
        """The default is ten percent from the middle, for both sides."""
        assert passes("C04", limit_order(price, side), view()) == bool(good)

    def test_stop_prices_count_too(self) -> None:
        """A stop on the wrong side of the market fires at once."""
        far = order(type=OrdType.STOP, stop_price="150")
        near = order(type=OrdType.STOP_LIMIT, stop_price="105", limit_price="150")

        assert not passes("C04", far, view())
        assert not passes("C04", near, view())
        assert passes("C04", near, view(), max_away_pct="50")

    def test_one_side_of_the_quote_is_enough(self) -> None:
        """A market with bids only still has a price."""
        assert passes("C04", limit_order("95"), view(price=quote("100", None)))
        assert not passes("C04", limit_order("89"), view(price=quote("100", None)))

    @pytest.mark.parametrize("price", [STALE, quote(None, None), quote("102", "101"), NAN])
    def test_no_sound_quote_no_price(self, price: Any) -> None:
        """A collar around nothing holds nothing."""
        assert say("C04", limit_order("100"), view(price=price)) is not ALLOW

    def test_an_order_without_prices_has_nothing_to_compare(self) -> None:
        """Market orders are bounded by C02."""
        assert passes("C04", order(), view(price=STALE))

    def test_reducing_passes_without_a_quote_and_is_held_with_one(self) -> None:
        """Closing must stay possible; a slipped decimal point is a slip all the same."""
        asked = limit_order("1", Side.SELL)

        assert passes("C04", asked, view("10", price=STALE))
        assert not passes("C04", asked, view("10"))


def before(seconds: float, asked: Order, name: str = "c-0") -> tuple[RecentOrder, ...]:
    return (recent_order(asked, name, NOW - timedelta(seconds=seconds)),)


class TestC19DuplicateOrder:
    """A double click, or a loop that retries, buys twice."""

    @pytest.mark.parametrize(("seconds", "good"), [(0, 0), (5, 0), (5.01, 1), (-1, 0)])
    def test_the_same_again_within_the_window(self, seconds: float, good: int) -> None:
        """At the end of the window is still within; a clock that ran back is, too."""
        book = view(recent=before(seconds, order()))

        assert passes("C19", order(intent_id="i-2"), book) == bool(good)

    @pytest.mark.parametrize(
        "other",
        [
            order(quantity="11"),
            order(Side.SELL),
            order(symbol="MSFT"),
            order(time_in_force=TimeInForce.IOC),
            limit_order("100"),
            order(type=OrdType.STOP, stop_price="100"),
            order(quantity=None, notional="10"),
        ],
    )
    def test_anything_that_differs_is_another_order(self, other: Order) -> None:
        """A ladder of orders is no repetition."""
        assert passes("C19", order(intent_id="i-2"), view(recent=before(1, other)))

    def test_the_same_intent_is_not_its_own_duplicate(self) -> None:
        """Sent again after it was proven unsent, it is still the one order."""
        assert passes("C19", order(), view(recent=before(1, order())))
        nameless = order(intent_id=None)
        assert not passes("C19", nameless, view(recent=before(1, nameless)))

    def test_the_window_is_a_setting(self) -> None:
        """Zero turns it off."""
        book = view(recent=before(8, order()))
        names = [
            getattr(c, "name", "") for c in provide_checks({NAMES["C19"]: {"window_seconds": 0}})
        ]

        assert not passes("C19", order(intent_id="i-2"), book, window_seconds=10)
        assert NAMES["C19"] not in names

    def test_equal_slices_of_a_liquidation_pass(self) -> None:
        """What only reduces may be worked off in equal parts."""
        asked = order(Side.SELL, intent_id="i-2")

        assert passes("C19", asked, view("10", recent=before(1, asked)))
        assert not passes("C19", order(Side.SELL), view("9", recent=before(1, asked)))


class TestC23Restricted:
    """Some symbols may not be touched, by law or by mandate."""

    def test_restricted_symbols_on_both_sides(self) -> None:
        """An insider list holds for selling, too."""
        for side in Side:
            assert not passes("C23", order(side), view("10"), symbols=["AAPL"])
            assert passes("C23", order(side), view("10"), symbols=["MSFT"])

    def test_an_allow_list_refuses_everything_else(self) -> None:
        """An empty list allows nothing."""
        assert passes("C23", order(), view(), allow_only=["AAPL"])
        assert not passes("C23", order(), view(), allow_only=["MSFT"])
        assert not passes("C23", order(), view(), allow_only=[])

    def test_sides_let_what_is_held_be_sold(self) -> None:
        """A fund that leaves a sector must be able to sell it."""
        table = {"symbols": ["AAPL"], "sides": ["BUY"]}

        assert passes("C23", order(Side.SELL), view("10"), **table)
        assert not passes("C23", order(), view(), **table)

    def test_it_is_off_without_its_table(self) -> None:
        """A list that nobody wrote restricts nothing."""
        assert "restricted" not in [getattr(c, "name", "") for c in provide_checks({})]


WHOLE = Instrument("AAPL", fractionable=False, lot=D(5))


class TestC25InstrumentRules:
    """What breaks the symbol's rules comes back as a reject, or as something else than asked."""

    def test_unknown_or_closed_symbols(self) -> None:
        """A symbol whose rules are unknown cannot be judged, reducing or not."""
        closed = view("10", instrument=Instrument("AAPL", tradable=False))

        for side in Side:
            assert not passes("C25", order(side), view("10", instrument=None))
            assert not passes("C25", order(side), closed)
        assert passes("C25", order(), view())

    @pytest.mark.parametrize(("quantity", "good"), [("10", 1), ("5", 1), ("12", 0), ("2.5", 0)])
    def test_lots(self, quantity: str, good: int) -> None:
        """Part of a lot cannot be ordered."""
        assert passes("C25", order(quantity=quantity), view(instrument=WHOLE)) == bool(good)

    def test_fractions(self) -> None:
        """As fine as the instrument allows and no finer."""
        assert passes("C25", order(quantity="1.000000001"), view())
        assert not passes("C25", order(quantity="1.0000000001"), view())
        assert not passes("C25", order(quantity=None, notional="50"), view(instrument=WHOLE))

    @pytest.mark.parametrize(
        ("asked", "good"),
        [
            (limit_order("100.01"), True),
            (limit_order("100.001"), False),
            (limit_order("0.1234"), True),
            (limit_order("0.12345"), False),
            (order(type=OrdType.STOP, stop_price="100.005"), False),
            (
                order(
                    order_class="BRACKET",
                    take_profit={"limit_price": "110.001"},
                    stop_loss={"stop_price": "90"},
                ),
                False,
            ),
        ],
    )
    def test_ticks(self, asked: Order, good: bool) -> None:
        """A price between ticks is rejected, or rounded by somebody else."""
        assert passes("C25", asked, view()) == good

    def test_the_smallest_value(self) -> None:
        """Dust cannot be bought, and can be sold."""
        assert passes("C25", order(quantity=None, notional="1"), view())
        assert not passes("C25", order(quantity=None, notional="0.99"), view())
        assert not passes("C25", order(quantity="0.001"), view())
        assert passes("C25", order(quantity="0.01"), view())
        assert passes("C25", order(Side.SELL, "0.001"), view("0.001"))
        assert not passes("C25", order(quantity="0.5"), view(price=STALE))
        assert passes("C25", limit_order("2", quantity="0.5"), view(price=STALE))

    def test_whole_lots_of_penny_shares_pass(self) -> None:
        """The smallest value is a rule for fractions."""
        assert passes("C25", limit_order("0.5", quantity="1"), view())
