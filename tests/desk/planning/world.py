"""A scripted desk and venue on virtual time, with a journal that outlives the desk."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fillwright.accounts import Account, Instrument, Position, Quote
from fillwright.errors import BrokerUnavailable, IntentConflict, NotCancelable, UnknownSymbol
from fillwright.orders import Order, client_order_id_for, content_hash
from fillwright.protocols import Json, Record
from fillwright.reports import Evidence, Source
from fillwright.risk.merge import Decision, Outcome
from fillwright.states import Action, OrderState, Owner, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, IntentId, OrdStatus, Side
from fillwright.verdicts import Reason

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
                s.leaves * (s.order.limit_price or self.prices[s.symbol])
                for s in self.states.values()
                if s.side is Side.BUY and s.order and s.broker_order_id and s.quantity
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
            part = rules.round_quantity((placed.quantity or ZERO) * script.part)
            self.clock.later(script.after, lambda: self.fill(placed.client_order_id, part))

    def _check(self, order: Order) -> None:
        quantity, price = order.quantity or ZERO, order.limit_price or self.prices[order.symbol]
        if order.side is Side.BUY and quantity * price > self.account().buying_power:
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
        status = OrdStatus.FILLED if filled == state.quantity else OrdStatus.PARTIALLY_FILLED
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


class ScriptedHandle:
    """A handle that reads the world's state."""

    def __init__(self, desk: "ScriptedDesk", client_order_id: ClientOrderId) -> None:
        self._desk = desk
        self.client_order_id = client_order_id

    @property
    def state(self) -> OrderState:
        return self._desk.world.states[self.client_order_id]

    async def decided(self) -> OrderState:
        return self.state

    async def done(self) -> OrderState:
        while not (self.state.settled or self.state.manual):
            waiter = asyncio.get_running_loop().create_future()
            self._desk.world.waiters.append(waiter)
            await waiter
            self._desk.alive()
        return self.state


class ScriptedDesk:
    """One process' desk; it dies at the record that it is told to die at.

    Either right after that record, or before it with all that was not durable yet.
    """

    def __init__(self, world: World, *, die_at: int | None = None, after: bool = True) -> None:
        self.world = world
        self._die_at = die_at
        self._after = after
        self.dead = False

    @property
    def clock(self) -> VirtualClock:
        return self.world.clock

    def alive(self) -> None:
        if self.dead:
            raise Crashed

    def record(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        self.alive()
        seq = len(self.world.records) + 1
        last = seq == self._die_at
        if not last or self._after:
            self.world.records.append(Record(seq, 1, self.clock.now(), kind, key, body, ""))
        self.dead = last
        if last and not self._after:
            del self.world.records[self.world.durable :]
        self.alive()
        return seq

    async def durable(self, seq: int) -> None:
        await asyncio.sleep(0)
        self.alive()
        self.world.durable = max(self.world.durable, seq)

    def recorded(self, key: str) -> Sequence[Record]:
        return [r for r in self.world.records if r.key == key]

    async def submit(self, order: Order) -> ScriptedHandle:
        self.alive()
        key = client_order_id_for("A1", IntentId(str(order.intent_id)))
        known = [r for r in self.recorded(key) if r.kind == "order_staged"]
        if known and known[0].body["hash"] != content_hash(order):
            raise IntentConflict(
                str(order.intent_id), str(known[0].body["hash"]), content_hash(order)
            )
        if not known:
            intent, digest = str(order.intent_id), content_hash(order)
            await self.durable(self.record("order_staged", key, {"intent": intent, "hash": digest}))
        if key not in self.world.states:
            self._let_go(key, order)
        return ScriptedHandle(self, key)

    def _let_go(self, key: ClientOrderId, order: Order) -> None:
        state = OrderState(
            key,
            order.symbol,
            order.side,
            OrdStatus.PENDING_NEW,
            OrdStatus.PENDING_NEW,
            order.quantity,
            self.clock.now(),
            order=order,
        )
        how = self.world.scripts.get(order.symbol, Script()).how
        if how == "refuse":
            reason = Reason("C01", "9", "5")
            self.world.put(replace(state, status=OrdStatus.REFUSED, reasons=(reason,)))
            return
        if how == "resize":
            state = replace(
                state, quantity=(order.quantity or ZERO) / 2, reasons=(Reason("C01", "9", "5"),)
            )
        self.world.put(state)
        self.world.accept(state)

    async def find(self, intent_id: str) -> ScriptedHandle | None:
        self.alive()
        key = client_order_id_for("A1", IntentId(intent_id))
        return ScriptedHandle(self, key) if key in self.world.states else None

    async def cancel(self, client_order_id: ClientOrderId) -> OrderState:
        self.alive()
        state = self.world.states[client_order_id]
        if state.ended:
            raise NotCancelable(client_order_id, state.status)
        after = self.world.scripts.get(state.symbol, Script()).cancel_after
        if after is not None:
            self.clock.later(after, lambda: self.world.end(client_order_id))
        return state

    def working(self) -> Sequence[OrderState]:
        return [s for s in self.world.states.values() if not s.ended]

    async def fresh_account(self) -> Account:
        self.alive()
        self.world.account_reads += 1
        if self.clock.elapsed < self.world.account_down_until:
            raise BrokerUnavailable("account", "no answer")
        return self.world.account()

    async def fresh_quote(self, symbol: str) -> Quote:
        self.alive()
        if symbol in self.world.quoteless:
            raise BrokerUnavailable("quote", "no answer")
        return self.world.quote(symbol)

    async def instrument(self, symbol: str) -> Instrument:
        self.alive()
        return instrument_of(self.world, symbol)

    async def preview(self, orders: Sequence[Order]) -> Sequence[Decision]:
        refused = {s for s, script in self.world.scripts.items() if script.how == "refuse"}
        no = Decision(Outcome.REJECT, reasons=(Reason("C01", "9", "5"),))
        return [no if o.symbol in refused else Decision(Outcome.ALLOW, o.quantity) for o in orders]


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
