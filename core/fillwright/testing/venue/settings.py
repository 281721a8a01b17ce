"""What a venue can be told: money, prices, hours, and its habits."""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from fillwright.types import Amount, AssetClass, Name, NonNegative, Price, Quantity, Symbol, Value


class Hours(StrEnum):
    """When the venue trades."""

    #: One session a UTC day, without a pause: a demo works on a Sunday.
    ALWAYS = "always"
    #: 09:30 to 16:00 New York, Monday to Friday, with 04:00 to 20:00 for extended hours.
    US = "us"


class Replay(StrEnum):
    """How the times of a quotes file are read."""

    #: A row stands from its own time on.
    CLOCK = "clock"
    #: The first row stands from the venue's first start on; the others follow it.
    START = "start"


class ListingSettings(Value):
    """A new instrument, or what is different about a known one."""

    price: Price | None = None
    asset_class: AssetClass | None = None
    tradable: bool | None = None
    fractionable: bool | None = None
    shortable: bool | None = None
    tick: Price | None = None
    sub_dollar_tick: Price | None = None
    lot: Quantity | None = None
    fraction: Quantity | None = None
    min_notional: NonNegative | None = None


class VenueSettings(Value):
    """Everything about a venue that is not its state."""

    account_id: Name = "FAKE-1"
    #: Chooses the price paths.
    seed: int = 7
    cash: NonNegative = Decimal(100_000)
    #: Opening positions, signed.
    positions: dict[Symbol, Amount] = Field(default_factory=dict)
    #: How many dollars an account may hold for each of its own.
    multiplier: Quantity = Decimal(1)
    shorting: bool = True
    instruments: dict[Symbol, ListingSettings] = Field(default_factory=dict)
    #: A CSV file (time,symbol,bid,ask,bid_size,ask_size) instead of seeded paths.
    quotes: Path | None = None
    replay: Replay = Replay.CLOCK
    #: Seconds from one quote to the next; 0: only when told.
    step: float = Field(default=0.05, ge=0, le=3600, allow_inf_nan=False)
    #: Displayed size at every seeded touch; seeded too when absent.
    depth: Quantity | None = None
    #: How far seeded prices move: 1 is a few percent a day, 0 not at all.
    volatility: NonNegative = Decimal(1)
    hours: Hours = Hours.ALWAYS
    #: Acknowledge an order for which the market is closed only when it opens (PENDING_NEW at
    #: first, then NEW); otherwise at once.
    queue_when_closed: bool = False
    #: Steps for which a cancel or replace is pending before it takes effect; fills go on.
    pending_steps: int = Field(default=0, ge=0, le=1000)

    @property
    def interval(self) -> timedelta:
        """The time from one step to the next."""
        return timedelta(seconds=self.step)
