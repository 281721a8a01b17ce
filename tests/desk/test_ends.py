"""Waiting for the ends of tasks."""

import asyncio

import pytest

from fillwright.desk.ends import until_ended


async def _pass() -> None:
    await asyncio.sleep(0)


async def _fail() -> None:
    raise ValueError("it failed")


async def test_the_first_end_is_enough_whatever_it_was() -> None:
    """A question that failed, or whose timer rang, must not be waited for any longer."""
    loop = asyncio.get_running_loop()
    for first in (_pass(), _fail()):
        ends, stays = loop.create_task(first), loop.create_task(asyncio.sleep(60))
        await until_ended((ends, stays))

        assert [ends.done(), stays.done()] == [True, False]
        stays.cancel()
        await until_ended((ends, stays), 2)
        assert stays.cancelled()
        if ends.exception() is not None:
            assert str(ends.exception()) == "it failed"


async def test_who_stops_waiting_leaves_nothing_behind() -> None:
    """A waiter that was cancelled and is still called later would wake what is long over."""
    stays = asyncio.get_running_loop().create_task(asyncio.sleep(60))
    waiting = asyncio.get_running_loop().create_task(until_ended((stays,)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert not stays.done()
    stays.cancel()
    await until_ended((stays,))
    assert stays.cancelled()
