"""What must hold when a request is about to reach the broker."""

from collections import deque
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from fillwright.ledger import Asked, Fact, Sent, Staged
from fillwright.orders import Order
from fillwright.plans.sizing import SizedLine
from fillwright.protocols import Dedup, Record
from fillwright.testing.simulation.invariants.catalogue import Violation, When, invariant
from fillwright.types import ZERO, ClientOrderId, Side
from fillwright.verdicts import ApprovedChange, ApprovedOrder, Scope

if TYPE_CHECKING:
    from fillwright.testing.simulation.scene import Scene

#: How long a cancel may wait for its turn while others are under way, in seconds.
CANCEL_WITHIN: Final = 2.0
_MINUTE: Final = 60.0
_WIDE: Final = frozenset({Scope.DESK, Scope.ACCOUNT})


def _durable(scene: "Scene", key: ClientOrderId) -> list[Fact]:
    """What is recorded of one order and survives a power cut now."""
    records = [r for r in scene.journal.about(key) if r.seq <= scene.durable]
    return [fact for fact in map(scene.fact_in, records) if fact is not None]


@invariant(When.BROKER, "I1", "I17")
def intent_before_action(scene: "Scene", order: ApprovedOrder) -> None:
    """What leaves was staged and sent, with this content, durably in the journal."""
    key = order.client_order_id
    facts = _durable(scene, key)
    if sum(isinstance(fact, Staged) for fact in facts) != 1:
        raise Violation(f"{key} left without one durable intent")
    sent = [fact for fact in facts if isinstance(fact, Sent)]
    if not sent:
        raise Violation(f"{key} left without a durable approval")
    if sent[-1].content_hash != order.content_hash:
        raise Violation(f"{key} left with other content than is recorded")


@invariant(When.BROKER, "I1", "I17")
def change_before_action(scene: "Scene", key: ClientOrderId, change: ApprovedChange | None) -> None:
    """A cancel or a change that leaves stands in the durable part of the journal."""
    asked = [fact for fact in _durable(scene, key) if isinstance(fact, Asked)]
    wanted = None if change is None else change.change
    if not any(fact.change == wanted for fact in asked):
        raise Violation(f"{key}: no durable record of {'a cancel' if change is None else wanted}")


@invariant(When.BROKER, "I1", "I11")
def a_plans_order_is_decided(scene: "Scene", order: ApprovedOrder) -> None:
    """An order of a plan leaves as the plan's durable record decided it, or smaller."""
    wanted = order.order
    if wanted.plan_id is None:
        return
    kinds = _DECIDES[wanted.side]
    records = [r for r in scene.journal.about(wanted.plan_id) if r.seq <= scene.durable]
    decided = [one for r in records if r.kind in kinds for one in _orders_in(r)]
    mine = [one for one in decided if one.intent_id == wanted.intent_id]
    if not mine:
        raise Violation(f"{order.client_order_id} left before plan {wanted.plan_id} recorded it")
    asked = mine[-1]
    if asked.side is not wanted.side or asked.symbol != wanted.symbol:
        raise Violation(f"{order.client_order_id} is another order than its plan decided")
    if asked.quantity is not None and (wanted.quantity or ZERO) > asked.quantity:
        raise Violation(f"{order.client_order_id} is larger than its plan decided")


#: The records that decide a plan's orders: buys wait for their money.
_DECIDES: Final = {Side.SELL: ("plan_sized",), Side.BUY: ("plan_released",)}


def _orders_in(record: Record) -> list[Order]:
    if record.kind == "plan_released":
        return [Order.model_validate_json(str(record.body["order"]))]
    lines = TypeAdapter(tuple[SizedLine, ...]).validate_python(record.body["lines"])
    return [line.order for line in lines if line.order is not None]


@invariant(When.BROKER, "I2")
def one_request_without_dedup(scene: "Scene", order: ApprovedOrder) -> None:
    """A broker that takes an id twice gets one request, unless it provably never left."""
    key, outside = order.client_order_id, scene.outside
    if scene.capabilities.dedup is Dedup.SERVER:
        return
    if outside.requests["submit", key] - outside.unsent[key] != 1:
        raise Violation(f"{key} was sent twice to a broker that takes an id twice")


@invariant(When.BROKER, "I2", "3.c")
def nothing_leaves_a_fenced_process(scene: "Scene", key: ClientOrderId) -> None:
    """Who lost the journal to another process sends nothing more, not even a cancel."""
    if scene.superseded:
        raise Violation(f"{key} left a process whose journal another one took over")


@invariant(When.BROKER, "I9")
def nothing_unapproved_leaves(scene: "Scene", content: bytes, key: ClientOrderId) -> None:
    """An order leaves only as every check allowed it: no exception, no hang, no other answer.

    An approval that an earlier process recorded stands; of what that process heard later and did
    not record, nobody can know.
    """
    told = content.decode()
    if scene.verdicts.get(told) is False:
        raise Violation(f"{key} left, and a check had not allowed it")
    if scene.outside.allowed and told not in scene.outside.allowed:
        raise Violation(f"{key} left, and the checks never allowed it as it is")


@invariant(When.BROKER, "I12")
def no_new_risk_under_a_halt(scene: "Scene", order: ApprovedOrder) -> None:
    """Since a halt was confirmed, and until somebody resumes, only what reduces leaves."""
    if is_halted(scene, order.order) and is_new_risk(scene, order.order):
        raise Violation(f"{order.client_order_id}: new risk left under a halt")


def is_halted(scene: "Scene", wanted: Order) -> bool:
    """Whether a halt that was confirmed, or that this desk knows of, covers an order."""
    halts = {**dict.fromkeys(scene.ledger.halts), **scene.outside.halts}
    return any(scope in _WIDE or name in (wanted.symbol, wanted.strategy) for scope, name in halts)


def is_new_risk(scene: "Scene", wanted: Order) -> bool:
    """Whether an order does not only make the position smaller; by notional nobody knows."""
    if wanted.quantity is None:
        return True
    held = scene.ledger.positions.get(wanted.symbol, ZERO)
    return abs(held + wanted.side.sign * wanted.quantity) >= abs(held)


@invariant(When.BROKER, "2.3")
def nothing_leaves_too_late(scene: "Scene", order: ApprovedOrder) -> None:
    """An order leaves within the time that it was given, however the clock was set meanwhile."""
    key = order.client_order_id
    first = scene.taken_at.get(key)
    if first is None:
        return
    waited = scene.outside.clock.monotonic() - first
    if waited > scene.parts.limits.send_deadline:
        raise Violation(f"{key} left {waited:.1f} s after this desk had taken it up")


@invariant(When.BROKER, "I18")
def within_the_brokers_rate(times: deque[float], limit: int) -> None:
    """In any minute one process makes no more requests than the broker allows.

    A process that follows another one begins with a count of its own: only the broker's answers
    can tell it what was asked before.
    """
    now = times[-1]
    while times[0] <= now - _MINUTE:
        times.popleft()
    if len(times) > limit:
        raise Violation(f"{len(times)} requests in a minute, and the broker takes {limit}")


@invariant(When.BROKER, "I18")
def a_cancel_waits_for_nobody(scene: "Scene", key: ClientOrderId) -> None:
    """A cancel leaves soon after it was asked for, however many submits wait for their turn."""
    asked = scene.outside.cancels_asked.pop(key, None)
    if asked is None:
        return
    waited = scene.outside.clock.monotonic() - asked
    if waited > CANCEL_WITHIN:
        raise Violation(f"the cancel of {key} waited {waited:.1f} s for its turn")


@invariant(When.BROKER, "I21")
def only_to_its_own_endpoint(scene: "Scene", key: ClientOrderId) -> None:
    """No byte goes to an endpoint of another mode than the journal's."""
    executor, mode = scene.parts.adapter.executor, scene.parts.binding.mode
    if executor.endpoint is not mode:
        raise Violation(f"{key} went to a {executor.endpoint} endpoint in {mode} mode")
