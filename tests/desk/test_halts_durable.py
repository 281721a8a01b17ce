"""A halt that a verdict asks for, and the disk: whoever hears of it finds it after a crash."""

from pathlib import Path
from typing import Any

import pytest

from desk.kit import Check, World, order, resting
from fillwright.desk.opening import Overrides, open_desk
from fillwright.errors import JournalFailed, OrderRefused
from fillwright.journal import JournalReader, MemoryJournal
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Halt, Scope
from risk.openkit import ALONE, buying, config, watched

STOP = Halt("X1", scope=Scope.ACCOUNT, measured=1, limit=0)
FIVE = 5


def halting(asked: Any, _book: object) -> object:
    """Halt for more than five shares."""
    return STOP if asked.quantity > FIVE else ALLOW


class SlowDisk:
    """A disk that takes a while."""

    def __init__(self, world: World) -> None:
        self.clock = world.clock
        self.broken = False

    async def flush(self, _seq: int) -> None:
        await self.clock.sleep(0.3)
        if self.broken:
            raise OSError(5, "Input/output error")


@pytest.fixture
def disk(world: World) -> SlowDisk:
    """The disk of a desk that halts for more than five shares."""
    world.checks = (Check("halting", halting),)
    slow = SlowDisk(world)
    world.journal = MemoryJournal(world.binding, clock=world.clock, flush=slow.flush)
    return slow


@pytest.fixture
async def slow(world: World, disk: SlowDisk) -> World:
    """That desk, open."""
    assert not disk.broken
    await world.ready()
    return world


def halted(journal: MemoryJournal) -> bool:
    """Whether a process that starts now finds the halt, whatever was not synced."""
    return any(row[3] == "halted" for row in journal.left())


async def test_whoever_hears_of_a_refusal_finds_its_halt_after_a_crash(slow):
    """A halt that was told and forgotten lets the runaway that caused it begin anew."""
    handle = await slow.submit(quantity="6")

    async def heard() -> tuple[str, bool]:
        state = await handle.decided()
        return state.status, halted(slow.journal)

    assert await slow.wait(heard()) == (OrdStatus.REFUSED, True)
    await slow.crash()
    await slow.ready()
    assert [halt.reason[:2] for halt in slow.desk.halts] == ["X1"]


async def test_the_halt_of_a_refused_replace_survives_as_well(slow):
    """A change has no order of its own whose records would carry the halt to the disk."""
    handle = await slow.submit(**resting())
    await slow.wait(handle.decided())

    async def heard() -> bool:
        with pytest.raises(OrderRefused):
            await slow.desk.replace(handle.client_order_id, OrderChange(quantity="6"))
        return halted(slow.journal)

    assert await slow.wait(heard())
    await slow.crash()
    await slow.ready()
    assert slow.desk.halts


async def test_nothing_leaves_before_the_halt_is_on_the_disk(slow):
    """What a crash forgets must not have been followed by an order."""
    seen: list[tuple[object, bool]] = []
    real = slow.broker.executor.submit

    async def submit(approved: Any) -> Any:
        seen.append((approved.order.quantity, halted(slow.journal)))
        return await real(approved)

    slow.broker.executor.submit = submit
    runaway = await slow.desk.submit(order(quantity="6"))
    reducing = await slow.desk.submit(order(**resting(side="SELL", quantity="2")))
    await slow.wait(runaway.decided())
    await slow.wait(reducing.decided())

    assert seen == [(2, True)]


async def test_a_halt_that_cannot_be_kept_is_followed_by_nothing(slow, disk):
    """A disk that failed once holds nobody knows what."""
    disk.broken = True
    await slow.desk.submit(order(quantity="6"))
    await slow.run(5)

    with pytest.raises(JournalFailed):
        await slow.desk.submit(order(quantity="1"))
    assert not [key for key in slow.requests if key[0] == "submit"]


async def test_the_houses_own_halt_is_kept_as_well(slow, disk):
    """A position break is found once: forgotten, the next process trades on a wrong position."""
    slow.parts.books.position_break("AAPL", 20, 10)
    await slow.run(1)

    assert halted(slow.journal)
    assert not disk.broken


HALTING = """
from fillwright.hooks import hookimpl
from fillwright.verdicts import Halt, Scope


@hookimpl
def check_order(order):
    return Halt("X1", scope=Scope.DESK, measured=1, limit=0)
"""


async def test_the_file_shows_the_halt_to_another_process_at_once(tmp_path: Path):
    """A kill -9 right behind the verdict must find the halt written."""
    settings = config(tmp_path, checks=[*ALONE, "./halting.py"])
    (tmp_path / "halting.py").write_text(HALTING)
    async with open_desk(settings, overrides=Overrides(adapter=watched())) as desk:
        handle = await desk.submit(buying())
        await handle.decided()
        with JournalReader.open(settings.journal_path) as reader:
            kinds = [record.kind for record in reader.read()]

    assert "halted" in kinds
