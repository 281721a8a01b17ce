"""One order in the venue's own books."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillwright.reports import BrokerOrder
from fillwright.states import ENDED
from fillwright.types import (
    ZERO,
    BrokerOrderId,
    ClientOrderId,
    OrderClass,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)

#: Types that wait for a price before they trade.
WAITS = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP})
#: An order in one of these rests without trading.
RESTS = frozenset({OrdStatus.SUSPENDED, OrdStatus.DONE_FOR_DAY, OrdStatus.PENDING_NEW})
PENDING = frozenset({OrdStatus.PENDING_CANCEL, OrdStatus.PENDING_REPLACE})


@dataclass(slots=True, eq=False)
class VenueOrder:
    """One order; the venue changes it in place, everybody else only looks."""

    broker_order_id: BrokerOrderId
    client_order_id: ClientOrderId
    #: Time priority: the smaller was there first.
    rank: int
    symbol: str
    side: Side
    type: OrdType
    time_in_force: TimeInForce
    #: None for a buy by notional.
    quantity: Decimal | None
    notional: Decimal | None
    submitted_at: datetime
    updated_at: datetime
    #: The smallest quantity by which it fills.
    lot: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    expire_time: datetime | None = None
    extended_hours: bool = False
    reduce_only: bool = False
    order_class: OrderClass = OrderClass.SIMPLE
    status: OrdStatus = OrdStatus.NEW
    filled: Decimal = ZERO
    #: Sum of quantity times price over its fills.
    value: Decimal = ZERO
    #: Buying power that one share may cost; None when it costs none.
    hold_price: Decimal | None = None
    #: Buying power that it holds now.
    held: Decimal = ZERO
    #: Shares of the position that it ties up now.
    claim: Decimal = ZERO
    #: Whether its stop price was reached.
    triggered: bool = False
    #: The best price since it began to trail.
    watermark: Decimal | None = None
    parent: ClientOrderId | None = None
    #: The entry of which this is a leg.
    entry: BrokerOrderId | None = None
    legs: tuple[BrokerOrderId, ...] = ()
    #: The other leg: what one fills, the other loses.
    sibling: BrokerOrderId | None = None
    #: The sibling ties up the position for both.
    shadow: bool = False
    #: What will stand in its place once its pending replace takes effect.
    successor: BrokerOrderId | None = None
    replaces: BrokerOrderId | None = None
    replaced_by: BrokerOrderId | None = None
    #: The step after which its pending cancel or replace takes effect.
    due: int | None = None
    #: When its status became final.
    ended_at: datetime | None = None
    #: Taken while its market is closed, and not acknowledged before it opens.
    queued: bool = False
    text: str = ""

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status in ENDED

    @property
    def leaves(self) -> Decimal:
        """What can still trade; zero once ended, and for a buy by notional."""
        if self.quantity is None or self.status in ENDED:
            return ZERO
        return self.quantity - self.filled

    @property
    def complete(self) -> bool:
        """Whether nothing is left to trade by quantity."""
        return self.quantity is not None and self.filled >= self.quantity

    @property
    def marketable(self) -> bool:
        """Whether it trades at any price by now."""
        return self.limit_price is None and (self.triggered or self.type not in WAITS)

    @property
    def waits_to_replace(self) -> bool:
        """Whether it will stand in another order's place, and does not yet."""
        return self.status is OrdStatus.PENDING_NEW and self.replaces is not None

    @property
    def standing(self) -> OrdStatus:
        """Its status when nothing special is the matter."""
        return OrdStatus.PARTIALLY_FILLED if self.filled else OrdStatus.NEW

    @property
    def average_price(self) -> Decimal | None:
        """Average price of its fills."""
        return self.value / self.filled if self.filled else None

    def snapshot(self) -> BrokerOrder:
        """The order as the venue shows it."""
        return BrokerOrder(
            broker_order_id=self.broker_order_id,
            client_order_id=self.client_order_id,
            symbol=self.symbol,
            side=self.side,
            type=self.type,
            time_in_force=self.time_in_force,
            status=self.status,
            filled=self.filled,
            submitted_at=self.submitted_at,
            quantity=self.quantity,
            notional=self.notional,
            average_price=self.average_price,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            replaces=self.replaces,
            replaced_by=self.replaced_by,
            parent=self.parent,
            text=self.text,
        )
