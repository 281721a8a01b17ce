"""Market data: the newest quote and trade of each symbol. Amounts are JSON numbers here.

Trades of others do not exist at the venue. The newest trade is the account's own last execution
when that is newer than the quote, otherwise one between bid and ask at the time of the quote.
"""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal

from fillwright.accounts import Instrument, Quote
from fillwright.testing.paper_server.calls import Call
from fillwright.testing.paper_server.moments import nanoseconds, written
from fillwright.testing.paper_server.refusals import ApiError
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.symbols import exchange_of, find
from fillwright.testing.paper_server.writing import Exact, number_answer
from fillwright.types import ZERO, AssetClass, Side

#: One letter for each exchange, and for its tape.
_LETTERS = {"NASDAQ": "Q", "ARCA": "P", "NYSE": "N", "OTC": "V"}
_TAPES = {"NASDAQ": "C", "ARCA": "B", "NYSE": "A", "OTC": "C"}
_LOT = Decimal(100)

_Shower = Callable[[Call, Instrument], dict[str, Exact]]


def stock_quotes(call: Call) -> Answer:
    """`GET /v2/stocks/quotes/latest`."""
    return _many(call, "quotes", AssetClass.US_EQUITY, _stock_quote)


def stock_trades(call: Call) -> Answer:
    """`GET /v2/stocks/trades/latest`."""
    return _many(call, "trades", AssetClass.US_EQUITY, _stock_trade)


def crypto_quotes(call: Call) -> Answer:
    """`GET /v1beta3/crypto/us/latest/quotes`."""
    return _many(call, "quotes", AssetClass.CRYPTO, _crypto_quote)


def crypto_trades(call: Call) -> Answer:
    """`GET /v1beta3/crypto/us/latest/trades`."""
    return _many(call, "trades", AssetClass.CRYPTO, _crypto_trade)


def crypto_books(call: Call) -> Answer:
    """`GET /v1beta3/crypto/us/latest/orderbooks`: the touch is all that is displayed."""
    return _many(call, "orderbooks", AssetClass.CRYPTO, _crypto_book)


def crypto_snapshots(call: Call) -> Answer:
    """`GET /v1beta3/crypto/us/snapshots`, without the bars that the venue does not keep."""
    return _many(call, "snapshots", AssetClass.CRYPTO, _crypto_snapshot)


def stock_quote(call: Call) -> Answer:
    """`GET /v2/stocks/{symbol}/quotes/latest`."""
    return _one(call, "quote", _stock_quote)


def stock_trade(call: Call) -> Answer:
    """`GET /v2/stocks/{symbol}/trades/latest`."""
    return _one(call, "trade", _stock_trade)


def _many(call: Call, name: str, asset_class: AssetClass, show: _Shower) -> Answer:
    symbols = call.query.words("symbols")
    if not symbols:
        raise ApiError((400, None), "symbols is required")
    shown: dict[str, Exact] = {}
    for symbol in symbols:
        # A pair has its slash here; what is not listed is left out.
        if ("/" in symbol) != (asset_class is AssetClass.CRYPTO):
            raise ApiError((400, None), f"invalid symbol: {symbol}")
        instrument = _listed(call, symbol, asset_class)
        if instrument is not None:
            shown[symbol] = show(call, instrument)
    return number_answer({name: shown})


def _one(call: Call, name: str, show: _Shower) -> Answer:
    instrument = _listed(call, call.name, AssetClass.US_EQUITY)
    if instrument is None:
        raise ApiError((404, None), f"no {name} found for {call.name}")
    return number_answer({"symbol": instrument.symbol, name: show(call, instrument)})


def _listed(call: Call, symbol: str, asset_class: AssetClass) -> Instrument | None:
    found = find(call.venue, symbol)
    known = found is not None and found.symbol == symbol and found.asset_class is asset_class
    return found if known else None


def _stock_quote(call: Call, instrument: Instrument) -> dict[str, Exact]:
    quote = call.venue.quote(instrument.symbol)
    exchange = exchange_of(instrument)
    letter = _LETTERS[exchange]
    return {
        "t": written(quote.at),
        "ax": letter if quote.ask is not None else " ",
        # A side without interest has the price 0.
        "ap": quote.ask or ZERO,
        "as": int(quote.ask_size),
        "bx": letter if quote.bid is not None else " ",
        "bp": quote.bid or ZERO,
        "bs": int(quote.bid_size),
        "c": ["R"],
        "z": _TAPES[exchange],
    }


def _crypto_quote(call: Call, instrument: Instrument) -> dict[str, Exact]:
    quote = call.venue.quote(instrument.symbol)
    return {
        "t": written(quote.at),
        "ap": quote.ask or ZERO,
        "as": quote.ask_size,
        "bp": quote.bid or ZERO,
        "bs": quote.bid_size,
    }


def _stock_trade(call: Call, instrument: Instrument) -> dict[str, Exact]:
    exchange = exchange_of(instrument)
    time, price, size, number, _ = _last_trade(call, instrument)
    return {
        "t": time,
        "x": _LETTERS[exchange],
        "p": price,
        "s": max(int(size), 1),
        "c": ["@"] if size >= _LOT else ["@", "I"],
        "i": number,
        "z": _TAPES[exchange],
    }


def _crypto_trade(call: Call, instrument: Instrument) -> dict[str, Exact]:
    time, price, size, number, side = _last_trade(call, instrument)
    return {"t": time, "p": price, "s": size, "tks": side, "i": number}


def _crypto_book(call: Call, instrument: Instrument) -> dict[str, Exact]:
    quote = call.venue.quote(instrument.symbol)
    return {
        "t": written(quote.at),
        "b": _level(quote.bid, quote.bid_size),
        "a": _level(quote.ask, quote.ask_size),
    }


def _level(price: Decimal | None, size: Decimal) -> Exact:
    return [] if price is None else [{"p": price, "s": size}]


def _crypto_snapshot(call: Call, instrument: Instrument) -> dict[str, Exact]:
    return {
        "latestQuote": _crypto_quote(call, instrument),
        "latestTrade": _crypto_trade(call, instrument),
    }


def _last_trade(call: Call, instrument: Instrument) -> tuple[str, Decimal, Decimal, int, str]:
    """Time, price, size, id and the side of the taker."""
    quote = call.venue.quote(instrument.symbol)
    books = call.venue.books
    for index in range(len(books.fills) - 1, -1, -1):
        fill = books.fills[index]
        execution = fill.execution
        if execution.transact_time < quote.at:
            break
        if fill.symbol == instrument.symbol:
            time = written(execution.transact_time, index + 1)
            side = "B" if fill.side is Side.BUY else "S"
            return time, execution.price, execution.quantity, index + 1, side
    price = _between(quote, instrument, call.venue.listing(instrument.symbol).price)
    return written(quote.at), price, _LOT, nanoseconds(quote.at) // 1000, "B"


def _between(quote: Quote, instrument: Instrument, otherwise: Decimal) -> Decimal:
    middle = quote.middle or quote.bid or quote.ask or otherwise
    tick = instrument.tick_at(middle)
    return (middle / tick).to_integral_value(ROUND_DOWN) * tick
