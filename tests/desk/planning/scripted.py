"""A scripted desk: one process, which dies at the record that it is told to die at."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from desk.planning.world import Crashed, Script, VirtualClock, World, instrument_of
from fillwright.accounts import Account, Instrument, Quote
from fillwright.errors import BrokerUnavailable, IntentConflict, NotCancelable
from fillwright.orders import Order, client_order_id_for, content_hash
from fillwright.protocols import Json, Record
from fillwright.risk.merge import Decision, Outcome
from fillwright.states import OrderState
from fillwright.types import ClientOrderId, IntentId, OrdStatus
from fillwright.verdicts import Reason

ZERO = Decimal(0)


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

    async def preview(self, orders: Sequence[Order], *, proceeds: Decimal) -> Sequence[Decision]:
        refused = {s for s, script in self.world.scripts.items() if script.how == "refuse"}
        no = Decision(Outcome.REJECT, reasons=(Reason("C01", "9", "5"),))
        return [no if o.symbol in refused else Decision(Outcome.ALLOW, o.quantity) for o in orders]
