"""Small scenes for a check's tests: a book, what the desk did before, and a fill. No network.

Money, prices and quantities are given as text: "100.25".
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fillwright.accounts import Account, Instrument, Position, Quote
from fillwright.book import BookView, Exposure
from fillwright.history import Deed, Event, History, Log
from fillwright.inputs import ACCOUNT_WIDE, Datum, Supplied
from fillwright.orders import Order
from fillwright.reports import Execution
from fillwright.states import OrderState
from fillwright.types import ClientOrderId, ExecutionId, OrdStatus, Side

#: The moment at which every scene stands.
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
_DEPTH = Decimal(1_000_000)
_NOTHING: Mapping[str, object] = {}


def a_book(
    symbol: str = "AAPL",
    *,
    price: str | None = "100",
    position: str = "0",
    cash: str = "100000",
    done: Iterable[Event] = (),
    data: Mapping[str, object] = _NOTHING,
) -> BookView:
    """A book with one symbol, which trades at `price`; None is a symbol without a quote.

    `done` is what the desk did before (`a_deed`), `data` the inputs by name: {"adv": Decimal(5)}.
    """
    held, money = Decimal(position), Decimal(cash)
    worth = money + held * Decimal(price or 0)
    positions = {symbol: Position(symbol, held, average_price=Decimal(100))} if held else {}
    account = Account("A-1", "USD", money, money, worth, NOW, positions)
    quotes = {}
    if price is not None:
        touch = Decimal(price)
        quotes[symbol] = Quote(symbol, touch, touch, _DEPTH, _DEPTH, NOW)
    whose = {name: "" if name in ACCOUNT_WIDE else symbol for name in data}
    supplied = {(n, whose[n]): Datum(n, whose[n], value, NOW) for n, value in data.items()}
    log = Log(sorted(done, key=lambda event: event.at))
    return BookView(
        NOW,
        account,
        {symbol: Exposure(held)},
        quotes,
        {symbol: Instrument(symbol, fractionable=True)},
        supplied=Supplied(supplied),
        history=History(((log, log.end),)),
        today=NOW - timedelta(hours=10),
    )


def a_deed(
    kind: Deed = Deed.SENT,
    symbol: str = "AAPL",
    *,
    side: Side = Side.BUY,
    quantity: str = "1",
    price: str = "100",
    ago: timedelta = timedelta(seconds=1),
) -> Event:
    """One thing that the desk did `ago`, for `a_book(done=[...])`; it opened a position."""
    size, worth = Decimal(quantity), Decimal(quantity) * Decimal(price)
    return Event(kind, NOW - ago, symbol, side, "fw-1", size, worth, Decimal(price))


def a_fill(
    symbol: str = "AAPL", *, side: Side = Side.BUY, quantity: str = "1", price: str = "100"
) -> tuple[OrderState, Execution]:
    """An order that was just filled, and its one execution: what `check_execution` is given."""
    order = Order.model_validate({"symbol": symbol, "side": side, "quantity": quantity})
    size, paid = Decimal(quantity), Decimal(price)
    state = OrderState(
        ClientOrderId("fw-1"),
        symbol,
        side,
        OrdStatus.FILLED,
        OrdStatus.FILLED,
        size,
        NOW,
        order=order,
        filled=size,
        value=size * paid,
        claimed=size,
    )
    return state, Execution(ExecutionId("e-1"), size, paid, NOW)
