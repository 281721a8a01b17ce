"""Read a journal file for a person: its orders, positions and halts, also while a desk writes it.

It takes no lock and asks no broker: what it tells is what was recorded.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fillwright.journal import OPENED, JournalReader
from fillwright.ledger import Fact, Ledger, OrderFact, decode
from fillwright.protocols import Binding, Record
from fillwright.states import Action, OrderState
from fillwright.types import OrdStatus

#: The journal's words for what stands before every request that may leave.
_LEAVES = frozenset({"order_sent", "change_asked"})


@dataclass(frozen=True, slots=True)
class View:
    """What a journal says."""

    path: Path
    binding: Binding
    #: How many records it has, and the time of the last.
    records: int
    as_of: datetime | None
    #: Orders that have not ended with every fill booked; all of them, if all were asked for.
    orders: tuple[OrderState, ...]
    ledger: Ledger

    @property
    def open_orders(self) -> tuple[OrderState, ...]:
        """The orders about which more may happen."""
        return tuple(state for state in self.orders if not state.settled)


def view_of(path: Path, *, everything: bool = False) -> View:
    """Fold a journal. Raises JournalError when there is none, or when it is damaged."""
    with JournalReader.open(path) as reader:
        folding = _Folding(reader, everything=everything)
        last: Record | None = None
        for last in reader.read():
            folding.take(last)
        return View(
            path,
            reader.binding,
            last.seq if last else 0,
            last.at if last else None,
            tuple(folding.ledger.orders.values()),
            folding.ledger,
        )


def sent_in(path: Path, epoch: int) -> bool:
    """Whether anything may have left in this epoch of the journal."""
    with JournalReader.open(path) as reader:
        opened = reader.last(OPENED)
        start = opened.seq if opened is not None and opened.epoch == epoch else 0
        return any(r.kind in _LEAVES and r.epoch == epoch for r in reader.read(after=start))


def is_uncertain(state: OrderState) -> bool:
    """Whether a request about it has no known outcome; one never sent has none to know."""
    waiting = bool(state.awaiting(Action.SUBMIT)) and state.status is not OrdStatus.STAGED
    return state.in_doubt or waiting


class _Folding:
    """The ledger of a journal; settled orders leave it, unless everything is wanted."""

    def __init__(self, reader: JournalReader, *, everything: bool) -> None:
        self.ledger = Ledger()
        self._reader = reader
        self._everything = everything

    def take(self, record: Record) -> None:
        fact = decode(record)
        if fact is None:
            return
        if isinstance(fact, OrderFact) and fact.key not in self.ledger.orders:
            self._bring_back(fact, record.seq)
        after = self.ledger.apply(fact).after
        if after is not None and after.settled and not self._everything:
            self.ledger.forget(after.client_order_id)

    def _bring_back(self, fact: OrderFact, seq: int) -> None:
        earlier = [r for r in self._reader.about(fact.key) if r.seq < seq]
        facts: list[Fact] = [known for r in earlier if (known := decode(r)) is not None]
        self.ledger.restore(facts)
