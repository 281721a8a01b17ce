"""What the tests of the paper server's API share: an exchange in memory, and short ways to ask."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent

from fillwright.testing import ManualClock, Touch
from fillwright.testing.paper_server.exchange import Exchange, PaperAccount
from fillwright.testing.paper_server.request import Answer, Request
from fillwright.testing.paper_server.settings import PaperServerSettings

D = Decimal
#: Moves only by hand, with prices that stand still and size enough for everybody.
STILL = {"step": 0, "volatility": "0", "depth": "1000000", "requests_per_minute": 1_000_000}
#: How the refusal of a price off its tick ends.
SUB_PENNY = "sub-penny increment does not fulfill minimum pricing criteria"


def keys_of(account: PaperAccount) -> dict[str, str]:
    return {"apca-api-key-id": account.key, "apca-api-secret-key": account.secret}


@dataclass(frozen=True)
class Reply:
    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def told(self) -> tuple[int, int | None, str]:
        """Status, code and message of a refusal."""
        return self.status, self.json.get("code"), self.json["message"]


def read(answer: Answer) -> Reply:
    body = json.loads(answer.body, parse_float=Decimal) if answer.body else None
    return Reply(answer.status, body, answer.headers)


class Api:
    """One exchange, with its first account's events."""

    def __init__(
        self, *, state: Path | None = None, clock: ManualClock | None = None, **settings: Any
    ) -> None:
        self.clock = clock or ManualClock()
        read_settings = PaperServerSettings.model_validate(STILL | settings)
        self.exchange = Exchange(read_settings, self.clock, state=state)
        self.account = next(iter(self.exchange.accounts.values()))
        self.events: list[dict[str, Any]] = []
        self.account.listen(self.events.append)

    @property
    def venue(self):
        return self.account.venue

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        account: PaperAccount | None = None,
    ) -> Reply:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        request = Request(method, path, query or {}, keys_of(account or self.account), raw)
        return read(self.exchange.handle(request))

    def get(self, path: str, **query: Any) -> Reply:
        return self.ask("GET", path, query={name: str(value) for name, value in query.items()})

    def found(self, path: str, **query: Any) -> Any:
        reply = self.get(path, **query)
        assert reply.status == 200, reply
        return reply.json

    def post(self, text: str, **fields: Any) -> Reply:
        """`buy 10 AAPL`, further fields by name; `buy $100 AAPL` is by notional."""
        side, amount, symbol = text.split()
        size = {"notional": amount[1:]} if amount.startswith("$") else {"qty": amount}
        usual = {"type": "market", "time_in_force": "gtc" if "/" in symbol else "day"}
        if "limit_price" in fields:
            usual["type"] = "limit"
        body = {"symbol": symbol, "side": side} | size | usual | fields
        return self.ask("POST", "/v2/orders", {k: v for k, v in body.items() if v is not None})

    def sent(self, text: str, **fields: Any) -> dict[str, Any]:
        reply = self.post(text, **fields)
        assert reply.status == 200, reply
        return reply.json

    def patch(self, order: Mapping[str, Any], **fields: Any) -> Reply:
        return self.ask("PATCH", f"/v2/orders/{order['id']}", fields)

    def cancel(self, order: Mapping[str, Any]) -> Reply:
        return self.ask("DELETE", f"/v2/orders/{order['id']}")

    def order(self, order: Mapping[str, Any], **query: Any) -> dict[str, Any]:
        return self.found(f"/v2/orders/{order['id']}", **query)

    def orders(self, **query: Any) -> list[dict[str, Any]]:
        return self.found("/v2/orders", **query)

    def fills(self, **query: Any) -> list[dict[str, Any]]:
        return self.found("/v2/account/activities/FILL", **query)

    def position(self, symbol: str) -> dict[str, Any]:
        return self.found(f"/v2/positions/{percent(symbol, safe='')}")

    def quote(self, symbol: str, bid: str, ask: str, *sizes: str) -> None:
        bid_size, ask_size = sizes or ("1000000", "1000000")
        self.venue.set_quote(symbol, Touch(D(bid), D(ask), D(bid_size), D(ask_size)))

    @property
    def told(self) -> list[str]:
        """The names of the events."""
        return [event["event"] for event in self.events]

    @contextmanager
    def hearing(self) -> Iterator[list[dict[str, Any]]]:
        """Only the events of this block."""
        begin = len(self.events)
        heard: list[dict[str, Any]] = []
        yield heard
        heard += self.events[begin:]


def limit(price: str, **more: Any) -> dict[str, Any]:
    return {"type": "limit", "limit_price": price} | more
