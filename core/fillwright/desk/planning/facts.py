"""Gather the facts that a plan is sized from, and refuse a plan that names what does not exist."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import TypeVar

from fillwright.accounts import Instrument, Quote
from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.settings import Backoff, PlanSettings
from fillwright.errors import BrokerUnavailable, PlanError, UnknownSymbol
from fillwright.plans import Basket, Plan, RebalancePlan, kind_of, symbols_of
from fillwright.plans.wishes import Snapshot, Working
from fillwright.states import OrderState, Owner
from fillwright.types import OrdType

T = TypeVar("T")
_CONTINGENT = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP})


async def answered(
    question: Callable[[], Awaitable[T]], desk: PlanDesk, settings: PlanSettings
) -> T:
    """The answer to a question that may be put more than once.

    Raises `BrokerUnavailable` when none of a bounded number of attempts brought one.
    """
    backoff = Backoff(settings)
    for _ in range(1, settings.attempts):
        try:
            return await question()
        except BrokerUnavailable:
            await desk.clock.sleep(backoff.next())
    return await question()


async def rules_of(plan: Plan, desk: PlanDesk, settings: PlanSettings) -> dict[str, Instrument]:
    """The rules of every symbol in the plan.

    Raises PlanError for a symbol that the broker does not know, `BrokerUnavailable` when it
    cannot say.
    """

    async def rules(index: int, symbol: str) -> Instrument:
        try:
            return await answered(partial(desk.instrument, symbol), desk, settings)
        except UnknownSymbol as fault:
            raise PlanError(_where(plan, index, symbol), str(fault)) from fault

    symbols = symbols_of(plan)
    found = await asyncio.gather(*(rules(n, symbol) for n, symbol in enumerate(symbols)))
    return dict(zip(symbols, found, strict=True))


def _where(plan: Plan, index: int, symbol: str) -> str:
    if isinstance(plan, RebalancePlan):
        return f"plan {plan.plan_id}: items.{index}.symbol"
    if isinstance(plan, Basket):
        index = next(n for n, order in enumerate(plan.orders) if order.symbol == symbol)
        return f"plan {plan.plan_id}: orders.{index}.symbol"
    return f"plan {plan.plan_id}: {kind_of(plan)}.{symbol}"


async def snapshot_of(
    plan: Plan,
    desk: PlanDesk,
    settings: PlanSettings,
    *,
    rules: Mapping[str, Instrument],
    unsettled: Mapping[str, str],
    without: frozenset[str] = frozenset(),
) -> Snapshot:
    """The account, then quotes, rules and open orders as they stand now.

    `without` names open orders that are to be taken for canceled already.
    """
    account = await answered(desk.fresh_account, desk, settings)
    rules = dict(rules)
    if getattr(plan, "close_others", False):
        others = [s for s, p in account.positions.items() if p.quantity and s not in rules]
        rules |= await _other_rules(others, desk, settings)
    quotes, unquoted = await quotes_of(rules, desk, settings)
    blocked = dict(unsettled)
    working = []
    for state in desk.working():
        if state.ended or state.client_order_id in without:
            continue
        leaves = _leaves(state, quotes)
        if leaves is None:
            name = f"the open order {state.client_order_id}"
            blocked.setdefault(state.symbol, f"how much {name} may still trade is not known")
        else:
            working.append(Working(state.symbol, state.side, leaves, _is_contingent(state)))
    return Snapshot(account, quotes, rules, tuple(working), blocked, unquoted)


async def quotes_of(
    symbols: Iterable[str], desk: PlanDesk, settings: PlanSettings
) -> tuple[dict[str, Quote], dict[str, str]]:
    """Fresh quotes, for those symbols that have one, and why the others have none."""
    names = list(symbols)
    found = await asyncio.gather(*(quote_of(symbol, desk, settings) for symbol in names))
    quotes, unquoted = {}, {}
    for symbol, (quote, problem) in zip(names, found, strict=True):
        if quote is None:
            unquoted[symbol] = problem
        else:
            quotes[symbol] = quote
    return quotes, unquoted


async def quote_of(symbol: str, desk: PlanDesk, settings: PlanSettings) -> tuple[Quote | None, str]:
    """A fresh quote after a bounded number of attempts; when there is none, why."""
    backoff = Backoff(settings)
    problem = ""
    for attempt in range(settings.attempts):
        if attempt:
            await desk.clock.sleep(backoff.next())
        try:
            quote = await desk.fresh_quote(symbol)
        except UnknownSymbol as fault:
            return None, str(fault)
        except BrokerUnavailable as fault:
            problem = str(fault)
            continue
        problem = flaw_of(quote, desk, settings)
        if not problem:
            return quote, ""
    return None, problem


def flaw_of(quote: Quote, desk: PlanDesk, settings: PlanSettings) -> str:
    """Why a quote prices nothing; empty for one that does."""
    age, most = quote.age(desk.clock.now()).total_seconds(), settings.quote_max_age
    if abs(age) > most:
        off = f"{age:.0f} s old" if age > 0 else f"{-age:.0f} s in the future"
        return (
            f"the quote of {quote.symbol} is {off} by this machine's clock, and {most:g} s is the "
            "limit: the market is closed, the symbol is quiet, or the clock is wrong "
            "(`fillwright doctor` tells)"
        )
    return f"the quote of {quote.symbol} is crossed" if quote.crossed else ""


async def _other_rules(
    symbols: list[str], desk: PlanDesk, settings: PlanSettings
) -> dict[str, Instrument]:
    async def rules(symbol: str) -> Instrument | None:
        try:
            return await answered(partial(desk.instrument, symbol), desk, settings)
        except UnknownSymbol:
            return None

    found = await asyncio.gather(*map(rules, symbols))
    return {s: known for s, known in zip(symbols, found, strict=True) if known is not None}


def _leaves(state: OrderState, quotes: Mapping[str, Quote]) -> Decimal | None:
    if state.quantity is not None:
        return state.leaves
    quote, order = quotes.get(state.symbol), state.order
    price = quote.bid or quote.ask if quote else None
    if order is None or order.notional is None or not price:
        return None
    return max(order.notional - state.value, Decimal(0)) / price


def _is_contingent(state: OrderState) -> bool:
    kind = state.order.type if state.order else None
    return state.owner is Owner.LEG or kind in _CONTINGENT
