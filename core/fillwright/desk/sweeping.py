"""Cancel every open order of the account, whoever placed it.

Rules:
1. Nothing of ours leaves while it runs but cancels: what is staged or on its way is withdrawn.
2. What the broker does not tell holds nothing up: the request goes out all the same.
3. What one request for all did not settle is asked for order by order.
4. A cancel is recorded before it leaves, and only the broker's word ends an order.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from fillwright.desk.changes import cancelable
from fillwright.desk.parts import Parts
from fillwright.desk.tasks import answered_within, finished_within
from fillwright.errors import BrokerUnavailable, NotCancelable, NotSent, OrderRejected
from fillwright.ledger import Asked
from fillwright.logs import get_logger
from fillwright.protocols import CancelsAll
from fillwright.reports import Ack, CancelOutcome, Evidence, Source
from fillwright.resilience import Lane
from fillwright.states import Action, OrderState
from fillwright.types import ClientOrderId, ExecType, OrdStatus

_log = get_logger(__name__)

#: How long a sweep waits to learn of orders that it does not know yet, in seconds.
LEARN_WITHIN = 5.0
#: How long the one request may take, in seconds; after that it is in doubt, and each goes apart.
ANSWERED_WITHIN = 10.0
_EVIDENCE = "cancel_all"
#: Cancel one order, wherever it is on its way.
Cancel = Callable[[ClientOrderId], Awaitable[OrderState]]


class Sweep:
    """One sweep over the account."""

    def __init__(self, parts: Parts, cancel: Cancel) -> None:
        self._parts = parts
        self._keeper = parts.keeper
        self._changes = parts.changes
        self._cancel = cancel
        self._met: dict[ClientOrderId, None] = {}

    async def run(self) -> Sequence[ClientOrderId]:
        """Ask for all the cancels; gives the orders that were open, whatever became of them.

        Raises GuardError and JournalError; what the broker does not answer is in doubt, and is
        asked again.
        """
        self._parts.wire.check()
        for state in self._open():
            if state.status is OrdStatus.STAGED:
                self._parts.carrier.withdraw(state.client_order_id)
        await self._learn()
        adapter = self._parts.adapter
        if isinstance(adapter, CancelsAll):
            await self._all_at_once(adapter)
            await self._learn()
        answers = await asyncio.gather(*map(self._one, self._met), return_exceptions=True)
        for fault in answers:
            if fault is not None:
                raise fault
        return list(self._met)

    def _open(self) -> list[OrderState]:
        return [state for state in self._keeper.ledger.orders.values() if not state.ended]

    async def _learn(self) -> None:
        """Compare the books, for what others placed; it is tried, and not waited for."""
        self._meet()
        if not await finished_within(self._compare(), LEARN_WITHIN, self._parts.clock):
            _log.warning("open_orders_unread", reason=f"no answer within {LEARN_WITHIN:g} s")
        self._meet()

    def _meet(self) -> None:
        self._met |= dict.fromkeys(state.client_order_id for state in self._open())

    async def _compare(self) -> None:
        try:
            await self._parts.reconciler.run()
        except BrokerUnavailable as fault:
            _log.warning("open_orders_unread", reason=str(fault))

    async def _one(self, key: ClientOrderId) -> None:
        """Cancel one, unless it ended meanwhile."""
        with contextlib.suppress(NotCancelable):
            await self._cancel(key)

    # ------------------------------------------------------------------ one request

    async def _all_at_once(self, adapter: CancelsAll) -> None:
        asked = [s.client_order_id for s in self._open() if cancelable(s)]
        await self._record(asked)
        await self._parts.limiter.acquire(Lane.CANCEL)
        self._parts.wire.check()
        _log.warning("account_swept", orders=len(asked))
        try:
            outcomes = await answered_within(
                adapter.cancel_all(), ANSWERED_WITHIN, self._parts.clock
            )
        except OrderRejected as fault:
            self._unchanged(asked, Evidence(Source.RESPONSE, fault.evidence), fault.text)
        except NotSent as fault:
            self._unchanged(asked, Evidence(Source.NOT_SENT, fault.proof), fault.proof)
        except asyncio.CancelledError:
            self._doubt(asked, "the task was cancelled on the wire")
            raise
        except Exception as fault:  # noqa: BLE001  # whatever an adapter raises proves nothing
            self._doubt(asked, f"{type(fault).__name__}: {fault}")
        else:
            await self._take(asked, outcomes)

    async def _record(self, asked: Sequence[ClientOrderId]) -> None:
        now, seq = self._parts.clock.now(), 0
        for key in asked:
            seq, _ = self._keeper.write(Asked(key, now, Action.CANCEL))
        await self._keeper.journal.durable(seq)

    async def _take(self, asked: Sequence[ClientOrderId], said: Sequence[CancelOutcome]) -> None:
        """Book what came of each; one that the answer does not name is in doubt."""
        named = set()
        for outcome in said:
            key = self._keeper.ledger.key_for(None, outcome.broker_order_id)
            state = self._keeper.ledger.orders.get(key) if key else None
            if key is None or state is None:
                continue  # placed a moment ago, or over: the comparison that follows shows it
            named.add(key)
            if outcome.taken:
                self._changes.acknowledged(key, self._ack(outcome), ExecType.PENDING_CANCEL)
            elif not state.ended:
                refused = OrderRejected(key, _EVIDENCE, outcome.text)
                await self._changes.denied(key, Action.CANCEL, refused)
        self._doubt([key for key in asked if key not in named], "the answer does not name it")

    def _ack(self, outcome: CancelOutcome) -> Ack:
        evidence = Evidence(Source.RESPONSE, f"{_EVIDENCE}:{outcome.broker_order_id}")
        now = self._parts.clock.now()
        return Ack(outcome.broker_order_id, evidence, now, OrdStatus.PENDING_CANCEL)

    def _unchanged(self, asked: Sequence[ClientOrderId], evidence: Evidence, text: str) -> None:
        _log.warning("cancel_all_refused", reason=text)
        for key in asked:
            self._changes.settle(key, Action.CANCEL, evidence, text)

    def _doubt(self, asked: Sequence[ClientOrderId], reason: str) -> None:
        for key in asked:
            self._parts.books.doubt(key, Action.CANCEL, reason)
