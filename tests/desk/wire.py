"""What stands between desk and adapter in these tests: every request is looked at."""

from typing import TYPE_CHECKING

from fillwright.errors import NotSent, OrderRejected
from fillwright.orders import WorkingOrder
from fillwright.protocols import Capabilities, Executor
from fillwright.reports import Ack
from fillwright.verdicts import ApprovedChange, ApprovedOrder

if TYPE_CHECKING:
    from desk.kit import World


class Wire:
    """What stands between desk and adapter: requests are looked at, and outlive the desk."""

    def __init__(self, inner: Executor, world: "World", capabilities: Capabilities) -> None:
        self.broker, self.endpoint, self.capabilities = inner.broker, inner.endpoint, capabilities
        self._inner, self._world = inner, world
        for question in ("find", "open_orders", "executions", "account", "instrument"):
            setattr(self, question, getattr(inner, question))

    async def submit(self, order: ApprovedOrder) -> Ack:
        world, key = self._world, order.client_order_id
        before = world.sent_at.get(key, 0.0)
        world.scene.submits(order)
        try:
            return await world.carry(self._inner.submit(order))
        except NotSent:
            world.unsent[key] += 1
            world.sent_at[key] = before
            raise
        except OrderRejected:
            # This request is answered; only an earlier one may still be under way.
            world.sent_at[key] = before
            raise

    async def cancel(self, order: WorkingOrder) -> Ack:
        self._world.scene.cancels(order.client_order_id)
        return await self._world.carry(self._inner.cancel(order))

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        self._world.scene.replaces(order.client_order_id, change)
        return await self._world.carry(self._inner.replace(order, change))
