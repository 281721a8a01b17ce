"""The model's broker: one order's entry in its books, and everything that it may say about it.

Rules:
1. An entry is a handful of small numbers, so that equal books are one value.
2. What a stream may tell follows from the entry: every event that ever happened may be told at any
   time, in any order, any number of times, or never. That is loss, delay, repetition and
   reordering in one, without a queue to keep.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

from fillwright.orders import Order, OrderChange, client_order_id_for, replacement_id
from fillwright.reports import (
    BrokerOrder,
    Evidence,
    Execution,
    ExecutionReport,
    Fill,
    Source,
)
from fillwright.types import (
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    IntentId,
    OrdStatus,
    Side,
)

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ACCOUNT = "MODEL-1"
PRICE = Decimal(10)


class Stand(IntEnum):
    """How an order stands at the broker."""

    NONE = 0
    OPEN = 1
    FILLED = 2
    CANCELED = 3
    #: Taken at first, and turned down afterwards.
    REJECTED = 4


class Entry(NamedTuple):
    """One intent in the broker's books."""

    stand: Stand = Stand.NONE
    fills: int = 0
    #: After how many fills it was replaced; -1: it was not.
    replaced_at: int = -1

    @property
    def replaced(self) -> bool:
        """Whether the change took place."""
        return self.replaced_at >= 0


EMPTY = Entry()
_STATUS = {
    Stand.OPEN: OrdStatus.NEW,
    Stand.FILLED: OrdStatus.FILLED,
    Stand.CANCELED: OrdStatus.CANCELED,
    Stand.REJECTED: OrdStatus.REJECTED,
}
_ENDS = {Stand.CANCELED: ExecType.CANCELED, Stand.REJECTED: ExecType.REJECTED}


@dataclass(frozen=True)
class Intent:
    """One intent of the model: what is wanted, and what it may be changed to."""

    name: str
    #: Zero: nobody ever submits it.
    quantity: int
    #: The new total that its owner may ask for; 0: it is never changed nor canceled.
    changed: int = 0

    @cached_property
    def order(self) -> Order:
        """The order itself."""
        return Order(
            symbol="AAPL",
            side=Side.BUY,
            quantity=Decimal(self.quantity),
            type="LIMIT",
            limit_price=PRICE,
            time_in_force="GTC",
            intent_id=self.name,
        )

    @cached_property
    def other(self) -> Order:
        """Another decision under the same intent id."""
        return self.order.model_copy(update={"quantity": Decimal(self.quantity + 7)})

    @cached_property
    def key(self) -> ClientOrderId:
        """Its client order id."""
        return client_order_id_for(ACCOUNT, IntentId(self.name))

    @cached_property
    def alias(self) -> ClientOrderId:
        """The id that it carries after the change."""
        return replacement_id(self.key, 1)

    @property
    def change(self) -> OrderChange:
        """The change that its owner may ask for."""
        return OrderChange(quantity=Decimal(self.changed))

    def total(self, entry: Entry) -> int:
        """OrderQty [38] at the broker."""
        return self.changed if entry.replaced else self.quantity

    def broker_id(self, *, replaced: bool) -> BrokerOrderId:
        """The broker's own id, before or after the change."""
        return BrokerOrderId(f"{self.name}-b{2 if replaced else 1}")

    # ------------------------------------------------------------------ answers

    def execution(self, number: int) -> Execution:
        """Its execution of this number, from 1."""
        name = ExecutionId(f"{self.name}-e{number}")
        return Execution(name, Decimal(1), PRICE, NOW)

    def snapshot(self, entry: Entry) -> BrokerOrder | None:
        """What the broker's books show; None when they do not know it."""
        if entry.stand is Stand.NONE:
            return None
        status = _STATUS[entry.stand]
        if entry.stand is Stand.OPEN and entry.fills:
            status = OrdStatus.PARTIALLY_FILLED
        return BrokerOrder(
            broker_order_id=self.broker_id(replaced=entry.replaced),
            client_order_id=self.alias if entry.replaced else self.key,
            symbol=self.order.symbol,
            side=self.order.side,
            type=self.order.type,
            time_in_force=self.order.time_in_force,
            status=status,
            filled=Decimal(entry.fills),
            submitted_at=NOW,
            quantity=Decimal(self.total(entry)),
            average_price=PRICE if entry.fills else None,
            limit_price=PRICE,
            replaces=self.broker_id(replaced=False) if entry.replaced else None,
        )

    def replaced_snapshot(self, entry: Entry) -> BrokerOrder:
        """How the books show the order that was replaced, under its first id."""
        return BrokerOrder(
            broker_order_id=self.broker_id(replaced=False),
            client_order_id=self.key,
            symbol=self.order.symbol,
            side=self.order.side,
            type=self.order.type,
            time_in_force=self.order.time_in_force,
            status=OrdStatus.REPLACED,
            filled=Decimal(max(entry.replaced_at, 0)),
            submitted_at=NOW,
            quantity=Decimal(self.quantity),
            average_price=PRICE if entry.replaced_at > 0 else None,
            replaced_by=self.broker_id(replaced=True),
        )

    def fills(self, entry: Entry, lagging: int = 0) -> Iterator[Fill]:
        """Its executions in the broker's list, the newest ones not listed yet."""
        for number in range(1, entry.fills - lagging + 1):
            late = entry.replaced and number > entry.replaced_at
            yield Fill(
                self.execution(number),
                self.order.symbol,
                self.order.side,
                self.broker_id(replaced=late),
                self.alias if late else self.key,
            )

    # ------------------------------------------------------------------ the stream

    def told(self, entry: Entry) -> Iterator[tuple[str, Entry]]:
        """Everything that the stream may tell now: the event, and the entry right after it.

        Of the entry only what the event depends on is told, so that equal words are one word.
        """
        if entry.stand is Stand.NONE:
            return
        yield "new", Entry(Stand.OPEN)
        for number in range(1, entry.fills + 1):
            behind = entry.replaced and number > entry.replaced_at
            yield "fill", Entry(Stand.OPEN, number, 0 if behind else -1)
        if entry.replaced:
            yield "replaced", Entry(Stand.OPEN, entry.replaced_at, entry.replaced_at)
        if entry.stand in _ENDS:
            yield "ended", Entry(entry.stand, entry.fills, 0 if entry.replaced else -1)

    def report(self, event: str, entry: Entry) -> ExecutionReport:
        """What the stream says of one event, with the entry as it was then."""
        if event == "replaced":
            return self._turned(entry)
        if event == "new":
            return self._said(ExecType.NEW, replaced=False, status=OrdStatus.NEW)
        replaced, filled = entry.replaced, entry.fills
        if event == "fill":
            trade = self.execution(filled)
            return self._said(ExecType.TRADE, replaced=replaced, filled=filled, execution=trade)
        status = _STATUS[entry.stand]
        return self._said(_ENDS[entry.stand], replaced=replaced, filled=filled, status=status)

    def _turned(self, entry: Entry) -> ExecutionReport:
        first = self.broker_id(replaced=False)
        return ExecutionReport(
            ExecType.REPLACED,
            self.order.symbol,
            self.order.side,
            Evidence(Source.STREAM, "model"),
            NOW,
            self.key,
            first,
            filled=Decimal(entry.replaced_at),
            quantity=Decimal(self.quantity),
            replaced_by=self.broker_id(replaced=True),
        )

    def _said(
        self,
        kind: ExecType,
        *,
        replaced: bool,
        filled: int = 0,
        status: OrdStatus | None = None,
        execution: Execution | None = None,
    ) -> ExecutionReport:
        return ExecutionReport(
            kind,
            self.order.symbol,
            self.order.side,
            Evidence(Source.STREAM, "model"),
            NOW,
            self.alias if replaced else self.key,
            self.broker_id(replaced=replaced),
            execution,
            Decimal(filled),
            PRICE if filled else None,
            Decimal(self.changed if replaced else self.quantity),
            status,
        )
