"""Compare snapshots with the ledger. Pure: the asking is done elsewhere.

Rules:
1. A snapshot becomes an ordinary report; the lifecycle decides what of it is news.
2. An order that is missing from a list of open orders is not ended: it must be asked for by name.
3. A difference in positions is not booked here; executions move positions, and what no execution
   explains is a break that somebody must look at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from fillwright.accounts import Account
from fillwright.reports import BrokerOrder, Evidence, Execution, ExecutionReport, Source
from fillwright.states import OrderState
from fillwright.types import (
    MONEY_DIGITS,
    ZERO,
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    OrdStatus,
    plain,
    text_of,
)


def as_report(found: BrokerOrder, query: str, at: datetime) -> ExecutionReport:
    """What the broker's books say of one order, as the answer to `query`."""
    replaced = found.status is OrdStatus.REPLACED or found.replaced_by is not None
    return ExecutionReport(
        exec_type=ExecType.REPLACED if replaced else ExecType.ORDER_STATUS,
        symbol=found.symbol,
        side=found.side,
        evidence=Evidence(Source.QUERY, query),
        transact_time=at,
        client_order_id=found.client_order_id,
        broker_order_id=found.broker_order_id,
        filled=found.filled,
        average_price=found.average_price,
        quantity=found.quantity,
        status=found.status,
        replaced_by=found.replaced_by,
        parent=found.parent,
        text=found.text,
    )


def as_reports(
    found: BrokerOrder, current: BrokerOrderId | None, query: str, at: datetime
) -> tuple[ExecutionReport, ...]:
    """What the books say of one order that we know under the broker's id `current`.

    An order that replaces that one tells two things: that the replace happened, and how it stands.
    """
    said = as_report(found, query, at)
    if current is None or found.replaces != current:
        return (said,)
    happened = replace(
        said,
        exec_type=ExecType.REPLACED,
        broker_order_id=current,
        replaced_by=found.broker_order_id,
        status=None,
        filled=None,
    )
    return (happened, said)


def is_unborn(found: BrokerOrder, current: BrokerOrderId | None) -> bool:
    """Whether it is to take another order's place and has not, or never will: that one stands.

    The order that we know as the `current` one has stood, whatever became of it.
    """
    waits = found.replaces is not None and found.status in _UNBORN
    return waits and found.broker_order_id != current


_UNBORN = frozenset({OrdStatus.PENDING_NEW, OrdStatus.REJECTED})


def foreign_key(name: BrokerOrderId | ClientOrderId) -> ClientOrderId:
    """The name under which the ledger keeps an order that others made, from any name it has."""
    return ClientOrderId(f"foreign-{name}")


def absent(
    working: Iterable[OrderState], open_orders: Iterable[BrokerOrder]
) -> tuple[OrderState, ...]:
    """Our orders that the broker should have open and did not list."""
    listed: set[str] = set()
    for found in open_orders:
        listed.add(found.broker_order_id)
        if found.client_order_id:
            listed.add(found.client_order_id)
    return tuple(
        state
        for state in working
        if not state.ended
        and state.status is not OrdStatus.STAGED
        and state.client_order_id not in listed
        and state.broker_order_id not in listed
    )


def position_breaks(
    ledger: Mapping[str, Decimal], account: Account
) -> tuple[tuple[str, Decimal, Decimal], ...]:
    """(symbol, ours, the broker's) wherever they differ, by symbol."""
    symbols = sorted(set(ledger) | set(account.positions))
    pairs = ((s, ledger.get(s, ZERO), account.quantity(s)) for s in symbols)
    return tuple((s, ours, theirs) for s, ours, theirs in pairs if ours != theirs)


def inferred_fill(state: OrderState, found: BrokerOrder, at: datetime) -> Execution | None:
    """The fill that the broker claims beyond the executions that we have; None without a price.

    Its id is made of broker order id and cumulative quantity, never of a time, so that the same
    claim is booked once.
    """
    missing = found.filled - state.filled
    if missing <= 0 or found.average_price is None:
        return None
    # All the digits of a division would stay in the cash for good, once the real fill is booked.
    price = plain(round((found.average_price * found.filled - state.value) / missing, MONEY_DIGITS))
    name = ExecutionId(f"inferred:{found.broker_order_id}:{text_of(plain(found.filled))}")
    return Execution(name, missing, price, at)
