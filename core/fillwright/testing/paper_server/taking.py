"""A request on its way through the faults to the exchange, and what becomes of its answer.

1. What was taken stays taken, whatever becomes of its answer.
2. A request that is delayed is taken when the delay ends, if its client is still there.
"""

from dataclasses import dataclass, replace

from fillwright.testing.paper_server.exchange import Exchange
from fillwright.testing.paper_server.fault_answers import fault_answer
from fillwright.testing.paper_server.faults import Fault, Kind, On
from fillwright.testing.paper_server.lag import History
from fillwright.testing.paper_server.operations import client_order_id_in, order_id_in
from fillwright.testing.paper_server.ports import Ports
from fillwright.testing.paper_server.request import Answer, Request
from fillwright.testing.paper_server.seen import Seen
from fillwright.testing.paper_server.spoil import spoiled_bytes
from fillwright.types import BrokerOrderId

#: How much sooner an event comes than the answer, when the fault does not say, in seconds.
_SOONER = 0.1
_SPOILED = frozenset(
    {
        *(Kind.TRUNCATED, Kind.GARBAGE, Kind.UNKNOWN_STATUS),
        *(Kind.FIELD_MISSING, Kind.FIELD_NULL, Kind.FIELD_SET, Kind.FIELD_RETYPED),
    }
)
_HANGS = frozenset({Kind.DROP_HANG, Kind.ACCEPT_THEN_HANG})
_RESETS = frozenset(
    {Kind.DROP_RESET, Kind.ACCEPT_THEN_RESET, Kind.ACCEPT_LATE, Kind.REFUSE_CONNECTIONS}
)
_TAKES = frozenset({Kind.ACCEPT_THEN_RESET, Kind.ACCEPT_THEN_HANG, Kind.ACCEPT_THEN_504})
KEY_HEADER = "apca-api-key-id"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What goes back to the client."""

    #: None when no answer ever comes.
    answer: Answer | None
    #: The connection is reset instead of an answer; else it hangs.
    reset: bool = False
    #: Seconds over which the answer is spread.
    slow: float = 0.0
    #: The whole length is announced, and half of it comes.
    cut_off: bool = False


class Counter:
    """Where requests are taken, and where the script decides what becomes of them."""

    def __init__(self, exchange: Exchange, ports: Ports) -> None:
        self._exchange = exchange
        self._ports = ports

    async def take(self, request: Request, entry: Seen, history: History | None) -> Outcome:
        """Carry one request out, as far as the script lets it."""
        entry.key = request.headers.get(KEY_HEADER, "")
        entry.client_order_id = self._named(request, entry.key) or client_order_id_in(request)
        fault = self._ports.faults.strike(entry.on, entry.key, entry.client_order_id)
        if fault is None:
            return Outcome(self._exchange.handle(request))
        entry.fault = fault.fault
        own = fault_answer(fault, self._ports.clock.now())
        if fault.fault in _HANGS or fault.fault in _RESETS or own is not None:
            self._interrupt(request, fault)
            return Outcome(own, reset=fault.fault in _RESETS)
        return await self._distorted(request, entry.on, fault, history)

    def _interrupt(self, request: Request, fault: Fault) -> None:
        if fault.taken or fault.fault in _TAKES:
            self._exchange.handle(request)
        elif fault.fault is Kind.ACCEPT_LATE:
            self._ports.late.after(fault.seconds, lambda: self._unheard(request))
        elif fault.fault is Kind.REFUSE_CONNECTIONS:
            self._ports.refuse(fault.seconds)

    async def _distorted(
        self, request: Request, on: On, fault: Fault, history: History | None
    ) -> Outcome:
        if fault.fault is Kind.DELAY:
            await self._ports.clock.sleep(fault.seconds)
        if fault.fault is Kind.LAG and history is not None:
            return Outcome(history.answer(on, request, fault.seconds, self._exchange.handle))
        answer = self._exchange.handle(request)
        if fault.fault is Kind.DELAY_ANSWER:
            await self._ports.clock.sleep(fault.seconds)
        elif fault.fault is Kind.EVENT_FIRST:
            await self._ports.clock.sleep(fault.seconds or _SOONER)
        elif fault.fault in _SPOILED:
            answer = replace(answer, body=spoiled_bytes(answer.body, fault))
        slow = fault.seconds if fault.fault is Kind.SLOW_ANSWER else 0.0
        return Outcome(answer, slow=slow, cut_off=fault.fault is Kind.CUT_OFF)

    def _unheard(self, request: Request) -> None:
        self._exchange.handle(request)

    def _named(self, request: Request, key: str) -> str:
        """The client order id of the order whose id is in the path."""
        order_id = order_id_in(request.path)
        account = self._exchange.accounts.get(key)
        if order_id is None or account is None:
            return ""
        order = account.venue.order(BrokerOrderId(order_id))
        return order.client_order_id if order else ""
