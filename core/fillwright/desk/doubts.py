"""The unknown-outcome procedure, carried out: ask until the broker's books prove something.

`reconcile.judge` says what may be concluded about a submit; here is the asking. A cancel in
doubt is asked again (a second cancel harms nobody), a replace in doubt is read off the order.
"""

from collections.abc import Awaitable, Callable

from fillwright.desk.keeper import Keeper
from fillwright.desk.reconciler import Reconciler
from fillwright.desk.tasks import Tasks
from fillwright.errors import BrokerUnavailable
from fillwright.ledger import Abandoned, HandedOver, Settled
from fillwright.logs import get_logger
from fillwright.protocols import Capabilities, Clock, Rng
from fillwright.reconcile import READS_TO_RESEND, Decision, Reads, judge
from fillwright.reports import Evidence, Source
from fillwright.resilience import Backoff
from fillwright.states import Action, OrderState
from fillwright.types import ClientOrderId

_log = get_logger(__name__)

_PACE = Backoff(0.1, 5.0)
#: Carry the same bytes to the broker once more; False when the gate refuses them now.
Resend = Callable[[ClientOrderId], Awaitable[bool]]
#: Whether it may not go again, because it would come too late.
Expired = Callable[[OrderState], bool]
#: Ask for the cancel once more.
Recancel = Callable[[ClientOrderId], Awaitable[object]]


class Doubts:
    """One task per order in doubt, until evidence settles it or a person must."""

    def __init__(  # noqa: PLR0913  # the parts that the procedure works with
        self,
        reconciler: Reconciler,
        keeper: Keeper,
        capabilities: Capabilities,
        *,
        clock: Clock,
        rng: Rng,
        tasks: Tasks,
        resend: Resend,
        expired: Expired,
        recancel: Recancel,
    ) -> None:
        self._reconciler = reconciler
        self._keeper = keeper
        self._capabilities = capabilities
        self._clock = clock
        self._rng = rng
        self._tasks = tasks
        self._resend = resend
        self._expired = expired
        self._recancel = recancel
        self._taken: set[ClientOrderId] = set()
        #: What the gate or the broker refused when it was to go again: it never does.
        self._refused: set[ClientOrderId] = set()

    def take_up(self, key: ClientOrderId) -> None:
        """Start looking into an order, unless that is under way."""
        if key not in self._taken:
            self._taken.add(key)
            self._tasks.spawn(f"doubt {key}", self._look_into(key))

    def forget(self, key: ClientOrderId) -> None:
        """The order is settled."""
        self._refused.discard(key)

    async def _look_into(self, key: ClientOrderId) -> None:
        started = self._clock.monotonic()
        clean = found = attempt = 0
        try:
            while self._doubtful(key) is not None:
                await self._clock.sleep(_PACE.delay(attempt, self._rng))
                attempt += 1
                since = self._clock.monotonic() - started
                behind_fence = since > self._capabilities.t_inflight
                query = f"doubt-{attempt}"
                try:
                    nothing = await self._reconciler.clean_read(key, query)
                except BrokerUnavailable as fault:
                    _log.info("doubt_unanswered", client_order_id=key, reason=str(fault))
                    continue
                clean = clean + behind_fence if nothing else 0
                found = found + behind_fence if not nothing else 0
                state = self._doubtful(key)
                if state is None:
                    return
                if await self._conclude(state, since, clean, found, query):
                    started, clean, found = self._clock.monotonic(), 0, 0
        finally:
            self._taken.discard(key)

    def _doubtful(self, key: ClientOrderId) -> OrderState | None:
        state = self._keeper.ledger.orders.get(key)
        return state if state and state.in_doubt and not state.manual and not state.ended else None

    async def _conclude(
        self, state: OrderState, since: float, clean: int, found: int, query: str
    ) -> bool:
        """Act on what the reads show; True when a new request left and the fence starts anew.

        `clean` and `found` count the reads behind the fence, begun one after the other, that
        showed nothing, and that showed the order.
        """
        doubtful = {p.action for p in state.pending if p.doubt}
        if Action.SUBMIT in doubtful:
            return await self._conclude_submit(state, since, clean, query)
        if Action.CANCEL in doubtful:
            await self._recancel(state.client_order_id)
            return True
        if found >= READS_TO_RESEND:
            self._settle_replace(state, query)
        return False

    async def _conclude_submit(
        self, state: OrderState, since: float, clean: int, query: str
    ) -> bool:
        key = state.client_order_id
        reads = Reads(
            since_request=since,
            clean=clean,
            dedup=self._capabilities.dedup,
            t_inflight=self._capabilities.t_inflight,
            expired=self._expired(state),
            withdrawn=key in self._refused or state.awaiting(Action.CANCEL) is not None,
            vanished=state.broker_order_id is not None or state.evidence is not None,
        )
        decision = judge(reads)
        if decision is Decision.RESEND:
            if await self._resend(key):
                return True
            self._refused.add(key)
        elif decision is Decision.ABANDON:
            evidence = Evidence(Source.QUERY, f"{query}: {clean} clean reads behind the fence")
            self._keeper.write(Abandoned(key, self._clock.now(), evidence))
            _log.warning("order_abandoned", client_order_id=key, clean_reads=clean)
        elif decision is Decision.HAND_OVER:
            reason = "the broker cannot prove that a second request would not be a second order"
            self._keeper.write(HandedOver(key, self._clock.now(), reason))
            _log.error("order_handed_over", client_order_id=key, reason=reason)
        return False

    def _settle_replace(self, state: OrderState, query: str) -> None:
        """Behind the fence the order still stands unchanged: the replace never arrived."""
        evidence = Evidence(Source.QUERY, query)
        text = "the broker's books show the order unchanged"
        key = state.client_order_id
        self._keeper.write(Settled(key, self._clock.now(), Action.REPLACE, evidence, text))
