"""Hand a plan's orders to the desk and keep their handles; what cannot go is noted by line."""

import asyncio
from collections.abc import Mapping

from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.settings import Backoff, PlanSettings
from fillwright.errors import DeskBusy, IntentConflict, NotReady, OrderRefused
from fillwright.orders import Order
from fillwright.plans import Residual, Why
from fillwright.protocols import OrderHandle

#: Nothing was sent, and sending it again would end the same.
_REFUSALS = (OrderRefused, IntentConflict)


class Sender:
    """The orders of one plan that are on their way, by the index of their line."""

    def __init__(
        self, desk: PlanDesk, settings: PlanSettings, *, deadline: float, may_send: bool
    ) -> None:
        self.desk = desk
        self._settings = settings
        #: On the monotonic clock: when nothing more may leave.
        self.deadline = deadline
        #: Otherwise only orders that the journal already has are picked up again.
        self.may_send = may_send
        self.handles: dict[int, OrderHandle] = {}
        self.notes: dict[int, Residual] = {}

    def note(self, index: int, why: Why, text: str) -> None:
        """Keep why a line has no order."""
        self.notes[index] = Residual(why=why, text=text)

    async def send(self, orders: Mapping[int, Order]) -> None:
        """Send them in parallel, and raise the first fault only after each had its turn."""
        faults = await asyncio.gather(
            *(self._send(index, order) for index, order in orders.items()),
            return_exceptions=True,
        )
        for fault in faults:
            if fault is not None:
                raise fault

    async def _send(self, index: int, order: Order) -> None:
        if not self.may_send:
            known = await self.desk.find(str(order.intent_id))
            if known is None:
                self.note(index, Why.NOT_SENT, "it had not left when the plan was given up")
            else:
                self.handles[index] = known
            return
        backoff = Backoff(self._settings)
        while True:
            try:
                self.handles[index] = await self.desk.submit(order)
            except _REFUSALS as fault:
                self.note(index, Why.REFUSED, str(fault))
            except (DeskBusy, NotReady) as fault:
                pause = backoff.next()
                if self.desk.clock.monotonic() + pause < self.deadline:
                    await self.desk.clock.sleep(pause)
                    continue
                self.note(index, Why.NOT_SENT, str(fault))
            return
