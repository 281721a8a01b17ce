"""When a desk's work ends by a fault or a signal: was anything sent, and what is left open."""

from collections.abc import Iterator
from contextlib import contextmanager

from fillwright.cli.answers import Exit, Problem
from fillwright.cli.documents import orders_document
from fillwright.cli.faults import Ended, Stopped, code_of, problem_of
from fillwright.cli.reading import View, is_uncertain, sent_in, view_of
from fillwright.cli.stopping import Hold
from fillwright.cli.tables import orders_table
from fillwright.config import DeskConfig
from fillwright.errors import Fenced, FillwrightError


@contextmanager
def left_told(config: DeskConfig, hold: Hold) -> Iterator[None]:
    """Raise Ended in place of a fault or a signal, with what the journal says is left."""
    try:
        yield
    except (FillwrightError, Stopped) as fault:
        raise Ended(_problem(fault, config, hold)) from fault


def _problem(fault: FillwrightError | Stopped, config: DeskConfig, hold: Hold) -> Problem:
    told = problem_of(fault)
    if hold.journal is None or not _sent(config, hold.journal.epoch):
        message = (
            f"{told.message}; nothing was sent" if isinstance(fault, Stopped) else told.message
        )
        return Problem(told.kind, message, told.code, {**told.facts, "sent": False})
    view = _view(config)
    left = view.open_orders if view else ()
    uncertain = view is None or any(map(is_uncertain, left))
    code = code_of(fault) if isinstance(fault, Stopped) else Exit.FAILURE
    return Problem(
        told.kind,
        f"{told.message}; {_left(view, fenced=isinstance(fault, Fenced))}",
        Exit.IN_DOUBT if uncertain else code,
        {**told.facts, "sent": True, "open_orders": orders_document(left)},
        (orders_table(left),) if left else (),
    )


def _left(view: View | None, *, fenced: bool) -> str:
    if view is None:
        return "orders were sent, and the journal cannot be read to say what became of them"
    # Whoever has the journal now works on; a third process would only be in its way.
    again = (
        "the process that took over goes on" if fenced else "run the same command again to finish"
    )
    if not view.open_orders:
        return f"orders were sent and none is left open; {again}"
    doubts = sum(map(is_uncertain, view.open_orders))
    in_doubt = f" ({doubts} in doubt)" if doubts else ""
    return f"{len(view.open_orders)} orders are left open{in_doubt}; {again}"


def _sent(config: DeskConfig, epoch: int) -> bool:
    """Whether something may have left; a journal that does not tell counts as yes."""
    try:
        return sent_in(config.journal_path, epoch)
    except FillwrightError:
        return True


def _view(config: DeskConfig) -> View | None:
    try:
        return view_of(config.journal_path)
    except FillwrightError:
        return None
