"""Begin with a clean book: cancel what is open, and wait until the broker confirmed it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.settings import Backoff, PlanSettings
from fillwright.errors import (
    BrokerUnavailable,
    NotCancelable,
    NotSent,
    OrderInDoubt,
    OrderRejected,
    UnknownOrder,
)
from fillwright.logs import Logger
from fillwright.plans import StaleOrders
from fillwright.states import OrderState, Owner
from fillwright.types import ClientOrderId

#: What a cancel may meet without the plan's failing: the order's own state tells the rest.
CANCEL_FAULTS = (
    NotCancelable,
    OrderRejected,
    NotSent,
    OrderInDoubt,
    BrokerUnavailable,
    UnknownOrder,
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was canceled, and in which symbols that could not be confirmed."""

    canceled: tuple[str, ...] = ()
    #: By symbol, a sentence on the order that may still trade.
    unsettled: dict[str, str] = field(default_factory=dict)


def stale(policy: StaleOrders, working: Sequence[OrderState]) -> list[OrderState]:
    """The open orders that the policy wants canceled."""
    if policy is StaleOrders.KEEP:
        return []
    if policy is StaleOrders.CANCEL_ALL:
        return [state for state in working if not state.ended]
    return [s for s in working if s.owner is not Owner.FOREIGN and not s.ended]


async def clean_book(
    policy: StaleOrders, desk: PlanDesk, settings: PlanSettings, log: Logger
) -> Cleaned:
    """Cancel the stale orders; return once they are gone, or when the time for that is up."""
    orders = stale(policy, desk.working())
    if not orders:
        return Cleaned()
    await cancel_all([state.client_order_id for state in orders], desk, log)
    until, backoff = desk.clock.monotonic() + settings.cancel_within, Backoff(settings)
    wanted = {state.client_order_id for state in orders}
    while left := [s for s in desk.working() if s.client_order_id in wanted and not s.ended]:
        if desk.clock.monotonic() >= until:
            break
        await desk.clock.sleep(backoff.next())
    unsettled = {
        s.symbol: f"the cancel of the earlier order {s.client_order_id} is not confirmed"
        for s in left
    }
    log.info("book_cleaned", canceled=len(orders) - len(left), unconfirmed=len(left))
    gone = wanted - {state.client_order_id for state in left}
    return Cleaned(tuple(sorted(gone)), unsettled)


async def cancel_all(ids: Sequence[ClientOrderId], desk: PlanDesk, log: Logger) -> None:
    """Ask for every cancel at once; what comes of each shows in its order's state."""

    async def ask(client_order_id: ClientOrderId) -> None:
        try:
            await desk.cancel(client_order_id)
        except CANCEL_FAULTS as fault:
            log.warning("cancel_unanswered", client_order_id=client_order_id, reason=str(fault))

    await asyncio.gather(*map(ask, ids))
