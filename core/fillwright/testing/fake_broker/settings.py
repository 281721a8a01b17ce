"""The fake broker's table in desk.toml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from fillwright.config import explain_table
from fillwright.testing.fake_broker.script import Fault
from fillwright.testing.venue import VenueSettings
from fillwright.types import Value

#: Where the venue of a desk.toml lives on when nothing else is said.
STATE = Path(".fillwright/fake-broker.db")
MEMORY = ":memory:"


class Latency(Value):
    """How long a request is under way, there and back, in seconds."""

    min: float = Field(default=0.0, ge=0, le=3600, allow_inf_nan=False)
    max: float = Field(default=0.0, ge=0, le=3600, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _one_number(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"min": value, "max": value}
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        return self


class FakeBrokerSettings(VenueSettings):
    """The venue's settings, and what lies between it and the desk."""

    #: The file in which the venue lives on; `":memory:"` for a venue that dies with the process.
    #: In desk.toml it has a default, since a journal that lasts needs a venue that lasts.
    state: Path | None = None
    #: One number, or a table with min and max.
    latency: Latency = Latency()
    faults: tuple[Fault, ...] = ()
    #: Reports that wait for a slow reader before the venue stops moving by itself.
    backlog: int = Field(default=10_000, ge=1)


def read_settings(name: str, table: Mapping[str, Any], folder: Path) -> FakeBrokerSettings:
    """Read the table, paths from `folder` on.

    Raises ConfigError, which names the table and the field.
    """
    try:
        settings = FakeBrokerSettings.model_validate(dict(table))
    except ValidationError as fault:
        # Not chained: pydantic's finding holds what was written.
        raise explain_table(fault, name, FakeBrokerSettings, own_words=True) from None
    state = settings.state or STATE
    paths = {
        "state": None if str(state) == MEMORY else folder / state,
        "quotes": folder / settings.quotes if settings.quotes else None,
    }
    return settings.model_copy(update=paths)
