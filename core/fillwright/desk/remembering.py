"""What orders of a moment ago asked for, as an earlier process recorded it."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from fillwright.desk.keeper import Keeper
from fillwright.history import Deed
from fillwright.ledger import Asked, Sent, Staged, decode
from fillwright.orders import Order
from fillwright.protocols import Clock, Record
from fillwright.risk import RecentOrders
from fillwright.risk.recent import REMEMBERED
from fillwright.types import ClientOrderId


def remember(recent: RecentOrders, keeper: Keeper, clock: Clock) -> None:
    """Put back what was sent and changed a moment ago, each as it was asked for then."""
    now, moment = clock.now(), clock.monotonic()
    since = now - REMEMBERED
    events = keeper.historian.view(now).events(Deed.SENT, Deed.REPLACED, since=since)
    for key in dict.fromkeys(ClientOrderId(event.client_order_id) for event in events):
        for order, at in _asked_for(keeper.journal.about(key)):
            if at >= since:
                recent.add(order, key, at, moment)


def _asked_for(records: Iterable[Record]) -> Iterator[tuple[Order, datetime]]:
    """Every content that one order was asked to have, and when it left."""
    facts = [decode(record) for record in records]
    order = next(fact.order for fact in facts if isinstance(fact, Staged))
    for fact in facts:
        if isinstance(fact, Sent):
            yield order, fact.at
        elif isinstance(fact, Asked) and fact.change is not None:
            order = fact.change.applied_to(order)
            yield order, fact.at
