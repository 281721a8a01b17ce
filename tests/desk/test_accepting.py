"""A person takes the broker's word where no execution explains a difference."""

import pytest

from desk.kit import Check, D, World, but, open_order, resting
from fillwright.errors import BadInput, DeskClosed
from fillwright.findings import CashDiffers, PositionDiffers
from fillwright.ledger import AlertCleared, CashAdjusted, PositionAdjusted, decode
from fillwright.verdicts import ALLOW, Halt, Scope, Warn

LOOKED = {"reason": "two-for-one split, see the notice", "by": "ada"}


def judges(finding: object, _book: object) -> object:
    """Halt on a position that differs, and warn of cash."""
    if isinstance(finding, PositionDiffers):
        return Halt("T02", scope=Scope.SYMBOL, measured=finding.difference, limit=0)
    if isinstance(finding, CashDiffers):
        return Warn("T03", measured=finding.difference, limit=0)
    return ALLOW


@pytest.fixture
async def apart(world: World) -> World:
    """The broker holds 40 AAPL where the ledger has 20, and paid a dividend of 7."""
    world.books_checks = (Check("breaks", judges, "T02"),)
    await world.ready()
    world.venue._books._add("AAPL", D(20), D(50))
    world.venue._books.cash += D(7)
    await world.run(25)
    assert [(h.scope, h.name) for h in world.desk.halts] == [(Scope.SYMBOL, "AAPL")]
    return world


def written(world: World, kind: type) -> list:
    return [f for f in map(decode, world.journal.read()) if isinstance(f, kind)]


async def test_what_a_person_accepts_is_the_truth_and_stays_it(apart):
    """Books that can never be put right are closed by starting a new journal, which forgets."""
    found = await apart.wait(apart.desk.accept("AAPL", **LOOKED))

    assert (found.ours, found.theirs) == (20, 40)
    assert apart.desk.positions["AAPL"] == 40
    assert apart.parts.keeper.exposures.snapshot()["AAPL"].position == 40
    (fact,) = written(apart, PositionAdjusted)
    assert (fact.by, fact.reason, fact.was) == ("ada", LOOKED["reason"], 20)
    await apart.crash()
    await apart.ready()
    assert apart.desk.positions["AAPL"] == 40
    assert apart.parts.keeper.exposures.snapshot()["AAPL"].position == 40
    assert apart.replayed().positions["AAPL"] == 40


async def test_the_alert_is_over_and_the_halt_stands(apart):
    """Whoever explains a difference has not yet said that trading may go on."""
    await apart.wait(apart.desk.accept("AAPL", **LOOKED))
    await apart.wait(apart.desk.accept("cash", **LOOKED))
    await apart.run(15)

    assert len(written(apart, AlertCleared)) == 2
    assert [(h.scope, h.name) for h in apart.desk.halts] == [(Scope.SYMBOL, "AAPL")]
    await apart.desk.resume(Scope.SYMBOL, "AAPL", by="ada")
    await apart.run(40)
    assert not apart.desk.halts


async def test_cash_is_accepted_by_its_own_name(apart):
    """A dividend that is never accepted hides the next difference behind it."""
    before = apart.replayed().cash
    found = await apart.wait(apart.desk.accept("cash", **LOOKED))

    assert (found.ours, found.theirs) == (before, before + 7)
    (fact,) = written(apart, CashAdjusted)
    assert (fact.cash, fact.was, fact.by) == (before + 7, before, "ada")
    await apart.crash()
    await apart.ready()
    assert apart.parts.keeper.ledger.cash == before + 7


async def test_later_fills_count_from_what_was_accepted(apart):
    """An accepted position is where the next execution begins."""
    await apart.wait(apart.desk.accept("AAPL", **LOOKED))
    await apart.submit(side="SELL", quantity="3")
    await apart.run(5)

    assert apart.desk.positions["AAPL"] == 37
    assert apart.replayed().positions["AAPL"] == 37
    assert apart.venue._books.quantity("AAPL") == 37


@pytest.mark.parametrize("subject", ["MSFT", "TSLA"])
async def test_where_nothing_differs_there_is_nothing_to_accept(apart, subject):
    """A slip in the symbol must not be recorded as somebody's word."""
    with pytest.raises(BadInput, match="ledger and broker agree"):
        await apart.wait(apart.desk.accept(subject, **LOOKED))
    assert not written(apart, PositionAdjusted)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"subject": "aapl"}, "is no symbol"),
        ({"by": " "}, "by: is empty"),
        ({"reason": ""}, "reason: is empty"),
    ],
)
async def test_who_and_why_and_what_must_be_said(apart, fields, sentence):
    """An adjustment without a name is one that nobody made."""
    given = {"subject": "AAPL"} | LOOKED | fields
    with pytest.raises(BadInput, match=sentence):
        await apart.wait(apart.desk.accept(given.pop("subject"), **given))
    assert not written(apart, PositionAdjusted)


async def test_an_open_order_may_still_explain_it(apart):
    """A fill that is on its way would be counted twice: accepted, and then booked."""
    await open_order(apart, side="SELL", quantity="2")

    with pytest.raises(BadInput, match="could explain the difference"):
        await apart.wait(apart.desk.accept("AAPL", **LOOKED))
    assert await apart.wait(apart.desk.accept("cash", **LOOKED))


async def test_a_doubt_may_still_explain_cash(apart):
    """What is in doubt may have been paid for."""
    apart.fault("submit", "drop_request")
    await apart.submit(**resting(symbol="MSFT", limit_price="45"))
    await apart.run(1)

    with pytest.raises(BadInput, match="could explain the difference"):
        await apart.wait(apart.desk.accept("cash", **LOOKED))


async def test_what_is_explained_meanwhile_is_not_accepted(world):
    """The execution that was missing came: nobody's word is needed, and none is recorded."""
    world.books_checks = (Check("breaks", judges, "T02"),)
    await world.ready()
    world.fault("report", "drop", times=5)
    handle = await open_order(world, quantity="2")
    world.venue.control.fill(handle.state.broker_order_id, D(2), D(90))

    with pytest.raises(BadInput, match=r"agree|booked while"):
        await world.wait(world.desk.accept("AAPL", **LOOKED))
    assert world.desk.positions["AAPL"] == 22
    assert not written(world, PositionAdjusted)
    await world.settled()


async def test_a_desk_that_is_closed_accepts_nothing(apart):
    """Behind the last record nothing is kept."""
    await apart.aclose()

    with pytest.raises(DeskClosed):
        await apart.desk.accept("AAPL", **LOOKED)


async def test_a_figure_that_moves_is_not_accepted(apart):
    """A dividend that comes in while somebody looks is taken for a part of the difference."""
    ask, told = apart.parts.adapter.executor.account, []

    async def account():
        told.append(await ask())
        return but(told[-1], cash=told[-1].cash + len(told))

    apart.parts.adapter.executor.account = account

    with pytest.raises(BadInput, match="the difference moved while it was looked at"):
        await apart.wait(apart.desk.accept("cash", **LOOKED))
    assert written(apart, CashAdjusted) == []


async def test_what_is_no_number_is_not_accepted(apart):
    """A ledger that holds no number can be compared with nothing, for good."""
    ask = apart.parts.adapter.executor.account

    async def account():
        return but(await ask(), cash=D("NaN"))

    apart.parts.adapter.executor.account = account

    with pytest.raises(BadInput, match="the broker's figure is NaN"):
        await apart.wait(apart.desk.accept("cash", **LOOKED))
    assert written(apart, CashAdjusted) == []


async def test_an_open_order_of_another_symbol_explains_nothing(apart):
    """On a desk that always has orders open, no difference could ever be accepted."""
    await apart.submit(**resting(symbol="KO", limit_price="18"))
    await apart.run(1)

    found = await apart.wait(apart.desk.accept("AAPL", **LOOKED))

    assert found.theirs == 40
