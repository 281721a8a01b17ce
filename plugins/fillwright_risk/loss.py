"""When a day has gone wrong: C32 losses, C33 rejects and unknown outcomes.

Both halt and never trade: what is held stays until somebody decides, and orders that only reduce
pass. A halt is lifted by a named person; what went wrong before that counts no more for C33.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from fillwright.book import BookView
from fillwright.history import Deed
from fillwright.hooks import hookimpl
from fillwright.inputs import Input, Need
from fillwright.orders import Order
from fillwright.types import Notional
from fillwright.verdicts import ALLOW, Halt, Scope, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import Control, Table

Count = Annotated[int, Field(gt=0, strict=True)]


class DailyLossTable(Table):
    """`[risk.daily_loss]`; the control is on when the table is there."""

    #: The loss of the day, realised and not, at which new risk is halted.
    max_loss_usd: Notional | None = None
    #: How far equity may fall below the day's peak.
    max_drawdown_usd: Notional | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.max_loss_usd is None and self.max_drawdown_usd is None:
            raise ValueError("give max_loss_usd or max_drawdown_usd")
        return self


class ErrorRateTable(Table):
    """`[risk.error_rate]`."""

    #: How far back it looks, in seconds.
    window_seconds: Annotated[int, Field(gt=0, le=86_400, strict=True)] = (
        defaults.ERROR_WINDOW_SECONDS
    )
    #: So many rejects by the broker are still borne.
    max_rejects: Count = defaults.MAX_REJECTS
    #: So many orders in a row that the broker rejected.
    max_rejects_in_a_row: Count = defaults.MAX_REJECTS_IN_A_ROW
    #: So many requests with an unknown outcome.
    max_doubts: Count = defaults.MAX_DOUBTS

    @cached_property
    def window(self) -> timedelta:
        """How far back that is."""
        return timedelta(seconds=self.window_seconds)


class DailyLoss(Control[DailyLossTable]):
    """C32: halt new risk of the desk once the day has lost so much.

    While profit and loss are not known, or are no numbers, the gate refuses new risk by itself.
    """

    name = "daily_loss"
    code = "C32"
    title = "what a day may lose"
    table = DailyLossTable
    example: ClassVar[Mapping[str, object]] = {"max_loss_usd": "5000"}
    needs: ClassVar[tuple[Need, ...]] = (Input.PNL,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare today's loss and drawdown with their limits."""
        table, pnl = self.limits.of(order, book), book.pnl
        loss, fall = table.max_loss_usd, table.max_drawdown_usd
        if loss is not None and -pnl.today >= loss:
            return self._lost(order, book, (-pnl.today, loss, "lost today"))
        if fall is not None and pnl.drawdown >= fall:
            return self._lost(order, book, (pnl.drawdown, fall, "below today's peak"))
        return ALLOW

    def _lost(self, order: Order, book: BookView, found: tuple[Decimal, Decimal, str]) -> Verdict:
        if book.reduces(order):
            return ALLOW
        measured, limit, text = found
        return Halt(self.code, scope=Scope.DESK, measured=measured, limit=limit, text=text)


class ErrorRate(Control[ErrorRateTable]):
    """C33: halt the account when the broker rejects, or does not answer, too often."""

    name = "error_rate"
    code = "C33"
    title = "rejects and unknown outcomes"
    table = ErrorRateTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"max_rejects": 20}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Count what went wrong in the window, and since somebody last looked."""
        table, history = self.limits.of(order, book), book.history
        since = max(book.now - table.window, book.attended)
        most = min(table.max_rejects, table.max_rejects_in_a_row, table.max_doubts)
        if history.count(Deed.REJECTED, Deed.IN_DOUBT, since=since) <= most:
            return ALLOW  # what is few in all is few of each
        rejects = history.count(Deed.REJECTED, since=since)
        doubts = history.count(Deed.IN_DOUBT, since=since)
        found = [
            (rejects, table.max_rejects, "rejects by the broker"),
            (doubts, table.max_doubts, "unknown outcomes"),
        ]
        if rejects > table.max_rejects_in_a_row:
            sent = history.events(Deed.SENT, since=since, most=table.max_rejects_in_a_row + 1)
            rejected = {one.client_order_id for one in history.events(Deed.REJECTED, since=since)}
            in_a_row = sum(1 for one in sent if one.client_order_id in rejected)
            found.append((in_a_row, table.max_rejects_in_a_row, "rejects in a row"))
        for measured, limit, text in found:
            if measured > limit and not book.reduces(order):
                said = f"{text} in {table.window_seconds} s"
                return Halt(
                    self.code, scope=Scope.ACCOUNT, measured=measured, limit=limit, text=said
                )
        return ALLOW
