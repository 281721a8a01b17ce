"""What must hold of desk, journal and venue: each invariant is one named function that asserts.

The numbers are those of the guarantees. Those of a request are asked when it reaches the wire,
those of a change when it is recorded, the others after every step, the last when all is quiet.
"""

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from fillwright.ledger import Abandoned, Change, HandedOver, Sent, Staged, decode
from fillwright.protocols import Dedup
from fillwright.reports import AnomalyKind, Execution, Fill
from fillwright.risk.exposure import ExposureBook, worst_leaves
from fillwright.states import ENDED, Owner
from fillwright.types import ZERO, ClientOrderId, ExecType, ExecutionId, OrdStatus
from fillwright.verdicts import ApprovedOrder, Scope

if TYPE_CHECKING:
    from desk.kit import World

#: The broker's word is needed before an order may show one of these.
PROVEN = frozenset({OrdStatus.REJECTED, OrdStatus.CANCELED, OrdStatus.EXPIRED})
BACKWARDS = frozenset({ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT})


# ---------------------------------------------------------------------- a request reaches the wire


def intent_before_action(world: "World", order: ApprovedOrder) -> None:
    """I1: what leaves was staged and sent, with this content, durably in the journal."""
    facts = [decode(r) for r in world.journal.read() if r.key == order.client_order_id]
    staged = [f for f in facts if isinstance(f, Staged)]
    sent = [f for f in facts if isinstance(f, Sent)]
    assert len(staged) == 1, f"{order.client_order_id} left without a durable intent"
    assert sent, f"{order.client_order_id} left without a durable approval"
    assert sent[-1].content_hash == order.content_hash


def one_request_without_dedup(world: "World", order: ApprovedOrder) -> None:
    """I2: a broker that takes the same id twice gets one request, unless it provably never left."""
    key = order.client_order_id
    if world.parts.adapter.executor.capabilities.dedup is not Dedup.SERVER:
        assert world.requests["submit", key] - world.unsent[key] == 1, f"{key} was sent twice"


def durable_before_the_wire(world: "World", key: ClientOrderId, kind: str) -> None:
    """I1: a change that leaves stands in the durable part of the journal."""
    kinds = [r.kind for r in world.journal.read() if r.key == key]
    assert kind in kinds, f"{key}: no durable {kind}"


def nothing_unapproved_leaves(order: ApprovedOrder) -> None:
    """I9: an order that a check raised on or did not answer never gets here."""
    assert not set(order.order.tags) & {"raise", "none"}


def no_new_risk_under_a_halt(world: "World", order: ApprovedOrder) -> None:
    """I12: while a halt stands, only what reduces leaves."""
    halts = world.parts.keeper.ledger.halts
    held = any(
        scope in (Scope.DESK, Scope.ACCOUNT) or name == order.order.symbol for scope, name in halts
    )
    if not held:
        return
    position = world.parts.keeper.ledger.positions.get(order.order.symbol, ZERO)
    quantity = order.order.quantity
    sign = order.order.side.sign
    assert quantity is not None
    assert abs(position + sign * quantity) < abs(position), "new risk left under a halt"


# ---------------------------------------------------------------------- a change is recorded


def replay_is_live(world: "World", seq: int, change: Change) -> None:
    """I15: the journal's record alone gives the same order, positions, cash and halts."""
    live, shadow = world.parts.keeper.ledger, world.shadow
    record = world.journal.about(change.fact.key if change.before or change.after else "")[-1]
    assert record.seq == seq
    fact = decode(record)
    assert fact == change.fact
    shadow.apply(fact)
    if change.after is not None:
        key = change.after.client_order_id
        assert shadow.orders[key] == change.after
        assert set(shadow.executions(key)) == set(live.executions(key))
    assert {s: q for s, q in shadow.positions.items() if q} == {
        s: q for s, q in live.positions.items() if q
    }
    assert shadow.cash == live.cash
    assert shadow.halts == live.halts
    assert shadow.cursor == live.cursor


def each_change_is_lawful(change: Change) -> None:
    """I6, I7, I8: quantities add up, ended stays ended, and an end has its evidence."""
    before, after = change.before, change.after
    if after is None:
        return
    assert after.filled >= 0
    assert after.leaves >= 0
    if after.ended:
        assert after.leaves == 0
        assert not after.pending
    elif after.quantity is not None:
        assert after.leaves == max(after.quantity - after.filled, ZERO)
    if after.status in PROVEN:
        assert after.evidence is not None, f"{after.status} without evidence"
    assert after.base not in {OrdStatus.IN_DOUBT, OrdStatus.MANUAL}, "the broker knows no doubt"
    if before is None:
        return
    if before.filled > after.filled:
        report = getattr(change.fact, "report", None)
        assert report is not None
        assert report.exec_type in BACKWARDS, "filled fell without a bust"
    if before.status in ENDED - {OrdStatus.ABANDONED}:
        assert after.status is before.status, f"{before.status} became {after.status}"
        if after.filled > before.filled:
            kinds = {a.kind for a in change.anomalies}
            assert kinds & {AnomalyKind.LATE_FILL, AnomalyKind.CORRECTED}


def given_up_behind_the_fence(world: "World", change: Change) -> None:
    """I8: nothing is abandoned, or left to a person, while its request may be under way."""
    if not isinstance(change.fact, Abandoned | HandedOver):
        return
    since = world.clock.monotonic() - world.sent_at.get(change.fact.key, 0.0)
    assert since > world.parts.adapter.executor.capabilities.t_inflight, change.fact
    assert change.before is not None
    assert change.before.in_doubt


def told_once_after_durable(world: "World", execution: Execution) -> None:
    """I17: a post-execution check sees each fill once, and only when it survives a crash."""
    name = execution.execution_id
    assert name not in world.told, f"{name} was told twice"
    world.told.append(name)
    assert world.booked_at[name] <= world.journal.durable_seq, f"{name} was told before durable"


# ---------------------------------------------------------------------- after every step


def one_order_per_intent(world: "World") -> None:
    """I2, I3: the venue has at most one order of an intent, its replacements counted as one."""
    chains = Counter(
        o.client_order_id.split("-r")[0]
        for o in world.venue.orders()
        if o.client_order_id.startswith("fw-") and o.replaces is None
    )
    assert all(count == 1 for count in chains.values()), chains
    live = Counter(
        o.client_order_id.split("-r")[0]
        for o in world.venue.open_orders()
        if o.client_order_id.startswith("fw-") and o.status is not OrdStatus.PENDING_NEW
    )
    assert all(count == 1 for count in live.values()), live


def executions_once(world: "World") -> None:
    """I5: no execution is booked on two orders, and positions are what the executions add up to."""
    seen: Counter[ExecutionId] = Counter()
    for key in world.shadow.orders:
        seen.update(e.execution_id for e in world.shadow.executions(key))
    assert not [name for name, count in seen.items() if count > 1]


def nothing_ended_that_works(world: "World") -> None:
    """I7, I8: an order that the broker has open is not ended here, unless it was given up."""
    for order in world.venue.open_orders():
        key = _key(order.client_order_id)
        state = world.shadow.orders.get(key)
        if state is None or order.status is OrdStatus.PENDING_NEW:
            continue
        assert not state.ended or state.status is OrdStatus.ABANDONED, (
            f"{key} is {state.status} here and {order.status} at the venue"
        )


def exposure_is_worst_case(world: "World") -> None:
    """I10: what may still trade at the venue is counted, and the book is the sum of its orders."""
    keeper = world.parts.keeper
    for order in world.venue.open_orders():
        state = keeper.ledger.orders.get(_key(order.client_order_id))
        if state is None or state.ended or order.quantity is None or order.successor is not None:
            continue
        if order.broker_order_id in world.touched:
            continue
        reach = state.filled + worst_leaves(state)
        assert reach >= order.filled + order.leaves, f"{state.client_order_id} counts too little"
    fresh = ExposureBook()
    for state in keeper.ledger.orders.values():
        if state.status is not OrdStatus.STAGED:
            fresh.update(None, state)
    counted = keeper.exposures.snapshot()
    for symbol, alone in fresh.snapshot().items():
        held = counted.get(symbol)
        assert held is not None, f"{symbol} has orders under way and no exposure"
        assert held.open_buys >= alone.open_buys
        assert held.open_sells >= alone.open_sells
    for symbol, held in counted.items():
        assert held.position == keeper.ledger.positions.get(symbol, ZERO), symbol


def doubts_are_counted(world: "World") -> None:
    """I10: a symbol with a request in doubt is known as such, and no other."""
    keeper = world.parts.keeper
    doubtful = Counter(s.symbol for s in keeper.ledger.orders.values() if s.in_doubt)
    assert +keeper.doubtful == doubtful


def memory_holds_what_is_open(world: "World") -> None:
    """Settled orders leave the working set, or a long session grows without bound."""
    lingering = [s for s in world.parts.keeper.ledger.orders.values() if s.settled]
    assert not lingering, f"{[str(s.client_order_id) for s in lingering]} stay in memory"


def legs_follow_their_parent(world: "World") -> None:
    """I11: legs stand on the other side of their parent and trade no more than it did."""
    for state in world.shadow.orders.values():
        if state.owner is not Owner.LEG or state.parent is None:
            continue
        parent = world.shadow.orders.get(state.parent)
        assert parent is not None
        if parent.order is not None and parent.order.order_class != "OCO":
            assert state.side is parent.side.opposite


def every_step(world: "World") -> None:
    """All that holds at any time."""
    one_order_per_intent(world)
    executions_once(world)
    nothing_ended_that_works(world)
    exposure_is_worst_case(world)
    doubts_are_counted(world)
    memory_holds_what_is_open(world)
    legs_follow_their_parent(world)


# ---------------------------------------------------------------------- when all is quiet


def quiet(world: "World") -> bool:
    """Whether nothing is under way or in doubt here."""
    orders = world.parts.keeper.ledger.orders.values()
    waiting = any(s.pending for s in orders if not s.manual)
    return not waiting and world.desk.obstacles == "" and not any(s.missing for s in orders)


def nothing_is_stuck(world: "World") -> None:
    """I14: after the faults end, every doubt is settled or with a person, and no task hangs."""
    stuck = {
        s.client_order_id: (str(s.status), s.pending, s.missing)
        for s in world.parts.keeper.ledger.orders.values()
        if not s.manual and (s.pending or s.missing)
    }
    assert not stuck, stuck
    assert world.desk.obstacles == ""
    names = Counter(task.get_name().split()[0] for task in world.parts.tasks._tasks)
    assert names == Counter(["announcer", "stream", "watch"]), names
    assert world.parts.limiter.waiting == 0


def ledger_is_the_venues(world: "World") -> None:
    """I4, I5: every execution of the venue stands in the ledger once, and positions are equal."""
    fills = world.venue.executions().items
    booked = {
        e.execution_id: (key, e)
        for key in world.shadow.orders
        for e in world.shadow.executions(key)
        if not e.execution_id.startswith("inferred:")
    }
    for fill in fills:
        assert fill.execution.execution_id in booked, f"{fill} is not in the ledger"
    assert len(booked) == len(fills)
    account = world.venue.account()
    ours = {s: q for s, q in world.parts.keeper.ledger.positions.items() if q}
    assert ours == {s: p.quantity for s, p in account.positions.items()}
    assert world.parts.keeper.ledger.cash == account.cash
    for key, totals in _totals(fills).items():
        state = world.shadow.orders.get(key)
        if state is not None:
            assert (state.filled, state.value) == totals, key


def open_orders_agree(world: "World") -> None:
    """I13: every open order of the venue is known here, and every one open here is open there."""
    here = {s.broker_order_id for s in world.desk.working() if not s.manual}
    there = {o.broker_order_id for o in world.venue.open_orders()}
    assert here == there


def given_up_orders_rest(world: "World") -> None:
    """I14: what was abandoned and was taken all the same does not go on working unseen."""
    given_up = {r.key for r in world.journal.read() if r.kind == "order_abandoned"}
    working = {_key(o.client_order_id) for o in world.venue.open_orders()}
    assert not given_up & working


def all_quiet(world: "World") -> None:
    """All that holds at rest."""
    nothing_is_stuck(world)
    ledger_is_the_venues(world)
    open_orders_agree(world)
    given_up_orders_rest(world)


def _key(client_order_id: str) -> ClientOrderId:
    return ClientOrderId(client_order_id.split("-r", maxsplit=1)[0])


def _totals(fills: "tuple[Fill, ...]") -> dict[ClientOrderId, tuple[Decimal, Decimal]]:
    """Quantity and value of each of our orders, by the venue's executions."""
    standing: dict[ExecutionId, tuple[ClientOrderId, Decimal, Decimal]] = {}
    for fill in fills:
        execution = fill.execution
        if execution.corrects is not None:
            standing.pop(execution.corrects, None)
        if fill.exec_type is not ExecType.TRADE_CANCEL and fill.client_order_id:
            key = _key(fill.client_order_id)
            value = execution.quantity * execution.price
            standing[execution.execution_id] = (key, execution.quantity, value)
    totals: dict[ClientOrderId, tuple[Decimal, Decimal]] = {}
    for key, quantity, value in standing.values():
        before = totals.get(key, (ZERO, ZERO))
        totals[key] = (before[0] + quantity, before[1] + value)
    return totals
