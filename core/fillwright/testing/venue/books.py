"""The venue's books: cash, holdings, orders, executions. Plain arithmetic, no market."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillwright.protocols import Json
from fillwright.reports import Execution, Fill
from fillwright.testing.venue.records import VenueOrder
from fillwright.testing.venue.session import Phase
from fillwright.types import (
    ZERO,
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    OrdStatus,
    Side,
)


@dataclass(slots=True)
class Holding:
    """What is held of one symbol, signed, and what it cost."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    def add(self, quantity: Decimal, price: Decimal) -> None:
        """Add a signed quantity; a part that reduces takes its share of the cost along."""
        old = self.quantity
        new = old + quantity
        if not old or (old > 0) == (quantity > 0):
            self.cost += quantity * price
        elif not new:
            self.cost = ZERO
        elif (new > 0) == (old > 0):
            self.cost = self.cost * new / old
        else:
            self.cost = new * price
        self.quantity = new

    @property
    def average_price(self) -> Decimal | None:
        """Average price of what is held; None when nothing is."""
        return self.cost / self.quantity if self.quantity else None


@dataclass(frozen=True, slots=True)
class Mark:
    """How things stood right after an execution: its order, and what is held of its symbol."""

    filled: Decimal
    leaves: Decimal
    status: OrdStatus
    position: Decimal


class Books:
    """Everything that must outlive the process, and which part of it changed."""

    def __init__(self, tag: str, began: datetime, cash: Decimal, multiplier: Decimal) -> None:
        #: Part of every id: a venue that began anew gives no id of an earlier one.
        self.tag = tag
        self.began = began
        self.cash = cash
        self.multiplier = multiplier
        self.blocked = False
        self.holdings: dict[str, Holding] = {}
        #: The holdings with which the account began, for replays.
        self.opening: dict[str, tuple[Decimal, Decimal]] = {}
        self.orders: dict[BrokerOrderId, VenueOrder] = {}
        #: The newest order of each client order id: a replace may keep the id.
        self.by_client: dict[ClientOrderId, VenueOrder] = {}
        self.fills: list[Fill] = []
        self.fill_index: dict[ExecutionId, int] = {}
        #: One for each of the fills.
        self.marks: list[Mark] = []
        #: Buying power held by open orders.
        self.held = ZERO
        self.orders_made = 0
        self.events_made = 0
        self.ranks_given = 0
        self.step = 0
        self.extra_steps = 0
        #: When the books were last written; None for new ones.
        self.seen: datetime | None = None
        self.phase = Phase.OPEN
        self.manual_session = False
        self.halted: dict[str, None] = {}
        self.short: dict[str, None] = {}
        #: Equity, and the price of each holding, when the last session closed (or at the start).
        self.closing_equity = cash
        self.closing_prices: dict[str, Decimal] = {}
        #: What whoever runs the venue wants to find again.
        self.notes: dict[str, Json] = {}
        self.changed_orders: dict[BrokerOrderId, VenueOrder] = {}
        self.changed_symbols: dict[str, None] = {}
        self.changed = False

    def open_with(self, symbol: str, quantity: Decimal, price: Decimal) -> None:
        """Put an opening position in place."""
        self.opening[symbol] = (quantity, price)
        self._add(symbol, quantity, price)

    def quantity(self, symbol: str) -> Decimal:
        """What is held, signed."""
        holding = self.holdings.get(symbol)
        return holding.quantity if holding else ZERO

    def new_order_id(self) -> BrokerOrderId:
        """An order id in the shape of a UUID."""
        self.orders_made += 1
        return BrokerOrderId(f"{self.orders_made:08x}-{self.tag}")

    def _new_execution_id(self) -> ExecutionId:
        """An execution id in the shape of a UUID that no order has."""
        return ExecutionId(f"e{len(self.fills) + 1:07x}-{self.tag}")

    def new_rank(self) -> int:
        """The next place in the queue."""
        self.ranks_given += 1
        return self.ranks_given

    def keep(self, order: VenueOrder) -> None:
        """Enter a new order."""
        self.orders[order.broker_order_id] = order
        self.by_client[order.client_order_id] = order
        self.touch(order)

    def keep_aside(self, order: VenueOrder) -> None:
        """Enter an order that waits to replace another; the other keeps a shared id for now."""
        self.orders[order.broker_order_id] = order
        self.by_client.setdefault(order.client_order_id, order)
        self.touch(order)

    def touch(self, order: VenueOrder) -> None:
        """Remember that an order changed."""
        self.changed_orders[order.broker_order_id] = order
        self.changed = True

    def chain(self, order: VenueOrder) -> list[VenueOrder]:
        """The order and those that replaced it; fills carry over along it."""
        chain = [order]
        while chain[-1].replaced_by is not None:
            chain.append(self.orders[chain[-1].replaced_by])
        return chain

    def hold(self, order: VenueOrder, amount: Decimal) -> None:
        """Let an order hold this much buying power from now on."""
        self.held += amount - order.held
        order.held = amount

    def book(
        self, order: VenueOrder, quantity: Decimal, price: Decimal, now: datetime
    ) -> Execution:
        """Book one trade: execution, cash and position."""
        execution = Execution(self._new_execution_id(), quantity, price, now)
        signed = quantity if order.side is Side.BUY else -quantity
        self.cash -= signed * price
        self._add(order.symbol, signed, price)
        self._enter(order, execution, ExecType.TRADE)
        return execution

    def mark(self, order: VenueOrder, leaves: Decimal) -> None:
        """Note how things stand, after each execution was booked."""
        position = self.quantity(order.symbol)
        self.marks.append(Mark(order.filled, leaves, order.status, position))

    def close_day(self, price_of: Callable[[str], Decimal]) -> None:
        """Note what everything was worth when the session closed."""
        self.closing_prices = {symbol: price_of(symbol) for symbol in self.holdings}
        worth = sum(
            (self.quantity(symbol) * price for symbol, price in self.closing_prices.items()),
            start=ZERO,
        )
        self.closing_equity = self.cash + worth
        self.changed = True

    def undo(
        self, fill: Fill, quantity: Decimal, price: Decimal, now: datetime
    ) -> tuple[VenueOrder, Execution]:
        """Replace an execution by this quantity and price; quantity zero busts it."""
        order = self.orders[fill.broker_order_id]
        old = fill.execution
        kind = ExecType.TRADE_CORRECT if quantity else ExecType.TRADE_CANCEL
        execution = Execution(
            self._new_execution_id(),
            quantity or old.quantity,
            price if quantity else old.price,
            now,
            corrects=old.execution_id,
        )
        difference = quantity * price - old.quantity * old.price
        self.cash -= order.side.sign * difference
        self._enter(order, execution, kind)
        for carrier in self.chain(order):
            carrier.filled += quantity - old.quantity
            carrier.value += difference
            self.touch(carrier)
        self._replay(order.symbol)
        return order, execution

    def buying_power(self, mark: Callable[[str], Decimal]) -> Decimal:
        """What new buys may cost, holds taken off; `mark` prices a holding.

        Equity times the multiplier, less the value of all positions.
        """
        power = self.cash * self.multiplier - self.held
        for symbol in self.holdings if self.multiplier != 1 else self.short:
            worth = self.holdings[symbol].quantity * mark(symbol)
            power += worth * (self.multiplier + (1 if worth < 0 else -1))
        return power

    def _enter(self, order: VenueOrder, execution: Execution, kind: ExecType) -> None:
        self.fill_index[execution.execution_id] = len(self.fills)
        self.fills.append(
            Fill(
                execution,
                order.symbol,
                order.side,
                order.broker_order_id,
                order.client_order_id,
                kind,
                order.parent,
            )
        )
        self.touch(order)

    def _add(self, symbol: str, signed: Decimal, price: Decimal) -> None:
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding()
        holding.add(signed, price)
        self._settle(symbol, holding)

    def _settle(self, symbol: str, holding: Holding) -> None:
        if holding.quantity < 0:
            self.short[symbol] = None
        elif self.short:
            self.short.pop(symbol, None)
        if not holding.quantity:
            del self.holdings[symbol]
        self.changed_symbols[symbol] = None
        self.changed = True

    def _replay(self, symbol: str) -> None:
        holding = Holding()
        holding.add(*self.opening.get(symbol, (ZERO, ZERO)))
        for signed, price in self._standing_trades(symbol):
            holding.add(signed, price)
        self.holdings[symbol] = holding
        self._settle(symbol, holding)

    def _standing_trades(self, symbol: str) -> list[tuple[Decimal, Decimal]]:
        """Signed quantity and price of each execution that was not undone."""
        standing: dict[ExecutionId, tuple[Decimal, Decimal]] = {}
        for fill in self.fills:
            if fill.symbol != symbol:
                continue
            execution = fill.execution
            if execution.corrects is not None:
                standing.pop(execution.corrects, None)
            if fill.exec_type is not ExecType.TRADE_CANCEL:
                signed = execution.quantity * fill.side.sign
                standing[execution.execution_id] = (signed, execution.price)
        return list(standing.values())
