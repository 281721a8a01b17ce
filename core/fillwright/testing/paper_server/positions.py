"""Positions: looking at them and closing them."""

from decimal import ROUND_DOWN, Decimal

from fillwright.accounts import Instrument, Position
from fillwright.orders import Order
from fillwright.protocols import Json
from fillwright.testing.paper_server.calls import Call
from fillwright.testing.paper_server.orders import cancel_all, place
from fillwright.testing.paper_server.reading import positive
from fillwright.testing.paper_server.refusals import (
    ApiError,
    misshapen,
    not_found,
    unprocessable,
)
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.showing import just_taken, show_order
from fillwright.testing.paper_server.symbols import asset_id, class_word, exchange_of, find
from fillwright.testing.paper_server.writing import answer, decimal_text, optional_text
from fillwright.types import ZERO, AssetClass, OrdType, Side, TimeInForce

_WHOLE = Decimal(100)


def list_positions(call: Call) -> Answer:
    """`GET /v2/positions`."""
    positions = call.venue.account().positions
    return answer(200, [show_position(call, positions[symbol]) for symbol in positions])


def get_position(call: Call) -> Answer:
    """`GET /v2/positions/{symbol or asset id}`."""
    return answer(200, show_position(call, _existing(call)))


def delete_position(call: Call) -> Answer:
    """`DELETE /v2/positions/{symbol or asset id}`: a market order for all or a part of it."""
    position = _existing(call)
    return answer(200, _close(call, position, _quantity(call, position)))


def delete_positions(call: Call) -> Answer:
    """`DELETE /v2/positions`: a market order for each, and what became of it."""
    if call.query.flag("cancel_orders"):
        cancel_all(call.account)
    positions = call.venue.account().positions
    return answer(207, [_try_close(call, position) for position in positions.values()])


def show_position(call: Call, position: Position) -> dict[str, Json]:
    """The JSON of one position."""
    instrument = call.venue.instrument(position.symbol)
    quantity = position.quantity
    price = position.market_price or ZERO
    average = position.average_price or ZERO
    worth, cost = quantity * price, quantity * average
    books = call.venue.books
    # Without a price of yesterday's close, the listing's base price stands in for it.
    yesterday = books.closing_prices.get(position.symbol)
    lastday = call.venue.listing(position.symbol).price if yesterday is None else yesterday
    base = cost if yesterday is None else quantity * yesterday
    signed = call.account.settings.signed_short_qty
    return {
        "asset_id": asset_id(position.symbol),
        "symbol": _symbol(call, instrument),
        "exchange": exchange_of(instrument),
        "asset_class": class_word(instrument),
        "asset_marginable": instrument.asset_class is not AssetClass.CRYPTO,
        # Whether a short position's qty is below zero is not confirmed: it is a setting.
        "qty": decimal_text(quantity if signed else abs(quantity)),
        "qty_available": _available(position, signed=signed),
        "avg_entry_price": decimal_text(average),
        "side": "long" if quantity > 0 else "short",
        "market_value": decimal_text(worth),
        "cost_basis": decimal_text(cost),
        "unrealized_pl": decimal_text(worth - cost),
        "unrealized_plpc": _part(worth - cost, cost),
        "unrealized_intraday_pl": decimal_text(worth - base),
        "unrealized_intraday_plpc": _part(worth - base, base),
        "current_price": decimal_text(price),
        "lastday_price": decimal_text(lastday),
        "change_today": _part(price - lastday, lastday),
    }


def _symbol(call: Call, instrument: Instrument) -> str:
    if instrument.asset_class is AssetClass.CRYPTO and not call.account.settings.slashed_positions:
        return instrument.symbol.replace("/", "")
    return instrument.symbol


def _available(position: Position, *, signed: bool) -> str | None:
    available = position.available
    if available is None or signed:
        return optional_text(available)
    return decimal_text(abs(available))


def _part(change: Decimal, whole: Decimal) -> str:
    return decimal_text(change / abs(whole)) if whole else "0"


def _existing(call: Call) -> Position:
    instrument = find(call.venue, call.name)
    positions = call.venue.account().positions
    if instrument is None or instrument.symbol not in positions:
        raise not_found("position does not exist")
    return positions[instrument.symbol]


def _quantity(call: Call, position: Position) -> Decimal:
    """How much of a position shall be closed."""
    quantity, percentage = positive(call.query, "qty"), positive(call.query, "percentage")
    held = abs(position.quantity)
    if quantity is not None and percentage is not None:
        raise misshapen("only one of qty or percentage is accepted")
    if percentage is None:
        return held if quantity is None else quantity
    if percentage > _WHOLE:
        raise unprocessable("percentage must be between 0 and 100")
    # A part of whole shares is whole shares again.
    instrument = call.venue.instrument(position.symbol)
    step = instrument.fraction if held % instrument.lot else instrument.lot
    part = (held * percentage / _WHOLE / step).to_integral_value(ROUND_DOWN) * step
    if not part:
        raise unprocessable("qty must be > 0")
    return part


def _try_close(call: Call, position: Position) -> Json:
    instrument = call.venue.instrument(position.symbol)
    told: dict[str, Json] = {"symbol": _symbol(call, instrument)}
    try:
        order = _close(call, position, abs(position.quantity))
    except ApiError as refused:
        return told | {"status": refused.status, "body": refused.body}
    return told | {"status": 200, "body": order}


def _close(call: Call, position: Position, quantity: Decimal) -> dict[str, Json]:
    instrument = call.venue.instrument(position.symbol)
    crypto = instrument.asset_class is AssetClass.CRYPTO
    order = Order(
        symbol=position.symbol,
        side=Side.SELL if position.quantity > 0 else Side.BUY,
        type=OrdType.MARKET,
        time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
        quantity=quantity,
        reduce_only=True,
    )
    record = place(call, order, instrument)
    return show_order(call.venue, record, stand=just_taken(record))
