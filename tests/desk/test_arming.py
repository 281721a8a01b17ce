"""The arming token: without it a live desk sends nothing, and no clock brings it back."""

import json
from datetime import timedelta

import pytest

from desk.kit import World, open_order
from fillwright.desk.arming import Token, read_token, write_token
from fillwright.desk.killing import KillSwitch
from fillwright.desk.operator import Beside
from fillwright.errors import GuardError, NotArmed
from fillwright.ledger import Armed, Disarmed, decode
from fillwright.orders import OrderChange
from fillwright.types import Mode, OrdStatus

HOUR = timedelta(hours=1)


@pytest.fixture
async def world(tmp_path):
    journal = tmp_path / "desk.db"
    one = World(mode=Mode.LIVE, beside=Beside(journal, KillSwitch(), tmp_path / "desk.db.armed"))
    yield one
    await one.end()


def token(world, **fields):
    now = world.clock.now()
    given = {
        "mode": "live",
        "broker": "fake",
        "account": "FAKE-1",
        "journal": str(world.beside.journal),
        "at": now,
        "until": now + HOUR,
        "by": "jane",
        "nonce": "arm-0123456789abcdef",
    }
    return Token.model_validate(given | fields)


def arm(world, **fields):
    write_token(world.beside.token, token(world, **fields))


def jump(world, seconds):
    """Somebody sets the machine's time of day; how long things take stays as it is."""
    before = world.clock.now
    world.clock.now = lambda: before() + timedelta(seconds=seconds)


def facts(world, kind):
    return [fact for r in world.journal.read() if isinstance(fact := decode(r), kind)]


def requests(world, kind):
    return sum(count for (one, _), count in world.requests.items() if one == kind)


async def test_a_live_desk_does_not_start_without_it(world):
    """Somebody changed one word in a file, and real money is at stake."""
    with pytest.raises(NotArmed, match="there is no arming token"):
        await world.open()


async def test_an_armed_desk_trades_and_records_who_armed_it(world):
    """Afterwards nobody knows who let it trade."""
    arm(world)
    await world.ready()

    assert (await world.submit()).state.status is OrdStatus.FILLED
    (armed,) = facts(world, Armed)
    said = read_token(world.beside.token)
    assert (armed.by, armed.until, armed.nonce) == ("jane", said.until, said.nonce)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"account": "FAKE-2"}, "is of live/fake/FAKE-2"),
        ({"broker": "other"}, "is of live/other"),
        ({"mode": "paper"}, "is of paper/fake"),
        ({"journal": "/elsewhere/desk.db"}, "another journal"),
    ],
)
async def test_a_token_of_another_desk_does_not_arm(world, fields, said):
    """A copied folder takes its permission with it."""
    arm(world, **fields)

    with pytest.raises(NotArmed, match=said):
        await world.open()


async def test_one_that_ran_out_does_not_arm(world):
    """Yesterday's permission is none."""
    now = world.clock.now()
    arm(world, at=now - 2 * HOUR, until=now - HOUR)

    with pytest.raises(NotArmed, match="ran out"):
        await world.open()


@pytest.mark.parametrize(
    ("ahead", "until", "said"), [(HOUR, 2 * HOUR, "future"), (0 * HOUR, 25 * HOUR, "24 hours")]
)
async def test_one_that_no_command_makes_does_not_arm(world, ahead, until, said):
    """Written by hand, it would hold for years."""
    now = world.clock.now()
    arm(world, at=now + ahead, until=now + until)

    with pytest.raises(NotArmed, match=said):
        await world.open()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
async def test_one_that_others_can_read_does_not_arm(world, mode):
    """What others can read they can copy, and what they can write they can prolong."""
    arm(world)
    world.beside.token.chmod(mode)

    with pytest.raises(NotArmed, match="others can"):
        await world.open()


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", "{", "\x00", "[" * 4000])
async def test_one_that_cannot_be_understood_does_not_arm(world, content):
    """Half written or damaged, it says nothing."""
    arm(world)
    world.beside.token.write_text(content)

    with pytest.raises(NotArmed, match="cannot be understood"):
        await world.open()


async def test_a_link_is_no_token(world, tmp_path):
    """A link can be turned to anywhere by whoever owns the folder that it points to."""
    arm(world)
    world.beside.token.rename(tmp_path / "real")
    world.beside.token.symlink_to(tmp_path / "real")

    with pytest.raises(NotArmed):
        await world.open()


async def test_when_it_runs_out_nothing_leaves_but_cancels(world):
    """Orders that nobody may take away are worse than orders that nobody may add."""
    arm(world)
    await world.ready()
    waiting = await open_order(world)
    sent = requests(world, "submit")
    await world.run(3700)

    bought = await world.submit(quantity="2")
    sold = await world.submit(side="SELL", quantity="1")
    await world.run(1)
    with pytest.raises(NotArmed):
        await world.desk.replace(waiting.client_order_id, OrderChange(quantity="2"))
    await world.desk.cancel(waiting.client_order_id)
    await world.run(1)

    assert {bought.state.status, sold.state.status} == {OrdStatus.REFUSED}
    assert "ran out" in str(bought.state.reasons)
    assert requests(world, "submit") == sent
    assert requests(world, "replace") == 0
    assert waiting.state.status is OrdStatus.CANCELED
    assert [fact.reason for fact in facts(world, Disarmed)] == ["ran out"]


async def test_when_it_is_taken_away_not_even_a_cancel_leaves(world):
    """Disarmed means that this process leaves the account alone."""
    arm(world)
    await world.ready()
    waiting = await open_order(world)
    world.beside.token.unlink()

    with pytest.raises(GuardError):
        await world.desk.cancel(waiting.client_order_id)
    with pytest.raises(GuardError):
        await world.desk.cancel_account()
    await world.run(30)

    assert requests(world, "cancel") == requests(world, "cancel_all") == 0
    assert waiting.state.status is OrdStatus.NEW
    assert world.desk.state == "running"


async def test_it_is_seen_between_the_approval_and_the_wire(world):
    """The order that was approved a moment ago goes out disarmed."""
    arm(world)
    await world.ready()
    durable = world.parts.keeper.journal.durable

    async def late(seq):
        await durable(seq)
        world.beside.token.unlink(missing_ok=True)

    world.parts.keeper.journal.durable = late
    bought = await world.submit()
    await world.run(1)

    assert bought.state.status is OrdStatus.REFUSED
    assert not bought.state.in_doubt
    assert requests(world, "submit") == 0


async def test_a_new_token_arms_the_running_desk(world):
    """To go on, the desk would have to be stopped in the middle of its orders."""
    arm(world)
    await world.ready()
    await world.run(3700)
    arm(world, nonce="arm-fedcba9876543210", by="joe")

    assert (await world.submit()).state.status is OrdStatus.FILLED
    assert [fact.by for fact in facts(world, Armed)] == ["jane", "joe"]


async def test_a_clock_that_moves_back_does_not_arm_again(world):
    """The machine's clock is set, and yesterday's permission is today's."""
    arm(world)
    await world.ready()
    await world.run(3700)
    jump(world, -1000)

    assert (await world.submit()).state.status is OrdStatus.REFUSED
    await world.crash()
    with pytest.raises(NotArmed, match=r"spent|ran out"):
        await world.open()


async def test_a_clock_that_stands_still_does_not_keep_it(world):
    """Set back again and again, the time of day never reaches the end."""
    arm(world)
    await world.ready()
    await world.run(3000)
    jump(world, -3000)
    await world.run(1000)

    assert (await world.submit()).state.status is OrdStatus.REFUSED


async def test_the_journal_remembers_what_time_it_was(world):
    """The desk is stopped, the clock set back, and the desk started in an hour that is over."""
    arm(world)
    await world.ready()
    await world.submit()
    await world.run(1)
    await world.crash()
    now = world.clock.now()
    arm(world, at=now - 2 * HOUR, until=now - timedelta(seconds=30), nonce="arm-1111111111111111")
    jump(world, -3600)

    with pytest.raises(NotArmed, match="ran out"):
        await world.open()


async def test_the_same_file_put_back_does_not_arm_again(world):
    """A backup of the folder brings the permission back that was withdrawn."""
    arm(world)
    await world.ready()
    kept = world.beside.token.read_text()
    world.beside.token.unlink()
    await world.run(2)
    write_token(world.beside.token, Token.model_validate(json.loads(kept)))

    assert (await world.submit()).state.status is OrdStatus.REFUSED


async def test_paper_never_asks_for_one(tmp_path):
    """Whoever tries something out must not learn to arm by habit."""
    paper = World(beside=Beside(tmp_path / "desk.db", KillSwitch(), tmp_path / "armed"))
    try:
        await paper.ready()
        assert (await paper.submit()).state.status is OrdStatus.FILLED
    finally:
        await paper.end()


async def test_a_live_desk_without_a_place_for_it_never_starts():
    """Whoever puts a desk together by hand cannot leave the token out."""
    bare = World(mode=Mode.LIVE)
    try:
        with pytest.raises(NotArmed, match="no place"):
            await bare.open()
    finally:
        await bare.end()


def test_a_token_is_private_from_its_first_byte(tmp_path):
    """Between its making and its chmod others could read it."""
    one = World(mode=Mode.LIVE, beside=Beside(tmp_path / "desk.db", KillSwitch(), tmp_path / "a"))
    arm(one)

    assert one.beside.token.stat().st_mode & 0o777 == 0o600
    assert read_token(one.beside.token) == token(one)
    assert list(tmp_path.iterdir()) == [one.beside.token]
