"""An adapter that does not answer: the desk goes on, says so, and can be closed."""

import asyncio

import pytest

from desk.kit import LIMITS, resting
from fillwright.config import DeskConfig
from fillwright.desk.market import ANSWER_WITHIN, CLOSED_WITHIN, PAGES_WITHIN
from fillwright.desk.opening import Overrides, open_desk
from fillwright.errors import BrokerUnavailable
from fillwright.testing import FakeBroker, FakeBrokerSettings, ManualClock

QUESTIONS = ("find", "open_orders", "executions", "account", "instrument")


async def hang(*_given):
    """A library without timeouts."""
    await asyncio.Event().wait()


async def deaf(*_given):
    """The same, and it does not heed a cancel the first time."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


def silence(world, *names, how=hang):
    """From now on these questions never come back; gives what brings them to speak again."""
    executor = world.parts.adapter.executor
    before = {name: getattr(executor, name) for name in names}
    for name in names:
        setattr(executor, name, how)

    def speak():
        for name, question in before.items():
            setattr(executor, name, question)

    return speak


@pytest.mark.parametrize("how", [hang, deaf])
@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_question_that_hangs_is_no_answer(world, name, how):
    """A vendor's library without a timeout must not stop who asks for ever."""
    await world.ready()
    await world.submit(**resting())
    speak = silence(world, name, how=how)
    market, executor = world.parts.market, world.parts.adapter.executor

    with pytest.raises(BrokerUnavailable, match="no answer within 10 s"):
        await world.wait(market.ask(lambda: getattr(executor, name)("AAPL")), ANSWER_WITHIN + 1)

    await world.run(120)
    assert world.desk.state == "running"
    speak()
    await world.settled()


async def test_while_a_comparison_hangs_the_watch_goes_on(world):
    """A submit without an answer must fall in doubt whatever else the broker does not answer."""
    await world.ready()
    await world.wait((await world.submit()).done())
    silence(world, *QUESTIONS)
    await world.run(LIMITS.reconcile_every + 1)
    assert "compare" in world.parts.supervisor._begun
    world.fault("submit", "delay", seconds=3600.0)
    handle = await world.submit(**resting())
    await world.run(15)

    assert world.state(handle.client_order_id).in_doubt


async def test_books_that_hang_hold_new_risk_back(world):
    """What was not compared for long may hide anything; and it ends when they answer again."""
    await world.ready()
    await world.submit(**resting())
    speak = silence(world, "open_orders")
    await world.run(35)

    assert "not compared" in world.desk.obstacles
    speak()
    await world.settled(PAGES_WITHIN + 30)


async def test_a_desk_whose_questions_hang_can_be_closed(world):
    """A shutdown that waits for the broker is ended by a kill, with the journal open."""
    await world.ready()
    await world.submit(**resting())
    silence(world, *QUESTIONS, how=deaf)
    await world.run(LIMITS.reconcile_every + 1)

    await world.aclose()

    assert world.desk.state == "closed"


async def test_an_adapter_that_does_not_close_is_left_behind(world, caplog):
    """The journal must be closed whatever the vendor's sockets do."""
    await world.ready()
    world.parts.adapter.stream.close = hang
    world.parts.adapter.close = hang
    closing = asyncio.create_task(world.desk.aclose())
    await world.run(2 * CLOSED_WITHIN + 1)

    assert closing.done()
    assert "adapter_left_open" in caplog.text


class Silent(FakeBroker):
    """A broker that does not even say whose account it is."""

    closed = False

    async def close(self) -> None:
        self.closed = True
        await super().close()


async def test_a_desk_is_not_opened_on_a_broker_that_hangs(tmp_path):
    """A program that never comes up, and never says why, is restarted for ever."""
    clock = ManualClock()
    adapter = Silent(FakeBrokerSettings(), clock)
    adapter.executor.account = hang
    given = {"mode": "paper", "broker": "fake", "journal": "desk.db", "checks": ("risk",)}
    config = DeskConfig.model_validate({**given, "folder": tmp_path})

    async def opened():
        async with open_desk(config, overrides=Overrides(clock=clock, adapter=adapter)):
            raise AssertionError("it was opened")

    opening = asyncio.create_task(opened())
    await clock.run_for(ANSWER_WITHIN + 1)

    with pytest.raises(BrokerUnavailable, match=r"the account.*no answer within 10 s"):
        await opening
    assert adapter.closed
