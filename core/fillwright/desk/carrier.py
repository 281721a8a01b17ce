"""Carry one staged order through the gate and the journal to the wire, and book what comes back.

Rules:
1. Durable before the first byte; one request per attempt; fence and guard are looked at last.
2. A halt that comes between approval and wire brings the order back to the gate.
3. Proven not sent goes again until the deadline. Anything that proves nothing is in doubt: an
   adapter's unknown exception and a cancelled task are no exception to that.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fillwright.desk.approvals import Approvals
from fillwright.desk.books import Books
from fillwright.desk.deadline import Deadline
from fillwright.desk.ends import until_ended
from fillwright.desk.keeper import Keeper
from fillwright.desk.tasks import end
from fillwright.desk.wire import Wire, Withheld
from fillwright.errors import DuplicateClientOrderId, NotSent, OrderRejected
from fillwright.ledger import EndedUnsent, Refused, Sent, Unsent
from fillwright.logs import get_logger
from fillwright.protocols import Clock, Executor, Limits, Rng
from fillwright.reports import Ack, Evidence, ExecutionReport, Source
from fillwright.resilience import Backoff, CircuitBreaker, Lane, Limiter
from fillwright.risk.house import GUARD
from fillwright.states import Action, OrderState
from fillwright.types import ClientOrderId, ExecType, OrdStatus
from fillwright.verdicts import ApprovedOrder, Reason

_log = get_logger(__name__)
_AGAIN = Backoff(0.05, 2.0)


class Carrier:
    """Send orders, each at most once at a time."""

    def __init__(  # noqa: PLR0913  # the stations of an order's way
        self,
        keeper: Keeper,
        books: Books,
        approvals: Approvals,
        executor: Executor,
        *,
        wire: Wire,
        limiter: Limiter,
        breaker: CircuitBreaker,
        limits: Limits,
        clock: Clock,
        rng: Rng,
    ) -> None:
        self._keeper = keeper
        self._books = books
        self._approvals = approvals
        self._executor = executor
        self._wire = wire
        self._limiter = limiter
        self._breaker = breaker
        self._deadline = timedelta(seconds=limits.send_deadline)
        self._clock = clock
        self._rng = rng
        self._carried: set[ClientOrderId] = set()
        self._withdrawn: set[ClientOrderId] = set()
        #: The timers of those that wait for their turn; one that is cancelled ends the wait.
        self._waiting: dict[ClientOrderId, asyncio.Future[None]] = {}
        self._deadlines: dict[ClientOrderId, Deadline] = {}
        #: Sent more than once: one request's refusal says nothing about the other.
        self._repeated: set[ClientOrderId] = set()
        self._stopped = False

    def carries(self, key: ClientOrderId) -> bool:
        """Whether the order is on its way to the wire now."""
        return key in self._carried

    @property
    def count(self) -> int:
        """How many orders are on their way to the wire now."""
        return len(self._carried)

    def withdraw(self, key: ClientOrderId) -> None:
        """The owner no longer wants an order that has not left yet."""
        self._withdrawn.add(key)
        if key in self._waiting:
            self._waiting[key].cancel()

    def stop(self) -> None:
        """Let nothing leave any more; what is staged stays so."""
        self._stopped = True

    def forget(self, key: ClientOrderId) -> None:
        """The order is settled."""
        self._repeated.discard(key)
        self._deadlines.pop(key, None)

    def expired(self, state: OrderState) -> bool:
        """Whether an order that was sent may not be sent again: it would come too late.

        What an earlier process sent has until its deadline by the time of day, and never longer
        than an order has that is new.
        """
        if state.deadline is None:
            return True
        latest = Deadline.of(self._clock, self._deadline).monotonic
        sent = Deadline(state.deadline, latest)
        return self._deadlines.setdefault(state.client_order_id, sent).passed(self._clock)

    def carry(self, key: ClientOrderId) -> Coroutine[Any, Any, None]:
        """Bring a staged order to the wire, or to the end that it finds before.

        It counts as carried from this call on, so that nobody else begins before the first step.
        """
        self._carried.add(key)
        return self._carry(key)

    async def _carry(self, key: ClientOrderId) -> None:
        deadline = self._deadlines[key] = Deadline.of(self._clock, self._deadline)
        try:
            attempt = 0
            while not await self._attempt(key, deadline):
                await self._clock.sleep(_AGAIN.delay(attempt, self._rng))
                attempt += 1
        finally:
            self._carried.discard(key)
            self._withdrawn.discard(key)

    async def resend(self, key: ClientOrderId) -> bool:
        """Send the same bytes again, behind the fence.

        False when they may not go again: the gate refuses them now, or the broker did.
        """
        if not self._limiter.try_acquire(Lane.SUBMIT):
            await self._limiter.acquire(Lane.SUBMIT)
        await self._approvals.latched()
        state = self._keeper.ledger.orders.get(key)
        if state is None or state.awaiting(Action.SUBMIT) is None:
            return True  # its answer came while we waited
        approval = self._approvals.renew(state)
        if approval.order is None or self.expired(state):
            return False
        self._repeated.add(key)
        _log.warning("order_resent", client_order_id=key)
        return await self._send(key, approval.order, reduces=approval.reduces)

    async def _attempt(self, key: ClientOrderId, deadline: Deadline) -> bool:
        """One way through the gate to the wire; False when it may go again."""
        state = self._keeper.ledger.orders.get(key)
        if state is None or self._ended_unsent(state, deadline):
            return True
        approval = await self._approvals.ask(state, deadline)
        if approval.order is None:
            self._keeper.write(Refused(key, self._clock.now(), approval.reasons))
            return True
        its_turn = self._limiter.try_acquire(Lane.SUBMIT) or await self._turn(key, deadline)
        if self._ended_unsent(state, deadline):
            self._approvals.drop(state)
            return True
        if not its_turn or not self._approvals.holds(approval):
            self._approvals.drop(state)
            return False
        order = approval.order
        now = self._clock.now()
        sent = Sent(
            key,
            now,
            order.content_hash,
            deadline.at,
            order.order.quantity,
            approval.worst_price,
            order.remarks,
            approval.value,
            approval.reduces,
            self._books.quote(order.order.symbol),
        )
        seq, _ = self._keeper.write(sent)
        await self._keeper.journal.durable(seq)
        stays = key in self._withdrawn or self._stopped or deadline.passed(self._clock)
        if stays or not self._approvals.holds(approval):
            self._keeper.write(Unsent(key, self._clock.now(), "conditions changed before it left"))
            return False
        return await self._send(key, order, reduces=approval.reduces)

    async def _turn(self, key: ClientOrderId, deadline: Deadline) -> bool:
        """Wait for the right to send; False when it was withdrawn or too late before that."""
        start = asyncio.get_running_loop().create_task
        asked = start(self._limiter.acquire(Lane.SUBMIT))
        timer = start(self._clock.sleep(deadline.left(self._clock)))
        self._waiting[key] = timer
        try:
            await until_ended((asked, timer))
            return asked.done()
        finally:
            del self._waiting[key]
            await end(asked, timer)

    def _ended_unsent(self, state: OrderState, deadline: Deadline) -> bool:
        """Whether it goes no further; one that was withdrawn or came too late ends here."""
        now, key = self._clock.now(), state.client_order_id
        if self._stopped or state.status is not OrdStatus.STAGED:
            return True
        if key in self._withdrawn:
            fact = EndedUnsent(key, now, OrdStatus.CANCELED, "withdrawn before it was sent")
        elif deadline.passed(self._clock):
            fact = EndedUnsent(key, now, OrdStatus.EXPIRED, "its deadline passed before it left")
        else:
            return False
        self._keeper.write(fact)
        return True

    async def _send(self, key: ClientOrderId, order: ApprovedOrder, *, reduces: bool) -> bool:
        """One request. False when it is proven that nothing came of it."""
        try:
            with self._wire.carrying(key, reduces=reduces):
                return await self._request(key, order)
        except Withheld as fault:
            return self._withheld(key, fault)

    async def _request(self, key: ClientOrderId, order: ApprovedOrder) -> bool:
        """The request itself, and what its answer means."""
        try:
            ack = await self._executor.submit(order)
        except DuplicateClientOrderId as fault:
            if self._state(key).broker_order_id is None:
                self._books.take(self._proven(key, fault), key=key)
                self._books.doubt(key, Action.SUBMIT, f"the broker has this id: {fault.text}")
        except OrderRejected as fault:
            self._breaker.succeeded(Lane.SUBMIT)
            if self._may_be_there(key):
                self._books.doubt(key, Action.SUBMIT, f"sent before, then refused: {fault.text}")
                return False
            self._books.take(self._rejected(key, fault), key=key)
        except NotSent as fault:
            self._breaker.failed(fault.proof)
            if self._may_be_there(key):
                self._books.doubt(key, Action.SUBMIT, f"sent before, not again: {fault.proof}")
                return True
            self._keeper.write(Unsent(key, self._clock.now(), fault.proof))
            _log.info("order_not_sent", client_order_id=key, proof=fault.proof)
            return False
        except asyncio.CancelledError:
            self._doubt(key, "the task was cancelled while it was on the wire")
            raise
        except Exception as fault:  # noqa: BLE001  # whatever an adapter raises proves nothing
            self._breaker.failed(type(fault).__name__)
            self._doubt(key, f"{type(fault).__name__}: {fault}")
        else:
            self._breaker.succeeded(Lane.SUBMIT)
            self._books.take(self._acknowledged(key, ack), key=key)
        return True

    def _withheld(self, key: ClientOrderId, fault: Withheld) -> bool:
        """Nothing left: back to the gate, which knows of the kill; what the guard stops ends."""
        if self._may_be_there(key):
            self._books.doubt(key, Action.SUBMIT, f"sent before, not again: {fault.proof}")
            return True
        self._keeper.write(Unsent(key, self._clock.now(), fault.proof))
        _log.warning("order_withheld", client_order_id=key, reason=fault.proof)
        if fault.fault is None:
            return False
        reason = Reason(GUARD, "withheld", "every agreement", fault.proof, "house")
        self._keeper.write(Refused(key, self._clock.now(), (reason,)))
        return True

    def _doubt(self, key: ClientOrderId, reason: str) -> None:
        """Put it in doubt, unless the stream was faster and showed that the broker has it."""
        state = self._keeper.ledger.orders.get(key)
        if state is not None and state.awaiting(Action.SUBMIT) is not None:
            self._books.doubt(key, Action.SUBMIT, reason)

    def _may_be_there(self, key: ClientOrderId) -> bool:
        """Whether another request, or a word of the broker, speaks against this one's failure."""
        state = self._keeper.ledger.orders.get(key)
        answered = state is not None and not state.ended and state.awaiting(Action.SUBMIT) is None
        return answered or key in self._repeated

    def _acknowledged(self, key: ClientOrderId, ack: Ack) -> ExecutionReport:
        state = self._state(key)
        kind = _ACKS.get(ack.status, ExecType.ORDER_STATUS)
        return ExecutionReport(
            kind,
            state.symbol,
            state.side,
            ack.evidence,
            ack.at,
            key,
            ack.broker_order_id,
            status=ack.status,
        )

    def _proven(self, key: ClientOrderId, fault: DuplicateClientOrderId) -> ExecutionReport:
        """The broker has an order with this id, and has not shown it yet."""
        return replace(self._rejected(key, fault), exec_type=ExecType.PENDING_NEW)

    def _rejected(self, key: ClientOrderId, fault: OrderRejected) -> ExecutionReport:
        state = self._state(key)
        return ExecutionReport(
            ExecType.REJECTED,
            state.symbol,
            state.side,
            Evidence(Source.RESPONSE, fault.evidence),
            self._clock.now(),
            key,
            text=fault.text,
        )

    def _state(self, key: ClientOrderId) -> OrderState:
        state = self._keeper.state(key)
        assert state is not None, key  # noqa: S101  # it was staged here
        return state


_ACKS = {OrdStatus.NEW: ExecType.NEW, OrdStatus.PENDING_NEW: ExecType.PENDING_NEW}
