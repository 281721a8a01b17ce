"""What holds when the faults have ended and everything came to rest."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from fillwright.orders import original_id
from fillwright.protocols import ClosePolicy
from fillwright.reports import Execution, Fill
from fillwright.states import Owner
from fillwright.testing.simulation.invariants.catalogue import Violation, When, invariant
from fillwright.types import ZERO, ClientOrderId, ExecType, ExecutionId, OrdStatus, TimeInForce

if TYPE_CHECKING:
    from fillwright.testing.simulation.scene import Scene

_LASTING = frozenset({TimeInForce.GTC, TimeInForce.GTD})
#: With fewer requests in a minute, questions wait for their turn at rest too.
_TIGHT = 1000
#: The desk's own tasks that run for ever.
_STANDING = Counter(["announcer", "stream", "watch"])


@invariant(When.QUIESCENCE, "I14")
def nothing_is_stuck(scene: "Scene") -> None:
    """Every doubt is settled or with a person, nothing waits, and no task hangs."""
    stuck = {
        s.client_order_id: (str(s.status), s.pending, s.missing)
        for s in scene.ledger.orders.values()
        if not s.manual and (s.pending or s.missing)
    }
    if stuck:
        raise Violation(f"{stuck} never came to rest")
    orders = scene.ledger.orders.values()
    staged = [s.client_order_id for s in orders if s.status is OrdStatus.STAGED]
    if staged:
        raise Violation(f"{staged} were taken and never went on")
    if scene.desk.obstacles:
        raise Violation(f"new risk still waits: {scene.desk.obstacles}")
    tight = scene.capabilities.requests_per_minute <= _TIGHT
    names = Counter(name.split()[0] for name in scene.parts.tasks.names)
    if tight and scene.parts.limiter.waiting:
        # The quote for a fill waits for its turn behind everything else.
        names.pop("quote", None)
    # Checks that need data have it fetched beside them.
    standing = _STANDING + Counter(data=int(scene.parts.supply.active))
    if names != standing:
        raise Violation(f"the desk's tasks are {names}")
    if scene.parts.limiter.waiting and not tight:
        raise Violation(f"{scene.parts.limiter.waiting} requests still wait for their turn")


def _taken_back_from_before(scene: "Scene", execution: Execution) -> bool:
    """Whether the opening position held it; it is booked, at nothing, only when a bust comes."""
    return execution.quantity == 0 and scene.shadow.is_earlier(execution.execution_id)


@invariant(When.QUIESCENCE, "I4", "I5")
def ledger_is_the_venues(scene: "Scene") -> None:
    """Every execution of the venue stands in the ledger once, and position and cash are equal."""
    fills = scene.outside.fills()
    booked = Counter(
        e.execution_id
        for key in scene.shadow.orders
        for e in scene.shadow.executions(key)
        if not (e.execution_id.startswith("inferred:") or _taken_back_from_before(scene, e))
    )
    there = {fill.execution.execution_id: fill for fill in fills}
    for name, fill in there.items():
        if booked[name] != 1:
            raise Violation(f"{fill} stands in the ledger {booked[name]} times")
    if len(booked) != len(there):
        raise Violation(f"{[name for name in booked if name not in there]} are not the venue's")
    account = scene.outside.venue.account()
    ours = {s: q for s, q in scene.ledger.positions.items() if q}
    theirs = {s: p.quantity for s, p in account.positions.items()}
    if ours != theirs:
        raise Violation(f"positions are {ours} here and {theirs} at the venue")
    if scene.ledger.cash != account.cash:
        raise Violation(f"cash is {scene.ledger.cash} here and {account.cash} at the venue")


@invariant(When.QUIESCENCE, "I4")
def each_order_is_the_venues(scene: "Scene") -> None:
    """Filled quantity and value of each order are those of its executions."""
    for key, totals in _totals(scene.outside.fills()).items():
        state = scene.shadow.orders.get(key)
        if state is not None and (state.filled, state.value) != totals:
            raise Violation(f"{key} has {state.filled}, {state.value} here and {totals} there")


@invariant(When.QUIESCENCE, "I13")
def open_orders_agree(scene: "Scene") -> None:
    """Every open order of the venue is known here, and every one open here is open there."""
    here = {s.broker_order_id: s.client_order_id for s in scene.desk.working() if not s.manual}
    there = {o.broker_order_id: o.client_order_id for o in scene.outside.venue.open_orders()}
    if here.keys() != there.keys():
        alone = [name for one, name in here.items() if one not in there]
        missing = [name for one, name in there.items() if one not in here]
        raise Violation(f"{alone} are open here alone, {missing} at the venue alone")


@invariant(When.QUIESCENCE, "I14", "2.3")
def given_up_orders_rest(scene: "Scene") -> None:
    """What was abandoned and was taken all the same does not go on working unseen."""
    given_up = {r.key for r in scene.journal.read() if r.kind == "order_abandoned"}
    for order in scene.outside.venue.open_orders():
        if original_id(order.client_order_id) in given_up:
            raise Violation(f"{order.client_order_id} was given up and still works")


@invariant(When.QUIESCENCE, "I16")
def each_intent_is_one_order(scene: "Scene") -> None:
    """The journal holds one order of each intent, whatever happened to the processes."""
    intents: Counter[str] = Counter()
    for record in scene.journal.read():
        if record.kind == "order_staged":
            intents[record.key] += 1
    doubled = [key for key, count in intents.items() if count > 1]
    if doubled:
        raise Violation(f"{doubled} were staged more than once")


@invariant(When.QUIESCENCE, "I17")
def every_fill_was_told(scene: "Scene") -> None:
    """Each booked execution reached the post-execution checks, in this process or one before."""
    untold = [name for name in scene.booked_at if name not in scene.outside.told]
    if untold:
        raise Violation(f"{untold} are booked, and no post-execution check heard of them")


@invariant(When.QUIESCENCE, "I23")
def nothing_is_left_running(scene: "Scene", tasks: list[str]) -> None:
    """A desk that was closed has no task left."""
    if tasks or len(scene.parts.tasks):
        raise Violation(f"{tasks or 'tasks'} still run after the desk was closed")


@invariant(When.QUIESCENCE, "I23")
def the_policy_was_followed(scene: "Scene", policy: ClosePolicy) -> None:
    """A desk that was closed has canceled the orders that it was told to cancel."""
    if policy is ClosePolicy.KEEP:
        return
    for order in scene.outside.venue.open_orders():
        state = scene.shadow.orders.get(original_id(order.client_order_id))
        if state is None or state.owner is not Owner.OURS or state.manual or state.order is None:
            continue
        kept = policy is ClosePolicy.CANCEL_DAY and state.order.time_in_force in _LASTING
        if not kept:
            raise Violation(f"{state.client_order_id} is open after {policy}")


def _totals(fills: Sequence[Fill]) -> dict[ClientOrderId, tuple[Decimal, Decimal]]:
    """Quantity and value of each of our orders, by the venue's executions."""
    standing: dict[ExecutionId, tuple[ClientOrderId, Decimal, Decimal]] = {}
    for fill in fills:
        execution = fill.execution
        if execution.corrects is not None:
            standing.pop(execution.corrects, None)
        if fill.exec_type is not ExecType.TRADE_CANCEL and fill.client_order_id:
            key = original_id(fill.client_order_id)
            value = execution.quantity * execution.price
            standing[execution.execution_id] = (key, execution.quantity, value)
    totals: dict[ClientOrderId, tuple[Decimal, Decimal]] = {}
    for key, quantity, value in standing.values():
        before = totals.get(key, (ZERO, ZERO))
        totals[key] = (before[0] + quantity, before[1] + value)
    return totals
