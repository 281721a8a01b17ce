"""Faults between desk and venue: wrappers around the plain executor and quote source."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from fillwright.accounts import Account, Instrument, Quote
from fillwright.errors import BrokerUnavailable, NotSent, OrderInDoubt, OrderRejected
from fillwright.orders import WorkingOrder
from fillwright.protocols import Clock, Executor, QuoteSource
from fillwright.reports import Ack, BrokerOrder, Cursor, Fill, Page
from fillwright.testing.fake_broker.history import History
from fillwright.testing.fake_broker.script import Fault, FaultScript, Kind, On
from fillwright.types import ClientOrderId
from fillwright.verdicts import ApprovedChange, ApprovedOrder

T = TypeVar("T")
Send = Callable[[], Coroutine[Any, Any, T]]

_LOST = {
    Kind.DROP_REQUEST: "timed out",
    Kind.ACCEPT_THEN_TIMEOUT: "timed out",
    Kind.ACCEPT_THEN_RESET: "connection reset by peer",
    Kind.ACCEPT_LATE: "timed out",
}
_UNANSWERED = {
    Kind.DROP_REQUEST: "timed out",
    Kind.RATE_LIMITED: "429 too many requests",
    Kind.UNAVAILABLE: "503 service unavailable",
}


class Late:
    """Work that goes on behind the desk's back, and ends with the adapter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: In the order in which they began, so that they end in that order too.
        self._tasks: dict[asyncio.Task[None], None] = {}

    def after(self, seconds: float, work: Callable[[], Awaitable[object] | None]) -> None:
        """Do `work` when this time has passed."""
        task = asyncio.get_running_loop().create_task(self._wait(seconds, work))
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def close(self) -> None:
        """Give up what has not been done yet."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _wait(self, seconds: float, work: Callable[[], Awaitable[object] | None]) -> None:
        await self._clock.sleep(seconds)
        begun = work()
        if begun is not None:
            await begun


class FaultyExecutor:
    """Implement `Executor` on another one, with the script's faults."""

    def __init__(
        self, inner: Executor, script: FaultScript, clock: Clock, history: History, late: Late
    ) -> None:
        self.broker = inner.broker
        self.endpoint = inner.endpoint
        self.capabilities = inner.capabilities
        self._inner = inner
        self._script = script
        self._clock = clock
        self._history = history
        self._late = late

    async def submit(self, order: ApprovedOrder) -> Ack:
        """Send a new order, if the script lets it through."""
        name = order.client_order_id
        return await self.request(On.SUBMIT, name, lambda: self._inner.submit(order))

    async def cancel(self, order: WorkingOrder) -> Ack:
        """Ask for a cancel, if the script lets it through."""
        name = order.client_order_id
        return await self.request(On.CANCEL, name, lambda: self._inner.cancel(order))

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        """Ask for a change, if the script lets it through."""
        name = order.client_order_id
        return await self.request(On.REPLACE, name, lambda: self._inner.replace(order, change))

    async def find(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        """Look it up; with lag, as it was."""
        fault = self._script.strike(On.FIND, client_order_id)
        answer = await question(
            On.FIND, fault, self._clock, lambda: self._inner.find(client_order_id)
        )
        if fault and fault.fault is Kind.LAG:
            return self._history.find(client_order_id, fault)
        return answer

    async def open_orders(self) -> Sequence[BrokerOrder]:
        """Every open order; with lag, as it was."""
        fault = self._script.strike(On.OPEN_ORDERS)
        answer = await question(On.OPEN_ORDERS, fault, self._clock, self._inner.open_orders)
        if fault and fault.fault is Kind.LAG:
            return self._history.open_orders(fault)
        return answer

    async def executions(self, since: Cursor | None) -> Page[Fill]:
        """Every execution; with lag, those that showed then."""
        fault = self._script.strike(On.EXECUTIONS)
        answer = await question(
            On.EXECUTIONS, fault, self._clock, lambda: self._inner.executions(since)
        )
        if fault and fault.fault is Kind.LAG:
            return self._history.executions(answer, since, fault)
        return answer

    async def account(self) -> Account:
        """Balances and positions."""
        fault = self._script.strike(On.ACCOUNT)
        return await question(On.ACCOUNT, fault, self._clock, self._inner.account)

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol."""
        fault = self._script.strike(On.INSTRUMENT)
        return await question(
            On.INSTRUMENT, fault, self._clock, lambda: self._inner.instrument(symbol)
        )

    async def request(self, on: On, client_order_id: str, send: Send[T]) -> T:
        """Send something, if the script lets it through."""
        fault = self._script.strike(on, client_order_id)
        if fault is None:
            return await send()
        if fault.fault is Kind.DELAY:
            await self._clock.sleep(fault.seconds)
            return await send()
        if fault.fault is Kind.NOT_SENT:
            raise NotSent(client_order_id, "connection refused")
        if fault.fault is Kind.RATE_LIMITED:
            raise NotSent(client_order_id, "429 too many requests: the broker took nothing")
        if fault.fault is Kind.REJECT:
            raise OrderRejected(client_order_id, "response:fault", fault.text)
        if fault.fault is Kind.ACCEPT_LATE:
            self._late.after(fault.seconds, lambda: _unheard(send))
        else:
            if fault.fault is not Kind.DROP_REQUEST:
                await _unheard(send)
            await self._clock.sleep(fault.seconds)
        raise OrderInDoubt(client_order_id, _LOST[fault.fault])


class FaultyQuotes:
    """Implement `QuoteSource` on another one, with the script's faults."""

    def __init__(self, inner: QuoteSource, script: FaultScript, clock: Clock) -> None:
        self._inner = inner
        self._script = script
        self._clock = clock

    async def quote(self, symbol: str) -> Quote:
        """The quote, if the script lets the question through."""
        fault = self._script.strike(On.QUOTE)
        return await question(On.QUOTE, fault, self._clock, lambda: self._inner.quote(symbol))


async def question(on: On, fault: Fault | None, clock: Clock, ask: Send[T]) -> T:
    """Ask, unless the fault keeps the answer away."""
    if fault is None:
        return await ask()
    if fault.fault in _UNANSWERED:
        await clock.sleep(fault.seconds)
        raise BrokerUnavailable(on, _UNANSWERED[fault.fault])
    if fault.fault is Kind.DELAY:
        await clock.sleep(fault.seconds)
    return await ask()


async def _unheard(send: Send[T]) -> None:
    """Send, and lose the answer: a refusal is as unheard as an ack."""
    try:
        await send()
    except OrderRejected:
        return
