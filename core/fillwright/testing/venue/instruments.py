"""What the venue lists: about fifty well-known symbols with their rules and base prices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from fillwright.accounts import Instrument
from fillwright.testing.venue.settings import ListingSettings
from fillwright.types import AssetClass

_EQUITIES = """
AAPL 230.00  MSFT 420.00  GOOGL 175.00  AMZN 185.00  NVDA 130.00  META 560.00  TSLA 250.00
BRK.B 450.00  JPM 220.00  V 290.00  JNJ 160.00  WMT 80.00  PG 170.00  XOM 115.00  UNH 550.00
HD 390.00  KO 68.00  PEP 170.00  DIS 95.00  NFLX 700.00  AMD 150.00  INTC 22.00  CSCO 57.80
ORCL 189.90  CRM 341.20  ADBE 520.60  BAC 46.80  MA 522.30  CVX 161.70  COST 962.40  MCD 292.10
NKE 76.30  T 22.90  VZ 42.60  PFE 25.70  F 11.10  GE 178.40  SPY 570.00  QQQ 490.00  IWM 237.90
DIA 442.30  TLT 95.00  GLD 245.00  VTI 294.80  AGG 98.20  BIL 91.50  GME 27.40  SIRI 26.60
BRK.A 706500.00  NVR 8000.00  SEB 2540.00  DWAC 41.20
"""
_CRYPTO = "BTC/USD 97500.00  ETH/USD 3380.00"

#: Sold as whole shares only.
_WHOLE = frozenset({"BRK.A", "NVR", "SEB"})
#: Listed, and not tradable any more.
_NOT_TRADABLE = frozenset({"DWAC"})
#: Nobody lends it.
_NOT_SHORTABLE = frozenset({"GME", "BRK.A"})

_USUAL_PRICE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument and the price around which its seeded quotes move."""

    instrument: Instrument
    price: Decimal


def _pairs(text: str) -> list[tuple[str, Decimal]]:
    words = text.split()
    return [(symbol, Decimal(price)) for symbol, price in zip(words[::2], words[1::2], strict=True)]


def _equity(symbol: str) -> Instrument:
    return Instrument(
        symbol,
        tradable=symbol not in _NOT_TRADABLE,
        fractionable=symbol not in _WHOLE,
        shortable=symbol not in _NOT_SHORTABLE,
    )


def _crypto(symbol: str) -> Instrument:
    return Instrument(symbol, asset_class=AssetClass.CRYPTO, shortable=False)


#: The built-in table.
LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {symbol: Listing(_equity(symbol), price) for symbol, price in _pairs(_EQUITIES)}
    | {symbol: Listing(_crypto(symbol), price) for symbol, price in _pairs(_CRYPTO)}
)


def listed(
    changes: Mapping[str, ListingSettings], also: Mapping[str, Decimal]
) -> dict[str, Listing]:
    """Make the venue's own table: built-in, changed by the settings.

    A symbol of `also` (with a price) that nobody described is listed as a plain US equity.
    """
    table = dict(LISTINGS)
    for symbol, price in also.items():
        table.setdefault(symbol, Listing(_equity(symbol), price))
    for symbol, change in changes.items():
        known = table.get(symbol) or Listing(_equity(symbol), _USUAL_PRICE)
        fields = change.model_dump(exclude_none=True)
        price = fields.pop("price", known.price)
        table[symbol] = Listing(replace(known.instrument, **fields), price)
    return table
