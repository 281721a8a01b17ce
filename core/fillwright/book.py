"""What a check sees: one frozen view of account, exposure, quotes and rules.

Working, in-flight and in-doubt orders are counted at their worst case. A view never fetches
anything. What a check declared in its `needs` is there, or the check is not asked; for the rest
there are questions that may answer None.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from fillwright.accounts import Account, Instrument, Quote
from fillwright.errors import InputMissing
from fillwright.history import EVER, NO_HISTORY, History
from fillwright.inputs import NOTHING, Datum, Input, Locate, ProfitAndLoss, Session, Ssr, Supplied
from fillwright.orders import Order
from fillwright.reports import Anomaly
from fillwright.types import ZERO, OrderClass, OrdType, Side

T = TypeVar("T")
#: How far a market order may trade away from the quote in the worst case.
COLLAR = Decimal("0.05")
_OPENING_LEGS = frozenset({OrderClass.BRACKET, OrderClass.OTO})


class Exposure(NamedTuple):  # a frozen dataclass takes three times as long to make
    """One symbol: what is held, and what may still be bought and sold by orders under way."""

    position: Decimal = ZERO
    #: Worst-case leaves of buy orders: working, in flight and in doubt.
    open_buys: Decimal = ZERO
    open_sells: Decimal = ZERO
    #: Worst-case value of those buys and sells in account currency.
    open_buy_value: Decimal = ZERO
    open_sell_value: Decimal = ZERO
    orders: int = 0
    #: How many of those orders have no known price: the values above leave them out.
    unpriced: int = 0
    #: How many of those orders buy.
    buy_orders: int = 0


FLAT = Exposure()


@dataclass(frozen=True, slots=True)
class FillFacts:
    """What is known of one booked execution besides itself; the journal holds all of it."""

    #: When its record was made.
    booked_at: datetime
    #: The newest quote that the desk had then, fresh or not; None when it had none.
    quote: Quote | None = None
    #: What was surprising about it.
    anomalies: tuple[Anomaly, ...] = ()


class Beside(NamedTuple):
    """What stands beside the order that is judged: resting orders, children of its parent."""

    #: The highest price at which a buy of ours rests in the symbol; None when none does. One
    #: that takes any price rests at infinity, and a sell of that kind at zero.
    highest_buy: Decimal | None = None
    lowest_sell: Decimal | None = None
    #: What other children of the same parent may still trade.
    children: Decimal = ZERO


ALONE = Beside()


class RecentOrder(NamedTuple):
    """An order that passed the gate a short while ago."""

    symbol: str
    side: Side
    quantity: Decimal | None
    notional: Decimal | None
    type: OrdType
    limit_price: Decimal | None
    time_in_force: str
    client_order_id: str
    at: datetime
    stop_price: Decimal | None = None
    intent_id: str | None = None


@dataclass(frozen=True, slots=True)
class BookView:
    """The facts on which one order is judged, at `now`.

    For a replace, the exposure does not contain the order that is being changed,
    `already_filled` says how much of it has traded, `standing` its quantity until now, and
    `standing_value` what its rest could cost or bring until now, if anybody knows.
    """

    now: datetime
    account: Account
    exposures: Mapping[str, Exposure]
    quotes: Mapping[str, Quote]
    instruments: Mapping[str, Instrument]
    #: Buys that the broker's buying power does not show yet, at worst-case cost.
    reserved: Decimal = ZERO
    recent: tuple[RecentOrder, ...] = ()
    already_filled: Decimal = ZERO
    #: Quotes older than this count as absent.
    quote_max_age: timedelta = timedelta(seconds=5)
    standing: Decimal | None = None
    #: The data besides quotes and rules; ask with the methods below.
    supplied: Supplied = NOTHING
    #: What this desk did, every approval so far included.
    history: History = NO_HISTORY
    #: When the trading day began.
    today: datetime = EVER
    #: When a check is asked about an execution: what belongs to it.
    fill: FillFacts | None = None
    #: When a named person last lifted a halt: what went wrong before was looked at.
    attended: datetime = EVER
    beside: Beside = ALONE
    standing_value: Decimal | None = None
    #: What the broker's buying power leaves out already for the order that is being changed.
    standing_hold: Decimal = ZERO
    #: What was reckoned about the order that was asked about last; see `_once`.
    _reckoned: dict[str, tuple[Order, Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    #: What was reckoned of the view itself; see `once`.
    _shared: dict[Callable[..., Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def exposure(self, symbol: str) -> Exposure:
        """What is held and under way in `symbol`."""
        return self.exposures.get(symbol, FLAT)

    def instrument(self, symbol: str) -> Instrument | None:
        """The rules of `symbol`; None when the broker's are not known."""
        return self.instruments.get(symbol)

    def quote(self, symbol: str) -> Quote | None:
        """A quote that is fresh and not crossed; None otherwise."""
        quote = self.quotes.get(symbol)
        if quote is None or abs(self.now - quote.at) > self.quote_max_age:
            return None
        return quote if quote.finite and not quote.crossed else None

    def find(self, name: str, symbol: str = "") -> Datum | None:
        """Any input by its name, fresh and sound; None otherwise, whoever declared it."""
        if name == Input.QUOTE:
            quote = self.quote(symbol) if self.has(name, symbol) else None
            return Datum(name, symbol, quote, quote.at) if quote else None
        if name == Input.INSTRUMENT:
            rules, read = self.instrument(symbol), self.supplied.instruments_at.get(symbol)
            at = self.now if read is None else read
            fresh = self.now - at <= self.supplied.age_of(name)
            return Datum(name, symbol, rules, at) if rules and fresh else None
        return self.supplied.fresh(name, symbol, self.now)

    def offers(self, name: str) -> bool:
        """Whether anything supplies an input, so that its absence is a fault."""
        return name in self.supplied.offered

    def has(self, name: str, symbol: str = "") -> bool:
        """Whether an input is here, fresh and sound."""
        if name == Input.QUOTE:
            quote = self.quote(symbol)
            return quote is not None and (quote.bid is not None or quote.ask is not None)
        return self.find(name, symbol) is not None

    def adv(self, symbol: str) -> Decimal:
        """Average daily volume, in shares or coins. Raises InputMissing, like all of these."""
        return self._declared(Input.ADV, symbol, Decimal)

    def volume(self, symbol: str) -> Decimal:
        """What everybody traded today, in shares or coins."""
        return self._declared(Input.VOLUME, symbol, Decimal)

    def session(self, symbol: str) -> Session:
        """Whether the symbol trades now."""
        return self._declared(Input.SESSION, symbol, Session).at(self.now)

    def locate(self, symbol: str) -> Locate:
        """What may be sold short."""
        return self._declared(Input.LOCATE, symbol, Locate)

    def ssr(self, symbol: str) -> Ssr:
        """Whether short sales are restricted."""
        return self._declared(Input.SSR, symbol, Ssr)

    def sector(self, symbol: str) -> str:
        """The symbol's sector."""
        return self._declared(Input.SECTOR, symbol, str)

    def needed_quote(self, symbol: str) -> Quote:
        """The fresh quote; one of its sides may be None."""
        return self._declared(Input.QUOTE, symbol, Quote)

    def needed_instrument(self, symbol: str) -> Instrument:
        """The broker's rules."""
        return self._declared(Input.INSTRUMENT, symbol, Instrument)

    def number(self, name: str, symbol: str = "") -> Decimal:
        """An input of your own that is a number."""
        return self._declared(name, symbol, Decimal)

    def text(self, name: str, symbol: str = "") -> str:
        """An input of your own that is text."""
        return self._declared(name, symbol, str)

    @property
    def pnl(self) -> ProfitAndLoss:
        """The account's profit and loss today."""
        return self._declared(Input.PNL, "", ProfitAndLoss)

    def _declared(self, name: str, symbol: str, kind: type[T]) -> T:
        datum = self.find(name, symbol)
        if datum is None or not isinstance(datum.value, kind):
            raise InputMissing(name, symbol)
        return datum.value

    def reference_price(self, symbol: str, side: Side) -> Decimal | None:
        """What `side` would trade at now, from a fresh quote."""
        quote = self.quote(symbol)
        return quote.touch(side) if quote else None

    def worst_price(self, order: Order, collar: Decimal = COLLAR) -> Decimal | None:
        """The highest price that the order could cost in one share or coin.

        A buy limit bounds itself; anything that trades at the market may run `collar` away
        from the quote. None when that needs a quote and there is none.
        """
        if order.side is Side.BUY and order.limit_price is not None:
            return order.limit_price
        if collar == COLLAR:
            return self._once("price", order, self._price)
        return self._price(order, collar)

    def _price(self, order: Order, collar: Decimal = COLLAR) -> Decimal | None:
        reference = self.reference_price(order.symbol, order.side)
        if reference is None:
            return order.limit_price if order.type is OrdType.LIMIT else None
        worst = reference * (1 + collar)
        if order.limit_price is None and order.stop_price is None:
            return worst
        bounds = (worst, order.limit_price, order.stop_price)
        return max(bound for bound in bounds if bound is not None)

    def worst_quantity(self, order: Order, collar: Decimal = COLLAR) -> Decimal | None:
        """How much may still trade: an order by notional gets more when the price falls."""
        if order.quantity is not None:
            filled = self.already_filled
            return max(order.quantity - filled, ZERO) if filled else order.quantity
        reference = self.reference_price(order.symbol, order.side)
        if order.notional is None or reference is None:
            return None
        return order.notional / (reference * (1 - collar))

    def worst_cost(self, order: Order, collar: Decimal = COLLAR) -> Decimal | None:
        """The most that the rest of the order can cost or bring, in account currency."""
        if order.notional is not None:
            return order.notional
        if collar == COLLAR:
            return self._once("cost", order, self._cost)
        return self._cost(order, collar)

    def _cost(self, order: Order, collar: Decimal = COLLAR) -> Decimal | None:
        quantity, price = self.worst_quantity(order, collar), self.worst_price(order, collar)
        return None if quantity is None or price is None else quantity * price

    def reduces(self, order: Order) -> bool:
        """Whether the order can only make the position smaller, whatever else fills first.

        An entry with legs never does: its legs trade the other way.
        """
        return self._once("reduces", order, self._reduces)

    def _reduces(self, order: Order) -> bool:
        quantity = self.worst_quantity(order)
        if quantity is None or order.order_class in _OPENING_LEGS:
            return False
        held = self.exposure(order.symbol)
        if order.side is Side.SELL:
            return held.position >= held.open_sells + quantity
        return -held.position >= held.open_buys + quantity

    def _once(self, what: str, order: Order, reckon: Callable[[Order], T]) -> T:
        """Reckon it for the first check of a chain; the others ask the same a dozen times."""
        known = self._reckoned.get(what)
        if known is None or known[0] is not order:
            known = self._reckoned[what] = (order, reckon(order))
        return known[1]

    def once(self, reckon: Callable[["BookView"], T]) -> T:
        """What a function of a module makes of this view, reckoned once for all checks.

        It may not be changed: give a number, a tuple, or something frozen.
        """
        shared = self._shared
        if reckon not in shared:
            shared[reckon] = reckon(self)
        found: T = shared[reckon]
        return found

    def reducible(self, order: Order) -> Decimal:
        """The largest quantity on the order's side that still only reduces; zero if none."""
        held = self.exposure(order.symbol)
        if order.side is Side.SELL:
            return max(held.position - held.open_sells, ZERO)
        return max(-held.position - held.open_buys, ZERO)
