"""Post-execution plugins that answer nonsense or nothing: told with their name, and passed by."""

import pytest

from desk.asides import HangsNow
from desk.kit import Check, D
from fillwright.findings import CashDiffers
from fillwright.ledger import AlertCleared, Alerted, decode
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Reject, Resize, Warn


def raised(world, kind=Alerted):
    return [fact for fact in map(decode, world.journal.read()) if isinstance(fact, kind)]


class Shouting:
    """A number of a stranger's, which cannot be shown."""

    def __str__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("answer", "code", "measured"),
    [
        (Reject("R", measured=Shouting(), limit=1), "CHECK_RAISED", "RuntimeError: no text"),
        (Resize("Z", quantity=D(1), measured=2, limit=1), "Z", "Resize"),
    ],
)
async def test_an_answer_that_means_nothing_behind_a_fill_is_told(world, answer, code, measured):
    """Whoever answers wrong looks like one who is content."""
    world.execution_checks = (Check("odd", lambda *_: answer),)
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    (fact,) = raised(world)
    assert (fact.alert.check, fact.alert.code, fact.alert.measured) == ("odd", code, measured)
    assert handle.state.status is OrdStatus.FILLED
    await world.settled()


async def test_an_app_that_hangs_on_an_alert_is_named_and_the_next_is_told(world, caplog):
    """Whoever sends the messages stands still, and everybody believes that nothing happened."""
    told = []
    world.aside = HangsNow("app")
    world.execution_checks = (Check("objects", lambda *_: Warn("W", measured=1, limit=0)),)
    world.alert_observers = (Check("app", told.append), Check("other", told.append))
    await world.ready()
    await world.submit()
    await world.run(1)
    await world.submit(quantity="2")
    await world.run(1)

    failed = [r.message for r in caplog.records if "observer_failed" in r.message]
    assert len(failed) == 1
    assert "no answer within 1 s; it is not told again before a restart" in failed[0]
    assert len(told) == len(raised(world)) == 2


async def test_a_check_of_the_books_that_hangs_is_not_asked_again_and_clears_nothing(world):
    """Its silence is taken for agreement, and the difference that it found for over."""
    asked = []

    def judges(finding, _book):
        asked.append(finding)
        if isinstance(finding, CashDiffers):
            return Reject("T03", measured=finding.difference, limit=0)
        return ALLOW

    world.aside = HangsNow()
    world.books_checks = (Check("breaks", judges, "T03"),)
    await world.ready()
    world.venue._books.cash += D(7)
    await world.run(45)
    (found,) = [fact for fact in raised(world) if fact.alert.code == "T03"]
    world.aside.names = {"breaks"}
    await world.run(25)
    before = len(asked)
    world.venue._books.cash -= D(7)
    await world.run(45)

    assert len(asked) == before
    assert raised(world, AlertCleared) == []
    assert found.alert.alert_id in world.parts.keeper.ledger.watched.standing
