"""Builders for the tests of the gate and its checks: an order, a view, and a desk's facts."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fillwright.accounts import Account, Instrument, Quote
from fillwright.book import BookView, Exposure
from fillwright.orders import Order, OrderChange, content_hash
from fillwright.protocols import Capabilities, Routes
from fillwright.risk import (
    Answer,
    Asker,
    Conditions,
    Gate,
    HaltWanted,
    InlineAsker,
    Proposal,
    Terms,
)
from fillwright.risk.overlay import Overlay
from fillwright.types import AssetClass, ClientOrderId, OrderClass, OrdType, Side, TimeInForce
from fillwright.verdicts import ALLOW, ApprovedChange, ApprovedOrder, Reject

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ALL_TIMES = frozenset(TimeInForce)
ONLY_MARKET_DAY = {OrdType.MARKET: frozenset({TimeInForce.DAY})}
EQUITY_ROUTES = Routes(
    whole=dict.fromkeys(OrderClass, dict.fromkeys(OrdType, ALL_TIMES)),
    fractional=ONLY_MARKET_DAY,
    notional=ONLY_MARKET_DAY,
    extended_hours={OrdType.LIMIT: ALL_TIMES},
    replace=True,
    replace_fractional=True,
)
CAPABILITIES = Capabilities(
    routes={AssetClass.US_EQUITY: EQUITY_ROUTES},
)
CALM = Conditions(CAPABILITIES)


class StillClock:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


class Named:
    """A check from a function."""

    def __init__(self, name: str, call: Callable[..., object]) -> None:
        self.name = name
        self.call = call


def order(side: Side = Side.BUY, quantity: str | None = "10", **fields: Any) -> Order:
    given = {"symbol": "AAPL", "side": side, "quantity": quantity, "intent_id": "i-1"} | fields
    return Order(**given)


def limit_order(price: str, side: Side = Side.BUY, quantity: str = "10", **fields: Any) -> Order:
    return order(side, quantity, type=OrdType.LIMIT, limit_price=price, **fields)


def quote(bid: str | None = "99", ask: str | None = "101", *, age: float = 0) -> Quote:
    return Quote(
        "AAPL",
        None if bid is None else D(bid),
        None if ask is None else D(ask),
        D(100),
        D(100),
        NOW - timedelta(seconds=age),
    )


def account(buying_power: str = "1000000", *, blocked: bool = False) -> Account:
    power = D(buying_power)
    return Account("A1", "USD", power, power, power, NOW, blocked=blocked)


def view(
    position: str = "0",
    *,
    price: Quote | None = None,
    instrument: Instrument | None = Instrument("AAPL"),  # noqa: B008 - frozen
    **fields: Any,
) -> BookView:
    held = fields.pop("held", Exposure(D(position)))
    exposures: Mapping[str, Exposure] = {"AAPL": held}
    given: dict[str, Any] = {"account": account(), "quotes": {"AAPL": price or quote()}}
    if fields.pop("no_quote", False):
        given["quotes"] = {}
    rules = {"AAPL": instrument} if instrument else {}
    return BookView(NOW, exposures=exposures, instruments=rules, **(given | fields))


def proposal(asked: Order, *, change: OrderChange | None = None, name: str = "c-1") -> Proposal:
    deadline = NOW + timedelta(seconds=30)
    return Proposal(asked, ClientOrderId(name), content_hash(asked), deadline, change)


class Desk:
    """The facts of a small desk that reserves what was approved."""

    def __init__(self, book: BookView, conditions: Conditions = CALM) -> None:
        self.book = book
        self.now = conditions
        self.overlay = Overlay()
        self.reserved: list[ApprovedOrder | ApprovedChange] = []
        self.terms: list[Terms] = []
        self.latched: list[HaltWanted] = []

    def book_for(self, asked: Proposal) -> BookView:
        return self.overlay.over(self.book, asked.order)

    def conditions(self) -> Conditions:
        return self.now

    def reserve(self, approved: ApprovedOrder | ApprovedChange, book: BookView) -> None:
        self.reserved.append(approved)
        self.terms.append(Terms.of(approved.order, book))
        self.overlay.add(approved.order, book, approved.client_order_id)

    def latch(self, asked: Proposal, halts: tuple[HaltWanted, ...]) -> None:
        self.latched.extend(halts)
        for halt in halts:
            self.now = self.now.halted(halt.scope, asked.order, "A1")


REJECT = Reject("R", measured="2", limit="1")
EVERYTHING = Named("everything", lambda _order, _book: ALLOW)


def gate(*checks: Named, desk: Desk | None = None, asker: Asker | None = None) -> Gate:
    return Gate(checks, asker or InlineAsker(), facts=desk or Desk(view()), clock=StillClock())


def code(answer: Answer) -> str:
    return answer.decision.reasons[0].code


def raising(fault: BaseException) -> Callable[..., object]:
    def call(*_: object) -> object:
        raise fault

    return call
