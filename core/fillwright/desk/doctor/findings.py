"""What an examination of a desk finds, as values."""

from dataclasses import dataclass
from enum import StrEnum

from fillwright.logs import printable, redact
from fillwright.types import Mode, Value

#: A longer text is cut: a broker may answer with a whole page.
_LONGEST = 400


class State(StrEnum):
    """How one thing was found."""

    OK = "ok"
    #: A desk can trade, and somebody should look at this all the same.
    WARNING = "warning"
    #: A desk could not trade, or not safely.
    FAILED = "failed"
    #: It was not looked at; `seen` says why.
    SKIPPED = "skipped"


class Finding(Value):
    """One thing that was looked at."""

    name: str
    state: State
    #: What was seen, or why nothing was looked at.
    seen: str
    #: What to do about it; empty when there is nothing to do.
    advice: str


class Diagnosis(Value):
    """Everything that was found, in the order in which it was looked at."""

    #: The configuration's file.
    source: str
    mode: Mode
    broker: str
    #: The account that the broker names; None when it did not answer.
    account_id: str | None
    #: Whether a desk could trade now: nothing failed.
    ready: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding before it has its name."""

    state: State
    text: str
    advice: str = ""

    def named(self, name: str) -> Finding:
        """The finding, in one line each and without secrets."""
        return Finding(
            name=name,
            state=self.state,
            seen=in_one_line(self.text),
            advice=in_one_line(self.advice),
        )


def ok(text: str, advice: str = "") -> Seen:
    """It is as it should be."""
    return Seen(State.OK, text, advice)


def warning(text: str, advice: str) -> Seen:
    """Somebody should look at it."""
    return Seen(State.WARNING, text, advice)


def failed(text: str, advice: str) -> Seen:
    """It keeps the desk from trading."""
    return Seen(State.FAILED, text, advice)


def skipped(why: str) -> Seen:
    """It was not looked at."""
    return Seen(State.SKIPPED, why)


def in_one_line(text: str) -> str:
    """The text without secrets, control characters and line breaks, and not too long."""
    line = printable(redact(" ".join(text.split())))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
