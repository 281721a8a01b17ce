"""Lines without a usable quote say why: the feed, the market, or this machine's clock."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import MethodType
from typing import Any

import pytest

from desk.planning.cases import by_symbol, rebalance, run, world
from desk.planning.scripted import ScriptedDesk
from desk.planning.world import World
from fillwright.accounts import Quote
from fillwright.desk.planning import PlanEngine
from fillwright.plans import TargetQuantities, Why

TARGETS = TargetQuantities.model_validate({"plan_id": "p", "target_quantities": {"A": "53"}})


def with_quotes(**changes: Any) -> World:
    """A venue whose quotes of A are different."""
    venue = world()
    off = changes.pop("off", timedelta(0))
    honest = World.quote

    def quote(self: World, symbol: str) -> Quote:
        said = honest(self, symbol)
        return replace(said, at=said.at + off, **changes) if symbol == "A" else said

    venue.quote = MethodType(quote, venue)  # type: ignore[method-assign]
    return venue


FLAWS = [
    ({"off": timedelta(hours=-1)}, "3600 s old by this machine's clock"),
    ({"off": timedelta(hours=1)}, "s in the future by this machine's clock"),
    ({"bid": Decimal(200)}, "the quote of A is crossed"),
    ({"ask": None}, "A has no usable quote"),
]


@pytest.mark.parametrize(("changes", "said"), FLAWS)
@pytest.mark.parametrize("plan", [rebalance(("A", "500")), TARGETS], ids=["items", "targets"])
async def test_a_line_without_a_quote_says_why(plan: Any, changes: Any, said: str) -> None:
    """A clock that is an hour off looks like a market without prices, and nobody looks at it."""
    venue = with_quotes(**changes)

    result = await run(venue, plan)

    item = by_symbol(result)["A"]
    assert venue.sent == []
    assert item.residuals[0].why is Why.NO_QUOTE
    assert said in item.residuals[0].text


@pytest.mark.parametrize(("changes", "said"), FLAWS)
async def test_a_dry_run_says_the_same(changes: Any, said: str) -> None:
    """A missing price told as missing money sends somebody to his bank."""
    venue = with_quotes(**changes)

    preview = await venue.clock.drive(PlanEngine(ScriptedDesk(venue)).preview(TARGETS))

    (line,) = preview.lines
    assert [part.why for part in line.residuals] == [Why.NO_QUOTE]
    assert said in line.residuals[0].text


async def test_a_feed_that_does_not_answer_is_told_in_its_own_words() -> None:
    """The broker's sentence about a missing subscription would be lost."""
    venue = world(quoteless=frozenset({"A"}))

    result = await run(venue, rebalance(("A", "500")))

    assert "the broker did not answer quote" in by_symbol(result)["A"].residuals[0].text
