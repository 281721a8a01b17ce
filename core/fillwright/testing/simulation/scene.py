"""One desk in full view: its journal, its ledger's shadow, and everything that it was seen to do.

Rules:
1. A scene never acts on the desk; it only looks, and keeps the first invariant that was broken
   (`broken`), because what it raises inside the desk would end in a log.
2. The shadow ledger is folded from the journal's records alone, never from the desk's memory.
"""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import ParamSpec

from fillwright.book import BookView
from fillwright.desk.desk import Desk
from fillwright.desk.parts import Parts
from fillwright.ledger import (
    BooksOpened,
    Change,
    Fact,
    Ledger,
    OrderFact,
    Resumed,
    Sent,
    Settled,
    Staged,
    decode,
)
from fillwright.orders import Order
from fillwright.protocols import Capabilities, Journal, Record
from fillwright.reports import Execution, Source
from fillwright.risk import halt_name
from fillwright.states import OrderState
from fillwright.testing.simulation import invariants
from fillwright.testing.simulation.outside import Outside
from fillwright.types import BrokerOrderId, ClientOrderId, ExecutionId, OrdStatus
from fillwright.verdicts import (
    ALLOW,
    Allow,
    ApprovedChange,
    ApprovedOrder,
    Halt,
    Scope,
    Verdict,
    Warn,
)

P = ParamSpec("P")
_PLAN_FINISHED = "plan_finished"
#: More requests in a minute than any desk makes.
_UNLIMITED = 100_000


class Scene:
    """Watch one desk, from the opening of its journal to its end."""

    desk: Desk
    parts: Parts

    def __init__(self, outside: Outside, journal: Journal, durable: Callable[[], int]) -> None:
        self.outside = outside
        self.journal = journal
        self._durable = durable
        self.shadow = Ledger()
        self._read: dict[int, tuple[Record, Fact | None]] = {}
        #: The journal's newest record.
        self.newest: Record | None = None
        #: Executions that were told to the post-execution checks.
        self.told: dict[ExecutionId, None] = {}
        #: The record of each execution that is booked.
        self.booked_at: dict[ExecutionId, int] = {}
        #: When this desk began to carry an order, by the outside's clock.
        self.taken_at: dict[ClientOrderId, float] = {}
        self.changes: list[Change] = []
        #: What this desk's checks said last about an order's content: whether all allowed it.
        self.verdicts: dict[str, bool] = {}
        #: How much of each order had filled when facts were read to judge by.
        self.filled_then: dict[ClientOrderId, Decimal] = {}
        #: Another process has taken the journal over.
        self.superseded = False
        #: The order that a person is settling by hand just now.
        self.settling: ClientOrderId | None = None
        self.broken: AssertionError | None = None
        #: The names of the standard controls that are asked, and the halts that they asked for.
        self.controls: tuple[str, ...] = ()
        self.halts_said: dict[tuple[Scope, str], float] = {}
        #: The order that a check was asked about last, and its content.
        self._asked: Order | None = None
        self._content = ""
        outside.opened_at = None
        found = list(journal.read())
        self.hold(invariants.changes.what_was_durable_is_found, outside, found)
        for record in found:
            self.newest = record
            fact = self.fact_in(record)
            if fact is not None:
                self._remember(record.seq, self.shadow.apply(fact))
                self._note_opening(fact)
        self.takes_over()

    def takes_over(self) -> None:
        """Somebody runs from now on who knows what stands in this journal."""
        self.outside.counting.opened(self.shadow, self.outside.clock.monotonic())

    # ------------------------------------------------------------------ looking

    @property
    def ledger(self) -> Ledger:
        """The desk's own ledger."""
        return self.parts.keeper.ledger

    @property
    def capabilities(self) -> Capabilities:
        """What the broker takes."""
        return self.parts.adapter.executor.capabilities

    @property
    def durable(self) -> int:
        """The newest record that survives a power cut, by the disk's own word."""
        return self._durable()

    def watch(self, parts: Parts) -> None:
        """Look at every change from now on."""
        self.parts = parts
        parts.keeper.listen(self.changed)

    def raise_broken(self) -> None:
        """Raise what an invariant said inside the desk."""
        if self.broken is not None:
            raise self.broken

    def hold(self, holds: Callable[P, None], *given: P.args, **named: P.kwargs) -> None:
        """Ask an invariant, and keep what it says."""
        try:
            holds(*given, **named)
        except AssertionError as fault:
            self.broken = self.broken or fault
            raise

    def fact_in(self, record: Record) -> Fact | None:
        """The fact in a record; a record that is as it was when it was read holds the same one."""
        known = self._read.get(record.seq)
        if known is None or known[0] != record:
            known = self._read[record.seq] = (record, decode(record))
        return known[1]

    # ------------------------------------------------------------------ the journal

    def appended(self, record: Record) -> None:
        """The journal took a record."""
        if not self.superseded:
            self.outside.records[record.seq] = record.hash
        self.hold(invariants.changes.the_chain_goes_on, self, record)
        if record.kind == _PLAN_FINISHED:
            self.hold(invariants.changes.a_plans_result_is_true, self, record)
        self.newest = record

    def _note_opening(self, fact: Fact) -> None:
        if isinstance(fact, BooksOpened):
            self.outside.opened_at = fact.cursor

    def changed(self, seq: int, change: Change) -> None:
        """The desk recorded a fact and folded it."""
        if self.newest is None or self.newest.seq != seq:
            key = change.fact.key if isinstance(change.fact, OrderFact) else ""
            self.newest = self.journal.about(key)[-1]  # nobody told of what was appended
        self.hold(invariants.at_change, self, seq, change)
        self._remember(seq, change)
        self._take_up(change.fact)
        self._note_opening(change.fact)
        self._note_resumed(change.fact)
        self._note_misled(change.fact)
        self.outside.counting.changed(change, self.outside.clock.monotonic())
        self.changes.append(change)

    def _note_resumed(self, fact: Fact) -> None:
        if isinstance(fact, Resumed):
            # An account has one name, and a control's halt of it none.
            name = "" if fact.scope is Scope.ACCOUNT else fact.name
            self.halts_said.pop((fact.scope, name), None)

    def _note_misled(self, fact: Fact) -> None:
        # No fence holds where the answers behind it show what was before it.
        behind = self.outside.clock.monotonic() < self.outside.behind_until
        if behind and isinstance(fact, Settled) and fact.evidence.source is Source.QUERY:
            self.outside.misled[fact.key] = None

    def _remember(self, seq: int, change: Change) -> None:
        if change.execution is not None:
            self.booked_at[change.execution.execution_id] = seq

    def _take_up(self, fact: Fact) -> None:
        if isinstance(fact, Staged | Sent) and fact.key not in self.taken_at:
            self.taken_at[fact.key] = self.outside.clock.monotonic()

    # ------------------------------------------------------------------ the wire

    def submits(self, order: ApprovedOrder) -> None:
        """A new order is about to leave."""
        key, outside = order.client_order_id, self.outside
        outside.requests["submit", key] += 1
        outside.sent_at[key] = outside.clock.monotonic()
        if outside.halts:
            self._note_halted(order.order)
        self.hold(invariants.at_submit, self, order)
        self._leaves(key, order.order, change=False)

    def replaces(self, key: ClientOrderId, change: ApprovedChange) -> None:
        """A change is about to leave."""
        self.outside.requests["replace", key] += 1
        self.hold(invariants.at_replace, self, key, change)
        self._leaves(key, change.order, change=True)

    def _note_halted(self, wanted: Order) -> None:
        if invariants.requests.is_halted(self, wanted):
            opens = invariants.requests.is_new_risk(self, wanted)
            what = "new risk" if opens else "an order that reduces"
            self.outside.counting.note("halts", f"{what} left under one")

    def _leaves(self, key: ClientOrderId, order: Order, *, change: bool) -> None:
        """Hold what leaves to the standard controls, where they are asked."""
        departures, state = self.outside.departures, self.ledger.orders.get(key)
        if not departures.kept:
            return
        asked = None if change or state is None else state.order
        one = departures.leaves(key, order, asked, change=change)
        if one is not None:
            self.hold(invariants.at_departure, self, one)

    def cancels(self, key: ClientOrderId) -> None:
        """A cancel is about to leave."""
        self.outside.requests["cancel", key] += 1
        self.hold(invariants.at_cancel, self, key)

    def asks(self, times: deque[float]) -> None:
        """Any request is about to leave; `times` are those at which this process made one."""
        limit = self.capabilities.requests_per_minute
        if limit < _UNLIMITED:
            self.hold(invariants.requests.within_the_brokers_rate, times, limit)

    # ------------------------------------------------------------------ the checks

    def verdict(self, order: Order, *, allowed: bool) -> None:
        """A check said something about an order."""
        content = self._text_of(order)
        self.verdicts[content] = allowed
        if allowed:
            self.outside.allowed[content] = None

    def _text_of(self, order: Order) -> str:
        """Its content; all checks are asked about one order before the next one comes."""
        if order is not self._asked:
            self._asked, self._content = order, order.content().decode()
        return self._content

    def views(self) -> None:
        """The facts on which some orders are judged a moment later are read now."""
        self.filled_then = {key: state.filled for key, state in self.shadow.orders.items()}

    def was_unseen(self, broker_order_id: BrokerOrderId) -> bool:
        """Whether the facts that were read to judge by do not know this order of the broker."""
        key = self.shadow.key_for(None, broker_order_id)
        return key is None or (bool(self.filled_then) and key not in self.filled_then)

    def judges(self, view: BookView, key: ClientOrderId, order: Order) -> None:
        """A check is asked about an order, on this view."""
        if self.superseded:
            return  # what another process does, this one need not know: it sends nothing more
        self.outside.departures.judge(order, self._text_of(order), view.now)
        self.hold(invariants.standing.risk_sees_the_worst_case, self, view, key)

    def control(self, name: str, order: Order, answer: object) -> None:
        """A standard control said something about an order."""
        if self.superseded:
            return
        said = self.outside.departures.said.setdefault(self._text_of(order), {})
        said[name] = isinstance(answer, Allow | Warn)
        if isinstance(answer, Halt):
            whom = halt_name(answer.scope, order, "")
            now = self.outside.clock.monotonic()
            self.halts_said.setdefault((answer.scope, whom), now)

    def answered(self, name: str, order: Order | None, verdict: Verdict) -> None:
        """A check of a desk.toml answered; `order` is what it was asked about, if one."""
        kind = type(verdict).__name__.lower()
        word = kind if verdict is ALLOW else f"{kind} by {name}"
        self.outside.counting.note("own checks", word)
        self.hold(invariants.consent.an_own_check_answers, name, verdict)
        if order is not None:
            self.control(name, order, verdict)

    def is_given_up(self, key: ClientOrderId) -> bool:
        """Whether the desk gave the order up behind the fence."""
        state = self.shadow.orders.get(key)
        return state is not None and state.status is OrdStatus.ABANDONED

    def told_of(self, _state: OrderState, execution: Execution, _book: BookView) -> Verdict:
        """A post-execution check hears of a fill."""
        self.hold(invariants.changes.told_once_after_durable, self, execution)
        self.told[execution.execution_id] = None
        self.outside.told[execution.execution_id] = None
        return ALLOW
