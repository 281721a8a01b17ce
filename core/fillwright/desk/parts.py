"""Everything that a desk is made of, put together in one place."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from fillwright.desk.announcer import Announcer
from fillwright.desk.approvals import Approvals
from fillwright.desk.books import Books
from fillwright.desk.carrier import Carrier
from fillwright.desk.changes import Changes
from fillwright.desk.doubts import Doubts
from fillwright.desk.funds import Funds
from fillwright.desk.guard import Guard
from fillwright.desk.health import Health
from fillwright.desk.keeper import Keeper
from fillwright.desk.market import Market
from fillwright.desk.planning import PlanSettings
from fillwright.desk.reconciler import Reconciler
from fillwright.desk.supervisor import Supervisor
from fillwright.desk.tasks import Tasks
from fillwright.desk.watchers import Watchers
from fillwright.desk.wire import Wire
from fillwright.ledger import Change
from fillwright.protocols import (
    Adapter,
    Binding,
    Clock,
    Ids,
    Journal,
    Limits,
    Rng,
)
from fillwright.resilience import CircuitBreaker, Limiter
from fillwright.risk import Asker, Gate
from fillwright.risk.answers import Check
from fillwright.states import ENDED, OrderState, Owner
from fillwright.types import ClientOrderId


@dataclass(frozen=True, slots=True)
class Ports:
    """What comes from outside and can be exchanged: time, names, chance, and how checks run."""

    clock: Clock
    ids: Ids
    rng: Rng
    asker: Asker


@dataclass(frozen=True, slots=True)
class Settings:
    """How one desk is run."""

    limits: Limits
    plan: PlanSettings
    allow_resize: bool = False
    expected_account: str | None = None


class Parts:
    """The desk's parts, wired; `start` sets them going and `close` ends them."""

    _on_fault: Callable[[str, BaseException], None]
    _on_change: Callable[[Change], None]
    _on_durable: Callable[[Change], None]

    def __init__(  # noqa: PLR0913  # what a desk is made of
        self,
        adapter: Adapter,
        journal: Journal,
        binding: Binding,
        *,
        ports: Ports,
        settings: Settings,
        checks: Sequence[Check],
        watchers: Watchers,
    ) -> None:
        executor, limits, clock = adapter.executor, settings.limits, ports.clock
        self.adapter, self.binding, self.limits = adapter, binding, limits
        self.clock, self.ids = clock, ports.ids
        self.plan_settings = settings.plan
        self.health = Health()
        self.funds = Funds()
        self.tasks = Tasks(self._fault)
        self.keeper = Keeper(journal)
        self.limiter = Limiter(executor.capabilities.requests_per_minute, clock=clock)
        self.breaker = CircuitBreaker(clock)
        self.market = Market(
            adapter,
            clock=clock,
            limiter=self.limiter,
            breaker=self.breaker,
            funds=self.funds,
            max_age=limits.quote_max_age,
        )
        self.wire = Wire(
            Guard(binding.mode, executor, binding.account, settings.expected_account), journal
        )
        self.wire.check()
        self.approvals = Approvals(
            self.keeper,
            self.market,
            self.funds,
            self.health,
            breaker=self.breaker,
            capabilities=executor.capabilities,
            limits=limits,
            clock=clock,
            allow_resize=settings.allow_resize,
        )
        self.approvals.gate = Gate(checks, ports.asker, facts=self.approvals, clock=clock)
        self.books = Books(self.keeper, clock, self._take_up)
        self.reconciler = Reconciler(self.books, self.keeper, self.market, executor, clock=clock)
        self._wire_requests(ports)
        self._wire_watching(ports, watchers)

    def _wire_requests(self, ports: Ports) -> None:
        """What sends, changes, and settles what is in doubt."""
        executor, limits, clock = self.adapter.executor, self.limits, self.clock
        self.carrier = Carrier(
            self.keeper,
            self.books,
            self.approvals,
            executor,
            wire=self.wire,
            limiter=self.limiter,
            breaker=self.breaker,
            limits=limits,
            clock=clock,
            rng=ports.rng,
        )
        self.changes = Changes(
            self.keeper,
            self.books,
            self.approvals,
            executor,
            self.reconciler,
            wire=self.wire,
            limiter=self.limiter,
            limits=limits,
            clock=clock,
        )
        self.doubts = Doubts(
            self.reconciler,
            self.keeper,
            executor.capabilities,
            clock=clock,
            rng=ports.rng,
            tasks=self.tasks,
            resend=self.carrier.resend,
            recancel=self.changes.cancel,
        )

    def _wire_watching(self, ports: Ports, watchers: Watchers) -> None:
        """What hears of changes, and what keeps the ledger in step with the broker."""
        journal, limits, clock = self.keeper.journal, self.limits, self.clock
        self.announcer = Announcer(
            journal, remember=self._remember, observe=watchers.observe, examine=watchers.examine
        )
        self.keeper.listen(self._change)
        watchers.attach(self.keeper, self.approvals, clock)
        self.supervisor = Supervisor(
            self.adapter.stream,
            self.books,
            self.reconciler,
            market=self.market,
            announcer=self.announcer,
            health=self.health,
            tasks=self.tasks,
            limits=limits,
            clock=clock,
            rng=ports.rng,
            working=lambda: list(self.keeper.working()),
            check_fence=journal.check_fence,
        )

    def bind(
        self,
        *,
        on_fault: Callable[[str, BaseException], None],
        on_change: Callable[[Change], None],
        on_durable: Callable[[Change], None],
    ) -> None:
        """Say who hears of a task that failed, of a change, and that a change is durable."""
        self._on_fault, self._on_change, self._on_durable = on_fault, on_change, on_durable

    def _fault(self, name: str, fault: BaseException) -> None:
        self._on_fault(name, fault)

    def _change(self, seq: int, change: Change) -> None:
        self._on_change(change)
        self.announcer.add(seq, change)

    def _remember(self, change: Change) -> None:
        self._on_durable(change)

    def _take_up(self, key: ClientOrderId) -> None:
        self.doubts.take_up(key)

    def note(self, state: OrderState) -> None:
        """Keep the reserved funds in step with an order that moved."""
        if state.broker_order_id is not None:
            self.funds.acknowledge(state.client_order_id)
        elif state.status in ENDED:
            self.funds.release(state.client_order_id)

    async def start(self) -> None:
        """Replay the journal, doubt what was under way, and connect; readiness comes later.

        When it raises, `close` lets go of what was begun.
        """
        self.keeper.replay()
        self.tasks.spawn("announcer", self.announcer.run())
        await self.market.fresh_account()
        if not self.keeper.ledger.opened:
            await self.reconciler.open_books()
        for state in list(self.keeper.working()):
            self._doubt_if_open(state)
        self.supervisor.start()

    def _doubt_if_open(self, state: OrderState) -> None:
        """What the last process had under way has an unknown outcome now."""
        for pending in state.pending:
            if state.owner is not Owner.OURS and not pending.doubt:
                continue  # what others asked is theirs to follow up
            reason = pending.doubt or "the process ended before the outcome was known"
            self.books.doubt(state.client_order_id, pending.action, reason)

    async def close(self) -> None:
        """End every task, then the adapter, then the journal."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.keeper.journal.aclose)
            stack.push_async_callback(self.adapter.close)
            stack.callback(self.approvals.gate.close)
            # First the tasks: an order that waits in the gate stays staged, and is not refused.
            stack.push_async_callback(self.adapter.stream.close)
            await self.tasks.cancel_all()
            await self.market.close()
