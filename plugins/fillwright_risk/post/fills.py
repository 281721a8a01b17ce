"""Fills that should not be: T04 without an intent of ours, T05 too much, T10 taken back."""

from decimal import Decimal
from typing import ClassVar

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.reports import AnomalyKind, Execution
from fillwright.states import OrderState, Owner
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.post.common import PostControl, PostTable, Reaction


class UnintendedFillTable(PostTable):
    """`[risk.unintended_fill]`."""

    #: What follows. `warn` suits an account that people trade by hand as well.
    reaction: Reaction = Reaction.HALT_SYMBOL


class OverfillTable(PostTable):
    """`[risk.overfill]`."""

    #: What follows.
    reaction: Reaction = Reaction.HALT_SYMBOL


class BustOrCorrectTable(PostTable):
    """`[risk.bust_or_correct]`."""

    #: What follows; the books are reversed or corrected in any case.
    reaction: Reaction = Reaction.ALERT


class UnintendedFill(PostControl[UnintendedFillTable]):
    """T04: an execution in the account for which this desk recorded no intent.

    Somebody trades by hand, another program does, or a journal was lost. The legs of our own
    brackets are meant.
    """

    name = "unintended_fill"
    code = "T04"
    title = "fills without an intent of ours"
    table = UnintendedFillTable

    @hookimpl
    def check_execution(self, order: OrderState, execution: Execution, book: BookView) -> Verdict:
        """Look whose order it is."""
        if order.owner is not Owner.FOREIGN or not execution.quantity:
            return ALLOW
        settings = self.limits.named(order.symbol, None, book)
        measured = f"{execution.quantity} at {execution.price}"
        text = f"{order.side} {order.symbol} by somebody else, {order.client_order_id}"
        return self.react(settings.reaction, measured, "a recorded intent", text)


class Overfill(PostControl[OverfillTable]):
    """T05: more was filled than was ordered.

    An order by notional has no quantity before the broker fixes it; until then it is compared by
    its value.
    """

    name = "overfill"
    code = "T05"
    title = "more filled than ordered"
    table = OverfillTable

    @hookimpl
    def check_execution(self, order: OrderState, book: BookView) -> Verdict:
        """Compare what was filled with what was ordered."""
        filled, ordered = order.filled, order.quantity
        if ordered is None and order.order is not None and order.order.notional is not None:
            filled, ordered = order.value, order.order.notional
        if ordered is None:
            return ALLOW  # a foreign order whose quantity nobody told: T04's and T08's matter
        if filled <= ordered:
            return ALLOW
        strategy = order.order.strategy if order.order else None
        settings = self.limits.named(order.symbol, strategy, book)
        return self.react(settings.reaction, filled, ordered, f"order {order.client_order_id}")


class BustOrCorrect(PostControl[BustOrCorrectTable]):
    """T10: the broker takes an execution back, or gives it another quantity or price."""

    name = "bust_or_correct"
    code = "T10"
    title = "executions that are busted or corrected"
    table = BustOrCorrectTable

    #: What comes in one step when the bust was told before its execution.
    _KINDS: ClassVar = frozenset({AnomalyKind.BUSTED, AnomalyKind.CORRECTED})

    @hookimpl
    def check_execution(self, order: OrderState, execution: Execution, book: BookView) -> Verdict:
        """Look for what was taken back."""
        surprises = book.fill.anomalies if book.fill else ()
        taken = next((one for one in surprises if one.kind in self._KINDS), None)
        if execution.corrects is None and taken is None:
            return ALLOW
        strategy = order.order.strategy if order.order else None
        settings = self.limits.named(order.symbol, strategy, book)
        name = execution.corrects or execution.execution_id
        busted = taken is not None and taken.kind is AnomalyKind.BUSTED
        stands = Decimal(0) if busted else execution.quantity
        now = f"{stands} at {execution.price} in place of {name}"
        text = f"order {order.client_order_id} now has {order.filled} filled; tell who reported it"
        return self.react(settings.reaction, now, "executions that stand", text)
