"""C32 and C33: halt when a day has gone wrong, and never trade to make it right."""

from dataclasses import replace
from typing import Any

import pytest

from fillwright.history import Deed
from fillwright.inputs import ProfitAndLoss
from fillwright.risk import Outcome
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Halt, Scope
from fillwright_risk.build import build_checks
from risk.controlkit import passes, say
from risk.gatekit import D, Desk, gate, order, proposal, view
from risk.pastkit import after, at, event, sent, supplied


def day(equity: str, base: str = "100000", peak: str = "100000", **fields: Any):
    return supplied(view(**fields), pnl=ProfitAndLoss(D(equity), D(base), D(peak)))


class TestC32DailyLoss:
    """A strategy that loses all day loses more in the evening."""

    @pytest.mark.parametrize(("equity", "good"), [("101000", 1), ("95000.01", 1), ("95000", 0)])
    def test_a_loss_at_the_limit_halts(self, equity: str, good: int) -> None:
        """At the limit is too much."""
        assert passes("C32", order(), day(equity), max_loss_usd="5000") == bool(good)

    @pytest.mark.parametrize(("equity", "good"), [("103000.01", 1), ("103000", 0)])
    def test_a_fall_from_the_peak_halts(self, equity: str, good: int) -> None:
        """Gains that were given back are losses."""
        given = day(equity, peak="105000")

        assert passes("C32", order(), given, max_drawdown_usd="2000") == bool(good)

    def test_it_halts_the_desk(self) -> None:
        """Losses of one strategy are the account's."""
        verdict = say("C32", order(), day("90000"), max_loss_usd="5000")

        assert isinstance(verdict, Halt)
        assert (verdict.scope, verdict.measured, verdict.limit) == (Scope.DESK, 10_000, 5000)

    def test_a_replace_is_asked_alike(self) -> None:
        """A larger order is new risk."""
        given = day("90000", standing=D(10), already_filled=D(5))

        assert isinstance(say("C32", order(), given, max_loss_usd="5000"), Halt)

    def test_what_reduces_passes_and_halts_nobody(self) -> None:
        """Reduce-only stays: a loss is cut by closing."""
        assert say("C32", order(Side.SELL), day("1", position="50"), max_loss_usd="5") is ALLOW

    @pytest.mark.parametrize("equity", ["NaN", "Infinity"])
    async def test_no_number_stops_new_risk_and_closes_nothing(self, equity: str) -> None:
        """NaN compares false with everything: once that meant no loss at all."""
        (check,) = (
            one
            for one in build_checks({"daily_loss": {"max_loss_usd": "5000"}})
            if one.name == "daily_loss"
        )
        named = _Asked(check)
        desk = Desk(day(equity, position="50"))
        asked = gate(named, desk=desk)  # type: ignore[arg-type]  # it is what the gate takes
        opening = await asked.ask(proposal(order()))
        closing = await asked.ask(proposal(order(Side.SELL), name="c-2"))

        assert opening.decision.outcome is Outcome.REJECT
        assert opening.decision.reasons[0].code == "C32"
        assert closing.decision.outcome is Outcome.ALLOW
        assert desk.latched == []


class _Asked:
    """A control as the registry hands it to the gate."""

    def __init__(self, check: Any) -> None:
        self.name, self.code, self.needs = check.name, check.code, check.needs
        self.call = check.check_order


class TestC33ErrorRate:
    """A broker that says no ten times says something that more orders will not mend."""

    @pytest.mark.parametrize(("count", "good"), [(3, 1), (4, 0)])
    @pytest.mark.parametrize(
        ("kind", "table"), [(Deed.REJECTED, "max_rejects"), (Deed.IN_DOUBT, "max_doubts")]
    )
    def test_so_many_in_the_window(self, kind: Deed, table: str, count: int, good: int) -> None:
        """At the limit is borne."""
        given = after(*sent(count, 10, kind), *sent(9, 5))
        limits = {"max_rejects_in_a_row": 99} | {table: 3}

        assert passes("C33", order(), given, **limits) == bool(good)

    def test_it_halts_the_account(self) -> None:
        """The broker's trouble is not one symbol's."""
        verdict = say("C33", order(), after(*sent(4, kind=Deed.IN_DOUBT)), max_doubts=3)

        assert isinstance(verdict, Halt)
        assert (verdict.scope, verdict.measured, verdict.limit) == (Scope.ACCOUNT, 4, 3)

    def test_rejects_in_a_row(self) -> None:
        """Each of the last orders was rejected; one that was not breaks the row."""
        row = [*sent(4, 20), *sent(4, 10, Deed.REJECTED)]
        good = event(ago=15, client_order_id="fine")
        table = {"max_rejects_in_a_row": 3}

        assert isinstance(say("C33", order(), after(*row), **table), Halt)
        assert passes("C33", order(), after(*row, good), **table)
        assert passes("C33", order(), after(*row), max_rejects_in_a_row=4)

    @pytest.mark.parametrize(("ago", "good"), [(60, 0), (60.1, 1)])
    def test_the_window_ends(self, ago: float, good: int) -> None:
        """An hour ago is another day."""
        given = after(*sent(4, ago, Deed.IN_DOUBT))

        assert passes("C33", order(), given, max_doubts=3) == bool(good)

    def test_what_was_before_a_person_looked_counts_no_more(self) -> None:
        """A resume that the next order takes back is no resume."""
        given = replace(after(*sent(9, 10, Deed.IN_DOUBT)), attended=at(5))

        assert passes("C33", order(), given)

    def test_what_reduces_passes(self) -> None:
        """Risk can be taken off while the broker is in trouble."""
        given = after(*sent(9, kind=Deed.IN_DOUBT), book=view("50"))

        assert passes("C33", order(Side.SELL), given)
        assert not passes("C33", order(), replace(given, standing=D(5)))
