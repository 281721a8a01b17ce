"""What happens at the venue without the desk: its staff, its quotes, and strangers' orders."""

from decimal import Decimal

from fillwright.errors import OrderRejected
from fillwright.orders import Order
from fillwright.testing.simulation.moves import PRICES, Do, Move
from fillwright.testing.simulation.outside import Outside
from fillwright.testing.venue import Touch, Venue, VenueOrder
from fillwright.types import ZERO, BrokerOrderId, ClientOrderId, ExecType, OrdStatus

_CENT = Decimal("0.01")
#: Orders in these cannot be filled by hand.
_UNFIT = frozenset(
    {OrdStatus.PENDING_NEW, OrdStatus.REPLACED, OrdStatus.FILLED, OrdStatus.REJECTED}
)


def show(venue: Venue, symbol: str, middle: Decimal, size: Decimal) -> None:
    """Pin a touch one cent to either side."""
    venue.set_quote(symbol, Touch(middle - _CENT, middle + _CENT, size, size))


class Staff:
    """Whoever can do at the venue what customers cannot."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._venue = outside.venue

    def do(self, move: Move) -> None:
        """Carry out a move that needs no name in the timeline."""
        if move.do is Do.QUOTE:
            self.move_quote(move)
        else:
            self.place(move)

    def move_quote(self, move: Move) -> None:
        """Show another touch."""
        middle = PRICES[move.name] + Decimal(move.facts["cents"]) / 100
        show(self._venue, move.name, middle, Decimal(move.facts["size"]))

    def place(self, move: Move) -> None:
        """Let somebody else place an order in the account."""
        order = Order.model_validate(move.facts["order"])
        self._outside.stirred[order.symbol] = None
        try:
            self._venue.submit(order, ClientOrderId(move.name))
        except OrderRejected:
            return

    def act(self, move: Move) -> str:
        """Do something to some order; the answer names it."""
        how, which = str(move.facts["how"]), float(move.facts["which"])
        if how == "fill":
            return self._fill(which)
        if how in ("bust", "correct"):
            return self._take_back(how, which)
        open_ones = [o for o in self._venue.open_orders() if o.status is not OrdStatus.PENDING_NEW]
        if not open_ones:
            return "nothing"
        chosen = open_ones[int(which * len(open_ones))]
        self._try(how, chosen.broker_order_id)
        return chosen.client_order_id

    def _try(self, how: str, order: BrokerOrderId) -> None:
        try:
            getattr(self._venue.control, how)(order)
        except ValueError:
            return  # it cannot be done to an order in that status

    def _fill(self, which: float) -> str:
        fit = [o for o in self._venue.orders() if o.status not in _UNFIT and _left(o)]
        if not fit:
            return "nothing"
        chosen = fit[int(which * len(fit))]
        if chosen.ended:
            self._stir(chosen.broker_order_id, chosen.symbol)
        self._venue.control.fill(chosen.broker_order_id, Decimal(1), PRICES[chosen.symbol])
        return chosen.client_order_id

    def _take_back(self, how: str, which: float) -> str:
        # What was traded before the journal began is not in its books one by one.
        fills = self._outside.fills()
        undone = {fill.execution.corrects for fill in fills}
        standing = [
            fill
            for fill in fills
            if fill.exec_type is not ExecType.TRADE_CANCEL
            and fill.execution.execution_id not in undone
        ]
        if not standing:
            return "nothing"
        fill = standing[int(which * len(standing))]
        execution, control = fill.execution, self._venue.control
        name = self._outside.at_venue(execution.execution_id)
        self._stir(fill.broker_order_id, fill.symbol)
        if how == "bust":
            control.bust(name)
        else:
            control.correct(name, execution.quantity, execution.price + 1)
        return execution.execution_id

    def _stir(self, order: BrokerOrderId, symbol: str) -> None:
        self._outside.touched[order] = None
        self._outside.stirred[symbol] = None


def _left(order: VenueOrder) -> Decimal:
    return (order.quantity or ZERO) - order.filled
