"""Compare with the broker's books, and book the difference as ordinary reports.

Rules:
1. Executions first: they alone move positions.
2. An order of ours that is not among the open ones is asked for by name; a broker that does not
   know it puts the order in doubt, never in its grave.
3. An answer that could not be had raises, and nothing is concluded from it.
4. What was given up and works all the same is to be canceled, at each comparison until it ends: a
   broker may refuse a cancel.
5. When the books are opened, their time is compared with the broker's: a clock that is set
   meanwhile makes it begin anew.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from fillwright.accounts import Account
from fillwright.desk.books import Books
from fillwright.desk.differences import Differences
from fillwright.desk.keeper import Keeper
from fillwright.desk.market import PAGES_WITHIN, Market
from fillwright.ledger import BooksOpened, CursorMoved, EarlierFill, Inferred
from fillwright.logs import get_logger
from fillwright.protocols import Clock, Executor
from fillwright.reconcile import (
    absent,
    as_report,
    as_reports,
    inferred_fill,
    is_unborn,
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
from fillwright.types import ZERO, ClientOrderId, ExecType, ExecutionId, OrdStatus

_log = get_logger(__name__)

#: Full comparisons that must miss an execution before it is booked on the broker's word.
ROUNDS = 2
#: By how much a clock must be set to count as set, in seconds.
SET = 1.0
#: How many fills from before its beginning a new journal remembers.
EARLIER_FILLS = 1000


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
        self.differences = Differences(books, keeper, clock)
        self._round = 0

    async def open_books(self) -> Account:
        """On a new journal: note what the account holds, and from where executions count."""
        while True:
            offset = self._offset
            first = await self._page(None)
            account = await self._market.fresh_account(Lane.QUERY)
            again = await self._page(first.cursor)
            if not again.items and abs(self._offset - offset) < SET:
                break
        now = self._clock.now()
        positions = {s: p.quantity for s, p in account.positions.items() if p.quantity}
        earlier = _standing(first.items)
        opened = BooksOpened(now, account.cash, positions, earlier, again.cursor)
        await self._keeper.write_durably(opened)
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
            account = await self._market.fresh_account(Lane.QUERY)
            self.differences.compared(account, quiet=quiet == self._books.written)
            self._cancel_the_given_up()
            return account

    @property
    def _offset(self) -> float:
        """How far the time of day is ahead of the clock that nobody sets, in seconds."""
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _cancel_the_given_up(self) -> None:
        for state in self._keeper.working():
            if state.given_up and not state.pending:
                reason = "it was given up, and works"
                self._books.doubt(state.client_order_id, Action.CANCEL, reason)

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
            self.differences.drop_copy.listed(fill)
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
        replaced = found.status is OrdStatus.REPLACED or found.replaced_by is not None
        if found.filled < state.claimed and not replaced:
            # The larger claim was told before a bust and came behind it. What a replaced order
            # had filled is no such word: the one that took its place filled the rest.
            said = replace(as_report(found, query, now), exec_type=ExecType.RESTATED, quantity=None)
            self._books.take(said, key=key)
        elif guess is None:
            _log.error("execution_missing", client_order_id=key, quantity=str(state.missing))
        else:
            self._keeper.write(Inferred(key, now, guess))

    async def _find(self, key: ClientOrderId) -> BrokerOrder | None:
        """The order as the broker has it, under the newest of its names that it knows."""
        state = self._keeper.ledger.orders.get(key)
        for name in state.names if state else (key,):
            ask = partial(self._executor.find, name)
            found = await self._market.ask(ask, Lane.QUERY)
            current = self._keeper.ledger.orders.get(key)
            if found and not is_unborn(found, current.broker_order_id if current else None):
                return found
        return None

    async def _page(self, since: Cursor | None) -> Page[Fill]:
        ask = partial(self._executor.executions, since)
        return await self._market.ask(ask, Lane.QUERY, within=PAGES_WITHIN)

    async def _open_orders(self) -> Sequence[BrokerOrder]:
        return await self._market.ask(self._executor.open_orders, Lane.QUERY, within=PAGES_WITHIN)


def _standing(fills: Sequence[Fill]) -> tuple[EarlierFill, ...]:
    """The newest fills of a list; what was taken back stands with nothing."""
    standing: dict[ExecutionId, EarlierFill] = {}
    for fill in fills:
        execution = fill.execution
        name, order = execution.execution_id, fill.broker_order_id
        busted = fill.exec_type is ExecType.TRADE_CANCEL
        quantity = ZERO if busted else execution.quantity
        standing[name] = EarlierFill(name, order, quantity, execution.price)
        if execution.corrects is not None:
            standing[execution.corrects] = EarlierFill(execution.corrects, order, ZERO, ZERO)
    return tuple(standing.values())[-EARLIER_FILLS:]


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
        parent=fill.parent,
    )
