"""The answers that stand in for the broker's own when a fault strikes."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape

from fillwright.testing.paper_server.faults import Fault, Kind
from fillwright.testing.paper_server.request import Answer

_JSON = {"Content-Type": "application/json; charset=UTF-8"}
_HTML = {"Content-Type": "text/html"}
_LIMIT = 200
#: Seconds until a rate limit is lifted, when the fault does not say.
_RESET = 60.0


def json_answer(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(document).encode(), {**_JSON, **(headers or {})})


def fault_answer(fault: Fault, now: datetime) -> Answer | None:
    """The answer that this fault gives; None for a fault that gives none of its own."""
    told = fault.text
    if fault.fault is Kind.ACCEPT_THEN_504:
        return _page(504, told or "Gateway Time-out")
    if fault.fault is Kind.BAD_GATEWAY:
        return _page(502, told or "Bad Gateway")
    if fault.fault is Kind.UNAVAILABLE:
        return Answer(503, b"", {})
    if fault.fault is Kind.SERVER_ERROR:
        return json_answer(500, {"message": told or "internal server error occurred"})
    if fault.fault is Kind.UNAUTHORIZED:
        return json_answer(401, {"code": 40110000, "message": told or "request is not authorized"})
    if fault.fault is Kind.REJECT:
        code = {} if fault.code is None else {"code": fault.code}
        message = told or "rejected by the fault script"
        return json_answer(fault.status, {**code, "message": message})
    if fault.fault is Kind.REDIRECT:
        return Answer(302, b"", {"Location": told or "/elsewhere"})
    if fault.fault is Kind.RATE_LIMITED:
        return _rate_limited(fault, now)
    return None


def _rate_limited(fault: Fault, now: datetime) -> Answer:
    reset = now + timedelta(seconds=fault.seconds or _RESET)
    headers = {
        "X-RateLimit-Limit": str(_LIMIT),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(reset.timestamp())),
    }
    document = {"code": 42910000, "message": fault.text or "rate limit exceeded"}
    return json_answer(429, document, headers if fault.headers else None)


def _page(status: int, title: str) -> Answer:
    text = escape(title)
    page = (
        f"<html><head><title>{status} {text}</title></head>"
        f"<body><center><h1>{status} {text}</h1></center></body></html>\n"
    )
    return Answer(status, page.encode(), _HTML)
