"""`fillwright report tca`: what executions cost, from the journal alone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.tables import shown_price, table
from fillwright.costs import CostReport, Costs, FillCost, OrderCost, tally
from fillwright.errors import BadInput
from fillwright.journal import JournalReader
from fillwright.types import text_of

_PLACES = Decimal("0.0001")
_COLUMNS = ("type", "strategy", "orders", "fills", "value", "shortfall", "bps", "spread bps")


def tca(
    call: Call,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A journal file; else the configuration's."),
    ] = None,
    *,
    since: Annotated[
        str | None,
        typer.Option(help="Only orders that arrived since then: 2026-11-23, or with a time, UTC."),
    ] = None,
) -> Answer:
    """Show what executions cost against the market, by order type and strategy.

    Implementation shortfall against the quote at arrival, and effective spread against the quote
    at each fill. Exit codes: 0 shown, 2 no journal, or one that cannot be read.
    """
    start = _time(since) if since else None
    path = file if file is not None else call.loaded().journal_path
    with JournalReader.open(path) as reader:
        binding = reader.binding
        report = tally(reader.read(), since=start)
    document = {
        "journal": path,
        "mode": binding.mode,
        "broker": binding.broker,
        "account": binding.account,
        **report_document(report),
    }
    groups = report.by("order_type", "strategy")
    rows = [_row(kind, strategy, costs) for (kind, strategy), costs in groups.items()]
    rows.append(_row("all", "", report.total))
    return Answer(document, [table(_COLUMNS, rows), _said(report)])


def report_document(report: CostReport) -> dict[str, object]:
    """The whole report, each number as text."""
    groups = report.by("order_type", "strategy")
    return {
        "since": report.since.isoformat() if report.since else None,
        "total": _costs(report.total),
        "groups": [
            {"order_type": kind, "strategy": strategy, **_costs(costs)}
            for (kind, strategy), costs in groups.items()
        ],
        "orders": [_order(one) for one in report.orders],
    }


def _said(report: CostReport) -> str:
    total = report.total
    said = f"{total.orders} orders, {total.fills} fills."
    if total.without_arrival:
        said += f" {total.without_arrival} traded orders have no quote at arrival."
    if total.without_quote:
        said += f" {total.without_quote} fills have no quote at their time."
    return said


def _row(kind: str, strategy: str, costs: Costs) -> tuple[str, ...]:
    return (
        kind,
        strategy or "-",
        str(costs.orders),
        str(costs.fills),
        shown_price(costs.value),
        shown_price(costs.shortfall) if costs.arrival_value else "-",
        shown_price(costs.shortfall_bps),
        shown_price(costs.spread_bps),
    )


def _costs(costs: Costs) -> dict[str, object]:
    return {
        "orders": costs.orders,
        "fills": costs.fills,
        "without_arrival": costs.without_arrival,
        "without_quote": costs.without_quote,
        "filled": text_of(costs.filled),
        "unfilled": text_of(costs.unfilled),
        "value": text_of(costs.value),
        "fees": text_of(costs.fees),
        "arrival_cost": text_of(costs.arrival_cost),
        "arrival_bps": _rounded(costs.arrival_bps),
        "shortfall": text_of(costs.shortfall),
        "shortfall_bps": _rounded(costs.shortfall_bps),
        "spread_cost": text_of(costs.spread_cost),
        "spread_bps": _rounded(costs.spread_bps),
    }


def _order(one: OrderCost) -> Mapping[str, object]:
    return {
        "client_order_id": one.client_order_id,
        "symbol": one.symbol,
        "side": one.side,
        "order_type": one.order_type,
        "strategy": one.strategy,
        "arrived_at": one.arrived_at.isoformat(),
        "quantity": _text(one.quantity),
        "bid": _text(one.bid),
        "ask": _text(one.ask),
        "arrival": _text(one.arrival),
        "vwap": _rounded(one.vwap),
        "executions": [_fill(fill) for fill in one.fills],
        **_costs(one.costs),
    }


def _fill(fill: FillCost) -> Mapping[str, object]:
    return {
        "execution_id": fill.execution_id,
        "at": fill.at.isoformat(),
        "quantity": text_of(fill.quantity),
        "price": text_of(fill.price),
        "bid": _text(fill.bid),
        "ask": _text(fill.ask),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text_of(value)


def _rounded(value: Decimal | None) -> str | None:
    return None if value is None else text_of(value.quantize(_PLACES))


def _time(text: str) -> datetime:
    """A day, or a time; without an offset it is UTC. Raises BadInput."""
    try:
        if len(text) == len("2026-11-23"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        read = datetime.fromisoformat(text)
    except ValueError as fault:
        hint = "Write it as 2026-11-23 or 2026-11-23T14:30:00Z"
        raise BadInput("--since", f"{text[:40]!r} is no time", hint) from fault
    return read if read.tzinfo else read.replace(tzinfo=UTC)
