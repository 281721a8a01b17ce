"""The way of an HTTP request to the broker and back, on virtual time, with the scenario's faults.

Rules:
1. A request that left arrives, whoever still waits for it: its way is the world's own task.
2. What was taken stays taken, whatever becomes of its answer.
3. Which fault strikes is for the script to say; which shape it takes is drawn here, from a stream
   of chance of its own, so that a knob that is turned off leaves all others as they were.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from fillwright.protocols import Clock
from fillwright.testing.fake_broker import Fault, Kind, On
from fillwright.testing.fake_broker.settings import Latency
from fillwright.testing.paper_server import Answer, Exchange, PaperAccount, Request
from fillwright.testing.paper_server.lag import History
from fillwright.testing.paper_server.operations import client_order_id_in, operation, order_id_in
from fillwright.testing.paper_server.rates import RateWindow
from fillwright.testing.simulation import SeededScript, Violation
from fillwright.testing.simulation.network import outside
from fillwright.types import BrokerOrderId
from fillwright_alpaca.simulated import shapes
from fillwright_alpaca.simulated.landing import How, Landed

#: What the simulation calls an operation of the API.
_PLACES: Final = {
    shapes.Place.SUBMIT: On.SUBMIT,
    shapes.Place.CANCEL: On.CANCEL,
    shapes.Place.CANCEL_ALL: On.CANCEL_ALL,
    shapes.Place.REPLACE: On.REPLACE,
    shapes.Place.FIND: On.FIND,
    shapes.Place.ORDER: On.FIND,
    shapes.Place.ORDERS: On.OPEN_ORDERS,
    shapes.Place.ACTIVITIES: On.EXECUTIONS,
    shapes.Place.ASSETS: On.INSTRUMENT,
    shapes.Place.DATA: On.QUOTE,
}
#: The invariant that is looked at here, where requests are bytes.
ONE_EACH: Final = "I2/3.e one_request_for_each_call"
_COUNTED: Final = frozenset({On.SUBMIT, On.CANCEL, On.REPLACE})
_ACTS: Final = frozenset({On.SUBMIT, On.CANCEL, On.REPLACE, On.CANCEL_ALL})
#: How much later the second one of two copies comes, in seconds.
_APART: Final = (0.0, 0.1, 1.0, 5.0)
_REFUSED: Final = 400
_LIMIT: Final = "X-RateLimit-Limit"


@dataclass(frozen=True, slots=True)
class _Trip:
    """One request on its way."""

    request: Request
    place: shapes.Place
    on: On
    #: The client order id that it is about; empty when it is about none.
    key: str
    fault: Fault | None
    #: Seconds there, and back.
    there: float
    back: float

    @property
    def kind(self) -> Kind | None:
        """What goes wrong with it."""
        return None if self.fault is None else self.fault.fault


class Web:
    """Carry requests to one account."""

    def __init__(
        self,
        exchange: Exchange,
        script: SeededScript,
        clock: Clock,
        *,
        latency: Latency,
        patience: float,
    ) -> None:
        """A client waits so many seconds, its `patience`, for an answer."""
        self._exchange = exchange
        self._account: PaperAccount = next(iter(exchange.accounts.values()))
        self._history = History(clock)
        self._account.listen(self._history.take)
        script.at_end(self._calm_down)
        #: Whether the faults are over.
        self._over = False
        self._script = script
        self._clock = clock
        self._latency = latency
        self._patience = patience
        #: Whether lists may be late now.
        self.late_lists = True
        #: Requests that the desk asked its adapter for and that have not left.
        self._expected: Counter[tuple[On, str]] = Counter()

    def expect(self, on: On, name: str) -> None:
        """The desk asks for one request of this kind, about an order by either of its names."""
        self._expected[on, name] += 1

    def _calm_down(self) -> None:
        self._over = True

    async def carry(self, request: Request) -> Landed:
        """Bring a request there, and what comes of it back; for whoever waits."""
        trip = self._begun(request)
        fault = trip.fault
        if trip.kind is Kind.NOT_SENT:
            return self._landed(How.UNREACHED)
        if fault is not None and trip.kind in (Kind.DROP_REQUEST, Kind.ACCEPT_LATE):
            if trip.kind is Kind.ACCEPT_LATE:
                outside(self._taken_later(trip, fault.seconds))
            return await self._unanswered(trip)
        if trip.kind in shapes.OWN:
            await asyncio.sleep(trip.there + trip.back)
            return self._landed(How.ANSWERED, self._own(trip))
        return await self._answered(trip)

    # ------------------------------------------------------------------ departure

    def _begun(self, request: Request) -> _Trip:
        place = operation(request.method, request.path)
        on = _PLACES.get(place, On.ACCOUNT)
        key = self._named(request)
        if on in _COUNTED:
            self._count(on, order_id_in(request.path) or key, key)
        fault = self._script.strike(on, key)
        there, back = self.half(), self.half()
        if fault is not None and fault.fault is Kind.DELAY:
            there += fault.seconds
        return _Trip(request, place, on, key, fault, there, back)

    def _count(self, on: On, *names: str) -> None:
        """Hold what leaves against what was asked for: a retry beneath the desk is one too many."""
        for name in names:
            if self._expected[on, name] > 0:
                self._expected[on, name] -= 1
                return
        fault = Violation(f"{on} {names[-1]} left more often than it was asked for", ONE_EACH)
        asyncio.get_running_loop().call_exception_handler({"exception": fault})

    def half(self) -> float:
        """How long one way takes now, in seconds."""
        least, most = self._latency.min, self._latency.max
        if not most:
            return 0.0
        return (least + (most - least) * self._script.chance("alpaca/latency").random()) / 2

    def _named(self, request: Request) -> str:
        """The client order id of the order that a request is about."""
        order_id = order_id_in(request.path)
        if order_id is None:
            return client_order_id_in(request)
        order = self._account.venue.order(BrokerOrderId(order_id))
        return order.client_order_id if order else ""

    # ------------------------------------------------------------------ no answer

    async def _unanswered(self, trip: _Trip) -> Landed:
        """The client learns that something went wrong, and nothing more."""
        shape = self._script.chance(f"alpaca/lost/{trip.on}").choice(shapes.LOST)
        self._note(trip, shape)
        if shape is How.SILENT:
            await asyncio.sleep(self._patience)
            return self._landed(How.SILENT)
        await asyncio.sleep(min(trip.fault.seconds if trip.fault else 0.0, self._patience))
        if isinstance(shape, How):
            return self._landed(shape)
        return self._landed(How.ANSWERED, shapes.answer_of(shape, self._clock.now()))

    async def _taken_later(self, trip: _Trip, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._handle(trip.request)

    # ------------------------------------------------------------------ an answer

    async def _answered(self, trip: _Trip) -> Landed:
        """It arrives; its answer comes back in one shape or another, or not in time."""
        if trip.there > self._patience and trip.on is On.SUBMIT:
            self._script.held_back(trip.key, trip.there)
        way = outside(self._way(trip))
        done, _ = await asyncio.wait((way,), timeout=self._patience)
        if not done:
            return self._landed(How.SILENT)
        return way.result()

    async def _way(self, trip: _Trip) -> Landed:
        await asyncio.sleep(trip.there)
        answer = self._handled(trip)
        self._perhaps_again(trip, answer)
        await asyncio.sleep(trip.back)
        if trip.kind in shapes.TAKEN:
            return await self._half_told(trip, answer)
        return self._landed(How.ANSWERED, self._perhaps_garbled(trip, answer))

    def _handle(self, request: Request) -> Answer:
        if self._over:
            # A desk that used up its minute could not cancel what it is to cancel at its end.
            account = self._account
            account.rates = RateWindow(account.settings.requests_per_minute)
        return self._exchange.handle(request)

    def _handled(self, trip: _Trip) -> Answer:
        """What the broker says, or said a while ago."""
        handle = self._handle
        if trip.fault is None or trip.kind is not Kind.LAG or not self.late_lists:
            return handle(trip.request)
        return self._history.answer(trip.place, trip.request, trip.fault.seconds, handle)

    async def _half_told(self, trip: _Trip, answer: Answer) -> Landed:
        """It was taken, and the client does not hear it."""
        drawn = self._script.chance(f"alpaca/half/{trip.on}")
        shape = drawn.choice(shapes.TAKEN[trip.kind or Kind.DROP])
        self._note(trip, shape)
        if shape is How.SILENT:
            await asyncio.sleep(2 * self._patience)
        await asyncio.sleep(min(trip.fault.seconds if trip.fault else 0.0, self._patience))
        if shape is How.CUT_OFF:
            return self._landed(shape if answer.body else How.RESET, answer)
        if isinstance(shape, How):
            return self._landed(shape)
        return self._landed(How.ANSWERED, shapes.answer_of(shape, self._clock.now()))

    def _own(self, trip: _Trip) -> Answer:
        """What is answered without anything being taken."""
        drawn = self._script.chance(f"alpaca/own/{trip.on}")
        shape = drawn.choice(shapes.OWN[trip.kind or Kind.DROP])
        self._note(trip, shape)
        answer = shapes.answer_of(shape, self._clock.now())
        if _LIMIT not in answer.headers:
            return answer
        # The limit that every other answer tells.
        limit = str(self._account.settings.requests_per_minute)
        return replace(answer, headers={**answer.headers, _LIMIT: limit})

    # ------------------------------------------------------------------ beyond the script

    def _perhaps_again(self, trip: _Trip, answer: Answer) -> None:
        """The network brings a request twice; one that was refused is not taken later."""
        if trip.on not in _ACTS or answer.status >= _REFUSED:
            return
        if self._hits("doubled_requests", trip):
            apart = self._script.chance(f"alpaca/apart/{trip.on}").choice(_APART)
            if trip.on is On.SUBMIT:
                self._script.held_back(trip.key, apart)
            outside(self._taken_later(trip, apart))

    def _perhaps_garbled(self, trip: _Trip, answer: Answer) -> Answer:
        knob = "garbled_answers" if trip.on in _ACTS else "garbled_reads"
        if not self._hits(knob, trip):
            return answer
        shape = self._script.chance(f"alpaca/{knob}/{trip.on}").choice(shapes.SPOILED)
        self._note(trip, shape)
        return replace(answer, body=shapes.spoiled(answer.body, shape))

    def _hits(self, knob: str, trip: _Trip) -> bool:
        return self._script.hits(knob, f"alpaca/{knob}/{trip.on}/hits")

    def _note(self, trip: _Trip, shape: How | shapes.Shape) -> None:
        told = shape if isinstance(shape, How) else shape.fault
        self._script.note("wire", f"{trip.request.method} {trip.on} {trip.key}: {told}")

    def _landed(self, how: How, answer: Answer | None = None) -> Landed:
        return Landed(how, self._clock.now(), answer)
