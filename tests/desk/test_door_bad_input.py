"""What the desk's doors refuse before anything is recorded."""

from decimal import Decimal

import pytest

from desk.kit import World
from fillwright.errors import BadInput
from fillwright.orders import Order
from fillwright.verdicts import Scope

GOOD = Order(symbol="KO", side="BUY", quantity="1", intent_id="a")


@pytest.fixture
async def world():
    one = World()
    yield one
    await one.end()


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": Decimal(-5)},
        {"quantity": Decimal("NaN")},
        {"quantity": 2.5},
        {"symbol": "ko"},
        {"limit_price": "abc"},
        {"tags": 5},
    ],
)
async def test_an_unvalidated_copy_is_refused(world, wrong):
    """A copy that pydantic never looked at must not reach the wire, nor spoil the journal."""
    await world.ready()
    before = world.journal.seq

    with pytest.raises(BadInput):
        await world.desk.submit(GOOD.model_copy(update=wrong))

    assert world.journal.seq == before
    assert list(world.venue.orders()) == []


@pytest.mark.parametrize("wrong", [None, 5, "order", {"symbol": "KO"}])
async def test_what_is_no_order_is_refused(world, wrong):
    """A sentence, not an AttributeError."""
    await world.ready()

    with pytest.raises(BadInput):
        await world.desk.submit(wrong)


async def test_a_plain_side_becomes_a_side(world):
    """Text where an enum stands is read, and not found out after the fill."""
    await world.ready()
    handle = await world.desk.submit(GOOD.model_copy(update={"side": "SELL"}))
    await world.run(5)

    assert handle.state.filled == 1


@pytest.mark.parametrize(
    ("scope", "name", "reason", "by"),
    [
        ("KO", "", "oops", "ada"),
        (Scope.SYMBOL, "", "oops", "ada"),
        (Scope.SYMBOL, "ko", "oops", "ada"),
        (Scope.DESK, "", " ", "ada"),
        (Scope.DESK, "", "oops", ""),
    ],
)
async def test_a_halt_that_holds_nobody_is_refused(world, scope, name, reason, by):
    """A halt that was recorded and holds nothing lets somebody sleep who should not."""
    await world.ready()
    before = world.journal.seq

    with pytest.raises(BadInput):
        await world.desk.halt(scope, name, reason=reason, by=by)

    assert world.journal.seq == before


async def test_lifting_no_halt_is_refused(world):
    """Whoever lifts the wrong halt must hear that the right one still stands."""
    await world.ready()

    with pytest.raises(BadInput):
        await world.desk.resume(Scope.SYMBOL, "KO", by="ada")


@pytest.mark.parametrize("text", ["1_000", "٢٠١", " 5", "5 ", "0x10", "1e99999", "", "--1"])
async def test_odd_notation_is_no_quantity(text):
    """Digits that the reader of a plan does not see as digits must not become shares."""
    with pytest.raises(ValueError, match="not a decimal number"):
        Order(symbol="KO", side="BUY", quantity=text)
