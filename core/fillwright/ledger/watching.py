"""What post-execution controls did, as facts and their fold: alerts, and how far each one came.

Rules:
1. A consumer's cursor is the newest record whose executions it has judged. What stands behind it is
   shown to it again after a restart.
2. An alert about an execution moves its consumer's cursor in the same record: either both survive
   a crash or neither does, so what a control said about one fill counts exactly once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from fillwright.alerts import Alert


@dataclass(frozen=True, slots=True)
class Alerted:
    """A control found something; nobody was told before this was durable."""

    at: datetime
    alert: Alert
    #: How far the control came with it.
    judged: int | None = None


@dataclass(frozen=True, slots=True)
class AlertCleared:
    """What an alert told of is over: the books agree again."""

    at: datetime
    alert_id: str


@dataclass(frozen=True, slots=True)
class Judged:
    """How far each consumer came: all executions and alerts up to this record were shown to it."""

    at: datetime
    upto: Mapping[str, int] = field(default_factory=dict)


WatchFact = Alerted | AlertCleared | Judged


class Watched:
    """How far the consumers are, and which alerts stand."""

    def __init__(self) -> None:
        #: By consumer; only those that were there when the last desk ran.
        self.judged: dict[str, int] = {}
        #: Alerts about differences that were not over yet, by id.
        self.standing: dict[str, Alert] = {}

    def apply(self, fact: WatchFact) -> None:
        """Take in one fact."""
        match fact:
            case Alerted():
                if fact.judged is not None:
                    self.judged[fact.alert.check] = fact.judged
                if fact.alert.stands:
                    self.standing[fact.alert.alert_id] = fact.alert
            case AlertCleared():
                self.standing.pop(fact.alert_id, None)
            case Judged():
                self.judged = dict(fact.upto)
            case _:
                assert_never(fact)
