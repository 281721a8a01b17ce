"""One real desk on a bench: its own parts carry one order, one step at a time.

Rules:
1. Nothing of the desk is written again here: intents, gate, carrier, changes, doubts, reconciler,
   books, ledger and lifecycle are the product's. The bench only stands where the wire, the disk
   and the clock would stand.
2. A step is pure: the same order and the same deed give the same outcome, so each is taken once
   and remembered. That is what lets a search walk millions of states.
3. A request that leaves ends the step; what comes back is another step, on the order as it is by
   then.
"""
# ruff: noqa: SLF001  # an order is laid into the parts and taken out again, and no door does that

import asyncio
from collections.abc import Callable
from decimal import Decimal

from fillwright.book import FLAT
from fillwright.desk.handles import HandleBook
from fillwright.desk.intents import Intents
from fillwright.desk.leftovers import doubt_what_was_open
from fillwright.desk.parts import Parts
from fillwright.desk.planning import PlanSettings
from fillwright.desk.reconciler import ROUNDS
from fillwright.desk.settings import Ports, Settings
from fillwright.desk.watchers import Watchers
from fillwright.errors import (
    IntentConflict,
    NotCancelable,
    NotSent,
    OrderRefused,
    OrderRejected,
)
from fillwright.ledger import Change
from fillwright.protocols import Dedup, Limits
from fillwright.reports import Ack
from fillwright.risk import InlineAsker
from fillwright.states import Action
from fillwright.testing.chance import SeededIds, SeededRng
from fillwright.testing.simulation.search import standins
from fillwright.testing.simulation.search.answers import (
    Reading,
    Seen,
    Step,
    answer_to,
    plain,
    raising,
    signature,
)
from fillwright.testing.simulation.search.standins import Left, Waits
from fillwright.testing.simulation.search.venue import EMPTY, Entry, Intent
from fillwright.types import BrokerOrderId, OrdStatus

_LIMITS = Limits(send_deadline=20.0)
#: Seconds after a request: within the time that it may be on its way, and behind that.
_EARLY, _BEHIND = 0.0, 1_000.0
_QUERY = "model"
_ANSWERS = frozenset({"submit_answered", "resend_answered", "cancel_answered", "replace_answered"})


#: Looks at one change of the ledger, and says which invariant it breaks; empty if none.
Law = Callable[[Change], str]


class Bench:
    """Carry one intent's order by the desk's own parts."""

    def __init__(self, intent: Intent, dedup: Dedup, law: Law) -> None:
        self.intent = intent
        self._dedup = dedup
        self._law = law
        self._loop = asyncio.new_event_loop()
        self._numbers: dict[object, int] = {signature(Seen()): 0}
        self._seen: list[Seen] = [Seen()]
        self._steps: dict[tuple[object, ...], Step] = {}
        self._worst: dict[int, Decimal] = {}
        self._parts: Parts
        self._durable = -1
        self._wrong = ""

    def close(self) -> None:
        """Let go of the loop."""
        self._loop.close()

    def seen(self, order: int) -> Seen:
        """The order of this number."""
        return self._seen[order]

    @property
    def steps(self) -> int:
        """How many different steps the real desk was asked for."""
        return len(self._steps)

    def step(self, order: int, deed: str, *facts: object) -> Step:
        """Have the desk do one thing with the order."""
        asked = (order, deed, *facts)
        known = self._steps.get(asked)
        if known is None:
            known = self._steps[asked] = self._take(order, deed, facts)
        return known

    def worst(self, order: int) -> Decimal:
        """The position that the gate counts with, in the worst case."""
        known = self._worst.get(order)
        if known is None:
            self._assemble()
            self._put(order)
            held = self._parts.keeper.exposures.snapshot().get(standins.SYMBOL, FLAT)
            known = self._worst[order] = held.position + held.open_buys
        return known

    # ------------------------------------------------------------------ one step

    def _take(self, order: int, deed: str, facts: tuple[object, ...]) -> Step:
        before = self._before(deed, order)
        self._assemble()
        self._put(before)
        if deed in _ANSWERS:
            kind, entry = facts
            facts = (kind, order, entry)
        said = left = False
        try:
            said = bool(self._loop.run_until_complete(getattr(self, f"_{deed}")(*facts)))
        except Left:
            left = True
        except Waits:
            said = False
        except (OrderRejected, OrderRefused, NotSent, NotCancelable):
            said = False  # its owner hears of it; the order's state is what counts here
        counter = self._counter
        after = self._number(self._read())
        name = counter.name if left else ""
        return Step(after, self._durable, counter.left if left else "", name, said, self._wrong)

    def _assemble(self) -> None:
        """Put a desk together that holds nothing yet."""
        clock = standins.StoppedClock()
        counter = standins.Counter(self.intent, self._dedup)
        ports = Ports(clock, SeededIds(1), SeededRng(1), InlineAsker())
        parts = Parts(
            standins.Alone(counter),  # type: ignore[arg-type]  # nothing streams on a bench
            standins.Paper(self._made_durable),  # type: ignore[arg-type]  # it keeps nothing
            standins.BINDING,
            ports=ports,
            settings=Settings(_LIMITS, PlanSettings()),
            checks=(standins.Willing(),),
            watchers=Watchers((), ()),
        )
        parts.bind(on_fault=standins.failed, on_change=self._heard, on_durable=standins.ignored)
        parts.doubts.take_up = standins.ignored  # type: ignore[method-assign,assignment]  # the search looks into it
        parts.market.account = standins.HELD
        parts.market.instruments[standins.SYMBOL] = standins.RULES
        parts.market.quotes[standins.SYMBOL] = standins.QUOTE
        parts.health.clear("stream")
        parts.health.clear("books")
        self._parts, self._counter = parts, counter
        self._durable, self._wrong = -1, ""

    def _put(self, order: int) -> None:
        """Lay the order into the desk's ledger."""
        keeper, key, seen = self._parts.keeper, self.intent.key, self._seen[order]
        ledger = keeper.ledger
        old = ledger.orders.get(key)
        ledger.opened, ledger.cursor, ledger.day = True, standins.CURSOR, standins.TODAY
        ledger.forget(key)
        keeper.exposures.update(old, None)
        keeper.doubtful.clear()
        ledger.positions.clear()
        self._durable, self._wrong = -1, ""
        if seen.state is None:
            return
        ledger.orders[key] = seen.state
        for execution in seen.executions:
            ledger._executions.book(key, execution)
        for name in seen.names:
            ledger._name(name, key)
        keeper._follow(None, seen.state, None)
        if seen.state.filled:
            ledger.positions[standins.SYMBOL] = seen.state.filled
            keeper.exposures.set_position(standins.SYMBOL, seen.state.filled)

    def _read(self) -> Seen:
        ledger, key = self._parts.keeper.ledger, self.intent.key
        state = ledger.orders.get(key)
        if state is None:
            return Seen()
        names = tuple(sorted(set(ledger._named.get(key, ()))))
        return Seen(plain(state), ledger.executions(key), names)

    def _number(self, seen: Seen) -> int:
        same = signature(seen)
        number = self._numbers.get(same)
        if number is None:
            number = self._numbers[same] = len(self._seen)
            self._seen.append(seen)
        return number

    def _made_durable(self) -> None:
        self._durable = self._number(self._read())

    def _heard(self, change: Change) -> None:
        self._wrong = self._wrong or self._law(change)

    # ------------------------------------------------------------------ deeds: the owner

    async def _submit(self, doubtful: bool) -> None:  # noqa: FBT001  # a fact
        """The owner submits, or submits again what was left staged; the order goes its way."""
        if doubtful:  # another order of the same symbol is in doubt
            self._parts.keeper.doubtful[standins.SYMBOL] += 1
            self._parts.keeper.version += 1
        self._intents().submit(self.intent.order)
        await self._parts.carrier.carry(self.intent.key)

    async def _not_sent(self, doubtful: bool) -> None:  # noqa: FBT001  # a fact
        """The same, and no connection could be had."""
        self._counter.answer = raising(NotSent(self.intent.key, "no connection"))
        await self._submit(doubtful)

    async def _withdraw(self) -> None:
        """The owner cancels what has not left."""
        self._parts.carrier.withdraw(self.intent.key)
        await self._parts.carrier.carry(self.intent.key)

    async def _cancel(self) -> object:
        return await self._parts.changes.cancel(self.intent.key)

    async def _replace(self) -> object:
        return await self._parts.changes.replace(self.intent.key, self.intent.change)

    async def _submit_again(self) -> object:
        """The same decision again, and another one under its name: True when both are right."""
        intents, before = self._intents(), self._read()
        handle = intents.submit(self.intent.order)
        same = handle.client_order_id == self.intent.key and self._read() == before
        try:
            intents.submit(self.intent.other)
        except IntentConflict:
            return same and self._read() == before
        return False

    def _intents(self) -> Intents:
        intents = Intents(self._parts, HandleBook(self._parts.keeper), lambda: None)
        intents.carry = standins.ignored  # type: ignore[method-assign,assignment]  # each attempt is a step
        return intents

    # ------------------------------------------------------------------ deeds: answers

    async def _submit_answered(self, kind: str, order: int, entry: Entry) -> None:
        """The answer to a first submit reaches the order as it is by now."""
        answer = answer_to(self.intent.key, kind, self._first_id, OrdStatus.NEW)
        self._counter.answer = self._arriving(order, entry, answer)
        await self._submit(False)

    async def _resend_answered(self, kind: str, order: int, entry: Entry) -> object:
        """The answer to the same bytes sent again; False when they may not go a third time."""
        carrier = self._parts.carrier
        carrier.expired = lambda _state: False  # type: ignore[method-assign,assignment]  # it did leave
        answer = answer_to(self.intent.key, kind, self._first_id, OrdStatus.NEW)
        self._counter.answer = self._arriving(order, entry, answer)
        return await carrier.resend(self.intent.key)

    async def _cancel_answered(self, kind: str, order: int, entry: Entry) -> object:
        """The answer to a cancel: it left on an order that worked, and finds it as it is by now."""
        answer = answer_to(self.intent.key, kind, self._first_id, OrdStatus.PENDING_CANCEL)
        self._counter.answer = self._arriving(order, entry, answer)
        return await self._parts.changes.cancel(self.intent.key)

    async def _replace_answered(self, kind: str, order: int, entry: Entry) -> object:
        """The answer to a replace, in the same way."""
        new_id = self.intent.broker_id(replaced=True)
        answer = answer_to(self.intent.key, kind, new_id, OrdStatus.NEW)
        self._counter.answer = self._arriving(order, entry, answer)
        return await self._parts.changes.replace(self.intent.key, self.intent.change)

    def _arriving(self, order: int, entry: Entry, answer: Callable[[], Ack]) -> Callable[[], Ack]:
        def arrive() -> Ack:
            self._put(order)
            self._counter.entry = entry
            return answer()

        return arrive

    @property
    def _first_id(self) -> BrokerOrderId:
        return self.intent.broker_id(replaced=False)

    def _before(self, deed: str, order: int) -> int:
        """The order that a request left on whose answer comes now; others begin where they are."""
        if deed not in _ANSWERS:
            return order
        if deed == "submit_answered":
            return 0
        sent = self.step(0, "submit", False).after
        kind = "lost" if deed == "resend_answered" else "ack"
        return self.step(sent, "submit_answered", kind, EMPTY).after

    # ------------------------------------------------------------------ deeds: the broker's word

    async def _hear(self, event: str, entry: Entry) -> object:
        """The stream tells something."""
        return self._parts.books.take(self.intent.report(event, entry))

    async def _compare(self, entry: Entry, lagging: int) -> object:
        """A comparison with the broker's books, the second in which executions are missing."""
        self._counter.entry, self._counter.lagging = entry, lagging
        reconciler = self._parts.reconciler
        if lagging:
            reconciler._missed[self.intent.key] = ROUNDS
        return await reconciler.run()

    async def _press(self, action: str) -> object:
        """A request has been out for too long."""
        state = self._parts.keeper.state(self.intent.key)
        assert state is not None  # noqa: S101  # it was sent
        if state.awaiting(Action(action)) is not None:
            self._parts.supervisor._press(state, Action(action))
        return True

    async def _restart(self) -> object:
        """A new process takes the order up."""
        doubt_what_was_open(self._parts.keeper, self._parts.books)
        return True

    # ------------------------------------------------------------------ deeds: doubt

    async def _look(self, entry: Entry) -> object:
        """One read about an order in doubt: True when it was clean."""
        self._counter.entry = entry
        return await self._parts.reconciler.clean_read(self.intent.key, _QUERY)

    async def _conclude(self, reads: Reading) -> object:
        """What the procedure makes of its reads; True when something left."""
        doubts, carrier = self._parts.doubts, self._parts.carrier
        state = doubts._doubtful(self.intent.key)
        if state is None:
            return False
        late = reads.expired
        carrier.expired = doubts._expired = lambda _state: late  # type: ignore[method-assign,assignment]
        if reads.refused:
            doubts._refused.add(self.intent.key)
        since = _BEHIND if reads.behind else _EARLY
        return await doubts._conclude(state, since, reads.clean, reads.found, _QUERY)
