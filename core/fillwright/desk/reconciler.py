"""Compare with the broker's books, and book the difference as ordinary reports.

Rules:
1. Executions first: they alone move positions.
2. An order of ours that is not among the open ones is asked for by name; a broker that does not
   know it puts the order in doubt, never in its grave.
3. An answer that could not be had raises, and nothing is concluded from it.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from fillwright.accounts import Account
from fillwright.desk.books import Books
from fillwright.desk.keeper import Keeper
from fillwright.desk.market import Market
from fillwright.ledger import BooksOpened, CursorMoved, Inferred
from fillwright.logs import get_logger
from fillwright.protocols import Clock, Executor
from fillwright.reconcile import (
    absent,
    as_report,
    as_reports,
    inferred_fill,
    is_unborn,
    position_breaks,
)
from fillwright.reports import (
    BrokerOrder,
    Cursor,
    Evidence,
    ExecutionReport,
    Fill,
    Page,
    Source,
)
from fillwright.resilience import Lane
from fillwright.states import Action, OrderState, Owner
from fillwright.types import ClientOrderId, ExecType

_log = get_logger(__name__)

#: Full comparisons that must miss an execution before it is booked on the broker's word, and
#: that must show a position break before it counts.
ROUNDS = 2


class Reconciler:
    """One comparison at a time."""

    def __init__(
        self,
        books: Books,
        keeper: Keeper,
        market: Market,
        executor: Executor,
        *,
        clock: Clock,
    ) -> None:
        self._books = books
        self._keeper = keeper
        self._market = market
        self._executor = executor
        self._clock = clock
        self._lock = asyncio.Lock()
        self._missed: Counter[ClientOrderId] = Counter()
        self._broken: Counter[str] = Counter()
        self._round = 0

    async def open_books(self) -> Account:
        """On a new journal: note what the account holds, and from where executions count."""
        while True:
            first = await self._page(None)
            account = await self._market.fresh_account()
            again = await self._page(first.cursor)
            if not again.items:
                break
        now = self._clock.now()
        positions = {s: p.quantity for s, p in account.positions.items() if p.quantity}
        self._keeper.write(BooksOpened(now, account.cash, positions))
        await self._keeper.write_durably(CursorMoved(now, again.cursor))
        return account

    async def run(self) -> Account:
        """Compare once. Raises BrokerUnavailable when any of the questions got no answer."""
        async with self._lock:
            self._round += 1
            query = f"reconcile-{self._round}"
            working = list(self._keeper.working())
            await self._take_executions(query)
            open_orders = await self._open_orders()
            for found in open_orders:
                self._books.take(as_report(found, query, self._clock.now()))
            for state in absent(working, open_orders):
                await self._look_for(state, query)
            await self._take_executions(query)
            await self._infer_missing(query)
            quiet = self._books.written
            account = await self._market.fresh_account()
            if quiet == self._books.written:
                self._check_positions(account)
            return account

    async def look_for(self, key: ClientOrderId, query: str) -> BrokerOrder | None:
        """Ask for one order by its ids and book the answer. None: the broker says there is none."""
        found = await self._find(key)
        if found is None:
            return None
        state = self._keeper.ledger.orders.get(key)
        current = state.broker_order_id if state else None
        for report in as_reports(found, current, query, self._clock.now()):
            self._books.take(report, key=key)
        await self._take_executions(query)
        return found

    async def clean_read(self, key: ClientOrderId, query: str) -> bool:
        """Ask by id, among open orders and among executions; say whether nothing was found."""
        if await self.look_for(key, query) is not None:
            return False
        for found in await self._open_orders():
            if found.client_order_id == key:
                self._books.take(as_report(found, query, self._clock.now()), key=key)
                return False
        booked = len(self._keeper.ledger.executions(key))
        await self._take_executions(query)
        return len(self._keeper.ledger.executions(key)) == booked

    async def _look_for(self, state: OrderState, query: str) -> None:
        key = state.client_order_id
        current = self._keeper.ledger.orders.get(key)
        if current is None or current.ended or current.in_doubt:
            return
        if current.awaiting(Action.SUBMIT):
            return  # its own request is still under way and will tell
        if current.owner is Owner.OURS:
            if await self.look_for(key, query) is None:
                self._vanished(key, query)
        elif current.alias is None or await self.look_for(key, query) is None:
            # It may have ended in any way, and nobody can be asked: it stays in the exposure.
            _log.warning("foreign_order_lost", client_order_id=key, symbol=current.symbol)

    def _vanished(self, key: ClientOrderId, query: str) -> None:
        current = self._keeper.ledger.orders.get(key)
        if current is not None and not current.ended:
            reason = f"{query}: the broker does not list it and does not know its id"
            self._books.doubt(key, Action.SUBMIT, reason)

    async def _take_executions(self, query: str) -> None:
        """Book every execution since the cursor before the last: the overlap finds stragglers."""
        ledger = self._keeper.ledger
        page = await self._page(ledger.earlier_cursor or ledger.cursor)
        for fill in page.items:
            self._books.take(_as_trade(fill, query))
        if page.cursor != ledger.cursor:
            self._keeper.write(CursorMoved(self._clock.now(), page.cursor))

    async def _infer_missing(self, query: str) -> None:
        """Book what the broker claims as filled when no execution shows it round after round."""
        orders = self._keeper.ledger.orders
        missing = [key for key, state in orders.items() if state.missing]
        self._missed = Counter({key: self._missed[key] + 1 for key in missing})
        for key in [key for key in missing if self._missed[key] >= ROUNDS]:
            found = await self._find(key)
            # The execution may have come while we asked.
            state = orders.get(key)
            if found is not None and state is not None and state.missing:
                self._infer(state, found, query)

    def _infer(self, state: OrderState, found: BrokerOrder, query: str) -> None:
        key, now = state.client_order_id, self._clock.now()
        guess = inferred_fill(state, found, now)
        if found.filled < state.claimed:
            # The larger claim was told before a bust and came behind it.
            said = replace(as_report(found, query, now), exec_type=ExecType.RESTATED, quantity=None)
            self._books.take(said, key=key)
        elif guess is None:
            _log.error("execution_missing", client_order_id=key, quantity=str(state.missing))
        else:
            self._keeper.write(Inferred(key, now, guess))

    def _check_positions(self, account: Account) -> None:
        """A difference that stays for two quiet rounds is a break: halt the symbol."""
        breaks = position_breaks(self._keeper.ledger.positions, account)
        symbols = {symbol for symbol, _, _ in breaks}
        for symbol in [s for s in self._broken if s not in symbols]:
            del self._broken[symbol]
        for symbol, ours, theirs in breaks:
            self._broken[symbol] += 1
            if self._broken[symbol] == ROUNDS:
                self._books.position_break(symbol, ours, theirs)

    async def _find(self, key: ClientOrderId) -> BrokerOrder | None:
        """The order as the broker has it, under the newest of its names that it knows."""
        state = self._keeper.ledger.orders.get(key)
        for name in state.names if state else (key,):
            ask = partial(self._executor.find, name)
            found = await self._market.ask(ask, Lane.QUERY)
            if found is not None and not is_unborn(found):
                return found
        return None

    async def _page(self, since: Cursor | None) -> Page[Fill]:
        return await self._market.ask(lambda: self._executor.executions(since), Lane.QUERY)

    async def _open_orders(self) -> Sequence[BrokerOrder]:
        return await self._market.ask(self._executor.open_orders, Lane.QUERY)


def _as_trade(fill: Fill, query: str) -> ExecutionReport:
    return ExecutionReport(
        exec_type=fill.exec_type,
        symbol=fill.symbol,
        side=fill.side,
        evidence=Evidence(Source.QUERY, query),
        transact_time=fill.execution.transact_time,
        client_order_id=fill.client_order_id,
        broker_order_id=fill.broker_order_id,
        execution=fill.execution,
    )
