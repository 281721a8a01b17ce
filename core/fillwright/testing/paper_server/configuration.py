"""The account's configuration: what its owner may switch, and what that forbids."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fillwright.accounts import Instrument
from fillwright.orders import Order
from fillwright.protocols import Json
from fillwright.testing.paper_server.calls import Call, Fields
from fillwright.testing.paper_server.refusals import forbidden, misshapen
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.writing import answer
from fillwright.testing.venue import Venue
from fillwright.types import Side

_NOTE = "configurations"
#: The fields of the day trading rule (dtbp_check, pdt_check) are gone since 2026-07-06.
_DEFAULTS: Mapping[str, Json] = MappingProxyType(
    {
        "disable_overnight_trading": False,
        "fractional_trading": True,
        "max_margin_multiplier": "4",
        "max_options_trading_level": None,
        "no_shorting": False,
        "ptp_no_exception_entry": False,
        "suspend_trade": False,
        "trade_confirm_email": "all",
    }
)
_MOST_OPTIONS = 3


def configuration_of(venue: Venue) -> dict[str, Json]:
    """The configuration as it stands."""
    kept = venue.books.notes.get(_NOTE)
    return dict(_DEFAULTS) | (kept if isinstance(kept, dict) else {})


def get_configuration(call: Call) -> Answer:
    """`GET /v2/account/configurations`."""
    return answer(200, configuration_of(call.venue))


def patch_configuration(call: Call) -> Answer:
    """`PATCH /v2/account/configurations`: what is not given stays; unknown fields are ignored."""
    fields = call.fields()
    shown = configuration_of(call.venue)
    for name, read in _READERS.items():
        if name in fields:
            shown[name] = read(fields, name)
    call.venue.keep_note(_NOTE, shown)
    return answer(200, shown)


def check_allowed(call: Call, order: Order, instrument: Instrument) -> None:
    """Raise ApiError for an order that the configuration forbids.

    The texts are not confirmed. `max_margin_multiplier` is kept and shown, and changes nothing.
    """
    configuration = configuration_of(call.venue)
    if configuration["suspend_trade"]:
        raise forbidden("new orders are rejected by user request")
    opens = call.venue.books.quantity(order.symbol) <= 0
    if configuration["no_shorting"] and order.side is Side.SELL and opens:
        raise forbidden("account is not allowed to short")
    whole = order.quantity is not None and not order.quantity % instrument.lot
    if not configuration["fractional_trading"] and not whole:
        raise forbidden("account is not allowed to trade fractional shares")


def _flag(fields: Fields, name: str) -> Json:
    return fields.flag(name)


def _multiplier(fields: Fields, name: str) -> Json:
    return fields.choice(name, ("4", "1", "2"))


def _email(fields: Fields, name: str) -> Json:
    return fields.choice(name, ("all", "none"))


def _level(fields: Fields, name: str) -> Json:
    level = fields.amount(name)
    if level is None or level % 1 or not 0 <= level <= _MOST_OPTIONS:
        raise misshapen(f"invalid {name}")
    return int(level)


_READERS: Mapping[str, Callable[[Fields, str], Json]] = MappingProxyType(
    {
        "disable_overnight_trading": _flag,
        "fractional_trading": _flag,
        "max_margin_multiplier": _multiplier,
        "max_options_trading_level": _level,
        "no_shorting": _flag,
        "ptp_no_exception_entry": _flag,
        "suspend_trade": _flag,
        "trade_confirm_email": _email,
    }
)
