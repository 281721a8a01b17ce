"""C10 and C11: how much the whole account may be exposed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from fillwright.accounts import Position
from fillwright.book import BookView, Exposure
from fillwright.inputs import Datum, Supplied
from fillwright.risk import with_order
from fillwright.types import Side
from fillwright_risk import provide_checks
from fillwright_risk.portfolio import Totals, totals_of
from risk.controlkit import STALE, passes, say
from risk.gatekit import NOW, D, Desk, Named, account, gate, limit_order, order, proposal, view
from risk.pastkit import judged, supplied

ALL = {
    "gross_exposure": "limit_usd",
    "net_exposure": "limit_usd",
    "sector_exposure": "limit_usd",
}


def book(aapl: str = "0", ko: str = "0", *, ko_price: str = "50", **fields) -> BookView:
    """Some of two symbols; KO has no quote, and the broker's own price."""
    known = fields.pop("account", account())
    price = None if ko_price == "" else D(ko_price)
    held = {"KO": Position("KO", D(ko), market_price=price)}
    given = view(aapl, account=replace(known, positions=held), **fields)
    given = replace(given, exposures={**given.exposures, "KO": Exposure(D(ko))})
    sectors = {("sector", s): Datum("sector", s, "food", NOW) for s in ("AAPL", "KO")}
    return replace(given, supplied=Supplied(sectors))


def test_what_several_controls_add_up_is_added_up_once() -> None:
    """With a hundred positions, adding all of them up in each control is what a check may cost."""
    seen, asked = book("10", "-10"), []

    def reckon(view: BookView) -> Decimal:
        asked.append(view)
        return view.exposure("AAPL").position

    assert (seen.once(reckon), seen.once(reckon)) == (D(10), D(10))
    assert asked == [seen]
    later = replace(seen, exposures={})
    assert later.once(reckon) == 0
    assert seen.once(totals_of) is seen.once(totals_of)
    assert later.once(totals_of) == Totals(*[D(0)] * 4)


def test_what_raises_is_asked_again_by_everybody() -> None:
    """A sum that failed for the first check must not be nothing for the second."""

    def raises(view: BookView) -> Decimal:
        raise ZeroDivisionError

    seen = book()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            seen.once(raises)


class TestC10GrossExposure:
    """Each position within its limit, and all of them more than the account can bear."""

    @pytest.mark.parametrize(("limit", "good"), [("2510", 1), ("2509.99", 0)])
    def test_positions_and_this_order(self, limit: str, good: int) -> None:
        """Ten at 101, ten at 50, and this one; at the limit is within."""
        asked = limit_order("100")

        assert passes("C10", asked, book("10", "10"), limit_usd=limit) == bool(good)

    def test_shorts_count_like_longs(self) -> None:
        """A hedge is two positions."""
        assert not passes("C10", limit_order("100"), book("10", "-10"), limit_usd="2509")

    def test_what_is_under_way_counts_on_both_sides(self) -> None:
        """An order may fill while its opposite does not."""
        beside = with_order(with_order(book(), limit_order("100")), limit_order("100", Side.SELL))
        sells = beside.exposure("AAPL").open_sell_value

        assert passes("C10", limit_order("100"), beside, limit_usd=str(2000 + sells))
        assert not passes("C10", limit_order("100"), beside, limit_usd=str(1999 + sells))

    def test_orders_of_the_same_moment_see_each_other(self) -> None:
        """A batch is one exposure."""
        beside = judged(book(), limit_order("100"))

        assert not passes("C10", limit_order("100"), beside, limit_usd="1999")


@pytest.mark.parametrize(("name", "setting"), ALL.items())
class TestUnknownValues:
    """A sum that leaves something out is too low."""

    def test_a_position_that_nobody_prices(self, name: str, setting: str) -> None:
        """Neither a quote nor the broker's price."""
        assert not passes(name, limit_order("1"), book(ko="1", ko_price=""), **{setting: "99999"})
        assert not passes(name, limit_order("1"), book(ko="1", ko_price="NaN"), **{setting: "9999"})
        assert passes(name, limit_order("1"), book(ko="0", ko_price=""), **{setting: "99999"})

    def test_a_broker_s_price_that_is_old(self, name: str, setting: str) -> None:
        """It is as old as the account."""
        old = replace(account(), as_of=NOW - timedelta(seconds=91))

        assert not passes(name, limit_order("1"), book(ko="1", account=old), **{setting: "99999"})

    def test_an_order_under_way_without_a_price(self, name: str, setting: str) -> None:
        """It may cost anything."""
        given = book()
        held = Exposure(open_buys=D(1), orders=1, unpriced=1)
        given = replace(given, exposures={**given.exposures, "KO": held})

        assert not passes(name, limit_order("1"), given, **{setting: "99999"})

    def test_an_order_that_nobody_prices(self, name: str, setting: str) -> None:
        """A market order needs a fresh quote."""
        assert not passes(name, order(), book(price=STALE), **{setting: "99999"})

    def test_a_position_that_is_no_number(self, name: str, setting: str) -> None:
        """NaN is not small."""
        assert not passes(name, limit_order("1"), book(ko="NaN"), **{setting: "99999"})

    def test_what_reduces_passes(self, name: str, setting: str) -> None:
        """Over every limit, out is always possible."""
        assert passes(name, order(Side.SELL), book("10", "9", ko_price=""), **{setting: "1"})

    def test_on_a_replace_only_the_rest_counts(self, name: str, setting: str) -> None:
        """What has traded is in the position."""
        given = book(already_filled=D(5), standing=D(10))

        assert passes(name, limit_order("100"), given, **{setting: "500"})
        assert not passes(name, limit_order("100.01"), given, **{setting: "500"})


class TestC11NetExposure:
    """Long everywhere, or short everywhere, is one bet."""

    @pytest.mark.parametrize(("limit", "good"), [("1510", 1), ("1509.99", 0)])
    def test_longs_less_shorts_and_this_buy(self, limit: str, good: int) -> None:
        """1,010 long, 500 short, and 1,000 more."""
        given = book("10", "-10")

        assert passes("net_exposure", limit_order("100"), given, limit_usd=limit) == bool(good)

    def test_the_short_side_is_held_to_the_same(self) -> None:
        """500 short and 1,000 more, at the bid and the worst price."""
        given, asked = book("0", "-10"), limit_order("100", Side.SELL)
        cost = given.worst_cost(asked)

        assert passes("net_exposure", asked, given, limit_usd=str(500 + cost))
        assert not passes("net_exposure", asked, given, limit_usd=str(499 + cost))

    def test_open_sells_make_no_room_for_buys(self) -> None:
        """The sell may never fill."""
        given = with_order(book("10"), order(Side.SELL))

        assert not passes("net_exposure", limit_order("100"), given, limit_usd="2009")


class TestC11Concentration:
    """One company that fails must not take the account with it."""

    @pytest.mark.parametrize(
        ("pct", "price", "good"),
        [("20.1", "100", 1), ("20.1", "100.001", 0), ("20.0999", "100", 0), ("20", "100", 0)],
    )
    def test_a_part_of_equity(self, pct: str, price: str, good: int) -> None:
        """10 at 101 and 10 at 100 of 10,000, at the limit and just over it."""
        given = book("10", "500", account=account("10000"))

        assert passes("concentration", limit_order(price), given, max_pct=pct) == bool(good)

    @pytest.mark.parametrize(("pct", "good"), [("30", 1), ("29.999", 0)])
    def test_a_short_and_what_is_under_way_count_in_full(self, pct: str, good: int) -> None:
        """1,010 short, 1,000 that may be bought and 990 that may be sold are not nothing."""
        given = book("-10", account=account("10000"))
        held = Exposure(D(-10), D(5), D(5), D(500), D(490), 2)
        given = replace(given, exposures={"AAPL": held})

        assert passes("concentration", limit_order("100"), given, max_pct=pct) == bool(good)

    def test_other_symbols_without_a_value_do_not_matter_and_its_own_does(self) -> None:
        """What is held of it at an unknown price may be all that there is."""
        rich = {"account": account("1000000"), "ko_price": ""}
        unpriced = Exposure(open_buys=D(1), orders=1, unpriced=1)

        assert passes("concentration", limit_order("1"), book("1", "1", **rich), max_pct="99")
        for given in (
            book("1", price=STALE, **rich),
            replace(book(**rich), exposures={"AAPL": unpriced}),
        ):
            assert not passes("concentration", limit_order("1"), given, max_pct="99")

    @pytest.mark.parametrize("equity", ["NaN", "Infinity", "0", "-1"])
    def test_equity_that_bears_nothing(self, equity: str) -> None:
        """No number is no equity."""
        given = book(account=account(equity))

        assert not passes("concentration", limit_order("1"), given, max_pct="50")
        assert passes(
            "concentration", order(Side.SELL), book("10", account=account(equity)), max_pct="1"
        )


class TestC11SectorExposure:
    """Ten banks are one bet."""

    @pytest.mark.parametrize(
        ("limit", "price", "good"),
        [("2510", "100", 1), ("2510", "100.001", 0), ("2509.99", "100", 0)],
    )
    def test_the_sector_and_this_order(self, limit: str, price: str, good: int) -> None:
        """Both are food: 1,010 and 500 and 1,000; at the limit is within."""
        asked, given = limit_order(price), book("10", "10")

        assert passes("sector_exposure", asked, given, limit_usd=limit) == bool(good)

    @pytest.mark.parametrize(
        ("ko", "good"),
        [
            (Datum("sector", "KO", "technology", NOW), 1),
            (Datum("sector", "KO", "technology", NOW - timedelta(days=31)), 0),
            (Datum("sector", "KO", " ", NOW), 0),
            (Datum("sector", "KO", D(1), NOW), 0),
        ],
        ids=["another", "old", "empty", "no text"],
    )
    def test_what_is_held_counts_unless_its_sector_is_known(self, ko: Datum, good: int) -> None:
        """A list of sectors that was not kept up hides what it no longer names."""
        known = Supplied({("sector", "AAPL"): _sector("AAPL"), ("sector", "KO"): ko})
        given = replace(book("10", "10"), supplied=known)

        assert passes("sector_exposure", limit_order("100"), given, limit_usd="2010") == bool(good)

    @pytest.mark.parametrize("flaw", ["missing", "old", "empty"])
    async def test_an_order_whose_own_sector_is_missing(self, flaw: str) -> None:
        """It would be held to the limit of no sector; out is still possible."""
        at = NOW - timedelta(days=31 if flaw == "old" else 1)
        datum = Datum("sector", "AAPL", " " if flaw == "empty" else "food", at)
        held = Supplied({} if flaw == "missing" else {("sector", "AAPL"): datum})
        checks = provide_checks({"sector_exposure": {"limit_usd": "99999"}})
        (check,) = (one for one in checks if getattr(one, "name", "") == "sector_exposure")
        named = Named("sector_exposure", check.check_order)  # type: ignore[attr-defined]  # it has
        named.code, named.needs = check.code, check.needs  # type: ignore[attr-defined]  # both, too
        desk = Desk(replace(book("10"), supplied=held))

        bought = await gate(named, desk=desk).ask(proposal(limit_order("100")))
        sold = await gate(named, desk=desk).ask(proposal(order(Side.SELL)))

        assert bought.order is None
        (reason,) = bought.decision.reasons
        assert (reason.code, "sector of AAPL" in reason.measured) == ("C11", True)
        assert sold.order is not None
        assert [(one.code, one.warning) for one in sold.order.remarks] == [("C11", True)]

    def test_other_sectors_do_not_count_and_unknown_ones_do(self) -> None:
        """A symbol that could be of this sector is."""
        asked, given = limit_order("100"), book("10", "10")
        other = supplied(given, sector="technology")
        nobody = replace(given, supplied=Supplied({("sector", "AAPL"): _sector("AAPL")}))

        assert passes("sector_exposure", asked, other, limit_usd="2010")
        assert not passes("sector_exposure", asked, nobody, limit_usd="2509")

    def test_as_a_part_of_equity(self) -> None:
        """Both limits hold."""
        given = book("10", "10", account=account("10000"))

        assert passes("sector_exposure", limit_order("100"), given, max_pct="25.1")
        assert not passes("sector_exposure", limit_order("100"), given, max_pct="25.0999")
        table = {"max_pct": "90", "limit_usd": "100"}
        assert not passes("sector_exposure", limit_order("100"), given, **table)

    def test_without_its_sector_it_raises_and_so_refuses(self) -> None:
        """The gate does not even ask it then."""
        assert say("sector_exposure", order(), view(), limit_usd="1").code == "CHECK_RAISED"


def _sector(symbol: str) -> Datum:
    return Datum("sector", symbol, "food", NOW)
