"""Buying power that the broker's last answer does not show yet: what is reserved on top of it."""

from collections.abc import Iterable
from decimal import Decimal

from fillwright.risk import ExposureBook
from fillwright.states import Action, OrderState, Owner
from fillwright.types import ZERO, ClientOrderId, Side


class Funds:
    """Costs of buys approved since the account was last read, at their worst case.

    A cost leaves once the broker was asked for the account after it had acknowledged the order:
    from then on its own buying power shows the hold, or the fill.
    """

    def __init__(self) -> None:
        self._costs: dict[ClientOrderId, Decimal] = {}
        self._acknowledged: set[ClientOrderId] = set()
        self.reserved = ZERO

    def reserve(self, key: ClientOrderId, cost: Decimal) -> None:
        """Count a buy that is about to leave; a larger cost replaces a smaller one."""
        known = self._costs.get(key, ZERO)
        if cost > known:
            self._costs[key] = cost
            self.reserved += cost - known
        self._acknowledged.discard(key)

    def without(self, key: ClientOrderId) -> Decimal:
        """What is reserved for everything but this order."""
        return self.reserved - self._costs.get(key, ZERO)

    def shows(self, key: ClientOrderId) -> bool:
        """Whether the broker's buying power is already less what this order may cost."""
        return key not in self._costs

    def restore(self, states: Iterable[OrderState], exposures: ExposureBook) -> None:
        """Count again, after a restart, what the broker may have and its word does not show."""
        for state in states:
            unseen = state.broker_order_id is None or state.awaiting(Action.REPLACE) is not None
            if unseen and state.owner is Owner.OURS and not state.ended:
                self.reserve(state.client_order_id, _cost_of(state, exposures))

    def acknowledge(self, key: ClientOrderId) -> None:
        """The broker has the order, so its next answer will show it."""
        if key in self._costs:
            self._acknowledged.add(key)

    def release(self, key: ClientOrderId) -> None:
        """The order is proven not to be at the broker."""
        self.reserved -= self._costs.pop(key, ZERO)
        self._acknowledged.discard(key)

    def asking(self) -> frozenset[ClientOrderId]:
        """Call right before the account is asked for; hand the result to `answered`."""
        return frozenset(self._acknowledged)

    def answered(self, shown: frozenset[ClientOrderId]) -> None:
        """The account came back, and it shows these orders."""
        for key in sorted(shown & self._acknowledged):
            self.release(key)


def _cost_of(state: OrderState, exposures: ExposureBook) -> Decimal:
    """What is left of an order at its worst case; one by notional costs that at most."""
    notional = state.order.notional if state.order else None
    if notional is not None and state.side is Side.BUY:
        return max(notional - state.value, ZERO)
    return exposures.cost_of(state.client_order_id)
