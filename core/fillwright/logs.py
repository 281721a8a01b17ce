"""Log events as `noun_verbed` with facts as keys, and keep secrets out of every line.

A logger from here is a thin skin over the standard library's, so that an embedding program keeps
its own handlers. Only `configure_logs`, which the command line calls, sets any handler up.
"""

import base64
import json as jsonlib
import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Self, TextIO
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
#: A shorter secret is no secret, and hiding it would blank out half of every line.
SHORTEST_SECRET = 4

_SECRET_WORDS = re.compile(
    "secret|passw|token|api_?key|key_id|private_key|authorization|credential|cookie"
)
_lock = threading.Lock()
_registered: set[str] = set()
_shapes: re.Pattern[str] | None = None


def looks_secret(key: str) -> bool:
    """Whether a setting, header or fact with this name holds a secret."""
    return _SECRET_WORDS.search(key.lower().replace("-", "_")) is not None


def register_secret(value: str) -> None:
    """Replace this text, in every encoding that it travels in, wherever it would be logged."""
    global _shapes  # noqa: PLW0603  one register for the process: any handler may meet any secret
    if len(value) < SHORTEST_SECRET:
        return
    with _lock:
        _registered.add(value)
        shapes = {shape for secret in _registered for shape in _travels_as(secret)}
        _shapes = re.compile("|".join(map(re.escape, sorted(shapes, key=len, reverse=True))))


def redact(text: str) -> str:
    """The text without any registered secret."""
    return text if _shapes is None else _shapes.sub(REDACTED, text)


def _travels_as(secret: str) -> set[str]:
    shapes = {secret, repr(secret)[1:-1], jsonlib.dumps(secret)[1:-1]}
    # Text in a repr in a repr.
    shapes |= {shape.replace("\\", "\\\\") for shape in shapes}
    for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        shapes |= {quoted, re.sub("%..", lambda code: code[0].lower(), quoted)}
    for shift in range(3):
        shapes |= _in_base64(secret.encode(), shift)
    return {shape for shape in shapes if len(shape) >= SHORTEST_SECRET}


def _in_base64(secret: bytes, shift: int) -> set[str]:
    """The digits that depend on the secret alone when `shift` bytes stand before it.

    A Basic header encodes `user:secret` in one go, so that the secret's own encoding never occurs.
    """
    first = -(-shift * 8 // 6)
    beyond = (shift + len(secret)) * 8 // 6
    text = base64.b64encode(bytes(shift) + secret).decode()[first:beyond]
    return {text, text.translate(str.maketrans("+/", "-_"))}


def printable(text: str) -> str:
    """The text with control, bidirectional and line-breaking characters spelled out."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


class Event(dict[str, Any]):
    """A log record's message: an event and its facts.

    As text, for handlers that are not ours, it is one safe line.
    """

    def __str__(self) -> str:
        facts = [f"{key}={value}" for key, value in _hide(self).items() if key != "event"]
        return printable(redact(" ".join([str(self.get("event", "")), *facts])))

    # `logging` shows the message's repr when a handler fails.
    __repr__ = __str__


class Logger:
    """Log events of one module, with facts that stay bound."""

    __slots__ = ("_bound", "_target")

    def __init__(self, target: logging.Logger, bound: Mapping[str, Any]) -> None:
        self._target = target
        self._bound = bound

    def bind(self, **facts: Any) -> Self:  # noqa: ANN401  a fact may be anything printable
        """A logger that adds these facts to each event."""
        return type(self)(self._target, {**self._bound, **facts})

    def enabled(self, level: int) -> bool:
        """Whether an event of this level would be written."""
        return self._target.isEnabledFor(level)

    def log(self, level: int, event: str, **facts: Any) -> None:  # noqa: ANN401
        """Log at a level that is only known now."""
        if self._target.isEnabledFor(level):
            self._emit(level, event, facts)

    def debug(self, event: str, **facts: Any) -> None:  # noqa: ANN401
        """Log a step that only its author wants to see."""
        if self._target.isEnabledFor(logging.DEBUG):
            self._emit(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: Any) -> None:  # noqa: ANN401
        """Log what happened."""
        if self._target.isEnabledFor(logging.INFO):
            self._emit(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Any) -> None:  # noqa: ANN401
        """Log what somebody should look at."""
        if self._target.isEnabledFor(logging.WARNING):
            self._emit(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Any) -> None:  # noqa: ANN401
        """Log what failed; `exc_info=fault` adds the traceback."""
        if self._target.isEnabledFor(logging.ERROR):
            self._emit(logging.ERROR, event, facts)

    def exception(self, event: str, **facts: Any) -> None:  # noqa: ANN401
        """Log what failed, with the traceback of the exception that is being handled."""
        if self._target.isEnabledFor(logging.ERROR):
            self._emit(logging.ERROR, event, {"exc_info": True, **facts})

    def _emit(self, level: int, event: str, facts: dict[str, Any]) -> None:
        exc_info = facts.pop("exc_info", None)
        message = Event(self._bound, **facts)
        message["event"] = event
        self._target.log(level, message, exc_info=exc_info, stacklevel=3)


def get_logger(name: str) -> Logger:
    """A logger for one module; costs nothing until an event passes the level."""
    return Logger(logging.getLogger(name), {})


class _OurHandler(logging.StreamHandler[TextIO]):
    """The handler that `configure_logs` set and may replace."""


class _Formatter(logging.Formatter):
    """Render through structlog and let no registered secret out, exception text included."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """One event as text."""
        return redact(self._inner.format(record))


def configure_logs(
    *, level: str = "info", json: bool = False, stream: TextIO | None = None
) -> None:
    """Send every log record of the process, third parties' too, to `stream` (stderr).

    Raises ValueError for a level that logging does not know.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError("the log level is not one of debug, info, warning, error, critical")
    target = sys.stderr if stream is None else stream
    handler = _OurHandler(target)
    handler.setFormatter(_Formatter(_structlog_formatter(json=json, colors=target.isatty())))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _OurHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)


def _structlog_formatter(*, json: bool, colors: bool) -> logging.Formatter:
    import structlog  # noqa: PLC0415  50 ms and rich: not for a program that only embeds a desk

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    # Plain tracebacks: the rich ones print local variables, which hold keys.
    traceback = structlog.dev.plain_traceback
    renderer: list[Any] = (
        [structlog.processors.JSONRenderer()]
        if json
        else [
            _one_line,
            structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=traceback),
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            _facts_of_record,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            lambda _logger, _method, facts: _hide(facts),
            *renderer,
        ]
    )


def _facts_of_record(
    _logger: object, _method: str, facts: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record: logging.LogRecord = facts["_record"]
    if isinstance(record.msg, Event):
        facts.update(record.msg)
    facts["timestamp"] = (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    ).replace("+00:00", "Z")
    facts["level"] = record.levelname.lower()
    facts["logger"] = record.name
    return facts


def _hide(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The same facts, with what looks secret by its key taken out at any depth."""
    return {str(key): _shown(str(key), value) for key, value in facts.items()}


def _shown(key: str, value: object) -> object:
    if value is not None and looks_secret(key):
        return REDACTED
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return _hide(value)
    if isinstance(value, list | tuple):
        return [_shown("", one) for one in value]
    # Before a renderer escapes it, or it would no longer be recognised.
    return redact(str(value))


def _one_line(
    _logger: object, _method: str, facts: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep one event on one line, so that no value can forge another; a traceback is set in."""
    shown = {printable(key): printable(str(value)) for key, value in facts.items()}
    if "exception" in facts:
        lines = str(facts["exception"]).splitlines()
        shown["exception"] = "\n".join(f"  | {printable(line)}" for line in lines)
    return shown
