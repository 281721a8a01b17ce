"""Settled orders leave the working set, and are known all the same when somebody asks."""

from collections.abc import Callable, Sequence

import pytest

from desk.kit import World, resting
from fillwright.desk import keeper
from fillwright.protocols import Record
from fillwright.states import OrderState
from fillwright.types import OrdStatus


async def _canceled(world: World, number: int) -> OrderState:
    handle = await world.submit(**resting(intent_id=f"i-{number}"))
    await world.run(1)
    await world.desk.cancel(handle.client_order_id)
    await world.run(1)
    state: OrderState = handle.state
    assert state.status is OrdStatus.CANCELED
    return state


@pytest.mark.parametrize("room", [0, 1, 5])
async def test_a_settled_order_is_known_whether_or_not_it_is_remembered(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """An order of which memory and journal tell different things would be sent again, or lost."""
    monkeypatch.setattr(keeper, "REMEMBERED", room)
    world = World()
    await world.ready()
    settled = [await _canceled(world, number) for number in range(3)]
    asked: list[str] = []
    about: Callable[[str], Sequence[Record]] = world.journal.about

    def counted(key: str) -> Sequence[Record]:
        asked.append(key)
        return about(key)

    monkeypatch.setattr(world.journal, "about", counted)

    newest_first = settled[::-1]
    found = [world.parts.keeper.state(state.client_order_id) for state in newest_first]

    assert found == newest_first
    assert len(asked) == max(3 - room, 0)
    assert world.parts.keeper.ledger.orders == {}
    await world.end()
