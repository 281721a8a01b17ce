"""What the plan engine needs from the desk, and nothing more."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from fillwright.accounts import Account, Instrument, Quote
from fillwright.orders import Order
from fillwright.protocols import Clock, Json, OrderHandle, Record
from fillwright.risk.merge import Decision
from fillwright.states import OrderState
from fillwright.types import ClientOrderId


class PlanDesk(Protocol):
    """The desk as a plan sees it: one gate for orders, fresh facts, and the journal."""

    @property
    def clock(self) -> Clock:
        """Time, the desk's own."""

    async def submit(self, order: Order) -> OrderHandle:
        """Record the intent and send the order on its way; the same intent, the same handle.

        Raises `DeskBusy` or `NotReady` when it may be tried again, `IntentConflict` when the
        intent is known with other content. A refusal is a state of the handle, or `OrderRefused`.
        """

    async def find(self, intent_id: str) -> OrderHandle | None:
        """The order of an intent that is recorded; never sends. None when there is none."""

    async def cancel(self, client_order_id: ClientOrderId) -> OrderState:
        """Ask for a cancel; the cancel itself shows in the order's state later."""

    def working(self) -> Sequence[OrderState]:
        """Every order that has not ended: ours, legs, and foreign ones."""

    async def fresh_account(self) -> Account:
        """The account asked for now. Raises `BrokerUnavailable`."""

    async def fresh_quote(self, symbol: str) -> Quote:
        """A quote asked for now. Raises `BrokerUnavailable` or `UnknownSymbol`."""

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol. Raises `BrokerUnavailable` or `UnknownSymbol`."""

    def record(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        """Append one record to the journal and return its sequence number."""

    async def durable(self, seq: int) -> None:
        """Return when every record up to `seq` survives a power cut."""

    def recorded(self, key: str) -> Sequence[Record]:
        """Every record with this key, in order."""

    async def preview(self, orders: Sequence[Order], *, proceeds: Decimal) -> Sequence[Decision]:
        """Judge each order after those before it that would pass; records and sends nothing.

        Buys are judged as if the sells' `proceeds` (account currency) had come in.
        """
