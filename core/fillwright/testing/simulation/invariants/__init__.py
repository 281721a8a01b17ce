"""What must hold of desk, journal and venue: one named function each, and when to ask it.

Those of a request are asked when it reaches the wire, those of a change when it is recorded, the
standing ones after every step, the last when all is quiet. `ELSEWHERE` names what this world
cannot show, and the tests that do.
"""

from typing import TYPE_CHECKING

from fillwright.ledger import Change
from fillwright.testing.simulation.invariants import changes, requests, rest, standing
from fillwright.testing.simulation.invariants.catalogue import (
    CATALOGUE,
    ELSEWHERE,
    Invariant,
    Violation,
    When,
)
from fillwright.testing.simulation.invariants.standing import quiet
from fillwright.types import ClientOrderId
from fillwright.verdicts import ApprovedChange, ApprovedOrder

if TYPE_CHECKING:
    from fillwright.testing.simulation.scene import Scene

__all__ = [
    "CATALOGUE",
    "ELSEWHERE",
    "Invariant",
    "Violation",
    "When",
    "all_quiet",
    "at_cancel",
    "at_change",
    "at_replace",
    "at_submit",
    "changes",
    "every_step",
    "quiet",
    "requests",
    "rest",
    "standing",
]


def at_submit(scene: "Scene", order: ApprovedOrder) -> None:
    """All that holds of a new order when it is about to leave."""
    key = order.client_order_id
    requests.nothing_leaves_a_fenced_process(scene, key)
    requests.only_to_its_own_endpoint(scene, key)
    requests.intent_before_action(scene, order)
    requests.a_plans_order_is_decided(scene, order)
    requests.one_request_without_dedup(scene, order)
    requests.nothing_unapproved_leaves(scene, order.order.content(), key)
    requests.no_new_risk_under_a_halt(scene, order)
    requests.nothing_leaves_too_late(scene, order)


def at_replace(scene: "Scene", key: ClientOrderId, change: ApprovedChange) -> None:
    """All that holds of a change when it is about to leave."""
    requests.nothing_leaves_a_fenced_process(scene, key)
    requests.only_to_its_own_endpoint(scene, key)
    requests.change_before_action(scene, key, change)
    requests.nothing_unapproved_leaves(scene, change.order.content(), key)


def at_cancel(scene: "Scene", key: ClientOrderId) -> None:
    """All that holds of a cancel when it is about to leave."""
    requests.nothing_leaves_a_fenced_process(scene, key)
    requests.only_to_its_own_endpoint(scene, key)
    requests.change_before_action(scene, key, None)
    requests.a_cancel_waits_for_nobody(scene, key)


def at_change(scene: "Scene", seq: int, change: Change) -> None:
    """All that holds of a change when it is recorded."""
    changes.replay_is_live(scene, seq, change)
    changes.quantities_add_up(change)
    changes.ended_stays_ended(change)
    changes.an_end_has_its_evidence(change)
    changes.given_up_behind_the_fence(scene, change)
    changes.booked_once(scene, change)
    if change.after is not None:
        changes.the_change_is_counted(scene, change.after)


def every_step(scene: "Scene") -> None:
    """All that holds at any time."""
    sight = standing.Sight.of(scene.outside.venue)
    standing.one_order_per_intent(sight)
    standing.nothing_ended_that_works(scene, sight)
    standing.open_orders_are_counted(scene, sight)
    standing.doubts_are_counted(scene)
    standing.memory_is_the_journal(scene)
    standing.legs_follow_their_parent(scene)
    standing.a_replace_never_adds_up(sight)
    standing.queues_are_bounded(scene)


def all_quiet(scene: "Scene") -> None:
    """All that holds at rest."""
    every_step(scene)
    standing.memory_holds_what_is_open(scene)
    rest.nothing_is_stuck(scene)
    rest.ledger_is_the_venues(scene)
    rest.each_order_is_the_venues(scene)
    rest.open_orders_agree(scene)
    rest.given_up_orders_rest(scene)
    rest.each_intent_is_one_order(scene)
    rest.every_fill_was_told(scene)
