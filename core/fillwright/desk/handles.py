"""An order in its owner's hand: what it is now, and waiting for what it becomes."""

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

from fillwright.desk.keeper import Keeper
from fillwright.errors import FillwrightError
from fillwright.states import Action, OrderState
from fillwright.types import ClientOrderId, OrdStatus


def is_decided(state: OrderState) -> bool:
    """Refused, acknowledged, rejected, or in doubt: its first request is over."""
    if state.status is OrdStatus.STAGED:
        return False
    submit = state.awaiting(Action.SUBMIT)
    return submit is None or bool(submit.doubt) or state.manual


def is_done(state: OrderState) -> bool:
    """Ended with every claimed fill booked, or waiting for a person."""
    return state.settled or state.manual


class Handle:
    """One order; two handles of the same order are equal."""

    __slots__ = ("__weakref__", "_fault", "_state", "_waiters", "client_order_id")

    def __init__(self, state: OrderState) -> None:
        self.client_order_id: ClientOrderId = state.client_order_id
        self._state = state
        self._fault: FillwrightError | None = None
        self._waiters: list[tuple[Callable[[OrderState], bool], asyncio.Future[None]]] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and other.client_order_id == self.client_order_id

    def __hash__(self) -> int:
        return hash(self.client_order_id)

    def __repr__(self) -> str:
        return f"<Handle {self.client_order_id} {self._state.status}>"

    @property
    def state(self) -> OrderState:
        """What the ledger knows of it now."""
        return self._state

    async def decided(self) -> OrderState:
        """Wait until it was refused, acknowledged, rejected, or fell in doubt."""
        return await self.until(is_decided)

    async def done(self) -> OrderState:
        """Wait until it ended with every fill booked, or waits for a person (MANUAL)."""
        return await self.until(is_done)

    async def until(self, reached: Callable[[OrderState], bool]) -> OrderState:
        """Wait until `reached` holds. Raises what stopped the desk, if something did."""
        while not reached(self._state):
            if self._fault is not None:
                raise self._fault
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append((reached, waiter))
            await waiter
        return self._state

    def move(self, state: OrderState) -> None:
        """Show a newer state and wake who waited for it."""
        self._state = state
        if self._waiters:
            self._wake(state)

    def _wake(self, state: OrderState) -> None:
        waiting = []
        for reached, waiter in self._waiters:
            if waiter.done():
                continue
            if reached(state):
                waiter.set_result(None)
            else:
                waiting.append((reached, waiter))
        self._waiters = waiting

    def fail(self, fault: FillwrightError) -> None:
        """The desk can no longer tell what becomes of it."""
        self._fault = fault
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = []


class HandleBook:
    """The handles of the orders under way, and those of settled ones that somebody still holds.

    A late fill or a bust may change a settled order, so whoever holds its handle is told.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        #: Every handle that somebody holds.
        self._handles: WeakValueDictionary[ClientOrderId, Handle] = WeakValueDictionary()
        #: Those of orders under way are held here as well.
        self._kept: dict[ClientOrderId, Handle] = {}
        self._fault: FillwrightError | None = None

    def known(self, key: ClientOrderId) -> Handle | None:
        """The handle of an order that is recorded; None if it never was."""
        handle = self._handles.get(key)
        if handle is not None:
            return handle
        state = self._keeper.state(key)
        return None if state is None else self.of(state)

    def of(self, state: OrderState) -> Handle:
        """The one handle of an order, as long as the order is under way or somebody holds it."""
        key = state.client_order_id
        known = self._handles.get(key)
        if known is not None:
            return known
        handle = self._handles[key] = Handle(state)
        if not state.settled:
            self._kept[key] = handle
        if self._fault is not None:
            handle.fail(self._fault)
        return handle

    def move(self, state: OrderState) -> None:
        """Show a newer state to whoever holds the order's handle."""
        handle = self._handles.get(state.client_order_id)
        if handle is not None:
            handle.move(state)

    def drop(self, key: ClientOrderId) -> None:
        """Let go of a settled order's handle; its owner may keep it, and is still told."""
        self._kept.pop(key, None)

    def fail(self, fault: FillwrightError) -> None:
        """Tell every owner, now and later, that the desk cannot go on."""
        self._fault = fault
        for handle in list(self._handles.values()):
            handle.fail(fault)
