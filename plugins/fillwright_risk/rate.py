"""How fast orders and messages may leave: C16, C17.

Counted is what the desk's history holds, so that neither a restart nor orders that are judged in
the same moment make room. An order that only reduces is counted, and passes.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, ClassVar, NamedTuple, Self, Unpack

from pydantic import Field, model_validator

from fillwright.book import BookView
from fillwright.history import Deed, Only
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import Quantity
from fillwright.verdicts import ALLOW, Halt, Scope, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import Control, Table

Count = Annotated[int, Field(gt=0, strict=True)]
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class _Bound(NamedTuple):
    scope: Scope
    window: timedelta
    limit: int


class OrderRateTable(Table):
    """`[risk.order_rate]`; a replace counts as an order."""

    #: Of one symbol.
    symbol_per_second: Count = defaults.SYMBOL_PER_SECOND
    symbol_per_minute: Count = defaults.SYMBOL_PER_MINUTE
    #: Of one strategy; orders without one count together.
    strategy_per_second: Count = defaults.STRATEGY_PER_SECOND
    strategy_per_minute: Count = defaults.STRATEGY_PER_MINUTE
    #: Of the account.
    account_per_second: Count = defaults.ACCOUNT_PER_SECOND
    account_per_minute: Count = defaults.ACCOUNT_PER_MINUTE
    #: Refusals by this control in a minute from which on its scope is halted.
    halt_refusals_per_minute: Count = defaults.RUNAWAY_PER_MINUTE

    @cached_property
    def bounds(self) -> tuple[_Bound, ...]:
        """The same, the widest scope first."""
        return (
            _Bound(Scope.ACCOUNT, _SECOND, self.account_per_second),
            _Bound(Scope.ACCOUNT, _MINUTE, self.account_per_minute),
            _Bound(Scope.STRATEGY, _SECOND, self.strategy_per_second),
            _Bound(Scope.STRATEGY, _MINUTE, self.strategy_per_minute),
            _Bound(Scope.SYMBOL, _SECOND, self.symbol_per_second),
            _Bound(Scope.SYMBOL, _MINUTE, self.symbol_per_minute),
        )

    @cached_property
    def least(self) -> int:
        """The smallest of them."""
        return min(bound.limit for bound in self.bounds)


class MessageRateTable(Table):
    """`[risk.message_rate]`; the control is on when the table is there."""

    #: Cancels and replaces of the account in a second and in a minute.
    changes_per_second: Count | None = None
    changes_per_minute: Count | None = None
    #: Orders, replaces and cancels of the day for each fill.
    max_messages_per_fill: Quantity | None = None
    #: From so many messages for each fill on there is a warning.
    warn_messages_per_fill: Quantity | None = None
    #: So many messages say nothing about a ratio yet.
    least_messages: Count = 100

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        ratios = (self.max_messages_per_fill, self.warn_messages_per_fill)
        if not any((self.changes_per_second, self.changes_per_minute, *ratios)):
            raise ValueError("give changes_per_second, changes_per_minute, or a number per fill")
        return self

    @cached_property
    def bounds(self) -> Sequence[tuple[int, timedelta]]:
        """How many changes in which time."""
        both = ((self.changes_per_second, _SECOND), (self.changes_per_minute, _MINUTE))
        return [(limit, window) for limit, window in both if limit is not None]


class OrderRate(Control[OrderRateTable]):
    """C16: refuse more orders than so many in a second or minute; halt who goes on all the same."""

    name = "order_rate"
    code = "C16"
    title = "orders in a second and in a minute"
    table = OrderRateTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"symbol_per_second": 50}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Count what left in each window, this order with it."""
        table = self.limits.of(order, book)
        everything = book.history.count(*_SUBMITS, since=book.now - _MINUTE) + 1
        if everything <= table.least:
            return ALLOW  # what is few in all is few of each
        in_all = {_SECOND: _submits(book, _SECOND) + 1, _MINUTE: everything}
        for bound in table.bounds:
            if in_all[bound.window] <= bound.limit:
                continue
            measured = _submits(book, bound.window, **_whose(bound.scope, order)) + 1
            if measured > bound.limit:
                return ALLOW if book.reduces(order) else self._stopped(order, book, bound, measured)
        return ALLOW

    def _stopped(self, order: Order, book: BookView, bound: "_Bound", measured: int) -> Verdict:
        most = self.limits.of(order, book).halt_refusals_per_minute
        since = max(book.now - _MINUTE, book.attended)
        whose: Only = {**_whose(bound.scope, order), "code": self.code}
        refused = book.history.count(Deed.REFUSED, since=since, **whose)
        text = f"orders of one {bound.scope} in {bound.window.total_seconds():g} s"
        if refused < most:
            return self.refuse(measured, bound.limit, text)
        text = "refusals in a minute, and it goes on"
        return Halt(self.code, scope=bound.scope, measured=refused, limit=most, text=text)


class MessageRate(Control[MessageRateTable]):
    """C17: refuse new orders and replaces while cancels, replaces or messages per fill abound.

    A cancel itself is never refused. An order that only reduces passes.
    """

    name = "message_rate"
    code = "C17"
    title = "cancels, replaces and messages for each fill"
    table = MessageRateTable
    example: ClassVar[Mapping[str, object]] = {"changes_per_minute": 200}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Count what the account did in each window, and over the day."""
        table = self.limits.of(order, book)
        own = book.standing is not None or bool(book.already_filled)
        for limit, window in table.bounds:
            measured = book.history.count(*_CHANGES, since=book.now - window) + own
            if measured > limit:
                text = f"cancels and replaces in {window.total_seconds():g} s"
                return ALLOW if book.reduces(order) else self.refuse(measured, limit, text)
        return self._ratio(order, book, table)

    def _ratio(self, order: Order, book: BookView, table: MessageRateTable) -> Verdict:
        most, warn = table.max_messages_per_fill, table.warn_messages_per_fill
        if most is None and warn is None:
            return ALLOW
        messages = book.history.count(Deed.SENT, *_CHANGES, since=book.today) + 1
        ratio = Decimal(messages) / max(book.history.count(Deed.FILLED, since=book.today), 1)
        if messages <= table.least_messages:
            return ALLOW
        if most is not None and ratio > most and not book.reduces(order):
            return self.refuse(round(ratio, 2), most, "messages for each fill today")
        if warn is not None and ratio > warn:
            return self.warn(round(ratio, 2), warn, "messages for each fill today")
        return ALLOW


_CHANGES = (Deed.CANCEL_SENT, Deed.REPLACED)
_SUBMITS = (Deed.SENT, Deed.REPLACED)


def _whose(scope: Scope, order: Order) -> Only:
    if scope is Scope.SYMBOL:
        return {"symbol": order.symbol}
    return {"strategy": order.strategy or ""} if scope is Scope.STRATEGY else {}


def _submits(book: BookView, window: timedelta, **whose: Unpack[Only]) -> int:
    return book.history.count(*_SUBMITS, since=book.now - window, **whose)
