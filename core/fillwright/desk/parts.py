"""Everything that a desk is made of, put together in one place."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from fillwright.accounts import Account
from fillwright.config import OWN_DATA
from fillwright.desk.announcer import Announcer
from fillwright.desk.approvals import Approvals
from fillwright.desk.books import Books
from fillwright.desk.broker_data import AccountOfTheDay, BrokerClock
from fillwright.desk.carrier import Carrier
from fillwright.desk.changes import Changes
from fillwright.desk.days import DayBook
from fillwright.desk.deadman import DeadMan
from fillwright.desk.doubts import Doubts
from fillwright.desk.fill_quotes import FillQuotes
from fillwright.desk.funds import Funds
from fillwright.desk.guard import Guard
from fillwright.desk.health import Health
from fillwright.desk.historian import retention_of
from fillwright.desk.keeper import Keeper, after_durable
from fillwright.desk.leftovers import doubt_what_was_open, end_forgotten
from fillwright.desk.market import Market, let_go
from fillwright.desk.operator import Operator
from fillwright.desk.rates import limiters_for
from fillwright.desk.recall import TOLD_WITHIN, Recall
from fillwright.desk.reconciler import Reconciler
from fillwright.desk.settings import Ports, Settings
from fillwright.desk.supervisor import Supervisor
from fillwright.desk.supply import Source, Supply, check_supplied, wanted_of
from fillwright.desk.tasks import Tasks, finished_within
from fillwright.desk.watchers import Watchers
from fillwright.desk.wire import HeedsFence, Wire
from fillwright.inputs import Input
from fillwright.ledger import Change, Halted
from fillwright.protocols import Adapter, Binding, Journal, SessionSource
from fillwright.resilience import CircuitBreaker, Lane
from fillwright.risk import Gate
from fillwright.risk.answers import Check
from fillwright.states import ENDED, Action, OrderState
from fillwright.types import ClientOrderId

#: The share of an order's deadline that it may spend on waiting for its turn to leave.
_IN_TIME = 0.5


class Parts:
    """The desk's parts, wired; `start` sets them going and `close` ends them."""

    _on_fault: Callable[[str, BaseException], None]
    _on_change: Callable[[Change], None]
    _on_durable: Callable[[OrderState], None]

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
        sources: Sequence[Source] = (),
    ) -> None:
        executor, limits, clock = adapter.executor, settings.limits, ports.clock
        self.adapter, self.binding, self.limits = adapter, binding, limits
        self.clock, self.ids = clock, ports.ids
        self.plan_settings = settings.plan
        self.health = Health()
        self.funds = Funds()
        self.tasks = Tasks(self._fault)
        asked = (*checks, *watchers.checks, *watchers.books_checks)
        self.keeper = Keeper(journal, retention_of(asked))
        self.limiter, self._quotes = limiters_for(executor.capabilities, clock)
        self.breaker = CircuitBreaker(clock)
        self.market = Market(
            adapter,
            binding.account,
            clock=clock,
            limiter=self.limiter,
            quotes=self._quotes,
            breaker=self.breaker,
            funds=self.funds,
            max_age=limits.quote_max_age,
        )
        self._wire_data(asked, sources, settings)
        self._wire_guard(settings)
        self.approvals = Approvals(
            self.keeper,
            self.market,
            self.funds,
            self.health,
            supply=self.supply,
            days=self.days,
            breaker=self.breaker,
            capabilities=executor.capabilities,
            limits=limits,
            clock=clock,
            allow_resize=settings.allow_resize,
        )
        self.approvals.heed = self.operator.heed_kill
        self.approvals.gate = Gate(checks, ports.asker, facts=self.approvals, clock=clock)
        self.books = Books(self.keeper, clock, self._take_up, quote=self.market.seen)
        self.reconciler = Reconciler(self.books, self.keeper, self.market, executor, clock=clock)
        self._wire_requests(ports)
        self._wire_watching(ports, watchers)

    def _wire_guard(self, settings: Settings) -> None:
        """What is looked at before each request. Raises GuardError when nothing may ever leave."""
        binding, executor = self.binding, self.adapter.executor
        self.operator = Operator(
            self.keeper, binding, self.clock, settings.beside, durably=self._durably
        )
        expected, arming = settings.expected_account, self.operator.arming
        guard = Guard(binding.mode, executor, binding.account, expected, arming)
        self.wire = Wire(guard, self.keeper.journal, self.operator.switch)
        if isinstance(self.adapter, HeedsFence):
            self.adapter.heed_fence(self.keeper.journal.check_fence)
        self.wire.on_kill(self.operator.heed_kill)
        self.wire.check()

    def _durably(self, seq: int, then: Callable[[], object] = lambda: None) -> None:
        self.tasks.spawn("record", after_durable(self.keeper.journal, seq, then))

    def _look_around(self) -> None:
        """What the watch looks at besides the broker. Raises JournalError."""
        self.keeper.journal.check_fence()
        self.operator.look()

    def _wire_data(
        self, asked: Sequence[Check], sources: Sequence[Source], settings: Settings
    ) -> None:
        """What checks need besides the book. Raises ConfigError for what nothing supplies."""
        journal = self.keeper.journal
        self.days = DayBook(
            self.keeper,
            clock=self.clock,
            zone=settings.time_zone,
            make_durable=lambda seq: self.tasks.spawn("day", journal.durable(seq)),
        )
        found = list(sources)
        if isinstance(self.adapter, SessionSource):
            clock = BrokerClock(self.adapter, self.market, self.clock)
            found.insert(settings.broker_data_at, Source(OWN_DATA, clock))
        found.append(Source("account", AccountOfTheDay(self.market, self.days)))
        check_supplied(asked, {name for source in found for name in source.provider.supplies})
        self.supply = Supply(
            found,
            wanted_of(asked),
            max_age=settings.max_age,
            clock=self.clock,
            instruments_at=self.market.instruments_at,
            held=self.keeper.exposures.snapshot,
        )
        self.market.listen(self._hear)

    def _hear(self, account: Account) -> None:
        """Keep the day's profit and loss in step with the account."""
        pnl = self.days.heard(account)
        if pnl is None:
            self.supply.drop(Input.PNL)
        else:
            self.supply.put(pnl)

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
            rng=ports.rng,
        )
        self.doubts = Doubts(
            self.reconciler,
            self.keeper,
            executor.capabilities,
            clock=clock,
            rng=ports.rng,
            tasks=self.tasks,
            resend=self.carrier.resend,
            expired=self.carrier.expired,
            recancel=self.changes.cancel_again,
        )

    def _wire_watching(self, ports: Ports, watchers: Watchers) -> None:
        """What hears of changes, and what keeps the ledger in step with the broker."""
        journal, limits, clock = self.keeper.journal, self.limits, self.clock
        self._watchers = watchers
        self.announcer = Announcer(journal, watchers, remember=self._remember)
        self.keeper.listen(self._change)
        watchers.attach(self.keeper, self.approvals, clock)
        self._wire_findings(watchers)
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
            look_around=self._look_around,
            deadman=DeadMan(self.keeper, self.changes, limits),
        )

    def _wire_findings(self, watchers: Watchers) -> None:
        """Who judges what comparisons find, and what else is noted of fills."""
        differences = self.reconciler.differences
        self.keeper.listen(differences.drop_copy.heard)
        if watchers.books_checks:
            differences.judged_by(watchers, self.announcer.add_findings)
        quotes = FillQuotes(self.keeper, self.market, self.clock, spawn=self.tasks.spawn)
        self.keeper.listen(quotes.heard)

    def bind(
        self,
        *,
        on_fault: Callable[[str, BaseException], None],
        on_change: Callable[[Change], None],
        on_durable: Callable[[OrderState], None],
    ) -> None:
        """Say who hears of a task that failed, of a change, and that a change is durable."""
        self._on_fault, self._on_change, self._on_durable = on_fault, on_change, on_durable

    def _fault(self, name: str, fault: BaseException) -> None:
        self._on_fault(name, fault)

    def _change(self, seq: int, change: Change) -> None:
        if isinstance(change.fact, Halted):
            self._durably(seq)  # whoever latched it, a crash must not lift it
        self._on_change(change)
        self.announcer.add(seq, change)

    def _remember(self, after: OrderState) -> None:
        self._on_durable(after)

    def _take_up(self, key: ClientOrderId) -> None:
        self.doubts.take_up(key)

    def note(self, state: OrderState) -> None:
        """Keep the reserved funds in step with an order that moved."""
        if state.broker_order_id is not None and state.awaiting(Action.REPLACE) is None:
            self.funds.acknowledge(state.client_order_id)
        elif state.status in ENDED:
            self.funds.release(state.client_order_id)

    def room(self) -> int:
        """How many orders can still leave before their deadlines, each with its quote."""
        seconds = self.limits.send_deadline * _IN_TIME
        submits = self.limiter.room(Lane.SUBMIT, seconds)
        if self._quotes is self.limiter:
            return submits // 2
        return min(submits, self._quotes.room(Lane.POLL, seconds))

    async def start(self) -> None:
        """Replay the journal, doubt what was under way, and connect; readiness comes later.

        When it raises, `close` lets go of what was begun.
        """
        drop_copy = self.reconciler.differences.drop_copy
        recall = Recall(self.keeper.journal, self._watchers.consumers, drop_copy)
        self.keeper.replay(recall.heard)
        drop_copy.replayed()
        self.operator.start()
        self.tasks.spawn("announcer", self.announcer.run())
        await self.market.fresh_account()
        if not self.keeper.ledger.opened:
            await self.reconciler.open_books()
        self._watchers.enrol(recall.newest)
        if recall.missed:  # it may hold a halt that an earlier process did not live to latch
            self.announcer.add_again(recall.missed)
            await finished_within(self.announcer.idle(), TOLD_WITHIN, self.clock)
        doubt_what_was_open(self.keeper, self.books)
        self.funds.restore(self.keeper.working(), self.keeper.exposures)
        self.approvals.recall()
        end_forgotten(self.keeper, self.clock, self.plan_settings.resume_within)
        self.supervisor.start()
        if self.supply.active:
            self.tasks.spawn("data", self.supply.run())

    async def close(self) -> None:
        """End every task, then the adapter, then the journal."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.keeper.journal.aclose)
            stack.push_async_callback(let_go, self.adapter.close, self.clock)
            stack.callback(self.approvals.gate.close)
            stack.callback(self._watchers.close)
            # First the tasks: an order that waits in the gate stays staged, and is not refused.
            stack.push_async_callback(let_go, self.adapter.stream.close, self.clock)
            await self.tasks.cancel_all()
            await self.market.close()
            await self.supply.close()
