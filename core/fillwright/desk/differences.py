"""What a comparison with the broker's books leaves over, as findings for whoever judges them.

Rules:
1. Positions and cash are compared only while nothing is booked in between, and a difference must
   stay for two such comparisons: lists and accounts of a broker lag behind one another.
2. Executions that the account held already when the books were opened explain a difference: they
   are taken out of it, and nothing is told.
3. A position break that no check of the books is there to judge halts its symbol.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from fillwright.accounts import Account
from fillwright.desk.books import Books
from fillwright.desk.dropcopy import DropCopy
from fillwright.desk.keeper import Keeper
from fillwright.desk.overlap import Differing, held_already
from fillwright.findings import (
    CashDiffers,
    Finding,
    FindingKind,
    Findings,
    ForeignOrder,
    PositionDiffers,
    WorkingOrder,
)
from fillwright.ledger import HeldAlready
from fillwright.ledger.codec import KINDS
from fillwright.logs import get_logger
from fillwright.protocols import Clock
from fillwright.reconcile import position_breaks
from fillwright.states import Owner

_log = get_logger(__name__)

#: Quiet comparisons in a row that must show a difference before it counts.
ROUNDS = 2
#: The id of the control that judges position breaks in place of the house.
POSITION_BREAK = "T02"
_ALWAYS = frozenset({FindingKind.FOREIGN_ORDER, FindingKind.WORKING_ORDER})


class Judges(Protocol):
    """The checks of the books."""

    def judges(self, code: str) -> bool:
        """Whether a control with this id is among them."""


class Differences:
    """Remember what differed, and tell what stays."""

    def __init__(self, books: Books, keeper: Keeper, clock: Clock) -> None:
        self._books = books
        self._keeper = keeper
        self._clock = clock
        self.drop_copy = DropCopy(clock, books.holds)
        self._broken: Counter[str] = Counter()
        self._cash_differs = 0
        #: What the opening books were found not to explain.
        self._unexplained: Differing | None = None
        #: Who judges what was found; nobody until `judged_by`.
        self._tell: Callable[[Findings], None] | None = None
        self._house_judges = True

    def judged_by(self, judges: Judges, tell: Callable[[Findings], None]) -> None:
        """Hand the findings of every comparison to `tell`, on the way to these judges."""
        self._tell = tell
        self._house_judges = not judges.judges(POSITION_BREAK)

    def compared(self, account: Account, *, quiet: bool) -> None:
        """A comparison is over; nothing was booked while the account was asked for if `quiet`."""
        found: list[Finding] = list(self._in_books(account)) if quiet else []
        found += self.drop_copy.compared()
        if self._tell is None:
            return
        found += self._orders()
        covered = _ALWAYS | self._decided() if quiet else _ALWAYS
        self._tell(Findings(self._clock.now(), tuple(found), covered))

    def _decided(self) -> frozenset[FindingKind]:
        """Of what is every difference either old enough to be told, or over?"""
        decided = set()
        if all(rounds >= ROUNDS for rounds in self._broken.values()):
            decided.add(FindingKind.POSITION)
        if not 0 < self._cash_differs < ROUNDS:
            decided.add(FindingKind.CASH)
        return frozenset(decided)

    def _in_books(self, account: Account) -> Iterator[Finding]:
        ledger = self._keeper.ledger
        breaks = position_breaks(ledger.positions, account)
        symbols = [symbol for symbol, _, _ in breaks]
        for symbol in [s for s in self._broken if s not in symbols]:
            del self._broken[symbol]
        self._broken.update(symbols)
        self._cash_differs = self._cash_differs + 1 if ledger.cash != account.cash else 0
        rounds = max(self._cash_differs, 0, *self._broken.values())
        if rounds >= ROUNDS and self._held_already(account):
            self._broken.clear()
            self._cash_differs = 0
            return
        for symbol, ours, theirs in breaks:
            if self._broken[symbol] == ROUNDS and self._house_judges:
                self._books.position_break(symbol, ours, theirs)
            if self._broken[symbol] >= ROUNDS:
                yield PositionDiffers(symbol, ours, theirs)
        if self._cash_differs >= ROUNDS:
            yield CashDiffers(account.account_id, ledger.cash, account.cash)

    def _held_already(self, account: Account) -> bool:
        """Take out what the opening account held, and is here twice; False for anything else."""
        ledger = self._keeper.ledger
        breaks = position_breaks(ledger.positions, account)
        more = {symbol: ours - theirs for symbol, ours, theirs in breaks}
        differing = Differing(more, ledger.cash - account.cash)
        if differing == self._unexplained:
            return False  # a difference that stays is looked into once
        self._unexplained = differing
        journal = self._keeper.journal
        before = journal.last(KINDS[HeldAlready])
        taken_out = before.seq if before is not None else 0
        now = self._clock.now()
        fact = held_already(journal.read(), differing, at=now, taken_out=taken_out)
        if fact is None:
            return False
        self._keeper.write(fact)
        _log.warning("fills_held_already", executions=fact.executions, cash=str(fact.cash))
        return True

    def _orders(self) -> Iterator[Finding]:
        for state in self._keeper.working():
            if state.owner is Owner.FOREIGN:
                yield ForeignOrder(state)
            else:
                yield WorkingOrder(state, state.updated_at)
