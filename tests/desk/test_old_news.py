"""An acknowledgement that response and stream both tell is recorded once; a new word always."""

from dataclasses import replace
from decimal import Decimal

import pytest

from desk.kit import World, resting
from fillwright.reports import Evidence, ExecutionReport, Source
from fillwright.types import BrokerOrderId, ExecType


async def _acknowledged(world: World) -> ExecutionReport:
    """The stream's word for an order whose response has been booked."""
    await world.ready()
    handle = await world.submit(**resting())
    await world.run(1)
    state = handle.state
    return ExecutionReport(
        ExecType.NEW,
        state.symbol,
        state.side,
        Evidence(Source.STREAM, "e-1"),
        state.updated_at,
        state.client_order_id,
        state.broker_order_id,
        filled=Decimal(0),
        quantity=state.quantity,
    )


async def test_the_streams_repetition_of_the_response_is_not_recorded() -> None:
    """A record that says nothing new makes every order dearer, and the journal longer."""
    world = World()
    said = await _acknowledged(world)
    before = world.journal.seq
    assert world.parts.books.take(said) is None
    assert world.journal.seq == before
    await world.aclose()
    await world.end()


@pytest.mark.parametrize(
    "other",
    [
        {"filled": Decimal(1)},
        {"exec_type": ExecType.CANCELED},
        {"exec_type": ExecType.REPLACED, "replaced_by": BrokerOrderId("b-2")},
    ],
)
async def test_what_only_looks_like_it_is_recorded(other: dict[str, object]) -> None:
    """A claimed fill or an end taken for a repetition would be lost until the books are read."""
    world = World()
    said = await _acknowledged(world)
    assert world.parts.books.take(replace(said, **other)) is not None  # type: ignore[arg-type]  # fields by name
    await world.end()
