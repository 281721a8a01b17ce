"""Stop gracefully: let requests under way come back, follow the policy, tell what is left open."""

import asyncio

from fillwright.desk.handles import HandleBook
from fillwright.desk.parts import Parts
from fillwright.desk.tasks import finished_within
from fillwright.errors import FillwrightError, NotCancelable
from fillwright.logs import get_logger
from fillwright.protocols import ClosePolicy
from fillwright.states import Action, OrderState, Owner
from fillwright.types import TimeInForce

_log = get_logger(__name__)

#: How long to wait for requests under way and for cancels to be confirmed, in seconds.
DRAIN_WITHIN = 10.0


async def drain(parts: Parts, handles: HandleBook, policy: ClosePolicy) -> None:
    """Let nothing more leave, and bring home what can be brought home in time."""
    parts.carrier.stop()
    try:
        if not await finished_within(_home(parts, handles, policy), DRAIN_WITHIN, parts.clock):
            _log.warning("drain_timed_out", seconds=DRAIN_WITHIN)
    except FillwrightError as fault:
        _log.error("drain_failed", reason=str(fault))
    for state in parts.keeper.working():
        _log.info(
            "order_left_open", client_order_id=state.client_order_id, status=str(state.status)
        )


async def _home(parts: Parts, handles: HandleBook, policy: ClosePolicy) -> None:
    for state in list(parts.keeper.working()):
        if state.awaiting(Action.SUBMIT) and not state.in_doubt:
            await handles.of(state).decided()
    await _cancel_by(policy, parts, handles)
    await parts.announcer.idle()


async def _cancel_by(policy: ClosePolicy, parts: Parts, handles: HandleBook) -> None:
    if policy is ClosePolicy.KEEP:
        return
    ours = [s for s in parts.keeper.working() if s.owner is Owner.OURS and not s.in_doubt]
    wanted = [s for s in ours if policy is ClosePolicy.CANCEL_ALL or _is_day(s)]
    cancels = (parts.changes.cancel(s.client_order_id) for s in wanted)
    for answer in await asyncio.gather(*cancels, return_exceptions=True):
        # One that ended meanwhile needs no cancel.
        if isinstance(answer, BaseException) and not isinstance(answer, NotCancelable):
            raise answer
    for state in wanted:
        await handles.of(state).done()


def _is_day(state: OrderState) -> bool:
    order = state.order
    return order is not None and order.time_in_force not in (TimeInForce.GTC, TimeInForce.GTD)
