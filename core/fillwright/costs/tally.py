"""From journal records to costs: fold them, and hold each fill against the quotes that stand there.

Records of journals from before quotes were kept are read as orders and fills without any.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fillwright.accounts import Quote
from fillwright.costs.measures import Costs, FillCost, OrderCost
from fillwright.ledger import FillQuoted, Ledger, Reported, Sent, decode
from fillwright.protocols import Record
from fillwright.reports import Execution
from fillwright.states import OrderState, Owner
from fillwright.types import ClientOrderId, ExecutionId

#: How far a quote may lie from the fill that it is the market of.
FRESH = timedelta(seconds=5)
_INFERRED = "inferred:"


@dataclass(frozen=True, slots=True)
class CostReport:
    """The costs of all orders that arrived since a time."""

    since: datetime | None
    orders: tuple[OrderCost, ...]

    @property
    def total(self) -> Costs:
        """All of them together."""
        return Costs.of(self.orders)

    def by(self, *fields: str) -> Mapping[tuple[str, ...], Costs]:
        """The same by some fields of the orders, like order_type and strategy, in order."""
        groups: dict[tuple[str, ...], list[OrderCost]] = {}
        for one in self.orders:
            key = tuple(str(getattr(one, field)) for field in fields)
            groups.setdefault(key, []).append(one)
        return {key: Costs.of(groups[key]) for key in sorted(groups)}


def tally(records: Iterable[Record], *, since: datetime | None = None) -> CostReport:
    """Fold a journal. Raises JournalError for a record that cannot be read."""
    folded = _Folded()
    for record in records:
        folded.take(record)
    orders = sorted(folded.orders(since), key=lambda one: (one.arrived_at, one.client_order_id))
    return CostReport(since, tuple(orders))


class _Folded:
    """The ledger, and the quotes beside it."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        #: The first time that each order was about to leave, with the quote of that time.
        self._arrivals: dict[ClientOrderId, tuple[datetime, Quote | None]] = {}
        self._quotes: dict[ExecutionId, Quote] = {}
        self._times: dict[ExecutionId, datetime] = {}

    def take(self, record: Record) -> None:
        fact = decode(record)
        if fact is None:
            return
        change = self._ledger.apply(fact)
        if isinstance(fact, Sent):
            self._arrivals.setdefault(fact.key, (fact.at, fact.quote))
        elif isinstance(fact, FillQuoted):
            self._keep(fact.execution_id, fact.quote)
        elif isinstance(fact, Reported) and change.execution is not None:
            execution = change.execution
            self._times[execution.execution_id] = execution.transact_time
            if fact.quote is not None:
                self._keep(execution.execution_id, fact.quote)

    def _keep(self, name: ExecutionId, quote: Quote) -> None:
        """Keep the first quote that is of the fill's own time."""
        at = self._times.get(name)
        if at is not None and abs(quote.at - at) <= FRESH:
            self._quotes.setdefault(name, quote)

    def orders(self, since: datetime | None) -> Iterator[OrderCost]:
        for key, (at, quote) in self._arrivals.items():
            state = self._ledger.orders.get(key)
            early = since is not None and at < since
            if state is not None and state.owner is Owner.OURS and not early:
                yield self._order(state, at, quote)

    def _order(self, state: OrderState, at: datetime, quote: Quote | None) -> OrderCost:
        order = state.order
        return OrderCost(
            state.client_order_id,
            state.symbol,
            state.side,
            str(order.type) if order else "",
            (order.strategy or "") if order else "",
            at,
            state.quantity,
            state.filled,
            state.value,
            state.fees,
            tuple(self._fills(state.client_order_id)),
            quote.bid if quote else None,
            quote.ask if quote else None,
            quote.middle if quote else None,
        )

    def _fills(self, key: ClientOrderId) -> Iterator[FillCost]:
        for one in self._ledger.executions(key):
            # What was inferred is in the order's sums; its price is no price of a trade.
            if not one.quantity or one.execution_id.startswith(_INFERRED):
                continue
            quote = self._quote_of(one)
            yield FillCost(
                one.execution_id,
                one.transact_time,
                one.quantity,
                one.price,
                quote.bid if quote else None,
                quote.ask if quote else None,
                quote.middle if quote else None,
            )

    def _quote_of(self, execution: Execution) -> Quote | None:
        """The quote of its own time: a correction was traded when what it corrects was."""
        original = self._quotes.get(execution.corrects) if execution.corrects else None
        return original or (
            None if execution.corrects else self._quotes.get(execution.execution_id)
        )
