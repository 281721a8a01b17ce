"""Say what came of each line: pure, from the decided line and the order's state."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from fillwright.orders import Order
from fillwright.plans import ItemResult, ItemStatus, OrderLine, Residual, Why
from fillwright.plans.results import HARMLESS
from fillwright.plans.sizing import SizedLine
from fillwright.states import OrderState
from fillwright.types import ZERO, OrdStatus, OrdType, Side

_BILLIONTH = Decimal("0.000000001")
#: Why what is left of an ended order did not trade; anything else ended unfilled.
_ENDS = {
    OrdStatus.REFUSED: Why.REFUSED,
    OrdStatus.REJECTED: Why.REJECTED,
    OrdStatus.ABANDONED: Why.NOT_SENT,
}


@dataclass(frozen=True, slots=True)
class Worked:
    """One line with all that is known about it."""

    line: SizedLine
    #: What was sent: the line's order, or a smaller one that the money paid for.
    order: Order | None = None
    state: OrderState | None = None
    note: Residual | None = None


def item_result(worked: Worked) -> ItemResult:
    """The line's result; what was asked is what filled plus named residuals."""
    line, state = worked.line, worked.state
    parts = (*line.residuals, *_unfilled(worked, line.order)) if line.order else line.residuals
    real = (part for part in parts if part.quantity != 0 or part.why is Why.IN_DOUBT)
    residuals = tuple(sorted(real, key=lambda part: part.why in HARMLESS))
    return ItemResult(
        symbol=line.symbol,
        side=line.side,
        status=_status(worked, residuals),
        asked=line.asked,
        filled=state.filled if state else ZERO,
        average_price=_average(state),
        asked_value=line.asked_value,
        filled_value=_short(state.value) if state else ZERO,
        reason=_sentence(next(iter(residuals), None)),
        residuals=residuals,
        client_order_id=state.client_order_id if state else None,
    )


def order_lines(lines: Iterable[Worked]) -> tuple[OrderLine, ...]:
    """One line per order that the desk was given."""
    return tuple(_order_line(w, w.state) for w in lines if w.state is not None)


def is_in_doubt(state: OrderState) -> bool:
    """Whether it is not known what came of the order, or will come of it."""
    return state.in_doubt or not state.settled


def _status(worked: Worked, residuals: tuple[Residual, ...]) -> ItemStatus:
    state = worked.state
    if worked.line.side is None:
        return ItemStatus.HOLD
    if state is not None and is_in_doubt(state):
        return ItemStatus.IN_DOUBT
    whys = {part.why for part in residuals}
    if state is not None and state.filled:
        return ItemStatus.FILLED if whys <= HARMLESS else ItemStatus.PARTIALLY_FILLED
    return ItemStatus.DUST if whys <= {Why.DUST} else ItemStatus.NOT_FILLED


def _unfilled(worked: Worked, wanted: Order) -> list[Residual]:
    order, state = worked.order, worked.state
    if order is None or state is None:
        note = worked.note or Residual(why=Why.NOT_SENT)
        return [_part(note.why, wanted.quantity, note.text, wanted.notional)]
    if wanted.quantity is None or order.quantity is None:
        return _unfilled_value(wanted, state)
    stood = order.quantity if state.quantity is None else state.quantity
    return [
        _part(Why.NO_FUNDS, wanted.quantity - order.quantity, "only a part could be paid for"),
        _part(Why.RESIZED, max(order.quantity - stood, ZERO), _reasons(state)),
        _part(_why(state), max(stood - state.filled, ZERO), _told(state)),
    ]


def _unfilled_value(wanted: Order, state: OrderState) -> list[Residual]:
    if state.status is OrdStatus.FILLED and not is_in_doubt(state):
        return []
    left = max((wanted.notional or ZERO) - state.value, ZERO)
    return [_part(_why(state), None, _told(state), left)]


def _part(why: Why, quantity: Decimal | None, text: str, value: Decimal | None = None) -> Residual:
    return Residual(
        why=why, quantity=quantity, value=None if value is None else _short(value), text=text
    )


def _why(state: OrderState) -> Why:
    return Why.IN_DOUBT if is_in_doubt(state) else _ENDS.get(state.status, Why.UNFILLED)


def _told(state: OrderState) -> str:
    doubts = [pending.doubt for pending in state.pending if pending.doubt]
    if doubts:
        return f"{state.client_order_id}: {doubts[0]}"
    if is_in_doubt(state):
        return f"{state.client_order_id} is {state.status} and its end is not confirmed"
    return _reasons(state) or state.text or str(state.status)


def _reasons(state: OrderState) -> str:
    return "; ".join(map(str, state.reasons))


def _sentence(part: Residual | None) -> str:
    if part is None:
        return ""
    return f"{part.why}: {part.text}" if part.text else str(part.why)


def _order_line(worked: Worked, state: OrderState) -> OrderLine:
    order, line = worked.order or state.order, worked.line
    success = state.status is OrdStatus.FILLED and not is_in_doubt(state)
    sign = Side(state.side).sign
    return OrderLine(
        symbol=state.symbol,
        action=state.side,
        trade_amount=None if line.asked_value is None else sign * line.asked_value,
        shares=state.filled,
        price=_average(state),
        success=success,
        status=state.status,
        order_type=order.type if order else OrdType.MARKET,
        client_order_id=state.client_order_id,
        order_id=state.broker_order_id,
        quantity=state.quantity,
        value=_short(state.value),
        fees=_short(state.fees),
        error=None if success else _told(state),
        timestamp=state.updated_at,
        filled_at=state.updated_at if state.filled else None,
        intent_id=order.intent_id if order else None,
    )


def _average(state: OrderState | None) -> Decimal | None:
    price = state.average_price if state else None
    return None if price is None else _short(price)


def _short(value: Decimal) -> Decimal:
    return value.quantize(_BILLIONTH, ROUND_HALF_EVEN)
