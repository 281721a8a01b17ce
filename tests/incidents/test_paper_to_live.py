"""From paper to live."""

import pytest

from desk.kit import open_order
from fillwright.config import load_config
from fillwright.errors import ConfigError, GuardError
from fillwright.orders import OrderChange
from fillwright.types import Mode, OrdStatus

TEXT = 'broker = "fake"\njournal = "desk.db"\nchecks = ["risk"]\n'


async def test_zenbot_1403(world):
    """Zenbot #1403: paper mode sold real coins on a real exchange.

    There: a change of the mode's name let paper mode take the path of live mode.
    Here: the endpoint's own class is looked at before every request; a mismatch lets nothing out.
    """
    await world.ready()
    world.parts.adapter.executor.endpoint = Mode.LIVE
    handle = await world.submit()
    await world.run(2)

    assert world.requests.total() == 0
    assert handle.state.status is not OrdStatus.FILLED
    assert not world.venue.orders()


async def test_zerodha_194(world):
    """zerodha-algo-trading #194: the entry was on paper, and its exit went to the real account.

    There: only the entry's path asked for the mode; a flag that nobody set let exits through.
    Here: cancels, replaces and sells pass the same guard as every other request.
    """
    await world.ready()
    handle = await open_order(world)
    before = world.requests.total()
    world.parts.adapter.executor.endpoint = Mode.LIVE
    for exit_by in (
        world.desk.cancel(handle.client_order_id),
        world.desk.replace(handle.client_order_id, OrderChange(quantity="2")),
    ):
        with pytest.raises(GuardError):
            await world.wait(exit_by)
    await world.submit(side="SELL", quantity="20", reduce_only=True)
    await world.run(2)

    assert world.requests.total() == before


async def test_simmer_347(world):
    """simmer-sdk #347: a paper client acted on the real wallet when a risk alert came.

    There: trading was simulated, and what the program did by itself beside it was not.
    Here: what the desk does by itself, the sweep of an account, passes the guard too.
    """
    await world.ready()
    await open_order(world)
    before = world.requests.total()
    world.parts.adapter.executor.endpoint = Mode.LIVE
    with pytest.raises(GuardError):
        await world.wait(world.desk.cancel_account())

    assert world.requests.total() == before


def test_ib_gateway_docker_6(tmp_path):
    """ib-gateway-docker #6: a container that was meant for paper logged in to the live account.

    There: what was started for paper came up with real money behind it.
    Here: mode is never a default, never from the environment, and live also needs the account.
    """
    file = tmp_path / "desk.toml"
    file.write_text(TEXT)
    with pytest.raises(ConfigError, match="mode"):
        load_config(file, environ={"FILLWRIGHT_MODE": "live", "MODE": "live"})
    file.write_text(f'mode = "live"\n{TEXT}')
    with pytest.raises(ConfigError, match="expected_account_id"):
        load_config(file, environ={})
