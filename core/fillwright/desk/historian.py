"""The desk's history: every fact that checks may count, live and at replay alike.

Rules:
1. It is fed by the facts that are journaled and by nothing else, so a restart resets no limit.
2. An approval counts from the moment it is given. It becomes an event of the log once its request
   had any outcome, and is no event when it is proven that nothing left.
3. Orders that somebody else placed are not this desk's deeds.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from fillwright.history import Deed, Event, History, Log
from fillwright.inputs import windows
from fillwright.ledger import (
    Asked,
    Change,
    ChangeRefused,
    Doubted,
    EndedUnsent,
    OrderFact,
    Refused,
    Sent,
    Settled,
    Staged,
    Unsent,
)
from fillwright.orders import Order
from fillwright.reports import Source
from fillwright.risk import deeds
from fillwright.states import Action, OrderState, Owner
from fillwright.types import ZERO, ClientOrderId, OrdStatus

#: Kept whatever the checks declare: a trading day, also when clocks go back, and some.
A_DAY = timedelta(hours=26)
#: A view may be a little older than what is pruned meanwhile.
_SLACK = timedelta(hours=1)


def retention_of(checks: Iterable[object]) -> timedelta:
    """The longest window that any of these checks declared, and a day at least."""
    needs = (one for check in checks for one in getattr(check, "needs", ()))
    return max((A_DAY, *windows(needs)))


#: Makes an event once somebody asks, or once it is certain that it happened.
Make = Callable[[], Event]


class _Once:
    """Makes its event when it is first asked for: most are never, and some by every view."""

    __slots__ = ("_event", "_make")

    def __init__(self, make: Make) -> None:
        self._make = make
        self._event: Event | None = None

    def __call__(self) -> Event:
        if self._event is None:
            self._event = self._make()
        return self._event


class Historian:
    """Keep the events of the last `retention`, and hand out views of them."""

    def __init__(self, retention: timedelta = A_DAY) -> None:
        self._retention = max(retention, A_DAY) + _SLACK
        self._log = Log()
        #: Approved or sent, and without an outcome so far; and the same of changes.
        self._orders: dict[ClientOrderId, Make] = {}
        self._changes: dict[ClientOrderId, Make] = {}
        self._view: History | None = None
        #: What takes in each kind of fact; any other is the broker's word.
        self._takes: dict[type[OrderFact], Callable[[Any, OrderState], None]] = {
            Staged: self._staged,
            Sent: self._sent,
            Refused: self._refused,
            Asked: self._asked,
            ChangeRefused: self._change_refused,
            Doubted: self._doubted,
            Settled: self._settled,
            Unsent: self._unsent,
            EndedUnsent: self._unsent,
        }

    def view(self, now: datetime) -> History:
        """What was done until now; the same view while nothing is added."""
        if self._view is None:
            pending = (*self._orders.values(), *self._changes.values())
            parts = partial(_parts, self._log, self._log.end, pending)
            self._view = History((), now - self._retention, later=(parts,))
        return self._view

    def reserve(self, key: ClientOrderId, event: Make, *, change: bool) -> None:
        """Count an approval that is not recorded yet."""
        self._pending(change)[key] = _Once(event)
        self._view = None

    def release(self, key: ClientOrderId, *, change: bool) -> None:
        """Let go of an approval that was not used."""
        if self._pending(change).pop(key, None) is not None:
            self._view = None

    def note(self, change: Change) -> None:
        """Take in one fact of an order, behind the fold."""
        fact, after = change.fact, change.after
        if after is None or not isinstance(fact, OrderFact) or after.owner is Owner.FOREIGN:
            return
        known = self._takes.get(type(fact))
        if known is not None:
            known(fact, change.before or after)
        else:
            self._told(change, change.before or after, after)

    # ------------------------------------------------------------------ facts

    def _staged(self, _fact: Staged, _before: OrderState) -> None:
        """Nothing was done yet."""

    def _sent(self, fact: Sent, before: OrderState) -> None:
        if before.order is not None:
            self.reserve(fact.key, partial(_sent_event, fact, before.order), change=False)

    def _refused(self, fact: Refused, before: OrderState) -> None:
        if before.order is not None:
            order, reasons = before.order, fact.reasons
            self._add(deeds.refused(order, fact.key, fact.at, reasons, order.quantity))

    def _change_refused(self, fact: ChangeRefused, before: OrderState) -> None:
        if before.order is not None:
            order = before.order.model_copy(update=fact.change.model_dump(exclude_none=True))
            more = deeds.more_of(order, before.quantity)
            self._add(deeds.refused(order, fact.key, fact.at, fact.reasons, more))

    def _asked(self, fact: Asked, before: OrderState) -> None:
        if before.order is None:
            return
        if fact.action is Action.CANCEL:
            self._add(_event(Deed.CANCEL_SENT, fact, before.order, before.leaves, None))
        elif fact.change is not None:
            self.reserve(fact.key, partial(_change_event, fact, before), change=True)

    def _doubted(self, fact: Doubted, before: OrderState) -> None:
        self._settle(fact.key, change=fact.action is Action.REPLACE)
        if not before.in_doubt and before.order is not None:
            self._add(_event(Deed.IN_DOUBT, fact, before.order, before.leaves, None))

    def _unsent(self, fact: OrderFact, _before: OrderState) -> None:
        self.release(fact.key, change=False)

    def _settled(self, fact: Settled, _before: OrderState) -> None:
        if fact.action is not Action.REPLACE:
            return
        if fact.evidence.source is Source.NOT_SENT:
            self.release(fact.key, change=True)
        else:
            self._settle(fact.key, change=True)

    def _told(self, change: Change, before: OrderState, after: OrderState) -> None:
        """What the broker said, or what was concluded from its books."""
        key = after.client_order_id
        if self._orders:
            self._settle(key, change=False)
        if self._changes and after.awaiting(Action.REPLACE) is None:
            self._settle(key, change=True)
        if after.status is OrdStatus.REJECTED and before.status is not OrdStatus.REJECTED:
            self._add(_state_event(Deed.REJECTED, after, quantity=after.quantity))
        if after.filled > before.filled:
            # What was inferred and is now proven moves nothing, and is counted once.
            quantity, value = after.filled - before.filled, after.value - before.value
            price = change.execution.price if change.execution else value / quantity
            self._add(_state_event(Deed.FILLED, after, quantity, value, price))

    # ------------------------------------------------------------------ keeping

    def _pending(self, change: bool) -> dict[ClientOrderId, Make]:  # noqa: FBT001
        return self._changes if change else self._orders

    def _settle(self, key: ClientOrderId, *, change: bool) -> None:
        """Its request had an outcome: it was sent."""
        make = self._pending(change).pop(key, None)
        if make is not None:
            self._add(make())

    def _add(self, event: Event) -> None:
        self._log.append(event)
        self._log.prune(self._retention + _SLACK)
        self._view = None


def _parts(log: Log, end: int, pending: Collection[Make]) -> Sequence[tuple[Log, int]]:
    if not pending:
        return ((log, end),)
    held = Log(make() for make in pending)
    return ((log, end), (held, held.end))


def _sent_event(fact: Sent, order: Order) -> Event:
    value = order.notional
    if value is None and fact.worst_price is not None and fact.quantity is not None:
        value = fact.quantity * fact.worst_price
    worth = fact.value if value is None else value
    return _event(Deed.SENT, fact, order, fact.quantity, worth, opening=not fact.reduces)


def _change_event(fact: Asked, before: OrderState) -> Event:
    order, change = before.order, fact.change
    assert order is not None and change is not None  # noqa: S101, PT018  # its caller looked
    asked = order.model_copy(update=change.model_dump(exclude_none=True))
    added, value = _added(fact, before, order)
    return _event(Deed.REPLACED, fact, asked, added, value, opening=not fact.reduces)


def _added(fact: Asked, before: OrderState, order: Order) -> tuple[Decimal | None, Decimal | None]:
    """By how much a change makes the rest of an order larger, in quantity and in value."""
    change = fact.change
    assert change is not None  # noqa: S101  # its caller looked
    old, new = before.quantity, change.quantity or before.quantity
    if old is None or new is None:
        return None, fact.value
    if fact.value is not None:
        return max(new - old, ZERO), fact.value
    # Older journals do not say it.
    price = change.limit_price or change.stop_price or order.limit_price or order.stop_price
    price = price or fact.worst_price
    was = order.limit_price or order.stop_price or price
    if price is None or was is None:
        return max(new - old, ZERO), None
    filled = before.filled
    return max(new - old, ZERO), max((new - filled) * price - (old - filled) * was, ZERO)


def _event(
    kind: Deed,
    fact: OrderFact,
    order: Order,
    quantity: Decimal | None,
    value: Decimal | None,
    *,
    opening: bool = True,
) -> Event:
    return Event(
        kind,
        fact.at,
        order.symbol,
        order.side,
        fact.key,
        quantity,
        value,
        order.limit_price or order.stop_price,
        order.strategy or "",
        order.plan_id or "",
        (),
        opening,
        order.parent_id or "",
        order.parent_quantity,
    )


def _state_event(
    kind: Deed,
    state: OrderState,
    quantity: Decimal | None,
    value: Decimal | None = None,
    price: Decimal | None = None,
) -> Event:
    """The same for an order of which the content may not be ours: the leg of a bracket."""
    order = state.order
    return Event(
        kind,
        state.updated_at,
        state.symbol,
        state.side,
        state.client_order_id,
        quantity,
        value,
        price,
        (order.strategy or "") if order else "",
        (order.plan_id or "") if order else "",
        parent=(order.parent_id or "") if order else "",
        parent_quantity=order.parent_quantity if order else None,
    )
