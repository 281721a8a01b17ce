"""What comparisons find in a running desk: judged, told once, cleared, and never forgotten."""

from desk.kit import Check, D, open_order, order, resting
from fillwright.findings import CashDiffers, FindingKind, ForeignOrder, PositionDiffers
from fillwright.ledger import AlertCleared, Alerted, decode
from fillwright.verdicts import ALLOW, Halt, Scope, Warn


def durable(world, kind):
    found = (decode(record) for record in world.journal.read())
    return [fact for fact in found if isinstance(fact, kind)]


async def test_a_position_break_is_judged_by_its_control_and_cleared(world):
    """A tolerance that the house does not heed is none."""
    seen = []

    def judges(finding, _book):
        if isinstance(finding, PositionDiffers):
            seen.append(finding.difference)
            return Warn("T02", measured=finding.difference, limit=5)
        return ALLOW

    world.books_checks = (Check("breaks", judges, "T02"),)
    await world.ready()
    world.venue._books._add("AAPL", D(-5), D(100))
    await world.run(45)

    assert seen[0] == D(-5)
    assert not world.desk.halts
    alerts = durable(world, Alerted)
    assert [(f.alert.code, f.alert.stands, f.alert.symbol) for f in alerts] == [
        ("T02", FindingKind.POSITION, "AAPL")
    ]
    world.venue._books._add("AAPL", D(5), D(100))
    await world.run(25)
    assert [fact.alert_id for fact in durable(world, AlertCleared)] == [alerts[0].alert.alert_id]


async def test_a_standing_alert_is_not_told_again_after_a_restart(world):
    """A break that a person has looked at must not halt again with every start."""

    def judges(finding, _book):
        if isinstance(finding, PositionDiffers):
            return Halt("T02", scope=Scope.SYMBOL, measured=finding.difference, limit=0)
        return ALLOW

    world.books_checks = (Check("breaks", judges, "T02"),)
    await world.ready()
    world.venue._books._add("AAPL", D(-5), D(100))
    await world.run(25)
    assert [(h.scope, h.name) for h in world.desk.halts] == [(Scope.SYMBOL, "AAPL")]
    await world.crash()
    await world.ready()
    assert [(h.scope, h.name) for h in world.desk.halts] == [(Scope.SYMBOL, "AAPL")]
    await world.desk.resume(Scope.SYMBOL, "AAPL", by="tester")
    await world.run(40)

    assert not world.desk.halts
    world.venue._books._add("AAPL", D(-1), D(100))
    await world.run(25)
    assert [(h.scope, h.name) for h in world.desk.halts] == [(Scope.SYMBOL, "AAPL")]


async def test_without_a_control_the_house_halts_on_a_position_break(world):
    """A desk without the standard controls must not trade on with books that differ."""
    world.books_checks = (Check("other", lambda *_: ALLOW, "X1"),)
    await world.ready()
    world.venue._books._add("AAPL", D(-5), D(100))
    await world.run(25)

    (halt,) = world.desk.halts
    assert halt.reason.startswith("T02 POSITION_BREAK")


async def test_cash_foreign_orders_and_working_orders_are_found(world):
    """What the comparison sees and tells nobody is found by the auditor, months later."""
    seen = []
    world.books_checks = (Check("all", lambda finding, _book: seen.append(finding) or ALLOW),)
    await world.ready()
    await open_order(world)
    world.venue._books.cash += D(7)
    world.venue.submit(order(**resting(symbol="KO", limit_price="10")), "by-hand")
    await world.run(30)

    cash = [one for one in seen if isinstance(one, CashDiffers)]
    assert cash
    assert cash[-1].difference == D(7)
    assert {one.symbol for one in seen if isinstance(one, ForeignOrder)} == {"KO"}
    assert {one.symbol for one in seen if one.kind is FindingKind.WORKING_ORDER} == {"AAPL"}


async def test_what_a_failing_check_cannot_see_is_not_over(world):
    """A break that is cleared because its control broke down is one that nobody sees again."""
    mood = []

    def judges(finding, _book):
        if mood:
            raise RuntimeError("a mistake")
        if isinstance(finding, PositionDiffers):
            return Halt("T02", scope=Scope.SYMBOL, measured=finding.difference, limit=0)
        return ALLOW

    world.books_checks = (Check("breaks", judges, "T02"),)
    await world.ready()
    world.venue._books._add("AAPL", D(-5), D(100))
    await world.run(25)
    mood.append("broken")
    await world.run(25)
    mood.clear()
    await world.run(25)

    raised = [fact.alert.code for fact in durable(world, Alerted)]
    cleared = [fact.alert_id for fact in durable(world, AlertCleared)]
    assert raised == ["T02", "CHECK_RAISED"]
    assert [one for one in cleared if ":T02:" in one] == []
    assert any("CHECK_RAISED" in one for one in cleared)
