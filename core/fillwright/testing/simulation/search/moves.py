"""Everything that may happen next to one lane: its owner, the desk, the network, the broker."""

from collections.abc import Iterator

from fillwright.protocols import Dedup
from fillwright.testing.simulation.search.answers import Reading, Seen, Step
from fillwright.testing.simulation.search.bench import Bench
from fillwright.testing.simulation.search.lane import Copy, Effect, Lane, Move, Way, killed, put
from fillwright.testing.simulation.search.venue import EMPTY, Entry, Intent, Stand
from fillwright.types import OrdStatus

#: Clean reads behind the fence that are told apart.
READS = 3
ACTIONS = ("submit", "cancel", "replace")
ANSWERS = {
    Way.OUT: ("lost",),
    Way.TAKEN: ("ack", "lost"),
    Way.REFUSED: ("rejected", "lost"),
    Way.KNOWN: ("duplicate", "lost"),
}


class Moves:
    """Everything that may happen next to one lane."""

    def __init__(self, bench: Bench, dedup: Dedup) -> None:
        self.bench = bench
        self.intent: Intent = bench.intent
        self._exact_once = dedup is not Dedup.SERVER

    def seen(self, lane: Lane) -> Seen:
        """The order as the desk has it."""
        return self.bench.seen(lane.live)

    def doubtful(self, lane: Lane) -> bool:
        """Whether the desk takes no new risk in the symbol because of it."""
        state = self.seen(lane).state
        return state is not None and state.in_doubt

    def looked_into(self, lane: Lane) -> bool:
        """Whether the desk still asks about it."""
        state = self.seen(lane).state
        return bool(state and state.in_doubt and not state.manual and not state.ended)

    def restarted(self, lane: Lane) -> Lane:
        """A new process took it up."""
        return lane._replace(up=True, live=self.bench.step(lane.live, "restart").after)

    def of(self, lane: Lane, *, doubtful: bool) -> Iterator[Move]:
        """Every move; `doubtful` says whether the other lane is in doubt."""
        yield from self._at_the_broker(lane)
        if lane.up:
            yield from self._submitted(lane, doubtful=doubtful)
            if self.intent.changed:
                yield from self._changed(lane)
            yield from self._answered(lane)
            yield from self._told(lane)
            yield from self.compared(lane)
            yield from self._looked(lane)

    # ------------------------------------------------------------------ the owner

    def _submitted(self, lane: Lane, *, doubtful: bool) -> Iterator[Move]:
        state = self.seen(lane).state
        fresh = state is None or state.status is OrdStatus.STAGED
        if not fresh or lane.submit is not Way.IDLE or not self.intent.quantity:
            return
        step = self.bench.step(lane.live, "submit", doubtful)
        yield from self._with(lane, "submit", step)
        if not step.left:
            return
        unsent = self.bench.step(lane.live, "not_sent", doubtful)
        yield self._booked(lane, "submit, no connection", unsent)
        if step.durable >= 0:
            cut = killed(lane._replace(durable=step.durable), kept=False)
            yield Move("killed between journal and wire", cut, Effect.KILL, step.wrong)

    def _changed(self, lane: Lane) -> Iterator[Move]:
        state = self.seen(lane).state
        if state is None or state.ended or lane.submit is not Way.IDLE:
            return
        if not lane.cancel_asked and lane.cancel is Way.IDLE:
            staged = state.status is OrdStatus.STAGED
            step = self.bench.step(lane.live, "withdraw" if staged else "cancel")
            yield from self._with(lane._replace(cancel_asked=True), "cancel asked for", step)
        if not lane.replace_asked and lane.replace is Way.IDLE:
            step = self.bench.step(lane.live, "replace")
            if step.left:
                yield from self._with(lane._replace(replace_asked=True), "replace asked for", step)

    # ------------------------------------------------------------------ what a step did

    def _with(self, lane: Lane, label: str, step: Step) -> Iterator[Move]:
        """The lane after a step, with the request that left."""
        after = self._booked(lane, label, step)
        wrong = after.wrong
        lane = after.lane
        if step.left == "submit":
            wrong = wrong or self._wrong_send(lane, step)
            again = self.seen(after.lane).state is not None and lane.first is not Copy.NEVER
            slot = "second" if again else "first"
            lane = put(lane._replace(submit=Way.OUT, again=again), slot, Copy.OUT)
        elif step.left == "cancel":
            lane = lane._replace(cancel=Way.OUT, canceling=True)
        elif step.left == "replace":
            lane = lane._replace(replace=Way.OUT, replacing=True)
        yield Move(label, lane, after.effect, wrong)

    def _wrong_send(self, lane: Lane, step: Step) -> str:
        if step.name != self.intent.key:
            return f"I2/I3: one intent was sent under a second id, {step.name}"
        if self._exact_once and lane.first is not Copy.NEVER:
            return "I2: sent twice to a broker that refuses no repeated id"
        durable = self.bench.seen(lane.durable).state
        if durable is None or durable.status is OrdStatus.STAGED:
            return "I1/I17: it left before the journal had it"
        return ""

    def _booked(self, lane: Lane, label: str, step: Step) -> Move:
        durable, effect = lane.durable, Effect.NONE
        if step.durable >= 0:
            durable, effect = step.durable, Effect.SYNC
        after = lane._replace(live=step.after, durable=durable)
        if (after.clean or after.found or after.refused) and not self.looked_into(after):
            after = after._replace(clean=0, found=0, refused=False)
        return Move(label, after, effect, step.wrong)

    def _heard(self, lane: Lane, label: str, step: Step) -> Iterator[Move]:
        """A word of the broker that changed something."""
        if step.after != lane.live or step.wrong:
            yield self._booked(lane, label, step)

    # ------------------------------------------------------------------ answers and words

    def _answered(self, lane: Lane) -> Iterator[Move]:
        for action in ACTIONS:
            if getattr(lane, action) is not Way.IDLE:
                yield from self.answered(lane, action)
                step = self.bench.step(lane.live, "press", action)
                yield from self._heard(lane, f"no answer to the {action} in time", step)

    def answered(self, lane: Lane, action: str) -> Iterator[Move]:
        """The answer to a request that is out comes back, or is lost."""
        again = action == "submit" and lane.again
        for kind in ANSWERS[getattr(lane, action)]:
            deed = "resend_answered" if again else f"{action}_answered"
            asked_about = lane.entry if kind == "rejected" and action != "submit" else EMPTY
            step = self.bench.step(lane.live, deed, kind, asked_about)
            refused = lane.refused or (again and not step.said)
            rest = put(lane._replace(refused=refused), action, Way.IDLE)
            if action == "submit":
                rest = rest._replace(again=False)
            yield self._booked(rest, f"{action} answered: {kind}", step)

    def _told(self, lane: Lane) -> Iterator[Move]:
        for event, entry in self.intent.told(lane.entry):
            step = self.bench.step(lane.live, "hear", event, entry)
            yield from self._heard(lane, f"stream: {event}", step)

    def compared(self, lane: Lane) -> Iterator[Move]:
        """The desk compares the books: as they are, and as a slow list shows them."""
        if self.seen(lane).state is None:
            return
        step = self.bench.step(lane.live, "compare", lane.entry, 0)
        yield from self._heard(lane, "books compared", step)
        if lane.entry.fills:
            step = self.bench.step(lane.live, "compare", lane.entry, 1)
            yield from self._heard(lane, "books compared, an execution not listed yet", step)
        for entry in earlier(lane.entry):
            step = self.bench.step(lane.live, "compare", entry, 0)
            yield from self._heard(lane, "books compared, an old answer", step)

    # ------------------------------------------------------------------ doubt

    def _looked(self, lane: Lane) -> Iterator[Move]:
        if not self.looked_into(lane):
            return
        yield from self.look(lane, behind=False, expired=False)
        yield from self.look(lane, behind=True, expired=False)
        yield from self.look(lane, behind=True, expired=True)

    def look(self, lane: Lane, *, behind: bool, expired: bool) -> Iterator[Move]:
        """One read about an order in doubt, and what the desk concludes."""
        read = self.bench.step(lane.live, "look", lane.entry)
        nothing = read.said
        clean = min(lane.clean + 1, READS) if behind and nothing else 0
        found = min(lane.found + 1, READS - 1) if behind and not nothing else 0
        flying = lane.replacing and not behind
        lane = lane._replace(live=read.after, clean=clean, found=found, replacing=flying)
        label = f"{'behind the fence' if behind else 'early'}: {'nothing' if nothing else 'found'}"
        label += ", too late to send" if expired else ""
        if not self.looked_into(lane):
            lane = lane._replace(clean=0, found=0, refused=False)
            yield Move(label, lane, wrong=read.wrong)
            return
        facts = Reading(behind, clean, found, expired, lane.refused)
        step = self.bench.step(lane.live, "conclude", facts)
        step = step._replace(wrong=read.wrong or step.wrong or self._too_early(lane, step))
        if step.left:
            lane = lane._replace(clean=0, found=0)
        yield from self._with(lane, label + (f"; {step.left} again" if step.left else ""), step)

    def _too_early(self, lane: Lane, step: Step) -> str:
        state = self.bench.seen(step.after).state
        given_up = state is not None and state.status is OrdStatus.ABANDONED
        if given_up and lane.clean < READS:
            return f"I8: given up on {lane.clean} clean reads"
        return ""

    # ------------------------------------------------------------------ the broker

    def _at_the_broker(self, lane: Lane) -> Iterator[Move]:
        entry = lane.entry
        for slot, again in (("first", False), ("second", True)):
            if getattr(lane, slot) is Copy.OUT:
                yield from self._arrives(lane, slot, again=again)
        if lane.canceling:
            yield from self.cancel_arrives(lane)
        if lane.replacing:
            yield from self._replace_arrives(lane)
        if entry.stand is not Stand.OPEN:
            return
        filled = entry.fills + 1
        whole = filled == self.intent.total(entry)
        after = entry._replace(fills=filled, stand=Stand.FILLED if whole else Stand.OPEN)
        yield Move("broker: fill", lane._replace(entry=after))
        ended = entry._replace(stand=Stand.CANCELED)
        yield Move("broker: cancels by itself", lane._replace(entry=ended))
        if not entry.fills and not entry.replaced:
            refused = entry._replace(stand=Stand.REJECTED)
            yield Move("broker: rejects what it took", lane._replace(entry=refused))

    def _arrives(self, lane: Lane, slot: str, *, again: bool) -> Iterator[Move]:
        waited = lane.submit is Way.OUT and lane.again is again
        if lane.entry.stand is not Stand.NONE:
            if waited and not self._exact_once:
                yield Move("broker: knows the id", lane._replace(submit=Way.KNOWN))
            return
        taken = lane._replace(entry=Entry(Stand.OPEN))
        if self._exact_once:
            taken = put(taken, slot, Copy.SPENT)
        refused = put(lane, slot, Copy.REFUSED)
        if waited:
            taken, refused = taken._replace(submit=Way.TAKEN), refused._replace(submit=Way.REFUSED)
        yield Move("broker: takes the order", taken)
        yield Move("broker: rejects the order", refused)

    def cancel_arrives(self, lane: Lane) -> Iterator[Move]:
        """A cancel reaches the broker."""
        waited = lane.cancel is Way.OUT
        if lane.entry.stand is Stand.OPEN:
            ended = lane._replace(entry=lane.entry._replace(stand=Stand.CANCELED))
            yield Move(
                "broker: takes the cancel", ended._replace(cancel=Way.TAKEN) if waited else ended
            )
        elif waited:
            yield Move("broker: refuses the cancel", lane._replace(cancel=Way.REFUSED))

    def _replace_arrives(self, lane: Lane) -> Iterator[Move]:
        entry, waited = lane.entry, lane.replace is Way.OUT
        lane = lane._replace(replacing=False)
        may = entry.stand is Stand.OPEN and not entry.replaced
        if may and self.intent.changed > entry.fills:
            turned = lane._replace(entry=entry._replace(replaced_at=entry.fills))
            yield Move(
                "broker: takes the replace",
                turned._replace(replace=Way.TAKEN) if waited else turned,
            )
        elif waited:
            yield Move("broker: refuses the replace", lane._replace(replace=Way.REFUSED))


def earlier(entry: Entry) -> Iterator[Entry]:
    """How the books may have looked one event ago: what a slow list still shows."""
    if entry.stand in (Stand.CANCELED, Stand.REJECTED):
        yield entry._replace(stand=Stand.OPEN)
    elif entry.stand is not Stand.NONE:
        if entry.fills > max(entry.replaced_at, 0):
            yield entry._replace(stand=Stand.OPEN, fills=entry.fills - 1)
        elif entry.replaced:
            yield entry._replace(replaced_at=-1)
        else:
            yield EMPTY
