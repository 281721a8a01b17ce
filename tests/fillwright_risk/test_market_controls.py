"""C26, C27 and C39: the market's session, its quotes and its clock."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fillwright.inputs import Session, SessionState
from fillwright.types import Side, TimeInForce
from fillwright.verdicts import ALLOW, Warn
from risk.controlkit import NAN, STALE, passes, say
from risk.gatekit import NOW, D, limit_order, order, quote, view
from risk.pastkit import supplied

S = SessionState


def on(state: SessionState, **fields: Any):
    return supplied(view(**fields), session=Session(state))


class TestC26MarketSession:
    """An order for a closed market waits, and trades at a price that nobody saw."""

    @pytest.mark.parametrize(("state", "good"), [(S.OPEN, 1), (S.CLOSED, 0), (S.HALTED, 0)])
    def test_only_an_open_market_trades(self, state: SessionState, good: int) -> None:
        """Closed and halted are refused by name."""
        assert passes("C26", order(), on(state)) == bool(good)

    def test_extended_hours_must_be_asked_for(self) -> None:
        """An order that did not mean it must not trade in a thin market."""
        late = limit_order("100", extended_hours=True)

        assert not passes("C26", limit_order("100"), on(S.EXTENDED))
        assert passes("C26", late, on(S.EXTENDED))
        assert not passes("C26", late, on(S.HALTED))

    def test_a_clock_that_knows_no_extended_hours_can_be_told_of(self) -> None:
        """Many brokers' clocks say closed then; the owner decides."""
        late = limit_order("100", extended_hours=True)

        assert not passes("C26", late, on(S.CLOSED))
        assert passes("C26", late, on(S.CLOSED), extended_when_closed=True)
        assert not passes("C26", order(), on(S.CLOSED), extended_when_closed=True)

    def test_what_is_meant_for_the_opening_may_wait(self) -> None:
        """OPG orders are sent before the bell; others where the owner says so."""
        assert passes("C26", order(time_in_force=TimeInForce.OPG), on(S.CLOSED))
        assert not passes("C26", order(time_in_force=TimeInForce.GTC), on(S.CLOSED))
        table = {"closed_takes": ["GTC"]}
        assert passes("C26", order(time_in_force=TimeInForce.GTC), on(S.CLOSED), **table)

    @pytest.mark.parametrize(("left", "good"), [(1, 1), (0, 0), (-1, 0)])
    def test_a_close_that_has_passed_counts(self, left: int, good: int) -> None:
        """What was open a minute ago is closed from its close on."""
        session = Session(S.OPEN, next_close=NOW + timedelta(seconds=left))

        assert passes("C26", order(), supplied(view(), session=session)) == bool(good)

    def test_a_source_without_an_answer_refuses(self) -> None:
        """A feed that died must not open the market."""
        assert not passes("C26", order(), supplied(view(), offers=("session",)))
        old = supplied(view(), age=61, session=Session(S.OPEN))
        assert not passes("C26", order(), old)
        assert not passes("C26", order(), supplied(view(), session=Decimal("NaN")))

    def test_where_nothing_knows_the_session_nothing_is_refused(self) -> None:
        """A broker without a clock must be usable; check-config tells who supplies what."""
        assert passes("C26", order(), view())

    def test_on_a_replace_it_is_asked_alike(self) -> None:
        """A change for a halted market is an order for one."""
        assert not passes("C26", order(), on(S.HALTED, standing=D(10), already_filled=D(5)))

    def test_what_reduces_passes(self) -> None:
        """Whoever wants out may leave the order with the broker."""
        assert passes("C26", order(Side.SELL), on(S.HALTED, position="50"))
        book = supplied(view("50"), offers=("session",))
        assert passes("C26", order(Side.SELL), book)


class TestC27QuoteQuality:
    """A price that nobody stands behind is no price."""

    @pytest.mark.parametrize(("ask", "good"), [("104", 1), ("105.12", 1), ("105.13", 0)])
    def test_the_spread(self, ask: str, good: int) -> None:
        """Up to five percent of the middle by itself."""
        assert passes("C27", order(), view(price=quote("100", ask))) == bool(good)

    def test_the_spread_as_the_owner_wants_it(self) -> None:
        """99 to 101 is two percent."""
        assert passes("C27", order(), view(), max_spread_pct="2")
        assert not passes("C27", order(), view(), max_spread_pct="1.99")

    @pytest.mark.parametrize(
        "price",
        [STALE, NAN, quote("101", "99"), quote(None, "101"), quote("99", None), quote(None, None)],
    )
    def test_a_quote_without_worth(self, price: Any) -> None:
        """Stale, no number, crossed, and with a side missing."""
        assert not passes("C27", order(), view(price=price))
        assert not passes("C27", limit_order("100"), view(price=price, standing=D(10)))
        assert passes("C27", order(Side.SELL), view("50", price=price))

    def test_no_quote_at_all(self) -> None:
        """Nothing is not fresh."""
        assert not passes("C27", order(), view(no_quote=True))

    @pytest.mark.parametrize(("age", "good"), [(0.5, 1), (1, 1), (1.1, 0)])
    def test_a_stricter_age(self, age: float, good: int) -> None:
        """At the limit is fresh."""
        book = view(price=quote(age=age))

        assert passes("C27", order(), book, max_age_seconds=1) == bool(good)

    def test_what_reduces_passes(self) -> None:
        """Whoever wants out in a wide market may."""
        book = view("50", price=quote("50", "150"))
        assert passes("C27", order(Side.SELL), book)
        assert passes("C27", order(Side.SELL), replace(book, already_filled=D(1)))


class TestC39ClockSkew:
    """With a wrong clock every age is wrong, and every day begins at the wrong time."""

    @pytest.mark.parametrize(("skew", "good"), [("0", 1), ("5", 1), ("-5", 1), ("5.1", 0)])
    def test_so_far_apart(self, skew: str, good: int) -> None:
        """To either side; at the limit is within."""
        assert passes("C39", order(), supplied(view(), skew=D(skew))) == bool(good)

    @pytest.mark.parametrize("skew", ["NaN", "Infinity"])
    def test_no_number_is_no_time(self, skew: str) -> None:
        """NaN is beyond no limit, and within none."""
        assert not passes("C39", order(), supplied(view(), skew=D(skew)))

    def test_a_source_without_an_answer_refuses(self) -> None:
        """A clock that stopped answering may be off by anything."""
        assert not passes("C39", order(), supplied(view(), offers=("skew",)))
        assert not passes("C39", order(), supplied(view(), age=61, skew=D(0)))
        assert passes("C39", order(), view())

    def test_it_may_warn_before(self) -> None:
        """Drift is told before it stops anybody."""
        book = supplied(view(), skew=D(-2))

        assert isinstance(say("C39", order(), book, warn_seconds="1"), Warn)
        assert say("C39", order(), book, warn_seconds="2") is ALLOW

    def test_what_reduces_passes(self) -> None:
        """Risk can be taken off at any time of day."""
        assert passes("C39", order(Side.SELL), supplied(view("50"), skew=D(99)))
        assert not passes("C39", order(), supplied(view(standing=D(1)), skew=D(99)))
