"""Each control: accept, reject, the exact boundary, what is missing, stale, replaced, under way."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fillwright.accounts import Instrument
from fillwright.book import BookView, Exposure, RecentOrder
from fillwright.orders import Order
from fillwright.risk import with_order
from fillwright.risk.answers import ask
from fillwright.risk.recent import recent_order
from fillwright.types import OrdType, Side, TimeInForce
from fillwright.verdicts import ALLOW, Reject, Resize, Verdict
from fillwright_risk import provide_checks
from risk.gatekit import NOW, D, account, limit_order, order, quote, view

NAMES = {
    "C01": "max_order_quantity",
    "C02": "max_order_notional",
    "C03": "no_limit_configured",
    "C04": "price_collar",
    "C08": "max_long_position",
    "C09": "max_short_position",
    "C12": "buying_power",
    "C19": "duplicate_order",
    "C23": "restricted",
    "C25": "instrument_rules",
}
STALE = quote(age=60)
NAN = quote("NaN", "NaN")


def say(code: str, asked: Order, book: BookView, **table: Any) -> Verdict:
    """What one control says, asked as the gate asks it."""
    name = NAMES[code]
    checks = provide_checks({name: table} if table else {})
    (control,) = (check for check in checks if getattr(check, "name", "") == name)

    def call(asked: Order, book: BookView) -> object:
        method = control.check_order  # type: ignore[attr-defined]  # each control has it
        return method(asked) if code == "C23" else method(asked, book)

    return ask(call, asked, book)


def code_of(verdict: Verdict) -> str:
    return "" if verdict is ALLOW else verdict.code  # type: ignore[union-attr]  # not Allow


def passes(code: str, asked: Order, book: BookView, **table: Any) -> bool:
    verdict = say(code, asked, book, **table)
    assert code_of(verdict) in ("", code)
    return verdict is ALLOW


class TestC01MaxOrderQuantity:
    """An order a hundred times too large is typed in a second."""

    @pytest.mark.parametrize(("quantity", "good"), [("1", 1), ("10", 1), ("10.5", 0), ("11", 0)])
    def test_up_to_the_limit_and_not_beyond(self, quantity: str, good: int) -> None:
        """One share above the limit is above the limit."""
        assert passes("C01", order(quantity=quantity), view(), limit_shares="10") == bool(good)

    def test_a_symbol_s_own_limit_goes_first(self) -> None:
        """A general limit must not loosen or tighten a symbol that has its own."""
        table = {"limit_shares": "10", "by_symbol": {"AAPL": "5"}}

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
        table = {"limit_usd": "5000", "by_symbol": {"AAPL": "900"}}

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
            ({"max_order_notional": {"by_symbol": {"AAPL": "1"}}}, True),
            ({"max_order_notional": {"by_symbol": {"MSFT": "1"}}}, False),
            (
                {
                    "max_order_notional": {"limit_usd": "1"},
                    "max_order_quantity": {"by_symbol": {"MSFT": "1"}},
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
        assert (verdict.quantity, replaced.quantity) == (20, 20)

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

    def test_shorts_cost_and_reducing_does_not(self) -> None:
        """A short sale ties up money; closing a position never needs any."""
        poor = {"account": account("0")}

        assert not passes("C12", limit_order("100", Side.SELL), view(**poor))
        assert passes("C12", limit_order("100", Side.SELL), view("10", **poor))
        assert passes("C12", limit_order("100"), view("-10", **poor))


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
