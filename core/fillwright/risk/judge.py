"""Judge one order after another: the house's rules, every check apart, one decision each. Pure.

Rules:
1. No checks configured is a refusal, never a pass.
2. Every check is asked, whatever others said, so that all reasons are known.
3. A resized order is judged once more as what it became; then nothing but an Allow will do.
   A grant turns a check's refusal into a remark before it is merged (see `granting`).
4. What passed is laid over the view of all that follow, and so is a halt that a check asked for;
   what was refused stands in their history.
5. A check that declared what it needs is asked only when that is there (see `inputs`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fillwright.book import BookView
from fillwright.errors import fault_text
from fillwright.orders import Order, OrderChange
from fillwright.risk.answers import GATE_FAILED, NO_CHECKS, Check, ask
from fillwright.risk.granting import granted
from fillwright.risk.house import Conditions, house_rules
from fillwright.risk.inputs import absent, declared, lacking
from fillwright.risk.merge import Decision, Outcome, merge
from fillwright.risk.overlay import Overlay
from fillwright.types import ClientOrderId
from fillwright.verdicts import ALLOW, Reject, Verdict

_NO_CHECKS = Reject(
    NO_CHECKS,
    measured="0 checks",
    limit="at least 1",
    text='name one in desk.toml, like checks = ["risk"]',
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the desk wants to send; for a replace, `order` is what would stand afterwards."""

    order: Order
    client_order_id: ClientOrderId
    content_hash: str
    #: It may not leave later than this.
    deadline: datetime
    change: OrderChange | None = None


@dataclass(slots=True)
class Question:
    """A proposal with the facts that it is judged on."""

    proposal: Proposal
    book: BookView
    #: The order's fields before any check saw it: what it still must be afterwards.
    fields: Mapping[str, object]


@dataclass(slots=True)
class Judgement:
    """The decision on one question; `order` is what may leave, smaller than asked if resized."""

    decision: Decision
    order: Order
    #: The view that it was judged on: earlier orders of the same batch are in it.
    book: BookView


@dataclass(slots=True)
class Mark:
    """Where a judge is right now: what a watcher in another thread may look at."""

    question: int = 0
    check: str = ""


@dataclass(slots=True)
class Batch:
    """Questions that are judged in one go, in order, and the judgements so far."""

    questions: Sequence[Question]
    #: Grows by the halts that checks ask for while the batch is judged.
    conditions: Conditions
    judged: list[Judgement] = field(default_factory=list)
    mark: Mark = field(default_factory=Mark)
    #: Why the questions without a judgement got none.
    fault: Reject | None = None


class Judge:
    """The configured checks, ready to be asked."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = tuple(
            (check.name, check.call, declared(check), getattr(check, "code", "") or check.name)
            for check in checks
        )

    def run(self, batch: Batch) -> None:
        """Judge the whole batch."""
        overlay = Overlay()
        for number, question in enumerate(batch.questions):
            batch.mark.question = number
            try:
                judgement = self._next(question, batch, overlay)
            except Exception as fault:  # noqa: BLE001 - a fault of ours refuses this one order
                judgement = _broken(question, fault)
            batch.judged.append(judgement)

    def _next(self, question: Question, batch: Batch, overlay: Overlay) -> Judgement:
        proposal = question.proposal
        book = overlay.over(question.book, proposal.order)
        decision, order = self._decide(proposal, book, batch)
        # Nobody follows the last one, so nobody needs it laid over.
        if len(batch.judged) + 1 < len(batch.questions):
            if decision.may_leave:
                change, asked = proposal.change is not None, proposal.order
                overlay.add(order, book, proposal.client_order_id, change=change, asked=asked)
            else:
                overlay.refused(order, book, proposal.client_order_id, decision.reasons)
        for halt in decision.halts:
            account = book.account.account_id
            batch.conditions = batch.conditions.halted(halt.scope, order, account)
        return Judgement(decision, order, book)

    def _decide(self, proposal: Proposal, book: BookView, batch: Batch) -> tuple[Decision, Order]:
        order = proposal.order
        change = proposal.change is not None
        decision = self._round(order, book, batch, change=change)
        if decision.outcome is not Outcome.RESIZE:
            return decision, order
        smaller = order.model_copy(update={"quantity": decision.quantity})
        again = self._round(smaller, book, batch, change=change)
        reasons = decision.reasons + again.reasons
        if again.outcome is Outcome.ALLOW:
            return Decision(Outcome.RESIZE, decision.quantity, reasons), smaller
        outcome = Outcome.HALT if again.halts else Outcome.REJECT
        return Decision(outcome, None, reasons, again.halts), order

    def _round(self, order: Order, book: BookView, batch: Batch, *, change: bool) -> Decision:
        objections = house_rules(order, book, batch.conditions, change=change)
        if not self._checks:
            objections.append(("gate", _NO_CHECKS))
        mark = batch.mark
        known: dict[tuple[str, ...], list[str]] = {}
        verdict: Verdict
        for name, call, inputs, code in self._checks:
            mark.check = name
            # Many checks need the same, and the view is one for all of them.
            if inputs and inputs not in known:
                known[inputs] = absent(inputs, order.symbol, book)
            if inputs and known[inputs]:
                verdict = lacking(known[inputs], code, order, book)
            else:
                verdict = ask(call, order, book)
                if batch.conditions.grants and verdict is not ALLOW:
                    verdict = granted(verdict, (name, code), order, book, batch.conditions.grants)
            if verdict is not ALLOW:
                objections.append((name, verdict))
        if not objections:
            return Decision(Outcome.ALLOW, order.quantity)
        return merge(
            objections,
            quantity=order.quantity,
            floor=book.already_filled,
            allow_resize=batch.conditions.allow_resize,
        )


def _broken(question: Question, fault: Exception) -> Judgement:
    said = Reject(GATE_FAILED, measured=fault_text(fault), limit="no exception")
    decision = Decision(Outcome.REJECT, None, (said.reason("gate"),))
    return Judgement(decision, question.proposal.order, question.book)
