"""C30 and C31: equity above margin, and cash that has settled."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fillwright.accounts import Position
from fillwright.book import Exposure
from fillwright.history import Deed
from fillwright.risk import with_order
from fillwright.types import Side
from risk.controlkit import STALE, passes
from risk.gatekit import NOW, D, account, limit_order, order, view
from risk.pastkit import after, event, judged


def equity(value: str, position: str = "0", **fields: Any):
    return view(position, account=account(value), **fields)


class TestC30MarginExcess:
    """An account that is called for margin is closed at the worst moment."""

    @pytest.mark.parametrize(("value", "good"), [("2502.5", 1), ("2502.49", 0)])
    def test_what_is_left_above_margin(self, value: str, good: int) -> None:
        """A quarter of 1,010 and of 1,000, and 2,000 on top."""
        asked, book = limit_order("100"), equity(value, "10")

        assert passes("C30", asked, book, floor_usd="2000") == bool(good)

    def test_shorts_need_more(self) -> None:
        """Three tenths of the worst price, for what is held and for this sell."""
        asked, book = limit_order("100", Side.SELL), equity("1000", "-10")
        need = D("0.3") * (1010 + book.worst_cost(asked))

        assert passes("C30", asked, equity(str(need), "-10"), floor_usd="0")
        assert not passes("C30", asked, equity(str(need - 1), "-10"), floor_usd="0")

    def test_what_is_under_way_counts(self) -> None:
        """It may all fill."""
        book = with_order(equity("500"), limit_order("100"))

        assert passes("C30", limit_order("100"), book, floor_usd="0")
        assert not passes("C30", limit_order("101"), book, floor_usd="0")
        assert not passes("C30", limit_order("101"), judged(equity("500"), limit_order("100")), **Z)

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
    def test_equity_that_is_no_number(self, value: str) -> None:
        """No number bears nothing."""
        assert not passes("C30", limit_order("1"), equity(value), **Z)

    def test_what_nobody_prices(self) -> None:
        """A position without a price, an order without one, a market order without a quote."""
        held = Exposure(open_buys=D(1), orders=1, unpriced=1)

        assert not passes("C30", limit_order("1"), equity("9999", "10", price=STALE), **Z)
        assert not passes("C30", limit_order("1"), equity("9999", held=held), **Z)
        assert not passes("C30", order(), equity("9999", price=STALE), **Z)

    def test_the_broker_s_price_is_used_while_it_is_fresh(self) -> None:
        """The account may be older than the quote would be allowed to be."""
        book = equity("9999", "10", price=STALE)
        held = {"AAPL": Position("AAPL", D(10), market_price=D(100))}
        fresh = replace(book.account, positions=held)
        old = replace(fresh, as_of=NOW - timedelta(seconds=91))

        assert passes("C30", limit_order("1"), replace(book, account=fresh), **Z)
        assert not passes("C30", limit_order("1"), replace(book, account=old), **Z)

    def test_on_a_replace_only_the_rest_counts_and_reducing_passes(self) -> None:
        """What has traded is in the position."""
        book = equity("125", already_filled=D(5), standing=D(10))

        assert passes("C30", limit_order("100"), book, **Z)
        assert not passes("C30", limit_order("101"), book, **Z)
        assert passes("C30", order(Side.SELL), equity("0", "10"), floor_usd="2000")


Z = {"floor_usd": "0"}


class TestC31SettledCash:
    """Buying with today's proceeds and selling again is a violation in a cash account."""

    @pytest.mark.parametrize(("cash", "good"), [("1500", 1), ("1499.99", 0)])
    def test_proceeds_of_today_are_not_settled(self, cash: str, good: int) -> None:
        """500 of it came in today."""
        sale = event(Deed.FILLED, notional="500", side=Side.SELL, symbol="KO")
        book = after(sale, account=account(cash))

        assert passes("C31", limit_order("100"), book, **Z) == bool(good)

    def test_yesterday_s_proceeds_are(self) -> None:
        """One day later they have settled."""
        sale = event(Deed.FILLED, notional="500", side=Side.SELL, ago=11 * 3600)

        assert passes("C31", limit_order("100"), after(sale, account=account("1000")), **Z)

    def test_open_buys_are_paid_first(self) -> None:
        """The same money cannot be spent twice."""
        book = with_order(after(account=account("2000")), limit_order("100"))

        assert passes("C31", limit_order("100"), book, **Z)
        assert not passes("C31", limit_order("100.01"), book, **Z)
        batch = judged(after(account=account("2000")), limit_order("100"))
        assert not passes("C31", limit_order("100.01"), batch, **Z)

    @pytest.mark.parametrize("cash", ["NaN", "Infinity"])
    def test_cash_that_is_no_number(self, cash: str) -> None:
        """No number pays for nothing."""
        assert not passes("C31", limit_order("1"), after(account=account(cash)), **Z)

    def test_what_nobody_prices(self) -> None:
        """A market order needs a quote, and an open order without a price stops buys."""
        held = Exposure(open_buys=D(1), orders=1, unpriced=1)

        assert not passes("C31", order(), after(price=STALE), **Z)
        assert not passes("C31", limit_order("1"), after(held=held), **Z)

    def test_on_a_replace_only_the_rest_counts(self) -> None:
        """What has traded is paid."""
        book = after(account=account("500"), already_filled=D(5), standing=D(10))

        assert passes("C31", limit_order("100"), book, **Z)
        assert not passes("C31", limit_order("101"), book, **Z)

    def test_sells_and_covering_buys_pass_and_a_floor_holds(self) -> None:
        """Neither spends what is not there."""
        poor = account("0")

        assert passes("C31", order(Side.SELL), after(account=poor), **Z)
        assert passes("C31", order(), after(book=view("-10", account=poor)), **Z)
        assert not passes("C31", limit_order("1"), after(account=account("100")), floor_usd="100")
