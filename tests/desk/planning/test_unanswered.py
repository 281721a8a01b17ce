"""Questions that get no answer: a plan asks again, for a while, and then says what it lacks."""

import pytest

from desk.planning.cases import by_symbol, rebalance, run, world
from desk.planning.scripted import ScriptedDesk
from desk.planning.world import World
from fillwright.accounts import Account, Instrument
from fillwright.errors import BrokerUnavailable
from fillwright.plans import ItemStatus


class Deaf(ScriptedDesk):
    """A desk whose broker leaves the first questions of each kind unanswered."""

    def __init__(self, venue: World, unanswered: int) -> None:
        super().__init__(venue)
        self._unanswered = {"account": unanswered, "instrument": unanswered}

    def _miss(self, question: str) -> None:
        self._unanswered[question] -= 1
        if self._unanswered[question] >= 0:
            raise BrokerUnavailable(question, "no answer")

    async def fresh_account(self) -> Account:
        self._miss("account")
        return await super().fresh_account()

    async def instrument(self, symbol: str) -> Instrument:
        self._miss("instrument")
        return await super().instrument(symbol)


@pytest.mark.parametrize("unanswered", [1, 2])
async def test_a_plan_goes_on_when_a_question_is_answered_late(unanswered: int) -> None:
    """One lost packet in the morning, and a whole day's rebalance does not happen."""
    venue = world()

    result = await run(venue, rebalance(("A", "500")), desk=Deaf(venue, unanswered))

    assert by_symbol(result)["A"].status is ItemStatus.FILLED


async def test_a_broker_that_stays_silent_ends_it_before_anything_leaves() -> None:
    """A plan that asks for ever is one that nobody knows to be stuck."""
    venue = world()

    with pytest.raises(BrokerUnavailable, match="no answer"):
        await run(venue, rebalance(("A", "500")), desk=Deaf(venue, 3))

    assert venue.sent == []
