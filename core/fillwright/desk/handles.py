"""An order in its owner's hand: what it is now, and waiting for what it becomes."""

import asyncio
from collections.abc import Callable

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

    __slots__ = ("_fault", "_state", "_waiters", "client_order_id")

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
