"""`fillwright doctor`: could this desk trade, and if not, what is to be done."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import RenderableType
from rich.text import Text

from fillwright.cli.answers import Answer, Exit
from fillwright.cli.calls import Call
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.output import console_for
from fillwright.cli.stopping import run_stoppable
from fillwright.cli.tables import table
from fillwright.clock import SystemClock, SystemRng
from fillwright.desk.doctor import Diagnosis, State, examine
from fillwright.types import Symbol

_STYLES = {
    State.OK: "green",
    State.WARNING: "yellow",
    State.FAILED: "bold red",
    State.SKIPPED: "dim",
}
_SYMBOL: TypeAdapter[str] = TypeAdapter(Symbol)


def doctor(
    call: Call,
    *,
    symbol: Annotated[
        str | None,
        typer.Option(help="Whose quote to ask for; else one that is held, or a well-known one."),
    ] = None,
) -> Answer:
    """Check that a desk with this configuration could trade now; only ask, and send nothing.

    Exit codes: 0 it could, warnings included; 1 something failed, and the answer says what to do;
    2 bad input, or the configuration cannot be read.
    """
    if symbol is not None:
        _check_symbol(symbol)
    config = call.loaded(account_unknown=True)
    with _progress(quiet=call.json) as begun:
        diagnosis = run_stoppable(
            lambda: examine(
                config, clock=SystemClock(), rng=SystemRng(), symbol=symbol, begun=begun
            )
        )
    code = Exit.SUCCESS if diagnosis.ready else Exit.FAILURE
    return Answer(diagnosis.model_dump(mode="json"), _lines(diagnosis, code), code)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show on stderr what is being looked at, if stderr is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    with console_for(sys.stderr, terminal=True).status("doctor") as status:
        yield lambda name: status.update(f"doctor: {name}")


def _check_symbol(symbol: str) -> None:
    try:
        _SYMBOL.validate_python(symbol)
    except ValidationError:
        shown = one_line(symbol)[:40]
        raise UsageFault(f"--symbol {shown} is no symbol; write it like AAPL or BTC/USD") from None


def _lines(diagnosis: Diagnosis, code: Exit) -> list[RenderableType]:
    findings = diagnosis.findings
    rows = ((f.name, Text(f.state, _STYLES[f.state]), f.seen) for f in findings)
    lines: list[RenderableType] = [table(("finding", "state", "what was seen"), rows), ""]
    advised = [f for f in findings if f.advice]
    lines += [f"{f.name}: {f.advice}." for f in advised]
    lines += [""] if advised else []
    counted = Counter(f.state for f in findings)
    told = ", ".join(f"{counted[state]} {state}" for state in State if counted[state])
    verdict = "could trade" if diagnosis.ready else "could not trade"
    lines.append(f"{diagnosis.source} {verdict}: {told} (exit {int(code)}). Nothing was sent.")
    return lines
