"""The measures of one fill, one order, and many orders together; definitions, and no more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillwright.types import ZERO, Side

#: Basis points in one.
BASIS_POINTS = Decimal(10_000)


def in_bps(cost: Decimal, worth: Decimal) -> Decimal | None:
    """A cost as basis points of what it is held against; None of nothing."""
    return cost / worth * BASIS_POINTS if worth else None


@dataclass(frozen=True, slots=True)
class FillCost:
    """One execution as it stands, and the middle of the quote at its time, if there was one."""

    execution_id: str
    at: datetime
    quantity: Decimal
    price: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    middle: Decimal | None = None

    def spread(self, side: Side) -> Decimal | None:
        """The effective spread in currency: twice the distance from the middle, times quantity."""
        if self.middle is None:
            return None
        return 2 * side.sign * (self.price - self.middle) * self.quantity


@dataclass(frozen=True, slots=True)
class OrderCost:
    """One order of ours that was sent, with its fills and the quote at arrival."""

    client_order_id: str
    symbol: str
    side: Side
    order_type: str
    strategy: str
    arrived_at: datetime
    #: What was ordered; None for an order by notional that the broker has not fixed.
    quantity: Decimal | None
    filled: Decimal
    #: Sum of quantity times price.
    value: Decimal
    fees: Decimal
    fills: tuple[FillCost, ...]
    bid: Decimal | None = None
    ask: Decimal | None = None
    #: The middle of the quote at arrival.
    arrival: Decimal | None = None

    @property
    def unfilled(self) -> Decimal:
        """What was ordered and not traded."""
        return max(self.quantity - self.filled, ZERO) if self.quantity is not None else ZERO

    @property
    def vwap(self) -> Decimal | None:
        """The volume-weighted average price of its own fills."""
        return self.value / self.filled if self.filled else None

    @property
    def costs(self) -> "Costs":
        """Its own measures."""
        return Costs.of((self,))


@dataclass(frozen=True, slots=True)
class Costs:
    """The measures of some orders together."""

    orders: int
    fills: int
    #: How many orders with a fill have no quote at arrival, and how many fills none at their time.
    without_arrival: int
    without_quote: int
    filled: Decimal
    unfilled: Decimal
    value: Decimal
    fees: Decimal
    #: Against the middle at arrival, fees left out; and what was traded, at that middle.
    arrival_cost: Decimal
    arrival_value: Decimal
    #: The fees of the orders that have a quote at arrival.
    arrival_fees: Decimal
    #: Twice the distance from the middle at each fill; and what was traded, at those middles.
    spread_cost: Decimal
    spread_value: Decimal

    @classmethod
    def of(cls, orders: Iterable[OrderCost]) -> "Costs":
        """Add them up."""
        every = list(orders)
        traded = [one for one in every if one.filled]
        known = [(one, one.arrival) for one in traded if one.arrival is not None]
        fills = [(one.side, fill) for one in every for fill in one.fills]
        quoted = [(side, f, f.middle) for side, f in fills if f.middle is not None]
        return cls(
            orders=len(every),
            fills=len(fills),
            without_arrival=len(traded) - len(known),
            without_quote=len(fills) - len(quoted),
            filled=_sum(one.filled for one in every),
            unfilled=_sum(one.unfilled for one in every),
            value=_sum(one.value for one in every),
            fees=_sum(one.fees for one in every),
            arrival_cost=_sum(o.side.sign * (o.value - o.filled * mid) for o, mid in known),
            arrival_value=_sum(one.filled * middle for one, middle in known),
            arrival_fees=_sum(one.fees for one, _ in known),
            spread_cost=_sum(fill.spread(side) or ZERO for side, fill, _ in quoted),
            spread_value=_sum(fill.quantity * middle for _, fill, middle in quoted),
        )

    @property
    def shortfall(self) -> Decimal:
        """The implementation shortfall of what was traded: cost against arrival, and fees."""
        return self.arrival_cost + self.arrival_fees

    @property
    def arrival_bps(self) -> Decimal | None:
        """The cost against arrival, in basis points."""
        return in_bps(self.arrival_cost, self.arrival_value)

    @property
    def shortfall_bps(self) -> Decimal | None:
        """The implementation shortfall, in basis points."""
        return in_bps(self.shortfall, self.arrival_value)

    @property
    def spread_bps(self) -> Decimal | None:
        """The effective spread, in basis points of the middle at each fill."""
        return in_bps(self.spread_cost, self.spread_value)


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    return sum(numbers, ZERO)
