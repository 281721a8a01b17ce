"""The standard execution manager: the one door for orders, plans, cancels, halts.

It holds no logic of its own beyond intents and stopping: each idea has its module in this room.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from fillwright.accounts import Account, Instrument, Quote
from fillwright.desk import chronicle
from fillwright.desk.halts import checked_halt, said
from fillwright.desk.handles import Handle, HandleBook
from fillwright.desk.parts import Parts
from fillwright.desk.planning import PlanEngine, PlanPreview
from fillwright.desk.stopping import drain
from fillwright.desk.tasks import finished_within
from fillwright.errors import (
    BadInput,
    DeskBusy,
    DeskClosed,
    FillwrightError,
    IntentConflict,
    NotCancelable,
    NotManual,
    UnknownOrder,
    fault_text,
)
from fillwright.ledger import Abandoned, Change, Halted, Resumed, Staged
from fillwright.logs import get_logger
from fillwright.orders import (
    Order,
    OrderChange,
    checked_order,
    client_order_id_for,
    content_hash,
)
from fillwright.plans import ExecutionResult, Plan
from fillwright.protocols import Clock, ClosePolicy, Json, Record
from fillwright.reports import Evidence, Source
from fillwright.risk import Decision
from fillwright.states import OrderState
from fillwright.types import ZERO, ClientOrderId, IntentId, OrdStatus
from fillwright.verdicts import Scope

_log = get_logger(__name__)

#: How long a halt waits for requests that are out already, in seconds.
LANDED_WITHIN = 10.0


class DeskState(StrEnum):
    """How far the desk is with starting and stopping."""

    RUNNING = "running"
    DRAINING = "draining"
    FAILED = "failed"
    CLOSED = "closed"


class Desk:
    """Run orders at one account of one broker. Made by `open_desk`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._keeper = parts.keeper
        self._handles = HandleBook(parts.keeper)
        self._state = DeskState.RUNNING
        self._fault: FillwrightError | None = None
        self._plans = PlanEngine(self, settings=parts.plan_settings)

        parts.bind(on_fault=self.fail, on_change=self.moved, on_durable=self.remembered)

    async def start(self) -> None:
        """Replay the journal and connect; orders may be submitted at once and wait for it."""
        await self._parts.start()

    # ------------------------------------------------------------------ orders

    async def submit(self, order: Order) -> Handle:
        """Record the intent and send the order on its way; returns at once.

        The same intent id with the same content gives the same order again, also after a
        restart. Raises BadInput, IntentConflict, DeskBusy, DeskClosed; a refusal is a state of the
        handle.
        """
        if self._state is DeskState.CLOSED:
            raise DeskClosed(self._state)
        order = checked_order(order)
        if order.intent_id is None:
            minted = self._parts.ids.new("intent")
            order = order.model_copy(update={"intent_id": minted})
        intent = IntentId(str(order.intent_id))
        key = client_order_id_for(self._parts.binding.account, intent)
        digest = content_hash(order)
        known = self._handles.known(key)
        if known is not None:
            return self._taken_up(known, intent, digest)
        self._refuse_unless_running()
        if len(self._keeper.ledger.orders) >= self._parts.limits.max_in_flight:
            raise DeskBusy(self._parts.limits.max_in_flight)
        _, change = self._keeper.write(Staged(key, self.clock.now(), order, digest))
        handle = self._handles.of(change.after or self._state_of(key))
        self._carry(key)
        return handle

    async def find(self, intent_id: str) -> Handle | None:
        """The order of an intent that is recorded; never sends. None when there is none."""
        key = client_order_id_for(self._parts.binding.account, IntentId(intent_id))
        return self._handles.known(key)

    def order(self, client_order_id: ClientOrderId) -> Handle:
        """An order by its id, under way or ended. Raises UnknownOrder."""
        handle = self._handles.known(client_order_id)
        if handle is None:
            raise UnknownOrder(client_order_id)
        return handle

    async def cancel(self, client_order_id: ClientOrderId) -> OrderState:
        """Ask for a cancel, and return when the broker answered; it ends the order later.

        An order that has not left yet is not sent any more. Raises UnknownOrder, NotCancelable.
        """
        if self._state is DeskState.CLOSED:
            raise DeskClosed(self._state)
        handle = self.order(client_order_id)
        if handle.state.ended:
            raise NotCancelable(client_order_id, str(handle.state.status))
        carrier = self._parts.carrier
        carried = carrier.carries(client_order_id)
        staged = handle.state.status is OrdStatus.STAGED
        if carried or staged:
            carrier.withdraw(client_order_id)
        if staged and not carried:
            self._carry(client_order_id)
        await handle.decided()
        current = self._state_of(client_order_id)
        return current if current.ended else await self._parts.changes.cancel(client_order_id)

    async def replace(self, client_order_id: ClientOrderId, change: OrderChange) -> OrderState:
        """Ask for a change, through the same gate as a new order.

        Raises UnknownOrder, NotCancelable, OrderRefused, OrderRejected, NotSent.
        """
        self._refuse_unless_running()
        await self.order(client_order_id).decided()
        return await self._parts.changes.replace(client_order_id, change)

    def working(self) -> Sequence[OrderState]:
        """Every order that has not ended: ours, legs, and what others placed."""
        return list(self._keeper.working())

    # ------------------------------------------------------------------ plans

    async def execute(self, plan: Plan) -> ExecutionResult:
        """Carry a plan out, or resume it; the same plan id gives the first result again.

        Raises PlanError, IntentConflict, DeskClosed.
        """
        if self._state is not DeskState.RUNNING:
            raise DeskClosed(self._state)
        return await self._plans.execute(plan)

    async def dry_run(self, plan: Plan) -> PlanPreview:
        """What would be sent for this plan and every verdict on it; sends and records nothing."""
        return await self._plans.preview(plan)

    async def preview(
        self, orders: Sequence[Order], *, proceeds: Decimal = ZERO
    ) -> Sequence[Decision]:
        """Judge each order after those before it that would pass; records and sends nothing.

        Buys are judged as if the sells' `proceeds` (account currency) had come in.
        """
        return await self._parts.approvals.preview(orders, proceeds)

    # ------------------------------------------------------------------ facts

    @property
    def clock(self) -> Clock:
        """The desk's time."""
        return self._parts.clock

    @property
    def state(self) -> DeskState:
        """How far the desk is with stopping."""
        return self._state

    @property
    def obstacles(self) -> str:
        """Why new risk has to wait now; empty when it need not."""
        return self._parts.health.reason

    @property
    def halts(self) -> Sequence[Halted]:
        """The halts that stand."""
        return list(self._keeper.ledger.halts.values())

    @property
    def positions(self) -> Mapping[str, object]:
        """What the ledger holds: symbol and signed quantity."""
        return {s: q for s, q in self._keeper.ledger.positions.items() if q}

    async def fresh_account(self) -> Account:
        """The account asked for now. Raises BrokerUnavailable."""
        return await self._parts.market.fresh_account()

    async def fresh_quote(self, symbol: str) -> Quote:
        """A quote asked for now. Raises BrokerUnavailable, UnknownSymbol."""
        return await self._parts.market.fresh_quote(symbol)

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol. Raises BrokerUnavailable, UnknownSymbol."""
        return await self._parts.market.instrument(symbol)

    def record(self, kind: str, key: str, body: Mapping[str, Json]) -> int:
        """Append one record of a plan to the journal and return its sequence number."""
        return self._keeper.journal.append(kind, key, body)

    async def durable(self, seq: int) -> None:
        """Return when every record up to `seq` survives a power cut."""
        await self._keeper.journal.durable(seq)

    def recorded(self, key: str) -> Sequence[Record]:
        """Every record with this key, in order."""
        return self._keeper.journal.about(key)

    # ------------------------------------------------------------------ control

    async def halt(self, scope: Scope, name: str = "", *, reason: str, by: str) -> None:
        """Take no new risk in this scope until a named person resumes; survives a restart.

        When it returns, the halt is durable, and no new-risk order leaves after it: requests that
        were out when it was asked for have come back (within 10 s; a log event says if not).
        Raises BadInput for a scope, a name, a reason or a person that is none.
        """
        halted = checked_halt(Halted(self.clock.now(), scope, name, reason, by))
        await self._keeper.write_durably(halted)
        if not await finished_within(self._parts.wire.landed(), LANDED_WITHIN, self.clock):
            _log.error("requests_still_out", seconds=LANDED_WITHIN)
        _log.warning("desk_halted", scope=str(scope), name=name, reason=reason, by=by)

    async def resume(self, scope: Scope, name: str = "", *, by: str) -> None:
        """Lift a halt; `by` is the person who answers for it. Raises BadInput if none stands."""
        if (scope, name) not in self._keeper.ledger.halts:
            raise BadInput(f"halt {scope} {name}".strip(), "no such halt stands")
        said("by", by)
        await self._keeper.write_durably(Resumed(self.clock.now(), scope, name, by))
        _log.warning("desk_resumed", scope=str(scope), name=name, by=by)

    async def settle(self, client_order_id: ClientOrderId, *, reason: str, by: str) -> OrderState:
        """Close an order that waits for a person (MANUAL): `by` looked, and it never arrived.

        If it shows up all the same, it is booked and canceled like any late acceptance. Raises
        UnknownOrder, and NotManual for an order that does not wait for anyone.
        """
        state = self._state_of(client_order_id)
        if not state.manual:
            raise NotManual(client_order_id, str(state.status))
        evidence = Evidence(Source.PERSON, f"{by}: {reason}")
        fact = Abandoned(client_order_id, self.clock.now(), evidence)
        change = await self._keeper.write_durably(fact)
        return change.after or state

    async def reconcile(self) -> None:
        """Compare the ledger with the broker's books now. Raises BrokerUnavailable."""
        await self._parts.reconciler.run()

    async def aclose(self, policy: ClosePolicy = ClosePolicy.KEEP) -> None:
        """Stop taking orders, follow the policy on open ones, and let go of everything."""
        if self._state is DeskState.CLOSED:
            return
        try:
            if self._state is DeskState.RUNNING:
                self._state = DeskState.DRAINING
                await drain(self._parts, self._handles, policy)
        finally:
            self._state = DeskState.CLOSED
            self._handles.fail(self._fault or DeskClosed("closed"))
            await self._parts.close()

    # ------------------------------------------------------------------ inside

    def moved(self, change: Change) -> None:
        """An order changed: show it to who holds its handle."""
        after = change.after
        if after is None:
            return
        chronicle.tell(change.before, after)
        self._handles.move(after)
        if after.status is not OrdStatus.STAGED:
            self._parts.note(after)

    def remembered(self, change: Change) -> None:
        """A change is durable: a settled order may leave the memory, the journal has it."""
        after = change.after
        if after is None:
            return
        key = after.client_order_id
        if after.settled and self._keeper.ledger.orders.get(key) is after:
            self._keeper.forget(key)
            self._handles.drop(key)
            self._parts.doubts.forget(key)
            self._parts.carrier.forget(key)

    def fail(self, name: str, fault: BaseException) -> None:
        """One of the desk's own tasks ended by a fault: take no more orders."""
        if self._state is DeskState.CLOSED:
            return
        reason = f"stopped by a fault in its {name} task ({fault_text(fault)})"
        self._fault = fault if isinstance(fault, FillwrightError) else DeskClosed(reason)
        self._parts.health.block("desk", reason)
        if self._state is DeskState.RUNNING:
            self._state = DeskState.FAILED
        self._handles.fail(self._fault)

    def _refuse_unless_running(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._state is not DeskState.RUNNING:
            raise DeskClosed(self._state)

    def _carry(self, key: ClientOrderId) -> None:
        self._parts.tasks.spawn("carry", self._parts.carrier.carry(key))

    def _taken_up(self, handle: Handle, intent: IntentId, digest: str) -> Handle:
        """An intent that is known: the same content, or a conflict; one left staged goes on."""
        state = handle.state
        if state.content_hash != digest:
            raise IntentConflict(intent, state.content_hash, digest)
        key = handle.client_order_id
        current = self._keeper.ledger.orders.get(key)
        staged = current is not None and current.status is OrdStatus.STAGED
        if staged and not self._parts.carrier.carries(key):
            self._refuse_unless_running()
            self._carry(key)
        return handle

    def _state_of(self, key: ClientOrderId) -> OrderState:
        state = self._keeper.state(key)
        if state is None:
            raise UnknownOrder(key)
        return state
