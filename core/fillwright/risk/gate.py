"""The one way out: every order and change is judged here, and only here is one approved.

Rules:
1. Orders that wait are judged in one go, in the order in which they came, one batch at a time.
2. A batch's approvals are reserved in the desk's books, and its halts latched, in the callback
   that delivers them, before the next batch's facts are read.
3. A halt, a doubt or a sick stream that arose while the checks ran still counts: the house's
   rules are asked again when conditions changed.
4. An order that only reduces passes halts, doubts and health blocks; an order whose check raises,
   hangs or gives no verdict is refused even when it reduces.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from fillwright.book import BookView
from fillwright.errors import fault_text
from fillwright.orders import content_hash
from fillwright.protocols import Capabilities, Clock
from fillwright.risk.answers import GATE_CLOSED, GATE_FAILED, Check
from fillwright.risk.asking import Asker
from fillwright.risk.house import Conditions, house_rules
from fillwright.risk.judge import Batch, Judge, Judgement, Proposal, Question
from fillwright.risk.merge import Decision, HaltWanted, Outcome, merge
from fillwright.verdicts import ApprovedChange, ApprovedOrder, Reject

#: More than this many orders are not judged in one go, so that the first need not wait long.
LARGEST_BATCH = 128
ORDER_CHANGED = "ORDER_CHANGED"
BOOK_FAILED = "BOOK_FAILED"
_CLOSED = Reject(GATE_CLOSED, measured="closed", limit="open")
_ORDER_CHANGED = Reject(
    ORDER_CHANGED,
    measured="other content",
    limit="as asked",
    text="a check changed the order that it was asked about; remove that check",
)
_NO_ANSWER = Reject(GATE_FAILED, measured="no answer", limit="an answer to each order")
_NOTHING_TAKEN = Conditions(Capabilities(routes={}))
_Preview = tuple[Sequence[Proposal], asyncio.Future[tuple[Decision, ...]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a proposal: the decision, and the proof of approval when it passed."""

    decision: Decision
    order: ApprovedOrder | None = None
    change: ApprovedChange | None = None


class Facts(Protocol):
    """What the gate needs from the desk; every method is called in the loop's thread."""

    def book_for(self, proposal: Proposal) -> BookView:
        """The view for this proposal, with every earlier approval reserved in it.

        For a replace, without the order that is being changed.
        """

    def conditions(self) -> Conditions:
        """How things stand now; the same object as before while nothing changed."""

    def reserve(self, approved: ApprovedOrder | ApprovedChange, book: BookView) -> None:
        """Count an approval at its worst case from now on, by the view it was judged on."""

    def latch(self, proposal: Proposal, halts: tuple[HaltWanted, ...]) -> None:
        """Take no new risk in these scopes from now on."""


class Gate:
    """Ask every check about every order; mint what may leave.

    A caller that is cancelled while it waits leaves no reservation behind, but one that is
    cancelled after `Facts.reserve` must let go of it itself.
    """

    def __init__(
        self, checks: Sequence[Check], asker: Asker, *, facts: Facts, clock: Clock
    ) -> None:
        self._judge = Judge(checks)
        self._asker = asker
        self._facts = facts
        self._clock = clock
        self._waiting: deque[tuple[Proposal, asyncio.Future[Answer]]] = deque()
        self._previews: deque[_Preview] = deque()
        self._under_way: list[tuple[Proposal, asyncio.Future[Answer]]] = []
        self._asked_under: Conditions | None = None
        self._busy = False
        self._closed = False

    async def ask(self, proposal: Proposal) -> Answer:
        """Have one order or change judged; never raises because of a check."""
        if self._closed:
            return _refused(_CLOSED)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((proposal, future))
        self._wake(loop)
        return await future

    async def preview(self, proposals: Sequence[Proposal]) -> tuple[Decision, ...]:
        """Judge each after those before it that would pass; approves and reserves nothing."""
        if self._closed or not proposals:
            return tuple(_refused(_CLOSED).decision for _ in proposals)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Decision, ...]] = loop.create_future()
        self._previews.append((proposals, future))
        self._wake(loop)
        return await future

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._busy:
            self._busy = True
            loop.call_soon(self._start)

    def renew(self, proposal: Proposal) -> Answer:
        """Approve the very bytes again that were approved before and may not have arrived.

        The checks' verdict stands until the deadline and its exposure never left the book; halts
        and the house's other rules are asked anew. Doubt on the symbol is the order's own.
        """
        conditions = replace(self._facts.conditions(), doubtful_symbols=frozenset())
        order, book = proposal.order, self._facts.book_for(proposal)
        answers = house_rules(order, book, conditions, change=False)
        decision = merge(answers, quantity=order.quantity)
        if self._closed or decision.outcome is not Outcome.ALLOW:
            return Answer(decision)
        approved = ApprovedOrder(
            order,
            proposal.client_order_id,
            proposal.content_hash,
            self._clock.now(),
            proposal.deadline,
        )
        return Answer(decision, order=approved)

    def close(self) -> None:
        """Refuse what still waits, and let go of the asker."""
        self._closed = True
        for _, future in (*self._under_way, *self._waiting):
            if not future.done():
                future.set_result(_refused(_CLOSED))
        for proposals, preview in self._previews:
            if not preview.done():
                preview.set_result(tuple(_refused(_CLOSED).decision for _ in proposals))
        self._waiting.clear()
        self._previews.clear()
        self._asker.close()

    def _start(self) -> None:
        """Collect what waits, read the facts for each, and have it judged."""
        self._under_way = []
        questions: list[Question] = []
        while self._waiting and len(questions) < LARGEST_BATCH:
            proposal, future = self._waiting.popleft()
            if future.done():
                continue
            try:
                questions.append(self._question(proposal))
            except Exception as fault:  # noqa: BLE001 - without facts the order is refused
                future.set_result(_refused(_failed(BOOK_FAILED, fault)))
                continue
            self._under_way.append((proposal, future))
        if questions:
            self._hand_over(questions)
        elif self._previews:
            self._start_preview(*self._previews.popleft())
        else:
            self._go_on()

    def _start_preview(
        self, proposals: Sequence[Proposal], future: asyncio.Future[tuple[Decision, ...]]
    ) -> None:
        def deliver(batch: Batch) -> None:
            lost = _refused(batch.fault or _NO_ANSWER).decision
            decisions = [one.decision for one in batch.judged]
            decisions += [lost] * (len(proposals) - len(decisions))
            if not future.done():
                future.set_result(tuple(decisions))
            self._go_on()

        try:
            questions = [self._question(one) for one in proposals]
            conditions = self._facts.conditions()
        except Exception as fault:  # noqa: BLE001 - without facts all of them are refused
            deliver(Batch((), _NOTHING_TAKEN, fault=_failed(BOOK_FAILED, fault)))
            return
        self._asker.ask(self._judge, Batch(questions, conditions), deliver)

    def _question(self, proposal: Proposal) -> Question:
        return Question(proposal, self._facts.book_for(proposal), vars(proposal.order).copy())

    def _hand_over(self, questions: list[Question]) -> None:
        try:
            self._asked_under = self._facts.conditions()
        except Exception as fault:  # noqa: BLE001 - without facts the orders are refused
            self._refuse_all(_failed(BOOK_FAILED, fault))
            return
        self._asker.ask(self._judge, Batch(questions, self._asked_under), self._deliver)

    def _deliver(self, batch: Batch) -> None:
        """Settle every question of the batch, then go on with what came meanwhile."""
        try:
            current = self._facts.conditions()
        except Exception as fault:  # noqa: BLE001 - without facts the orders are refused
            self._refuse_all(_failed(BOOK_FAILED, fault))
            return
        changed = current if current is not self._asked_under else None
        for (_, future), question, judgement in zip(
            self._under_way, batch.questions, batch.judged, strict=False
        ):
            if not future.done():
                future.set_result(self._settle(question, judgement, changed))
        self._refuse_all(batch.fault or _NO_ANSWER)

    def _refuse_all(self, verdict: Reject) -> None:
        """Refuse what is still open of the batch under way, and go on."""
        for _, future in self._under_way:
            if not future.done():
                future.set_result(_refused(verdict))
        self._under_way = []
        self._go_on()

    def _go_on(self) -> None:
        self._busy = bool(self._waiting or self._previews)
        if self._busy:
            asyncio.get_running_loop().call_soon(self._start)

    def _settle(
        self, question: Question, judgement: Judgement, changed: Conditions | None
    ) -> Answer:
        proposal, decision = question.proposal, judgement.decision
        try:
            if decision.halts:
                self._facts.latch(proposal, decision.halts)
            if changed is not None:
                decision = _again(proposal, judgement, changed)
            if not decision.may_leave:
                return Answer(decision)
            if vars(proposal.order) != question.fields:
                return _refused(_ORDER_CHANGED)
            return self._approve(proposal, judgement)
        except Exception as fault:  # noqa: BLE001 - what is not reserved may not leave
            return _refused(_failed(BOOK_FAILED, fault))

    def _approve(self, proposal: Proposal, judgement: Judgement) -> Answer:
        decision, order = judgement.decision, judgement.order
        resized = decision.outcome is Outcome.RESIZE
        now = self._clock.now()
        client_id, deadline = proposal.client_order_id, proposal.deadline
        approved: ApprovedOrder | ApprovedChange
        if proposal.change is None:
            digest = content_hash(order) if resized else proposal.content_hash
            approved = ApprovedOrder(order, client_id, digest, now, deadline, decision.reasons)
            answer = Answer(decision, order=approved)
        else:
            change = proposal.change
            if resized:
                change = change.model_copy(update={"quantity": order.quantity})
            approved = ApprovedChange(change, order, client_id, now, deadline, decision.reasons)
            answer = Answer(decision, change=approved)
        self._facts.reserve(approved, judgement.book)
        return answer


def _again(proposal: Proposal, judgement: Judgement, conditions: Conditions) -> Decision:
    """Ask the house's rules once more about an order that passed under earlier conditions."""
    order, book = judgement.order, judgement.book
    if not judgement.decision.may_leave:
        return judgement.decision
    answers = house_rules(order, book, conditions, change=proposal.change is not None)
    later = merge(answers, quantity=order.quantity, floor=book.already_filled)
    return judgement.decision if later.outcome is Outcome.ALLOW else later


def _failed(code: str, fault: Exception) -> Reject:
    return Reject(code, measured=fault_text(fault), limit="no exception")


def _refused(verdict: Reject) -> Answer:
    return Answer(Decision(Outcome.REJECT, None, (verdict.reason("gate"),)))
