"""Release buys in the order of their turns, as money really becomes available.

Rules:
1. A buy leaves when what is available pays for it at its worst price; nobody overtakes.
2. While money may still come (open orders, proceeds on their way) a buy waits, bounded.
3. After that it is made as small as what is available pays for, or reported as not paid for.
4. What leaves is in the journal, durably, with its final quantity, before it leaves.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from fillwright.accounts import Instrument, Quote
from fillwright.desk.planning.diary import Diary, Release
from fillwright.desk.planning.facts import flaw_of, quote_of
from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.sending import Sender
from fillwright.desk.planning.settings import Backoff, PlanSettings
from fillwright.desk.planning.waiting import is_open
from fillwright.errors import BrokerUnavailable
from fillwright.logs import Logger
from fillwright.orders import Order
from fillwright.plans import Why
from fillwright.plans.funds import Price, cut
from fillwright.plans.sizing import SizedLine
from fillwright.protocols import OrderHandle
from fillwright.types import ZERO


class Purse:
    """What the plan's buys may cost now, by the broker's own word."""

    def __init__(self, desk: PlanDesk, settings: PlanSettings, start: Decimal) -> None:
        self._desk = desk
        self._settings = settings
        self._start = start
        self._sells: list[OrderHandle] = []
        self.buys: list[tuple[OrderHandle, Release]] = []
        #: Whether the sells' proceeds show in the account.
        self.arrived = False

    def expect(self, sells: Iterable[OrderHandle]) -> None:
        """Count on what these sells bring."""
        self._sells = list(sells)

    @property
    def waiting_for(self) -> bool:
        """Whether an order that is still open may set money free."""
        return any(map(is_open, self._sells)) or any(is_open(h) for h, _ in self.buys)

    async def look(self) -> Decimal | None:
        """Ask the broker what is available; None when it does not say."""
        # What is read before the question is asked cannot count money twice.
        unseen = sum((r.cost for h, r in self.buys if _is_unseen(h)), ZERO)
        holds = sum((_hold(h, r) for h, r in self.buys), ZERO)
        spent = sum((h.state.value + h.state.fees for h, _ in self.buys), ZERO)
        brought = sum((h.state.value - h.state.fees for h in self._sells), ZERO)
        try:
            account = await self._desk.fresh_account()
        except BrokerUnavailable:
            return None
        free = account.buying_power - unseen
        if not self._settings.margin:
            free = min(free, account.cash - holds)
        slack = 1 - self._settings.proceeds_slack
        unheld = account.buying_power + holds
        shown = spent + (unheld if self._settings.margin else min(unheld, account.cash))
        self.arrived = self.arrived or shown >= self._start + brought * slack
        return max(free, ZERO)


class Buyer:
    """The buys of one plan that have not left yet."""

    def __init__(
        self, sender: Sender, diary: Diary, purse: Purse, *, settings: PlanSettings, log: Logger
    ) -> None:
        self._sender = sender
        self._diary = diary
        self._purse = purse
        self._desk = sender.desk
        self._settings = settings
        self._log = log
        self._quotes: dict[str, Quote | None] = {}
        #: Why a symbol has none.
        self._unquoted: dict[str, str] = {}
        self._rules: dict[str, Instrument] = {}
        self._queue: deque[SizedLine] = deque()
        self._patient_until = 0.0

    async def run(self, lines: Iterable[SizedLine]) -> None:
        """Return when each line was released or noted."""
        self._queue.extend(sorted(lines, key=lambda line: line.rank))
        await asyncio.gather(*(self._price(line) for line in self._queue))
        backoff = Backoff(self._settings)
        self._has_moved()
        while self._queue and not self._is_late():
            funds = await self._look()
            if await self._release(funds):
                backoff.reset()
            elif await self._may_wait(funds):
                await self._desk.clock.sleep(backoff.next())
            else:
                await self._decide(self._queue.popleft(), funds)
        for line in self._queue:
            self._sender.note(line.index, Why.NOT_SENT, "the plan's time was up before its turn")
        self._queue.clear()

    def _is_late(self) -> bool:
        return self._desk.clock.monotonic() >= self._sender.deadline

    def _has_moved(self) -> None:
        self._patient_until = self._desk.clock.monotonic() + self._settings.funds_within

    async def _look(self) -> Decimal | None:
        before = self._purse.arrived
        funds = await self._purse.look()
        if self._purse.arrived and not before:
            self._log.info("funds_arrived", available=str(funds))
        return funds

    async def _may_wait(self, funds: Decimal | None) -> bool:
        if self._desk.clock.monotonic() >= self._patient_until:
            return False
        if funds is None or not self._purse.arrived or self._purse.waiting_for:
            return True
        return await self._cost(self._queue[0]) is None

    async def _cost(self, line: SizedLine) -> Decimal | None:
        return None if line.order is None else (await self._price(line)).cost(line.order)

    async def _price(self, line: SizedLine) -> Price:
        if line.symbol not in self._rules:
            self._rules[line.symbol] = await self._desk.instrument(line.symbol)
        return Price(await self._quote(line), self._rules[line.symbol], self._settings.collar)

    async def _quote(self, line: SizedLine) -> Quote | None:
        if line.order is None or line.order.limit_price or line.order.notional:
            return None
        quote = self._quotes.get(line.symbol)
        if quote is None or flaw_of(quote, self._desk, self._settings):
            quote, problem = await quote_of(line.symbol, self._desk, self._settings)
            self._quotes[line.symbol], self._unquoted[line.symbol] = quote, problem
        return quote

    async def _release(self, funds: Decimal | None) -> bool:
        releases: dict[int, Release] = {}
        while self._queue and funds is not None:
            order, cost = self._queue[0].order, await self._cost(self._queue[0])
            if order is None or cost is None or cost > funds:
                break
            funds -= cost
            releases[self._queue.popleft().index] = Release(order, cost)
        if releases:
            await self._send(releases)
        return bool(releases)

    async def _decide(self, line: SizedLine, funds: Decimal | None) -> None:
        price, cost = await self._price(line), await self._cost(line)
        if funds is None:
            self._sender.note(line.index, Why.NO_ANSWER, "the broker did not tell the account")
            return
        if cost is None:
            problem = self._unquoted.get(line.symbol) or f"{line.symbol} has no usable quote"
            self._sender.note(line.index, Why.NO_QUOTE, problem)
            return
        order = cut(line, price, funds)
        less = None if order is None else price.cost(order)
        if order is not None and less is not None:
            await self._send({line.index: Release(order, less)})
            return
        text = f"it may cost {cost:.2f} and {funds:.2f} is available"
        self._sender.note(line.index, Why.NO_FUNDS, text)

    async def _send(self, releases: dict[int, Release]) -> None:
        await self._diary.released(releases)
        await self.pick_up(releases)
        self._has_moved()

    async def pick_up(self, releases: dict[int, Release]) -> None:
        """Send what is released in the journal; what the desk has already comes back as it is."""
        orders: dict[int, Order] = {index: r.order for index, r in releases.items()}
        await self._sender.send(orders)
        handles = self._sender.handles
        self._purse.buys += [(handles[n], r) for n, r in releases.items() if n in handles]


def _is_unseen(handle: OrderHandle) -> bool:
    state = handle.state
    return not state.ended and state.broker_order_id is None


def _hold(handle: OrderHandle, release: Release) -> Decimal:
    state = handle.state
    if state.ended:
        return ZERO
    if release.order.notional is not None or not state.quantity:
        return max(release.cost - state.value, ZERO)
    return release.cost * state.leaves / state.quantity
