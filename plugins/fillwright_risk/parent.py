"""What the children of one parent order may do together: C15."""

from collections.abc import Mapping
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

    What filled in the last week, what may still fill, and this order stay within the parent's
    quantity. Whoever sends more has lost count, and is not asked again: its strategy is halted,
    or its symbol. An order that only reduces passes, and says so.
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
        history = book.history
        others = history.count(Deed.SENT, parent=parent) - history.count(
            Deed.SENT, parent=parent, symbol=order.symbol, side=order.side
        )
        quantity = book.worst_quantity(order)
        if not known(quantity):
            return self._stopped(order, book, UNKNOWN, "how much it trades needs a fresh quote")
        total = history.quantity(Deed.FILLED, parent=parent) + book.beside.children + quantity
        if others:
            return self._stopped(order, book, total, "the parent's symbol and side are others")
        return ALLOW if total <= limit else self._stopped(order, book, total, f"of {parent}")

    def _stopped(self, order: Order, book: BookView, measured: object, text: str) -> Verdict:
        limit = order.parent_quantity
        if book.reduces(order):
            return self.warn(measured, limit, text)
        scope = Scope.STRATEGY if order.strategy else Scope.SYMBOL
        return Halt(self.code, scope=scope, measured=measured, limit=limit, text=text)
