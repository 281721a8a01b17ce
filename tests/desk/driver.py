"""Drive desks from the steps of a state machine: one loop, and time that a step lets pass."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from desk.kit import World, order
from fillwright.errors import (
    BadInput,
    BrokerUnavailable,
    DeskBusy,
    DeskClosed,
    NotCancelable,
    NotSent,
    OrderRefused,
    OrderRejected,
)
from fillwright.orders import Order, client_order_id_for
from fillwright.protocols import ClosePolicy
from fillwright.states import Owner
from fillwright.testing import Refused, VenueOrder
from fillwright.testing.simulation.invariants import quiet
from fillwright.types import ClientOrderId, IntentId, OrdStatus

#: What a caller must be ready for.
EXPECTED = (
    BadInput,
    BrokerUnavailable,
    DeskBusy,
    DeskClosed,
    NotCancelable,
    NotSent,
    OrderRefused,
    OrderRejected,
)


class Driver(RuleBasedStateMachine):
    """What the rules of the machine are made of, and what is looked at behind each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.intents: dict[str, Order] = {}
        self.calls: set[asyncio.Task[Any]] = set()
        self.manual = 0
        self.world: World

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def call(self, work: Coroutine[Any, Any, Any], run: float = 0.0) -> None:
        """Let the owner's call go as far as it can; it may take longer than this step."""
        self.run(self._call(work, run))

    async def _call(self, work: Coroutine[Any, Any, Any], run: float) -> None:
        self.calls.add(asyncio.create_task(work))
        await (self.world.run(run) if run else asyncio.sleep(0))
        for task in [task for task in self.calls if task.done()]:
            self.calls.discard(task)
            fault = None if task.cancelled() else task.exception()
            if fault is not None and not isinstance(fault, EXPECTED):
                raise fault

    def send(self, fate: str | None, wait: float, run: float, **fields: Any) -> None:
        name = f"i{len(self.intents)}"
        self.intents[name] = order(intent_id=name, **fields)
        if fate is not None:
            self.world.fault("submit", fate, seconds=wait, client_order_id=self.key(name))
        self.call(self.submitted(name), run)

    async def submitted(self, name: str) -> None:
        """I16: two callers at once are one order."""
        desk, wanted = self.world.desk, self.intents[name]
        first, second = await asyncio.gather(desk.submit(wanted), desk.submit(wanted))
        assert first == second

    async def at_venue(self, act: Callable[[], object]) -> None:
        try:
            act()
        except (Refused, ValueError):
            return
        await self.world.run(0)

    async def crashed(self, keep: int, wait: float) -> None:
        await self.world.crash(keep)
        self.forget_calls()
        await self.world.clock.run_for(wait)
        await self.world.open()
        await self.world.run(0.1)

    async def closed(self, policy: ClosePolicy) -> None:
        await self.world.aclose(policy)
        self.forget_calls()
        await self.world.open()
        await self.world.run(0.1)

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:
        super().check_invariants(*args, **kwargs)
        if hasattr(self, "world") and hasattr(self.world, "desk"):
            self.run(self.world.run(0))
            self.world.every_step()

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.run(self._heal_and_look())
        finally:
            if hasattr(self, "world"):
                self.run(self.world.end())
            self.run(self.loop.shutdown_asyncgens())
            self.loop.close()

    async def _heal_and_look(self) -> None:
        """Faults off, every owner asks for his order again, and time passes until all is quiet."""
        world = self.world
        world.raise_broken()
        world.script.clear()
        for name in self.intents:
            await self._call(world.desk.submit(self.intents[name]), 0)
        for _ in range(40):
            await world.run(3)
            if quiet(world.scene) and not self.staged():
                break
        await world.run(2 * world.limits.reconcile_every + 1)
        for _ in range(40):
            # A question may wait for the broker's rate; it may not wait for ever.
            if not world.parts.limiter.waiting:
                break
            await world.run(0.5)
        world.every_step()
        world.all_quiet()
        assert not self.staged()
        late = [task for task in self.calls if not task.done()]
        assert not late, f"calls that never returned: {late}"

    def forget_calls(self) -> None:
        """The desk that they waited for is gone; that it said so is all right."""
        for task in self.calls:
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.calls.clear()

    def staged(self) -> list[str]:
        orders = self.world.parts.keeper.ledger.orders.values()
        return [s.client_order_id for s in orders if s.status is OrdStatus.STAGED]

    def key(self, name: str) -> ClientOrderId:
        return client_order_id_for(self.world.journal.binding.account, IntentId(name))

    def choose(self, data: st.DataObject, orders: Sequence[VenueOrder]) -> VenueOrder:
        return orders[data.draw(st.integers(0, len(orders) - 1))]

    def known(self, data: st.DataObject) -> ClientOrderId | None:
        """One of the orders that are open here, or any that was ever sent."""
        ours = [s.client_order_id for s in self.world.desk.working() if s.owner is Owner.OURS]
        keys = sorted(ours) or [self.key(name) for name in sorted(self.intents)]
        key = keys[data.draw(st.integers(0, len(keys) - 1))]
        return key if self.world.parts.keeper.state(key) is not None else None
