"""Tables that a person reads: aligned on a terminal of 80 columns, whole in a file."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Decimal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from fillwright.cli.faults import one_line
from fillwright.desk.planning import PlanPreview
from fillwright.plans import ExecutionResult, ItemStatus, Residual
from fillwright.states import OrderState
from fillwright.types import OrdStatus, text_of

_PLACES = Decimal("0.0001")
_MORE_PLACES = Decimal("0.000000001")
_CENT = Decimal("0.01")
_RIGHT = frozenset({"asked", "filled", "average price", "quantity", "shares"})
#: What may become narrower when the terminal is: the other columns are never cut.
_BENDS = frozenset(
    {"reason", "reasons", "what", "what was seen", "hooks", "source", "value", "from"}
)
_STYLES = {
    ItemStatus.FILLED: "green",
    ItemStatus.PARTIALLY_FILLED: "yellow",
    ItemStatus.NOT_FILLED: "red",
    ItemStatus.IN_DOUBT: "bold red",
}
_WORDS = {
    ItemStatus.PARTIALLY_FILLED: "PARTIAL",
    ItemStatus.NOT_FILLED: "NOT FILLED",
    ItemStatus.IN_DOUBT: "IN DOUBT",
}


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """A plain table; text in it is shown as it is, on one line each, without markup."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        made.add_column(
            name,
            justify="right" if name in _RIGHT else "left",
            no_wrap=name not in _BENDS,
            overflow="ellipsis" if name == "order" else "fold",
            min_width=16 if name in _BENDS else None,
        )
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(one_line(cell)) for cell in row))
    return made


def shown_quantity(value: Decimal | None) -> str:
    """A quantity cut to four places, below one to nine; `--json` has every digit."""
    if value is None:
        return "-"
    places = _PLACES if abs(value) >= 1 else _MORE_PLACES
    return text_of(value.quantize(places, ROUND_DOWN).normalize() + 0)


def shown_price(value: Decimal | None) -> str:
    """A price to the cent, below one dollar to four places."""
    if value is None:
        return "-"
    return text_of(value.quantize(_PLACES if 0 < abs(value) < 1 else _CENT))


def result_table(result: ExecutionResult) -> Table:
    """One row per item of a plan that was carried out."""
    return table(
        ("symbol", "side", "asked", "filled", "average price", "status", "reason"),
        (
            (
                item.symbol,
                item.side or "-",
                shown_quantity(item.asked),
                shown_quantity(item.filled),
                shown_price(item.average_price),
                Text(_WORDS.get(item.status, item.status.value), _STYLES.get(item.status, "")),
                item.reason,
            )
            for item in result.items
        ),
    )


def preview_table(preview: PlanPreview) -> Table:
    """One row per line of a plan that was only looked at."""
    return table(
        ("symbol", "side", "asked", "quantity", "type", "verdict", "reasons"),
        (
            (
                line.symbol,
                line.side or "-",
                shown_quantity(line.asked),
                _ordered(line.order.quantity, line.order.notional) if line.order else "-",
                line.order.type.value if line.order else "-",
                Text(line.verdict or "-", "green" if line.verdict == "ALLOW" else "yellow"),
                "; ".join((*line.reasons, *map(residual_text, line.residuals))),
            )
            for line in preview.lines
        ),
    )


def orders_table(states: Iterable[OrderState]) -> Table:
    """One row per order."""
    return table(
        ("symbol", "side", "quantity", "filled", "status", "order", "what"),
        (
            (
                state.symbol,
                state.side,
                _ordered(state.quantity, state.order.notional if state.order else None),
                shown_quantity(state.filled),
                Text(state.status, "bold red" if state.in_doubt else ""),
                state.client_order_id,
                what_of(state),
            )
            for state in states
        ),
    )


def what_of(state: OrderState) -> str:
    """What there is to say about an order beyond its status."""
    if state.manual:
        return "a person must settle it at the broker"
    doubt = next((p.doubt for p in state.pending if p.doubt), "")
    if doubt:
        return f"in doubt: {doubt}"
    if state.pending:
        return f"{state.pending[0].action} under way"
    if state.missing:
        return f"{text_of(state.missing)} filled without an execution yet"
    if state.status is OrdStatus.FILLED:
        return ""
    return "; ".join(map(str, state.reasons)) or state.text


def residual_text(part: Residual) -> str:
    """A part that would not trade, and why."""
    said = f"{part.why}: {part.text}" if part.text else str(part.why)
    return f"{said} ({shown_quantity(part.quantity)})" if part.quantity else said


def _ordered(quantity: Decimal | None, notional: Decimal | None) -> str:
    if quantity is None and notional is not None:
        return f"${text_of(notional)}"
    return shown_quantity(quantity)
