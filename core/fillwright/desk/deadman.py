"""Cancel on disconnect (C38): what becomes of open orders while nobody hears of them.

Rules:
1. An outage is swept once, when it has lasted as long as configured; before that nothing happens.
2. Only orders of this desk are canceled; each cancel is recorded and followed up like any other.
   One that is on its way, or in doubt, is canceled once it is found.
3. An order counts as opening unless the position covers every open order of its side.
4. It works while the process does: for a process that is gone only the broker can cancel.
"""

import asyncio

from fillwright.book import FLAT
from fillwright.desk.changes import Changes
from fillwright.desk.keeper import Keeper
from fillwright.errors import GuardError, NotCancelable
from fillwright.logs import get_logger
from fillwright.protocols import Limits, OnDisconnect
from fillwright.states import Action, OrderState, Owner
from fillwright.types import Side

_log = get_logger(__name__)

#: What ended meanwhile needs no cancel, and what the guard withholds stays in doubt.
_BORNE = (NotCancelable, GuardError)


class DeadMan:
    """Watch over one stream's outages."""

    def __init__(self, keeper: Keeper, changes: Changes, limits: Limits) -> None:
        self._keeper = keeper
        self._changes = changes
        self._policy, self._after = limits.on_disconnect, limits.disconnect_after
        #: When the outage began; None while there is none.
        self._since: float | None = None
        self._swept = False

    def due(self, now: float, *, connected: bool) -> bool:
        """Whether it is time to sweep; true once in an outage."""
        if connected or self._policy is OnDisconnect.KEEP:
            self._since, self._swept = None, False
            return False
        if self._since is None:
            self._since = now
        if self._swept or now - self._since < self._after:
            return False
        self._swept = True
        return True

    async def sweep(self) -> None:
        """Ask for the cancels. Raises JournalError; what is not answered is in doubt."""
        wanted = [state.client_order_id for state in self._keeper.working() if self._falls(state)]
        _log.error("outage_swept", orders=len(wanted), policy=str(self._policy))
        answers = await asyncio.gather(*map(self._changes.cancel, wanted), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, _BORNE):
                raise answer

    def _falls(self, state: OrderState) -> bool:
        if state.owner is not Owner.OURS or state.awaiting(Action.CANCEL) is not None:
            return False
        if self._policy is OnDisconnect.CANCEL:
            return True
        held = self._keeper.exposures.snapshot().get(state.symbol, FLAT)
        if state.side is Side.SELL:
            return held.position < held.open_sells
        return -held.position < held.open_buys
