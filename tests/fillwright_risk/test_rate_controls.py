"""C16 and C17: how fast orders and messages may leave."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.history import Deed
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Halt, Reject, Scope, Warn
from risk.controlkit import passes, say
from risk.gatekit import D, order, view
from risk.pastkit import after, at, event, judged, sent

PER_SECOND = {"symbol_per_second": 3}
LIMITS = [
    f"{whose}_per_{window}"
    for whose in ("symbol", "strategy", "account")
    for window in ("second", "minute")
]


class TestC16OrderRate:
    """A loop that sends orders sends thousands before anybody looks."""

    @pytest.mark.parametrize(("before", "good"), [(0, 1), (2, 1), (3, 0), (9, 0)])
    def test_a_second_takes_so_many_of_one_symbol(self, before: int, good: int) -> None:
        """The last that fits passes, the next does not."""
        assert passes("C16", order(), after(*sent(before)), **PER_SECOND) == bool(good)

    @pytest.mark.parametrize(("ago", "good"), [(0.999, 0), (1, 0), (1.001, 1)])
    def test_the_window_is_whole_and_ends(self, ago: float, good: int) -> None:
        """A window that loses its edge takes one more each time."""
        assert passes("C16", order(), after(*sent(3, ago)), **PER_SECOND) == bool(good)

    @pytest.mark.parametrize(
        ("table", "other"),
        [
            ({"symbol_per_minute": 3}, {"symbol": "KO"}),
            ({"strategy_per_second": 3}, {"strategy": "beta"}),
            ({"strategy_per_minute": 3}, {"strategy": "beta"}),
            ({"account_per_second": 3}, None),
            ({"account_per_minute": 3}, None),
        ],
    )
    def test_symbol_strategy_and_account_are_counted_apart(self, table, other) -> None:
        """One that is quiet must not pay for one that is loud, and the account pays for all."""
        asked = order(strategy="alpha")
        mine, theirs = sent(3, strategy="alpha"), sent(3, **({"strategy": "alpha"} | (other or {})))

        assert not passes("C16", asked, after(*mine), **table)
        assert passes("C16", asked, after(*theirs), **table) == (other is not None)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["AAPL", "KO"]),
                st.sampled_from(["", "alpha"]),
                st.sampled_from([0.5, 30, 90]),
            ),
            max_size=8,
        ),
        st.dictionaries(st.sampled_from(LIMITS), st.integers(1, 8)),
    )
    def test_no_bound_is_skipped(
        self, done: list[tuple[str, str, float]], table: dict[str, int]
    ) -> None:
        """A bound that a short cut passes over is a bound that nobody keeps."""
        asked, table = order(strategy="alpha"), dict.fromkeys(LIMITS, 100) | table
        past = [event(ago=ago, symbol=symbol, strategy=name) for symbol, name, ago in done]
        counted = {
            f"{whose}_per_{window}": 1 + sum(mine and ago <= seconds for mine, ago in ours)
            for window, seconds in (("second", 1), ("minute", 60))
            for whose, ours in {
                "symbol": [(symbol == "AAPL", ago) for symbol, _, ago in done],
                "strategy": [(name == "alpha", ago) for _, name, ago in done],
                "account": [(True, ago) for *_, ago in done],
            }.items()
        }

        within = all(counted[name] <= table[name] for name in LIMITS)
        assert passes("C16", asked, after(*past), **table) == within

    def test_orders_without_a_strategy_count_together(self) -> None:
        """No name is no way around a limit."""
        assert not passes("C16", order(), after(*sent(3)), strategy_per_second=3)
        assert passes("C16", order(strategy="alpha"), after(*sent(3)), strategy_per_second=3)

    def test_replaces_count_as_orders(self) -> None:
        """A change is a request, and a runaway loop may change instead of send."""
        book = after(*sent(2), event(Deed.REPLACED))

        assert not passes("C16", order(), book, **PER_SECOND)
        assert not passes("C16", order(), replace(book, already_filled=D(1)), **PER_SECOND)

    def test_orders_of_the_same_moment_see_each_other(self) -> None:
        """A hundred orders in one batch are a hundred orders."""
        book = judged(after(*sent(1)), order(), order())

        assert not passes("C16", order(), book, **PER_SECOND)
        assert passes("C16", order(), judged(after(), order(), order()), **PER_SECOND)

    def test_an_order_that_reduces_passes_and_counts(self) -> None:
        """Risk can be taken off, however loud it was before."""
        book = after(*sent(3, side=Side.SELL, opening=False), book=view("50"))

        assert passes("C16", order(Side.SELL), book, **PER_SECOND)
        assert not passes("C16", order(), book, **PER_SECOND)

    def test_who_goes_on_after_refusals_is_halted(self) -> None:
        """A program that is deaf to refusals has run away, and nobody is watching it."""
        table = PER_SECOND | {"halt_refusals_per_minute": 5}
        refusals = sent(5, 30, Deed.REFUSED, codes=("C16",))
        verdict = say("C16", order(), after(*sent(3), *refusals), **table)

        assert isinstance(verdict, Halt)
        assert (verdict.scope, verdict.measured, verdict.limit) == (Scope.SYMBOL, 5, 5)
        assert isinstance(say("C16", order(), after(*sent(3), *refusals[1:]), **table), Reject)
        others = sent(5, 30, Deed.REFUSED, codes=("C01",))
        assert isinstance(say("C16", order(), after(*sent(3), *others), **table), Reject)

    def test_what_was_before_a_person_looked_does_not_halt_again(self) -> None:
        """A resume that the next order takes back is no resume."""
        table = PER_SECOND | {"halt_refusals_per_minute": 5}
        book = after(*sent(3), *sent(5, 30, Deed.REFUSED, codes=("C16",)))

        assert isinstance(say("C16", order(), replace(book, attended=at(20)), **table), Reject)

    def test_a_strategy_is_halted_as_a_strategy(self) -> None:
        """The halt reaches as far as the limit that was passed."""
        table = {"strategy_per_second": 3, "halt_refusals_per_minute": 1}
        refusal = event(Deed.REFUSED, codes=("C16",), strategy="alpha")
        book = after(*sent(3, strategy="alpha"), refusal)
        verdict = say("C16", order(strategy="alpha"), book, **table)

        assert isinstance(verdict, Halt)
        assert verdict.scope is Scope.STRATEGY

    def test_the_defaults_are_generous(self) -> None:
        """A rebalance of fifty symbols in one moment is no runaway."""
        assert passes("C16", order(), after(*sent(49)))
        assert not passes("C16", order(), after(*sent(50)))


class TestC17MessageRate:
    """Exchanges and brokers punish messages, and a loop of cancels starves everything else."""

    @pytest.mark.parametrize(("before", "good"), [(3, 1), (4, 0)])
    def test_cancels_and_replaces_in_a_second(self, before: int, good: int) -> None:
        """At the limit is within, above is not."""
        book = after(*sent(before - 1, kind=Deed.CANCEL_SENT), event(Deed.REPLACED))

        assert passes("C17", order(), book, changes_per_second=3) == bool(good)

    def test_a_replace_counts_itself(self) -> None:
        """The change that is asked about is one of them."""
        book = replace(after(*sent(3, kind=Deed.CANCEL_SENT)), standing=D(10))

        assert not passes("C17", order(), book, changes_per_minute=3)
        assert passes("C17", order(), book, changes_per_minute=4)

    @pytest.mark.parametrize(("fills", "good"), [(2, 1), (1, 0), (0, 0)])
    def test_messages_for_each_fill(self, fills: int, good: int) -> None:
        """Orders that never trade are noise; without any fill the messages count in full."""
        filled = sent(fills, 100, Deed.FILLED)
        book = after(*sent(15, 100), *sent(4, 100, Deed.CANCEL_SENT), *filled)
        table = {"max_messages_per_fill": "10", "least_messages": 10}

        assert passes("C17", order(), book, **table) == bool(good)

    def test_a_few_messages_say_nothing(self) -> None:
        """The first order of the day has no fill yet."""
        assert passes("C17", order(), after(*sent(5)), max_messages_per_fill="1")

    def test_the_softer_bound_only_warns(self) -> None:
        """A warning stops nobody."""
        table = {"warn_messages_per_fill": "5", "least_messages": 5}

        assert isinstance(say("C17", order(), after(*sent(9, 100)), **table), Warn)

    def test_an_order_that_reduces_passes(self) -> None:
        """Risk can be taken off."""
        book = after(*sent(9, kind=Deed.CANCEL_SENT), book=view("50"))

        assert say("C17", order(Side.SELL), book, changes_per_second=3) is ALLOW
        assert say("C17", order(Side.SELL), book, max_messages_per_fill="1") is ALLOW
