"""The promises between the rooms: what an adapter, a journal, a clock and a desk must do."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from fillwright.accounts import Account, Instrument, MarketSession, Quote, TradingDay
from fillwright.orders import Order, OrderChange, WorkingOrder
from fillwright.plans import ExecutionResult, Plan
from fillwright.reports import Ack, BrokerOrder, CancelOutcome, Cursor, Fill, Page, StreamItem
from fillwright.states import OrderState
from fillwright.types import AssetClass, ClientOrderId, Mode, OrderClass, OrdType, TimeInForce
from fillwright.verdicts import ApprovedChange, ApprovedOrder, Scope

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


class Dedup(StrEnum):
    """Who refuses the second order with the same client order id."""

    SERVER = "server"
    #: The id is kept as a label and may repeat.
    TAG_ONLY = "tag_only"
    NONE = "none"


class Lookup(StrEnum):
    """How an order is found by its client order id."""

    BY_CLIENT_ID = "by_client_id"
    SCAN = "scan"


#: Which time in force each order type may carry.
Table = Mapping[OrdType, frozenset[TimeInForce]]
_NOTHING: Table = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Routes:
    """What one broker takes for one asset class, as data."""

    #: Orders for whole lots, by order class; a class that is absent is not taken.
    whole: Mapping[OrderClass, Table]
    #: Quantities that are not whole lots. They are always SIMPLE.
    fractional: Table = field(default_factory=lambda: _NOTHING)
    #: Orders by notional. They are always SIMPLE.
    notional: Table = field(default_factory=lambda: _NOTHING)
    #: Orders with `extended_hours`, besides the table of their quantity. They are always SIMPLE.
    extended_hours: Table = field(default_factory=lambda: _NOTHING)
    #: Whether an order may be replaced, and whether one for a fraction may; by notional, never.
    replace: bool = False
    replace_fractional: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one broker takes, as data; what is not declared is refused before the wire."""

    routes: Mapping[AssetClass, Routes]
    dedup: Dedup = Dedup.NONE
    lookup: Lookup = Lookup.SCAN
    #: Seconds until a lost request has arrived at the latest, and all lists of the broker show it.
    t_inflight: float = 30.0
    #: Requests that one account may make in a minute.
    requests_per_minute: int = 200
    #: Questions for a quote in a minute, where they do not count among those requests.
    quotes_per_minute: int | None = None


class Executor(Protocol):
    """Carry approved requests to one broker account.

    Every method returns the broker's own answer or raises. A request raises `OrderRejected`
    (proven not taken), `NotSent` (proven that no byte left) or `OrderInDoubt`; any other
    exception counts as in doubt. A question raises `BrokerUnavailable` when it cannot know.
    """

    broker: str
    #: The class of endpoint that every request goes to.
    endpoint: Mode
    capabilities: Capabilities

    async def submit(self, order: ApprovedOrder) -> Ack:
        """Send it, in exactly one request."""

    async def cancel(self, order: WorkingOrder) -> Ack:
        """Ask for a cancel, in exactly one request; the cancel itself is reported later."""

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        """Ask for a change, in exactly one request."""

    async def find(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        """Look it up, ended orders included; None means that the broker says there is none."""

    async def open_orders(self) -> Sequence[BrokerOrder]:
        """Every open order of the account, whoever placed it."""

    async def executions(self, since: Cursor | None) -> Page[Fill]:
        """Every execution since the cursor (None: all that the broker still has)."""

    async def account(self) -> Account:
        """Balances and positions now."""

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol; raises `UnknownSymbol`."""


class QuoteSource(Protocol):
    """Prices for checks, sizing and tactics; often the same broker, need not be."""

    async def quote(self, symbol: str) -> Quote:
        """The latest quote with its own time; whether it is stale is the reader's judgement."""


class TradingStream(Protocol):
    """What happens in one broker account, as it happens."""

    def reports(self) -> AsyncIterator[StreamItem]:
        """Yield `Connected` first and after every gap; reconnect by itself until closed."""

    async def close(self) -> None:
        """Stop, and end the iterator."""


class Adapter(Protocol):
    """All of one broker account, as a plugin hands it to the desk."""

    executor: Executor
    stream: TradingStream
    quotes: QuoteSource

    async def close(self) -> None:
        """Let go of sockets and files."""


@runtime_checkable
class SessionSource(Protocol):
    """What an adapter may do besides: tell the broker's own time and trading days."""

    async def session(self) -> MarketSession:
        """The broker's clock. Raises `BrokerUnavailable`."""

    async def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        """The trading days between two dates, both included. Raises `BrokerUnavailable`."""


@runtime_checkable
class CancelsAll(Protocol):
    """What an adapter may do besides: ask for the cancel of everything in one request."""

    async def cancel_all(self) -> Sequence[CancelOutcome]:
        """Ask it for every open order of the account, whoever placed it; raises like a request."""


@dataclass(slots=True)
class RateFeed:
    """The way from an adapter, which reads the broker's rate headers, to the desk's limiter."""

    _listeners: list[Callable[..., None]] = field(default_factory=list)

    def listen(self, heard: Callable[[int | None, int | None, datetime | None], None]) -> None:
        """Call `heard(limit, remaining, reset_at)` from now on, on the loop's thread."""
        self._listeners.append(heard)

    def observe(
        self,
        *,
        limit: int | None = None,
        remaining: int | None = None,
        reset_at: datetime | None = None,
    ) -> None:
        """Pass on what the broker said about its own count, after every response that tells."""
        for heard in self._listeners:
            heard(limit, remaining, reset_at)


class Clock(Protocol):
    """Time, injected so that a test can own it."""

    def now(self) -> datetime:
        """The time of day in UTC, for records and for people."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Ids(Protocol):
    """Fresh names, injected so that a test can repeat them."""

    def new(self, kind: str) -> str:
        """A name that was never given before, starting with `kind`."""


class Rng(Protocol):
    """Chance, injected so that a test can repeat it."""

    def random(self) -> float:
        """A number in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose journal it is; opening it for anyone else fails."""

    mode: Mode
    broker: str
    account: str

    def __str__(self) -> str:
        return f"{self.mode}/{self.broker}/{self.account}"


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the journal, as it was read back."""

    seq: int
    epoch: int
    at: datetime
    kind: str
    #: What it is about (a client order id, a plan id); empty for the desk itself.
    key: str
    body: Mapping[str, Json]
    #: SHA-256 over the hash before and this record, in hex.
    hash: str


class Journal(Protocol):
    """Remember, in order, durably.

    `append` gives the record its place at once and writes it in the background; nothing may
    leave the machine on account of it before `durable` returned. After any failed write or
    fsync every call raises `JournalFailed`, for good.
    """

    binding: Binding

    @property
    def epoch(self) -> int:
        """Grows by one with every opening: a process whose epoch is not the newest is fenced."""

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        """Take one record and return its sequence number."""

    async def durable(self, seq: int) -> None:
        """Return when every record up to `seq` survives a power cut."""

    def read(self, after: int = 0) -> Iterator[Record]:
        """Every durable record in order, starting behind `after`."""

    def about(self, key: str) -> Sequence[Record]:
        """Every record with this key in order, those not yet durable included."""

    def last(self, kind: str) -> Record | None:
        """The newest record of this kind."""

    def check_fence(self) -> None:
        """Raise `Fenced` when another process took the journal over."""

    async def aclose(self) -> None:
        """Write out what is waiting and let go of the lock."""


class OrderHandle(Protocol):
    """One order in its owner's hand."""

    client_order_id: ClientOrderId

    @property
    def state(self) -> OrderState:
        """What the ledger knows now."""

    async def decided(self) -> OrderState:
        """Wait until it was refused, acknowledged, rejected, or fell in doubt."""

    async def done(self) -> OrderState:
        """Wait until it ended with every fill booked, or waits for a person (MANUAL)."""


class ClosePolicy(StrEnum):
    """What happens to open orders when the desk stops."""

    KEEP = "keep"
    CANCEL_DAY = "cancel_day"
    CANCEL_ALL = "cancel_all"


class OnDisconnect(StrEnum):
    """What happens to open orders while the stream stays down."""

    KEEP = "keep"
    CANCEL = "cancel"
    CANCEL_OPENING = "cancel_opening"


class ExecutionManager(Protocol):
    """What an app holds."""

    async def execute(self, plan: Plan) -> ExecutionResult:
        """Carry a plan out, or resume it; the same plan id gives the first result again."""

    async def submit(self, order: Order) -> OrderHandle:
        """Record the intent and send the order on its way; the same intent, the same handle."""

    async def cancel(self, client_order_id: ClientOrderId) -> OrderState:
        """Ask for a cancel."""

    async def replace(self, client_order_id: ClientOrderId, change: OrderChange) -> OrderState:
        """Ask for a change, through the same gate as a new order."""

    async def halt(
        self, scope: Scope, name: str, *, reason: str, by: str, cancel: bool = False
    ) -> Sequence[OrderState]:
        """Take no new risk in this scope until a named person resumes; survives a restart."""

    async def resume(self, scope: Scope, name: str, *, by: str) -> None:
        """Lift a halt."""

    async def reconcile(self) -> None:
        """Compare the ledger with the broker's books and book the difference."""

    async def aclose(self, policy: ClosePolicy = ClosePolicy.KEEP) -> None:
        """Stop taking orders, follow the policy, and let go of everything."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the desk waits, in seconds, and how much it holds."""

    send_deadline: float = 30.0
    check_deadline: float = 2.0
    quote_max_age: float = 5.0
    reconcile_every: float = 30.0
    #: No report for this long while orders are in flight: ask the broker.
    silence: float = 5.0
    ready_within: float = 30.0
    max_in_flight: int = 1000
    collar: Decimal = Decimal("0.05")
    #: What becomes of open orders once the stream was down for so long.
    on_disconnect: OnDisconnect = OnDisconnect.KEEP
    disconnect_after: float = 30.0
