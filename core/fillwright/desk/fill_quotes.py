"""A quote for every fill: where the desk has no fresh one, it asks for one behind the fill.

Rules:
1. A fill never waits for it, and none that cannot be had stops anything.
2. Fills of one symbol that wait share one question.
"""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from fillwright.desk.keeper import Keeper
from fillwright.desk.market import Market
from fillwright.errors import BrokerUnavailable, UnknownSymbol
from fillwright.ledger import Change, FillQuoted, Reported
from fillwright.logs import get_logger
from fillwright.protocols import Clock
from fillwright.types import ClientOrderId, ExecType, ExecutionId

_log = get_logger(__name__)

#: More fills than these wait for no quote: the broker does not answer.
MOST = 1000
#: A quote of this age tells at which market a fill was had.
FRESH = timedelta(seconds=5)


class FillQuotes:
    """Ask for the quotes that fills lack, and record them."""

    def __init__(
        self,
        keeper: Keeper,
        market: Market,
        clock: Clock,
        *,
        spawn: Callable[[str, Coroutine[Any, Any, None]], object],
    ) -> None:
        self._keeper = keeper
        self._market = market
        self._clock = clock
        self._spawn = spawn
        self._waiting: dict[str, list[tuple[ClientOrderId, ExecutionId]]] = {}

    def heard(self, _seq: int, change: Change) -> None:
        """A fact was recorded; ask for a quote if it is a fill that has no fresh one."""
        fact, execution = change.fact, change.execution
        if execution is None or not isinstance(fact, Reported):
            return
        at, quote = execution.transact_time, fact.quote
        known = quote is not None and abs(at - quote.at) <= FRESH
        past = abs(fact.at - at) > FRESH  # no quote of now is of that time
        if known or past or fact.report.exec_type is not ExecType.TRADE or change.after is None:
            return
        symbol = change.after.symbol
        begun = symbol in self._waiting
        waiting = self._waiting.setdefault(symbol, [])
        if len(waiting) < MOST:
            waiting.append((fact.key, execution.execution_id))
        if not begun:
            self._spawn(f"quote {symbol}", self._ask(symbol))

    async def _ask(self, symbol: str) -> None:
        try:
            quote = await self._market.fresh_quote(symbol)
        except (BrokerUnavailable, UnknownSymbol) as fault:
            _log.info("fill_unquoted", symbol=symbol, reason=str(fault))
            return
        finally:
            waiting = self._waiting.pop(symbol)
        if quote.sound:
            for key, execution in waiting:
                self._keeper.write(FillQuoted(self._clock.now(), key, execution, quote))
