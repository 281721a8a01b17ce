"""Limits that are changed while the desk runs: journaled, judged by the control, and revocable."""

import json
from decimal import Decimal

import pytest
from pydantic import Field

from desk.kit import World
from fillwright.desk.inbox import leave
from fillwright.desk.limiting import LimitBook, as_json, path_of
from fillwright.desk.operator import Beside
from fillwright.errors import ConfigError, GrantRefused
from fillwright.ledger import LimitChanged, LimitRevoked, decode
from fillwright.limits import Scoped
from fillwright.types import OrdStatus, Quantity, Value
from fillwright.verdicts import ALLOW, Reject

D = Decimal


class Table(Value):
    limit_shares: Quantity | None = None
    within_seconds: int = Field(10, ge=1, le=60, strict=True)


class Check:
    """A control with a table."""

    name = "risk.max"
    code = "C01"

    def __init__(self, table):
        self.limits = Scoped(Table, table, "risk.max")

    def call(self, order, book):
        limit = self.limits.of(order, book).limit_shares
        if limit is not None and order.quantity <= limit:
            return ALLOW
        return Reject("C01", measured=order.quantity, limit=limit)


@pytest.fixture
async def world(tmp_path):
    one = World()
    written(one, {"limit_shares": "1"}, tmp_path)
    yield one
    await one.end()


def written(world, table, folder):
    """What desk.toml says from the next start on."""
    check = Check(table)
    world.checks = (check,)
    world.beside = Beside(folder / "db", inbox=folder / "in", scoped={"risk.max": check.limits})


def change(world, value, path="risk.max.limit_shares", number=1, by="jane", was=None):
    book = LimitBook(world.beside.scoped)
    new, old, said = book.judged(path, value)
    fact = LimitChanged(
        world.clock.now(), f"l-{number}", path, new, old, was or said, by, "a big day"
    )
    return leave(world.beside.inbox, fact, fact.id)


def revoke(world, path="risk.max.limit_shares"):
    fact = LimitRevoked(world.clock.now(), path, "joe", "over")
    leave(world.beside.inbox, fact, "revoked")


async def filled(world, quantity, **fields):
    handle = await world.submit(quantity=quantity, **fields)
    await world.run(1)
    assert handle.state.status in {OrdStatus.FILLED, OrdStatus.REFUSED}
    return handle.state.status is OrdStatus.FILLED


def records(world, kind):
    return [fact for r in world.journal.read() if isinstance(fact := decode(r), kind)]


async def test_a_change_counts_without_a_restart_and_says_who(world):
    """A limit that can only be changed by a restart is changed with orders open."""
    await world.ready()
    assert not await filled(world, "2")
    path = change(world, "3")
    await world.run(2)

    assert await filled(world, "3")
    assert not await filled(world, "4")
    assert not path.exists()
    (fact,) = records(world, LimitChanged)
    assert (fact.by, fact.old, fact.value, fact.written) == ("jane", '"1"', '"3"', '"1"')


async def test_it_is_taken_back(world):
    """The big day is over, and its limit stays."""
    await world.ready()
    change(world, "3")
    await world.run(2)
    revoke(world)
    await world.run(2)

    assert not await filled(world, "2")
    assert [fact.by for fact in records(world, LimitRevoked)] == ["joe"]


async def test_it_lives_over_a_restart(world, tmp_path):
    """A tighter limit that a crash loosens protects until the first crash."""
    written(world, {"limit_shares": "5"}, tmp_path)
    await world.ready()
    change(world, "1")
    await world.run(2)
    await world.crash()
    written(world, {"limit_shares": "5"}, tmp_path)
    await world.ready()

    assert not await filled(world, "2")
    assert await filled(world, "1")


async def test_it_ends_when_desk_toml_says_something_else(world, tmp_path):
    """Whoever edits the file believes that it counts."""
    await world.ready()
    change(world, "3")
    await world.run(2)
    await world.crash()
    written(world, {"limit_shares": "2"}, tmp_path)
    await world.ready()

    assert not await filled(world, "3")
    assert await filled(world, "2")
    (fact,) = records(world, LimitRevoked)
    assert (fact.by, fact.reason) == ("the desk", "desk.toml says something else there now")


async def test_a_change_that_waited_for_another_desk_toml_is_refused(world, tmp_path, caplog):
    """It was decided on a number that is not there any more."""
    change(world, "3")
    written(world, {"limit_shares": "2"}, tmp_path)
    await world.ready()

    assert not await filled(world, "3")
    assert "inbox_refused" in caplog.text


async def test_a_scope_is_changed_alone(world):
    """More of one symbol is not more of all."""
    await world.ready()
    change(world, "3", "risk.max.symbol.KO.limit_shares")
    await world.run(2)

    assert await filled(world, "3", symbol="KO")
    assert not await filled(world, "2")


async def test_two_changes_of_one_control_both_count(world):
    """The second change undoes the first."""
    await world.ready()
    change(world, "3")
    change(world, "4", "risk.max.symbol.KO.limit_shares", 2)
    await world.run(2)

    assert await filled(world, "3")
    assert await filled(world, "4", symbol="KO")


async def test_what_was_approved_under_the_old_limit_goes_back_to_the_gate(world):
    """A limit is tightened, and what waits for its turn still leaves."""
    await world.ready()
    change(world, "5")
    await world.run(2)
    durable = world.parts.keeper.journal.durable

    async def tightened(seq):
        await durable(seq)
        if not world.requests and not list(world.beside.inbox.glob("*-l-2.json")):
            change(world, "1", number=2)
            world.parts.operator.look()

    world.parts.keeper.journal.durable = tightened
    assert not await filled(world, "4")
    assert world.requests.total() == 0


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("risk.max.limit_shares", "-1", "limit_shares"),
        ("risk.max.limit_shares", "NaN", "limit_shares"),
        ("risk.max.limit_shares", "many", "limit_shares"),
        ("risk.max.limit", "1", "no such setting"),
        ("risk.max.within_seconds", "61", "within_seconds"),
        ("risk.max.symbol.ko.limit_shares", "1", "is no symbol"),
        ("risk.other.limit_shares", "1", "no check that is on"),
        ("limit_shares", "1", "no full name"),
        ("", "1", "no full name"),
        ("risk.max.limit_shares = 1\nx", "1", "no full name"),
    ],
)
def test_what_the_control_refuses_changes_nothing(path, value, said) -> None:
    """A limit of nothing in particular, and everything passes."""
    check = Check({"limit_shares": "1"})
    book = LimitBook({"risk.max": check.limits})

    with pytest.raises(ConfigError, match=said):
        book.judged(path, value)

    assert check.limits.general.limit_shares == 1


def test_judging_a_change_does_not_make_it() -> None:
    """Asked about and not confirmed, it counts all the same."""
    check = Check({"limit_shares": "1"})
    book = LimitBook({"risk.max": check.limits})

    assert book.judged("risk.max.within_seconds", "20") == ("20", "", "")
    assert book.judged("risk.max.limit_shares", "9") == ('"9"', '"1"', '"1"')
    assert (check.limits.general.limit_shares, check.limits.general.within_seconds) == (1, 10)


def test_a_change_of_another_file_is_refused() -> None:
    """The journal was moved beside another desk.toml."""
    book = LimitBook({"risk.max": Check({"limit_shares": "2"}).limits})
    at = World().clock.now()

    with pytest.raises(GrantRefused, match="says something else"):
        book.put(LimitChanged(at, "l-1", "risk.max.limit_shares", '"9"', "", '"1"', "j", "r"))


def test_names_and_values_as_people_write_them() -> None:
    """A symbol with a dot is another table."""
    assert path_of('risk.max.symbol."BRK.B".limit_shares')[3] == "BRK.B"
    assert json.loads(as_json({"a": ["1"]})) == {"a": ["1"]}
    assert as_json(None) == ""
