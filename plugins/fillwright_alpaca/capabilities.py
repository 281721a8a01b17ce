"""What Alpaca takes, as data; where its sources disagree, the narrower one counts."""

from collections.abc import Mapping
from types import MappingProxyType

from fillwright.protocols import Capabilities, Dedup, Lookup, Routes, Table
from fillwright.types import AssetClass, OrderClass, OrdType, TimeInForce

#: Of orders and questions; and, counted apart, of market data.
REQUESTS_PER_MINUTE = 200
#: How many symbols one request for quotes names at most.
SYMBOLS_IN_ONE = 100
#: Seconds between the end of a proxy's patience and the broker's books showing what it passed on.
_SETTLING = 5.0

_DAY = frozenset({TimeInForce.DAY})
_RESTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})
#: IOC, FOK, OPG and CLS need to be switched on by Alpaca; where they are not, it rejects cleanly.
_ALL = _RESTING | {TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS}
_COINS = frozenset({TimeInForce.GTC, TimeInForce.IOC})


def _table(*rows: tuple[OrdType, frozenset[TimeInForce]]) -> Table:
    return MappingProxyType(dict(rows))


_ENTRY = _table((OrdType.MARKET, _RESTING), (OrdType.LIMIT, _RESTING))

_EQUITY = Routes(
    whole=MappingProxyType(
        {
            OrderClass.SIMPLE: _table(
                (OrdType.MARKET, _ALL),
                (OrdType.LIMIT, _ALL),
                (OrdType.STOP, _RESTING),
                (OrdType.STOP_LIMIT, _RESTING),
                (OrdType.TRAILING_STOP, _RESTING),
            ),
            OrderClass.BRACKET: _ENTRY,
            OrderClass.OTO: _ENTRY,
            OrderClass.OCO: _table((OrdType.LIMIT, _RESTING)),
        }
    ),
    fractional=_table(
        (OrdType.MARKET, _DAY),
        (OrdType.LIMIT, _DAY),
        (OrdType.STOP, _DAY),
        (OrdType.STOP_LIMIT, _DAY),
    ),
    # Whether limit orders may be by notional is told both ways.
    notional=_table((OrdType.MARKET, _DAY)),
    # Whether GTC orders may is told both ways.
    extended_hours=_table((OrdType.LIMIT, _DAY)),
    replace=True,
)
_CRYPTO = Routes(
    whole=MappingProxyType(
        {
            OrderClass.SIMPLE: _table(
                (OrdType.MARKET, _COINS),
                (OrdType.LIMIT, _COINS),
                # Whether IOC may be is not confirmed.
                (OrdType.STOP_LIMIT, frozenset({TimeInForce.GTC})),
            )
        }
    ),
    notional=_table((OrdType.MARKET, _COINS)),
)
#: By asset class. Options are not taken.
ROUTES: Mapping[AssetClass, Routes] = MappingProxyType(
    {AssetClass.US_EQUITY: _EQUITY, AssetClass.CRYPTO: _CRYPTO}
)


def capabilities(total_timeout: float, proxy_timeout: float) -> Capabilities:
    """What the account takes, given how long a request may be under way, in seconds."""
    return Capabilities(
        routes=ROUTES,
        # The same client order id again is refused with 422/40010001, ended orders included.
        dedup=Dedup.SERVER,
        lookup=Lookup.BY_CLIENT_ID,
        # We give up after the total; a proxy may pass the bytes on until its own time is up, and
        # the books may be late: with the defaults 10 + 60 + 5 = 75 s.
        t_inflight=total_timeout + proxy_timeout + _SETTLING,
        requests_per_minute=REQUESTS_PER_MINUTE,
        # Whoever asks at the same time shares a request, so a quote hardly costs one.
        quotes_per_minute=REQUESTS_PER_MINUTE * SYMBOLS_IN_ONE,
    )
