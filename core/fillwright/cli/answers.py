"""What a verb answers: one JSON document, what a person reads, and the exit code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from rich.console import RenderableType


class Exit(IntEnum):
    """The exit codes, the same for every verb."""

    SUCCESS = 0
    #: It was tried and nothing of it came about.
    FAILURE = 1
    #: Bad input, configuration, plugin or journal; nothing was sent.
    BAD_INPUT = 2
    #: Some of it came about.
    PARTIAL_SUCCESS = 3
    #: The outcome of something is not known.
    IN_DOUBT = 4


#: What a signal adds to its number.
SIGNALED = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a verb that did its work.

    `document` is what `--json` prints; `shown` is what a person reads, strings and rich tables.
    """

    document: Mapping[str, object]
    shown: Iterable[RenderableType] = ()
    code: int = Exit.SUCCESS
    #: What came about and where it is found, for when the answer itself cannot be written; empty
    #: when nothing was changed.
    done: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """The answer of a verb whose output is written as it is, piece by piece."""

    #: Lines for a person or another program, without their ends.
    lines: Iterable[str]
    #: The pieces of one JSON document.
    document: Iterable[str]


@dataclass(frozen=True, slots=True)
class Problem:
    """The answer of a verb that could not do its work: one sentence, and what is known."""

    kind: str
    message: str
    code: int
    facts: Mapping[str, object] = field(default_factory=dict)
    #: Shown below the sentence, like the orders that are left open.
    shown: Iterable[RenderableType] = ()

    def document(self) -> Mapping[str, object]:
        """What `--json` prints."""
        told = {"kind": self.kind, "message": self.message, "exit_code": int(self.code)}
        return {"error": {**told, **self.facts}}
