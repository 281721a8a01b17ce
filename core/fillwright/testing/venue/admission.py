"""Who may come in: the checks that need the account, and the order as the venue will keep it."""

from decimal import Decimal

from fillwright.orders import Order
from fillwright.testing.venue.books import Books
from fillwright.testing.venue.floor import Floor
from fillwright.testing.venue.market import Market
from fillwright.testing.venue.matching import Matching
from fillwright.testing.venue.records import WAITS, VenueOrder
from fillwright.testing.venue.refusals import Refused, Why, duplicate
from fillwright.testing.venue.rules import is_whole, objection_to
from fillwright.testing.venue.settings import VenueSettings
from fillwright.types import (
    ZERO,
    AssetClass,
    BrokerOrderId,
    ClientOrderId,
    OrderClass,
    OrdType,
    Side,
    text_of,
)

#: What a buy at the market may cost beyond the quote: held at submit, and its bound.
PAD = Decimal("1.05")
#: What a short sale by limit holds at least, beyond the ask.
SHORT_PAD = Decimal("1.03")

#: An order that is refused uses up no id.
_NOT_YET = BrokerOrderId("")


class Admission:
    """Refuse, or make the venue's own record of an order."""

    def __init__(self, settings: VenueSettings, books: Books, matching: Matching) -> None:
        self._settings = settings
        self._books = books
        self._matching = matching
        self._floor: Floor = matching.floor

    def admit(self, order: Order, client_order_id: ClientOrderId) -> tuple[VenueOrder, Market]:
        """The record of an order that may come in; raises `Refused`."""
        if client_order_id in self._books.by_client:
            raise duplicate(client_order_id)
        listing = self._matching.listings.get(order.symbol)
        if listing is None:
            raise Refused(client_order_id, Why.UNKNOWN_SYMBOL, f'asset "{order.symbol}" not found')
        instrument = listing.instrument
        self._check_open(order.symbol, client_order_id, tradable=instrument.tradable)
        objection = objection_to(order, instrument)
        if order.expire_time is not None and order.expire_time <= self._matching.now:
            objection = (Why.UNSUPPORTED, "expire_time is not in the future")
        if objection:
            raise Refused(client_order_id, *objection)
        market = self._matching.market(order.symbol)
        record = self._record(order, client_order_id, market)
        if record.side is Side.BUY:
            self._check_buy(record, market)
        else:
            self._check_sell(record, market)
        if order.order_class is OrderClass.OCO and record.hold_price is not None:
            raise Refused(client_order_id, Why.BAD_LEGS, "oco orders must be exit orders")
        if order.order_class is OrderClass.SIMPLE:
            self.check_wash(record, market)
        record.broker_order_id = self._books.new_order_id()
        record.rank = self._books.new_rank()
        return record, market

    def _check_open(self, symbol: str, client_order_id: str, *, tradable: bool) -> None:
        if self._books.blocked:
            raise Refused(client_order_id, Why.ACCOUNT_BLOCKED, "account is blocked from trading")
        if not tradable:
            raise Refused(client_order_id, Why.NOT_TRADABLE, f'asset "{symbol}" is not tradable')
        if symbol in self._books.halted:
            raise Refused(client_order_id, Why.HALTED, f'trading in "{symbol}" is halted')

    def _record(self, order: Order, client_order_id: ClientOrderId, market: Market) -> VenueOrder:
        instrument = market.listing.instrument
        quantity = order.quantity
        whole = quantity is not None and is_whole(quantity, instrument)
        if order.notional is not None and order.side is Side.SELL:
            quantity = self._quantity_for(order, client_order_id, market)
        now = self._matching.now
        return VenueOrder(
            _NOT_YET,
            client_order_id,
            0,
            order.symbol,
            order.side,
            order.type,
            order.time_in_force,
            quantity,
            order.notional,
            now,
            now,
            instrument.lot if whole else instrument.fraction,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            trail_price=order.trail_price,
            trail_percent=order.trail_percent,
            expire_time=order.expire_time,
            extended_hours=order.extended_hours,
            reduce_only=order.reduce_only,
            order_class=order.order_class,
        )

    def _quantity_for(
        self, order: Order, client_order_id: ClientOrderId, market: Market
    ) -> Decimal:
        """The quantity of a sale by notional, fixed at the bid."""
        price = order.limit_price or market.bid
        if price is None or order.notional is None:
            raise self._no_quote(client_order_id, order.symbol)
        quantity = market.listing.instrument.round_quantity(order.notional / price)
        if quantity <= 0:
            raise Refused(client_order_id, Why.BELOW_MINIMUM, "notional is below one step of qty")
        return quantity

    def _check_buy(self, order: VenueOrder, market: Market) -> None:
        position = self._books.quantity(order.symbol)
        if position < 0:
            self._check_cover(order, -position - market.open_buys)
            return
        if order.reduce_only:
            raise self._opens(order)
        if not position and market.open_sells:
            text = "cannot open a long buy while a short sell order is open"
            raise Refused(order.client_order_id, Why.OPPOSITE_SIDE, text)
        price = self.buy_price(order, market)
        cost = order.notional if order.notional is not None else order.leaves * price
        minimum = market.listing.instrument.min_notional
        if cost < minimum:
            text = f"cost basis must be >= minimal amount of order {text_of(minimum)}"
            raise Refused(order.client_order_id, Why.BELOW_MINIMUM, text)
        order.hold_price = price
        self.check_funds(order, cost)

    def _check_cover(self, order: VenueOrder, available: Decimal) -> None:
        if order.quantity is None:
            text = "a short position is covered by qty, not by notional"
            raise Refused(order.client_order_id, Why.UNSUPPORTED, text)
        if order.quantity > available:
            raise self.insufficient(order, available)

    def _check_sell(self, order: VenueOrder, market: Market) -> None:
        position = self._books.quantity(order.symbol)
        if position > 0:
            available = position - market.open_sells
            if order.leaves > available:
                raise self.insufficient(order, available)
            return
        if order.reduce_only:
            raise self._opens(order)
        self._check_short(order, market)
        if not position and market.open_buys:
            text = "cannot open a short sell while a long buy order is open"
            raise Refused(order.client_order_id, Why.OPPOSITE_SIDE, text)
        order.hold_price = self.short_price(order, market)
        self.check_funds(order, order.leaves * order.hold_price)

    def _check_short(self, order: VenueOrder, market: Market) -> None:
        instrument = market.listing.instrument
        if not self._settings.shorting or instrument.asset_class is AssetClass.CRYPTO:
            raise self.insufficient(order, ZERO)
        if not instrument.shortable:
            text = f'asset "{order.symbol}" cannot be sold short'
            raise Refused(order.client_order_id, Why.NOT_SHORTABLE, text)
        if order.notional is not None or not is_whole(order.leaves, instrument):
            text = "fractional orders cannot be sold short"
            raise Refused(order.client_order_id, Why.NOT_SHORTABLE, text)

    def check_wash(self, order: VenueOrder, market: Market) -> None:
        """Refuse an order that could trade with one of the same account."""
        if not market.working or order.type is OrdType.TRAILING_STOP:
            return
        for other in market.working.values():
            if other.side is order.side or other.sibling or other.parent or other.legs:
                continue
            if other.type is not OrdType.TRAILING_STOP and _could_cross(order, other):
                text = "potential wash trade detected. opposite side order exists: "
                text += other.client_order_id
                raise Refused(
                    order.client_order_id, Why.WASH_TRADE, text, existing=other.broker_order_id
                )

    def buy_price(self, order: VenueOrder, market: Market) -> Decimal:
        """The most that one share of a buy may cost."""
        if order.limit_price is not None:
            return order.limit_price
        bounds = [price for price in (market.ask, order.stop_price) if price is not None]
        if not bounds or (order.type not in WAITS and market.ask is None):
            raise self._no_quote(order.client_order_id, order.symbol)
        reference = max(bounds)
        if order.type is OrdType.TRAILING_STOP:
            reference += order.trail_price or reference * (order.trail_percent or ZERO) / 100
        return reference * PAD

    def short_price(self, order: VenueOrder, market: Market) -> Decimal:
        """The buying power that one share of a short sale holds."""
        if market.ask is None:
            raise self._no_quote(order.client_order_id, order.symbol)
        if order.limit_price is None:
            return market.ask * PAD
        return max(order.limit_price, market.ask * SHORT_PAD)

    def check_funds(self, order: VenueOrder, cost: Decimal, released: Decimal = ZERO) -> None:
        """Refuse what the account cannot pay; `released` would be free again."""
        power = self._floor.buying_power() + released
        if cost > power:
            text = (
                f"insufficient buying power (required: {cost:.2f}, "
                f"available: {max(power, ZERO):.2f})"
            )
            raise Refused(
                order.client_order_id, Why.INSUFFICIENT_FUNDS, text, cost=cost, available=power
            )

    def _no_quote(self, client_order_id: str, symbol: str) -> Refused:
        return Refused(client_order_id, Why.NO_QUOTE, f'no quote for "{symbol}" to price the order')

    def _opens(self, order: VenueOrder) -> Refused:
        text = "a reduce-only order cannot open or add to a position"
        return Refused(order.client_order_id, Why.OPPOSITE_SIDE, text)

    def insufficient(self, order: VenueOrder, available: Decimal) -> Refused:
        """Make the refusal of an order for more than is free."""
        available = max(available, ZERO)
        text = (
            f"insufficient qty available for order (requested: {text_of(order.leaves)}, "
            f"available: {text_of(available)})"
        )
        return Refused(
            order.client_order_id,
            Why.INSUFFICIENT_QUANTITY,
            text,
            requested=order.leaves,
            available=available,
        )


def _could_cross(one: VenueOrder, other: VenueOrder) -> bool:
    if one.limit_price is None or other.limit_price is None:
        return True
    buy, sell = (one, other) if one.side is Side.BUY else (other, one)
    return (buy.limit_price or ZERO) >= (sell.limit_price or ZERO)
