"""What goes into a step and comes out: an order as it is seen, reads, answers, the outcome."""

from collections.abc import Callable
from typing import NamedTuple

from fillwright.errors import DuplicateClientOrderId, OrderInDoubt, OrderRejected
from fillwright.reports import Ack, Evidence, Execution, Source
from fillwright.states import OrderState, Pending
from fillwright.testing.simulation.search.venue import NOW
from fillwright.types import BrokerOrderId, OrdStatus

EVIDENCE = Evidence(Source.RESPONSE, "model")


class Seen(NamedTuple):
    """What the ledger knows of one order."""

    state: OrderState | None = None
    executions: tuple[Execution, ...] = ()
    #: Names besides its key under which it is found.
    names: tuple[str, ...] = ()


class Step(NamedTuple):
    """What one deed led to; orders are numbers, 0 is one that was never recorded."""

    after: int
    #: The order as it was when the disk last took everything; -1: the disk was not asked.
    durable: int = -1
    #: What left, and under which client order id; empty if nothing did.
    left: str = ""
    name: str = ""
    #: What the desk's part answered, where it answers.
    said: bool = False
    #: The invariant that was broken on the way.
    wrong: str = ""


class Reading(NamedTuple):
    """What the reads about an order in doubt have shown so far."""

    behind: bool
    clean: int
    found: int
    expired: bool
    refused: bool


def raising(fault: Exception) -> Callable[[], Ack]:
    """No answer, but this fault."""

    def answer() -> Ack:
        raise fault

    return answer


def answer_to(
    key: str, kind: str, broker_id: BrokerOrderId, status: OrdStatus
) -> Callable[[], Ack]:
    """What comes back: an acknowledgement, a refusal, or nothing that proves anything."""
    if kind == "ack":
        return lambda: Ack(broker_id, EVIDENCE, NOW, status)
    faults: dict[str, Exception] = {
        "rejected": OrderRejected(key, "model", "no"),
        "duplicate": DuplicateClientOrderId(key, "model", "it is there"),
        "lost": OrderInDoubt(key, "no answer"),
    }
    return raising(faults[kind])


def plain(state: OrderState) -> OrderState:
    """The order without what no step depends on: texts, reasons, the names of evidence."""
    evidence = state.evidence and Evidence(state.evidence.source, "")
    pending = tuple(
        Pending(p.action, "doubt" if p.doubt else "", p.change, p.quantity, p.alias, p.theirs)
        for p in state.pending
    )
    return state.but(evidence=evidence, pending=pending, text="", reasons=())


def signature(seen: Seen) -> object:
    """Equal for orders that are equal to every step."""
    state = seen.state
    if state is None:
        return None
    return (
        state.status,
        state.base,
        state.quantity,
        state.filled,
        state.value,
        state.claimed,
        state.inferred,
        state.inferred_value,
        state.broker_order_id,
        state.earlier_broker_ids,
        tuple((p.action, p.doubt, p.quantity, p.alias, p.theirs) for p in state.pending),
        state.manual,
        state.evidence and state.evidence.source,
        state.alias,
        state.order and state.order.quantity,
        state.deadline,
        tuple((e.execution_id, e.quantity) for e in seen.executions),
        seen.names,
    )
