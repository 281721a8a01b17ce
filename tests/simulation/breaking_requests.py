"""Examples that break what must hold of a request that leaves."""

from dataclasses import replace
from decimal import Decimal

from fillwright.ledger import Sent
from fillwright.orders import Order
from fillwright.testing.simulation import Scene
from fillwright.testing.simulation.invariants import consent, requests
from fillwright.testing.simulation.invariants.limits import Seen, no_price_is_far_away
from fillwright.testing.simulation.invariants.pace import we_do_not_trade_with_ourselves
from fillwright.testing.simulation.left import Left, Track
from fillwright.types import ClientOrderId, Mode, Side
from fillwright.verdicts import Reject
from simulation.breaking import (
    Instead,
    approved,
    at_venue,
    breaks,
    journal,
    parts,
    planned,
    resting,
)


@breaks("intent_before_action", "without one durable intent")
def _(scene: Scene) -> None:
    journal(scene, [])
    requests.intent_before_action(scene, approved(planned(scene)))


@breaks("intent_before_action", "without a durable approval")
def _(scene: Scene) -> None:
    state = planned(scene)
    found = scene.journal.about(state.client_order_id)
    journal(scene, [r for r in found if not isinstance(scene.fact_in(r), Sent)])
    requests.intent_before_action(scene, approved(state))


@breaks("intent_before_action", "with other content")
def _(scene: Scene) -> None:
    requests.intent_before_action(scene, approved(planned(scene).but(content_hash="another")))


@breaks("change_before_action", "no durable record of a cancel")
def _(scene: Scene) -> None:
    requests.change_before_action(scene, resting(scene).client_order_id, None)


@breaks("a_plans_order_is_decided", "recorded it")
def _(scene: Scene) -> None:
    requests.a_plans_order_is_decided(scene, approved(planned(scene), intent_id="another"))


@breaks("a_plans_order_is_decided", "is another order")
def _(scene: Scene) -> None:
    requests.a_plans_order_is_decided(scene, approved(planned(scene), symbol="another"))


@breaks("a_plans_order_is_decided", "is larger")
def _(scene: Scene) -> None:
    requests.a_plans_order_is_decided(scene, approved(planned(scene), quantity=Decimal(10**6)))


@breaks("nothing_unapproved_leaves", "a check had not allowed it")
def _(scene: Scene) -> None:
    order = approved(planned(scene)).order
    scene.verdict(order, allowed=False)
    requests.nothing_unapproved_leaves(scene, order.content(), ClientOrderId("fw-1"))


@breaks("nothing_unapproved_leaves", "never allowed it as it is")
def _(scene: Scene) -> None:
    order = approved(planned(scene), quantity=Decimal(10**6)).order
    requests.nothing_unapproved_leaves(scene, order.content(), ClientOrderId("fw-1"))


@breaks("a_cancel_waits_for_nobody", "for its turn")
def _(scene: Scene) -> None:
    key, now = resting(scene).client_order_id, scene.outside.clock.monotonic()
    scene.outside.cancels_asked[key] = now - requests.CANCEL_WITHIN
    requests.a_cancel_waits_for_nobody(scene, key)
    scene.outside.cancels_asked[key] = now - requests.CANCEL_WITHIN - 1
    requests.a_cancel_waits_for_nobody(scene, key)


@breaks("only_to_its_own_endpoint", "live endpoint in paper mode")
def _(scene: Scene) -> None:
    executor = Instead(scene.parts.adapter.executor, endpoint=Mode.LIVE)
    parts(scene, adapter=Instead(scene.parts.adapter, executor=executor))
    requests.only_to_its_own_endpoint(scene, resting(scene).client_order_id)


def leaving(scene: Scene, order: Order, number: int, **tables: object) -> Seen:
    """An order leaves under these tables of `[risk]`; the same is open on both sides."""
    scene.outside.departures.settings = tables  # type: ignore[assignment]
    venue, left, tracks = at_venue(scene), [], []
    for side in Side:
        mine = order.model_copy(update={"side": side})
        key = ClientOrderId(f"fw-{side}")
        one = Left(number, venue.updated_at, key, mine, mine, change=False, opening=True)
        left.append(one)
        tracks.append(Track(key, [one], resting=replace(venue, limit_price=order.limit_price)))
    return Seen(scene, left[0], left, tracks)


@breaks("no_price_is_far_away", "from the market")
def _(scene: Scene) -> None:
    order = approved(resting(scene), limit_price=Decimal(1)).order
    no_price_is_far_away(leaving(scene, order, 1, price_collar={"max_away_pct": "100"}))
    no_price_is_far_away(leaving(scene, order, 1, price_collar={"max_away_pct": "50"}))


@breaks("we_do_not_trade_with_ourselves", "may trade with each other")
def _(scene: Scene) -> None:
    we_do_not_trade_with_ourselves(leaving(scene, approved(resting(scene)).order, 1))


@breaks("an_own_check_answers", "CHECK_RAISED, KeyError")
def _(scene: Scene) -> None:
    name = "mine"
    consent.an_own_check_answers(name, Reject("TOO_MUCH", measured=2, limit=1))
    raised = Reject("CHECK_RAISED", measured="KeyError", limit="no exception")
    scene.answered(name, None, raised)


@breaks("every_control_allowed_it", "had not allowed it")
def _(scene: Scene) -> None:
    seen = leaving(scene, approved(resting(scene)).order, 1)
    said = {seen.one.order.content().decode(): {"a_control": False}}
    scene.outside.departures.said = said
    consent.every_control_allowed_it(seen)


@breaks("every_control_allowed_it", "nobody asked another")
def _(scene: Scene) -> None:
    scene.controls = ("another",)
    consent.every_control_allowed_it(leaving(scene, approved(resting(scene)).order, 1))
