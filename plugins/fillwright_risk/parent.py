"""What the children of one parent order may do together: C15."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from fillwright.book import BookView
from fillwright.history import Deed
from fillwright.hooks import hookimpl
from fillwright.inputs import Need
from fillwright.orders import Order
from fillwright.verdicts import ALLOW, Halt, Scope, Verdict
from fillwright_risk.common import UNKNOWN, WEEK, Control, Table, known


class ParentQuantityTable(Table):
    """`[risk.parent_quantity]`; it has no settings and is always on."""


class ParentQuantity(Control[ParentQuantityTable]):
    """C15: halt when children would trade more than their parent asks for, or another side.

    What the parent asks for is what the first of its children that left said; one that says
    something else is not believed. What filled in the last week, what may still fill, and this
    order stay within that quantity. Whoever sends more has lost count, and is not asked again: its
    strategy is halted, or its symbol. An order that only reduces passes, and says so.
    """

    name = "parent_quantity"
    code = "C15"
    title = "more from the children than their parent asks for"
    table = ParentQuantityTable
    fallback: ClassVar[Mapping[str, object]] = {}
    needs: ClassVar[tuple[Need, ...]] = (WEEK,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Add up the children."""
        parent, limit = order.parent_id, order.parent_quantity
        if parent is None or limit is None:
            return ALLOW
        said = _said_before(order, book)
        if said != limit:
            text = f"an earlier child of {parent} named another quantity of it"
            return self._stopped(order, book, limit, said, text)
        quantity = book.worst_quantity(order)
        if not known(quantity):
            text = "how much it trades needs a fresh quote"
            return self._stopped(order, book, UNKNOWN, limit, text)
        history, others = book.history, _elsewhere(order, book)
        total = history.quantity(Deed.FILLED, parent=parent) + book.beside.children + quantity
        if others:
            text = "the parent's symbol and side are others"
            return self._stopped(order, book, total, limit, text)
        return ALLOW if total <= limit else self._stopped(order, book, total, limit, f"of {parent}")

    def _stopped(
        self, order: Order, book: BookView, measured: object, limit: object, text: str
    ) -> Verdict:
        if book.reduces(order):
            return self.warn(measured, limit, text)
        scope = Scope.STRATEGY if order.strategy else Scope.SYMBOL
        return Halt(self.code, scope=scope, measured=measured, limit=limit, text=text)


def _said_before(order: Order, book: BookView) -> Decimal | None:
    """What the children that left said of their parent's quantity; this order's word if none."""
    parent, claimed, history = order.parent_id, order.parent_quantity, book.history
    alike = history.count(Deed.SENT, parent=parent, parent_quantity=claimed)
    if history.count(Deed.SENT, parent=parent) == alike:
        return claimed
    return next(
        event.parent_quantity
        for event in history.events(Deed.SENT, parent=parent)
        if event.parent_quantity != claimed
    )


def _elsewhere(order: Order, book: BookView) -> int:
    """How many children of the same parent left on another symbol or side."""
    history, parent = book.history, order.parent_id
    here = history.count(Deed.SENT, parent=parent, symbol=order.symbol, side=order.side)
    return history.count(Deed.SENT, parent=parent) - here
