"""`fillwright orders` and `positions`: what the journal says, without asking anybody."""

from typing import Annotated

import typer
from rich.console import RenderableType

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.documents import orders_document, view_document
from fillwright.cli.faults import one_line
from fillwright.cli.reading import View, is_uncertain, view_of
from fillwright.cli.tables import orders_table, table
from fillwright.ledger import Halted
from fillwright.types import text_of
from fillwright.verdicts import Scope


def orders(
    call: Call,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that ended, back to the first.")
    ] = False,
) -> Answer:
    """List the orders under way, from the journal alone; also beside a running desk.

    Exit codes: 0 listed, 2 no journal, or one that cannot be read.
    """
    view = view_of(call.loaded().journal_path, everything=everything)
    what = "orders" if everything else "open orders"
    shown: list[RenderableType] = []
    if view.orders:
        shown += [orders_table(view.orders), ""]
    shown += [f"{len(view.orders)} {what}{_as_of(view)}", *halt_lines(view)]
    doubts = sum(map(is_uncertain, view.orders))
    if doubts:
        shown.append(f"{doubts} in doubt: `fillwright reconcile` asks the broker about them.")
    return Answer({**view_document(view), "orders": orders_document(view.orders)}, shown)


def positions(call: Call) -> Answer:
    """Show positions and cash as the journal's executions make them; also beside a running desk.

    Exit codes: 0 shown, 2 no journal, or one that cannot be read.
    """
    view = view_of(call.loaded().journal_path)
    held = {symbol: q for symbol, q in sorted(view.ledger.positions.items()) if q}
    document = {**view_document(view), "positions": held, "cash": view.ledger.cash}
    shown: list[RenderableType] = []
    if held:
        shown += [table(("symbol", "shares"), ((s, text_of(q)) for s, q in held.items())), ""]
    shown.append(f"{len(held)} positions, cash {text_of(view.ledger.cash)}{_as_of(view)}")
    return Answer(document, [*shown, *halt_lines(view)])


def halt_lines(view: View) -> list[str]:
    """A sentence for each halt that stands, with the command that lifts it."""
    return [one_line(_halt_line(halt)) for halt in view.ledger.halts.values()]


def _halt_line(halt: Halted) -> str:
    whom = f"{halt.scope} {halt.name}".strip()
    lifted = {Scope.SYMBOL: f"--symbol {halt.name}", Scope.STRATEGY: f"--strategy '{halt.name}'"}
    how = lifted.get(halt.scope, "--all")
    return f"HALTED {whom} by {halt.by}: {halt.reason}. Lift it: fillwright resume {how} --by NAME"


def _as_of(view: View) -> str:
    at = view.as_of.isoformat(timespec="seconds") if view.as_of else "never"
    return f" in {view.binding}, as of {at}."
