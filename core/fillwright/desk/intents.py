"""Intents: one order for each decision, staged before anything else happens to it.

Rules:
1. The same intent id with the same content is the same order, for ever; with other content it is
   a conflict.
2. What the desk has no room for is refused at the door, before anything is recorded.
"""

from collections.abc import Callable

from fillwright.desk.handles import Handle, HandleBook
from fillwright.desk.parts import Parts
from fillwright.errors import DeskBusy, IntentConflict
from fillwright.ledger import Staged
from fillwright.orders import Order, checked_order, client_order_id_for, content_hash
from fillwright.types import ClientOrderId, IntentId, OrdStatus


class Intents:
    """Make orders of decisions."""

    def __init__(self, parts: Parts, handles: HandleBook, may_stage: Callable[[], None]) -> None:
        """`may_stage` raises when the desk takes no orders."""
        self._parts = parts
        self._keeper = parts.keeper
        self._handles = handles
        self._may_stage = may_stage

    def submit(self, order: Order) -> Handle:
        """Stage an order and send it on its way, or give the one that its intent has already.

        Raises BadInput, IntentConflict, DeskBusy, and what `may_stage` raises.
        """
        order = checked_order(order)
        if order.intent_id is None:
            minted = self._parts.ids.new("intent")
            order = order.model_copy(update={"intent_id": minted})
        intent = IntentId(str(order.intent_id))
        key, digest = self._key_of(intent), content_hash(order)
        known = self._handles.known(key)
        if known is not None:
            return self._taken_up(known, intent, digest)
        self._may_stage()
        self._refuse_when_busy()
        staged = Staged(key, self._parts.clock.now(), order, digest)
        _, change = self._keeper.write(staged)
        assert change.after is not None  # noqa: S101  # staging makes an order
        handle = self._handles.of(change.after)
        self.carry(key)
        return handle

    def find(self, intent_id: str) -> Handle | None:
        """The order of an intent that is recorded; None when there is none."""
        return self._handles.known(self._key_of(IntentId(intent_id)))

    def carry(self, key: ClientOrderId) -> None:
        """Send a staged order on its way."""
        self._parts.tasks.spawn("carry", self._parts.carrier.carry(key))

    def _key_of(self, intent: IntentId) -> ClientOrderId:
        return client_order_id_for(self._parts.binding.account, intent)

    def _refuse_when_busy(self) -> None:
        """Refuse what the desk has no room for, or what could not leave before its deadline."""
        limit = self._parts.limits.max_in_flight
        if len(self._keeper.ledger.orders) >= limit and self._under_way() >= limit:
            raise DeskBusy(limit)
        carried = self._parts.carrier.count
        if carried and carried >= self._parts.room():
            raise DeskBusy(carried, "the broker's rate limit lets no more leave in time")

    def _under_way(self) -> int:
        """How many orders take room: not those that an earlier process staged and left behind."""
        return sum(
            state.status is not OrdStatus.STAGED or self._parts.carrier.carries(key)
            for key, state in self._keeper.ledger.orders.items()
        )

    def _taken_up(self, handle: Handle, intent: IntentId, digest: str) -> Handle:
        """An intent that is known: the same content, or a conflict; one left staged goes on."""
        state = handle.state
        if state.content_hash != digest:
            raise IntentConflict(intent, state.content_hash, digest)
        key = handle.client_order_id
        current = self._keeper.ledger.orders.get(key)
        staged = current is not None and current.status is OrdStatus.STAGED
        if staged and not self._parts.carrier.carries(key):
            self._may_stage()
            self.carry(key)
        return handle
