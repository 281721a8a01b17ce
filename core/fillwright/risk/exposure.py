"""Worst-case arithmetic: what orders under way may still do to a position.

Rules:
1. Working, in flight, in doubt and waiting for a person all count in full; of a replace whose
   outcome is open, the larger quantity.
2. An ended order counts what the broker claims as filled and no execution has shown yet, because
   that will still move the position; nothing once it is settled.
3. A staged order counts once the gate approved it, which is when its terms are given.
4. The price of an order without a limit is fixed when it is approved, and so is the quantity of
   an order by notional. Terms never get milder while the order lives.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from fillwright.book import ALONE, FLAT, Beside, BookView, Exposure
from fillwright.orders import Order
from fillwright.risk.beside import joined, resting_price
from fillwright.states import OrderState
from fillwright.types import ZERO, OrdStatus, Side


class Terms(NamedTuple):
    """What was fixed for one order when it was approved."""

    #: The highest price that one share or coin could trade at; None when nobody knows.
    price: Decimal | None = None
    #: For an order by notional: the most that it may trade.
    quantity: Decimal | None = None

    @classmethod
    def of(cls, order: Order, view: BookView) -> "Terms":
        """The terms of `order` as the view stands."""
        quantity = view.worst_quantity(order) if order.quantity is None else None
        return cls(view.worst_price(order), quantity)

    def harder(self, other: "Terms") -> "Terms":
        """The worse of both, for an order that stands on either."""
        return Terms(_larger(self.price, other.price), _larger(self.quantity, other.quantity))


NO_TERMS = Terms()


def _larger(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def worst_leaves(state: OrderState, terms: Terms = NO_TERMS) -> Decimal:
    """The most that the order may still trade, fills that are only claimed included.

    An order by notional needs its terms; without them only its value is called unknown.
    """
    if state.ended:
        return state.missing
    total = state.quantity
    if total is None:
        total = terms.quantity or ZERO
    for pending in state.pending:
        if pending.quantity is not None:
            total = max(total, pending.quantity)
    return max(total - state.filled, state.missing)


def worst_price(state: OrderState, terms: Terms = NO_TERMS) -> Decimal | None:
    """The highest price that the rest may trade at; None when nobody knows."""
    price = terms.price
    if price is None and state.order is not None:
        price = state.order.limit_price
    for pending in state.pending:
        if pending.change is not None:
            price = _larger(price, pending.change.limit_price)
    return price


def worst_value(state: OrderState, terms: Terms = NO_TERMS) -> Decimal | None:
    """The most that the rest may cost or bring, in account currency; None when nobody knows."""
    return _value_of(worst_leaves(state, terms), state, terms)


def _value_of(leaves: Decimal, state: OrderState, terms: Terms) -> Decimal | None:
    unsized = state.quantity is None and terms.quantity is None and not state.ended
    if not leaves and not unsized:
        return ZERO
    price = worst_price(state, terms)
    return None if price is None or unsized else leaves * price


class _Part(NamedTuple):
    """What one order adds to its symbol."""

    symbol: str
    side: Side
    quantity: Decimal
    value: Decimal | None
    #: Where it rests.
    price: Decimal | None = None
    #: Whose child it is.
    parent: str | None = None


_NOBODY: Mapping[str, _Part] = MappingProxyType({})


def _with(held: Exposure, part: _Part, sign: int) -> Exposure:
    quantity, value = sign * part.quantity, sign * (part.value or ZERO)
    buys = part.side is Side.BUY
    return Exposure(
        held.position,
        held.open_buys + quantity if buys else held.open_buys,
        held.open_sells if buys else held.open_sells + quantity,
        held.open_buy_value + value if buys else held.open_buy_value,
        held.open_sell_value if buys else held.open_sell_value + value,
        held.orders + sign,
        held.unpriced + (sign if part.value is None else 0),
        held.buy_orders + (sign if buys else 0),
    )


class ExposureBook:
    """Every symbol's exposure, kept up with each change in constant time.

    Entries are immutable, and `snapshot` is one frozen mapping until something changes.
    """

    def __init__(self) -> None:
        self._symbols: dict[str, Exposure] = {}
        self._parts: dict[str, _Part] = {}
        #: The same by symbol.
        self._beside: dict[str, dict[str, _Part]] = {}
        self._terms: dict[str, Terms] = {}
        self._snapshot: Mapping[str, Exposure] | None = None

    def set_position(self, symbol: str, quantity: Decimal) -> None:
        """Take the ledger's position."""
        held = self._symbols.get(symbol, FLAT)
        if held.position != quantity:
            self._keep(symbol, held._replace(position=quantity))

    def update(
        self, old: OrderState | None, new: OrderState | None, terms: Terms | None = None
    ) -> None:
        """Follow one order from `old` to `new`; None where it is not there yet or no more.

        Give `terms` when the gate approved it or a change of it: they hold until it ends.
        """
        state = new or old
        if state is None:
            return
        client_id = state.client_order_id
        known = self._terms.get(client_id)
        if terms is not None:
            if known is not None and known != terms:
                terms = known.harder(terms)
            known = self._terms[client_id] = terms
        elif old and new and client_id in self._parts and _counts_alike(old, new):
            return
        counts = new is not None and (known is not None or new.status is not OrdStatus.STAGED)
        part = _part(new, known or NO_TERMS) if new and counts else None
        if part is None and (new is None or new.ended):
            self._terms.pop(client_id, None)
        self._exchange(client_id, part)

    def release(self, client_order_id: str) -> None:
        """Let go of an approval that was not used: the order counts no more until it is sent."""
        self._terms.pop(client_order_id, None)
        self._exchange(client_order_id, None)

    def snapshot(self) -> Mapping[str, Exposure]:
        """Every symbol with a position or an order under way, as it stands now."""
        if self._snapshot is None:
            self._snapshot = MappingProxyType(self._symbols.copy())
        return self._snapshot

    def value_of(self, client_order_id: str) -> Decimal | None:
        """What the rest of one order under way may cost or bring; None when nobody knows."""
        part = self._parts.get(client_order_id)
        return None if part is None else part.value

    def cost_of(self, client_order_id: str) -> Decimal:
        """What one order under way may still take out of the buying power.

        Zero for a sell that only reduces, and where nobody knows its price.
        """
        part = self._parts.get(client_order_id)
        if part is None:
            return ZERO
        held = self._symbols[part.symbol]
        reduces = part.side is Side.SELL and held.position >= held.open_sells
        return ZERO if reduces else part.value or ZERO

    def without(self, client_order_id: str) -> Mapping[str, Exposure]:
        """The snapshot without one order: what a replace of that order is judged on."""
        part = self._parts.get(client_order_id)
        if part is None:
            return self.snapshot()
        held = _with(self._symbols[part.symbol], part, -1)
        return MappingProxyType({**self._symbols, part.symbol: held})

    def beside(self, order: Order, own: str) -> Beside:
        """What stands beside `order`, which is under way as `own` if it is at all."""
        found = ALONE
        for client_id, part in self._beside.get(order.symbol, _NOBODY).items():
            if client_id != own:
                child = order.parent_id is not None and part.parent == order.parent_id
                found = joined(found, part.side, part.price, part.quantity if child else ZERO)
        return found

    def _exchange(self, client_id: str, part: _Part | None) -> None:
        before = self._parts.get(client_id)
        if before == part:
            return
        if before is not None:
            held = _with(self._symbols[before.symbol], before, -1)
            self._keep(before.symbol, held)
            del self._parts[client_id]
            alike = self._beside[before.symbol]
            del alike[client_id]
            if not alike:
                del self._beside[before.symbol]
        if part is not None:
            self._keep(part.symbol, _with(self._symbols.get(part.symbol, FLAT), part, +1))
            self._parts[client_id] = part
            self._beside.setdefault(part.symbol, {})[client_id] = part

    def _keep(self, symbol: str, held: Exposure) -> None:
        self._snapshot = None
        if held == FLAT:
            self._symbols.pop(symbol, None)
        else:
            self._symbols[symbol] = held


def _part(state: OrderState, terms: Terms) -> _Part | None:
    leaves = worst_leaves(state, terms)
    if not leaves and state.ended:
        return None
    value, parent = _value_of(leaves, state, terms), state.order.parent_id if state.order else None
    return _Part(state.symbol, state.side, leaves, value, resting_price(state), parent)


def _counts_alike(old: OrderState, new: OrderState) -> bool:
    """Whether nothing changed that the worst case is made of: most acknowledgements."""
    return (
        old.filled is new.filled
        and old.quantity is new.quantity
        and old.claimed is new.claimed
        and old.order is new.order
        and new.status is not OrdStatus.STAGED
        and not new.ended
        and not old.ended
        and not _resizes(old)
        and not _resizes(new)
    )


def _resizes(state: OrderState) -> bool:
    """Whether a request is under way that may change its size or price."""
    for pending in state.pending:  # `any` builds a generator on every change
        if pending.change is not None or pending.quantity is not None:
            return True
    return False
