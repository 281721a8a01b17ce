"""Wait for orders to end, never longer than told."""

import asyncio
from collections.abc import Iterable
from typing import Any

from fillwright.desk.tasks import end
from fillwright.protocols import Clock, OrderHandle


def is_open(handle: OrderHandle) -> bool:
    """Whether more may still happen to the order without anybody's help."""
    state = handle.state
    return not (state.settled or state.manual)


async def wait_done(handles: Iterable[OrderHandle], *, until: float, clock: Clock) -> None:
    """Return when every order is done, or at `until` on the monotonic clock.

    Raises what a handle raises: the desk can then no longer tell what becomes of the order.
    """
    open_ones = [handle for handle in handles if is_open(handle)]
    if not open_ones:
        return
    ends = asyncio.gather(*(handle.done() for handle in open_ones))
    timer = asyncio.ensure_future(clock.sleep(max(until - clock.monotonic(), 0)))
    try:
        both: set[asyncio.Future[Any]] = {timer, ends}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if ends.done():
            ends.result()
    finally:
        await end(timer, ends)
