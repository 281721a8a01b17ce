"""Alpaca in the deterministic simulation: the real adapter and SDK over an emulated broker.

Rules:
1. Everything outlives the desk's processes but what `connect` gives out.
2. All chance comes from the scenario's seed, all time from its loop.
3. What this broker cannot show, or shows in bytes, stands in `shows` and is told in the docs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import SecretStr

from fillwright.hooks import AdapterRequest
from fillwright.orders import WorkingOrder
from fillwright.protocols import Adapter, Binding, Clock, Executor
from fillwright.reports import Ack, Cursor, Fill, Page
from fillwright.testing.fake_broker import FakeBrokerSettings, On
from fillwright.testing.paper_server import Exchange, PaperAccount, PaperServerSettings
from fillwright.testing.paper_server.writing import decimal_text
from fillwright.testing.simulation import SeededScript
from fillwright.testing.simulation.backend import DeskPorts
from fillwright.testing.venue import Venue, VenueSettings
from fillwright.types import ExecType, ExecutionId, Mode
from fillwright.verdicts import ApprovedChange, ApprovedOrder
from fillwright_alpaca.adapter import build
from fillwright_alpaca.messages import execution_id
from fillwright_alpaca.simulated.feed import Feed
from fillwright_alpaca.simulated.later import Later
from fillwright_alpaca.simulated.transport import Transport
from fillwright_alpaca.simulated.turns import Turns
from fillwright_alpaca.simulated.web import Web
from fillwright_alpaca.translate import SdkClient

#: Seconds that the client waits for an answer; and how long a request may be under way after all:
#: the fence stands 7.5 s behind a request. Shorter than usual, so that a scenario sees both of its
#: sides.
_PATIENCE: Final = 1.5
_TOTAL: Final = 2.0
_PROXY: Final = 0.5


class AlpacaBackend:
    """Implement the simulation's `Backend` with the real adapter."""

    #: Copies, broken answers and old messages are made of bytes.
    shows = frozenset({"doubled_requests", "garbled_answers", "garbled_reads", "replays"})

    def __init__(self, settings: FakeBrokerSettings, script: SeededScript, clock: Clock) -> None:
        exchange = Exchange(_served(settings, script.knobs.rate), clock)
        self._account: PaperAccount = next(iter(exchange.accounts.values()))
        self.venue: Venue = self._account.venue
        self.binding = Binding(Mode.PAPER, "alpaca", self._account.account_number)
        latency = settings.latency
        self._web = Web(exchange, script, clock, latency=latency, patience=_PATIENCE)
        self._feed = Feed(self._account, script, Later(), self._web.half)
        #: Which executions an adapter had told when it gave a bookmark.
        self._told: dict[Cursor, frozenset[ExecutionId]] = {}
        #: Bookmarks that a new journal's books may stand on.
        self._first: set[Cursor] = set()
        self._venue_names: dict[ExecutionId, ExecutionId] = {}

    def connect(self, ports: DeskPorts) -> Adapter:
        """The real adapter, with the simulation's ends of HTTP and stream."""
        request = AdapterRequest(
            "alpaca",
            Mode.PAPER,
            MappingProxyType(
                {
                    "key_id": SecretStr(self._account.key),
                    "secret_key": SecretStr(self._account.secret),
                    "read_timeout_seconds": _PATIENCE,
                    "total_timeout_seconds": _TOTAL,
                    "proxy_timeout_seconds": _PROXY,
                }
            ),
            Path(),
            ports.clock,
            ports.rng,
            ports.rate,
        )
        adapter = build(
            request,
            transport=Transport(),
            caller=partial(Turns[SdkClient], carry=self._web.carry),
            socket=self._feed.connect,
        )
        self._take_note_of(adapter.executor)
        return adapter

    def fills(self, since: Cursor | None) -> Sequence[Fill]:
        """Every execution that was not told up to a bookmark, named as the adapter names them."""
        known = frozenset() if since is None else self._told[since]
        return [fill for fill in self._named() if fill.execution.execution_id not in known]

    def at_venue(self, name: ExecutionId) -> ExecutionId:
        """What the venue calls it."""
        return self._venue_names[name]

    def _named(self) -> list[Fill]:
        """Every execution under the name that orders and cumulative quantities give it."""
        books = self.venue.books
        names: dict[ExecutionId, ExecutionId] = {}
        led: Counter[ExecutionId] = Counter()
        found = []
        for fill, mark in zip(books.fills, books.marks, strict=True):
            made, corrected = fill.execution, fill.execution.corrects
            corrects = None if corrected is None else names[corrected]
            if corrects is None:
                name = execution_id(fill.broker_order_id, mark.filled)
                # Behind a bust an order may come to the same quantity again.
                led[name] += 1
                name = name if led[name] == 1 else ExecutionId(f"{name}:{led[name]}")
            elif fill.exec_type is ExecType.TRADE_CANCEL:
                name = ExecutionId(f"{corrects}:bust")
            else:
                # As the wire has them.
                how = f"{decimal_text(made.quantity)}@{decimal_text(made.price)}"
                name = ExecutionId(f"{corrects}:correct:{how}")
            names[made.execution_id] = name
            self._venue_names[name] = made.execution_id
            execution = replace(made, execution_id=name, corrects=corrects)
            found.append(replace(fill, execution=execution))
        return found

    def _take_note_of(self, executor: Executor) -> None:
        """Remember what was told up to each bookmark, and how often something was asked for."""
        ask, submit = executor.executions, executor.submit
        cancel, change = executor.cancel, executor.replace

        async def executions(since: Cursor | None) -> Page[Fill]:
            # Books that are opened on a late list and an account that is not would be wrong, and
            # no answer says as of when it is: that is told in the docs, and not tried here.
            self._web.late_lists = since is not None and since not in self._first
            try:
                page = await ask(since)
            finally:
                self._web.late_lists = True
            if since is None:
                self._first.add(page.cursor)
            before = frozenset() if since is None else self._told.get(since, frozenset())
            told = frozenset(fill.execution.execution_id for fill in page.items)
            self._told[page.cursor] = before | told
            return page

        async def submitted(order: ApprovedOrder) -> Ack:
            self._web.expect(On.SUBMIT, order.client_order_id)
            return await submit(order)

        async def canceled(order: WorkingOrder) -> Ack:
            self._web.expect(On.CANCEL, order.broker_order_id or order.client_order_id)
            return await cancel(order)

        async def replaced(order: WorkingOrder, wanted: ApprovedChange) -> Ack:
            self._web.expect(On.REPLACE, order.broker_order_id or order.client_order_id)
            return await change(order, wanted)

        witnessed = {"executions": executions, "submit": submitted}
        for name, method in (witnessed | {"cancel": canceled, "replace": replaced}).items():
            setattr(executor, name, method)


def _served(settings: FakeBrokerSettings, rate: int) -> PaperServerSettings:
    """The same venue behind Alpaca's API; where the knob says no rate, with Alpaca's own."""
    venue = {name: getattr(settings, name) for name in VenueSettings.model_fields}
    # Names and keys follow from the seed: with one seed for all, no secret piles up in the logs'
    # register. Prices do not, for the scenario pins them.
    more: dict[str, object] = {"seed": 7, "account_id": "FAKE-1", "list_busts": True}
    if rate:
        more["requests_per_minute"] = rate
    return PaperServerSettings.model_validate(venue | more)
