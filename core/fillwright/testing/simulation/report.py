"""What a run has done so far, in a file: figures, violations, and which seeds are finished.

A run that was stopped goes on from there, and the files of several runs can be added up.
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from fillwright.errors import BadInput
from fillwright.testing.simulation.cases import revision
from fillwright.testing.simulation.figures import Figures


@dataclass(frozen=True)
class Broken:
    """A seed that broke something, as a worker tells it."""

    seed: int
    name: str
    text: str


@dataclass
class Report:
    """Figures and violations of the seeds that are finished."""

    #: What every seed's own knobs were changed to.
    knobs: Mapping[str, int] = field(default_factory=dict)
    backend: str = ""
    #: The path of the desk.toml whose checks were asked; empty for none.
    desk: str = ""
    figures: Figures = field(default_factory=Figures)
    broken: list[Broken] = field(default_factory=list)
    #: First seeds and the ends behind them, in order and apart from each other.
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, first: int, end: int, figures: Figures, broken: Iterable[Broken]) -> None:
        """These seeds are finished too."""
        self.figures.add(figures)
        self.broken += broken
        self._cover(first, end)

    def _cover(self, first: int, end: int) -> None:
        joined: list[tuple[int, int]] = []
        for low, high in sorted([*self.ranges, (first, end)]):
            if joined and low <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], high))
            else:
                joined.append((low, high))
        self.ranges = joined

    def missing(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of a range that are not finished."""
        for low, high in self.ranges:
            if first < low:
                yield first, min(low, end)
            first = max(first, high)
            if first >= end:
                return
        if first < end:
            yield first, end

    def join(self, other: "Report") -> None:
        """Take in another run. Raises BadInput when its seeds are here already, or unlike these."""
        mine, theirs = ((one.knobs, one.backend, one.desk) for one in (self, other))
        if mine != theirs:
            problem = "they are of unlike runs: other knobs, another backend, or another desk.toml"
            raise BadInput("reports", problem)
        for first, end in other.ranges:
            if list(self.missing(first, end)) != [(first, end)]:
                raise BadInput("reports", f"seeds {first} to {end - 1} are counted in two of them")
            self._cover(first, end)
        self.figures.add(other.figures)
        self.broken += other.broken

    # ------------------------------------------------------------------ on paper

    def lines(self) -> Iterator[str]:
        """A summary for people."""
        spans = ", ".join(f"{first} to {end - 1}" for first, end in self.ranges)
        yield f"{'seeds':<18} {self.figures.seeds:,}: {spans or 'none'}"
        yield f"{'violations':<18} {len(self.broken):,}"
        yield from self.figures.lines()

    def save(self, file: Path) -> None:
        """Write it, in one piece. Raises BadInput when that cannot be done."""
        body = {
            "revision": revision(),
            "python": platform.python_version(),
            "knobs": dict(self.knobs),
            "backend": self.backend,
            "desk": self.desk,
            "finished": [list(one) for one in self.ranges],
            **self.figures.as_json(),
            "violations": [vars(one) for one in sorted(self.broken, key=lambda each: each.seed)],
        }
        beside = file.with_name(file.name + ".new")
        try:
            beside.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
            beside.replace(file)
        except OSError as fault:
            raise BadInput(str(file), f"the report cannot be written: {fault.strerror}") from fault

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read one back. Raises BadInput."""
        try:
            given: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                given["knobs"],
                given["backend"],
                given.get("desk", ""),
                Figures.from_json(given),
                [Broken(**one) for one in given["violations"]],
                [(int(first), int(end)) for first, end in given["finished"]],
            )
        except OSError as fault:
            raise BadInput(str(file), f"the report cannot be read: {fault.strerror}") from fault
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise BadInput(str(file), "it is no report of a run", "Name another file") from fault
