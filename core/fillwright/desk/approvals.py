"""The desk's side of the gate: gather the facts, ask, and reserve what was approved.

Rules:
1. An approval counts as exposure and as cost from the moment it is given, before it is sent.
2. New risk waits, bounded, until stream and books are sound; what only reduces does not wait.
3. An approval holds only while no halt and no doubt came up since.
4. A halt that a check asked for survives a power cut before whoever asked is answered.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from pydantic import ValidationError

from fillwright.accounts import Account
from fillwright.book import BookView
from fillwright.desk.approval import Approval, Given, larger_of
from fillwright.desk.days import DayBook
from fillwright.desk.deadline import Deadline
from fillwright.desk.funds import Funds
from fillwright.desk.health import Health
from fillwright.desk.keeper import Keeper
from fillwright.desk.market import Market
from fillwright.desk.remembering import remember
from fillwright.desk.supply import Supply
from fillwright.desk.tasks import finished_within
from fillwright.errors import BadInput, NotReady
from fillwright.ledger import Halted
from fillwright.logs import get_logger
from fillwright.orders import Order, OrderChange, content_hash, replacement_id
from fillwright.protocols import Capabilities, Clock, Limits
from fillwright.resilience import CircuitBreaker, Lane
from fillwright.risk import (
    ActiveHalt,
    Answer,
    Conditions,
    Decision,
    Gate,
    HaltWanted,
    Proposal,
    RecentOrders,
    Terms,
    cost_to_reserve,
    deeds,
    exposure_of,
    halt_name,
)
from fillwright.states import Action, OrderState, Pending
from fillwright.types import ZERO, ClientOrderId, OrdStatus, Side
from fillwright.verdicts import ApprovedChange, ApprovedOrder

_log = get_logger(__name__)


class Approvals:
    """Ask the gate about the desk's orders; the gate's `Facts`."""

    gate: Gate
    #: Called before each question: what a person put beside the journal counts at once.
    heed: Callable[[], None] = staticmethod(lambda: None)

    def __init__(  # noqa: PLR0913  # where the facts come from
        self,
        keeper: Keeper,
        market: Market,
        funds: Funds,
        health: Health,
        *,
        supply: Supply,
        days: DayBook,
        breaker: CircuitBreaker,
        capabilities: Capabilities,
        limits: Limits,
        clock: Clock,
        allow_resize: bool,
    ) -> None:
        self._keeper = keeper
        self._market = market
        self._funds = funds
        self._health = health
        self._supply = supply
        self._days = days
        self._breaker = breaker
        self._capabilities = capabilities
        self._limits = limits
        self._clock = clock
        self._allow_resize = allow_resize
        self._quote_max_age = timedelta(seconds=limits.quote_max_age)
        self._recent = RecentOrders()
        self._given: dict[ClientOrderId, Given] = {}
        #: And what was asked to stand afterwards.
        self._changed: dict[ClientOrderId, tuple[OrderState, Order]] = {}
        #: Money that previewed buys may count on, by the key of the preview.
        self._foreseen: dict[ClientOrderId, Decimal] = {}
        self._conditions: tuple[object, Conditions] | None = None
        #: The record of the newest halt that a check asked for.
        self._latched = 0

    # ------------------------------------------------------------------ asking

    async def ask(self, state: OrderState, deadline: Deadline) -> Approval:
        """Have one staged order judged."""
        order = state.order
        assert order is not None  # noqa: S101  # a staged order has its content
        proposal = Proposal(order, state.client_order_id, state.content_hash, deadline.at)
        return self._approval(await self._judged(proposal, deadline), state.client_order_id)

    async def ask_change(
        self, state: OrderState, change: OrderChange, deadline: Deadline
    ) -> Approval:
        """Have a change of one order judged, as the order that would stand afterwards."""
        assert state.order is not None  # noqa: S101  # the caller looked
        try:
            order = change.applied_to(state.order)
        except ValidationError as fault:
            said = fault.errors(include_url=False, include_input=False, include_context=False)
            problem = said[0]["msg"].removeprefix("Value error, ")
            raise BadInput(f"change of {state.client_order_id}", problem) from fault
        count = self._keeper.ledger.replacements(state.client_order_id) + 1
        alias = replacement_id(state.client_order_id, count)
        proposal = Proposal(order, alias, content_hash(order), deadline.at, change)
        self._changed[alias] = (state, order)
        try:
            return self._approval(await self._judged(proposal, deadline), alias)
        finally:
            del self._changed[alias]

    async def preview(self, orders: Sequence[Order], proceeds: Decimal) -> Sequence[Decision]:
        """Judge orders that are not meant to leave, buys as if `proceeds` had come in."""
        deadline = self._clock.now() + timedelta(seconds=self._limits.send_deadline)
        proposals = []
        for number, order in enumerate(orders):
            await self._market.prepare(order.symbol)
            await self._supply.prepare(order.symbol)
            key = ClientOrderId(f"preview-{number}")
            proposals.append(Proposal(order, key, content_hash(order), deadline))
            if order.side is Side.BUY:
                self._foreseen[key] = proceeds
        try:
            return await self.gate.preview(proposals)
        finally:
            self._foreseen.clear()

    def renew(self, state: OrderState) -> Approval:
        """Approve the bytes of an order in doubt once more."""
        order, deadline = state.order, state.deadline
        assert order is not None and deadline is not None  # noqa: S101, PT018  # it was sent
        if order.quantity != state.quantity and order.quantity is not None:
            order = order.model_copy(update={"quantity": state.quantity})
        key = state.client_order_id
        proposal = Proposal(order, key, content_hash(order), deadline)
        answer = self.gate.renew(proposal)
        self._given[key] = Given(None, self._version, None, self._only_reduces(proposal))
        return self._approval(answer, key)

    def holds(self, approval: Approval) -> bool:
        """Whether nothing came up since that the gate should hear of."""
        return approval.version == self._version

    def drop(self, state: OrderState) -> None:
        """Let go of what was reserved for an order or change that does not leave now."""
        staged = state.status is OrdStatus.STAGED
        self._keeper.historian.release(state.client_order_id, change=not staged)
        if not staged:
            self._keeper.exposures.update(None, state)
            return
        self._keeper.exposures.update(state, None)
        self._funds.release(state.client_order_id)

    async def _judged(self, proposal: Proposal, deadline: Deadline) -> Answer:
        self.heed()
        await self._prepare(proposal.order, deadline)
        if not self._health.ready and not self._only_reduces(proposal):
            await self._health.wait(self._limits.ready_within, self._clock)
            await self._prepare(proposal.order, deadline)
        answer = await self.gate.ask(proposal)
        if answer.decision.halts:
            await self.latched()
        return answer

    async def latched(self) -> None:
        """Return when every halt that a check asked for survives a power cut."""
        await self._keeper.journal.durable(self._latched)

    async def _prepare(self, order: Order, deadline: Deadline) -> None:
        """Have what the checks may ask about this order, as far as it can be had in time."""
        symbol, clock = order.symbol, self._clock
        if not self._market.has(order):
            await finished_within(self._market.prepare(symbol), deadline.left(clock), clock)
        if not self._supply.has(symbol):
            await finished_within(self._supply.prepare(symbol), deadline.left(clock), clock)

    def _only_reduces(self, proposal: Proposal) -> bool:
        if self._market.account is None:
            return False
        return self.book_for(proposal).reduces(proposal.order)

    def _approval(self, answer: Answer, key: ClientOrderId) -> Approval:
        # What came up between the gate's word and this task's turn must not count as known.
        given = self._given.pop(key, None) or Given(None, self._version)
        return Approval(answer.order, answer.change, answer.decision.reasons, *given)

    @property
    def _version(self) -> tuple[int, int]:
        return self._keeper.version, self._health.version

    # ------------------------------------------------------------------ the gate's facts

    def book_for(self, proposal: Proposal) -> BookView:
        """The view for this proposal; for a change, or the same bytes again, without itself."""
        key = proposal.client_order_id
        changed, _ = self._changed.get(key, (None, None))
        own = changed.client_order_id if changed else key
        exposures = self._keeper.exposures
        now = self._clock.now()
        account = self._account()
        if foreseen := self._foreseen.get(key):
            power, cash = account.buying_power + foreseen, account.cash + foreseen
            account = replace(account, buying_power=power, cash=cash)
        view = BookView(
            now,
            account,
            exposures.without(own),
            self._market.quotes_view(),
            self._market.instruments_view,
            self._funds.without(own),
            self._recent.alike(proposal.order, self._clock.monotonic()),
            changed.filled if changed else ZERO,
            self._quote_max_age,
            changed.quantity if changed else None,
            self._supply.view(),
            self._keeper.historian.view(now),
            self._days.begins(now),
            attended=self._keeper.attended,
            beside=exposures.beside(proposal.order, own),
        )
        return view if changed is None else self._with_standing(view, changed)

    def _with_standing(self, view: BookView, changed: OrderState) -> BookView:
        """The view with what the rest of the order that is being changed counts for until now.

        Terms only ever get harder, so what was reserved may be more than what stands.
        """
        order, own, exposures = changed.order, changed.client_order_id, self._keeper.exposures
        assert order is not None  # noqa: S101  # it is being changed
        now = view.worst_cost(order.model_copy(update={"quantity": changed.quantity}))
        reserved = exposures.value_of(own)
        value = None if now is None or reserved is None else min(now, reserved)
        shown = value if value is not None and self._funds.shows(own) else ZERO
        hold = min(exposures.cost_of(own), shown)
        return replace(view, standing_value=value, standing_hold=hold)

    def view(self) -> BookView:
        """The book as it is, for somebody who judges no order."""
        now = self._clock.now()
        return BookView(
            now,
            self._account(),
            self._keeper.exposures.snapshot(),
            self._market.quotes_view(),
            self._market.instruments_view,
            self._funds.reserved,
            quote_max_age=self._quote_max_age,
            supplied=self._supply.view(),
            history=self._keeper.historian.view(now),
            today=self._days.begins(now),
            attended=self._keeper.attended,
        )

    def conditions(self) -> Conditions:
        """How things stand; the same object while nothing changed."""
        open_circuit = not self._breaker.allows(Lane.SUBMIT)
        signature = (self._keeper.version, self._health.version, open_circuit)
        if self._conditions is not None and self._conditions[0] == signature:
            return self._conditions[1]
        halts = self._keeper.ledger.halts.values()
        reason = self._health.reason
        if open_circuit:
            reason = "; ".join(filter(None, (reason, "the broker fails requests (circuit open)")))
        conditions = Conditions(
            self._capabilities,
            frozenset(ActiveHalt(h.scope, h.name, h.reason) for h in halts),
            frozenset(symbol for symbol, count in self._keeper.doubtful.items() if count > 0),
            reason,
            self._allow_resize,
            tuple(one.grant for one in self._keeper.ledger.controls.grants.values()),
        )
        self._conditions = (signature, conditions)
        return conditions

    def reserve(self, approved: ApprovedOrder | ApprovedChange, book: BookView) -> None:
        """Count an approval at its worst case from now on."""
        order, key = approved.order, approved.client_order_id
        changed, wanted = self._changed.get(key, (None, None))
        own = changed.client_order_id if changed else key
        terms = Terms.of(order, book)
        state = self._keeper.ledger.orders[own]
        if changed is not None:
            larger = larger_of(order.quantity, state.quantity)
            asked = approved.change if isinstance(approved, ApprovedChange) else None
            pending = Pending(Action.REPLACE, change=asked, quantity=larger)
            state = state.but(pending=(*state.pending, pending))
        self._keeper.exposures.update(None, state, terms)
        added = exposure_of(order, book)
        self._funds.reserve(own, cost_to_reserve(order, book, added))
        change = changed is not None
        event = partial(deeds.approved, order, own, book, added, change=change)
        self._keeper.historian.reserve(own, event, change=change)
        value = deeds.adds(order, book, added) if change or terms.price is None else None
        reduces = deeds.only_reduces(order, book)
        self._given[key] = Given(terms.price, self._version, value, reduces)
        # A slip of the finger asks for the same again, whatever a check makes of it.
        alike = wanted or state.order or order
        self._recent.add(alike, own, book.now, self._clock.monotonic())
        self._tell_warnings(own, approved)

    def _tell_warnings(self, key: ClientOrderId, approved: ApprovedOrder | ApprovedChange) -> None:
        for remark in approved.remarks:
            if remark.warning:
                _log.warning(
                    "check_warned", client_order_id=key, check=remark.check, reason=str(remark)
                )

    def recall(self) -> None:
        """Remember what an earlier process sent a moment ago."""
        remember(self._recent, self._keeper, self._clock)

    def latch(self, proposal: Proposal, halts: tuple[HaltWanted, ...]) -> None:
        """Record the halts that a check asked for."""
        account = self._account().account_id
        for wanted in halts:
            name = halt_name(wanted.scope, proposal.order, account)
            reason, by = str(wanted.reason), wanted.reason.check
            halted = Halted(self._clock.now(), wanted.scope, name, reason, by)
            self._latched, _ = self._keeper.write(halted)
            _log.error("halt_latched", scope=str(wanted.scope), name=name, reason=reason, by=by)

    def _account(self) -> Account:
        if self._market.account is None:
            raise NotReady("the broker has not told the account yet")
        return self._market.account
