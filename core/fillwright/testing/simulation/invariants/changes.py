"""What must hold of each change when it is recorded."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from fillwright.journal import OPENED
from fillwright.ledger import Abandoned, Change, HandedOver, Reported
from fillwright.plans import ExecutionResult
from fillwright.protocols import Record
from fillwright.reports import AnomalyKind, Execution
from fillwright.risk.exposure import worst_leaves
from fillwright.states import ENDED, OrderState
from fillwright.testing.simulation.invariants.catalogue import Violation, When, invariant
from fillwright.testing.simulation.outside import Outside
from fillwright.types import ZERO, ClientOrderId, ExecType, OrdStatus, Side

if TYPE_CHECKING:
    from fillwright.testing.simulation.scene import Scene

#: The broker's word is needed before an order may show one of these.
PROVEN: Final = frozenset({OrdStatus.REJECTED, OrdStatus.CANCELED, OrdStatus.EXPIRED})
_BACKWARDS: Final = frozenset({ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT})
_OUR_WORDS: Final = frozenset({OrdStatus.IN_DOUBT, OrdStatus.MANUAL})
_LATE: Final = frozenset({AnomalyKind.LATE_FILL, AnomalyKind.CORRECTED})


@invariant(When.TRANSITION, "I15")
def replay_is_live(scene: "Scene", seq: int, change: Change) -> None:
    """The journal's record alone gives the same order, positions, cash, halts and cursor."""
    live, shadow, record = scene.ledger, scene.shadow, scene.newest
    if record is None or record.seq != seq:
        raise Violation(f"the change of record {seq} has no record")
    fact = scene.fact_in(record)
    if fact is None or fact != change.fact:
        raise Violation(f"record {seq} reads {fact}, and {change.fact} was meant")
    shadow.apply(fact)
    after = change.after
    if after is not None:
        key = after.client_order_id
        if shadow.orders.get(key) != after:
            raise Violation(f"{key} is {after} here, and {shadow.orders.get(key)} by the journal")
        booked, lived = shadow.executions(key), live.executions(key)
        if booked != lived and set(booked) != set(lived):
            raise Violation(f"{key} has other executions here than in the journal")
    if shadow.cash != live.cash or not _same(shadow.positions, live.positions):
        raise Violation("positions or cash differ from those of the journal")
    if shadow.halts != live.halts or shadow.cursor != live.cursor:
        raise Violation("halts or cursor differ from those of the journal")


def _same(some: Mapping[str, Decimal], others: Mapping[str, Decimal]) -> bool:
    """Whether they are equal, where none and nothing is one."""
    return some == others or _held(some) == _held(others)


def _held(positions: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {symbol: quantity for symbol, quantity in positions.items() if quantity}


@invariant(When.TRANSITION, "I19")
def the_chain_goes_on(scene: "Scene", record: Record) -> None:
    """Numbers are dense, epochs and times never fall, and a new epoch says that it opens."""
    before = scene.newest
    if before is None:
        return
    if record.seq != before.seq + 1:
        raise Violation(f"record {record.seq} follows {before.seq}")
    if record.at < before.at or record.epoch < before.epoch:
        raise Violation(f"record {record.seq} is older than the one before")
    if record.epoch > before.epoch and record.kind != OPENED:
        raise Violation(f"record {record.seq} begins an epoch without saying so")


@invariant(When.TRANSITION, "I15", "I19")
def what_was_durable_is_found(outside: Outside, found: Sequence[Record]) -> None:
    """A new process finds every durable record as it was, and of the rest a first part."""
    *left, opened = found
    if opened.kind != OPENED:
        raise Violation(f"record {opened.seq} does not open the epoch that it begins")
    if len(left) < outside.durable:
        raise Violation(f"{len(left)} records are left of {outside.durable} that were durable")
    for number, record in enumerate(left, start=1):
        if record.seq != number or outside.records.get(number, record.hash) != record.hash:
            raise Violation(f"record {number} is not what was appended there")
    outside.records = {record.seq: record.hash for record in found}


@invariant(When.TRANSITION, "I6")
def quantities_add_up(change: Change) -> None:
    """Filled never falls without a bust, and what is left is what was not filled."""
    before, after = change.before, change.after
    if after is None:
        return
    if after.filled < 0 or after.leaves < 0:
        raise Violation(f"{after.client_order_id} has filled {after.filled}, leaves {after.leaves}")
    left = ZERO if after.ended or after.quantity is None else after.quantity - after.filled
    if after.leaves != max(left, ZERO):
        raise Violation(f"{after.client_order_id} leaves {after.leaves} of {after.quantity}")
    if before is not None and before.filled > after.filled:
        fact = change.fact
        if not isinstance(fact, Reported) or fact.report.exec_type not in _BACKWARDS:
            raise Violation(f"{after.client_order_id}: filled fell without a bust")


@invariant(When.TRANSITION, "I7")
def ended_stays_ended(change: Change) -> None:
    """A final status stays, and a fill that comes later is booked and reported."""
    before, after = change.before, change.after
    if after is not None and after.ended and after.pending:
        raise Violation(f"{after.client_order_id} is {after.status} and waits for {after.pending}")
    if before is None or after is None or before.status not in ENDED:
        return
    if before.status is OrdStatus.ABANDONED:
        return
    if after.status is not before.status:
        raise Violation(f"{after.client_order_id}: {before.status} became {after.status}")
    if after.filled > before.filled and not {a.kind for a in change.anomalies} & _LATE:
        raise Violation(f"{after.client_order_id}: a late fill was booked without a word")


@invariant(When.TRANSITION, "I8")
def an_end_has_its_evidence(change: Change) -> None:
    """REJECTED, CANCELED and EXPIRED name what proved them; the broker is never in doubt."""
    after = change.after
    if after is None:
        return
    if after.status in PROVEN and after.evidence is None:
        raise Violation(f"{after.client_order_id} is {after.status} without evidence")
    if after.base in _OUR_WORDS:
        raise Violation(f"{after.client_order_id}: {after.base} is no word of the broker")


@invariant(When.TRANSITION, "I8", "2.3")
def given_up_behind_the_fence(scene: "Scene", change: Change) -> None:
    """Nothing is abandoned, or left to a person, while its request may be under way."""
    fact = change.fact
    if not isinstance(fact, Abandoned | HandedOver) or scene.settling == fact.key:
        return
    since = scene.outside.clock.monotonic() - scene.outside.sent_at.get(fact.key, 0.0)
    if since <= scene.capabilities.t_inflight:
        raise Violation(f"{fact.key} was given up {since:.1f} s after its request")
    if change.before is None or not change.before.in_doubt:
        raise Violation(f"{fact.key} was given up without a doubt")


@invariant(When.TRANSITION, "I5")
def booked_once(scene: "Scene", change: Change) -> None:
    """Each execution id moves the ledger at most once."""
    execution = change.execution
    if execution is not None and execution.execution_id in scene.booked_at:
        raise Violation(f"{execution.execution_id} is booked a second time")


@invariant(When.TRANSITION, "I17")
def told_once_after_durable(scene: "Scene", execution: Execution) -> None:
    """A post-execution check sees each fill once, and only when it survives a power cut."""
    name = execution.execution_id
    if name in scene.told:
        raise Violation(f"{name} was told twice")
    if scene.booked_at.get(name, scene.durable + 1) > scene.durable:
        raise Violation(f"{name} was told before it was durable")


@invariant(When.TRANSITION, "I10")
def the_change_is_counted(scene: "Scene", state: OrderState) -> None:
    """The exposure of a symbol holds at least the worst case of its orders, and its position."""
    counted = scene.parts.keeper.exposures.snapshot().get(state.symbol)
    buys = sells = ZERO
    for one in scene.ledger.orders.values():
        if one.symbol != state.symbol or one.status is OrdStatus.STAGED:
            continue
        if one.side is Side.BUY:
            buys += worst_leaves(one)
        else:
            sells += worst_leaves(one)
    held = scene.ledger.positions.get(state.symbol, ZERO)
    if counted is None:
        if buys or sells or held:
            raise Violation(f"{state.symbol} has orders or a position, and no exposure")
        return
    if counted.open_buys < buys or counted.open_sells < sells or counted.position != held:
        raise Violation(f"{state.symbol} counts {counted}, worst case {buys}, {sells}, {held}")


@invariant(When.TRANSITION, "I4", "I11")
def a_plans_result_is_true(scene: "Scene", record: Record) -> None:
    """What a finished plan says of its orders is what the ledger holds when it says so."""
    result = ExecutionResult.model_validate_json(str(record.body["result"]))
    for line in result.orders:
        state = scene.shadow.orders.get(ClientOrderId(line.client_order_id))
        if state is None:
            raise Violation(f"{line.client_order_id} of plan {record.key} is in no record")
        if (line.shares, line.status) != (state.filled, state.status):
            told, known = f"{line.shares} {line.status}", f"{state.filled} {state.status}"
            raise Violation(f"plan {record.key} tells {told} of an order that is {known}")
