"""The floor: fill, end, hold and the ties between legs. Every change of an order is made here."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from fillwright.reports import Execution
from fillwright.testing.venue.books import Books
from fillwright.testing.venue.market import Market, affordable
from fillwright.testing.venue.records import PENDING, VenueOrder
from fillwright.testing.venue.tape import Tape
from fillwright.types import ZERO, ExecType, OrdStatus, Side

_ENDINGS = {
    OrdStatus.CANCELED: ExecType.CANCELED,
    OrdStatus.EXPIRED: ExecType.EXPIRED,
    OrdStatus.REJECTED: ExecType.REJECTED,
}
#: Statuses that a partial fill leaves as they are (FIX: the order of precedence).
_STRONGER = PENDING | {OrdStatus.STOPPED, OrdStatus.DONE_FOR_DAY, OrdStatus.SUSPENDED}


class Floor:
    """Carry out what was decided, in books and tape alike."""

    def __init__(self, books: Books, tape: Tape, market_of: Callable[[str], Market]) -> None:
        self.books = books
        self.tape = tape
        self.market_of = market_of
        self.now: datetime

    def enter(self, order: VenueOrder, market: Market) -> None:
        """Take an order into the books, with its holds, and say so."""
        self.books.keep(order)
        market.working[order.broker_order_id] = order
        self.reserve(order, market)
        waiting = order.status is OrdStatus.PENDING_NEW or order.queued
        self.tape.say(ExecType.PENDING_NEW if waiting else ExecType.NEW, order, self.now)

    def reserve(self, order: VenueOrder, market: Market) -> None:
        """Let the order hold what its rest may cost, and tie up what it may sell."""
        if order.ended or order.status is OrdStatus.PENDING_NEW:
            hold = claim = ZERO
        elif order.quantity is None:
            hold, claim = (order.notional or ZERO) - order.value, ZERO
        else:
            leaves = order.quantity - order.filled
            hold = leaves * order.hold_price if order.hold_price is not None else ZERO
            claim = ZERO if order.shadow else leaves
        if hold != order.held:
            self.books.hold(order, hold)
        if claim != order.claim:
            market.claim(order, claim)

    def trade(self, order: VenueOrder, market: Market, price: Decimal) -> bool:
        """Fill what the displayed size allows at `price`; tell whether anything traded."""
        quantity = market.quantity_for(order, price)
        if quantity <= 0:
            return False
        market.consume(order.side, quantity)
        self.fill(order, market, quantity, price)
        return True

    def fill(
        self, order: VenueOrder, market: Market, quantity: Decimal, price: Decimal
    ) -> Execution:
        """Book one trade, whatever the order's status; an ended order keeps its own."""
        execution = self.books.book(order, quantity, price, self.now)
        order.filled += quantity
        order.value += quantity * price
        order.updated_at = self.now
        late = order.ended
        if not late:
            self._advance_status(order, price)
            if order.ended:
                market.working.pop(order.broker_order_id, None)
            self.reserve(order, market)
        self.mark_fill(order, price)
        self.tape.say(ExecType.TRADE, order, self.now, execution)
        if order.ended and not late:
            self.refuse_pending(order, market)
        if not late and (order.legs or order.sibling):
            self._filled_in_group(order, quantity)
        return execution

    def mark_fill(self, order: VenueOrder, price: Decimal) -> None:
        """Note how the order stands after an execution at `price`."""
        whole = order.quantity is not None or order.ended
        self.books.mark(order, order.leaves if whole else affordable(order, price))

    def refuse_pending(self, order: VenueOrder, market: Market) -> None:
        """A fill won the race: what was pending about the order came to nothing."""
        was_cancel = order.due is not None and order.successor is None
        order.due = None
        if was_cancel:
            self.tape.say(ExecType.CANCEL_REJECTED, order, self.now)
        self.abandon_replace(order, market)

    def _advance_status(self, order: VenueOrder, price: Decimal) -> None:
        if order.quantity is None and not affordable(order, price):
            order.quantity = order.filled
        if order.complete:
            order.status, order.ended_at = OrdStatus.FILLED, self.now
        elif order.status not in _STRONGER:
            order.status = OrdStatus.PARTIALLY_FILLED

    def end(self, order: VenueOrder, status: OrdStatus, text: str = "") -> None:
        """End an order that is not ended, and what hangs on it."""
        if order.ended:
            return
        self._leave(order, status, text)
        self.tape.say(_ENDINGS[status], order, self.now)
        self.abandon_replace(order, self.market_of(order.symbol))
        if order.legs:
            self._entry_ended(order)
        if order.sibling:
            other = self.books.orders[order.sibling]
            self.end(other, OrdStatus.CANCELED, "the other leg ended")

    def mark(self, symbol: str) -> Decimal:
        """A price for what is held of a symbol."""
        return self.market_of(symbol).mark()

    def buying_power(self) -> Decimal:
        """What new buys may cost now; below zero when the market turned on the account."""
        return self.books.buying_power(self.mark)

    def settle_replace(self, old: VenueOrder, market: Market) -> None:
        """Carry a pending replace out, or give it up when what it needs is no longer there."""
        if old.successor is None:
            return
        new = self.books.orders[old.successor]
        old.due = old.successor = None
        quantity = new.quantity or ZERO
        self.free_successor(new, market)
        cost = (quantity - old.filled) * (new.hold_price or ZERO)
        if quantity <= old.filled:
            self._give_up(old, new, "qty must be > filled_qty")
        elif new.hold_price is not None and cost > self.buying_power() + old.held:
            self._give_up(old, new, "insufficient buying power")
        else:
            self.switch(old, new, market)

    def free_successor(self, new: VenueOrder, market: Market) -> None:
        """Give back what a pending replace holds beyond the order that it changes."""
        self.books.hold(new, ZERO)
        market.claim(new, ZERO)

    def abandon_replace(self, old: VenueOrder, market: Market) -> None:
        """The order ended first, so the replace came to nothing."""
        if old.successor is None:
            return
        new = self.books.orders[old.successor]
        old.successor = None
        self.free_successor(new, market)
        self._reject_successor(new, f"the order is {old.status}")
        self.tape.say(ExecType.REPLACE_REJECTED, old, self.now)

    def _give_up(self, old: VenueOrder, new: VenueOrder, text: str) -> None:
        self._reject_successor(new, text)
        self.set_status(old, old.standing, ExecType.REPLACE_REJECTED, text)

    def _reject_successor(self, new: VenueOrder, text: str) -> None:
        new.status, new.text = OrdStatus.REJECTED, text
        new.updated_at = new.ended_at = self.now
        self.books.touch(new)

    def switch(self, old: VenueOrder, new: VenueOrder, market: Market) -> None:
        """Let `new` stand where `old` stood, fills carried over."""
        new.filled, new.value, new.triggered = old.filled, old.value, old.triggered
        new.status = new.standing
        new.rank = self.books.new_rank()
        new.updated_at = self.now
        old.replaced_by = new.broker_order_id
        self._leave(old, OrdStatus.REPLACED, "")
        self._retie(old, new)
        self.tape.say(ExecType.REPLACED, old, self.now, replaced_by=new.broker_order_id)
        market.working[new.broker_order_id] = new
        market.restless = True
        self.reserve(new, market)
        self.books.keep(new)
        self.tape.say(ExecType.NEW, new, self.now)

    def set_status(self, order: VenueOrder, status: OrdStatus, kind: ExecType, text: str) -> None:
        """Give a working order another status that does not end it."""
        order.status = status
        order.text = text
        self.say(kind, order)

    def say(self, kind: ExecType, order: VenueOrder) -> None:
        """Report an order that changed."""
        order.updated_at = self.now
        self.books.touch(order)
        self.tape.say(kind, order, self.now)

    def _leave(self, order: VenueOrder, status: OrdStatus, text: str) -> None:
        market = self.market_of(order.symbol)
        order.status = status
        order.text = text
        order.due = None
        order.updated_at = order.ended_at = self.now
        market.working.pop(order.broker_order_id, None)
        self.reserve(order, market)
        self.books.touch(order)

    def _retie(self, old: VenueOrder, new: VenueOrder) -> None:
        for leg in map(self.books.orders.__getitem__, old.legs):
            leg.entry = new.broker_order_id
            self.books.touch(leg)
        if old.sibling is not None:
            other = self.books.orders[old.sibling]
            other.sibling = new.broker_order_id
            if other.entry == old.broker_order_id:
                # The stop of an OCO is the leg of whatever stands as its limit.
                other.entry = new.broker_order_id
            self.books.touch(other)
        if old.entry is not None:
            entry = self.books.orders[old.entry]
            entry.legs = tuple(
                new.broker_order_id if leg == old.broker_order_id else leg for leg in entry.legs
            )
            self.books.touch(entry)
        # The old order keeps its links for the record; only the new one acts on them.
        new.legs, new.sibling, new.entry, new.shadow = old.legs, old.sibling, old.entry, old.shadow
        old.legs, old.sibling = (), None

    def _filled_in_group(self, order: VenueOrder, quantity: Decimal) -> None:
        if order.legs and order.ended:
            self._entry_ended(order)
        if order.sibling is None:
            return
        other = self.books.orders[order.sibling]
        if order.ended:
            self.end(other, OrdStatus.CANCELED, "the other leg was filled")
        elif not other.ended and other.quantity is not None:
            other.quantity -= quantity
            self.reserve(other, self.market_of(other.symbol))
            self.say(ExecType.RESTATED, other)

    def _entry_ended(self, entry: VenueOrder) -> None:
        """Wake the legs for what was filled, or end them when nothing was."""
        legs = [self.books.orders[leg] for leg in entry.legs]
        held = [leg for leg in legs if leg.status is OrdStatus.PENDING_NEW]
        if not held:
            return
        quantity = min(entry.filled, self._free(held[0]))
        for leg in held:
            if quantity <= 0:
                self.end(leg, OrdStatus.CANCELED, "the entry left nothing to protect")
            else:
                self._wake(leg, quantity)

    def _free(self, leg: VenueOrder) -> Decimal:
        market = self.market_of(leg.symbol)
        position = self.books.quantity(leg.symbol)
        if leg.side is Side.SELL:
            return position - market.open_sells
        return -position - market.open_buys

    def _wake(self, leg: VenueOrder, quantity: Decimal) -> None:
        market = self.market_of(leg.symbol)
        leg.quantity = quantity
        leg.rank = self.books.new_rank()
        leg.status = OrdStatus.NEW
        leg.text = ""
        market.restless = True
        self.reserve(leg, market)
        self.say(ExecType.NEW, leg)
