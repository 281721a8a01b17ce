"""Write answers: one JSON document or readable text on stdout, faults on stderr.

A reader that went away (`| head`) is no fault, and never changes an exit code.
"""

import io
import json
import os
import sys
import traceback
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from rich.console import Console, RenderableType

from fillwright.cli.answers import Answer, Exit, Problem, Stream
from fillwright.logs import printable, redact
from fillwright.types import text_of

#: Columns of a table that no terminal shows; nothing in it is cut short.
_WIDE = 240


def emit(answer: Answer | Stream, *, as_json: bool) -> int:
    """Write an answer to stdout and return the exit code."""
    if isinstance(answer, Stream):
        pieces = answer.document if as_json else (f"{line}\n" for line in answer.lines)
        return _write(pieces, Exit.SUCCESS)
    pieces = [to_json(answer.document) if as_json else rendered(answer.shown, sys.stdout)]
    return _write(pieces, answer.code, answer.done)


def emit_problem(problem: Problem, *, as_json: bool) -> int:
    """Write a fault: a sentence on stderr, and with `--json` the document on stdout."""
    complain(f"error: {problem.message}")
    if as_json:
        return _write([to_json(problem.document())], problem.code)
    return _write([rendered(problem.shown, sys.stdout)], problem.code)


def complain(sentence: str) -> None:
    """Write one line to stderr."""
    _put([f"{printable(redact(sentence))}\n"], sys.stderr)


def explain(fault: BaseException) -> None:
    """Write the traceback of a fault to stderr, without local variables or secrets."""
    _put([redact("".join(traceback.format_exception(fault)))], sys.stderr)


def to_json(document: object) -> str:
    """One JSON document with its line end."""
    return json.dumps(document, indent=2, default=_plain, allow_nan=False) + "\n"


def rendered(shown: Iterable[RenderableType], stream: TextIO) -> str:
    """What rich makes of it for this stream: coloured on a terminal, plain anywhere else."""
    text = io.StringIO()
    console = console_for(text, terminal=stream.isatty())
    for one in shown:
        # A sentence is not broken: a terminal wraps it, and a file keeps it in one line.
        console.print(one, soft_wrap=isinstance(one, str))
    return text.getvalue()


def console_for(stream: TextIO, *, terminal: bool) -> Console:
    """A console that shows text as it is: no markup, no emoji, no guessed highlights."""
    width = None if terminal else _WIDE
    return Console(
        file=stream,
        force_terminal=terminal,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
    )


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return text_of(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON answer")


def _write(pieces: Iterable[str], code: int, done: str = "") -> int:
    """Write to stdout; what cannot be written turns a success into something less.

    A failure would say that nothing came about, so it is only a failure when nothing was done.
    """
    try:
        _put(pieces, sys.stdout)
    except OSError as fault:
        told = f"error: the answer could not be written to stdout: {fault.strerror or fault}"
        complain(f"{told}; {done}" if done else told)
        _silence(sys.stdout)
        return code or (Exit.PARTIAL_SUCCESS if done else Exit.FAILURE)
    return code


def _put(pieces: Iterable[str], stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):
        # A terminal that cannot show a character still gets the rest of the line.
        stream.reconfigure(errors="backslashreplace")
    try:
        stream.writelines(pieces)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)


def _silence(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's last flush succeeds."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
