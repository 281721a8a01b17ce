"""What a comparison with the broker's books found: one frozen value for each difference.

A finding tells what differs and decides nothing: how much of a difference is too much, and what
follows, is the answer of `check_books`. `identity` names the difference and its size: while it
stays the same it is told once.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from fillwright.states import OrderState
from fillwright.types import text_of


class FindingKind(StrEnum):
    """What a finding is about."""

    POSITION = "position"
    CASH = "cash"
    EXECUTION = "execution"
    FOREIGN_ORDER = "foreign_order"
    WORKING_ORDER = "working_order"


class BreakKind(StrEnum):
    """How an execution can differ between the broker's list and the ledger."""

    #: The broker lists it, and the ledger does not have it.
    MISSING = "missing"
    #: The same id with another quantity or price.
    DIFFERS = "differs"
    #: The same id was booked under two orders.
    TWICE = "twice"
    #: The stream told it, and the broker's list does not show it.
    UNLISTED = "unlisted"
    #: Booked on the broker's cumulative quantity; no execution could be had.
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class PositionDiffers:
    """Ledger and broker hold different quantities of a symbol, and nothing under way explains it.

    It is told from the second quiet comparison in a row on that shows any difference.
    """

    symbol: str
    ours: Decimal
    theirs: Decimal
    kind: FindingKind = FindingKind.POSITION

    @property
    def difference(self) -> Decimal:
        """The broker's quantity less ours."""
        return self.theirs - self.ours

    @property
    def subject(self) -> str:
        """The symbol."""
        return self.symbol

    @property
    def identity(self) -> str:
        """The symbol and both quantities."""
        return f"{self.kind}:{self.symbol}:{text_of(self.ours)}:{text_of(self.theirs)}"


@dataclass(frozen=True, slots=True)
class CashDiffers:
    """Ledger and broker have different amounts of cash, in quiet comparisons in a row."""

    account: str
    ours: Decimal
    theirs: Decimal
    kind: FindingKind = FindingKind.CASH
    symbol: str = ""

    @property
    def difference(self) -> Decimal:
        """The broker's cash less ours: above zero for money that came from outside."""
        return self.theirs - self.ours

    @property
    def subject(self) -> str:
        """The account."""
        return self.account

    @property
    def identity(self) -> str:
        """The account and the difference: ordinary trading does not change it."""
        return f"{self.kind}:{self.account}:{text_of(self.difference)}"


@dataclass(frozen=True, slots=True)
class ExecutionBreak:
    """One execution that is not in the ledger exactly as the broker lists it; told once."""

    what: BreakKind
    execution_id: str
    symbol: str
    client_order_id: str
    text: str
    kind: FindingKind = FindingKind.EXECUTION

    @property
    def subject(self) -> str:
        """The execution."""
        return self.execution_id

    @property
    def identity(self) -> str:
        """The execution and how it differs."""
        return f"{self.kind}:{self.what}:{self.execution_id}"


@dataclass(frozen=True, slots=True)
class ForeignOrder:
    """An order that is open at the broker and that this desk did not send.

    It is adopted already: the ledger counts it as exposure, and books its fills.
    """

    order: OrderState
    kind: FindingKind = FindingKind.FOREIGN_ORDER

    @property
    def symbol(self) -> str:
        """What it trades."""
        return self.order.symbol

    @property
    def subject(self) -> str:
        """The name under which the ledger keeps it."""
        return self.order.client_order_id

    @property
    def identity(self) -> str:
        """The order."""
        return f"{self.kind}:{self.order.client_order_id}"


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """One of our orders that has not ended; the broker was asked about it just now."""

    order: OrderState
    #: The last time that anything about it changed, by the time the change was told with.
    since: datetime
    kind: FindingKind = FindingKind.WORKING_ORDER

    @property
    def in_flight(self) -> bool:
        """Whether a request about it, or its outcome, is still open."""
        return bool(self.order.pending) or self.order.in_doubt

    @property
    def symbol(self) -> str:
        """What it trades."""
        return self.order.symbol

    @property
    def subject(self) -> str:
        """The order."""
        return self.order.client_order_id

    @property
    def identity(self) -> str:
        """The order and how far it came."""
        return f"{self.kind}:{self.subject}:{self.order.status}:{text_of(self.order.filled)}"


Finding = PositionDiffers | CashDiffers | ExecutionBreak | ForeignOrder | WorkingOrder


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that one comparison found.

    `covered` are the kinds that it could judge: of those, what is not found is over.
    """

    at: datetime
    found: tuple[Finding, ...]
    covered: frozenset[FindingKind]


def strategy_of(finding: Finding) -> str | None:
    """The strategy of the order that a finding is about; None where there is none."""
    if isinstance(finding, ForeignOrder | WorkingOrder) and finding.order.order is not None:
        return finding.order.order.strategy
    return None
