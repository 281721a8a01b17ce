"""Cancel and replace: what may still be changed, and what stands afterwards."""

from copy import copy
from decimal import Decimal

from fillwright.orders import OrderChange
from fillwright.testing.venue.admission import Admission
from fillwright.testing.venue.books import Books
from fillwright.testing.venue.market import Market
from fillwright.testing.venue.matching import Matching
from fillwright.testing.venue.records import PENDING, VenueOrder
from fillwright.testing.venue.refusals import Refused, Why, duplicate
from fillwright.testing.venue.rules import is_whole, may_carry, off_tick
from fillwright.testing.venue.settings import VenueSettings
from fillwright.types import (
    ZERO,
    ClientOrderId,
    ExecType,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)

_LIMITED = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT})
_STOPPED = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})
_TRAILING = frozenset({OrdType.TRAILING_STOP})
#: Which types have which price.
_PRICES = {
    "limit_price": _LIMITED,
    "stop_price": _STOPPED,
    "trail_price": _TRAILING,
    "trail_percent": _TRAILING,
}
#: Not acknowledged or under change: neither may be replaced.
_NOT_REPLACEABLE = PENDING | {OrdStatus.PENDING_NEW}


class Changes:
    """Carry out what the owner of an order asks for after it was accepted."""

    def __init__(
        self, settings: VenueSettings, books: Books, matching: Matching, admission: Admission
    ) -> None:
        self._steps = settings.pending_steps
        self._books = books
        self._matching = matching
        self._admission = admission
        self._floor = matching.floor

    def cancel(self, order: VenueOrder) -> None:
        """Cancel it, now or after some steps; raises `Refused`."""
        if order.ended:
            text = f"order is not cancelable: it is {order.status}"
            raise Refused(order.client_order_id, Why.NOT_CANCELABLE, text)
        if order.status in PENDING:
            raise Refused(order.client_order_id, Why.NOT_CANCELABLE, f"order {order.status}")
        if order.waits_to_replace:
            text = "order is not cancelable: the replace that makes it is pending"
            raise Refused(order.client_order_id, Why.NOT_CANCELABLE, text)
        if not self._steps:
            self._floor.end(order, OrdStatus.CANCELED)
            return
        order.due = self._books.step + self._steps
        self._floor.set_status(order, OrdStatus.PENDING_CANCEL, ExecType.PENDING_CANCEL, "")

    def replace(
        self, order: VenueOrder, change: OrderChange, client_order_id: ClientOrderId
    ) -> VenueOrder:
        """Make the order that shall stand in its place; raises `Refused`."""
        self._check_replaceable(order)
        if client_order_id != order.client_order_id and client_order_id in self._books.by_client:
            raise duplicate(client_order_id)
        market = self._matching.market(order.symbol)
        new = self._changed(order, change, client_order_id)
        self._check_fields(order, new, change, market)
        self._check_cover(order, new, market)
        if not (new.sibling or new.parent or new.legs):
            self._admission.check_wash(new, market)
        new.broker_order_id = self._books.new_order_id()
        self._books.touch(order)
        if self._steps:
            self._wait(order, new, market)
        else:
            self._floor.switch(order, new, market)
            self._matching.take(new, market)
        return new

    def _check_replaceable(self, order: VenueOrder) -> None:
        if order.ended or order.status in _NOT_REPLACEABLE:
            text = f"cannot replace order in {order.status} status"
            raise Refused(order.client_order_id, Why.NOT_REPLACEABLE, text)
        if order.notional is not None:
            text = "notional orders cannot be replaced"
            raise Refused(order.client_order_id, Why.NOT_REPLACEABLE, text)

    def _changed(
        self, order: VenueOrder, change: OrderChange, client_order_id: ClientOrderId
    ) -> VenueOrder:
        new = copy(order)
        new.client_order_id = client_order_id
        new.replaces, new.replaced_by = order.broker_order_id, None
        new.held = new.claim = ZERO
        new.submitted_at = new.updated_at = self._matching.now
        for name in change.model_fields_set:
            value = getattr(change, name)
            if value is not None:
                setattr(new, name, value)
        if new.time_in_force is not TimeInForce.GTD:
            new.expire_time = None
        if {"trail_price", "trail_percent"} & change.model_fields_set:
            new.watermark = new.stop_price = None
            new.trail_price, new.trail_percent = change.trail_price, change.trail_percent
        return new

    def _check_fields(
        self, old: VenueOrder, new: VenueOrder, change: OrderChange, market: Market
    ) -> None:
        def refuse(why: Why, text: str) -> Refused:
            return Refused(old.client_order_id, why, text)

        given = {n: getattr(change, n) for n in change.model_fields_set}
        if all(value in (None, getattr(old, name)) for name, value in given.items()):
            raise refuse(Why.NOT_REPLACEABLE, "order parameters are not changed")
        for name, types in _PRICES.items():
            if given.get(name) is not None and old.type not in types:
                raise refuse(Why.BAD_PRICE, f"{old.type} orders have no {name}")
            if given.get(name) is not None and name in ("limit_price", "stop_price"):
                objection = off_tick(name, given[name], market.listing.instrument)
                if objection:
                    raise refuse(*objection)
        dated = new.time_in_force is TimeInForce.GTD and new.expire_time is None
        whole = is_whole(new.quantity or ZERO, market.listing.instrument)
        if dated or not may_carry(new.type, new.time_in_force, whole=whole):
            text = f"time in force cannot be changed to {new.time_in_force}"
            raise refuse(Why.UNSUPPORTED, text)
        if new.quantity != old.quantity:
            self._check_quantity(old, new, market)

    def _check_quantity(self, old: VenueOrder, new: VenueOrder, market: Market) -> None:
        quantity = new.quantity or ZERO
        if new.sibling or new.parent or new.legs:
            text = "qty of a complex order cannot be replaced"
            raise Refused(old.client_order_id, Why.NOT_REPLACEABLE, text)
        if not is_whole(quantity, market.listing.instrument) and is_whole(
            old.quantity or ZERO, market.listing.instrument
        ):
            text = "qty must be a whole number of lots"
            raise Refused(old.client_order_id, Why.BAD_QUANTITY, text)
        if quantity <= old.filled:
            raise Refused(old.client_order_id, Why.BAD_QUANTITY, "qty must be > filled_qty")

    def _check_cover(self, old: VenueOrder, new: VenueOrder, market: Market) -> None:
        """Whether the account can carry the new order once the old one is gone."""
        leaves = new.leaves
        if old.hold_price is None:
            available = self._available(old, market) + old.claim
            if leaves > available and not new.shadow:
                raise self._admission.insufficient(new, available)
            return
        if new.side is Side.BUY:
            new.hold_price = self._admission.buy_price(new, market)
        else:
            new.hold_price = self._admission.short_price(new, market)
        self._admission.check_funds(new, leaves * new.hold_price, released=old.held)

    def _available(self, order: VenueOrder, market: Market) -> Decimal:
        position = self._books.quantity(order.symbol)
        if order.side is Side.SELL:
            return position - market.open_sells
        return -position - market.open_buys

    def _wait(self, old: VenueOrder, new: VenueOrder, market: Market) -> None:
        """Keep both until the replace takes effect; the larger of both stays covered."""
        old.due = self._books.step + self._steps
        old.successor = new.broker_order_id
        self._books.hold(new, max(new.leaves * (new.hold_price or ZERO) - old.held, ZERO))
        if not new.shadow:
            market.claim(new, max(new.leaves - old.claim, ZERO))
        # The fills stay with the old order until the new one takes its place.
        new.filled = new.value = ZERO
        new.status = OrdStatus.PENDING_NEW
        self._books.keep_aside(new)
        self._floor.set_status(old, OrdStatus.PENDING_REPLACE, ExecType.PENDING_REPLACE, "")
