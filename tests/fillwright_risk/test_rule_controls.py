"""C24, C28 and C29: who may trade, what may be sold short, and whom we may not meet."""

from dataclasses import replace
from typing import Any

import pytest

from fillwright.accounts import Instrument
from fillwright.book import Beside
from fillwright.inputs import Locate, Ssr
from fillwright.risk import with_order
from fillwright.types import AssetClass, OrdType, Side
from fillwright.verdicts import ALLOW, Warn
from risk.controlkit import NAN, STALE, passes, say
from risk.gatekit import D, limit_order, order, quote, view
from risk.pastkit import judged, supplied


class TestC24Permission:
    """A strategy that was never meant to trade bonds must not begin to by a slip."""

    def test_only_strategies_that_are_named(self) -> None:
        """A stranger, and an order without a name, may not trade."""
        table = {"strategies": ["alpha"]}

        assert passes("C24", order(strategy="alpha"), view(), **table)
        assert not passes("C24", order(strategy="beta"), view(), **table)
        assert not passes("C24", order(), view(), **table)

    def test_each_strategy_has_its_own_symbols(self) -> None:
        """What is not written for a strategy holds for all."""
        table = {"symbols": ["KO"], "strategy": {"alpha": {"symbols": ["AAPL"]}}}

        assert passes("C24", order(strategy="alpha"), view(), **table)
        assert not passes("C24", order(strategy="beta"), view(), **table)

    def test_kinds_and_sides(self) -> None:
        """A kind that is not known is none that is allowed."""
        assert not passes("C24", order(), view(), asset_classes=["crypto"])
        coin = view(instrument=Instrument("AAPL", AssetClass.CRYPTO))
        assert passes("C24", order(), coin, asset_classes=["crypto"])
        assert not passes("C24", order(), view(instrument=None), asset_classes=["us_equity"])
        assert not passes("C24", order(Side.SELL), view(), sides=["BUY"])

    def test_a_stranger_may_not_even_reduce_and_a_person_may(self) -> None:
        """What is held is not everybody's; without a strategy it is a person's hand."""
        table, book = {"strategies": ["alpha"]}, view("50")

        assert not passes("C24", order(Side.SELL, strategy="beta"), book, **table)
        assert passes("C24", order(Side.SELL), book, **table)
        under_way = with_order(book, order(Side.SELL, "45"))
        assert not passes("C24", order(Side.SELL), under_way, **table)
        assert not passes("C24", order(), replace(book, standing=D(5)), **table)


def located(*locate: Any, ssr: object = Ssr.NONE, **fields: Any):
    book = supplied(view(**fields), ssr=ssr)
    return supplied(book, locate=locate[0]) if locate else book


class TestC28ShortSale:
    """Shares that were not borrowed must be delivered all the same."""

    @pytest.mark.parametrize(("shares", "good"), [("10", 1), ("9.9", 0), ("0", 0), ("NaN", 0)])
    def test_the_located_shares_cover_the_short(self, shares: str, good: int) -> None:
        """At the limit is within, and NaN covers nothing."""
        asked, book = order(Side.SELL), located(Locate(D(shares)))

        assert passes("C28", asked, book) == bool(good)

    def test_easy_to_borrow_needs_no_locate(self) -> None:
        """The broker said so."""
        assert passes("C28", order(Side.SELL), located(Locate(easy=True)))

    def test_only_the_part_that_is_short_counts_and_what_is_open_with_it(self) -> None:
        """Five held, five open, ten more: ten short."""
        book = with_order(located(Locate(D(10)), position="5"), order(Side.SELL, "5"))

        assert passes("C28", order(Side.SELL), book)
        assert not passes("C28", order(Side.SELL, "10.1"), book)
        beside = judged(located(Locate(D(15))), order(Side.SELL))
        assert not passes("C28", order(Side.SELL), beside)

    def test_a_symbol_that_is_not_shortable(self) -> None:
        """Not even when somebody located it; and without its rules nobody knows."""
        never = located(Locate(easy=True), instrument=Instrument("AAPL", shortable=False))

        assert not passes("C28", order(Side.SELL), never)
        unknown = located(Locate(easy=True), instrument=None)
        assert not passes("C28", order(Side.SELL), unknown)

    def test_without_a_fresh_locate(self) -> None:
        """Yesterday's locate is used up."""
        assert not passes("C28", order(Side.SELL), view())
        old = supplied(located(), age=13 * 3600, locate=Locate(D(99)))
        assert not passes("C28", order(Side.SELL), old)

    def test_on_a_replace_only_the_rest_counts(self) -> None:
        """What has traded is in the position."""
        book = located(Locate(D(10)), position="-5", already_filled=D(5), standing=D(10))

        assert passes("C28", order(Side.SELL), book)
        assert not passes("C28", order(Side.SELL, "11"), book)

    def test_by_notional_it_needs_a_quote(self) -> None:
        """How many shares it sells is not known without one."""
        asked = order(Side.SELL, None, notional="100")

        assert not passes("C28", asked, located(Locate(D(99)), price=STALE))

    def test_buys_and_what_reduces_pass(self) -> None:
        """Neither is short."""
        assert passes("C28", order(), view())
        assert passes("C28", order(Side.SELL), view("10"))


def restricted(ssr: object = Ssr.ACTIVE, **fields: Any):
    """Easy to borrow, and its shorts restricted; the bid is 99."""
    return located(Locate(easy=True), ssr=ssr, **fields)


def short(price: str, **fields: Any):
    return limit_order(price, Side.SELL, **fields)


class TestC28PriceTest:
    """Under rule 201 a short that hits the bid is an offence, however it came about."""

    @pytest.mark.parametrize(
        ("price", "good"), [("98.99", 0), ("99", 0), ("99.0001", 1), ("101", 1), ("200", 1)]
    )
    def test_a_short_is_priced_above_the_best_bid(self, price: str, good: int) -> None:
        """At the bid is not above it."""
        assert passes("C28", short(price), restricted()) == bool(good)
        assert passes("C28", short(price), restricted(Ssr.NONE))

    def test_what_sells_at_any_price_sells_at_the_bid(self) -> None:
        """A market order and a stop name no price that would hold."""
        assert not passes("C28", order(Side.SELL), restricted())
        stop = order(Side.SELL, type=OrdType.STOP, stop_price="95")
        assert not passes("C28", stop, restricted())
        trailing = order(Side.SELL, type=OrdType.TRAILING_STOP, trail_percent="1")
        assert not passes("C28", trailing, restricted())

    @pytest.mark.parametrize(("price", "good"), [("95", 0), ("99", 0), ("99.5", 1)])
    def test_a_stop_limit_is_held_by_its_limit(self, price: str, good: int) -> None:
        """Once it is triggered it is a limit order like any other."""
        asked = short(price).model_copy(
            update={"type": OrdType.STOP_LIMIT, "stop_price": D(99), "limit_price": D(price)}
        )

        assert passes("C28", asked, restricted()) == bool(good)

    def test_every_leg_that_sells_counts(self) -> None:
        """The profit may stand above the bid while the stop would sell below it."""
        given = {"order_class": "OCO", "take_profit": {"limit_price": "110"}}
        at_any = short("110", **given, stop_loss={"stop_price": "95"})
        below = short("110", **given, stop_loss={"stop_price": "95", "limit_price": "94"})
        above = short("110", **given, stop_loss={"stop_price": "99.9", "limit_price": "99.5"})

        assert not passes("C28", at_any, restricted())
        assert not passes("C28", below, restricted())
        assert passes("C28", above, restricted())

    @pytest.mark.parametrize("missing", ["status", "status is old", "status is no status", "bid"])
    def test_what_is_not_known_refuses(self, missing: str) -> None:
        """A restriction begins in the middle of a day: yesterday's word, or none, is no leave."""
        books = {
            "status": supplied(view(), locate=Locate(easy=True)),
            "status is old": supplied(located(Locate(easy=True)), age=61, ssr=Ssr.NONE),
            "status is no status": restricted("none"),
            "bid": restricted(price=quote(None)),
        }

        assert not passes("C28", short("150"), books[missing])

    @pytest.mark.parametrize("price", [STALE, NAN, quote("102", "101")], ids=["old", "nan", "x"])
    def test_a_bid_that_is_none_refuses(self, price: Any) -> None:
        """Above a bid of last minute, of no number, or of a crossed quote, is above nothing."""
        assert not passes("C28", short("150"), restricted(price=price))

    def test_on_a_replace_the_new_price_counts(self) -> None:
        """A short that was entered above the bid must not be walked down to it."""
        standing = {"position": "-5", "already_filled": D(5), "standing": D(10)}

        assert passes("C28", short("99.5"), restricted(**standing))
        assert not passes("C28", short("99"), restricted(**standing))

    def test_what_is_long_sells_at_any_price(self) -> None:
        """The rule is about shorts; what is open beside it may make a sell one."""
        assert passes("C28", order(Side.SELL), restricted(position="10"))
        assert passes("C28", order(), restricted())
        under_way = with_order(restricted(position="10"), order(Side.SELL, "5"))
        assert not passes("C28", order(Side.SELL), under_way)

    def test_only_shares_are_tested_and_only_where_it_is_wanted(self) -> None:
        """Rule 201 knows no coins; and a broker may make the test itself."""
        coin = restricted(instrument=Instrument("AAPL", AssetClass.CRYPTO))

        assert passes("C28", order(Side.SELL), coin)
        assert passes("C28", order(Side.SELL), restricted(), price_test=False)
        unknown = supplied(view(), locate=Locate(D(5)))
        assert not passes("C28", order(Side.SELL), unknown, price_test=False)


def beside(buy: str | None = None, sell: str | None = None, **fields: Any):
    found = Beside(None if buy is None else D(buy), None if sell is None else D(sell))
    return view(beside=found, **fields)


class TestC29SelfTrade:
    """Trading with oneself is a wash trade, whatever was meant."""

    @pytest.mark.parametrize(("price", "good"), [("99.99", 1), ("100", 0), ("101", 0)])
    def test_a_buy_against_our_sell(self, price: str, good: int) -> None:
        """At its price they would meet."""
        assert passes("C29", limit_order(price), beside(sell="100")) == bool(good)

    @pytest.mark.parametrize(("price", "good"), [("100.01", 1), ("100", 0), ("99", 0)])
    def test_a_sell_against_our_buy(self, price: str, good: int) -> None:
        """The same the other way."""
        assert passes("C29", limit_order(price, Side.SELL), beside(buy="100")) == bool(good)

    def test_an_order_at_any_price_meets_everybody(self) -> None:
        """A market order takes what there is."""
        assert not passes("C29", order(), beside(sell="500"))
        assert not passes("C29", limit_order("100"), beside(sell="0"))
        assert not passes("C29", limit_order("100", Side.SELL), beside(buy="Infinity"))

    def test_our_own_side_and_nobody(self) -> None:
        """Two buys do not trade."""
        assert passes("C29", order(), beside(buy="500"))
        assert passes("C29", order(), view(price=STALE))

    def test_a_stop_waits(self) -> None:
        """Until its price comes it meets nobody."""
        stop = order(type=OrdType.STOP, stop_price="120")

        assert passes("C29", stop, beside(sell="100"))
        assert judged(view(), stop).beside.highest_buy is None

    def test_orders_of_the_same_moment_see_each_other(self) -> None:
        """Both sides in one batch would meet at once."""
        book = judged(view(), limit_order("100", Side.SELL))

        assert not passes("C29", limit_order("100"), book)
        assert passes("C29", limit_order("99"), book)

    def test_on_a_replace_the_new_price_counts(self) -> None:
        """An order that moves through our own is a trade with it."""
        book = beside(sell="100", standing=D(10), already_filled=D(5))

        assert not passes("C29", limit_order("100"), book)
        assert passes("C29", limit_order("99"), book)

    def test_what_reduces_passes_and_is_warned(self) -> None:
        """Risk can be taken off; cancelling what rests is better."""
        assert isinstance(say("C29", order(Side.SELL), beside(buy="99", position="50")), Warn)
        assert say("C29", order(Side.SELL), beside(position="50")) is ALLOW
