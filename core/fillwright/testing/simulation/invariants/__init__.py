"""What must hold of desk, journal and venue: one named function each, and when to ask it.

Those of a request are asked when it reaches the wire, those of a change when it is recorded, the
standing ones after every step, the last when all is quiet. `ELSEWHERE` names what this world
cannot show, and the tests that do.
"""

from typing import TYPE_CHECKING, Final

from fillwright.ledger import Change
from fillwright.testing.simulation.invariants import (
    changes,
    consent,
    limits,
    pace,
    requests,
    rest,
    standing,
)
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
    from fillwright.testing.simulation.left import Left
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
    "at_departure",
    "at_replace",
    "at_submit",
    "changes",
    "consent",
    "every_step",
    "limits",
    "pace",
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


def at_departure(scene: "Scene", one: "Left") -> None:
    """All that holds, beside the standard controls, of an order or change that leaves."""
    seen = limits.Seen.of(scene, one)
    for holds in _CONSENT:
        holds(seen)
    if not scene.outside.departures.own:
        for holds in _CONTROLS:
            holds(seen)


#: What holds whichever checks are asked.
_CONSENT: Final = (
    consent.every_control_allowed_it,
    consent.a_controls_halt_holds,
    consent.no_new_risk_beside_a_doubt,
    consent.no_new_risk_unprepared,
)
#: What the standard controls promise, each by one function.
_CONTROLS: Final = (
    consent.only_what_is_listed_leaves,
    consent.reduce_only_only_reduces,
    limits.no_order_is_too_large,
    limits.no_price_is_far_away,
    limits.positions_stay_within_their_limits,
    limits.exposure_stays_within_its_limit,
    limits.volumes_stay_within_their_limits,
    limits.the_days_capital_is_bounded,
    limits.a_basket_is_worth_what_it_may,
    limits.children_stay_within_their_parent,
    limits.buys_are_paid_with_settled_cash,
    pace.orders_leave_no_faster,
    pace.no_more_are_open,
    pace.executions_are_looked_at,
    pace.nothing_leaves_twice_by_a_slip,
    pace.our_prices_do_not_walk,
    pace.we_do_not_trade_with_ourselves,
)


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
    standing.nothing_waits_beyond_its_deadline(scene)
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
