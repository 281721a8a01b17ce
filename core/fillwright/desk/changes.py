"""Cancel and replace: requests about an order that the broker has, or may have.

Rules:
1. A cancel is never refused by a halt, a check or a missing stream; it passes guard and fence.
2. A cancel before the ack waits for it; an order that has not left is simply not sent.
3. A replace passes the same gate as a new order; while its outcome is open, the larger of the old
   and the new quantity counts.
"""

import asyncio
from datetime import timedelta

from fillwright.desk.approval import Approval, larger_of
from fillwright.desk.approvals import Approvals
from fillwright.desk.books import Books
from fillwright.desk.deadline import Deadline
from fillwright.desk.keeper import Keeper
from fillwright.desk.reconciler import Reconciler
from fillwright.desk.tasks import finished_within
from fillwright.desk.wire import Wire, Withheld
from fillwright.errors import (
    BrokerUnavailable,
    GuardError,
    NotCancelable,
    NotSent,
    OrderRefused,
    OrderRejected,
    UnknownOrder,
)
from fillwright.ledger import Asked, ChangeRefused, Settled
from fillwright.logs import get_logger
from fillwright.orders import OrderChange
from fillwright.protocols import Clock, Executor, Limits, Rng
from fillwright.reports import Ack, Evidence, ExecutionReport, Source
from fillwright.resilience import Backoff, Lane, Limiter
from fillwright.states import Action, OrderState
from fillwright.types import ClientOrderId, ExecType, OrdStatus
from fillwright.verdicts import ApprovedChange

_log = get_logger(__name__)
#: The pauses before a cancel that did not leave goes again.
_AGAIN = Backoff(0.05, 2.0)


class Changes:
    """Carry cancels and replaces."""

    def __init__(  # noqa: PLR0913  # the stations of a request's way
        self,
        keeper: Keeper,
        books: Books,
        approvals: Approvals,
        executor: Executor,
        reconciler: Reconciler,
        *,
        wire: Wire,
        limiter: Limiter,
        limits: Limits,
        clock: Clock,
        rng: Rng,
    ) -> None:
        self._keeper = keeper
        self._books = books
        self._approvals = approvals
        self._executor = executor
        self._reconciler = reconciler
        self._wire = wire
        self._limiter = limiter
        self._deadline = timedelta(seconds=limits.send_deadline)
        self._clock = clock
        self._rng = rng
        self._replacing: set[ClientOrderId] = set()

    async def cancel(self, key: ClientOrderId) -> OrderState:
        """Ask the broker for a cancel, once; a second call while one is pending asks nothing.

        While the submit is in doubt there is nothing to cancel yet: the wish is recorded, and
        carried out when the order is found. Raises GuardError when it may not leave.
        """
        state = self._changeable(key)
        if state.awaiting(Action.SUBMIT) is not None and state.awaiting(Action.CANCEL) is None:
            return await self._wish_cancel(key)
        if not cancelable(state):
            return state
        self._wire.check()
        try:
            await self._record(Asked(key, self._clock.now(), Action.CANCEL))
            await self._ask_until_it_leaves(key)
        except asyncio.CancelledError:
            # Recorded, and perhaps not sent: what looks into doubts asks again.
            self._books.doubt(key, Action.CANCEL, "the task was cancelled before an answer came")
            raise
        return self._known(key)

    async def _ask_until_it_leaves(self, key: ClientOrderId) -> None:
        """Ask for a recorded cancel; one that provably did not leave goes again, for a while."""
        deadline = Deadline.of(self._clock, self._deadline)
        pauses = _AGAIN.delays(self._rng)
        while proof := await self._ask_for_cancel(key):
            pause = next(pauses)
            if deadline.left(self._clock) < pause:
                self.settle(key, Action.CANCEL, Evidence(Source.NOT_SENT, proof), proof)
                return
            _log.info("cancel_not_sent", client_order_id=key, proof=proof)
            await self._clock.sleep(pause)

    async def _ask_for_cancel(self, key: ClientOrderId) -> str:
        """One request, when it is its turn; the proof that it did not leave, if there is one."""
        await self._limiter.acquire(Lane.CANCEL)
        state = self._known(key)
        if state.ended:
            return ""
        try:
            self._wire.check()
        except GuardError as fault:
            # Recorded and not sent: it stays asked for, and what looks into doubts asks again.
            self._books.doubt(key, Action.CANCEL, f"withheld: {fault}")
            raise
        try:
            ack = await self._executor.cancel(state.working())
        except OrderRejected as fault:
            await self.denied(key, Action.CANCEL, fault)
        except NotSent as fault:
            return fault.proof
        except Exception as fault:  # noqa: BLE001  # whatever an adapter raises proves nothing
            self._books.doubt(key, Action.CANCEL, f"{type(fault).__name__}: {fault}")
        else:
            self.acknowledged(key, ack, ExecType.PENDING_CANCEL)
        return ""

    async def cancel_again(self, key: ClientOrderId) -> None:
        """Ask once more for a cancel in doubt; what the guard withholds stays in doubt."""
        try:
            await self.cancel(key)
        except GuardError as fault:
            _log.warning("cancel_withheld", client_order_id=key, reason=str(fault))

    async def replace(self, key: ClientOrderId, change: OrderChange) -> OrderState:
        """Ask for a change.

        Raises BadInput, OrderRefused, OrderRejected, NotSent, NotCancelable, GuardError.
        """
        if key in self._replacing:
            raise NotCancelable(key, "under change already")
        self._replacing.add(key)
        try:
            return await self._replace(key, change)
        finally:
            self._replacing.discard(key)

    async def _replace(self, key: ClientOrderId, change: OrderChange) -> OrderState:
        approval, approved = await self._approved(key, change)
        larger = larger_of(approved.order.quantity, self._known(key).quantity)
        alias = approved.client_order_id
        asked = Asked(
            key,
            self._clock.now(),
            Action.REPLACE,
            approved.change,
            larger,
            alias,
            approval.worst_price,
            approved.remarks,
            approval.reduces,
            approval.value,
        )
        await self._record(asked)
        current = self._known(key)
        if current.ended:
            return current
        if not self._approvals.holds(approval):
            proof = "conditions changed before it left"
            self.settle(key, Action.REPLACE, Evidence(Source.NOT_SENT, proof), proof)
            raise NotSent(key, proof)
        try:
            with self._wire.carrying(key, reduces=approval.reduces):
                ack = await self._executor.replace(current.working(), approved)
        except Withheld as fault:
            self.settle(key, Action.REPLACE, Evidence(Source.NOT_SENT, fault.proof), fault.proof)
            raise fault.fault or NotSent(key, fault.proof) from fault
        except OrderRejected as fault:
            await self.denied(key, Action.REPLACE, fault)
            raise
        except NotSent as fault:
            self.settle(key, Action.REPLACE, Evidence(Source.NOT_SENT, fault.proof), fault.proof)
            raise
        except asyncio.CancelledError:
            self._books.doubt(key, Action.REPLACE, "the task was cancelled on the wire")
            raise
        except Exception as fault:  # noqa: BLE001  # whatever an adapter raises proves nothing
            self._books.doubt(key, Action.REPLACE, f"{type(fault).__name__}: {fault}")
        else:
            done = ack.status is not OrdStatus.PENDING_REPLACE
            self.acknowledged(key, ack, ExecType.REPLACED if done else ExecType.PENDING_REPLACE)
        return self._known(key)

    async def _approved(
        self, key: ClientOrderId, change: OrderChange
    ) -> tuple[Approval, ApprovedChange]:
        """The gate's approval of a change, still good when it may leave."""
        deadline = Deadline.of(self._clock, self._deadline)
        while not deadline.passed(self._clock):
            state = self._replaceable(key)
            approval = await self._approvals.ask_change(state, change, deadline)
            if approval.change is None:
                self._keeper.write(ChangeRefused(key, self._clock.now(), change, approval.reasons))
                raise OrderRefused(key, approval.reasons)
            its_turn = self._limiter.try_acquire(Lane.SUBMIT) or await finished_within(
                self._limiter.acquire(Lane.SUBMIT), deadline.left(self._clock), self._clock
            )
            current = self._known(key)
            sound = its_turn and self._approvals.holds(approval)
            if sound and not (current.ended or current.pending):
                return approval, approval.change
            self._approvals.drop(current)
        raise NotSent(key, "its deadline passed before it left")

    def _replaceable(self, key: ClientOrderId) -> OrderState:
        state = self._changeable(key)
        if state.pending or state.order is None or state.status is OrdStatus.STAGED:
            raise NotCancelable(key, f"{state.status}, and no change can be asked for now")
        return state

    def _known(self, key: ClientOrderId) -> OrderState:
        state = self._keeper.state(key)
        if state is None:
            raise UnknownOrder(key)
        return state

    def _changeable(self, key: ClientOrderId) -> OrderState:
        state = self._known(key)
        if state.ended:
            raise NotCancelable(key, str(state.status))
        return state

    async def _wish_cancel(self, key: ClientOrderId) -> OrderState:
        seq, _ = self._keeper.write(Asked(key, self._clock.now(), Action.CANCEL))
        self._books.doubt(key, Action.CANCEL, "not sent yet: the order itself is in doubt")
        await self._keeper.journal.durable(seq)
        return self._known(key)

    async def _record(self, fact: Asked) -> None:
        seq, _ = self._keeper.write(fact)
        await self._keeper.journal.durable(seq)

    def acknowledged(self, key: ClientOrderId, ack: Ack, kind: ExecType) -> None:
        """Book that the broker took a request."""
        state = self._known(key)
        action = Action.REPLACE if kind in _REPLACES else Action.CANCEL
        if state.awaiting(action) is None:
            return  # the stream was faster, and its word is the newer one
        new_id = ack.broker_order_id if action is Action.REPLACE else None
        self._books.take(
            ExecutionReport(
                kind,
                state.symbol,
                state.side,
                ack.evidence,
                ack.at,
                key,
                state.broker_order_id or ack.broker_order_id,
                replaced_by=new_id,
            ),
            key=key,
        )

    async def denied(self, key: ClientOrderId, action: Action, fault: OrderRejected) -> None:
        """The broker refused the request: ask how the order stands before believing anything."""
        evidence = Evidence(Source.RESPONSE, fault.evidence)
        try:
            found = await self._reconciler.look_for(key, f"{action}-refused")
        except BrokerUnavailable as unknown:
            _log.info("order_unread", client_order_id=key, reason=str(unknown))
        else:
            if found is not None and found.status is _UNDER_WAY[action]:
                return  # an earlier request of the same kind did arrive
        self.settle(key, action, evidence, fault.text)

    def settle(self, key: ClientOrderId, action: Action, evidence: Evidence, text: str) -> None:
        """Book that a request is proven to have changed nothing."""
        state = self._known(key)
        if not state.ended and state.awaiting(action):
            self._keeper.write(Settled(key, self._clock.now(), action, evidence, text))


_UNDER_WAY = {
    Action.CANCEL: OrdStatus.PENDING_CANCEL,
    Action.REPLACE: OrdStatus.PENDING_REPLACE,
}
_REPLACES = frozenset({ExecType.REPLACED, ExecType.PENDING_REPLACE})


def cancelable(state: OrderState) -> bool:
    """Whether a cancel can be asked for: the order is at the broker, and none is under way.

    One that did not leave is ended by whoever carries it; one in doubt may be canceled once found.
    """
    known = state.awaiting(Action.CANCEL)
    unproven = state.awaiting(Action.SUBMIT) is not None or state.status is OrdStatus.STAGED
    return not state.ended and not unproven and (known is None or bool(known.doubt))
