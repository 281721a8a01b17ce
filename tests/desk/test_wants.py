"""Data that a check can do without: kept fresh where there is a source, and missed by nobody."""

from desk.kit import Check, D
from fillwright.desk.supply import Source
from fillwright.inputs import Datum
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Scope


class Feed:
    supplies = frozenset({"mine"})

    def __init__(self, clock):
        self.clock, self.answers = clock, True

    async def fetch(self, name, symbol):
        return Datum(name, symbol, D(7), self.clock.now()) if self.answers else None

    async def close(self):
        pass


def wanting(seen):
    def call(order, book):
        datum = book.find("mine", order.symbol)
        seen.append((book.offers("mine"), datum.value if datum else None))
        return ALLOW

    check = Check("wants_it", call)
    object.__setattr__(check, "wants", ("mine",))
    return check


async def test_without_a_source_the_desk_opens_and_the_check_is_asked(world):
    """A control that is on by itself must not shut out a broker that has no clock."""
    seen = []
    world.checks = (wanting(seen),)
    await world.ready()
    handle = await world.submit()

    assert handle.state.status is OrdStatus.FILLED
    assert seen == [(False, None)]


async def test_with_a_source_it_is_there_before_the_check_is_asked(world):
    """What is wanted and could be had is worth the same wait as what is needed."""
    seen, feed = [], Feed(world.clock)
    world.checks, world.sources = (wanting(seen),), (Source("feed", feed),)
    await world.ready()
    await world.submit()
    feed.answers = False
    await world.run(600)
    await world.submit(quantity="2")

    assert seen == [(True, D(7)), (True, None)]


async def test_when_a_person_lifted_a_halt_is_known_after_a_restart(world):
    """What was looked at once must not halt again because the process is another."""
    seen = []
    world.checks = (Check("looks", lambda _order, book: seen.append(book.attended) or ALLOW),)
    await world.ready()
    await world.submit()
    await world.desk.halt(Scope.DESK, "", reason="to look", by="me")
    await world.run(5)
    resumed = world.clock.now()
    await world.desk.resume(Scope.DESK, "", by="me")
    await world.crash()
    await world.ready()
    await world.submit(quantity="2")

    assert seen[0] < resumed == seen[1]
