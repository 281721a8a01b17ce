"""The plain executor and quote source over a venue, with latency and without faults."""

from collections.abc import Sequence

from fillwright.accounts import Account, Instrument, Quote
from fillwright.orders import WorkingOrder
from fillwright.protocols import Capabilities, Clock, Dedup, Lookup, Rng
from fillwright.reports import (
    Ack,
    BrokerOrder,
    CancelOutcome,
    Cursor,
    Evidence,
    Fill,
    Page,
    Source,
)
from fillwright.testing.fake_broker.settings import Latency
from fillwright.testing.venue import ROUTES, Refused, Venue, VenueOrder, Why
from fillwright.types import BrokerOrderId, ClientOrderId, Mode, OrdStatus
from fillwright.verdicts import ApprovedChange, ApprovedOrder

CAPABILITIES = Capabilities(
    routes=ROUTES,
    dedup=Dedup.SERVER,
    lookup=Lookup.BY_CLIENT_ID,
    t_inflight=2.0,
    requests_per_minute=6_000_000,
)


class Wire:
    """The way to the venue and back; without latency it costs nothing."""

    def __init__(self, latency: Latency, clock: Clock, rng: Rng) -> None:
        self._latency = latency
        self._clock = clock
        self._rng = rng
        self.instant = not latency.max

    async def half(self) -> None:
        """Wait for one way."""
        spread = self._latency.max - self._latency.min
        whole = self._latency.min + spread * (self._rng.random() if spread else 0.0)
        await self._clock.sleep(whole / 2)


class FakeExecutor:
    """Implement `Executor` on a venue."""

    broker = "fake"
    endpoint = Mode.PAPER
    capabilities = CAPABILITIES

    def __init__(self, venue: Venue, wire: Wire) -> None:
        self._venue = venue
        self._wire = wire

    async def submit(self, order: ApprovedOrder) -> Ack:
        """Send a new order."""
        if self._wire.instant:
            return _ack("submit", self._venue.submit(order.order, order.client_order_id))
        await self._wire.half()
        try:
            return _ack("submit", self._venue.submit(order.order, order.client_order_id))
        finally:
            await self._wire.half()

    async def cancel(self, order: WorkingOrder) -> Ack:
        """Ask for a cancel."""
        await self._there()
        try:
            found = self._venue.cancel(self._id_of(order))
            return _ack("cancel", found, OrdStatus.PENDING_CANCEL)
        finally:
            await self._back()

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        """Ask for a change."""
        await self._there()
        try:
            found = self._venue.replace(self._id_of(order), change.change, change.client_order_id)
            return _ack("replace", found, OrdStatus.PENDING_REPLACE)
        finally:
            await self._back()

    async def cancel_all(self) -> Sequence[CancelOutcome]:
        """Ask for the cancel of every open order."""
        await self._there()
        outcomes = [self._cancel_one(order) for order in self._venue.open_orders()]
        await self._back()
        return outcomes

    async def find(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        """The newest order with this id, ended ones included."""
        await self._there()
        found = self._venue.find(client_order_id)
        answer = found.snapshot() if found else None
        await self._back()
        return answer

    async def open_orders(self) -> Sequence[BrokerOrder]:
        """Every open order."""
        await self._there()
        answer = [order.snapshot() for order in self._venue.open_orders()]
        await self._back()
        return answer

    async def executions(self, since: Cursor | None) -> Page[Fill]:
        """Every execution since the cursor."""
        await self._there()
        answer = self._venue.executions(since)
        await self._back()
        return answer

    async def account(self) -> Account:
        """Balances and positions."""
        await self._there()
        answer = self._venue.account()
        await self._back()
        return answer

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol."""
        await self._there()
        answer = self._venue.instrument(symbol)
        await self._back()
        return answer

    def _cancel_one(self, order: VenueOrder) -> CancelOutcome:
        names = order.broker_order_id, order.client_order_id
        try:
            if not order.ended:  # an exit goes with its sibling
                self._venue.cancel(order.broker_order_id)
        except Refused as fault:
            return CancelOutcome(*names, taken=False, text=fault.text)
        return CancelOutcome(*names, taken=True)

    def _id_of(self, order: WorkingOrder) -> BrokerOrderId:
        if order.broker_order_id is not None:
            return order.broker_order_id
        found = self._venue.find(order.client_order_id)
        if found is None:
            raise Refused(order.client_order_id, Why.ORDER_NOT_FOUND, "order not found")
        return found.broker_order_id

    async def _there(self) -> None:
        if not self._wire.instant:
            await self._wire.half()

    async def _back(self) -> None:
        if not self._wire.instant:
            await self._wire.half()


class FakeQuotes:
    """Implement `QuoteSource` on a venue."""

    def __init__(self, venue: Venue, wire: Wire) -> None:
        self._venue = venue
        self._wire = wire

    async def quote(self, symbol: str) -> Quote:
        """The quote as it stood when the question arrived."""
        if self._wire.instant:
            return self._venue.quote(symbol)
        await self._wire.half()
        answer = self._venue.quote(symbol)
        await self._wire.half()
        return answer


def _ack(what: str, order: VenueOrder, status: OrdStatus = OrdStatus.NEW) -> Ack:
    evidence = Evidence(Source.RESPONSE, f"{what}:{order.broker_order_id}")
    return Ack(order.broker_order_id, evidence, order.updated_at, status)
