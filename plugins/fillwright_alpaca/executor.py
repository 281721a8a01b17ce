"""Send orders, cancels and changes to Alpaca: one request each, and what came of it in our words.

Rules:
1. A request is taken when Alpaca's answer says so by name, and refused when it says that; what is
   neither is in doubt.
2. A cancel never waits behind a submit: it has workers of its own.
"""

from collections.abc import Callable, Sequence
from datetime import date

from fillwright.accounts import Account, Instrument, MarketSession, TradingDay
from fillwright.errors import BrokerUnavailable, NotSent, OrderInDoubt, OrderRejected
from fillwright.logs import get_logger
from fillwright.orders import OUR_PREFIX, WorkingOrder
from fillwright.protocols import Capabilities
from fillwright.reports import (
    Ack,
    BrokerOrder,
    CancelOutcome,
    Cursor,
    Evidence,
    Fill,
    Page,
    Source,
)
from fillwright.types import BrokerOrderId, ClientOrderId, Mode, OrdStatus
from fillwright.verdicts import ApprovedChange, ApprovedOrder
from fillwright_alpaca.bodies import Body, Unwritable, change_body, order_body
from fillwright_alpaca.calls import Lane
from fillwright_alpaca.endpoints import mode_of
from fillwright_alpaca.exchange import Exchange
from fillwright_alpaca.fills import Fills
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.messages import (
    STATUSES,
    Raw,
    Unreadable,
    list_of,
    object_of,
    word_of,
    word_or_none,
)
from fillwright_alpaca.outcomes import Proof, evidence_of, proof_of, refusal
from fillwright_alpaca.questions import Questions, path_of
from fillwright_alpaca.wire import Outcome, Reply, Request

_log = get_logger(__name__)

_SUBMIT, _CANCEL, _REPLACE = "submit", "cancel", "replace"


class AlpacaExecutor:
    """Implement `Executor` for one Alpaca account."""

    broker = "alpaca"

    def __init__(
        self, exchange: Exchange, orders: KnownOrders, capabilities: Capabilities, url: str
    ) -> None:
        self.capabilities = capabilities
        self._questions = Questions(exchange, orders)
        self._fills = Fills(exchange, orders)
        self._exchange = exchange
        self._orders = orders
        #: Whether real money is behind the host that every request goes to.
        self.endpoint: Mode = mode_of(url)

    # ------------------------------------------------------------------ requests

    async def submit(self, order: ApprovedOrder) -> Ack:
        """Send a new order."""
        name = order.client_order_id
        body = _written(name, lambda: order_body(order.order, name))
        request = Request("POST", "/orders", body)
        outcome = await self._exchange.send(Lane.SUBMIT, request, deadline=order.deadline)
        proof = proof_of(outcome)
        if proof is Proof.TAKEN and isinstance(outcome, Reply):
            return self._taken(order, outcome)
        if proof is Proof.DUPLICATE_OR_REJECTED:
            proof = await self._duplicate_or_rejected(name)
        raise refusal(name, _SUBMIT, outcome, proof)

    async def cancel(self, order: WorkingOrder) -> Ack:
        """Ask for a cancel."""
        order_id = order.broker_order_id or await self._id_of(order, Lane.CANCEL)
        outcome = await self._exchange.send(Lane.CANCEL, Request("DELETE", path_of(order_id)))
        proof = proof_of(outcome)
        if proof is Proof.TAKEN:
            return self._ack(order_id, _CANCEL, outcome, OrdStatus.PENDING_CANCEL)
        raise refusal(order.client_order_id, _CANCEL, outcome, proof)

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        """Ask for a change; that it was taken does not say yet that it will happen."""
        name = order.client_order_id
        body = _written(name, lambda: change_body(change))
        order_id = order.broker_order_id or await self._id_of(order, Lane.QUERY)
        request = Request("PATCH", path_of(order_id), body)
        outcome = await self._exchange.send(Lane.SUBMIT, request, deadline=change.deadline)
        proof = proof_of(outcome)
        if proof is Proof.TAKEN and isinstance(outcome, Reply):
            new_id = self._new_id(name, outcome)
            return self._ack(new_id, _REPLACE, outcome, OrdStatus.PENDING_REPLACE)
        if proof is Proof.DUPLICATE_OR_REJECTED:
            proof = Proof.REJECTED  # whoever asked looks at the order before believing it
        raise refusal(name, _REPLACE, outcome, proof)

    async def cancel_all(self) -> Sequence[CancelOutcome]:
        """Ask for the cancel of every open order of the account, and say what came of each.

        Raises `OrderRejected`, `NotSent` or `OrderInDoubt` for all of them together.
        """
        name, what = "all open orders", "cancel all"
        outcome = await self._exchange.send(Lane.CANCEL, Request("DELETE", "/orders"))
        proof = proof_of(outcome)
        if proof is not Proof.TAKEN or not isinstance(outcome, Reply):
            raise refusal(name, what, outcome, proof)
        try:
            return [self._cancel_outcome(one) for one in list_of(outcome.json, "cancels")]
        except Unreadable as fault:
            raise OrderInDoubt(name, f"{what}: {fault}") from fault

    # ------------------------------------------------------------------ questions

    async def find(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        """The order with this id, ended ones included."""
        return await self._questions.find(client_order_id)

    async def open_orders(self) -> Sequence[BrokerOrder]:
        """Every open order."""
        return await self._questions.open_orders()

    async def executions(self, since: Cursor | None) -> Page[Fill]:
        """Every execution since the cursor; without one, those of the last day that had any."""
        return await self._fills.since(since)

    async def account(self) -> Account:
        """Balances and positions."""
        return await self._questions.account()

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol."""
        return await self._questions.instrument(symbol)

    async def session(self) -> MarketSession:
        """The market's clock."""
        return await self._questions.session()

    async def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        """The trading days between two dates, both included."""
        return await self._questions.calendar(first, last)

    # ------------------------------------------------------------------ answers

    def _taken(self, order: ApprovedOrder, reply: Reply) -> Ack:
        """Read the order that Alpaca made of ours; an answer about another one proves nothing."""
        name = order.client_order_id
        try:
            said = object_of(reply.json, "order")
            order_id = BrokerOrderId(word_of(said, "id", "order"))
            theirs = word_or_none(said, "client_order_id", "order")
        except Unreadable as fault:
            raise OrderInDoubt(name, f"{_SUBMIT} was answered, and {fault}") from fault
        if theirs != name:
            _check_echo(order, said, theirs)
        self._remember(said)
        status = STATUSES.get(str(said.get("status")), OrdStatus.PENDING_NEW)
        shown = OrdStatus.PENDING_NEW if status is OrdStatus.PENDING_NEW else OrdStatus.NEW
        return self._ack(order_id, _SUBMIT, reply, shown)

    async def _duplicate_or_rejected(self, name: ClientOrderId) -> Proof:
        """Look up what an error says that Alpaca uses for both."""
        try:
            found = await self._questions.find(name)
        except BrokerUnavailable:
            return Proof.IN_DOUBT
        return Proof.REJECTED if found is None else Proof.DUPLICATE

    async def _id_of(self, order: WorkingOrder, lane: Lane) -> BrokerOrderId:
        """Alpaca's id of an order that we know by ours alone: it cancels by no other."""
        name = order.client_order_id
        try:
            found = await self._questions.find(name, lane)
        except BrokerUnavailable as fault:
            raise NotSent(name, f"its id could not be looked up: {fault.reason}") from fault
        if found is None:
            raise OrderRejected(name, "find 404", "order not found")
        return found.broker_order_id

    def _new_id(self, name: ClientOrderId, reply: Reply) -> BrokerOrderId:
        try:
            said = object_of(reply.json, "order")
            order_id = word_of(said, "id", "order")
        except Unreadable as fault:
            raise OrderInDoubt(name, f"{_REPLACE} was answered, and {fault}") from fault
        self._remember(said)
        return BrokerOrderId(order_id)

    def _remember(self, said: Raw) -> None:
        try:
            self._orders.learn(said)
        except Unreadable as fault:
            # It is there, and has an id: what else it is, the questions will tell.
            _log.warning("order_unread", field=fault.field, reason=str(fault))

    def _cancel_outcome(self, raw: object) -> CancelOutcome:
        what = "cancel"
        said = object_of(raw, what)
        status, body = said.get("status"), said.get("body")
        if not isinstance(status, int):
            raise Unreadable(what, "status", "is not a number")
        text = body.get("message") if isinstance(body, dict) else None
        order_id = BrokerOrderId(word_of(said, "id", what))
        names = self._orders.get(order_id)
        return CancelOutcome(
            order_id,
            names.client_order_id if names else None,
            taken=200 <= status < 300,  # noqa: PLR2004  # what 2xx means
            text=text if isinstance(text, str) else "",
        )

    def _ack(self, order_id: BrokerOrderId, what: str, outcome: Outcome, status: OrdStatus) -> Ack:
        evidence = Evidence(Source.RESPONSE, evidence_of(what, outcome))
        return Ack(order_id, evidence, self._exchange.clock.now(), status)


def _written(name: ClientOrderId, write: Callable[[], Body]) -> Body:
    try:
        return write()
    except Unwritable as fault:
        raise NotSent(name, str(fault)) from None


def _check_echo(order: ApprovedOrder, said: Raw, theirs: str | None) -> None:
    """Let pass an answer that does not carry our id only where it can be about nothing else."""
    name = order.client_order_id
    same = said.get("symbol") == order.order.symbol and said.get("side") == order.order.side.lower()
    if not same or (theirs is not None and theirs.startswith(OUR_PREFIX)):
        raise OrderInDoubt(name, f"{_SUBMIT} was answered with another order")
    _log.warning("order_renamed", client_order_id=name, theirs=theirs)
