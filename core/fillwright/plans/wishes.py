"""What each line of a plan asks for, before any rule of market or account has its say."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType

from fillwright.accounts import Account, Instrument, Quote
from fillwright.orders import Order
from fillwright.plans.kinds import (
    Action,
    Basket,
    Plan,
    RebalanceItem,
    RebalancePlan,
    TargetQuantities,
    Targets,
    TargetValues,
)
from fillwright.types import ZERO, Side

#: What a quantity is counted in where nothing finer is known.
_UNIT = Decimal("0.000000001")
#: What money is counted in.
_MILLIONTH = Decimal("0.000001")
_ORDINARY = 3


@dataclass(frozen=True, slots=True)
class Working:
    """What an order that is already open may still trade."""

    symbol: str
    side: Side
    leaves: Decimal
    #: It trades only when its market gets somewhere: a stop, or a leg that waits for its entry.
    contingent: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts that a plan is sized from."""

    account: Account
    #: Fresh ones only; a symbol without one has no price.
    quotes: Mapping[str, Quote]
    #: A symbol without one has rules that nobody knows, and is not traded.
    instruments: Mapping[str, Instrument]
    working: Sequence[Working] = ()
    #: Symbols in which an earlier order's end is not proven, each with a sentence on it.
    unsettled: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    #: Symbols without a quote, each with a sentence on why.
    unquoted: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def leaves(self, symbol: str, side: Side) -> Decimal:
        """What open orders may still trade in `symbol` on `side`."""
        same = (w.leaves for w in self.working if w.symbol == symbol and w.side is side)
        return sum(same, ZERO)

    def _surely(self, symbol: str) -> Decimal:
        open_ones = (w for w in self.working if w.symbol == symbol and not w.contingent)
        return sum((w.side.sign * w.leaves for w in open_ones), ZERO)

    def expected(self, symbol: str) -> Decimal:
        """The position once every open order has traded in full, stops and legs left aside."""
        return self.account.quantity(symbol) + self._surely(symbol)

    def free(self, symbol: str) -> Decimal:
        """What may be sold without opening a short, whatever open orders do."""
        position = self.account.positions.get(symbol)
        if position is None:
            return ZERO
        unsold = position.quantity - self.leaves(symbol, Side.SELL)
        if position.available is not None:
            unsold = min(unsold, position.available)
        return max(unsold, ZERO)

    def price(self, symbol: str, side: Side) -> Decimal | None:
        """What `side` would trade at; None without a usable quote."""
        quote = self.quotes.get(symbol)
        if quote is None or quote.crossed:
            return None
        return quote.touch(side) or None

    def worth(self, symbol: str) -> Decimal | None:
        """What one share or coin is worth: the middle, or the one side that there is."""
        quote = self.quotes.get(symbol)
        if quote is None or quote.crossed:
            return None
        return quote.middle or quote.bid or quote.ask or None


@dataclass(frozen=True, slots=True)
class Wish:
    """What one line asks for; without a side there is nothing to do."""

    index: int
    symbol: str
    side: Side | None
    #: Shares or coins; None where no price was to be had, or for an order by notional.
    asked: Decimal | None
    #: Account currency, where the line speaks of it.
    value: Decimal | None = None
    priority: int = _ORDINARY
    tactic: str | None = None
    #: An order that its owner wrote.
    order: Order | None = None


def wishes(plan: Plan, snapshot: Snapshot) -> Iterator[Wish]:
    """Every line of `plan` in its order, then the positions that `close_others` closes."""
    if isinstance(plan, RebalancePlan):
        return (_traded(n, item, snapshot) for n, item in enumerate(plan.items))
    if isinstance(plan, Basket):
        return (
            Wish(n, order.symbol, order.side, order.quantity, order.notional, order=order)
            for n, order in enumerate(plan.orders)
        )
    targets = _target_quantities(plan, snapshot)
    return (_moved(n, symbol, targets[symbol], snapshot) for n, symbol in enumerate(targets))


def symbol_numbers(symbols: Sequence[str]) -> tuple[int, ...]:
    """For each symbol, how many times it has appeared so far: 1 for the first."""
    seen: Counter[str] = Counter()
    numbers = []
    for symbol in symbols:
        seen[symbol] += 1
        numbers.append(seen[symbol])
    return tuple(numbers)


def counted_money(value: Decimal) -> Decimal:
    """Round down to millionths of the account's currency."""
    return value.quantize(_MILLIONTH, ROUND_DOWN)


def _traded(index: int, item: RebalanceItem, snapshot: Snapshot) -> Wish:
    if item.action is Action.HOLD:
        return Wish(index, item.symbol, None, ZERO, ZERO, item.priority, item.tactic)
    side, value = Side(item.action.value), abs(item.trade_amount)
    held = snapshot.account.quantity(item.symbol)
    if item.liquidates and held > 0:
        return Wish(index, item.symbol, side, held, value, item.priority, item.tactic)
    price = snapshot.price(item.symbol, side)
    asked = None if price is None else _counted(value / price)
    return Wish(index, item.symbol, side, asked, value, item.priority, item.tactic)


@dataclass(frozen=True, slots=True)
class _Target:
    quantity: Decimal | None
    value: Decimal | None = None


def _target_quantities(plan: Targets, snapshot: Snapshot) -> dict[str, _Target]:
    if isinstance(plan, TargetQuantities):
        targets = {s: _Target(quantity) for s, quantity in plan.target_quantities.items()}
    elif isinstance(plan, TargetValues):
        targets = {s: _valued(s, v, snapshot) for s, v in plan.target_values.items()}
    else:
        equity = max(snapshot.account.equity, ZERO)
        weights = plan.target_weights.items()
        targets = {s: _valued(s, counted_money(w * equity), snapshot) for s, w in weights}
    if plan.close_others:
        held = (s for s, p in snapshot.account.positions.items() if p.quantity)
        targets |= {s: _Target(ZERO) for s in sorted(held) if s not in targets}
    return targets


def _valued(symbol: str, value: Decimal, snapshot: Snapshot) -> _Target:
    if value == 0:
        return _Target(ZERO)
    worth = snapshot.worth(symbol)
    return _Target(None if worth is None else _counted(value / worth), value)


def _moved(index: int, symbol: str, target: _Target, snapshot: Snapshot) -> Wish:
    expected = snapshot.expected(symbol)
    if target.quantity is None:
        # Without a price nobody knows even the side; more is wanted than nothing.
        return Wish(index, symbol, Side.BUY, None, target.value)
    move = target.quantity - expected
    if move == 0:
        return Wish(index, symbol, None, ZERO)
    worth, quantity = snapshot.worth(symbol), abs(move)
    value = None if worth is None else counted_money(quantity * worth)
    return Wish(index, symbol, Side.BUY if move > 0 else Side.SELL, quantity, value)


def _counted(value: Decimal) -> Decimal:
    return value.quantize(_UNIT, ROUND_DOWN)
