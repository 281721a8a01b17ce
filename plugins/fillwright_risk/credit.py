"""What the account can pay for: C12."""

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import Control, Table, known


class BuyingPowerTable(Table):
    """`[risk.buying_power]`; it has no settings and is always on."""


class BuyingPower(Control):
    """C12: refuse an order that could cost more than the buying power that is left.

    What is left is the broker's figure, less what is reserved for orders that it does not show
    yet. Sells that open a short position cost, too. Reducing orders pass.
    """

    name = "buying_power"
    code = "C12"

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the worst-case cost of the rest of the order with what is left."""
        left = book.account.buying_power - book.reserved
        cost = book.worst_cost(order)
        if known(left) and known(cost) and cost <= left:
            return ALLOW
        if book.reduces(order):
            return ALLOW
        if not known(left):
            return self.unknown("the account's buying power is not known", "buying power")
        if not known(cost):
            return self.unknown("the order's cost needs a fresh quote", left)
        return self.refuse(cost, left)
