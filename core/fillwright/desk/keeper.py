"""The keeper: journal, ledger and exposure as one, so that nothing changes without a record.

Rules:
1. `write` is the only way in which the desk's state changes: record first, then fold.
2. A handle shows a change at once; plugins are told only after its record is durable, in order.
3. Settled orders leave the working set; the newest of them are remembered, all others the journal
   brings back when they are asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from fillwright.desk.historian import A_DAY, Historian
from fillwright.history import EVER
from fillwright.ledger import (
    BooksOpened,
    Change,
    ControlFact,
    Fact,
    HeldAlready,
    Ledger,
    OrderFact,
    PositionAdjusted,
    Resumed,
    Sent,
    decode,
    encode,
)
from fillwright.protocols import Journal
from fillwright.risk import ExposureBook, Terms
from fillwright.states import OrderState
from fillwright.types import ZERO, ClientOrderId, OrdStatus

Listener = Callable[[int, Change], None]
#: How many settled orders are remembered as they were when they left.
REMEMBERED = 256


async def after_durable(journal: Journal, seq: int, then: Callable[[], object]) -> None:
    """Do something once every record up to `seq` survives a power cut."""
    await journal.durable(seq)
    then()


class Keeper:
    """Write facts, and answer what is known of an order."""

    def __init__(self, journal: Journal, retention: timedelta = A_DAY) -> None:
        self.journal = journal
        self.ledger = Ledger()
        self.exposures = ExposureBook()
        self.historian = Historian(retention)
        #: The time of the newest record that was replayed.
        self.replayed_at: datetime | None = None
        #: Orders in doubt by symbol.
        self.doubtful: Counter[str] = Counter()
        #: Grows with every halt, resume, grant, limit change and doubt.
        self.version = 0
        #: When a named person last lifted a halt.
        self.attended = EVER
        self._listeners: tuple[Listener, ...] = ()
        self._settled: dict[ClientOrderId, OrderState] = {}

    def listen(self, listener: Listener) -> None:
        """Tell `listener` too of every change, with the sequence number of its record."""
        self._listeners += (listener,)

    def write(self, fact: Fact) -> tuple[int, Change]:
        """Record one fact and fold it; the record may not be durable yet."""
        seq = self.journal.append(*encode(fact))
        change = self._fold(fact)
        for listener in self._listeners:
            listener(seq, change)
        return seq, change

    async def write_durably(self, fact: Fact) -> Change:
        """Record one fact, fold it, and return when it survives a power cut."""
        seq, change = self.write(fact)
        await self.journal.durable(seq)
        return change

    def replay(self, heard: Listener) -> None:
        """Fold the whole journal, telling `heard`; what is settled does not stay in memory."""
        for record in self.journal.read():
            self.replayed_at = record.at
            fact = decode(record)
            if fact is None:
                continue
            change = self._replayed(fact, record.seq)
            heard(record.seq, change)
            if change.after is not None and change.after.settled:
                self.forget(change.after.client_order_id)

    def _replayed(self, fact: Fact, seq: int) -> Change:
        """Fold a fact from the journal; a settled order that speaks again is brought back."""
        if isinstance(fact, OrderFact) and fact.key not in self.ledger.orders:
            self.restore(fact.key, until=seq)
        return self._fold(fact)

    def _fold(self, fact: Fact) -> Change:
        change = self.ledger.apply(fact)
        if change.after is not None:
            terms = Terms(fact.worst_price) if isinstance(fact, Sent) else None
            self._follow(change.before, change.after, terms)
            self.historian.note(change)
        elif isinstance(fact, BooksOpened | HeldAlready | PositionAdjusted):
            for symbol, quantity in self.ledger.positions.items():
                self.exposures.set_position(symbol, quantity)
        elif isinstance(fact, ControlFact):
            self.version += 1
            if isinstance(fact, Resumed):
                self.attended = max(self.attended, fact.at)
        return change

    def _follow(self, before: OrderState | None, after: OrderState, terms: Terms | None) -> None:
        """Keep exposure, positions and the count of doubts in step with one order."""
        if after.status is not OrdStatus.STAGED:
            self.exposures.update(before, after, terms)
        elif before is not None:
            self.exposures.update(before, None)
        if before is not None and before.filled != after.filled:
            symbol = after.symbol
            self.exposures.set_position(symbol, self.ledger.positions.get(symbol, ZERO))
        doubted = before is not None and before.in_doubt
        if doubted is not after.in_doubt:
            self.doubtful[after.symbol] += 1 if after.in_doubt else -1
            self.version += 1

    def state(self, key: ClientOrderId) -> OrderState | None:
        """What is known of an order, under way or settled; None if it never was."""
        known = self.ledger.orders.get(key) or self._settled.get(key)
        if known is not None:
            return known
        if not self.restore(key):
            return None
        state = self.ledger.orders[key]
        if state.settled:
            self.forget(key)
        return state

    def restore(self, key: ClientOrderId, *, until: int | None = None) -> bool:
        """Bring a settled order back into the working set; say whether there is one.

        Only its records before sequence number `until` count.
        """
        records = self.journal.about(key)
        facts = [decode(r) for r in records if until is None or r.seq < until]
        self.ledger.restore(fact for fact in facts if fact is not None)
        return key in self.ledger.orders

    def forget(self, key: ClientOrderId) -> None:
        """Let a settled order leave the working set."""
        state = self.ledger.orders.get(key)
        if state is not None:
            self.exposures.update(state, None)
            self.ledger.forget(key)
            self._remember(state)

    def _remember(self, state: OrderState) -> None:
        settled = self._settled
        settled.pop(state.client_order_id, None)
        settled[state.client_order_id] = state
        if len(settled) > REMEMBERED:
            del settled[next(iter(settled))]

    def working(self) -> Iterator[OrderState]:
        """Every order that the broker has or may have."""
        return (
            state
            for state in list(self.ledger.orders.values())
            if not state.ended and state.status is not OrdStatus.STAGED
        )
