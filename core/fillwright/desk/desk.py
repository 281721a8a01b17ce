"""The standard execution manager: the one door for orders, plans, cancels, halts.

It holds no logic of its own beyond intents and stopping: each idea has its module in this room.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from fillwright.accounts import Account, Instrument, Quote
from fillwright.desk import chronicle
from fillwright.desk.accepting import Acceptance, Accepted
from fillwright.desk.brakes import Brakes, Left
from fillwright.desk.handles import Handle, HandleBook
from fillwright.desk.intents import Intents
from fillwright.desk.killing import Kill
from fillwright.desk.parts import Parts
from fillwright.desk.planning import PlanEngine, PlanPreview
from fillwright.desk.stopping import drain
from fillwright.desk.sweeping import Sweep
from fillwright.errors import (
    DeskClosed,
    FillwrightError,
    NotCancelable,
    NotManual,
    UnknownOrder,
    fault_text,
)
from fillwright.ledger import Abandoned, Change, Halted
from fillwright.logs import get_logger
from fillwright.orders import Order, OrderChange
from fillwright.plans import ExecutionResult, Plan
from fillwright.protocols import Clock, ClosePolicy, Json, Record
from fillwright.reports import Evidence, Source
from fillwright.risk import Decision
from fillwright.states import OrderState
from fillwright.types import ZERO, ClientOrderId, OrdStatus
from fillwright.verdicts import Scope

_log = get_logger(__name__)


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
        self._intents = Intents(parts, self._handles, self._refuse_unless_running)
        self._brakes = Brakes(parts, self.cancel, self.cancel_account)
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
        self._refuse_when_closed()
        return self._intents.submit(order)

    async def find(self, intent_id: str) -> Handle | None:
        """The order of an intent that is recorded; never sends. None when there is none."""
        return self._intents.find(intent_id)

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
        self._refuse_when_closed()
        handle = self.order(client_order_id)
        if handle.state.ended:
            raise NotCancelable(client_order_id, str(handle.state.status))
        carrier = self._parts.carrier
        carried = carrier.carries(client_order_id)
        staged = handle.state.status is OrdStatus.STAGED
        if carried or staged:
            carrier.withdraw(client_order_id)
        if staged and not carried:
            self._intents.carry(client_order_id)
        await handle.decided()
        current = self._state_of(client_order_id)
        return current if current.ended else await self._parts.changes.cancel(client_order_id)

    async def cancel_account(self) -> Sequence[OrderState]:
        """Ask for the cancel of every open order of the account, whoever placed it.

        Returns when the broker answered; each ends later, and whatever got no answer is asked for
        again. New orders are not stopped: halt the desk first. Raises GuardError, DeskClosed.
        """
        self._refuse_when_closed()
        swept = await Sweep(self._parts, self.cancel).run()
        return [self._state_of(key) for key in swept]

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
        """The account asked for now. Raises BrokerUnavailable, DeskClosed."""
        self._refuse_when_closed()
        return await self._parts.market.fresh_account()

    async def fresh_quote(self, symbol: str) -> Quote:
        """A quote asked for now. Raises BrokerUnavailable, UnknownSymbol, DeskClosed."""
        self._refuse_when_closed()
        return await self._parts.market.fresh_quote(symbol)

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol. Raises BrokerUnavailable, UnknownSymbol, DeskClosed."""
        self._refuse_when_closed()
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

    async def halt(
        self, scope: Scope, name: str = "", *, reason: str, by: str, cancel: bool = False
    ) -> Sequence[OrderState]:
        """Take no new risk in this scope until a named person resumes; survives a restart.

        When it returns, the halt is durable, and no new-risk order leaves after it: requests that
        were out when it was asked for have come back (within 10 s; a log event says if not).
        With `cancel` the scope's open orders are asked to be canceled, of the whole desk those of
        the whole account; they are given as they stand then.
        Raises BadInput for a scope, a name, a reason or a person that is none.
        """
        return await self._brakes.halt(scope, name, reason=reason, by=by, cancel=cancel)

    async def resume(self, scope: Scope, name: str = "", *, by: str) -> None:
        """Lift a halt; `by` is the person who answers for it.

        Raises BadInput if none stands, and for the whole desk while the kill file is there.
        """
        await self._brakes.resume(scope, name, by=by)

    def kill(self, *, reason: str = "desk.kill()", by: str, cancel: bool = False) -> None:
        """Let no new risk leave from this moment on; waits for nothing and never raises.

        It may be called in any thread and in a signal handler. The kill file is made, and the halt
        of the whole desk is recorded at the next send or within a second.
        """
        self._parts.operator.switch.pull(Kill(reason, by, cancel))

    async def flatten(self, *, reason: str, by: str) -> Sequence[Left]:
        """Close every position with orders that only reduce, and tell what is left and why.

        Only under a halt of the whole desk, and only where ledger and broker agree. Raises
        BadInput, BrokerUnavailable.
        """
        self._refuse_unless_running()
        return await self._brakes.flatten(self, reason=reason, by=by)

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

    async def accept(self, subject: str, *, reason: str, by: str) -> Accepted:
        """Take the broker's figure for a symbol, or for "cash", because `by` looked and says so.

        Lifts no halt. Raises BadInput, BrokerUnavailable.
        """
        self._refuse_unless_running()
        return await Acceptance(self._parts).accept(subject, reason=reason, by=by)

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

    def heed_rate(
        self, limit: int | None, remaining: int | None, reset_at: datetime | None
    ) -> None:
        """The broker's answers said this about its own count of our requests."""
        self._parts.limiter.observe(limit=limit, remaining=remaining, reset_at=reset_at)

    def moved(self, change: Change) -> None:
        """An order changed: show it to who holds its handle."""
        after = change.after
        if after is None:
            return
        chronicle.tell(change.before, after)
        self._handles.move(after)
        if after.status is not OrdStatus.STAGED:
            self._parts.note(after)

    def remembered(self, after: OrderState) -> None:
        """A change is durable: a settled order may leave the memory, the journal has it."""
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

    def _refuse_when_closed(self) -> None:
        """Ask the broker nothing more: a plan that goes on by itself ends at its next step."""
        if self._state is DeskState.CLOSED:
            raise DeskClosed(self._state)

    def _state_of(self, key: ClientOrderId) -> OrderState:
        state = self._keeper.state(key)
        if state is None:
            raise UnknownOrder(key)
        return state
