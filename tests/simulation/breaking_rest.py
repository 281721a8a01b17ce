"""Examples that break what holds at any time, and at rest."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from fillwright.states import Action, OrderState, Owner, Pending
from fillwright.testing.simulation import Scene
from fillwright.testing.simulation.invariants import rest, standing
from fillwright.testing.simulation.invariants.standing import Sight
from fillwright.types import ZERO, ClientOrderId, OrdStatus, Side
from simulation.breaking import (
    Instead,
    at_venue,
    breaks,
    execution,
    journal,
    newest,
    parts,
    planned,
    put,
    resting,
)


@breaks("one_order_per_intent", "2 orders at the venue")
def _(scene: Scene) -> None:
    order = at_venue(scene)
    standing.one_order_per_intent(Sight([order, order], [order]))


@breaks("one_order_per_intent", "2 live orders at the venue")
def _(scene: Scene) -> None:
    order = at_venue(scene)
    standing.one_order_per_intent(Sight([order], [order, order]))


@breaks("open_orders_are_counted", "counts")
def _(scene: Scene) -> None:
    state, sight = resting(scene), Sight.of(scene.outside.venue)
    standing.open_orders_are_counted(scene, sight)
    assert state.quantity is not None
    put(scene, quantity=state.quantity - 1)
    standing.open_orders_are_counted(scene, sight)


def risk_sees(scene: Scene, *, position: int, open_buys: int) -> None:
    seen = SimpleNamespace(
        position=Decimal(position), open_buys=Decimal(open_buys), open_sells=ZERO
    )
    view: Any = SimpleNamespace(exposure=lambda _symbol: seen)
    standing.risk_sees_the_worst_case(scene, view, ClientOrderId("another"))


@breaks("risk_sees_the_worst_case", "may reach")
def _(scene: Scene) -> None:
    risk_sees(scene, position=-(10**6), open_buys=0)


@breaks("risk_sees_the_worst_case", "may fall to")
def _(scene: Scene) -> None:
    risk_sees(scene, position=10**6, open_buys=0)


@breaks("doubts_are_counted", "are counted")
def _(scene: Scene) -> None:
    parts(scene, keeper=Instead(scene.parts.keeper, doubtful=Counter(AAPL=1)))
    standing.doubts_are_counted(scene)


@breaks("memory_is_the_journal", "by the journal")
def _(scene: Scene) -> None:
    put(scene, text="another")
    standing.memory_is_the_journal(scene)


def leg(scene: Scene, parent: OrderState | None, side: Side) -> None:
    name = ClientOrderId("fw-none") if parent is None else parent.client_order_id
    state = resting(scene).but(owner=Owner.LEG, parent=name, side=side)
    scene.shadow.orders[state.client_order_id] = state
    standing.legs_follow_their_parent(scene)


@breaks("legs_follow_their_parent", "is a leg of nothing")
def _(scene: Scene) -> None:
    leg(scene, None, Side.SELL)


@breaks("legs_follow_their_parent", "the same way as its entry")
def _(scene: Scene) -> None:
    entry = planned(scene)
    leg(scene, entry, entry.side.opposite)
    leg(scene, entry, entry.side)


@breaks("a_replace_never_adds_up", "and at most")
def _(scene: Scene) -> None:
    first = at_venue(scene)
    second = replace(first, replaces=first.broker_order_id)
    ended = replace(first, status=OrdStatus.REPLACED, ended_at=first.updated_at)
    standing.a_replace_never_adds_up(Sight([ended, second], [second]))
    standing.a_replace_never_adds_up(Sight([first, second], [first, second]))


@breaks("queues_are_bounded", "orders and")
def _(scene: Scene) -> None:
    many = scene.parts.limits.max_in_flight + 1
    parts(scene, limiter=Instead(scene.parts.limiter, waiting=many))
    standing.queues_are_bounded(scene)


@breaks("nothing_is_stuck", "never came to rest")
def _(scene: Scene) -> None:
    put(scene, status=OrdStatus.PENDING_CANCEL, pending=(Pending(Action.CANCEL),))
    rest.nothing_is_stuck(scene)


@breaks("nothing_is_stuck", "never went on")
def _(scene: Scene) -> None:
    put(scene, status=OrdStatus.STAGED)
    rest.nothing_is_stuck(scene)


@breaks("nothing_is_stuck", "new risk still waits: the stream is down")
def _(scene: Scene) -> None:
    scene.desk = Instead(scene.desk, obstacles="the stream is down")  # type: ignore[assignment]
    rest.nothing_is_stuck(scene)


@breaks("nothing_is_stuck", "tasks are")
def _(scene: Scene) -> None:
    names = [*scene.parts.tasks.names, "doubt fw-1"]
    parts(scene, tasks=Instead(scene.parts.tasks, names=names))
    rest.nothing_is_stuck(scene)


@breaks("nothing_is_stuck", "still wait for their turn")
def _(scene: Scene) -> None:
    parts(scene, limiter=Instead(scene.parts.limiter, waiting=1))
    rest.nothing_is_stuck(scene)


def listed(scene: Scene, fills: Iterable[Any]) -> None:
    found = list(fills)
    scene.outside.list_fills = lambda _since: found


@breaks("ledger_is_the_venues", "stands in the ledger 0 times")
def _(scene: Scene) -> None:
    *others, last = scene.outside.fills()
    more = replace(last, execution=execution(scene, "another"))
    listed(scene, [*others, last, more])
    rest.ledger_is_the_venues(scene)


@breaks("ledger_is_the_venues", "are not the venue's")
def _(scene: Scene) -> None:
    listed(scene, scene.outside.fills()[1:])
    rest.ledger_is_the_venues(scene)


@breaks("ledger_is_the_venues", "positions are")
def _(scene: Scene) -> None:
    scene.ledger.positions["AAPL"] += 1
    rest.ledger_is_the_venues(scene)


@breaks("ledger_is_the_venues", "cash is")
def _(scene: Scene) -> None:
    scene.ledger.cash += 1
    rest.ledger_is_the_venues(scene)


@breaks("each_order_is_the_venues", "there")
def _(scene: Scene) -> None:
    state = planned(scene)
    scene.shadow.orders[state.client_order_id] = state.but(value=state.value + 1)
    rest.each_order_is_the_venues(scene)


@breaks("open_orders_agree", "at the venue alone")
def _(scene: Scene) -> None:
    scene.desk = Instead(scene.desk, working=list)  # type: ignore[assignment]
    rest.open_orders_agree(scene)


@breaks("given_up_orders_rest", "was given up and still works")
def _(scene: Scene) -> None:
    key = resting(scene).client_order_id
    journal(scene, [replace(newest(scene), kind="order_abandoned", key=key)])
    rest.given_up_orders_rest(scene)


@breaks("each_intent_is_one_order", "more than once")
def _(scene: Scene) -> None:
    journal(scene, [*scene.journal.read(), *scene.journal.read()])
    rest.each_intent_is_one_order(scene)


@breaks("every_fill_was_told", "no post-execution check heard of them")
def _(scene: Scene) -> None:
    scene.outside.told.popitem()
    rest.every_fill_was_told(scene)


@breaks("nothing_is_left_running", "'stream'")
def _(scene: Scene) -> None:
    parts(scene, tasks=())
    rest.nothing_is_left_running(scene, [])
    rest.nothing_is_left_running(scene, ["stream"])


@breaks("nothing_is_left_running", "tasks still run")
def _(scene: Scene) -> None:
    rest.nothing_is_left_running(scene, [])
