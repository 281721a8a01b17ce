"""Quantity and notional."""

import pytest

from desk.kit import PRICES, Check, D, order, resting
from fillwright.errors import BadInput
from fillwright.orders import Order, checked_order
from fillwright.plans import Basket
from fillwright.testing import Venue
from fillwright.types import OrdStatus
from fillwright_risk.build import build_checks


def controls(**tables):
    """The standard controls that these tables set up, as a desk asks them."""
    given = {"max_order_notional": {"limit_usd": "1000000"}} | tables
    named = [control for control in build_checks(given) if control.name in given]
    return [Check(control.name, control.check_order) for control in named]


def refused_by(handle):
    return {reason.code for reason in handle.state.reasons}


PLAIN = resting(intent_id="basket-line-1")


async def test_citi_2022(world):
    """Citi, May 2022: dollars were typed into the field for units.

    There: a basket of 58 million dollars became one of 444 billion; a part of it was sold, and
    the warnings could be clicked away.
    Here: quantity and notional are two fields, exactly one is given, and a limit on value refuses
    whoever looks at it.
    """
    world.checks = controls()
    await world.ready()
    handle = await world.submit(quantity="58000000", **PLAIN)

    assert handle.state.status is OrdStatus.REFUSED
    assert refused_by(handle) == {"C02"}
    assert world.requests.total() == 0
    with pytest.raises(ValueError, match="either quantity or notional"):
        Order(symbol="KO", side="SELL", quantity="58000000", notional="58000000")
    await world.settled()


async def test_knight_2012(world):
    """Knight Capital, August 2012: children without end for parents that were long filled.

    There: dead code came alive on one server, counted no fills, and sent millions of orders in 45
    minutes; it cost 460 million dollars.
    Here: a rate limit of its own halts whoever goes on sending, and the halt survives a restart.
    """
    world.checks = controls(order_rate={"symbol_per_second": 5, "halt_refusals_per_minute": 3})
    await world.ready()
    for number in range(50):
        await world.submit(**resting(intent_id=f"child-{number}"))
    await world.crash()
    await world.ready()
    after = await world.submit(**resting(intent_id="after"))

    assert len(world.venue.orders()) <= 5
    assert world.desk.halts
    assert "HALTED" in refused_by(after)
    await world.settled()


async def test_lean_1751(world):
    """LEAN #1751 and #5472: liquidating while an order was part filled sold more than was held.

    There: the size was computed from the position and from the order's rest, and both moved.
    Here: a reduce-only order counts what is already on its way out, and is refused beyond that.
    """
    await world.ready()
    selling = await world.submit(**resting(side="SELL", quantity="15"))
    await world.run(1)
    again = await world.submit(side="SELL", quantity="20", reduce_only=True)
    await world.run(1)

    assert selling.state.status is OrdStatus.NEW
    assert again.state.status is OrdStatus.REFUSED
    assert world.requests["submit", again.client_order_id] == 0
    await world.settled()


async def test_torchtrade_246(world):
    """TorchTrade #246: a quantity went through binary floats, and its rounding made it zero.

    There: the number was rounded to one place on its way, and what was small became nothing.
    Here: a float is refused at the door; what is written is what is sent, to the last digit.
    """
    await world.ready()
    with pytest.raises(BadInput):
        checked_order({"symbol": "AAPL", "side": "BUY", "quantity": 0.05})
    handle = await world.submit(quantity="0.050000001", time_in_force="DAY")
    await world.run(2)

    assert handle.state.filled == D("0.050000001")
    await world.settled()


async def test_lean_9231(world):
    """LEAN #9231: buys left together with the sells that were to pay for them, and were rejected.

    There: the sells filled, the buys were dead, and the portfolio stayed off its target.
    Here: a plan sends its sells first, and its buys as the proceeds become buying power.
    """
    world.settings = world.settings.model_copy(update={"cash": D(10), "multiplier": D(1)})
    world.venue = Venue(world.settings, world.clock)
    for symbol, price in PRICES.items():
        world.quote(symbol, price, size=D(50))
    await world.ready()
    orders = (order(side="BUY", symbol="MSFT", quantity="30"), order(side="SELL", quantity="20"))
    result = await world.wait(world.desk.execute(Basket(plan_id="swap", orders=orders)))

    assert result.success
    assert (world.desk.positions["MSFT"], world.desk.positions.get("AAPL", 0)) == (50, 0)
    await world.settled()
