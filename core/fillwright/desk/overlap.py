"""Executions that were in the account already when the books were opened, and were listed later.

A new journal takes over what the account holds and counts executions from then on. A broker whose
list of executions is behind its account tells some of what it holds once more. Rules:
1. Only executions of orders that nobody here sent count, and of those only what happened before
   the opening. Where the broker's clock is not ours, it is left to a person.
2. Of one that was taken back since, the account held what it was, and the taking back counts.
3. An account shows everything up to one moment. So the oldest so many of them must together be
   exactly what the ledger has too much, in every position and in cash.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from fillwright.ledger import BooksOpened, Change, HeldAlready, Ledger, Reported, decode
from fillwright.protocols import Record
from fillwright.reports import Execution
from fillwright.states import Owner
from fillwright.types import ZERO, ExecutionId

#: So much of the journal is read for it, behind the opening: what was recorded in this time, and
#: at least so many records, since a clock that is set makes minutes of seconds.
_LISTED_WITHIN: Final = timedelta(minutes=10)
_RECORDS: Final = 1000


class Differing(NamedTuple):
    """What the ledger has more than the broker: by symbol, signed, and in cash."""

    positions: Mapping[str, Decimal]
    cash: Decimal


#: Quantity, value and fees.
_Worth = tuple[Decimal, Decimal, Decimal]


class _Step(NamedTuple):
    """What one execution of a stranger's order did to the books."""

    at: datetime
    name: ExecutionId
    symbol: str
    quantity: Decimal
    cash: Decimal


def held_already(
    records: Iterable[Record], differing: Differing, *, at: datetime, taken_out: int = 0
) -> HeldAlready | None:
    """The fact that explains a difference; None when these executions do not.

    `taken_out` is the number of the newest record of executions that were taken out before.
    """
    taken: list[ExecutionId] = []
    positions: dict[str, Decimal] = {}
    cash = ZERO
    for step in sorted(_steps(records, taken_out), key=lambda step: step.at):
        taken.append(step.name)
        positions[step.symbol] = positions.get(step.symbol, ZERO) + step.quantity
        cash += step.cash
        moved = {symbol: quantity for symbol, quantity in positions.items() if quantity}
        if moved == differing.positions and cash == differing.cash:
            return HeldAlready(at, tuple(taken), moved, cash)
    return None


def _steps(records: Iterable[Record], taken_out: int) -> Iterator[_Step]:
    """Every step that may have been in the opening books, and was not taken out already."""
    ledger = Ledger()
    steps: dict[ExecutionId, _Step] = {}
    told: dict[ExecutionId, Execution] = {}
    taken_back: set[ExecutionId] = set()
    opened: datetime | None = None
    first = 0
    for record in records:
        late = opened is not None and _is_late(record, opened, first)
        if late and record.seq > taken_out:
            break
        fact = decode(record)
        if fact is None:
            continue
        change = ledger.apply(fact)
        if isinstance(fact, BooksOpened):
            opened, first = fact.at, record.seq
        elif isinstance(fact, HeldAlready):
            steps = {name: step for name, step in steps.items() if name not in fact.executions}
        elif opened is not None and not late and isinstance(fact, Reported):
            execution = fact.report.execution
            if execution is None:
                continue
            told[execution.execution_id] = execution
            if execution.transact_time > opened:
                taken_back.add(execution.corrects or execution.execution_id)
                continue
            # Of what was taken back since, the change shows both; the account held the first.
            both = execution.execution_id in taken_back
            step = _step(change, execution, _meant(execution, told) if both else None)
            if step is not None:
                steps[step.name] = step
    yield from steps.values()


def _is_late(record: Record, opened: datetime, first: int) -> bool:
    return record.at > opened + _LISTED_WITHIN and record.seq > first + _RECORDS


def _meant(execution: Execution, told: Mapping[ExecutionId, Execution]) -> _Worth:
    """What it was by itself: of a correction, what it makes of the one that it corrects."""
    undone = told.get(execution.corrects) if execution.corrects else None
    worth = execution.quantity, execution.quantity * execution.price, execution.fee
    if undone is None:
        return worth
    return (
        worth[0] - undone.quantity,
        worth[1] - undone.quantity * undone.price,
        worth[2] - undone.fee,
    )


def _step(change: Change, execution: Execution, meant: _Worth | None) -> _Step | None:
    """What a change did to the books, or what was meant where that is given."""
    before, after = change.before, change.after
    if before is None or after is None or after.owner is not Owner.FOREIGN:
        return None
    if change.execution is None:
        return None
    did = after.filled - before.filled, after.value - before.value, after.fees - before.fees
    quantity, value, fees = meant or did
    sign = after.side.sign
    time, name = execution.transact_time, execution.execution_id
    return _Step(time, name, after.symbol, sign * quantity, -sign * value - fees)
