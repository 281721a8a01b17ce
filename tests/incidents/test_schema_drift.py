"""Schema drift."""

import pytest

from alpacakit.rest import account, over, routes
from alpacakit.trial import trial
from desk.kit import resting
from fillwright.errors import BrokerUnavailable
from fillwright.testing.paper_server import Fault, On
from fillwright.types import OrdStatus


def asked(said):
    """An adapter whose broker answers with this account."""
    return over(routes(**{"GET /v2/account": said, "GET /v2/positions": []}))[0]


async def test_lean_9588():
    """LEAN #9588: a field that the broker no longer sends stopped the whole program.

    There: the broker took a field out of an answer, and a reader that insisted on it failed.
    Here: what is not needed may come and go; what is needed and missing is unknown, never zero.
    """
    rule = ("pattern_day_trader", "daytrade_count", "daytrading_buying_power", "daytrade_limit")
    slim = {name: value for name, value in account().items() if name not in rule}
    read = await asked(slim).executor.account()
    without = {name: value for name, value in account().items() if name != "buying_power"}

    assert read.cash >= 0
    with pytest.raises(BrokerUnavailable):
        await asked(without).executor.account()


async def test_lean_alpaca_50():
    """LEAN Alpaca #50: the day's orders expired, and stayed open in the program.

    There: the event had no place in the list of known events and was dropped.
    Here: an event that nobody knows is a gap; the books are compared and tell what it was.
    """
    async with trial() as world:
        handle = await world.submit(**resting())
        await world.run(1)
        world.server.faults.add(Fault(on=On.MESSAGE, fault="unknown_event", times=1))
        world.venue.control.expire(handle.state.broker_order_id)
        await world.run(10)

        assert world.state(handle.client_order_id).status is OrdStatus.EXPIRED


async def test_alpaca_api_107():
    """Alpaca-API #107: an order that was accepted was rejected a moment later, and nobody looked.

    There: the good answer to the request was taken for the last word about the order.
    Here: accepted is not working; a rejection behind it is the broker's word and ends the order.
    """
    async with trial() as world:
        handle = await world.submit(**resting(quantity="4"))
        await world.run(1)
        world.server.faults.add(Fault(on=On.MESSAGE, fault="unknown_status", times=1))
        world.venue.control.reject(handle.state.broker_order_id, "not shortable")
        await world.run(10)

        state = world.state(handle.client_order_id)
        assert state.status is OrdStatus.REJECTED
        assert state.evidence is not None
        assert world.parts.keeper.exposures.snapshot()["AAPL"].open_buys == 0
