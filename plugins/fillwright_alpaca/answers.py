"""Read Alpaca's answers about the account, instruments, fills, prices and days. Pure.

Essential fields that are missing raise `Unreadable`; what is new or absent besides does not matter.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fillwright.accounts import (
    Account,
    Instrument,
    MarketSession,
    Position,
    Quote,
    TradingDay,
)
from fillwright.logs import get_logger, printable
from fillwright.types import ZERO, AssetClass, ExecType, ExecutionId, Side
from fillwright_alpaca.messages import (
    Raw,
    Unreadable,
    decimal_of,
    decimal_or_none,
    execution_id,
    list_of,
    object_of,
    optional_decimal,
    side_of,
    time_of,
    word_of,
    word_or_none,
)

_log = get_logger(__name__)

_BLOCKS = ("account_blocked", "trading_blocked", "trade_suspended_by_user")
_CLASSES: Mapping[str, AssetClass] = MappingProxyType(
    {"us_equity": AssetClass.US_EQUITY, "crypto": AssetClass.CRYPTO}
)
#: What a FILL activity may be; the last two are not documented for this list.
_ACTIVITIES: Mapping[str, ExecType] = MappingProxyType(
    {
        "None": ExecType.TRADE,
        "fill": ExecType.TRADE,
        "partial_fill": ExecType.TRADE,
        "trade_bust": ExecType.TRADE_CANCEL,
        "trade_correct": ExecType.TRADE_CORRECT,
    }
)
#: Alpaca's calendar is written in the exchange's own time.
_EXCHANGE = "America/New_York"


def flag_of(raw: Raw, field: str, what: str) -> bool:
    """A truth value; absent and null are false. Raises `Unreadable` for anything else."""
    value = raw.get(field)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Unreadable(what, field, "is neither true nor false")


# ---------------------------------------------------------------------- account


def account_of(raw: object, as_of: datetime) -> Account:
    """The account, without its positions."""
    what = "account"
    said = object_of(raw, what)
    status = word_of(said, "status", what)
    if status != "ACTIVE":
        _log.warning("account_not_active", status=printable(status[:60]))
    return Account(
        account_id=word_of(said, "account_number", what),
        currency=word_or_none(said, "currency", what) or "USD",
        cash=decimal_of(said, "cash", what),
        buying_power=decimal_of(said, "buying_power", what),
        equity=decimal_of(said, "equity", what),
        as_of=as_of,
        last_equity=optional_decimal(said, "last_equity", what),
        blocked=status != "ACTIVE" or any(flag_of(said, name, what) for name in _BLOCKS),
    )


class Holding(NamedTuple):
    """A position, and what tells how its symbol is spelt in orders."""

    position: Position
    asset_id: str
    is_crypto: bool


def holdings_of(raw: object) -> list[Holding]:
    """Every position of the account."""
    return [_holding(object_of(one, "position")) for one in list_of(raw, "positions")]


def _holding(raw: Raw) -> Holding:
    what = "position"
    quantity = _signed(raw)
    available = optional_decimal(raw, "qty_available", what)
    position = Position(
        symbol=word_of(raw, "symbol", what),
        quantity=quantity,
        available=available if available is None or quantity >= 0 else -abs(available),
        average_price=optional_decimal(raw, "avg_entry_price", what),
        market_price=optional_decimal(raw, "current_price", what),
    )
    return Holding(position, str(raw.get("asset_id", "")), raw.get("asset_class") == "crypto")


def _signed(raw: Raw) -> Decimal:
    """The quantity, below zero for a short position however its own sign is written."""
    side = word_of(raw, "side", "position")
    size = decimal_of(raw, "qty", "position")
    if side not in ("long", "short") or (side == "long" and size < 0):
        raise Unreadable("position", "side", "and qty do not agree")
    return size if side == "long" else -abs(size)


# ---------------------------------------------------------------------- instruments


def instrument_of(raw: object) -> Instrument:
    """The rules of one asset, under the symbol that Alpaca spells."""
    what = "asset"
    said = object_of(raw, what)
    symbol, kind = word_of(said, "symbol", what), word_of(said, "class", what)
    known = _CLASSES.get(kind)
    if known is None:
        _log.warning("asset_class_unknown", symbol=symbol, asset_class=printable(kind[:60]))
    if said.get("tradable") is None:
        raise Unreadable(what, "tradable", "is missing")
    active = word_or_none(said, "status", what) in (None, "active")
    tradable = flag_of(said, "tradable", what) and active and known is not None
    if known is AssetClass.CRYPTO:
        return _coin(said, symbol, tradable=tradable)
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.US_EQUITY,
        tradable=tradable,
        fractionable=flag_of(said, "fractionable", what),
        shortable=flag_of(said, "shortable", what) and _easy_to_borrow(said),
    )


def _coin(raw: Raw, symbol: str, *, tradable: bool) -> Instrument:
    what = "asset"
    tick, step = (
        decimal_of(raw, "price_increment", what),
        decimal_of(raw, "min_trade_increment", what),
    )
    if tick <= 0 or step <= 0:
        raise Unreadable(what, "price_increment", "or min_trade_increment is not above zero")
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.CRYPTO,
        tradable=tradable,
        fractionable=True,
        shortable=False,
        tick=tick,
        sub_dollar_tick=tick,
        # Every multiple of the increment is a whole order: there are no shares to be parts of.
        lot=step,
        fraction=step,
    )


def _easy_to_borrow(raw: Raw) -> bool:
    """Whether it can be borrowed at once; `easy_to_borrow` went in September 2026."""
    status = word_or_none(raw, "borrow_status", "asset")
    if status is not None:
        return status == "easy_to_borrow"
    return flag_of(raw, "easy_to_borrow", "asset")


# ---------------------------------------------------------------------- fills


class Activity(NamedTuple):
    """One fill as the account's activities tell it, before its order is looked up."""

    activity_id: str
    execution_id: ExecutionId
    order_id: str
    quantity: Decimal
    #: What the order had filled with it.
    cumulative: Decimal
    price: Decimal
    at: datetime
    symbol: str
    side: Side
    kind: ExecType = ExecType.TRADE
    #: The activity that a bust or correction takes back, and its execution.
    previous: str = ""
    corrects: ExecutionId | None = None


def activity_of(raw: object) -> Activity:
    """One activity of type FILL."""
    what = "fill activity"
    said = object_of(raw, what)
    kind = _ACTIVITIES.get(str(said.get("type")))
    if kind is None:
        # Something that is read as a fill and is none would move the position.
        raise Unreadable(what, "type", f"is {printable(str(said.get('type'))[:60])!r}")
    order_id = word_of(said, "order_id", what)
    quantity = decimal_of(said, "qty", what)
    cumulative = decimal_of(said, "cum_qty", what)
    price = decimal_of(said, "price", what)
    is_fill = kind is ExecType.TRADE
    if min(quantity, cumulative, price) < 0 or (is_fill and not 0 < quantity <= cumulative):
        raise Unreadable(what, "qty", "does not fit cum_qty or price")
    return Activity(
        activity_id=word_of(said, "id", what),
        execution_id=execution_id(order_id, cumulative),
        order_id=order_id,
        quantity=quantity,
        cumulative=cumulative,
        price=price,
        at=time_of(said, "transaction_time", what),
        symbol=word_of(said, "symbol", what),
        side=side_of(said, what),
        kind=kind,
        previous="" if is_fill else word_of(said, "previous_id", what),
    )


# ---------------------------------------------------------------------- prices and days


def quote_of(symbol: str, raw: object) -> Quote:
    """The latest quote in an answer about one symbol."""
    what = "quote"
    quotes = object_of(object_of(raw, what).get("quotes"), what)
    said = object_of(quotes.get(symbol), f"quote of {symbol}")
    bid, bid_size = _interest(said, "bp", "bs")
    ask, ask_size = _interest(said, "ap", "as")
    return Quote(symbol, bid, ask, bid_size, ask_size, time_of(said, "t", what))


def _interest(raw: Raw, price: str, size: str) -> tuple[Decimal | None, Decimal]:
    """One side; without a price or a size nobody is there."""
    amount, there = decimal_or_none(raw, price, "quote"), decimal_or_none(raw, size, "quote")
    if amount is None or there is None or amount <= 0 or there <= 0:
        return None, ZERO
    return amount, there


def session_of(raw: object) -> MarketSession:
    """The market's clock."""
    what = "clock"
    said = object_of(raw, what)
    if said.get("is_open") is None:
        raise Unreadable(what, "is_open", "is missing")
    return MarketSession(
        at=time_of(said, "timestamp", what),
        is_open=flag_of(said, "is_open", what),
        next_open=time_of(said, "next_open", what),
        next_close=time_of(said, "next_close", what),
    )


def trading_day_of(raw: object) -> TradingDay:
    """One day of the calendar, its hours in UTC."""
    what = "calendar day"
    said = object_of(raw, what)
    try:
        day = date.fromisoformat(word_of(said, "date", what))
    except ValueError:
        raise Unreadable(what, "date", "is no date") from None
    return TradingDay(day, _hour(said, "open", day), _hour(said, "close", day))


def _hour(raw: Raw, field: str, day: date) -> datetime:
    what = "calendar day"
    try:
        hour = time.fromisoformat(word_of(raw, field, what))
    except ValueError:
        raise Unreadable(what, field, "is no time of day") from None
    local = datetime.combine(day, hour.replace(tzinfo=None), ZoneInfo(_EXCHANGE))
    return local.astimezone(UTC)
