"""Take the broker's word for a position or for cash, because a named person looked and says so.

Rules:
1. Only what still differs after the broker was asked again, twice alike and with nothing booked in
   between, can be accepted.
2. Nothing is accepted while an order could explain the difference: one of the symbol that is open,
   or, for cash, any in doubt.
3. Who, why, and what the ledger held before stand in the record. It moves no execution, lifts no
   halt, and counts in a replay like every fact.
"""

from dataclasses import dataclass
from decimal import Decimal

from pydantic import TypeAdapter, ValidationError

from fillwright.accounts import Account
from fillwright.desk.differences import ROUNDS
from fillwright.desk.halts import said
from fillwright.desk.parts import Parts
from fillwright.errors import BadInput
from fillwright.ledger import CashAdjusted, PositionAdjusted
from fillwright.logs import get_logger
from fillwright.types import ZERO, Symbol

_log = get_logger(__name__)

#: What is accepted when it is no symbol; symbols are in upper case.
CASH = "cash"
_SYMBOLS: TypeAdapter[str] = TypeAdapter(Symbol)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the ledger held of a symbol or in cash, and what it holds now: the broker's figure."""

    subject: str
    ours: Decimal
    theirs: Decimal


class Acceptance:
    """The door through which a person settles a difference that no execution explains."""

    def __init__(self, parts: Parts) -> None:
        self._keeper = parts.keeper
        self._books = parts.books
        self._reconciler = parts.reconciler
        self._clock = parts.clock

    async def accept(self, subject: str, *, reason: str, by: str) -> Accepted:
        """Take the broker's figure for a symbol, or for `cash`.

        Raises BadInput where there is nothing to accept or it is not certain; BrokerUnavailable.
        """
        _check(subject, reason, by)
        found = await self._difference(subject)
        for _ in range(ROUNDS - 1):
            again = await self._difference(subject)
            if again != found:
                raise BadInput(subject, "the difference moved while it was looked at", "Ask again")
        if found.ours == found.theirs:
            raise BadInput(subject, "ledger and broker agree: there is nothing to accept")
        now = self._clock.now()
        fact: CashAdjusted | PositionAdjusted
        if subject == CASH:
            fact = CashAdjusted(now, found.theirs, by, reason, found.ours)
        else:
            fact = PositionAdjusted(now, subject, found.theirs, by, reason, found.ours)
        await self._keeper.write_durably(fact)
        told = {"ledger": str(found.ours), "broker": str(found.theirs)}
        _log.warning("books_accepted", subject=subject, by=by, reason=reason, **told)
        # The alert of the difference is over with the next comparison.
        await self._reconciler.run()
        return found

    async def _difference(self, subject: str) -> Accepted:
        """Both figures after one comparison in which nothing was booked."""
        written = self._books.written
        account = await self._reconciler.run()
        self._check_quiet(subject)
        if written != self._books.written:
            raise BadInput(subject, "something was booked while it was looked at", "Ask again")
        theirs = _told_by(account, subject)
        if not theirs.is_finite():
            raise BadInput(subject, f"the broker's figure is {theirs}", "Ask the broker")
        ledger = self._keeper.ledger
        ours = ledger.cash if subject == CASH else ledger.positions.get(subject, ZERO)
        return Accepted(subject, ours, theirs)

    def _check_quiet(self, subject: str) -> None:
        for state in self._keeper.working():
            if subject == CASH and not (state.in_doubt or state.pending):
                continue
            if subject in (CASH, state.symbol):
                raise BadInput(
                    subject,
                    f"order {state.client_order_id} of {state.symbol} is {state.status} and could "
                    "explain the difference",
                    "Cancel or settle it first",
                )


def _check(subject: str, reason: str, by: str) -> None:
    said("reason", reason)
    said("by", by)
    if subject == CASH:
        return
    try:
        _SYMBOLS.validate_python(subject)
    except ValidationError:
        hint = "Symbols are in upper case, like KO; or say cash"
        raise BadInput("accept", f"{str(subject)[:40]!r} is no symbol", hint) from None


def _told_by(account: Account, subject: str) -> Decimal:
    return account.cash if subject == CASH else account.quantity(subject)
