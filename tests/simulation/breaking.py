"""What examples that break an invariant are made of.

Each gets the scene of a scenario at rest, of which every invariant has just held.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from fillwright.protocols import Record
from fillwright.reports import Execution
from fillwright.states import OrderState
from fillwright.testing.simulation import Scene
from fillwright.testing.venue import VenueOrder
from fillwright.verdicts import ApprovedOrder

Example = Callable[[Scene], None]
EXAMPLES: list[tuple[str, str, Example]] = []


def breaks(invariant: str, words: str) -> Callable[[Example], Example]:
    """Enter an example that breaks this invariant, which says so with these words."""

    def enter(example: Example) -> Example:
        EXAMPLES.append((invariant, words, example))
        return example

    return enter


class Instead:
    """Something as it is, but for what is given here."""

    def __init__(self, real: object, **given: object) -> None:
        self.__dict__ |= {"_real": real, **given}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def resting(scene: Scene) -> OrderState:
    """The order that is still open."""
    (state,) = scene.ledger.orders.values()
    return state


def at_venue(scene: Scene) -> VenueOrder:
    (order,) = scene.outside.venue.open_orders()
    return order


def planned(scene: Scene) -> OrderState:
    """An order of the plan, which had something to sell."""
    return next(
        state
        for state in scene.shadow.orders.values()
        if state.order is not None and state.order.plan_id is not None
    )


def put(scene: Scene, **given: object) -> OrderState:
    """Have the desk believe something else of the order that is open."""
    state = resting(scene).but(**given)
    scene.ledger.orders[state.client_order_id] = state
    return state


def parts(scene: Scene, **given: object) -> None:
    """Put something in the place of a part of the desk."""
    scene.parts = Instead(scene.parts, **given)  # type: ignore[assignment]


def journal(scene: Scene, records: Iterable[Record]) -> None:
    """Have the journal say something else."""
    found = list(records)
    scene.journal = Instead(  # type: ignore[assignment]
        scene.journal, read=lambda: found, about=lambda _key: found
    )


def newest(scene: Scene) -> Record:
    assert scene.newest is not None
    return scene.newest


def approved(state: OrderState, **given: object) -> ApprovedOrder:
    assert state.order is not None
    order = state.order.model_copy(update=given)
    now = state.updated_at
    return ApprovedOrder(order, state.client_order_id, state.content_hash, now, now)


def execution(scene: Scene, name: str) -> Execution:
    booked = next(one.execution for one in scene.changes if one.execution is not None)
    return replace(booked, execution_id=name)
