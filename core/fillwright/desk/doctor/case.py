"""What is known of the desk under examination; each probe adds to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from fillwright.accounts import Account, MarketSession
from fillwright.config import DeskConfig
from fillwright.desk.doctor.asking import answered
from fillwright.journal import Sight
from fillwright.ledger import Ledger
from fillwright.plugins import Registry
from fillwright.protocols import Adapter, Clock, RateFeed, Rng

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each question may take, in seconds."""

    question: float = 10.0
    #: A broker may have years of executions.
    executions: float = 60.0
    stream: float = 15.0
    close: float = 5.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What the broker said about its count of our requests."""

    limit: int | None
    remaining: int | None
    reset_at: datetime | None


@dataclass(slots=True)
class Case:
    """One desk, and what the probes have learned of it so far."""

    config: DeskConfig
    clock: Clock
    rng: Rng
    #: The symbol whose quote is asked for; None chooses one.
    symbol: str | None = None
    patience: Patience = field(default_factory=Patience)
    feed: RateFeed = field(default_factory=RateFeed)
    registry: Registry | None = None
    built: Adapter | None = None
    journal: Sight | None = None
    #: The cursor of executions and the halts, as the journal has them.
    ledger: Ledger | None = None
    account: Account | None = None
    session: MarketSession | None = None
    rate: Rate | None = None
    #: Why the broker may not be asked; empty once it may be.
    barred: str = "the adapter could not be built"

    @property
    def adapter(self) -> Adapter:
        """The adapter; a probe that needs it runs only when there is one."""
        if self.built is None:
            raise RuntimeError("a probe ran without the adapter that it needs")
        return self.built

    def heard(self, limit: int | None, remaining: int | None, reset_at: datetime | None) -> None:
        """Keep the newest word on the broker's rate limit."""
        self.rate = Rate(limit, remaining, reset_at)

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Put one question to the broker. Raises `NoAnswer`, and what the adapter raises."""
        return await answered(question, self.clock, self.patience.question)
