"""What a check remarks is kept with the order, told, and stops nothing."""

import pytest

from desk.kit import Check, D, open_order
from fillwright.ledger import Asked, Sent, decode
from fillwright.orders import OrderChange
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Halt, Scope, Warn

LARGE = Warn("W06", measured=D(7), limit=D(5), text="a large order")


def facts(world, kind):
    return [fact for r in world.journal.read() if isinstance(fact := decode(r), kind)]


async def test_a_warning_is_in_the_journal_and_in_the_log_and_stops_nobody(world, caplog):
    """A warning that nobody can find later was never given."""
    world.checks = (Check("large", lambda o, b: LARGE), Check("fine", lambda o, b: ALLOW))
    await world.ready()
    handle = await world.submit(quantity="7")
    await world.run(1)

    (sent,) = facts(world, Sent)
    assert handle.state.status is OrdStatus.FILLED
    assert [(r.code, r.check, r.warning) for r in sent.remarks] == [("W06", "large", True)]
    assert any("check_warned" in r.message and "W06" in r.message for r in caplog.records)


async def test_a_warning_on_a_change_is_kept_too(world):
    """Slicing an order larger by changes is remarked on at each step."""
    world.checks = (Check("large", lambda o, b: LARGE if o.quantity > 5 else ALLOW),)
    await world.ready()
    handle = await open_order(world, quantity="2")
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity=D(9))))
    await world.run(1)

    (asked,) = facts(world, Asked)
    assert [r.code for r in asked.remarks] == ["W06"]


async def test_a_warning_about_a_fill_is_told_and_halts_nothing(world, caplog):
    """Slippage is worth a line, and not a stop."""
    world.execution_checks = (Check("slippage", lambda s, e, b: LARGE),)
    await world.ready()
    await world.submit()
    await world.run(1)

    assert not world.desk.halts
    assert any("alert_raised" in r.message and "W06" in r.message for r in caplog.records)


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (Scope.SYMBOL, "AAPL"),
        (Scope.STRATEGY, "alpha"),
        (Scope.ACCOUNT, "FAKE-1"),
        (Scope.DESK, ""),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_check_can_halt_each_scope_and_all_reasons_stay(world, scope, name, when):
    """A loss of one strategy must stop that one, and a loss of the account all of them."""

    def halts(*_given):
        return Halt("H", scope=scope, measured=2, limit=1)

    warns = Check("warns", lambda o, b: LARGE)
    if when == "before":
        world.checks = (warns, Check("halts", halts))
    else:
        world.execution_checks = (Check("halts", halts),)
    await world.ready()
    handle = await world.submit(strategy="alpha")
    await world.run(1)

    assert [(h.scope, h.name, h.by) for h in world.desk.halts] == [(scope, name, "halts")]
    if when == "before":
        assert [r.code for r in handle.state.reasons] == ["W06", "H"]
    again = await world.submit(strategy="alpha", quantity="2")
    assert again.state.status is OrdStatus.REFUSED
