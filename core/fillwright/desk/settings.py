"""What a desk is given from outside: its ports, and how it is to be run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from fillwright.config import NEW_YORK
from fillwright.desk.operator import Beside
from fillwright.desk.planning import PlanSettings
from fillwright.inputs import MAX_AGE
from fillwright.protocols import Clock, Ids, Limits, Rng
from fillwright.risk import Asker


@dataclass(frozen=True, slots=True)
class Ports:
    """What comes from outside and can be exchanged: time, names, chance, and how checks run."""

    clock: Clock
    ids: Ids
    rng: Rng
    asker: Asker


@dataclass(frozen=True, slots=True)
class Settings:
    """How one desk is run."""

    limits: Limits
    plan: PlanSettings
    allow_resize: bool = False
    expected_account: str | None = None
    #: How old each input of a check may be.
    max_age: Mapping[str, timedelta] = field(default_factory=lambda: MAX_AGE)
    #: At whose midnight a trading day begins.
    time_zone: str = NEW_YORK
    #: The broker's own place among the sources of data.
    broker_data_at: int = 0
    #: Where a person steers the desk by files; without, only from inside the process.
    beside: Beside = field(default_factory=Beside)
