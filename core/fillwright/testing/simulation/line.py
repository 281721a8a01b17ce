"""What stands between a simulated desk and its adapter: every request is looked at as it leaves."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TypeVar

from fillwright.accounts import Account, Instrument, Quote
from fillwright.errors import NotSent, OrderRejected
from fillwright.orders import WorkingOrder
from fillwright.protocols import (
    Adapter,
    Capabilities,
    Clock,
    Dedup,
    Executor,
    QuoteSource,
    TradingStream,
)
from fillwright.reports import Ack, BrokerOrder, Cursor, Fill, Page, StreamItem
from fillwright.testing.fake_broker import On
from fillwright.testing.simulation.invariants import Violation
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.network import Network, Send
from fillwright.testing.simulation.points import Points
from fillwright.testing.simulation.scene import Scene
from fillwright.types import ClientOrderId
from fillwright.verdicts import ApprovedChange, ApprovedOrder

T = TypeVar("T")


def as_told(given: Capabilities, knobs: Knobs) -> Capabilities:
    """What the broker takes, as this seed has it."""
    dedup = Dedup.TAG_ONLY if knobs.tag_only else given.dedup
    rate = knobs.rate or given.requests_per_minute
    return replace(given, dedup=dedup, requests_per_minute=rate)


class Line:
    """Implement `Executor` and `QuoteSource` on an adapter's own, in full view."""

    def __init__(
        self,
        inner: Adapter,
        capabilities: Capabilities,
        *,
        network: Network,
        points: Points,
        clock: Clock,
    ) -> None:
        executor = inner.executor
        self.broker, self.endpoint = executor.broker, executor.endpoint
        self.capabilities = capabilities
        self._scene: Scene | None = None
        self._clock = clock
        self._times: deque[float] = deque()
        self._executor: Executor = executor
        self._quotes: QuoteSource = inner.quotes
        self._network = network
        self._points = points

    @property
    def scene(self) -> Scene:
        """Who looks at it; there is one before anything can leave."""
        if self._scene is None:
            raise Violation("a request left before the journal was open", "I1")
        return self._scene

    def show(self, scene: Scene) -> None:
        """From now on `scene` looks at it."""
        self._scene = scene

    async def submit(self, order: ApprovedOrder) -> Ack:
        """Send a new order."""
        key, outside = order.client_order_id, self.scene.outside
        self._points.reach("submit")
        self._count()
        before = outside.sent_at.get(key, 0.0)
        self.scene.submits(order)
        outside.sent.setdefault(key, order.order)
        try:
            return await self._carry(On.SUBMIT, key, lambda: self._executor.submit(order))
        except NotSent:
            outside.unsent[key] += 1
            if outside.unsent[key] == outside.requests["submit", key]:
                outside.departures.never_left(key, change=False)
            outside.sent_at[key] = before
            raise
        except OrderRejected:
            # This request is answered; only an earlier one may still be under way.
            outside.sent_at[key] = before
            raise

    async def cancel(self, order: WorkingOrder) -> Ack:
        """Ask for a cancel."""
        key = order.client_order_id
        self._points.reach("cancel")
        self._count()
        self.scene.cancels(key)
        return await self._carry(On.CANCEL, key, lambda: self._executor.cancel(order))

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        """Ask for a change."""
        key = order.client_order_id
        self._points.reach("replace")
        self._count()
        self.scene.replaces(key, change)
        try:
            return await self._carry(On.REPLACE, key, lambda: self._executor.replace(order, change))
        except NotSent:
            self.scene.outside.departures.never_left(key, change=True)
            raise

    async def find(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        """Look an order up."""
        send = lambda: self._executor.find(client_order_id)  # noqa: E731  # a question in one line
        return await self._ask(On.FIND, send, client_order_id)

    async def open_orders(self) -> Sequence[BrokerOrder]:
        """Every open order."""
        return await self._ask(On.OPEN_ORDERS, self._executor.open_orders)

    async def executions(self, since: Cursor | None) -> Page[Fill]:
        """Every execution since the cursor."""
        return await self._ask(On.EXECUTIONS, lambda: self._executor.executions(since))

    async def account(self) -> Account:
        """Balances and positions."""
        return await self._ask(On.ACCOUNT, self._executor.account)

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol."""
        return await self._ask(On.INSTRUMENT, lambda: self._executor.instrument(symbol), symbol)

    async def quote(self, symbol: str) -> Quote:
        """The quote now."""
        return await self._ask(On.QUOTE, lambda: self._quotes.quote(symbol), symbol)

    async def _ask(self, on: On, send: Send[T], key: str = "") -> T:
        self._points.reach("ask")
        if on is not On.QUOTE or self.capabilities.quotes_per_minute is None:
            # Where quotes have a limit of their own, they do not count here.
            self._count()
        return await self._network.carry(on, key, send)

    def _count(self) -> None:
        """One more request; before the journal is open there is nobody to tell of too many."""
        self._times.append(self._clock.monotonic())
        if self._scene is not None:
            self._scene.asks(self._times)

    async def _carry(self, on: On, key: str, send: Send[Ack]) -> Ack:
        ack = await self._network.carry(on, key, send)
        self._points.reach("answered")
        return ack


class Tap:
    """Implement `TradingStream` on another one; it may repeat what is old, and break."""

    def __init__(self, inner: TradingStream, network: Network) -> None:
        self._inner = inner
        self._network = network

    async def reports(self) -> AsyncIterator[StreamItem]:
        """Yield what comes, as the network lets it through."""
        async for item in self._inner.reports():
            for one in self._network.heard(item):
                yield one

    async def close(self) -> None:
        """Stop."""
        await self._inner.close()


class Hookup:
    """Implement `Adapter`: one broker account as a simulated desk holds it."""

    def __init__(self, inner: Adapter, line: Line, tap: Tap) -> None:
        self.executor: Executor = line
        self.quotes: QuoteSource = line
        self.stream: TradingStream = tap
        self._inner = inner

    async def close(self) -> None:
        """Let go of it."""
        await self._inner.close()
