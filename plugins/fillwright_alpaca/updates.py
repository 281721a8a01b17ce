"""Tell what each trade update proves. Pure: no clock, no socket.

Rules:
1. An execution is named by order and cumulative quantity, as the account activities name it. Where
   a frame's numbers do not continue what was seen, a frame was lost or came out of order: the name
   might be another execution's, so nothing is booked, and the broker's books bring it (`Gap`).
2. What cannot be read is a `Gap`, never an exception; what is readable in it is told all the same.
3. A frame that comes again tells the same again, under the same names.
4. A replacement that is not accepted yet, or never will be, says nothing of the order that stands.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from fillwright.reports import (
    BrokerOrder,
    Evidence,
    Execution,
    ExecutionReport,
    Gap,
    Source,
    StreamItem,
)
from fillwright.types import BrokerOrderId, ExecType, ExecutionId, OrdStatus, text_of
from fillwright_alpaca.frames import Said, said_in, shown, word
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.messages import Raw, Unreadable, execution_id
from fillwright_alpaca.tracking import Bounded, Point, Seen, Track, price_of

_ENDS = frozenset({ExecType.CANCELED, ExecType.EXPIRED, ExecType.REJECTED})
#: At the end of the day an order may be `canceled` in one place and `expired` in the other.
_ENDED = frozenset({OrdStatus.CANCELED, OrdStatus.EXPIRED, OrdStatus.REJECTED})
_UNBORN = frozenset({OrdStatus.PENDING_NEW, OrdStatus.REJECTED})
_UNDOES = frozenset({ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT})


class Updates:
    """Read the trade updates of one account, one after the other."""

    def __init__(self, orders: KnownOrders | None = None) -> None:
        self._orders = KnownOrders() if orders is None else orders
        self._tracks: Bounded[str, Track] = Bounded()
        self._seen: Bounded[ExecutionId, Seen] = Bounded()
        #: Our names of executions by the broker's.
        self._names: Bounded[str, ExecutionId] = Bounded()

    def take(self, data: object, now: datetime) -> list[StreamItem]:
        """What one update tells: at most one gap, then the reports."""
        gaps: list[str] = []
        reports = list(self._reports(data, now, gaps))
        return [*([Gap("; ".join(gaps), now)] if gaps else []), *reports]

    def _reports(self, data: object, now: datetime, gaps: list[str]) -> Iterator[ExecutionReport]:
        try:
            said = said_in(data, now)
        except Unreadable as fault:
            gaps.append(str(fault))
            return
        order, legs = self._learn(said.order, gaps)
        if order is not None:
            yield from self._about(order, said, gaps)
        for leg in legs:
            yield from self._leg(leg, said, gaps)

    def _learn(
        self, raw: Raw, gaps: list[str]
    ) -> tuple[BrokerOrder | None, tuple[BrokerOrder, ...]]:
        """The order itself and its legs, as far as they can be read."""
        try:
            found = self._orders.learn(raw)
        except Unreadable as fault:
            gaps.append(str(fault))
            if not raw.get("legs"):
                return None, ()
            try:
                found = self._orders.learn({**raw, "legs": None})
            except Unreadable:
                return None, ()
        order = next((one for one in found if one.broker_order_id == raw.get("id")), None)
        if order is None:
            gaps.append("an update is about an order that stands for its legs alone")
        return order, tuple(one for one in found if one is not order)

    def _track(self, order_id: str) -> Track:
        return self._tracks.get(order_id) or self._tracks.keep(order_id, Track())

    # ------------------------------------------------------------------ one order

    def _about(self, order: BrokerOrder, said: Said, gaps: list[str]) -> Iterator[ExecutionReport]:
        track, kind = self._track(order.broker_order_id), said.kind
        track.told = (order.status, order.filled)
        if _is_unborn(order, track, kind):
            yield from self._unborn(order, said)
            return
        yield from self._born(order, track, said)
        if kind is None:
            gaps.append(f"{_name(order)}: event {said.event!r} is unknown")
            kind = ExecType.ORDER_STATUS
        elif kind in _ENDS and order.status not in _ENDED:
            # The event would end it, and the order inside has not ended.
            gaps.append(f"{_name(order)}: {said.event}, and it is {order.status}")
            kind = ExecType.ORDER_STATUS
        if kind is ExecType.TRADE:
            yield self._trade(order, track, said, gaps)
        elif kind in _UNDOES:
            yield self._taken_back(order, track, said, gaps)
        elif kind is ExecType.REPLACED:
            yield self._replaced(order, track, said, gaps)
        else:
            self._compare(order, track, said, gaps)
            yield _report(kind, order, said)

    def _leg(self, leg: BrokerOrder, said: Said, gaps: list[str]) -> Iterator[ExecutionReport]:
        """How a leg stands, where it is not what was told before."""
        track = self._track(leg.broker_order_id)
        if track.told == (leg.status, leg.filled) or _is_unborn(leg, track, None):
            return
        track.told = (leg.status, leg.filled)
        self._compare(leg, track, said, gaps)
        yield _report(ExecType.ORDER_STATUS, leg, said)

    def _compare(self, order: BrokerOrder, track: Track, said: Said, gaps: list[str]) -> None:
        """Hold the filled quantity of a frame that is no execution against what was seen."""
        seen = (self._carried_over(order, track, order.filled) or track.claimed).filled
        if order.filled > seen:
            gaps.append(f"{_name(order)}: filled went from {seen} to {order.filled} unseen")
        elif order.filled < seen and said.at > track.at:
            # Not an older frame that came late: something was taken back.
            gaps.append(f"{_name(order)}: filled fell from {seen} to {order.filled} unseen")
            track.begin_at(order)
        track.claim(order)
        track.at = max(track.at, said.at)

    # ------------------------------------------------------------------ executions

    def _trade(
        self, order: BrokerOrder, track: Track, said: Said, gaps: list[str]
    ) -> ExecutionReport:
        try:
            execution = self._execution(order, track, said)
        except Unreadable as fault:
            gaps.append(f"{_name(order)}: {fault}")
            track.claim(order)
            return _report(ExecType.ORDER_STATUS, order, said)
        track.at = max(track.at, said.at)
        return _report(ExecType.TRADE, order, said, execution)

    def _execution(self, order: BrokerOrder, track: Track, said: Said) -> Execution:
        """The execution that a fill tells. Raises `Unreadable` when its name cannot be proven."""
        quantity = said.positive("qty")
        name = execution_id(order.broker_order_id, order.filled)
        seen = self._seen.get(name)
        if seen is not None:
            if not seen.repeated_by(quantity, said.execution_name):
                raise said.unreadable("filled_qty", f"{order.filled} was another execution's")
            return seen.execution
        execution = Execution(name, quantity, self._price(order, track, said), said.at)
        self._keep(execution, said.execution_name)
        track.trade(order)
        return execution

    def _price(self, order: BrokerOrder, track: Track, said: Said) -> Decimal:
        """What an execution traded at that goes on from where the order stood.

        Raises `Unreadable` when it does not. Behind a gap it only seems to: an order that ran
        ahead of the execution in its frame may fit by chance, so there the price must fit as well.
        """
        quantity, told = said.positive("qty"), said.positive("price")
        start, after = order.filled - quantity, Point(order.filled, order.average_price)
        if start == track.traded.filled:
            price = price_of(told, quantity, track.traded, after)
            if price is None:
                raise said.unreadable("price", "does not fit the order's average")
            return price
        known = self._carried_over(order, track, start) or track.claimed
        if start != known.filled or price_of(told, quantity, known, after) != told:
            problem = f"{order.filled} does not follow {known.filled} by a fill of {quantity}"
            raise said.unreadable("filled_qty", problem)
        return told

    def _keep(self, execution: Execution, name: str | None) -> None:
        self._seen.keep(execution.execution_id, Seen(execution, name))
        if name is not None:
            self._names.keep(name, execution.execution_id)

    def _taken_back(
        self, order: BrokerOrder, track: Track, said: Said, gaps: list[str]
    ) -> ExecutionReport:
        """A bust or correction of an execution that was told here; else the books must say."""
        try:
            execution = self._correction(order, track, said, gaps)
        except Unreadable as fault:
            gaps.append(f"{_name(order)}: {said.event}: {fault}")
            track.begin_at(order)
            return _report(ExecType.RESTATED, order, said)
        return _report(said.kind or ExecType.RESTATED, order, said, execution)

    def _correction(
        self, order: BrokerOrder, track: Track, said: Said, gaps: list[str]
    ) -> Execution:
        previous = word(said.raw, "previous_execution_id")
        corrected = self._names.get(previous) if previous else None
        old = self._seen.get(corrected) if corrected else None
        if corrected is None or old is None:
            raise said.unreadable("previous_execution_id", "names none that was seen here")
        # The account activities' reader makes the same names; see `tape.py`.
        if said.kind is ExecType.TRADE_CANCEL:
            name, quantity, price = f"{corrected}:bust", old.execution.quantity, old.execution.price
            left = track.claimed.filled - quantity
        else:
            quantity, price = said.positive("qty"), said.positive("price")
            name = f"{corrected}:correct:{text_of(quantity)}@{text_of(price)}"
            left = track.claimed.filled - old.execution.quantity + quantity
        again = self._seen.get(ExecutionId(name))
        if again is not None:
            return again.execution
        if order.filled != left:
            gaps.append(f"{_name(order)}: {order.filled} filled, and not {left}")
        execution = Execution(
            ExecutionId(name), quantity, price, said.at, corrects=ExecutionId(corrected)
        )
        self._keep(execution, said.execution_name)
        track.begin_at(order)
        track.at = max(track.at, said.at)
        return execution

    # ------------------------------------------------------------------ replaces

    def _replaced(
        self, order: BrokerOrder, track: Track, said: Said, gaps: list[str]
    ) -> ExecutionReport:
        """Which order the event carries is not documented: the old one, or the one that follows."""
        self._compare(order, track, said, gaps)
        follower = word(said.order, "replaced_by")
        if follower is not None:
            self._track(follower).born = True
            told = _report(ExecType.REPLACED, order, said)
            return replace(told, replaced_by=BrokerOrderId(follower), status=None)
        if order.replaces is None:
            gaps.append(f"{_name(order)}: replaced, and not by or of which")
        return _report(ExecType.ORDER_STATUS, order, said)

    def _born(self, order: BrokerOrder, track: Track, said: Said) -> Iterator[ExecutionReport]:
        """The first sign of life of an order that replaces another: the replace happened."""
        if order.replaces is None or track.born:
            return
        track.born = True
        told = _report(ExecType.REPLACED, order, said)
        yield replace(
            told,
            broker_order_id=order.replaces,
            replaced_by=order.broker_order_id,
            status=None,
            filled=None,
            average_price=None,
        )

    def _carried_over(self, order: BrokerOrder, track: Track, filled: Decimal) -> Point | None:
        """How far the order before was filled, if the new one went on from there.

        Whether fills are carried over to the order that follows is not documented.
        """
        if order.replaces is None or track.claimed.filled or not filled:
            return None
        before = self._track(order.replaces).claimed
        return before if before.filled == filled else None

    def _unborn(self, order: BrokerOrder, said: Said) -> Iterator[ExecutionReport]:
        """A replacement that was refused leaves the other order as it was."""
        if order.status is not OrdStatus.REJECTED or order.replaces is None:
            return
        names = self._orders.get(order.replaces)
        told = _report(ExecType.REPLACE_REJECTED, order, said)
        yield replace(
            told,
            client_order_id=names.client_order_id if names else None,
            broker_order_id=order.replaces,
            status=None,
            filled=None,
            quantity=None,
        )


def _is_unborn(order: BrokerOrder, track: Track, kind: ExecType | None) -> bool:
    if order.replaces is None or track.born or order.filled or order.status not in _UNBORN:
        return False
    return kind is not ExecType.TRADE and kind not in _UNDOES and kind is not ExecType.REPLACED


def _name(order: BrokerOrder) -> str:
    return f"order {shown(order.broker_order_id)}"


def _report(
    kind: ExecType, order: BrokerOrder, said: Said, execution: Execution | None = None
) -> ExecutionReport:
    return ExecutionReport(
        exec_type=kind,
        symbol=order.symbol,
        side=order.side,
        evidence=Evidence(Source.STREAM, said.reference),
        transact_time=said.at,
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        execution=execution,
        filled=order.filled,
        average_price=order.average_price,
        quantity=order.quantity,
        status=order.status,
        parent=order.parent,
        text=order.text,
    )
