"""Position and credit controls: boundaries, what is under way, replaces, missing facts."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fillwright.book import Exposure
from fillwright.risk import with_order
from fillwright.risk.answers import ask
from fillwright.types import Side
from fillwright.verdicts import Resize
from fillwright_risk import provide_checks
from risk.controlkit import STALE, code_of, passes, say
from risk.gatekit import D, account, limit_order, order, quote, view


class TestC08MaxLongPosition:
    """Many small orders make a large position."""

    @pytest.mark.parametrize(("position", "good"), [("-5", 1), ("90", 1), ("90.5", 0), ("100", 0)])
    def test_position_and_order_stay_within(self, position: str, good: int) -> None:
        """At the limit is within, above is not."""
        assert passes("C08", order(), view(position), limit_shares="100") == bool(good)

    def test_what_is_under_way_counts(self) -> None:
        """Two orders inside one ack latency would otherwise both fit."""
        book = view("80")

        assert passes("C08", order(), with_order(book, order()), limit_shares="100")
        assert not passes(
            "C08", order(quantity="11"), with_order(book, order()), limit_shares="100"
        )

    def test_open_sells_do_not_make_room(self) -> None:
        """The sell may never fill."""
        book = with_order(view("95"), order(Side.SELL, "50"))

        assert not passes("C08", order(), book, limit_shares="100")

    def test_it_asks_for_what_there_is_room_for(self) -> None:
        """The rest of the room, and on a replace what has traded on top of it."""
        verdict = say("C08", order(quantity="30"), view("80"), limit_shares="100")
        book = view("85", already_filled=D(5))
        replaced = say("C08", order(quantity="30"), book, limit_shares="100")

        assert isinstance(verdict, Resize)
        assert isinstance(replaced, Resize)
        assert (verdict.quantity, replaced.quantity) == (D(20), D(20))

    def test_on_a_replace_only_what_may_still_trade_counts(self) -> None:
        """What has traded is in the position already."""
        book = view("95", already_filled=D(5))

        assert passes("C08", order(), book, limit_shares="100")
        assert not passes("C08", order(quantity="11"), book, limit_shares="100")

    def test_by_value(self) -> None:
        """Position at the ask, open buys and this order at their worst."""
        book = with_order(view("10"), limit_order("100"))

        assert passes("C08", limit_order("100"), book, limit_usd="3010")
        assert not passes("C08", limit_order("100"), book, limit_usd="3009.99")
        assert not passes("C08", limit_order("100"), view("10", price=STALE), limit_usd="9999")
        assert passes("C08", limit_order("100"), view(price=STALE), limit_usd="1000")

    def test_an_order_without_a_known_price_blocks_the_value(self) -> None:
        """A value that leaves an order out is too low."""
        book = view(held=Exposure(open_buys=D(1), orders=1, unpriced=1))

        assert not passes("C08", limit_order("1"), book, limit_usd="9999999")
        assert passes("C08", limit_order("1"), book, limit_shares="100")

    def test_sells_and_covering_buys_pass(self) -> None:
        """What makes a long position smaller cannot make it too long."""
        assert passes("C08", order(Side.SELL, "500"), view(), limit_shares="1")
        assert passes("C08", order(quantity="500"), view("-500"), limit_shares="1")

    def test_notional_needs_a_fresh_quote(self) -> None:
        """How many shares it buys is not known without one."""
        asked = order(quantity=None, notional="95")

        assert passes("C08", asked, view(), limit_shares="1")
        assert not passes("C08", asked, view(price=STALE), limit_shares="1000")


class TestC09MaxShortPosition:
    """Selling what is not held can lose more than everything."""

    @pytest.mark.parametrize(("position", "good"), [("10", 1), ("11", 1), ("9.9", 0), ("0", 0)])
    def test_no_shorts_by_default(self, position: str, good: int) -> None:
        """Nobody goes short by accident."""
        assert passes("C09", order(Side.SELL), view(position)) == bool(good)

    def test_up_to_the_limit_and_not_beyond(self) -> None:
        """At the limit is within, above is not."""
        assert passes("C09", order(Side.SELL), view("-5"), limit_shares="15")
        assert not passes("C09", order(Side.SELL), view("-5"), limit_shares="14.9")

    def test_what_is_under_way_counts(self) -> None:
        """Two sells of the same shares make one short position."""
        book = with_order(view("10"), order(Side.SELL, "5"))

        assert passes("C09", order(Side.SELL, "5"), book)
        assert not passes("C09", order(Side.SELL, "6"), book)

    def test_open_buys_do_not_make_room(self) -> None:
        """The buy may never fill."""
        assert not passes("C09", order(Side.SELL), with_order(view(), order()))

    def test_it_asks_for_what_is_held(self) -> None:
        """Shrunk to the position, the order closes it and no more."""
        verdict = say("C09", order(Side.SELL, "30"), view("20"))

        assert isinstance(verdict, Resize)
        assert verdict.quantity == 20

    def test_on_a_replace_only_what_may_still_trade_counts(self) -> None:
        """What has traded has left the position already."""
        book = view("6", already_filled=D(4))

        assert passes("C09", order(Side.SELL), book)
        assert not passes("C09", order(Side.SELL, "11"), book)

    def test_buys_pass_and_notional_needs_a_quote(self) -> None:
        """How many shares it sells is not known without one."""
        asked = order(Side.SELL, None, notional="100")

        assert passes("C09", order(), view("-100"))
        assert passes("C09", asked, view("2"))
        assert not passes("C09", asked, view("2", price=STALE))


class TestC12BuyingPower:
    """What cannot be paid for is rejected late, or bought on margin nobody wanted."""

    @pytest.mark.parametrize(("power", "good"), [("1000", 1), ("999.99", 0), ("0", 0), ("-5", 0)])
    def test_cost_within_what_is_left(self, power: str, good: int) -> None:
        """To the cent."""
        book = view(account=account(power))

        assert passes("C12", limit_order("100"), book) == bool(good)

    def test_what_is_reserved_is_taken_off(self) -> None:
        """The broker's figure does not show the order that left a millisecond ago."""
        book = view(account=account("2000"))

        assert passes("C12", limit_order("100"), with_order(book, limit_order("100")))
        assert not passes("C12", limit_order("100"), with_order(book, limit_order("100.01")))

    @pytest.mark.parametrize("power", ["NaN", "Infinity"])
    def test_a_figure_that_is_no_number_is_no_money(self, power: str) -> None:
        """NaN compares false with everything, and once that meant unlimited credit."""
        assert not passes("C12", limit_order("100"), view(account=account(power)))

    def test_a_market_order_needs_a_fresh_quote(self) -> None:
        """Its cost is not known without one."""
        assert passes("C12", order(), view(account=account("1060.5")))
        assert not passes("C12", order(), view(account=account("1060.49")))
        assert not passes("C12", order(), view(price=STALE))

    def test_on_a_replace_only_the_rest_costs(self) -> None:
        """What has traded is paid for."""
        book = view(account=account("500"), already_filled=D(5))

        assert passes("C12", limit_order("100"), book)
        assert not passes("C12", limit_order("100", quantity="11"), book)

    @pytest.mark.parametrize(("hold", "good"), [("0", 0), ("899.99", 0), ("900", 1), ("NaN", 0)])
    def test_a_replace_costs_what_it_adds_to_the_hold(self, hold: str, good: int) -> None:
        """The broker's figure is less what the order holds: asked twice, no change would pass."""
        book = view(account=account("100"), standing=D(9), standing_hold=D(hold))

        assert passes("C12", limit_order("100"), book) == bool(good)

    def test_shorts_cost_and_reducing_does_not(self) -> None:
        """A short sale ties up money; closing a position never needs any."""
        poor: dict[str, Any] = {"account": account("0")}

        assert not passes("C12", limit_order("100", Side.SELL), view(**poor))
        assert passes("C12", limit_order("100", Side.SELL), view("10", **poor))
        assert passes("C12", limit_order("100"), view("-10", **poor))


def test_every_control_survives_a_book_full_of_nan() -> None:
    """NaN in a quote, a balance or a position must refuse, whichever control meets it."""
    bad = D("NaN")
    tables = {"max_order_notional": {"limit_usd": "100"}, "max_long_position": {"limit_usd": "9"}}
    book = view(
        price=quote("NaN", "NaN"),
        held=Exposure(bad, bad, bad, bad, bad),
        account=account("NaN"),
    )
    refused = [
        code_of(ask(check.check_order, order(), book))  # type: ignore[attr-defined]  # each has it
        for check in provide_checks(tables)
        if getattr(check, "name", "") in ("max_order_notional", "max_long_position", "buying_power")
    ]

    assert "" not in refused
    assert len(refused) == 3


def test_limits_beyond_the_context_s_digits_do_not_round() -> None:
    """A comparison that rounds would let the last cent of a large order through."""
    limit = Decimal("99999999999999999999.99")
    over = replace(view(), account=account(str(limit)))
    asked = limit_order("99999999999999999999.99", quantity="1")

    assert passes("C12", asked, over)
    assert not passes("C12", asked, replace(over, account=account(str(limit - D("0.01")))))
