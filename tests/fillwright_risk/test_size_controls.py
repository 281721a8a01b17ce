"""Size controls: accept, reject, boundary, what is missing or stale, replaced, reducing."""

from typing import Any

import pytest

from fillwright.accounts import Instrument
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Reject, Resize
from fillwright_risk import provide_checks
from risk.controlkit import NAMES, NAN, STALE, code_of, passes, say
from risk.gatekit import D, limit_order, order, quote, view


class TestC01MaxOrderQuantity:
    """An order a hundred times too large is typed in a second."""

    @pytest.mark.parametrize(("quantity", "good"), [("1", 1), ("10", 1), ("10.5", 0), ("11", 0)])
    def test_up_to_the_limit_and_not_beyond(self, quantity: str, good: int) -> None:
        """One share above the limit is above the limit."""
        assert passes("C01", order(quantity=quantity), view(), limit_shares="10") == bool(good)

    def test_a_symbol_s_own_limit_goes_first(self) -> None:
        """A general limit must not loosen or tighten a symbol that has its own."""
        table = {"limit_shares": "10", "symbol": {"AAPL": {"limit_shares": "5"}}}

        assert not passes("C01", order(quantity="6"), view(), **table)
        assert passes("C01", order(quantity="6", symbol="MSFT"), view(), **table)

    def test_the_default_limit_holds_without_a_table(self) -> None:
        """Nobody who forgot the table may order a million shares."""
        assert passes("C01", order(quantity="10000"), view())
        assert not passes("C01", order(quantity="10001"), view())

    def test_it_asks_for_what_may_be_ordered(self) -> None:
        """A resize to a fraction of an unfractionable share would be rejected."""
        whole = view(instrument=Instrument("AAPL", fractionable=False))
        verdict = say("C01", order(quantity="20"), whole, limit_shares="10.5")

        assert isinstance(verdict, Resize)
        assert verdict.quantity == 10

    def test_notional_needs_a_fresh_quote(self) -> None:
        """What a stale price buys is not known."""
        asked = order(quantity=None, notional="950")

        assert passes("C01", asked, view(), limit_shares="10")
        assert not passes("C01", asked, view(), limit_shares="9")
        for price in (STALE, quote(None, None)):
            assert not passes("C01", asked, view(price=price), limit_shares="10")

    def test_on_a_replace_the_whole_order_counts(self) -> None:
        """A limit on what remains could be walked up in steps."""
        book = view(already_filled=D(8))

        assert passes("C01", order(quantity="10"), book, limit_shares="10")
        assert not passes("C01", order(quantity="12"), book, limit_shares="10")
        assert isinstance(say("C01", order(quantity="12"), book, limit_shares="8"), Reject)

    def test_a_large_position_can_be_closed(self) -> None:
        """A limit that traps a position makes the loss larger."""
        selling = order(Side.SELL, "500")

        assert passes("C01", selling, view("500"), limit_shares="10")
        assert not passes("C01", selling, view("499"), limit_shares="10")


class TestC02MaxOrderNotional:
    """Quantity and value swapped is how 1.4 billion was sold in a morning."""

    @pytest.mark.parametrize(("limit", "good"), [("1000.01", 1), ("1000", 1), ("999.99", 0)])
    def test_the_limit_price_is_the_worst(self, limit: str, good: int) -> None:
        """A buy limit bounds its own cost to the cent."""
        assert passes("C02", limit_order("100"), view(), limit_usd=limit) == bool(good)

    def test_a_market_order_is_valued_with_its_collar(self) -> None:
        """A market order may run away from the quote before it fills."""
        assert passes("C02", order(), view(), limit_usd="1060.5")  # 10 x 101 x 1.05
        assert not passes("C02", order(), view(), limit_usd="1060.49")
        assert passes("C02", order(), view(), limit_usd="1010", collar_pct="0")

    def test_a_sell_limit_counts_at_the_market_when_that_is_higher(self) -> None:
        """A sell limit far below the market brings the market's price."""
        asked = limit_order("1", Side.SELL)

        assert not passes("C02", asked, view(), limit_usd="100")

    @pytest.mark.parametrize("price", [STALE, quote(None, None), quote("102", "101"), NAN])
    def test_no_sound_quote_no_market_order(self, price: Any) -> None:
        """A value that cannot be known is above every limit."""
        verdict = say("C02", order(), view(price=price), limit_usd="1000000")

        assert verdict is not ALLOW
        assert passes("C02", limit_order("100"), view(price=STALE), limit_usd="1000000")

    def test_notional_is_its_own_value(self) -> None:
        """An order by notional says what it costs."""
        asked = order(quantity=None, notional="500")

        assert passes("C02", asked, view(price=STALE), limit_usd="500")
        assert not passes("C02", asked, view(), limit_usd="499.99")

    def test_on_a_replace_the_whole_order_counts(self) -> None:
        """A limit on what remains could be walked up in steps."""
        asked, book = limit_order("100", quantity="20"), view(already_filled=D(15))

        assert not passes("C02", asked, book, limit_usd="1999")
        assert passes("C02", asked, book, limit_usd="2000")

    def test_reducing_passes_even_without_a_quote(self) -> None:
        """A liquidation must stay possible when the market data is gone."""
        asked = order(Side.SELL, "500")

        assert passes("C02", asked, view("500", no_quote=True), limit_usd="10")
        assert not passes("C02", asked, view("400", no_quote=True), limit_usd="10")

    def test_a_symbol_s_own_limit_goes_first(self) -> None:
        """A risky symbol gets a tighter limit than the rest."""
        table = {"limit_usd": "5000", "symbol": {"AAPL": {"limit_usd": "900"}}}

        assert not passes("C02", limit_order("100"), view(), **table)


class TestC03NoLimitConfigured:
    """A symbol without a limit is a symbol with an infinite one."""

    def test_without_any_configuration_only_reducing_passes(self) -> None:
        """A desk that nobody configured must not take risk."""
        verdict = say("C03", order(), view())

        assert code_of(verdict) == "C03"
        assert "risk.max_order_notional.limit_usd" in str(verdict)
        assert passes("C03", order(Side.SELL), view("10"))

    @pytest.mark.parametrize(
        ("tables", "good"),
        [
            ({"max_order_notional": {"limit_usd": "1"}}, True),
            ({"max_order_notional": {"symbol": {"AAPL": {"limit_usd": "1"}}}}, True),
            ({"max_order_notional": {"symbol": {"MSFT": {"limit_usd": "1"}}}}, False),
            (
                {
                    "max_order_notional": {"limit_usd": "1"},
                    "max_order_quantity": {"symbol": {"MSFT": {"limit_shares": "1"}}},
                },
                False,
            ),
        ],
    )
    def test_both_limits_are_needed(self, tables: dict[str, Any], good: bool) -> None:
        """A limit for another symbol is no limit for this one."""
        (control,) = (
            check for check in provide_checks(tables) if getattr(check, "name", "") == NAMES["C03"]
        )

        assert (control.check_order(order(), view()) is ALLOW) == good  # type: ignore[attr-defined]  # each has it
