"""A failing scenario on paper: what to print of it, and a file in which it is kept for ever."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from pydantic import Field

from fillwright.errors import BadInput
from fillwright.testing.simulation.backend import backend_at
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.own import own_checks
from fillwright.testing.simulation.run import Outcome, run
from fillwright.types import Value

#: How much of a timeline is printed when nobody asks for all of it.
SOME_LINES: Final = 60


class Case(Value):
    """A scenario that once broke something, and must not any more."""

    seed: int
    knobs: Knobs
    #: The invariant that it broke.
    broke: str
    #: What was wrong, in a sentence.
    found: str = ""
    #: The import path of its backend; empty for the fake broker.
    backend: str = ""
    #: The path of the desk.toml whose checks are asked; empty for none.
    desk: str = ""
    #: Faults of our own that it finds when they are put back in.
    mutants: tuple[str, ...] = Field(default=())

    @classmethod
    def of(cls, outcome: Outcome, found: str = "", backend: str = "", desk: str = "") -> Self:
        """The case of a scenario that broke just now."""
        return cls(
            seed=outcome.seed,
            knobs=outcome.knobs,
            broke=outcome.broken,
            found=found,
            backend=backend,
            desk=desk,
        )

    def run(self) -> Outcome:
        """Run it again. Raises BadInput when its backend or its desk.toml is not there."""
        return run(self.seed, self.knobs, backend_at(self.backend), own_checks(self.desk))

    @property
    def name(self) -> str:
        """What its file is called: the invariant, and the seed."""
        words = "".join(c if c.isalnum() else "-" for c in self.broke.lower()).strip("-")
        return f"{words}-{self.seed}"

    def save(self, folder: Path) -> Path:
        """Write it into a folder of cases."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}.json"
        body = self.model_dump(mode="json", exclude_defaults=True)
        file.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
        return file

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read one back. Raises BadInput."""
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except OSError as fault:
            raise BadInput(str(file), f"the case cannot be read: {fault.strerror}") from fault
        except ValueError as fault:  # not UTF-8, no JSON, or JSON of something else
            raise BadInput(str(file), "it is no case of the simulation") from fault


def described(outcome: Outcome, *, lines: int | None = SOME_LINES) -> Iterator[str]:
    """What somebody needs to look into it: seed, revision, knobs, and the end of the timeline."""
    yield f"seed      {outcome.seed}"
    yield f"revision  {revision() or 'unknown'}"
    yield f"knobs     {vector(outcome.knobs)}"
    yield f"hash      {outcome.digest}"
    yield f"steps     {outcome.steps} in {outcome.seconds:.1f} virtual seconds"
    yield ""
    yield from outcome.trace.lines(lines)
    if outcome.fault is not None:
        yield ""
        yield f"broken    {outcome.fault}"


def vector(knobs: Knobs) -> str:
    """The knobs that are not at rest, in one line."""
    plain = knobs.model_dump(exclude_defaults=True)
    words = [name if value is True else f"{name}={value}" for name, value in plain.items()]
    return " ".join(words) or "all at rest"


def revision() -> str:
    """The commit that this package was checked out from; empty when it was not."""
    for folder in Path(__file__).resolve().parents:
        head = folder / ".git" / "HEAD"
        if head.is_file():
            text = head.read_text(encoding="utf-8").strip()
            if not text.startswith("ref: "):
                return text
            ref = folder / ".git" / text.removeprefix("ref: ")
            return ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
    return ""
