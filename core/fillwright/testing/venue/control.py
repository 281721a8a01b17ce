"""What the venue's own staff can do: bust, correct, halt, suspend, fill by hand, move sessions."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal

from fillwright.reports import Execution, Fill
from fillwright.testing.venue.books import Books
from fillwright.testing.venue.matching import Matching
from fillwright.testing.venue.records import VenueOrder
from fillwright.testing.venue.session import Phase
from fillwright.testing.venue.tape import Tape
from fillwright.types import (
    ZERO,
    BrokerOrderId,
    ExecType,
    ExecutionId,
    OrdStatus,
)

Turn = Callable[[], AbstractContextManager[None]]


class Control:
    """Make happen what customers cannot ask for. Ids that are not known raise KeyError."""

    def __init__(self, books: Books, tape: Tape, matching: Matching, turn: Turn) -> None:
        self._books = books
        self._tape = tape
        self._matching = matching
        self._floor = matching.floor
        self._turn = turn

    def bust(self, execution_id: ExecutionId) -> Execution:
        """Undo an execution; the order's status stays, its filled quantity falls."""
        return self._undo(execution_id, ZERO, ZERO)

    def correct(self, execution_id: ExecutionId, quantity: Decimal, price: Decimal) -> Execution:
        """Replace an execution by another quantity and price."""
        return self._undo(execution_id, quantity, price)

    def fill(self, order: BrokerOrderId, quantity: Decimal, price: Decimal) -> Execution:
        """Fill by hand, whatever the market shows; an ended order takes it as a late fill."""
        with self._turn():
            found = self._books.orders[order]
            if not found.ended and found.quantity is not None:
                quantity = min(quantity, found.leaves)
            market = self._matching.market(found.symbol)
            return self._floor.fill(found, market, quantity, price)

    def cancel(self, order: BrokerOrderId, text: str = "canceled by the venue") -> None:
        """Cancel an order that nobody asked to cancel."""
        self._end(order, OrdStatus.CANCELED, text)

    def reject(self, order: BrokerOrderId, text: str = "rejected by the venue") -> None:
        """Reject an order that was accepted."""
        self._end(order, OrdStatus.REJECTED, text)

    def expire(self, order: BrokerOrderId, text: str = "expired by the venue") -> None:
        """Let an order expire before its time."""
        self._end(order, OrdStatus.EXPIRED, text)

    def done_for_day(self, order: BrokerOrderId) -> None:
        """Let an order rest until the next session."""
        self._set(order, OrdStatus.DONE_FOR_DAY, ExecType.DONE_FOR_DAY)

    def suspend(self, order: BrokerOrderId) -> None:
        """Let an order rest until it is resumed."""
        self._set(order, OrdStatus.SUSPENDED, ExecType.SUSPENDED)

    def stop(self, order: BrokerOrderId) -> None:
        """Guarantee an order its fill (FIX "stopped"); it trades on as before."""
        self._set(order, OrdStatus.STOPPED, ExecType.STOPPED)

    def resume(self, order: BrokerOrderId) -> None:
        """Put an order that rests or was stopped back to work."""
        with self._turn():
            found = self._working(order)
            self._matching.market(found.symbol).restless = True
            self._floor.set_status(found, found.standing, ExecType.RESTATED, "")

    def halt(self, symbol: str) -> None:
        """Halt trading in a symbol: new orders are refused, resting ones wait."""
        with self._turn():
            self._books.halted[symbol] = None
            self._books.changed = True

    def unhalt(self, symbol: str) -> None:
        """Let a halted symbol trade again."""
        with self._turn():
            self._books.halted.pop(symbol, None)
            self._books.changed = True
            self._matching.match(self._matching.market(symbol))

    def block(self, *, blocked: bool = True) -> None:
        """Block the account, or lift the block."""
        with self._turn():
            self._books.blocked = blocked
            self._books.changed = True

    def close_session(self) -> None:
        """Close now: closing auction, end of DAY orders. The calendar is off from here on."""
        with self._turn():
            self._books.manual_session = True
            self._books.changed = True
            if self._books.phase is not Phase.CLOSED:
                self._matching.close(Phase.CLOSED)

    def open_session(self) -> None:
        """Open now: opening auction. The calendar is off from here on."""
        with self._turn():
            self._books.manual_session = True
            self._books.changed = True
            if self._books.phase is not Phase.OPEN:
                self._matching.open()

    def _undo(self, execution_id: ExecutionId, quantity: Decimal, price: Decimal) -> Execution:
        with self._turn():
            fill = self._standing(execution_id)
            order, execution = self._books.undo(fill, quantity, price, self._matching.now)
            for carrier in self._books.chain(order):
                if not carrier.ended:
                    self._floor.reserve(carrier, self._matching.market(carrier.symbol))
            self._floor.mark_fill(order, execution.price)
            kind = ExecType.TRADE_CORRECT if quantity else ExecType.TRADE_CANCEL
            self._tape.say(kind, order, self._matching.now, execution)
            return execution

    def _standing(self, execution_id: ExecutionId) -> Fill:
        fill = self._books.fills[self._books.fill_index[execution_id]]
        undone = any(other.execution.corrects == execution_id for other in self._books.fills)
        if undone or fill.exec_type is ExecType.TRADE_CANCEL:
            raise ValueError(f"execution {execution_id} was busted or corrected already")
        return fill

    def _working(self, order: BrokerOrderId) -> VenueOrder:
        found = self._books.orders[order]
        if found.ended:
            raise ValueError(f"order {order} is {found.status}")
        return found

    def _end(self, order: BrokerOrderId, status: OrdStatus, text: str) -> None:
        with self._turn():
            self._floor.end(self._working(order), status, text)

    def _set(self, order: BrokerOrderId, status: OrdStatus, kind: ExecType) -> None:
        with self._turn():
            self._floor.set_status(self._working(order), status, kind, "")
