"""Ask Alpaca about orders, the account, instruments and trading days.

Rules:
1. "There is none" needs Alpaca's own word; any other answer that cannot be read is unavailable.
2. A list is complete or it is not given: every page, or `BrokerUnavailable`.
3. Whatever order is shown is remembered, for the fills that name it by Alpaca's id alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from urllib.parse import quote

from fillwright.accounts import Account, Instrument, MarketSession, Position, TradingDay
from fillwright.errors import BrokerUnavailable, UnknownSymbol
from fillwright.reports import BrokerOrder
from fillwright.states import ENDED
from fillwright.types import ClientOrderId
from fillwright_alpaca.answers import (
    account_of,
    holdings_of,
    instrument_of,
    session_of,
    trading_day_of,
)
from fillwright_alpaca.calls import Lane
from fillwright_alpaca.exchange import Exchange
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.messages import list_of, object_of, word_of
from fillwright_alpaca.outcomes import is_denied
from fillwright_alpaca.wire import Request

#: Orders in one page; Alpaca gives no more.
PAGE = 500
#: More open orders than this no account has.
MOST_PAGES = 100
#: Pages go by submission time, which `after` excludes: several orders may share the last moment.
_STEP_BACK = timedelta(milliseconds=1)
_OPEN = "for the open orders"


def path_of(order_id: str) -> str:
    """The path of one order."""
    return f"/orders/{quote(order_id, safe='')}"


def written(moment: datetime) -> str:
    """A UTC time as Alpaca takes it in a query."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class Questions:
    """Everything that only asks, but for fills."""

    def __init__(self, exchange: Exchange, orders: KnownOrders) -> None:
        self._exchange = exchange
        self._orders = orders
        self._looked_flat = False
        #: How a coin is spelt in orders, by asset id: positions leave the slash out.
        self._coins: dict[str, str] = {}

    # ------------------------------------------------------------------ orders

    async def find(
        self, client_order_id: ClientOrderId, lane: Lane = Lane.QUERY
    ) -> BrokerOrder | None:
        """The order with this id, ended ones included; None when Alpaca says there is none."""
        question = f"for order {client_order_id}"
        fields = {"client_order_id": client_order_id, "nested": "true"}
        request = Request("GET", "/orders:by_client_order_id", fields)
        outcome = await self._exchange.send(lane, request)
        if is_denied(outcome):
            return None
        for found in self._exchange.read(outcome, question, self._orders.learn):
            if found.client_order_id == client_order_id:
                return found
            if found.client_order_id is None:
                return replace(found, client_order_id=client_order_id)
        raise BrokerUnavailable(question, "the answer is about another order")

    async def open_orders(self) -> Sequence[BrokerOrder]:
        """Every open order, legs with their entry as parent.

        Nested and flat lists are put together where there may be legs: which open legs of a filled
        entry the nested one shows, and whether the flat one shows held legs, is not documented.
        """
        found = await self._list_open(nested=True)
        if self._orders.any_legs or not self._looked_flat:
            found |= await self._list_open(nested=False)
            self._looked_flat = True
        return [order for order in found.values() if order.status not in ENDED]

    async def _list_open(self, *, nested: bool) -> dict[str, BrokerOrder]:
        found: dict[str, BrokerOrder] = {}
        fields = {
            "status": "open",
            "limit": str(PAGE),
            "direction": "asc",
            "nested": str(nested).lower(),
        }
        for _ in range(MOST_PAGES):
            page = await self._exchange.ask(Request("GET", "/orders", fields), _OPEN, self._page)
            known = len(found)
            found |= {order.broker_order_id: order for family in page for order in family}
            # Legs may or may not count towards the limit: with them, a short page is surely short.
            if sum(map(len, page)) < PAGE:
                return found
            if len(found) == known:
                break
            newest = max(family[0].submitted_at for family in page if family)
            fields = {**fields, "after": written(newest - _STEP_BACK)}
        raise BrokerUnavailable(_OPEN, "its pages do not come to an end")

    def _page(self, raw: object) -> list[tuple[BrokerOrder, ...]]:
        """Each order with its legs behind it."""
        return [self._orders.learn(one) for one in list_of(raw, "orders")]

    # ------------------------------------------------------------------ account

    async def account(self) -> Account:
        """Balances and positions; without either there is no answer."""
        now = self._exchange.clock.now()
        request = Request("GET", "/account")
        account = await self._exchange.ask(
            request, "for the account", lambda raw: account_of(raw, now)
        )
        return replace(account, positions=await self._positions())

    async def _positions(self) -> Mapping[str, Position]:
        question = "for the positions"
        holdings = await self._exchange.ask(Request("GET", "/positions"), question, holdings_of)
        found: dict[str, Position] = {}
        for holding in holdings:
            symbol = holding.position.symbol
            if holding.is_crypto and "/" not in symbol:
                symbol = await self._coin(holding.asset_id, symbol)
            if symbol in found:
                raise BrokerUnavailable(question, f"{symbol} is listed twice")
            found[symbol] = replace(holding.position, symbol=symbol)
        return MappingProxyType(found)

    async def _coin(self, asset_id: str, symbol: str) -> str:
        """How orders spell a coin whose position is listed as `BTCUSD`."""
        if asset_id not in self._coins:
            request = Request("GET", f"/assets/{quote(asset_id or symbol, safe='')}")
            question = f"for the asset {symbol}"
            self._coins[asset_id] = await self._exchange.ask(request, question, _symbol_of)
        return self._coins[asset_id]

    # ------------------------------------------------------------------ instruments and days

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of one symbol. Raises `UnknownSymbol`, for another spelling too."""
        request = Request("GET", f"/assets/{quote(symbol, safe='')}")
        outcome = await self._exchange.send(Lane.QUERY, request)
        if is_denied(outcome):
            raise UnknownSymbol(symbol)
        found = self._exchange.read(outcome, f"for the instrument {symbol}", instrument_of)
        if found.symbol != symbol:
            # Alpaca also finds `BTCUSD` and CUSIPs, and reports such an order under its own name.
            raise UnknownSymbol(symbol)
        return found

    async def session(self) -> MarketSession:
        """The market's clock."""
        return await self._exchange.ask(Request("GET", "/clock"), "for the time", session_of)

    async def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        """The trading days between two dates, both included."""
        fields = {"start": first.isoformat(), "end": last.isoformat()}
        request = Request("GET", "/calendar", fields)
        days = await self._exchange.ask(request, "for the calendar", lambda raw: list(_days(raw)))
        return [day for day in days if first <= day.day <= last]


def _days(raw: object) -> Iterator[TradingDay]:
    return (trading_day_of(one) for one in list_of(raw, "calendar"))


def _symbol_of(raw: object) -> str:
    return word_of(object_of(raw, "asset"), "symbol", "asset")
