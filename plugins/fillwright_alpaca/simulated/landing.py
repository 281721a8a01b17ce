"""What becomes of one HTTP request, as plain values. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fillwright.testing.paper_server import Answer


class How(StrEnum):
    """How an exchange ended for its client."""

    ANSWERED = "answered"
    #: The answer's headers announce more than comes.
    CUT_OFF = "cut off"
    #: The client lost its patience.
    SILENT = "silent"
    RESET = "reset"
    #: No connection came about, so no byte left.
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class Landed:
    """The end of one exchange."""

    how: How
    #: When it ended, by the broker's clock.
    at: datetime
    answer: Answer | None = None
