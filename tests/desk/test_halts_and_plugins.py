"""Halts hold, and a stranger's code can stop trading but not the books."""

from desk.kit import Check, D, order, resting
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Halt, Reject, Scope

DRAWDOWN = Check("drawdown", lambda *_given: Halt("T2", scope=Scope.SYMBOL, measured=9, limit=1))


async def test_a_position_break_halts_the_symbol(world):
    """Shares that no execution explains: somebody must look before more is traded."""
    await world.ready()
    world.venue._books._add("AAPL", D(-5), D(100))
    await world.run(25)

    assert [(h.scope, h.name) for h in world.desk.halts] == [(Scope.SYMBOL, "AAPL")]
    refused = await world.submit()
    other = await world.submit(symbol="KO")
    await world.run(0)
    assert refused.state.status is OrdStatus.REFUSED
    assert other.state.status is OrdStatus.FILLED


async def test_a_halt_survives_the_process(world):
    """A halt that a restart lifts is lifted by the first crash."""
    await world.ready()
    await world.desk.halt(Scope.DESK, reason="test", by="tester")
    await world.crash()
    await world.ready()
    assert (await world.submit()).state.status is OrdStatus.REFUSED

    await world.desk.resume(Scope.DESK, by="tester")
    assert (await world.submit(quantity="2")).state.status is OrdStatus.FILLED


async def test_reducing_orders_pass_a_halt(world):
    """A halt that keeps risk on is no protection."""
    await world.ready()
    await world.desk.halt(Scope.DESK, reason="test", by="tester")

    less = await world.submit(side="SELL", quantity="20")
    more = await world.submit(side="SELL", quantity="1")

    assert less.state.status is not OrdStatus.REFUSED
    assert more.state.status is OrdStatus.REFUSED


async def test_observers_that_raise_are_reported_and_the_rest_is_told(world, caplog):
    """A stranger's bug in an observer must not stop the books (I25)."""
    seen = []

    def bad(_state, _anomalies):
        raise RuntimeError("an observer that fails")

    def leaves(_state, _anomalies):
        raise SystemExit(1)

    def good(state, _anomalies):
        seen.append(state.status)

    world.observers = (Check("bad", bad), Check("leaves", leaves), Check("good", good))
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    assert handle.state.status is OrdStatus.FILLED
    assert OrdStatus.FILLED in seen
    assert world.desk.state == "running"
    await world.settled()


async def test_execution_checks_that_raise_or_answer_nonsense_change_nothing(world):
    """A post-execution check may ask for a halt; its faults are only told."""

    def bad(*_given):
        raise RuntimeError("a check that fails")

    def nonsense(*_given):
        return "yes"

    def objects(*_given):
        return Reject("T1", measured=1, limit=0)

    world.execution_checks = tuple(Check(f.__name__, f) for f in (bad, nonsense, objects))
    await world.ready()
    handle = await world.submit()
    await world.run(1)

    assert handle.state.status is OrdStatus.FILLED
    assert not world.desk.halts
    await world.settled()


async def test_a_post_execution_halt_is_latched(world):
    """The check that saw the loss stops the next order."""
    world.execution_checks = (DRAWDOWN,)
    await world.ready()
    await world.submit()
    await world.run(1)

    assert [(h.scope, h.name, h.by) for h in world.desk.halts] == [
        (Scope.SYMBOL, "AAPL", "drawdown")
    ]
    assert (await world.submit(quantity="2")).state.status is OrdStatus.REFUSED
    assert (await world.submit(symbol="KO")).state.status is OrdStatus.FILLED


async def test_a_halt_that_stands_is_recorded_once(world):
    """A record for each fill under a halt buries the one that says when it began."""
    world.execution_checks = (DRAWDOWN,)
    await world.ready()
    await world.submit()
    await world.run(1)
    (halt,) = world.desk.halts
    less = await world.submit(side="SELL", quantity="1")
    await world.run(1)

    assert less.state.status is OrdStatus.FILLED
    assert world.desk.halts == [halt]
    assert [record.kind for record in world.journal.read()].count("halted") == 1


async def test_a_halt_of_a_check_holds_what_was_approved_with_it(world):
    """Two orders judged in one go: the halt that the second asks for holds the first as well."""

    def second(asked, _book):
        if asked.quantity == 2:
            return Halt("T3", scope=Scope.DESK, measured=2, limit=1)
        return ALLOW

    world.checks = (Check("second", second),)
    await world.ready()
    first, last = (
        await world.desk.submit(order(**resting(quantity="1"))),
        await world.desk.submit(order(**resting(quantity="2"))),
    )
    await world.run(1)

    assert last.state.status is OrdStatus.REFUSED
    assert first.state.status is OrdStatus.REFUSED
    assert world.requests.total() == 0
