"""What the venue lists: about fifty well-known symbols with their rules and base prices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from fillwright.accounts import Instrument
from fillwright.testing.venue.settings import ListingSettings
from fillwright.types import AssetClass

_EQUITIES = """
AAPL 232.50  MSFT 428.10  GOOGL 171.30  AMZN 205.40  NVDA 141.80  META 565.20  TSLA 345.60
BRK.B 471.00  JPM 245.30  V 309.70  JNJ 155.20  WMT 89.60  PG 172.40  XOM 120.30  UNH 590.80
HD 408.50  KO 62.90  PEP 158.60  DIS 114.20  NFLX 880.40  AMD 138.10  INTC 24.50  CSCO 57.80
ORCL 189.90  CRM 341.20  ADBE 520.60  BAC 46.80  MA 522.30  CVX 161.70  COST 962.40  MCD 292.10
NKE 76.30  T 22.90  VZ 42.60  PFE 25.70  F 11.10  GE 178.40  SPY 594.20  QQQ 505.70  IWM 237.90
DIA 442.30  TLT 90.10  GLD 247.60  VTI 294.80  AGG 98.20  BIL 91.50  GME 27.40  SIRI 26.60
BRK.A 706500.00  NVR 9150.00  SEB 2540.00  DWAC 41.20
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
