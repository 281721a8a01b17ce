"""A scripted venue on virtual time, with the journal: what outlives any desk."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fillwright.accounts import Account, Instrument, Position, Quote
from fillwright.errors import UnknownSymbol
from fillwright.orders import Order
from fillwright.protocols import Record
from fillwright.reports import Evidence, Source
from fillwright.states import Action, OrderState, Owner, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, OrdStatus, Side

ZERO = Decimal(0)
START = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


class Crashed(Exception):
    """The desk's process is gone."""


class VirtualClock:
    """Time that moves only when nothing else can."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.later(seconds, woken.set)
        await woken.wait()

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        heapq.heappush(self._heap, (self.elapsed + seconds, next(self._count), call))

    async def drive(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(25):
                await asyncio.sleep(0)
            if task.done():
                break
            assert self._heap, "nothing will ever happen: the plan is stuck"
            at, _, call = heapq.heappop(self._heap)
            self.elapsed = max(self.elapsed, at)
            call()
        return task.result()


@dataclass(frozen=True)
class Script:
    """How the venue treats one symbol's orders."""

    #: fill, never, reject, refuse, doubt, resize
    how: str = "fill"
    after: float = 0.05
    #: When the venue says that it has the order; its own books show it from then on.
    ack_after: float = 0.0
    #: The part that trades at once; the rest rests until canceled.
    part: Decimal = Decimal(1)
    #: A cancel is confirmed after this long; None is never.
    cancel_after: float | None = 0.05


@dataclass
class World:
    """The venue, the account and the journal; they survive any crash of a desk."""

    prices: dict[str, Decimal]
    cash: Decimal = Decimal(10000)
    positions: dict[str, Decimal] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    untradable: frozenset[str] = frozenset()
    #: Seconds until a sell's proceeds are money.
    settle_after: float = 0.0
    quoteless: frozenset[str] = frozenset()
    #: What the broker lends on top of the cash.
    credit: Decimal = ZERO
    clock: VirtualClock = field(default_factory=VirtualClock)
    records: list[Record] = field(default_factory=list)
    #: How many of them survive a power cut.
    durable: int = 0
    states: dict[ClientOrderId, OrderState] = field(default_factory=dict)
    #: Every request that reached the venue, in order.
    sent: list[tuple[float, Order]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    account_down_until: float = 0.0
    account_reads: int = 0

    def holds(self) -> Decimal:
        return sum(
            (
                s.order.notional or s.leaves * (s.order.limit_price or self.prices[s.symbol])
                for s in self.states.values()
                if s.side is Side.BUY and s.order and s.broker_order_id and not s.ended
            ),
            ZERO,
        )

    def account(self) -> Account:
        held = {s: Position(s, q, q) for s, q in self.positions.items() if q}
        worth = sum((q * self.prices[s] for s, q in self.positions.items()), ZERO)
        power = self.cash + self.credit - self.holds()
        return Account(
            "A1",
            "USD",
            self.cash,
            power,
            self.cash + worth,
            self.clock.now(),
            MappingProxyType(held),
        )

    def quote(self, symbol: str) -> Quote:
        price = self.prices[symbol]
        cent, size = Decimal("0.01"), Decimal(1000)
        return Quote(symbol, price - cent, price + cent, size, size, self.clock.now())

    def put(self, state: OrderState) -> None:
        self.states[state.client_order_id] = state
        waiting, self.waiters = self.waiters, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def accept(self, state: OrderState) -> None:
        order = state.order
        assert order is not None
        script = self.scripts.get(order.symbol, Script())
        self.sent.append((self.clock.elapsed, order))
        self._check(order)
        if script.how == "doubt":
            doubt = (Pending(Action.SUBMIT, "no answer"),)
            self.put(replace(state, status=OrdStatus.IN_DOUBT, pending=doubt, manual=True))
            return
        if script.how == "reject":
            self.put(replace(state, status=OrdStatus.REJECTED, text="the venue says no"))
            return
        placed = replace(
            state,
            status=OrdStatus.NEW,
            base=OrdStatus.NEW,
            broker_order_id=BrokerOrderId(f"b{len(self.sent)}"),
        )
        if script.ack_after:
            self.clock.later(script.ack_after, lambda: self._place(placed, script))
        else:
            self._place(placed, script)

    def _place(self, placed: OrderState, script: Script) -> None:
        self.put(placed)
        if script.how != "never":
            rules = instrument_of(self, placed.symbol)
            whole = placed.quantity or self._bought_for(placed)
            part = rules.round_quantity(whole * script.part)
            self.clock.later(script.after, lambda: self.fill(placed.client_order_id, part))

    def _bought_for(self, state: OrderState) -> Decimal:
        """How much an order by notional buys."""
        notional = state.order.notional if state.order else None
        return (notional or ZERO) / self.prices[state.symbol]

    def _check(self, order: Order) -> None:
        quantity, price = order.quantity or ZERO, order.limit_price or self.prices[order.symbol]
        cost = order.notional or quantity * price
        if order.side is Side.BUY and cost > self.account().buying_power:
            self.violations.append(f"overspent on {order.symbol}")
        if order.side is Side.SELL and quantity > self.positions.get(order.symbol, ZERO):
            self.violations.append(f"oversold {order.symbol}")

    def fill(self, client_order_id: ClientOrderId, quantity: Decimal) -> None:
        state = self.states[client_order_id]
        if state.ended or not quantity:
            return
        price = self.prices[state.symbol]
        held = self.positions.get(state.symbol, ZERO)
        self.positions[state.symbol] = held + state.side.sign * quantity
        if state.side is Side.BUY:
            self.cash -= quantity * price
        else:
            self.clock.later(self.settle_after, lambda: self._pay(quantity * price))
        filled = state.filled + quantity
        done = state.quantity is None or filled == state.quantity
        status = OrdStatus.FILLED if done else OrdStatus.PARTIALLY_FILLED
        self.put(
            replace(
                state,
                status=status,
                base=status,
                filled=filled,
                claimed=filled,
                value=state.value + quantity * price,
                updated_at=self.clock.now(),
            )
        )

    def _pay(self, amount: Decimal) -> None:
        self.cash += amount

    def end(self, client_order_id: ClientOrderId) -> None:
        state = self.states[client_order_id]
        if not state.ended:
            evidence = Evidence(Source.STREAM, "e")
            self.put(replace(state, status=OrdStatus.CANCELED, evidence=evidence, pending=()))


def instrument_of(world: World, symbol: str) -> Instrument:
    if symbol not in world.prices:
        raise UnknownSymbol(symbol)
    return Instrument(
        symbol,
        tradable=symbol not in world.untradable,
        fractionable=symbol not in world.whole,
    )


def resting(
    world: World, name: str, symbol: str, side: Side, quantity: str, owner: Owner
) -> ClientOrderId:
    """Put an order on the book that no plan placed."""
    key, amount = ClientOrderId(name), Decimal(quantity)
    order = None
    if owner is Owner.OURS:
        order = Order(symbol=symbol, side=side, quantity=amount)
    world.states[key] = OrderState(
        key,
        symbol,
        side,
        OrdStatus.NEW,
        OrdStatus.NEW,
        amount,
        START,
        order=order,
        owner=owner,
        broker_order_id=BrokerOrderId(name),
    )
    return key
