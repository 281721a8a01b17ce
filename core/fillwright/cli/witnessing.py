"""Stand beside the checks of a dry run, and write down what each of them said to each order.

Rules:
1. A check is asked by the gate's own rules: what raises, hangs or answers no verdict is a refusal.
2. A check that changes the order is told by its name; in a desk that order would be refused.
3. What the gate says itself stands beside what the checks said, under `house` or `gate`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.inputs import Need
from fillwright.orders import Order
from fillwright.plugins import NamedHook
from fillwright.risk import Asker, Decision, Outcome
from fillwright.risk.answers import CHECK_HUNG, GATE_FAILED, ask
from fillwright.risk.asking import Deliver
from fillwright.risk.gate import ORDER_CHANGED
from fillwright.risk.judge import Batch, Judge
from fillwright.verdicts import Allow, Reason, Reject, Verdict

_CHANGED = Reject(
    ORDER_CHANGED,
    measured="other content",
    limit="as asked",
    text="this check changed the order that it was asked about",
)
_LOST = Reject(GATE_FAILED, measured="no answer", limit="an answer to each order")


class Witness:
    """One check, asked as ever; what it said is kept by the order that it was asked about."""

    def __init__(self, hook: NamedHook) -> None:
        self.name = hook.name
        self.code = hook.code
        self.needs: tuple[Need, ...] = hook.needs
        self.wants: tuple[Need, ...] = hook.wants
        self._hook = hook
        #: With the order, so that its identity stays its own.
        self._heard: dict[int, tuple[Order, Verdict]] = {}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Ask the check."""
        before = vars(order).copy()
        verdict = ask(self._hook.call, order, book)
        if vars(order) != before:
            vars(order).update(before)
            verdict = _CHANGED
        self._heard[id(order)] = order, verdict
        return verdict

    def heard(self, order: Order) -> Verdict | None:
        """What it said to this very order; None when it was not asked, or did not answer."""
        return self._heard.get(id(order), (order, None))[1]


class ListeningAsker:
    """Another asker, with every batch kept that it handed back."""

    def __init__(self, inner: Asker) -> None:
        self._inner = inner
        self.batches: list[Batch] = []

    def ask(self, judge: Judge, batch: Batch, deliver: Deliver) -> None:
        """Have it judged by the other one."""

        def listened(done: Batch) -> None:
            self.batches.append(done)
            deliver(done)

        self._inner.ask(judge, batch, listened)

    def close(self) -> None:
        """Let the other one go."""
        self._inner.close()


@dataclass(frozen=True, slots=True)
class Said:
    """What one check said to one order."""

    check: str
    #: ALLOW, WARN, RESIZE, REJECT or HALT; NONE when it gave no answer.
    verdict: str
    code: str = ""
    measured: str = ""
    limit: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One order, what would become of it, and what everybody said."""

    order: Order
    outcome: Outcome
    #: What may leave; None for a refusal, and for an order by notional.
    leaves: Decimal | None
    said: tuple[Said, ...]


def tried(batch: Batch, witnesses: Sequence[Witness]) -> Iterator[Tried]:
    """Every order of a batch, in the order in which they were judged."""
    lost = Decision(Outcome.REJECT, None, ((batch.fault or _LOST).reason("gate"),))
    for number, question in enumerate(batch.questions):
        order = asked = question.proposal.order
        decision = lost
        if number < len(batch.judged):
            judgement = batch.judged[number]
            decision, asked = judgement.decision, judgement.order
        said = [_told(one, decision, {}) for one in decision.reasons if _is_ours(one)]
        for witness in witnesses:
            said += _said(witness, decision, (order, asked))
        yield Tried(order, decision.outcome, decision.quantity, tuple(said))


def _is_ours(reason: Reason) -> bool:
    return reason.check in {"house", "gate"}


def _said(witness: Witness, decision: Decision, asked: Iterable[Order]) -> Iterator[Said]:
    """What one check said: to the order, and to what a resize made of it."""
    heard = [verdict for order in asked if (verdict := witness.heard(order)) is not None]
    against = [verdict for verdict in heard if not isinstance(verdict, Allow)]
    kinds = {verdict.code: type(verdict).__name__.upper() for verdict in against}
    # Of an order that nobody decided on, what was heard is all there is.
    reasons = [reason for reason in decision.reasons if reason.check == witness.name] or [
        verdict.reason(witness.name) for verdict in against
    ]
    if reasons:
        yield from (_told(reason, decision, kinds) for reason in reasons)
    elif heard:
        yield Said(witness.name, "ALLOW")
    else:
        hung = any(r.code == CHECK_HUNG and r.measured == witness.name for r in decision.reasons)
        yield Said(witness.name, "NONE", text="it did not answer" if hung else "not asked any more")


def _told(reason: Reason, decision: Decision, kinds: dict[str, str]) -> Said:
    resized = decision.outcome is Outcome.RESIZE
    kind = "RESIZE" if resized else kinds.get(reason.code, Outcome.REJECT.value)
    verdict = "WARN" if reason.warning else kind
    return Said(reason.check, verdict, reason.code, reason.measured, reason.limit, reason.text)
