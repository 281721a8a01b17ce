"""What every verb shares: its options, its logs, and how faults become exit codes."""

import inspect
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, NoReturn, ParamSpec

import typer

from fillwright.cli.answers import Answer, Stream
from fillwright.cli.faults import INTERRUPTS, Terminated, UsageFault, problem_of
from fillwright.cli.output import emit, emit_problem, explain
from fillwright.config import DeskConfig, load_config
from fillwright.errors import FillwrightError
from fillwright.logs import configure_logs

P = ParamSpec("P")
#: Before the command or behind it; eager, so that `--help` knows whose plugins to list.
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="DESK.TOML",
        is_eager=True,
        help="The configuration; else the file that FILLWRIGHT_CONFIG names, else the "
        "built-in paper desk.",
    ),
]


@dataclass(frozen=True, slots=True)
class Call:
    """The options that every verb takes."""

    config: ConfigOption = None
    json: Annotated[
        bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")
    ] = False
    log_level: Annotated[
        str, typer.Option(metavar="LEVEL", help="debug, info, warning or error.")
    ] = "error"
    log_json: Annotated[bool, typer.Option("--log-json", help="Logs on stderr as JSON lines.")] = (
        False
    )
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False

    def loaded(self, *, account_unknown: bool = False) -> DeskConfig:
        """The configuration. Raises ConfigError."""
        return load_config(self.config, account_unknown=account_unknown)

    def begin_logs(self) -> None:
        """Send the logs to stderr. Raises UsageFault."""
        try:
            configure_logs(level=self.log_level, json=self.log_json)
        except ValueError as fault:
            raise UsageFault(f"--log-level: {fault}") from fault
        if not (self.debug or self.log_json):
            # The handler that was just set; an embedding program's own see everything.
            logging.getLogger().handlers[-1].addFilter(_for_people)


_CONTEXT = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
_SHARED = [
    inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
    )
    for field in fields(Call)
]


def verb(function: Callable[Concatenate[Call, P], Answer | Stream]) -> Callable[P, None]:
    """Make a command of a function that answers; it gets the shared options as its `Call`."""
    own = list(inspect.signature(function).parameters.values())[1:]

    @wraps(function)
    def command(*args: P.args, **given: P.kwargs) -> NoReturn:
        given_any: dict[str, Any] = dict(given)
        context: typer.Context = given_any.pop("context")
        call = Call(**{one.name: given_any.pop(one.name) for one in _SHARED})
        if call.config is None:
            call = replace(call, config=context.find_root().params.get("config"))
        raise typer.Exit(_carried_out(call, lambda: function(call, *args, **given_any)))

    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in [_CONTEXT, *own, *_SHARED]
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _carried_out(call: Call, work: Callable[[], Answer | Stream]) -> int:
    """Do the work and write its answer, whatever it is."""
    try:
        with terminable():
            call.begin_logs()
            return emit(work(), as_json=call.json)
    except (Exception, *INTERRUPTS) as fault:  # noqa: BLE001  # the last place to say a sentence
        if call.debug:
            explain(fault)
        return emit_problem(problem_of(fault), as_json=call.json)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does: with a sentence and an exit code."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise Terminated


def _for_people(record: logging.LogRecord) -> bool:
    """Leave tracebacks out, and a fault of ours: the command ends by telling it in a sentence.

    `--debug` and `--log-json` have all of it.
    """
    fault = record.exc_info[1] if record.exc_info else None
    record.exc_info = record.exc_text = None
    return not isinstance(fault, FillwrightError)
