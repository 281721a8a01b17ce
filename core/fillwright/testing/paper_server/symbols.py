"""What symbols mean here: asset ids, exchanges, classes, and the ways to spell a coin pair."""

from functools import lru_cache

from fillwright.accounts import Instrument
from fillwright.testing.paper_server.names import uuid_of
from fillwright.testing.venue import Venue
from fillwright.types import AssetClass

_NASDAQ = "AAPL MSFT GOOGL AMZN NVDA META TSLA PEP NFLX AMD INTC CSCO ADBE COST QQQ TLT SIRI"
_ARCA = "SPY IWM DIA GLD VTI AGG BIL"
#: Where a symbol is listed; every other share is listed at the New York Stock Exchange.
_EXCHANGES = (
    dict.fromkeys(_NASDAQ.split(), "NASDAQ")
    | dict.fromkeys(_ARCA.split(), "ARCA")
    | {"DWAC": "OTC"}
)
_CLASSES = {AssetClass.US_EQUITY: "us_equity", AssetClass.CRYPTO: "crypto"}


@lru_cache(maxsize=4096)
def asset_id(symbol: str) -> str:
    """The asset's UUID: the same at every server."""
    return uuid_of("asset", symbol)


def exchange_of(instrument: Instrument) -> str:
    """The exchange on which it is listed."""
    if instrument.asset_class is AssetClass.CRYPTO:
        return "CRYPTO"
    return _EXCHANGES.get(instrument.symbol, "NYSE")


def class_word(instrument: Instrument) -> str:
    """The asset class as the API spells it."""
    return _CLASSES[instrument.asset_class]


def find(venue: Venue, name: str) -> Instrument | None:
    """The instrument that is meant by a symbol, a coin pair without its slash, or an asset id."""
    lowered = name.lower()
    for instrument in venue.instruments():
        symbol = instrument.symbol
        if name == symbol or lowered == asset_id(symbol):
            return instrument
        if instrument.asset_class is AssetClass.CRYPTO and name == symbol.replace("/", ""):
            return instrument
    return None
