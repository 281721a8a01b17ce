"""How the venue's lists looked a while ago: what an eventually consistent broker answers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fillwright.protocols import Clock
from fillwright.reports import BrokerOrder, Cursor, ExecutionReport, Fill, Page
from fillwright.states import ENDED
from fillwright.testing.fake_broker.script import Fault
from fillwright.testing.venue import Venue
from fillwright.types import BrokerOrderId, ClientOrderId

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Moment:
    at: datetime
    step: int
    order: BrokerOrder | None
    executions: int


class History:
    """Remember every state of every order since the start, for answers that lag."""

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock
        self._moments: list[_Moment] = []
        self._executions = 0

    def start(self) -> None:
        """Begin to remember; what is there already is old enough for any lag."""
        if self._moments:
            return
        self._executions = len(self._venue.executions().items)
        orders = [None, *(order.snapshot() for order in self._venue.orders())]
        self._moments += [_Moment(_LONG_AGO, 0, order, self._executions) for order in orders]
        self._venue.listen(self._take)

    def find(self, client_order_id: ClientOrderId, lag: Fault) -> BrokerOrder | None:
        """The order as it was then; None when it was not there yet."""
        found = [o for o in self._orders(lag).values() if o.client_order_id == client_order_id]
        return found[-1] if found else None

    def open_orders(self, lag: Fault) -> list[BrokerOrder]:
        """The open orders of then."""
        return [order for order in self._orders(lag).values() if order.status not in ENDED]

    def executions(self, page: Page[Fill], since: Cursor | None, lag: Fault) -> Page[Fill]:
        """What of a page showed then; the cursor lets the rest come later."""
        known = max((m.executions for m in self._then(lag)), default=0)
        start = int(since) if since is not None else 0
        shown = max(known - start, 0)
        return Page(page.items[:shown], Cursor(str(start + len(page.items[:shown]))))

    def _orders(self, lag: Fault) -> dict[BrokerOrderId, BrokerOrder]:
        return {m.order.broker_order_id: m.order for m in self._then(lag) if m.order}

    def _then(self, lag: Fault) -> list[_Moment]:
        self.start()
        before = self._clock.now() - timedelta(seconds=lag.seconds)
        step = max(self._venue.step_number - lag.steps, 0)
        return [m for m in self._moments if m.at <= before and m.step <= step]

    def _take(self, report: ExecutionReport) -> None:
        if report.execution is not None:
            self._executions += 1
        order = self._venue.order(report.broker_order_id) if report.broker_order_id else None
        self._moments.append(self._moment(order.snapshot() if order else None, self._executions))

    def _moment(self, order: BrokerOrder | None, executions: int) -> _Moment:
        return _Moment(self._clock.now(), self._venue.step_number, order, executions)
