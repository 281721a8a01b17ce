"""The figures of many scenarios: counted, added up, kept as JSON, and told in a few lines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from fillwright.testing.simulation.counting import UNPROVEN
from fillwright.testing.simulation.outside import Outside

#: Parts in a hundred at which times are told.
_PERCENTILES: Final = (50, 99)
#: Groups that are told name by name.
_GROUPS: Final = (
    *("requests", "faults", "network faults", "broker faults", "disk faults"),
    *("ends of a process", "doubts", "doubts ended", "halts", "own checks"),
)


@dataclass
class Figures:
    """What happened in some scenarios."""

    seeds: int = 0
    #: Virtual time that passed, in seconds.
    seconds: float = 0.0
    #: Time that the processor took, in seconds.
    cpu: float = 0.0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Milliseconds from the end of all faults to the adoption of an order, and how often.
    adoptions: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, outside: Outside, *, seconds: float, asked: int) -> Self:
        """Those of one scenario that is over."""
        counting = outside.counting
        counts = Counter(counting.counts)
        counts["orders", "asked for by an owner"] = asked
        counts["orders", "sent, those of plans included"] = len(outside.sent)
        counts["adoptions", "never"] = counting.never_adopted
        return cls(1, seconds, counts=+counts, adoptions=Counter(counting.adoptions))

    def add(self, other: "Figures") -> None:
        """Take in those of other scenarios."""
        self.seeds += other.seeds
        self.seconds += other.seconds
        self.cpu += other.cpu
        self.counts.update(other.counts)
        self.adoptions.update(other.adoptions)

    def group(self, name: str) -> dict[str, int]:
        """The counts of one group, the largest first."""
        own = [(what, n) for (group, what), n in self.counts.items() if group == name and n]
        return dict(sorted(own, key=lambda one: (-one[1], one[0])))

    @property
    def unproven(self) -> int:
        """Doubts that ended, and nothing proved how."""
        ends = self.group("doubts ended").items()
        return sum(count for what, count in ends if what.startswith(UNPROVEN))

    def adopted_within(self, percent: float) -> float:
        """In how many seconds so many of a hundred orders were adopted."""
        return percentile(self.adoptions, percent) / 1000

    # ------------------------------------------------------------------ on paper

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        groups = sorted({group for group, _ in self.counts})
        return {
            "seeds": self.seeds,
            "virtual_seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu, 3),
            "counts": {name: self.group(name) for name in groups},
            "adoption_milliseconds": {str(at): n for at, n in sorted(self.adoptions.items())},
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Read it back. Raises KeyError, TypeError and ValueError for what is none."""
        counts = Counter(
            {
                (str(group), str(name)): int(count)
                for group, names in given["counts"].items()
                for name, count in names.items()
            }
        )
        adoptions = {int(at): int(n) for at, n in given["adoption_milliseconds"].items()}
        return cls(
            int(given["seeds"]),
            float(given["virtual_seconds"]),
            float(given["cpu_seconds"]),
            counts,
            Counter(adoptions),
        )

    def lines(self) -> Iterator[str]:
        """A summary for people."""
        yield _line("virtual time", f"{self.seconds / 3600:,.1f} hours")
        if self.cpu:
            rate = self.seeds / self.cpu
            yield _line("processor", f"{self.cpu:,.0f} s, {rate:.1f} seeds a second of it")
        for what, count in self.group("orders").items():
            yield _line("orders", f"{count:,} {what}")
        for name in _GROUPS:
            kinds: Counter[str] = Counter()
            for what, count in self.group(name).items():
                kinds[_kind(what)] += count
            if kinds:
                yield _line(name, f"{kinds.total():,}: {_listed(kinds.most_common())}")
        yield _line("unproven ends", f"{self.unproven:,} of a doubt")
        if self.adoptions:
            ways = [f"p{p} {self.adopted_within(p):.2f} s" for p in _PERCENTILES]
            most = f"at most {max(self.adoptions) / 1000:.2f} s"
            whole = f"{self.adoptions.total():,} orders from the end of faults on"
            yield _line("adoptions", ", ".join([whole, *ways, most]))
        never = self.counts["adoptions", "never"]
        if never:
            yield _line("never adopted", f"{never:,}")


def percentile(counted: Counter[int], percent: float) -> int:
    """The value that so many of a hundred do not exceed; zero when there are none."""
    below, wanted = 0, counted.total() * percent / 100
    for value in sorted(counted):
        below += counted[value]
        if below >= wanted:
            return value
    return 0


def _kind(what: str) -> str:
    """What it is, without the place where it struck."""
    kind, _, _ = what.partition(" on ")
    first, _, _ = kind.partition(" ")
    return first if "_" in first else kind


def _line(name: str, text: str) -> str:
    return f"{name:<18} {text}"


def _listed(names: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in names)
