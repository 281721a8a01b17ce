"""Which function answers which request."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from fillwright.testing.paper_server import (
    account,
    activities,
    assets,
    calendar,
    configuration,
    market_data,
    order_lists,
    orders,
    positions,
)
from fillwright.testing.paper_server.calls import Call
from fillwright.testing.paper_server.refusals import ApiError
from fillwright.testing.paper_server.request import Answer

Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One place of the API with the functions that stand behind it."""

    pattern: re.Pattern[str]
    handlers: dict[str, Handler]
    #: Market data: on another host in the real world, with its own rate limit.
    data: bool = False
    #: Answered without keys too, as the newest prices of coins are.
    keyless: bool = False


def _route(path: str, *, data: bool = False, keyless: bool = False, **handlers: Handler) -> Route:
    # A coin pair may stand in a path with its slash unencoded, so a last name takes all.
    pattern = re.escape(path).replace(r"\{name\}", "(?P<name>[^/]+)")
    pattern = pattern.replace(r"\{names\}", "(?P<name>.+)")
    methods = {name.upper(): handler for name, handler in handlers.items()}
    return Route(re.compile(pattern), methods, data, keyless)


#: The first that fits is taken.
ROUTES = (
    _route(
        "/v2/orders",
        get=order_lists.list_orders,
        post=orders.post_order,
        delete=orders.delete_orders,
    ),
    _route("/v2/orders:by_client_order_id", get=order_lists.get_order_by_client_id),
    _route(
        "/v2/orders/{name}",
        get=order_lists.get_order,
        patch=orders.patch_order,
        delete=orders.delete_order,
    ),
    _route("/v2/positions", get=positions.list_positions, delete=positions.delete_positions),
    _route("/v2/positions/{names}", get=positions.get_position, delete=positions.delete_position),
    _route("/v2/account", get=account.get_account),
    _route(
        "/v2/account/configurations",
        get=configuration.get_configuration,
        patch=configuration.patch_configuration,
    ),
    _route("/v2/account/activities", get=activities.list_activities),
    _route("/v2/account/activities/{name}", get=activities.list_activities_of_type),
    _route("/v2/assets", get=assets.list_assets),
    _route("/v2/assets/{names}", get=assets.get_asset),
    _route("/v2/clock", get=calendar.get_clock),
    _route("/v2/calendar", get=calendar.get_calendar),
    _route("/v2/stocks/quotes/latest", data=True, get=market_data.stock_quotes),
    _route("/v2/stocks/trades/latest", data=True, get=market_data.stock_trades),
    _route("/v2/stocks/{name}/quotes/latest", data=True, get=market_data.stock_quote),
    _route("/v2/stocks/{name}/trades/latest", data=True, get=market_data.stock_trade),
    _route(
        "/v1beta3/crypto/us/latest/quotes", data=True, keyless=True, get=market_data.crypto_quotes
    ),
    _route(
        "/v1beta3/crypto/us/latest/trades", data=True, keyless=True, get=market_data.crypto_trades
    ),
    _route(
        "/v1beta3/crypto/us/latest/orderbooks",
        data=True,
        keyless=True,
        get=market_data.crypto_books,
    ),
    _route(
        "/v1beta3/crypto/us/snapshots", data=True, keyless=True, get=market_data.crypto_snapshots
    ),
)
_COLON = re.compile("%3a", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path leads, and what it names."""

    route: Route | None
    name: str = ""

    @property
    def is_data(self) -> bool:
        """Whether it asks for market data."""
        return self.route is not None and self.route.data

    @property
    def is_keyless(self) -> bool:
        """Whether it is answered without keys."""
        return self.route is not None and self.route.keyless

    def handler(self, method: str) -> Handler:
        """The function for a method; raises ApiError."""
        if self.route is None:
            # Neither of the two bodies is confirmed.
            raise ApiError((404, None), "endpoint not found.")
        handler = self.route.handlers.get(method)
        if handler is None:
            raise ApiError((405, None), "method not allowed.")
        return handler


def find(path: str) -> Found:
    """Where a raw path leads."""
    path = _COLON.sub(":", path)
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match is not None:
            return Found(route, unquote(match.groupdict().get("name", "")))
    return Found(None)
