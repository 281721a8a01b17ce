"""What a post-execution control found and somebody must hear of: frozen, with an id of its own.

Rules:
1. An alert is a journal record first; whoever watches is told once that record is durable.
2. The same finding has the same id, so that whoever is told twice, over a crash, can tell.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fillwright.verdicts import Scope


class Level(StrEnum):
    """How much an alert asks of whoever reads it."""

    WARNING = "warning"
    ALERT = "alert"
    #: No new risk in its scope until a named person resumes.
    HALT = "halt"


@dataclass(frozen=True, slots=True)
class Alert:
    """One finding of one control, with the facts it rests on."""

    alert_id: str
    level: Level
    #: The control's id, like T05, or what went wrong with the control itself.
    code: str
    #: The name of the check.
    check: str
    #: What it is about: an order, an execution, a symbol, an account.
    subject: str
    measured: str
    limit: str
    text: str
    #: When the word that shows the breach reached the desk.
    breached_at: datetime
    raised_at: datetime
    symbol: str = ""
    client_order_id: str = ""
    execution_id: str = ""
    #: What it halts, and whom.
    scope: Scope | None = None
    halted: str = ""
    #: What kind of difference it tells that lasts until it is cleared; empty for an event.
    stands: str = ""

    @property
    def latency(self) -> float:
        """Seconds from the breach to the alert."""
        return (self.raised_at - self.breached_at).total_seconds()

    def __str__(self) -> str:
        said = f"{self.code} {self.level} [{self.check}] {self.subject}: "
        said += f"measured {self.measured}, limit {self.limit}"
        return f"{said} ({self.text})" if self.text else said
