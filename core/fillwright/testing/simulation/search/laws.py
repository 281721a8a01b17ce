"""What must hold: on every change, in every state, and once the network has healed.

The numbers are those of the guarantees. Each law compares what the desk believes with what the
model's broker knows; none of them asks the desk whether it is right.
"""

from fillwright.ledger import Change, Inferred
from fillwright.reports import AnomalyKind
from fillwright.states import Action, OrderState
from fillwright.testing.simulation.search.answers import Seen
from fillwright.testing.simulation.search.lane import Copy, Lane, Move, Way
from fillwright.testing.simulation.search.moves import Moves
from fillwright.testing.simulation.search.venue import Entry, Stand
from fillwright.types import OrdStatus

#: How often the desk compares, and looks into doubts, before everything must be settled.
CYCLES = 8
_TRUTH = {
    OrdStatus.FILLED: Stand.FILLED,
    OrdStatus.CANCELED: Stand.CANCELED,
    OrdStatus.EXPIRED: None,
}
_INFERRED = "inferred:"


def of_change(change: Change) -> str:
    """Look at one change of the ledger."""
    before, after = change.before, change.after
    if before is None or after is None:
        return ""
    final = before.ended and before.status is not OrdStatus.ABANDONED
    if final and after.status is not before.status:
        return f"I7: {before.status} became {after.status}"
    guessed = isinstance(change.fact, Inferred) or before.inferred
    if after.filled < before.filled and not guessed:
        return f"I6: filled fell from {before.filled} to {after.filled}"
    late = after.filled > before.filled and before.ended
    told = {AnomalyKind.LATE_FILL, AnomalyKind.LATE_ACCEPT, AnomalyKind.INFERRED_FILL}
    if late and not any(anomaly.kind in told for anomaly in change.anomalies):
        return "I7: a late fill was told to nobody"
    return ""


class Laws:
    """What must hold in every state of one lane."""

    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        self._bench = moves.bench
        self._intent = moves.intent

    def of_lane(self, lane: Lane) -> str:
        """Which law this state breaks; empty if none."""
        seen = self._moves.seen(lane)
        wrong = self._recorded(lane, seen)
        if wrong or seen.state is None:
            return wrong
        state, entry = seen.state, lane.entry
        wrong = self._counted(seen, entry) or self._true(lane, state)
        if wrong or not lane.up:
            return wrong
        if not self._bench.step(lane.live, "submit_again").said:
            return "I16: the same decision was not the same order"
        return self._covered(lane, state)

    def _recorded(self, lane: Lane, seen: Seen) -> str:
        """Whatever is at the broker, or under way to it, is in the books that are left."""
        unknown = seen.state is None or seen.state.status is OrdStatus.STAGED
        out = lane.first is not Copy.NEVER or lane.entry.stand is not Stand.NONE
        return "I1: a request is out that the journal does not know" if unknown and out else ""

    def _counted(self, seen: Seen, entry: Entry) -> str:
        state = seen.state
        assert state is not None  # noqa: S101  # the caller looked
        real = [e for e in seen.executions if not e.execution_id.startswith(_INFERRED)]
        booked = sum(e.quantity for e in real)
        if state.filled - state.inferred != booked:
            return f"I5: {booked} executed, and {state.filled - state.inferred} booked"
        if state.filled > entry.fills:
            return f"I5: {state.filled} booked, and {entry.fills} executed"
        total = state.quantity or 0
        if not 0 <= state.filled <= max(total, self._intent.changed):
            return f"I6: filled {state.filled} of {total}"
        if state.leaves != (0 if state.ended else max(total - state.filled, 0)):
            return f"I6: leaves {state.leaves}"
        return ""

    def _true(self, lane: Lane, state: OrderState) -> str:
        """A final status is the broker's word, or nothing ever left."""
        entry, status = lane.entry, state.status
        sent = lane.first is not Copy.NEVER
        if status is OrdStatus.REJECTED:
            refused = Copy.REFUSED in (lane.first, lane.second) and entry.stand is Stand.NONE
            return "" if refused or entry.stand is Stand.REJECTED else f"I8: REJECTED, {entry}"
        if status is OrdStatus.REFUSED:
            return "I8: REFUSED, and it was sent" if sent else ""
        truth = _TRUTH.get(status)
        if truth is not None and entry.stand is not truth and sent:
            return f"I8: {status}, and at the broker {entry.stand.name}"
        return ""

    def _covered(self, lane: Lane, state: OrderState) -> str:
        """The worst case counts whatever the broker may still do.

        What was given up behind the fence is the one exception: its id stays on watch.
        """
        if state.status is OrdStatus.ABANDONED:
            return ""
        counted = self._bench.worst(lane.live)
        possible = self._possible(lane)
        if counted < possible:
            number = "I10/I22" if lane.replacing or lane.entry.replaced else "I10"
            return f"{number}: counts {counted}, and {possible} may be bought"
        most = max(self._intent.quantity, self._intent.changed if lane.replace_asked else 0)
        return f"I11: counts {counted} of {most}" if counted > most else ""

    def _possible(self, lane: Lane) -> int:
        entry = lane.entry
        if entry.stand not in (Stand.NONE, Stand.OPEN):
            return entry.fills
        if entry.stand is Stand.NONE and Copy.OUT not in (lane.first, lane.second):
            return 0
        total = self._intent.total(entry)
        return max(total, self._intent.changed) if lane.replacing else total

    # ------------------------------------------------------------------ once it heals

    def of_rest(self, lane: Lane) -> str:
        """Let the network heal, what is out be lost, and look at what came of it."""
        if not lane.up:
            lane = self._moves.restarted(lane)
        for _ in range(CYCLES):
            before = lane
            lane, wrong = self._cycle(lane)
            if wrong:
                return wrong
            if lane == before:
                break
        return self._settled(lane)

    def _cycle(self, lane: Lane) -> tuple[Lane, str]:
        """Answers come, the books are compared, and doubts are looked into."""
        lane, wrong = self._answers(lane)
        moves = list(self._moves.compared(lane)) if not wrong else []
        if moves:
            lane, wrong = moves[0].lane, moves[0].wrong
        if wrong or not self._moves.looked_into(lane):
            return lane, wrong
        move = next(self._moves.look(lane, behind=True, expired=True))
        return move.lane, move.wrong

    def _answers(self, lane: Lane) -> tuple[Lane, str]:
        for action in ("submit", "cancel", "replace"):
            if getattr(lane, action) is Way.IDLE:
                continue
            if action == "cancel" and lane.cancel is Way.OUT:
                lane = next(iter(self._moves.cancel_arrives(lane))).lane
            move: Move = next(self._moves.answered(lane, action))
            if move.wrong:
                return lane, move.wrong
            lane = move.lane
        return lane, ""

    def _settled(self, lane: Lane) -> str:
        seen = self._moves.seen(lane)
        state, entry = seen.state, lane.entry
        if state is None or state.status is OrdStatus.STAGED:
            return ""
        if state.in_doubt and not state.manual:
            return f"I14: still in doubt about {[str(p.action) for p in state.pending]}"
        if state.pending and not state.manual:
            return f"I14: {state.status} for ever"
        if state.filled != entry.fills or state.inferred:
            return f"I4/I5: {state.filled} filled ({state.inferred} inferred), {entry.fills} traded"
        if entry.stand is Stand.OPEN and (state.ended or state.awaiting(Action.SUBMIT)):
            return f"I13: open at the broker, and {state.status} here"
        if entry.stand is not Stand.OPEN and not state.ended and not state.manual:
            return f"I13: {entry.stand.name} at the broker, and {state.status} here"
        return ""
