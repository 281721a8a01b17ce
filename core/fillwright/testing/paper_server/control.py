"""The control endpoint: what the venue's staff, the clock and the fault script can be told.

1. Everything is JSON; what cannot be done is one sentence in `message`.
2. Only programs on the same machine are answered (`web` sees to that).
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol
from urllib.parse import unquote

from fillwright.accounts import Account
from fillwright.errors import BadInput, UnknownSymbol
from fillwright.testing.paper_server.control_bodies import (
    Disturbance,
    Halt,
    Moment,
    NewAccount,
    OfAccount,
    Quote,
    Reason,
    Refusal,
    Session,
    Trade,
    read_body,
    read_faults,
)
from fillwright.testing.paper_server.exchange import PaperAccount
from fillwright.testing.paper_server.fault_answers import json_answer
from fillwright.testing.paper_server.faults import Fault, Faults
from fillwright.testing.paper_server.movable_clock import MovableClock
from fillwright.testing.paper_server.request import Answer, Request
from fillwright.testing.paper_server.seen import SeenLog
from fillwright.testing.paper_server.staff import WORDS, Document, NoSuchThing, Staff
from fillwright.types import text_of

_YEAR = 366 * 86_400
#: How far the clock can be moved at once, in seconds.
_FARTHEST = 10 * _YEAR
#: Everything below it is the control endpoint's.
PREFIX = "/_control"


class Server(Protocol):
    """What the control endpoint asks of the server that it steers."""

    faults: Faults
    requests: SeenLog
    clock: MovableClock

    def advance(self) -> None:
        """Let the venues catch up with the clock."""

    def add_account(
        self, *, cash: Decimal | None = None, positions: dict[str, Decimal] | None = None
    ) -> PaperAccount:
        """Open one more account."""

    def connected(self, key: str) -> bool:
        """Whether somebody is connected to this account's stream."""

    def listening(self, key: str) -> bool:
        """Whether that somebody has asked for trade_updates, too."""

    def disturb(self, fault: Fault) -> int:
        """Do this to the open connections of the stream; how many there were."""

    def refuse_soon(self, seconds: float) -> None:
        """Stop listening for so long, once this answer is out."""


@dataclass(frozen=True, slots=True)
class Given:
    """A request to the control endpoint, and what it can move."""

    server: Server
    staff: Staff
    request: Request


class Control:
    """Answer the requests to the control endpoint."""

    def __init__(self, server: Server, staff: Staff) -> None:
        self._server = server
        self._staff = staff

    def answer(self, request: Request) -> Answer:
        """Do what a request asks for."""
        path = unquote(request.path.removeprefix(PREFIX))
        for method, pattern, work in _ROUTES:
            found = pattern.fullmatch(path)
            if found is not None and method == request.method:
                given = Given(self._server, self._staff, request)
                return _done(partial(work, given, *found.groups()))
        known = ", ".join(f"{method} {PREFIX}{shown}" for method, shown, _ in TABLE)
        return json_answer(404, {"message": f"there is no such control; there are: {known}"})


def _done(work: Callable[[], object]) -> Answer:
    try:
        return json_answer(200, work())
    except NoSuchThing as fault:
        return json_answer(404, {"message": str(fault)})
    except (BadInput, UnknownSymbol, ValueError) as fault:
        return json_answer(400, {"message": str(fault)})


def _state(given: Given) -> Document:
    server = given.server
    return {
        "now": server.clock.now().isoformat(),
        "frozen": server.clock.frozen,
        "accounts": [_account(given, one) for one in given.staff.chosen(None)],
        "faults": len(server.faults.lines()),
        "requests": len(server.requests),
    }


def _account(given: Given, account: PaperAccount) -> Document:
    venue = account.venue
    held: Account = venue.account()
    return {
        "key": account.key,
        "account_id": account.account_id,
        "account_number": account.account_number,
        "cash": text_of(held.cash),
        "buying_power": text_of(held.buying_power),
        "equity": text_of(held.equity),
        "positions": {s: text_of(p.quantity) for s, p in held.positions.items()},
        "open_orders": len(venue.open_orders()),
        "connected": given.server.connected(account.key),
        "listening": given.server.listening(account.key),
    }


def _add_account(given: Given) -> Document:
    body = read_body(NewAccount, given.request.body)
    account = given.server.add_account(cash=body.cash, positions=body.positions)
    return {**_account(given, account), "secret": account.secret}


def _quote(given: Given, symbol: str) -> Document:
    return given.staff.quote(symbol, given.request.query.get("account"))


def _set_quote(given: Given) -> Document:
    return given.staff.set_quote(read_body(Quote, given.request.body))


def _clear_quote(given: Given, symbol: str) -> Document:
    return given.staff.clear_quote(symbol, given.request.query.get("account"))


def _clock(given: Given) -> Document:
    clock = given.server.clock
    if given.request.method == "POST":
        body = read_body(Moment, given.request.body)
        moment = _moment(clock.now(), body)
        if moment is not None:
            clock.set(moment)
        if body.frozen is not None:
            (clock.freeze if body.frozen else clock.run)()
        given.server.advance()
    return {"now": clock.now().isoformat(), "frozen": clock.frozen}


def _session(given: Given) -> Document:
    return given.staff.session(read_body(Session, given.request.body))


def _halt(given: Given) -> Document:
    return given.staff.halt(read_body(Halt, given.request.body))


def _fill(given: Given, order_id: str) -> Document:
    return given.staff.fill(order_id, read_body(Trade, given.request.body))


def _change(given: Given, order_id: str, word: str) -> Document:
    return given.staff.change(order_id, word, read_body(Reason, given.request.body))


def _bust(given: Given, execution_id: str) -> Document:
    body = read_body(OfAccount, given.request.body)
    return given.staff.bust(execution_id, body.account)


def _correct(given: Given, execution_id: str) -> Document:
    return given.staff.correct(execution_id, read_body(Trade, given.request.body))


def _faults(given: Given) -> list[Document]:
    return [
        {"number": number, "struck": struck, **fault.model_dump(exclude_defaults=True)}
        for number, fault, struck in given.server.faults.lines()
    ]


def _add_faults(given: Given) -> Document:
    return {"numbers": [given.server.faults.add(one) for one in read_faults(given.request.body)]}


def _clear_faults(given: Given) -> Document:
    given.server.faults.clear()
    return {}


def _remove_fault(given: Given, number: str) -> Document:
    try:
        given.server.faults.remove(int(number))
    except KeyError:
        raise NoSuchThing("fault", f"there is none with the number {number}") from None
    return {}


def _requests(given: Given) -> list[Document]:
    on = given.request.query.get("on")
    shown = [asdict(entry) for entry in given.server.requests if on in (None, entry.on)]
    return [{**entry, "at": entry["at"].isoformat()} for entry in shown]


def _forget(given: Given) -> Document:
    given.server.requests.clear()
    return {}


def _disturb(given: Given) -> Document:
    body = read_body(Disturbance, given.request.body)
    return {"connections": given.server.disturb(body.as_fault())}


def _refuse(given: Given) -> Document:
    body = read_body(Refusal, given.request.body)
    given.server.refuse_soon(body.seconds)
    return {"seconds": body.seconds}


def _moment(now: datetime, body: Moment) -> datetime | None:
    """Where the clock is to stand; None when it is not to be moved."""
    if body.set is None and body.advance is None:
        return None
    seconds = body.advance or 0.0
    if body.set is not None:
        seconds += (body.set - now).total_seconds()
    if abs(seconds) > _FARTHEST:
        # Every day of it would have to be lived through at once.
        raise BadInput("body", f"moves the clock by more than {_FARTHEST / _YEAR:g} years")
    return now + timedelta(seconds=seconds)


Work = Callable[..., object]
#: Method and path of every control, and what answers.
TABLE: tuple[tuple[str, str, Work], ...] = (
    ("GET", "/state", _state),
    ("POST", "/accounts", _add_account),
    ("GET", "/quotes/{symbol}", _quote),
    ("POST", "/quotes", _set_quote),
    ("DELETE", "/quotes/{symbol}", _clear_quote),
    ("GET", "/clock", _clock),
    ("POST", "/clock", _clock),
    ("POST", "/session", _session),
    ("POST", "/halt", _halt),
    ("POST", "/orders/{id}/fill", _fill),
    ("POST", "/orders/{id}/{word}", _change),
    ("POST", "/executions/{id}/bust", _bust),
    ("POST", "/executions/{id}/correct", _correct),
    ("GET", "/faults", _faults),
    ("POST", "/faults", _add_faults),
    ("DELETE", "/faults", _clear_faults),
    ("DELETE", "/faults/{number}", _remove_fault),
    ("GET", "/requests", _requests),
    ("DELETE", "/requests", _forget),
    ("POST", "/stream", _disturb),
    ("POST", "/refuse", _refuse),
)
_PARTS = {
    "{symbol}": "(.+)",
    "{id}": "([^/]+)",
    "{number}": "([0-9]{1,9})",
    "{word}": f"({'|'.join(WORDS)})",
}


def _pattern(shown: str) -> re.Pattern[str]:
    for part, pattern in _PARTS.items():
        shown = shown.replace(part, pattern)
    return re.compile(shown)


_ROUTES = tuple((method, _pattern(shown), work) for method, shown, work in TABLE)
