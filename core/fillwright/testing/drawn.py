"""Hypothesis strategies for checks: orders, quotes, rules, histories, book views, fills."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fillwright.accounts import Account, Instrument, Position, Quote
from fillwright.book import Beside, BookView, Exposure
from fillwright.history import Deed, Event, History, Log
from fillwright.inputs import (
    ACCOUNT_WIDE,
    Datum,
    Input,
    Locate,
    Need,
    ProfitAndLoss,
    Session,
    SessionState,
    Ssr,
    Supplied,
    Window,
)
from fillwright.orders import Order
from fillwright.reports import Execution
from fillwright.states import OrderState
from fillwright.testing.books import NOW, a_fill
from fillwright.types import AssetClass, OrdType, Side, TimeInForce

try:
    from hypothesis import strategies as st
except ImportError as fault:
    raise ImportError(
        "fillwright.testing.strategies needs Hypothesis; install it with: pip install hypothesis"
    ) from fault

SYMBOL, _NAN = "AAPL", Decimal("NaN")


def amounts(least: int = 1, most: int = 100_000) -> st.SearchStrategy[Decimal]:
    """Decimals with at most two places, from `least` to `most` hundredths."""
    return st.integers(least, most).map(lambda cents: Decimal(cents) / 100)


def orders(symbol: str = SYMBOL) -> st.SearchStrategy[Order]:
    """Orders of every plain type, by quantity and by notional, with and without a strategy."""
    return st.builds(
        _order,
        st.just(symbol),
        st.sampled_from(Side),
        st.sampled_from([OrdType.MARKET, OrdType.LIMIT, OrdType.STOP, OrdType.STOP_LIMIT]),
        st.sampled_from(["quantity", "quantity", "quantity", "notional"]),
        amounts(),
        amounts(most=50_000),
        strategy=st.sampled_from([None, "alpha", "beta"]),
        time_in_force=st.sampled_from([TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC]),
        intent_id=st.sampled_from([None, "i-1", "i-2"]),
        parent=st.sampled_from([None, None, "parent-1"]),
    )


def _order(
    symbol: str, side: Side, kind: OrdType, by: str, size: Decimal, price: Decimal, **more: object
) -> Order:
    parent = more.pop("parent")
    given_fields: dict[str, Any] = {"symbol": symbol, "side": side, "type": kind, by: size, **more}
    if parent is not None:
        given_fields |= {"parent_id": parent, "parent_quantity": "100"}
    if kind in {OrdType.LIMIT, OrdType.STOP_LIMIT}:
        given_fields["limit_price"] = price
    if kind in {OrdType.STOP, OrdType.STOP_LIMIT}:
        given_fields["stop_price"] = price
    return Order.model_validate(given_fields)


def quotes(symbol: str = SYMBOL, *, sure: bool = False) -> st.SearchStrategy[Quote]:
    """Quotes; unless `sure`, also stale, one-sided, empty, crossed, and not even numbers."""

    def build(middle: Decimal, half: Decimal, flaw: str, size: Decimal) -> Quote:
        bid: Decimal | None = max(middle - half, Decimal("0.01"))
        ask: Decimal | None = middle + half
        if flaw == "crossed":
            bid, ask = ask, bid
        elif flaw == "nan":
            bid = ask = _NAN
        bid = None if flaw in {"no bid", "empty"} else bid
        ask = None if flaw in {"no ask", "empty"} else ask
        age = timedelta(seconds=3600 if flaw == "stale" else 1)
        return Quote(symbol, bid, ask, size, size, NOW - age)

    flaws = ["", "no bid", "no ask"]
    if not sure:
        flaws += ["", "", "stale", "empty", "crossed", "nan"]
    spread = amounts(most=500)
    return st.builds(build, amounts(100, 50_000), spread, st.sampled_from(flaws), amounts())


def instruments(symbol: str = SYMBOL) -> st.SearchStrategy[Instrument]:
    """Rules of shares and coins, with and without fractions."""
    return st.builds(
        Instrument,
        st.just(symbol),
        asset_class=st.sampled_from(AssetClass),
        tradable=st.sampled_from([True, True, True, False]),
        fractionable=st.booleans(),
        shortable=st.booleans(),
        lot=st.sampled_from([Decimal(1), Decimal(100)]),
    )


def histories(symbol: str = SYMBOL) -> st.SearchStrategy[History]:
    """What a desk may have done in the last day."""
    # What most checks look at is drawn most: a limit that is never reached is never tried.
    event = st.builds(
        Event,
        kind=st.sampled_from([*Deed, *[Deed.SENT] * 4, *[Deed.FILLED] * 2]),
        at=st.integers(0, 36_000).map(lambda seconds: NOW - timedelta(seconds=seconds)),
        symbol=st.sampled_from([symbol, "KO", "SPY"]),
        side=st.sampled_from(Side),
        client_order_id=st.sampled_from(["fw-1", "fw-2", "fw-3"]),
        quantity=st.one_of(st.none(), amounts()),
        notional=st.one_of(st.none(), amounts()),
        price=st.one_of(st.none(), amounts()),
        strategy=st.sampled_from(["", "alpha"]),
        plan=st.sampled_from(["", "plan-1"]),
        parent=st.sampled_from(["", "parent-1"]),
        parent_quantity=st.sampled_from([None, Decimal(100)]),
        codes=st.sampled_from([(), ("C01",), ("C01", "C02"), ("C16",)]),
        opening=st.sampled_from([True, True, False]),
    )
    return st.lists(event, max_size=5).map(_history)


def _history(events: list[Event]) -> History:
    log = Log(sorted(events, key=lambda event: event.at))
    return History(((log, log.end),))


#: A value for each input that a check may need.
_VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    Input.ADV: amounts(0, 10_000_000),
    Input.VOLUME: amounts(0, 10_000_000),
    Input.SESSION: st.sampled_from(SessionState).map(Session),
    Input.LOCATE: st.builds(Locate, amounts(0), st.booleans()),
    Input.SSR: st.sampled_from(Ssr),
    Input.PNL: st.builds(ProfitAndLoss, amounts(), amounts(), amounts()),
    Input.SECTOR: st.sampled_from(["technology", "energy"]),
    Input.SKEW: amounts(-500, 500),
}


#: One value of each, for checks that ask without having declared.
_SOME: Mapping[str, object] = {
    Input.ADV: Decimal(1_000_000),
    Input.VOLUME: Decimal(10_000),
    Input.SESSION: Session(SessionState.OPEN),
    Input.LOCATE: Locate(Decimal(100)),
    Input.SSR: Ssr.NONE,
    Input.PNL: ProfitAndLoss(Decimal(99_000), Decimal(100_000), Decimal(101_000)),
    Input.SECTOR: "technology",
    Input.SKEW: Decimal("0.2"),
}


def books(needs: Iterable[Need] = (), symbol: str = SYMBOL) -> st.SearchStrategy[BookView]:
    """Views with and without a position, orders under way, quote, rules and past.

    What a check `needs` is always there; any other input may be missing or old.
    """
    wanted = {str(need) for need in needs if not isinstance(need, Window)}
    rules = instruments(symbol)
    return st.builds(
        _book,
        st.just(symbol),
        st.integers(-50, 50).map(Decimal),
        st.tuples(*(amounts(0, 5_000) for _ in range(2))),
        quotes(symbol, sure=Input.QUOTE in wanted),
        rules if Input.INSTRUMENT in wanted else st.one_of(st.none(), rules),
        st.one_of(amounts(-1000, 10_000_000), st.just(_NAN)),
        history=histories(symbol),
        supplied=_supplied(wanted, symbol),
        already_filled=st.sampled_from([Decimal(0), Decimal(0), Decimal("0.01")]),
        beside=_beside(),
    )


def _beside() -> st.SearchStrategy[Beside]:
    price = st.one_of(st.none(), amounts(100, 50_000))
    return st.builds(Beside, price, price, amounts(0, 5_000))


def _supplied(wanted: set[str], symbol: str) -> st.SearchStrategy[Supplied]:
    """What is wanted, fresh; of the rest nothing, or all of it, fresh or old."""
    drawn = {
        name: st.builds(_datum, st.just(name), st.just(symbol), _VALUES.get(name, amounts()))
        for name in sorted(wanted - {Input.QUOTE, Input.INSTRUMENT})
    }
    rest = [_rest(symbol, age) for age in (None, timedelta(seconds=1), timedelta(days=365))]
    return st.builds(
        lambda found, others: Supplied(
            others | {(datum.name, datum.symbol): datum for datum in found.values()}
        ),
        st.fixed_dictionaries(drawn),
        st.sampled_from(rest),
    )


def _rest(symbol: str, age: timedelta | None) -> dict[tuple[str, str], Datum]:
    if age is None:
        return {}
    data = (_datum(name, symbol, value, age) for name, value in _SOME.items())
    return {(datum.name, datum.symbol): datum for datum in data}


def _datum(name: str, symbol: str, value: object, age: timedelta = timedelta(seconds=1)) -> Datum:
    whose = "" if name in ACCOUNT_WIDE else symbol
    return Datum(name, whose, value, NOW - age)


def _book(
    symbol: str,
    position: Decimal,
    under_way: tuple[Decimal, Decimal],
    quote: Quote,
    rules: Instrument | None,
    power: Decimal,
    **more: Any,  # noqa: ANN401  # the view's other fields
) -> BookView:
    buys, sells = under_way
    count = int(bool(buys)) + int(bool(sells))
    held = Exposure(
        position, buys, sells, buys * 100, sells * 100, count, buy_orders=int(bool(buys))
    )
    cash = Decimal(100_000)
    positions = {symbol: Position(symbol, position, average_price=Decimal(100))} if position else {}
    account = Account("A1", "USD", cash, power, cash, NOW, positions)
    instruments_known = {symbol: rules} if rules else {}
    start = NOW - timedelta(hours=10)
    return BookView(
        NOW, account, {symbol: held}, {symbol: quote}, instruments_known, today=start, **more
    )


def fills(symbol: str = SYMBOL) -> st.SearchStrategy[tuple[OrderState, Execution]]:
    """An order that was filled, and its execution."""
    size, price = amounts().map(str), amounts(most=50_000).map(str)
    side = st.sampled_from(Side)
    return st.builds(a_fill, st.just(symbol), side=side, quantity=size, price=price)
