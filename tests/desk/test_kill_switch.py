"""The kill switch: a file that is looked at before every send, whatever else the desk is doing."""

import asyncio
import contextlib
import os
import signal
import threading
from dataclasses import replace

import pytest

from desk.kit import World, open_order, order, resting
from fillwright.desk.killing import Kill, KillSwitch, pull_file, read_kill, stands
from fillwright.errors import BadInput
from fillwright.orders import OrderChange
from fillwright.states import Action
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Scope

KILL = Kill("it loops", "jane")


@pytest.fixture
async def world(tmp_path):
    one = World()
    one.beside = replace(one.beside, switch=KillSwitch(tmp_path / "desk.db.kill"))
    yield one
    await one.end()


def kill_file(world):
    return world.beside.switch.path


def halts(world):
    return [(h.scope, h.name, h.reason, h.by) for h in world.desk.halts]


def submits(world):
    return sum(count for (kind, _), count in world.requests.items() if kind == "submit")


async def test_no_new_risk_leaves_while_the_file_exists(world):
    """The one brake that needs no answer of anybody does not work."""
    await world.ready()
    pull_file(kill_file(world), KILL)

    bought = await world.submit()
    await world.run(0)

    assert bought.state.status is OrdStatus.REFUSED
    assert submits(world) == 0
    assert halts(world) == [(Scope.DESK, "", "it loops", "jane")]


async def test_it_is_seen_between_the_approval_and_the_wire(world):
    """The order that was approved a moment ago is the very one that must not leave."""
    await world.ready()
    world.checks = ()
    taken = world.parts.keeper.journal.durable

    async def late(seq):
        await taken(seq)
        pull_file(kill_file(world), KILL)

    world.parts.keeper.journal.durable = late
    bought = await world.submit()
    await world.run(1)

    assert bought.state.status is OrdStatus.REFUSED
    assert submits(world) == 0
    assert "it loops" in str(bought.state.reasons)


async def test_a_loop_that_never_rests_sends_nothing_more(world):
    """A runaway loop gives no task a turn, least of all the one that would look for the file."""

    def busy(_order, _book):
        pull_file(kill_file(world), KILL)
        return ALLOW

    world.checks = (type("Busy", (), {"name": "busy", "call": staticmethod(busy)})(),)
    await world.ready()
    bought = await world.desk.submit(order())
    for _ in range(1000):
        await asyncio.sleep(0)
    assert submits(world) == 0
    await world.run(1)

    assert bought.state.status is OrdStatus.REFUSED
    assert submits(world) == 0


async def test_cancels_and_reductions_pass(world):
    """A brake that keeps risk on is no protection."""
    await world.ready()
    waiting = await open_order(world)
    pull_file(kill_file(world), KILL)

    sold = await world.submit(symbol="KO", side="SELL", quantity="5")
    await world.desk.cancel(waiting.client_order_id)
    await world.run(1)

    assert sold.state.status is OrdStatus.FILLED
    assert waiting.state.status is OrdStatus.CANCELED


async def test_a_replace_that_adds_risk_stays(world):
    """A larger order through the side door is new risk all the same."""
    await world.ready()
    waiting = await open_order(world, quantity="1")
    approved = world.parts.keeper.write

    def killed_at_the_last_moment(fact):
        pull_file(kill_file(world), KILL)
        return approved(fact)

    world.parts.keeper.write = killed_at_the_last_moment
    with pytest.raises(Exception, match=r"kill switch|HALTED"):
        await world.desk.replace(waiting.client_order_id, OrderChange(quantity="9"))
    world.parts.keeper.write = approved

    assert world.requests[Action.REPLACE, waiting.client_order_id] == 0
    assert waiting.state.quantity == 1


async def test_the_halt_outlives_the_file_and_the_process(world):
    """Somebody tidies up, the desk restarts, and trades on."""
    await world.ready()
    pull_file(kill_file(world), KILL)
    await world.run(2)
    kill_file(world).unlink()
    await world.crash()
    await world.ready()

    assert (await world.submit()).state.status is OrdStatus.REFUSED
    assert halts(world) == [(Scope.DESK, "", "it loops", "jane")]


async def test_it_is_re_armed_by_a_person_and_not_while_the_file_is_there(world):
    """A resume beside a pulled switch would say that the desk trades when it does not."""
    await world.ready()
    pull_file(kill_file(world), KILL)
    await world.run(2)

    with pytest.raises(BadInput, match="kill file is there"):
        await world.desk.resume(Scope.DESK, by="jane")
    kill_file(world).unlink()
    await world.desk.resume(Scope.DESK, by="jane")

    assert (await world.submit()).state.status is OrdStatus.FILLED


async def test_a_file_from_before_the_start_holds(world):
    """The desk was killed while it was down: its start is no way round that."""
    pull_file(kill_file(world), KILL)
    await world.ready()

    assert [scope for scope, *_ in halts(world)] == [Scope.DESK]
    assert (await world.submit()).state.status is OrdStatus.REFUSED


async def test_desk_kill_works_from_any_thread(world):
    """Whoever watches the desk from outside its loop cannot wait for the loop."""
    await world.ready()
    killer = threading.Thread(target=lambda: world.desk.kill(reason="smoke", by="watchdog"))
    killer.start()
    killer.join()

    assert (await world.submit()).state.status is OrdStatus.REFUSED
    assert halts(world) == [(Scope.DESK, "", "smoke", "watchdog")]
    assert stands(kill_file(world))


async def test_a_signal_handler_may_pull_it(world):
    """The signal comes between any two steps of whatever is running."""
    await world.ready()
    before = signal.signal(signal.SIGUSR1, lambda *_: world.desk.kill(by="SIGUSR1"))
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        bought = await world.submit()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert bought.state.status is OrdStatus.REFUSED


async def test_a_disk_that_takes_no_file_does_not_stop_it(world, tmp_path):
    """The disk is full: that may be why somebody pulls it."""
    world.beside = replace(world.beside, switch=KillSwitch(tmp_path / "nowhere" / "kill"))
    await world.ready()

    world.desk.kill(by="jane")

    assert (await world.submit()).state.status is OrdStatus.REFUSED


async def test_with_cancel_the_account_is_swept(world):
    """The switch is pulled, and what is open trades on."""
    await world.ready()
    waiting = await open_order(world)

    world.desk.kill(by="jane", cancel=True)
    await world.run(5)

    assert waiting.state.status is OrdStatus.CANCELED


async def test_a_halt_that_cancels_returns_what_it_asked_for(world):
    """Whoever halts must know what is still open."""
    await world.ready()
    apple, coke = await open_order(world), await open_order(world, symbol="KO", limit_price="18")

    asked = await world.wait(
        world.desk.halt(Scope.SYMBOL, "AAPL", reason="test", by="jane", cancel=True)
    )
    await world.run(1)
    assert [state.client_order_id for state in asked] == [apple.client_order_id]
    assert (apple.state.status, coke.state.status) == (OrdStatus.CANCELED, OrdStatus.NEW)

    await world.wait(world.desk.halt(Scope.DESK, reason="test", by="jane", cancel=True))
    await world.run(1)
    assert coke.state.status is OrdStatus.CANCELED


async def test_flatten_closes_what_is_certain(world):
    """Sold on a guess, a position becomes another one."""
    await world.ready()
    for symbol, price in (("AAPL", 100), ("MSFT", 50), ("KO", 20)):
        world.quote(symbol, type(world.settings.cash)(price), size=type(world.settings.cash)(500))
    with pytest.raises(BadInput, match="not halted"):
        await world.desk.flatten(reason="test", by="jane")
    await world.wait(world.desk.halt(Scope.DESK, reason="test", by="jane", cancel=True))

    left = await world.wait(world.desk.flatten(reason="test", by="jane"))

    assert left == []
    assert world.desk.positions == {}
    assert {o.side for o in world.venue.orders()} == {"SELL"}


async def test_flatten_waits_for_the_sweep_of_the_same_pull(world):
    """The sweep would cancel the very orders that close the positions."""
    world.latency = 0.4
    world.__post_init__()
    await world.ready()
    for symbol, price in (("AAPL", 100), ("MSFT", 50), ("KO", 20)):
        world.quote(symbol, type(world.settings.cash)(price), size=type(world.settings.cash)(500))
    world.desk.kill(by="jane", cancel=True)
    world.parts.operator.heed_kill()

    assert await world.wait(world.desk.flatten(reason="test", by="jane")) == []
    assert world.desk.positions == {}
    assert {o.status for o in world.venue.orders()} == {"FILLED"}


async def test_flatten_leaves_what_it_cannot_read(world):
    """The ledger says twenty and the broker fifteen: neither number may be sold."""
    await world.ready()
    await world.wait(world.desk.halt(Scope.DESK, reason="test", by="jane"))
    world.venue._books._add("AAPL", type(world.settings.cash)(-5), type(world.settings.cash)(100))

    left = await world.wait(world.desk.flatten(reason="test", by="jane"))

    assert [(one.symbol, one.quantity) for one in left] == [("AAPL", 15)]
    assert "reconcile" in left[0].why
    assert {o.symbol for o in world.venue.orders()} == {"MSFT", "KO"}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"[" * 5000, b'{"reason": 7, "by": []}', b'"yes"', b"{"]
)
def test_whatever_stands_in_the_file_it_holds(tmp_path, content) -> None:
    """Made in haste with `touch`, or cut off by a full disk, it is pulled all the same."""
    path = tmp_path / "kill"
    path.write_bytes(content)

    assert KillSwitch(path).pulled
    assert read_kill(path) == Kill(f"the kill file {path} is there", "kill file")


def test_what_cannot_be_looked_at_counts_as_pulled(tmp_path) -> None:
    """Unknown is no permission."""
    (tmp_path / "file").touch()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    assert KillSwitch(tmp_path / "file" / "kill").pulled
    assert KillSwitch(loop).pulled
    assert not KillSwitch(tmp_path / "none").pulled


def test_pulling_writes_who_and_why_in_one_step(tmp_path) -> None:
    """Half a name is nobody to ask."""
    path = tmp_path / "kill"
    pull_file(path, Kill("x" * 10, "jane", cancel=True))

    assert read_kill(path) == Kill("x" * 10, "jane", cancel=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_pulling_twice_is_pulling(tmp_path) -> None:
    """The second person to pull it meets an error, and thinks that it is not pulled."""
    path = tmp_path / "kill"
    for by in ("jane", "joe"):
        pull_file(path, Kill("x", by))
    with contextlib.suppress(OSError):
        pull_file(tmp_path / "no" / "kill", KILL)

    assert read_kill(path).by == "joe"


async def test_what_rests_is_told_apart_from_what_is_new(world):
    """An order that was sent before the pull is on its way: it is not called unsent."""
    await world.ready()
    world.fault("submit", "delay", seconds=4.0)
    bought = await world.desk.submit(order(**resting()))
    await world.run(0.5)
    pull_file(kill_file(world), KILL)
    await world.run(6)

    assert bought.state.status is OrdStatus.NEW
    await world.settled()
