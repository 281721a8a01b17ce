"""What stands where the wire, the disk and the clock would stand on the bench."""
# ruff: noqa: D102, ARG002  # each method is what its protocol says, on a model

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from fillwright.accounts import Account, Instrument, Quote
from fillwright.ledger import Day
from fillwright.orders import WorkingOrder
from fillwright.protocols import Binding, Dedup, Json, Record
from fillwright.reports import Ack, BrokerOrder, Cursor, Fill, Page
from fillwright.testing.fake_broker.executor import CAPABILITIES
from fillwright.testing.simulation.search.venue import ACCOUNT, EMPTY, NOW, PRICE, Intent
from fillwright.types import ClientOrderId, Mode, OrdStatus
from fillwright.verdicts import ALLOW, ApprovedChange, ApprovedOrder

SYMBOL = "AAPL"
RULES = Instrument(SYMBOL)
QUOTE = Quote(SYMBOL, PRICE, PRICE, Decimal(5), Decimal(5), NOW)
HELD = Account(ACCOUNT, "USD", Decimal(10_000), Decimal(10_000), Decimal(10_000), NOW)
CURSOR = Cursor("model")
TODAY = Day("2026-03-02", HELD.equity, HELD.equity)
BINDING = Binding(Mode.PAPER, "model", ACCOUNT)


class Left(BaseException):
    """A request left; its answer is another step. Not an Exception: nobody may catch it."""


class Waits(BaseException):
    """The desk waits for time to pass: the step ends here."""


class StoppedClock:
    """Time that stands still: whatever waits for it is not part of a step."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            raise Waits


class Paper:
    """A journal that only says when everything became durable."""

    binding = BINDING
    epoch = 1

    def __init__(self, on_durable: Callable[[], None]) -> None:
        self._seq = 0
        self._on_durable = on_durable

    def append(self, kind: str, key: str, body: Json) -> int:
        self._seq += 1
        return self._seq

    async def durable(self, seq: int) -> None:
        self._on_durable()

    def read(self, after: int = 0) -> Sequence[Record]:
        return ()

    def about(self, key: str) -> Sequence[Record]:
        return ()

    def last(self, kind: str) -> None:
        return None

    def check_fence(self) -> None:
        return

    async def aclose(self) -> None:
        return


class Counter:
    """The wire: requests end the step, unless an answer was laid out."""

    broker = "model"
    endpoint = Mode.PAPER

    def __init__(self, intent: Intent, dedup: Dedup) -> None:
        self.capabilities = replace(CAPABILITIES, dedup=dedup)
        self._intent = intent
        self.entry = EMPTY
        self.lagging = 0
        self.left = self.name = ""
        self.answer: Callable[[], Ack] | None = None

    async def submit(self, order: ApprovedOrder) -> Ack:
        return self._gone("submit", order.client_order_id)

    async def cancel(self, order: WorkingOrder) -> Ack:
        return self._gone("cancel", order.client_order_id)

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        return self._gone("replace", change.client_order_id)

    def _gone(self, kind: str, name: str) -> Ack:
        if self.answer is not None:
            return self.answer()
        self.left, self.name = kind, name
        raise Left

    async def find(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        replaced = self.entry.replaced
        if client_order_id == self._intent.alias:
            return self._intent.snapshot(self.entry) if replaced else None
        if client_order_id != self._intent.key:
            return None
        if replaced:
            return self._intent.replaced_snapshot(self.entry)
        return self._intent.snapshot(self.entry)

    async def open_orders(self) -> Sequence[BrokerOrder]:
        found = self._intent.snapshot(self.entry)
        return [found] if found is not None and found.status in _STANDING else []

    async def executions(self, since: Cursor | None) -> Page[Fill]:
        return Page(list(self._intent.fills(self.entry, self.lagging)), CURSOR)

    async def account(self) -> Account:
        return HELD

    async def instrument(self, symbol: str) -> Instrument:
        return RULES


_STANDING = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED})


class Alone:
    """The executor alone; nothing streams on a bench."""

    def __init__(self, executor: Counter) -> None:
        self.executor = executor
        self.stream = self.quotes = None

    async def close(self) -> None:
        return


@dataclass(frozen=True)
class Willing:
    """A check that allows everything."""

    name: str = "willing"

    def call(self, order: object, book: object) -> object:
        return ALLOW


def failed(name: str, fault: BaseException) -> NoReturn:
    """Nothing on a bench may fail."""
    raise AssertionError(f"a task of the bench failed: {name}") from fault


def ignored(*_given: object) -> None:
    """What a step has no use for."""
