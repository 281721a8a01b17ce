"""Which operation a request is, and which order it is about."""

import json
import re
from urllib.parse import unquote

from fillwright.testing.paper_server.faults import On
from fillwright.testing.paper_server.request import Request

_ORDER = re.compile(r"/v2/orders/([^/]+)")
_PLACES: tuple[tuple[str, On], ...] = (
    ("/v2/account/activities", On.ACTIVITIES),
    ("/v2/account", On.ACCOUNT),
    ("/v2/positions", On.POSITIONS),
    ("/v2/assets", On.ASSETS),
    ("/v2/clock", On.CLOCK),
    ("/v2/calendar", On.CLOCK),
    ("/v2/stocks", On.DATA),
    ("/v1beta", On.DATA),
)
_ORDERS = {"GET": On.ORDERS, "POST": On.SUBMIT, "DELETE": On.CANCEL_ALL}
_ONE_ORDER = {"GET": On.ORDER, "PATCH": On.REPLACE, "PUT": On.REPLACE, "DELETE": On.CANCEL}


def operation(method: str, path: str) -> On:
    """What a request asks for; one that is nothing special is a REQUEST."""
    path = unquote(path)
    if path == "/v2/orders":
        return _ORDERS.get(method, On.REQUEST)
    if path == "/v2/orders:by_client_order_id":
        return On.FIND
    if _ORDER.fullmatch(path):
        return _ONE_ORDER.get(method, On.REQUEST)
    for start, on in _PLACES:
        if path.startswith(start):
            closes = on is On.POSITIONS and method == "DELETE"
            return On.CLOSE_POSITION if closes else on
    return On.REQUEST


def order_id_in(path: str) -> str | None:
    """The order id in the path of a request about one order."""
    found = _ORDER.fullmatch(path)
    return found[1] if found else None


def client_order_id_in(request: Request) -> str:
    """The client order id that a request names itself; empty when it names none."""
    told = request.query.get("client_order_id")
    if told is None and request.body:
        try:
            document = json.loads(request.body)
        except (ValueError, RecursionError):
            return ""
        told = document.get("client_order_id") if isinstance(document, dict) else None
    return told if isinstance(told, str) else ""
