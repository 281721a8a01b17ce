"""`fillwright resume`: lift halts."""

import asyncio
from typing import Annotated

import typer

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.documents import halt_document
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.halting import By, Strategy, Symbol
from fillwright.cli.reading import view_of
from fillwright.cli.recording import KEPT, record, said, scope_of
from fillwright.clock import SystemClock
from fillwright.desk.killing import stands
from fillwright.errors import BadInput
from fillwright.ledger import Resumed


def resume(
    call: Call,
    *,
    by: By,
    symbol: Symbol = None,
    strategy: Strategy = None,
    everything: Annotated[bool, typer.Option("--all", help="Every halt that stands.")] = False,
) -> Answer:
    """Lift halts; the named person answers for it.

    Exit codes: 0 lifted, 2 bad input, no such halt, the journal is in use, or with --all the kill
    file is there; nothing changed.
    """
    scope, name = scope_of(symbol, strategy, everything=everything)
    who, config = said(by, "--by"), call.loaded()
    if everything and stands(config.kill_path):
        raise BadInput(
            str(config.kill_path), "the kill file is there", "Remove it first; nothing was resumed"
        )
    standing = list(view_of(config.journal_path).ledger.halts.values())
    lifted = [h for h in standing if everything or (h.scope, h.name) == (scope, name)]
    if not lifted:
        there = ", ".join(f"{h.scope} {h.name}".strip() for h in standing) or "none"
        raise UsageFault(f"no such halt stands; standing are: {there}")
    now = SystemClock().now()
    asyncio.run(record(config, [Resumed(now, h.scope, h.name, who) for h in lifted]))
    document = {"resumed": [halt_document(h) for h in lifted], "by": who, "at": now}
    lines = [one_line(f"Resumed {h.scope} {h.name}".strip() + f", {h.reason}.") for h in lifted]
    return Answer(document, lines, done=f"{' '.join(lines)} {KEPT}")
