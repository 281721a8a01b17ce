"""Answers as they were a while ago: what an eventually consistent broker shows.

Each change of an order is kept for `LONGEST_LAG` with what was there before it.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fillwright.protocols import Clock
from fillwright.testing.paper_server.fault_answers import json_answer
from fillwright.testing.paper_server.faults import LONGEST_LAG, On
from fillwright.testing.paper_server.request import Answer, Request

#: A JSON object as it came off the wire.
Document = dict[str, Any]
Handle = Callable[[Request], Answer]

_ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
_OK = 200
_PAGE, _LONGEST_PAGE = 50, 500
_MOST_CHANGES = 20_000


@dataclass(frozen=True, slots=True)
class _Change:
    at: datetime
    order_id: str
    before: Document | None


class History:
    """What one account's orders looked like before their latest changes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changes: deque[_Change] = deque()
        self._known: dict[str, Document] = {}

    def take(self, data: Mapping[str, Any]) -> None:
        """Remember one message of trade_updates."""
        order = data["order"]
        now = self._clock.now()
        self._forget(now - timedelta(seconds=LONGEST_LAG))
        self._changes.append(_Change(now, order["id"], self._known.get(order["id"])))
        self._known[order["id"]] = order

    def answer(self, on: On, request: Request, seconds: float, handle: Handle) -> Answer:
        """The answer to a question about orders or activities, as it was so long ago."""
        then = self._clock.now() - timedelta(seconds=seconds)
        if on is On.ORDERS:
            return self._orders(request, then, handle)
        answer = handle(request)
        if answer.status != _OK:
            return answer
        found = json.loads(answer.body)
        if on is On.ACTIVITIES:
            shown = [item for item in found if _moment(item["transaction_time"]) <= then]
            return replace(answer, body=json.dumps(shown).encode())
        order = self._as_of(found, then)
        if order is None:
            return json_answer(404, {"code": 40410000, "message": "order not found"})
        return replace(answer, body=json.dumps(order).encode())

    def _orders(self, request: Request, then: datetime, handle: Handle) -> Answer:
        # Which were open then cannot be told from those that are open now.
        everything = {**request.query, "status": "all", "limit": str(_LONGEST_PAGE)}
        answer = handle(replace(request, query=everything))
        if answer.status != _OK:
            return answer
        wanted = request.query.get("status", "open")
        shown = [
            order
            for order in (self._as_of(one, then) for one in json.loads(answer.body))
            if order and wanted in ("all", "closed" if order["status"] in _ENDED else "open")
        ]
        given = request.query.get("limit", "")
        limit = int(given) if given.isdecimal() else _PAGE
        return replace(answer, body=json.dumps(shown[:limit]).encode())

    def _as_of(self, order: Document, then: datetime) -> Document | None:
        """The order at that moment; None when it was not there yet."""
        if _moment(order["created_at"]) > then:
            return None
        shown = self._version(order, then)
        if isinstance(shown.get("legs"), list):
            legs = [self._as_of(leg, then) for leg in shown["legs"]]
            shown = {**shown, "legs": [leg for leg in legs if leg]}
        return shown

    def _version(self, order: Document, then: datetime) -> Document:
        undone = [one for one in self._changes if one.order_id == order["id"] and one.at > then]
        if not undone:
            return order
        # What there was before the server began to look is not known; then now must do.
        return undone[0].before or order

    def _forget(self, horizon: datetime) -> None:
        # On a clock that stands still nothing grows old.
        while self._changes and (
            self._changes[0].at < horizon or len(self._changes) >= _MOST_CHANGES
        ):
            order_id = self._changes.popleft().order_id
            if self._known.get(order_id, {}).get("status") in _ENDED:
                self._known.pop(order_id)


def _moment(text: object) -> datetime:
    """A time off the wire, whose ninth digit Python does not keep."""
    return datetime.fromisoformat(str(text))
