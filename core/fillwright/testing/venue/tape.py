"""What the venue says happened: reports in order, handed on after the state is safe."""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from fillwright.reports import Evidence, Execution, ExecutionReport, Source
from fillwright.testing.venue.books import Books
from fillwright.testing.venue.records import VenueOrder
from fillwright.types import BrokerOrderId, ExecType

Listener = Callable[[ExecutionReport], None]


class Tape:
    """Number the reports and keep them until the turn ends; with nobody listening they are gone."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._listeners: list[Listener] = []
        self._waiting: deque[ExecutionReport] = deque()
        self._flushing = False

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hand every report from now on to `listener`; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def say(
        self,
        kind: ExecType,
        order: VenueOrder,
        now: datetime,
        execution: Execution | None = None,
        replaced_by: BrokerOrderId | None = None,
    ) -> None:
        """Report one event of one order as it stands now."""
        books = self._books
        books.events_made += 1
        books.changed = True
        if not self._listeners:
            return
        self._waiting.append(
            ExecutionReport(
                kind,
                order.symbol,
                order.side,
                Evidence(Source.STREAM, f"{books.tag}-e{books.events_made}"),
                now,
                order.client_order_id,
                order.broker_order_id,
                execution,
                order.filled,
                order.average_price,
                order.quantity,
                order.status,
                replaced_by,
                order.parent,
                order.text,
            )
        )

    def flush(self) -> None:
        """Hand on what was said, oldest first; a listener who asks the venue changes no order."""
        if not self._waiting or self._flushing:
            return
        self._flushing = True
        try:
            while self._waiting:
                report = self._waiting.popleft()
                for listener in tuple(self._listeners):
                    listener(report)
        finally:
            self._flushing = False
