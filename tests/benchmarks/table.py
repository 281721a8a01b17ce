"""What is measured, in which sizes, and how it is shown."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import scenes
from benchmarks.measuring import Figures
from benchmarks.scenes import Kind

Scene = Callable[..., Awaitable[Figures]]


@dataclass(frozen=True)
class Line:
    """One line of the table: a scene, how it is set, and the floor it is held against."""

    name: str
    scene: Scene
    count: int
    in_flight: int
    durable: bool | None = None
    checks: int | None = None
    #: What kind of checks they are.
    kind: scenes.Kind | None = None

    @property
    def is_floor(self) -> bool:
        return self.scene is scenes.floor

    async def measure(self) -> Figures:
        given = {"durable": self.durable, "checks": self.checks, "kind": self.kind}
        settings = {name: value for name, value in given.items() if value is not None}
        return await self.scene(count=self.count, in_flight=self.in_flight, **settings)


#: How many checks a chain has, and of which kind; the empty one comes first.
CHAINS = (
    (0, Kind.LIMIT),
    (5, Kind.LIMIT),
    (25, Kind.LIMIT),
    (5, Kind.INFORMED),
    (25, Kind.INFORMED),
    (25, Kind.STANDARD),
)


def lines(counts: Sequence[int]) -> list[Line]:
    """Every line, for desks of these numbers of orders; the first number serves the rest."""
    small = counts[0]
    table = []
    for durable in (False, True):
        where = "durable" if durable else "in memory"
        for in_flight in (100, 1):
            table.append(Line(f"floor, {where}", scenes.floor, small, in_flight, durable))
            table += [
                Line(f"desk, {where}", scenes.whole_desk, count, in_flight, durable)
                for count in counts
            ]
            name = f"desk to fill callback, {where}"
            table.append(Line(name, scenes.fill_callback, small, in_flight, durable))
    for checks, kind in CHAINS:
        name = f"gate, {checks} {kind}"
        table += [
            Line(name, scenes.gate, small, in_flight, checks=checks, kind=kind)
            for in_flight in (100, 1)
        ]
    return table


def run(table: Sequence[Line], rounds: int, tell: Callable[[str], None]) -> list[list[Figures]]:
    """Measure every line in turn, `rounds` times over; the rounds of each line."""
    found: list[list[Figures]] = [[] for _ in table]
    for number in range(rounds):
        for line, mine in zip(table, found, strict=True):
            tell(f"round {number + 1} of {rounds}: {line.name}, {line.count:,} orders")
            mine.append(asyncio.run(line.measure()))
    return found


_HEAD = (
    f"{'':34}{'in':>4}{'':>9}  {'CPU us an order':^22}{'orders a':>10}{'p50':>9}{'p99':>9}"
    f"{'KiB an':>8}  ratio to floor\n"
    f"{'scene':34}{'fl.':>4}{'orders':>9}  {'median':>8}{'min':>7}{'max':>7}{'second':>10}"
    f"{'us':>9}{'us':>9}{'order':>8}{'CPU':>7}{'p50':>7}\n"
)


def shown(table: Sequence[Line], found: Sequence[Sequence[Figures]]) -> str:
    """The table as text; latencies are medians of the rounds, ratios of the medians."""
    floors = {
        (line.durable, line.in_flight): rounds
        for line, rounds in zip(table, found, strict=True)
        if line.is_floor
    }
    text = _HEAD
    for line, rounds in zip(table, found, strict=True):
        cpu = [figures.cpu for figures in rounds]
        middle = _medians(rounds)
        text += (
            f"{line.name:34}{line.in_flight:>4}{line.count:>9,}  {middle.cpu:>8.0f}"
            f"{min(cpu):>7.0f}{max(cpu):>7.0f}{middle.per_second:>10,.0f}{middle.p50:>9,.0f}"
            f"{middle.p99:>9,.0f}{middle.kib:>8.2f}"
        )
        beneath = floors.get((line.durable, line.in_flight))
        if beneath:
            bare = _medians(beneath)
            text += f"{middle.cpu / bare.cpu:>7.1f}{middle.p50 / bare.p50:>7.1f}"
        text += "\n"
    return text + _growth(table, found) + _chains(table, found)


def _medians(rounds: Sequence[Figures]) -> Figures:
    return Figures(
        median(one.cpu for one in rounds),
        median(one.per_second for one in rounds),
        median(one.p50 for one in rounds),
        median(one.p99 for one in rounds),
        median(one.kib for one in rounds),
    )


def _growth(table: Sequence[Line], found: Sequence[Sequence[Figures]]) -> str:
    """How the cost of an order grows with the number of orders."""
    smallest: dict[tuple[str, int], float] = {}
    text = "\n"
    for line, rounds in zip(table, found, strict=True):
        if line.scene is not scenes.whole_desk:
            continue
        cost = _medians(rounds).cpu
        first = smallest.setdefault((line.name, line.in_flight), cost)
        if cost is not first:
            text += (
                f"{line.name}, {line.in_flight} in flight: an order of {line.count:,} costs "
                f"{cost / first:.2f} times one of the smallest run\n"
            )
    return text


def _chains(table: Sequence[Line], found: Sequence[Sequence[Figures]]) -> str:
    """What each check costs beside a chain that has none."""
    empty: dict[int, float] = {}
    text = "\n"
    for line, rounds in zip(table, found, strict=True):
        if line.scene is not scenes.gate:
            continue
        cost = _medians(rounds).cpu
        bare = empty.setdefault(line.in_flight, cost)
        if line.checks:
            text += (
                f"{line.name}, {line.in_flight} in flight: {(cost - bare) / line.checks:.2f} us "
                "a check beside an empty chain\n"
            )
    return text
