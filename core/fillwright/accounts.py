"""What is held and what things cost: account, position, instrument, quote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from types import MappingProxyType

from fillwright.types import ZERO, AssetClass, Side

_SUB_DOLLAR_TICK = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Position:
    """What one account holds of one symbol."""

    symbol: str
    #: Signed: below zero is a short position.
    quantity: Decimal
    #: What is not tied up by open orders; absent where the broker does not say.
    available: Decimal | None = None
    average_price: Decimal | None = None
    market_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Balances and positions of one account at one moment, as the broker tells them."""

    account_id: str
    currency: str
    cash: Decimal
    #: What the broker will let new buys cost now, its own holds already taken off.
    buying_power: Decimal
    equity: Decimal
    as_of: datetime
    positions: Mapping[str, Position] = field(default_factory=lambda: MappingProxyType({}))
    #: The broker's own block: no order is possible.
    blocked: bool = False
    #: Equity at the last close; absent where the broker does not say.
    last_equity: Decimal | None = None

    def quantity(self, symbol: str) -> Decimal:
        """Shares or coins held, signed; zero when there is no position."""
        position = self.positions.get(symbol)
        return position.quantity if position else ZERO


@dataclass(frozen=True, slots=True)
class Instrument:
    """The rules of one symbol at one broker."""

    symbol: str
    asset_class: AssetClass = AssetClass.US_EQUITY
    tradable: bool = True
    fractionable: bool = True
    shortable: bool = True
    #: Smallest price step at one dollar and above.
    tick: Decimal = Decimal("0.01")
    #: Smallest price step below one dollar (SEC rule 612).
    sub_dollar_tick: Decimal = _SUB_DOLLAR_TICK
    #: Smallest step of a whole-share order.
    lot: Decimal = Decimal(1)
    #: Smallest step of a fractional order.
    fraction: Decimal = Decimal("0.000000001")
    min_notional: Decimal = Decimal(1)

    @property
    def step(self) -> Decimal:
        """The smallest step of a quantity."""
        return self.fraction if self.fractionable else self.lot

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Round down to a quantity that may be ordered; the rest is the caller's residual."""
        return (quantity / self.step).to_integral_value(ROUND_DOWN) * self.step

    def tick_at(self, price: Decimal) -> Decimal:
        """The price step that applies at `price`."""
        return self.tick if price >= 1 else self.sub_dollar_tick

    def round_price(self, price: Decimal, side: Side) -> Decimal:
        """Round to a tick, never to a worse price than asked: buys down, sells up."""
        tick = self.tick_at(price)
        way = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        return (price / tick).to_integral_value(way) * tick


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask of one symbol, with the time that the market gave it.

    A side without interest is None, never zero.
    """

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal
    ask_size: Decimal
    at: datetime

    @property
    def finite(self) -> bool:
        """Whether what it says are numbers: a NaN prices nothing."""
        bid, ask = self.bid, self.ask
        return (bid is None or bid.is_finite()) and (ask is None or ask.is_finite())

    @property
    def sound(self) -> bool:
        """Whether all of its numbers are numbers, sizes included."""
        return self.finite and self.bid_size.is_finite() and self.ask_size.is_finite()

    @property
    def crossed(self) -> bool:
        """Whether the bid stands above the ask: such a quote prices nothing."""
        return self.bid is not None and self.ask is not None and self.bid > self.ask

    @property
    def middle(self) -> Decimal | None:
        """Halfway between bid and ask; None when a side is missing or they cross."""
        if self.bid is None or self.ask is None or self.crossed:
            return None
        return (self.bid + self.ask) / 2

    def touch(self, side: Side) -> Decimal | None:
        """What an order on `side` would trade at now: the ask for BUY, the bid for SELL."""
        return self.ask if side is Side.BUY else self.bid

    def age(self, now: datetime) -> timedelta:
        """How old it is; below zero when the market's clock runs ahead of ours."""
        return now - self.at


@dataclass(frozen=True, slots=True)
class MarketSession:
    """The broker's own clock: its time, and whether its market is open."""

    at: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime


@dataclass(frozen=True, slots=True)
class TradingDay:
    """One day on which the market opens, with its regular hours."""

    day: date
    opens: datetime
    closes: datetime
