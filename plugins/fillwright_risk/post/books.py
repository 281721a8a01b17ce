"""The ledger against the broker's books: T01 executions, T02 positions, T03 cash."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import model_validator

from fillwright.book import BookView
from fillwright.findings import CashDiffers, ExecutionBreak, Finding, PositionDiffers
from fillwright.hooks import hookimpl
from fillwright.types import NonNegative
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import UNKNOWN, known
from fillwright_risk.post.common import PostControl, PostTable, Reaction

_OF_AN_ACCOUNT = frozenset({Reaction.HALT_ACCOUNT, Reaction.HALT_DESK})


class DropCopyTable(PostTable):
    """`[risk.drop_copy]`."""

    #: What follows.
    reaction: Reaction = Reaction.HALT_DESK


class PositionBreakTable(PostTable):
    """`[risk.position_break]`."""

    #: How far ledger and broker may differ, in shares or coins.
    tolerance_shares: NonNegative = Decimal(0)
    #: What follows.
    reaction: Reaction = Reaction.HALT_SYMBOL


class CashBreakTable(PostTable):
    """`[risk.cash_break]`; the control is on when the table is there."""

    #: From how large a difference on there is a warning, in account currency.
    warn_usd: NonNegative
    #: From how large a difference on `reaction` follows; absent, it is only warned.
    halt_usd: NonNegative | None = None
    #: What follows above `halt_usd`.
    reaction: Reaction = Reaction.HALT_ACCOUNT

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.halt_usd is not None and self.halt_usd < self.warn_usd:
            raise ValueError("halt_usd is below warn_usd")
        if self.reaction not in {*_OF_AN_ACCOUNT, Reaction.WARN, Reaction.ALERT}:
            raise ValueError("cash belongs to no symbol or strategy; halt the account or the desk")
        return self


class DropCopyBreak(PostControl[DropCopyTable]):
    """T01: every execution that the broker lists must be in the ledger exactly once, and back."""

    name = "drop_copy"
    code = "T01"
    title = "executions that ledger and broker do not share"
    table = DropCopyTable

    @hookimpl
    def check_books(self, finding: Finding, book: BookView) -> Verdict:
        """Any difference at all is a break."""
        if not isinstance(finding, ExecutionBreak):
            return ALLOW
        settings = self.limits.named(finding.symbol, None, book)
        measured = f"{finding.execution_id} {finding.what}"
        return self.react(settings.reaction, measured, "in both, once", finding.text)


class PositionBreak(PostControl[PositionBreakTable]):
    """T02: ledger and broker hold different quantities, and no execution explains it.

    Splits, transfers, and fees that are taken in coins are the usual innocent causes.
    """

    name = "position_break"
    code = "T02"
    title = "positions that differ from the broker's"
    table = PositionBreakTable
    example: ClassVar[Mapping[str, object]] = {"tolerance_shares": "0"}

    @hookimpl
    def check_books(self, finding: Finding, book: BookView) -> Verdict:
        """Compare the difference with the tolerance; what is no number is a break."""
        if not isinstance(finding, PositionDiffers):
            return ALLOW
        settings = self.limits.named(finding.symbol, None, book)
        away = abs(finding.difference)
        if known(away) and away <= settings.tolerance_shares:
            return ALLOW
        text = f"POSITION_BREAK: ledger {finding.ours}, broker {finding.theirs}"
        measured = away if known(away) else UNKNOWN
        return self.react(settings.reaction, measured, settings.tolerance_shares, text)


class CashBreak(PostControl[CashBreakTable]):
    """T03: ledger and broker have different amounts of cash; first a warning, then `reaction`.

    The broker's cash may rise by interest, dividends and deposits, and fall by fees and
    withdrawals, none of which are executions. A difference is told once for each size.
    """

    name = "cash_break"
    code = "T03"
    title = "cash that differs from the broker's"
    table = CashBreakTable
    fallback = None
    example: ClassVar[Mapping[str, object]] = {"warn_usd": "10", "halt_usd": "1000"}

    @hookimpl
    def check_books(self, finding: Finding, book: BookView) -> Verdict:
        """Compare the difference with both limits."""
        if not isinstance(finding, CashDiffers):
            return ALLOW
        settings = self.limits.named("", None, book)
        text = f"ledger {finding.ours}, broker {finding.theirs}; {_causes(finding.difference)}"
        away = abs(finding.difference)
        if not known(away):
            return self.react(Reaction.ALERT, UNKNOWN, settings.warn_usd, text)
        if settings.halt_usd is not None and away > settings.halt_usd:
            return self.react(settings.reaction, away, settings.halt_usd, text)
        if away > settings.warn_usd:
            return self.react(Reaction.WARN, away, settings.warn_usd, text)
        return ALLOW


def _causes(difference: Decimal) -> str:
    if not difference.is_finite():
        return "the broker's figure is no number"
    if difference > 0:
        return "more than traded: a deposit, interest or a dividend, or a sell that is not booked"
    return "less than traded: a fee, interest, a withdrawal, or a buy that is not booked"
