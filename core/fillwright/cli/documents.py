"""Orders, halts and journals as plain JSON: the words of `--json`."""

from collections.abc import Iterable

from fillwright.cli.reading import View, is_uncertain
from fillwright.ledger import Halted
from fillwright.protocols import Record
from fillwright.states import OrderState

Document = dict[str, object]


def order_document(state: OrderState) -> Document:
    """One order as the journal knows it."""
    order = state.order
    return {
        "client_order_id": state.client_order_id,
        "broker_order_id": state.broker_order_id,
        "symbol": state.symbol,
        "side": state.side,
        "status": state.status,
        "owner": state.owner,
        "type": order.type if order else None,
        "quantity": state.quantity,
        "notional": order.notional if order else None,
        "filled": state.filled,
        "leaves": state.leaves,
        "average_price": state.average_price,
        "fees": state.fees,
        "in_doubt": is_uncertain(state),
        "doubts": [p.doubt for p in state.pending if p.doubt],
        "needs_a_person": state.manual,
        "reasons": [str(reason) for reason in state.reasons],
        "text": state.text,
        "intent_id": order.intent_id if order else None,
        "plan_id": order.plan_id if order else None,
        "strategy": order.strategy if order else None,
        "correlation_id": order.correlation_id if order else None,
        "updated_at": state.updated_at,
    }


def halt_document(halt: Halted) -> Document:
    """One halt that stands."""
    return {
        "scope": halt.scope,
        "name": halt.name,
        "reason": halt.reason,
        "by": halt.by,
        "at": halt.at,
    }


def view_document(view: View) -> Document:
    """Whose journal it is, and how far it was read."""
    return {
        "journal": view.path,
        "mode": view.binding.mode,
        "broker": view.binding.broker,
        "account": view.binding.account,
        "records": view.records,
        "as_of": view.as_of,
        "halts": [halt_document(halt) for halt in view.ledger.halts.values()],
    }


def record_document(record: Record) -> Document:
    """One record of the journal."""
    return {
        "seq": record.seq,
        "epoch": record.epoch,
        "at": record.at,
        "kind": record.kind,
        "key": record.key,
        "body": dict(record.body),
        "hash": record.hash,
    }


def orders_document(states: Iterable[OrderState]) -> list[Document]:
    """Several orders."""
    return [order_document(state) for state in states]
