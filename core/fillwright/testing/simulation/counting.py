"""Count what happened in one scenario: faults, deaths, doubts and their ends, halts, adoptions.

Rules:
1. Counting only looks: a scenario with other figures is still the same scenario.
2. A doubt ends when the desk records so, and is counted by the evidence that the record names.
3. An order counts as adopted when the desk knows its broker's id and its submit is in no doubt.
"""

from collections import Counter
from typing import Final

from fillwright.ledger import (
    Abandoned,
    Asked,
    Change,
    Doubted,
    EndedUnsent,
    HandedOver,
    Ledger,
    OrderFact,
    Reported,
    Settled,
    Unsent,
)
from fillwright.orders import OUR_PREFIX, original_id
from fillwright.reports import Source
from fillwright.states import Action, OrderState
from fillwright.testing.venue import Venue, VenueOrder
from fillwright.types import ClientOrderId, OrdStatus

#: What a doubt ended by when its record names nothing that proved it; there must be none.
UNPROVEN: Final = "without evidence"
_MILLISECONDS: Final = 1000


class Counting:
    """The figures of one scenario as it goes along."""

    def __init__(self) -> None:
        #: How often what happened, as group and name.
        self.counts: Counter[tuple[str, str]] = Counter()
        #: From the moment that no fault is left, a desk runs and the order is there, to its
        #: adoption, for each that the broker had and the desk did not know: milliseconds.
        self.adoptions: list[int] = []
        self._calm = False
        #: Orders that the broker has and the desk may not know, and since when.
        self._unknown: dict[ClientOrderId, float] = {}

    def note(self, group: str, name: str, times: int = 1) -> None:
        """It happened."""
        self.counts[group, name] += times

    def failed(self, what: str, text: str) -> None:
        """A disk, a network or a broker's server failed, as the timeline tells it."""
        head, _, _ = text.partition(": ")
        kind = text if head == "fails" else head
        # Names and numbers differ in each scenario.
        words = [word for word in kind.split() if not any(map(str.isdigit, word))]
        self.note(f"{what} faults", " ".join(words))

    # ------------------------------------------------------------------ the desk

    def changed(self, change: Change, now: float) -> None:
        """A desk recorded something."""
        before, after = change.before, change.after
        if after is None:
            return
        doubted = before is not None and before.in_doubt
        if isinstance(change.fact, HandedOver):
            self.note("doubts", "handed to a person")
        if after.in_doubt and not doubted:
            what = change.fact.action if isinstance(change.fact, Doubted) else "change"
            self.note("doubts", f"begun about a {what}")
        elif doubted and not after.in_doubt:
            self.note("doubts ended", _proof(change.fact))
        if self._calm:
            self._note_adoption(after, now)

    # ------------------------------------------------------------------ adoptions

    def heal(self, venue: Venue, now: float, known: Ledger | None) -> None:
        """All faults end now; `known` is what the desk that runs knows, None when none does."""
        self._calm = True
        ours = [order for order in venue.books.orders.values() if _is_first(order)]
        self._unknown = {original_id(order.client_order_id): now for order in ours}
        if known is not None:
            self.opened(known, now)

    def opened(self, known: Ledger, now: float) -> None:
        """A process found this in its journal: what it knows of needs no adoption.

        For the rest the time begins anew: while nobody ran, nobody could learn of it.
        """
        for key in list(self._unknown):
            state = known.orders.get(key)
            if state is not None and _adopted(state):
                del self._unknown[key]
            else:
                self._unknown[key] = now

    def arrived(self, order: VenueOrder | None, known: Ledger | None, now: float) -> None:
        """The venue took an order; behind the end of all faults, an old request came late."""
        if not self._calm or order is None or not _is_first(order):
            return
        key = original_id(order.client_order_id)
        state = known.orders.get(key) if known is not None else None
        if state is None or state.in_doubt or state.status is OrdStatus.ABANDONED:
            self._unknown.setdefault(key, now)

    def _note_adoption(self, state: OrderState, now: float) -> None:
        since = self._unknown.get(state.client_order_id)
        if since is not None and _adopted(state):
            del self._unknown[state.client_order_id]
            self.adoptions.append(round((now - since) * _MILLISECONDS))

    @property
    def never_adopted(self) -> int:
        """How many of the broker's orders no desk knew in the end."""
        return len(self._unknown)


def _is_first(order: VenueOrder) -> bool:
    """Whether it is an order of ours as it was sent first, and no leg and no replacement."""
    ours = order.client_order_id.startswith(OUR_PREFIX)
    return ours and order.parent is None and order.replaces is None


def _adopted(state: OrderState) -> bool:
    return state.broker_order_id is not None and state.awaiting(Action.SUBMIT) is None


def _proof(fact: object) -> str:
    """By which way the proof came that a record names."""
    if isinstance(fact, Reported):
        return f"by the broker's {fact.report.evidence.source}"
    if isinstance(fact, Settled):
        return f"by the broker's {fact.evidence.source}, unchanged"
    if isinstance(fact, Abandoned) and fact.evidence.reference:
        by_hand = fact.evidence.source is Source.PERSON
        return "by a person" if by_hand else "by clean reads behind the fence"
    if isinstance(fact, Unsent | EndedUnsent) and fact.proof:
        return "by proof that nothing left"
    if isinstance(fact, Asked) and fact.action is Action.CANCEL:
        # Two cancels are as good as one: the doubt about the first goes on as the second.
        return "by another cancel under way"
    return f"{UNPROVEN}, by {type(fact).__name__}" if isinstance(fact, OrderFact) else UNPROVEN
