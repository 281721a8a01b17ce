"""The search: breadth first over every state that two lanes can reach, and the shortest way there.

Rules:
1. A state is two numbers, one for each lane; lanes, moves and laws are worked out once.
2. The lanes share a process and a disk: one kill kills both, one sync keeps both, and a doubt in
   one closes the gate for the other.
3. Breadth first: the first violation found has the shortest path.
"""

import logging
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from fillwright.protocols import Dedup
from fillwright.testing.simulation.search import laws
from fillwright.testing.simulation.search.bench import Bench
from fillwright.testing.simulation.search.lane import Effect, Lane, killed, synced
from fillwright.testing.simulation.search.moves import Moves
from fillwright.testing.simulation.search.venue import Intent

_BITS = 32
_MASK = (1 << _BITS) - 1


class Arc(NamedTuple):
    """One move of a lane, in numbers."""

    label: int
    lane: int
    effect: Effect
    wrong: str


@dataclass
class Side:
    """One lane's graph, worked out as far as it was walked."""

    name: str
    moves: Moves
    law: laws.Laws
    labels: list[str]
    lanes: list[Lane] = field(default_factory=list)
    numbers: dict[Lane, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    doubtful: list[bool] = field(default_factory=list)
    _arcs: dict[int, tuple[Arc, ...]] = field(default_factory=dict)
    _deaths: dict[int, tuple[int, int]] = field(default_factory=dict)

    def number(self, lane: Lane) -> int:
        """The number of a lane; a new one is judged."""
        number = self.numbers.get(lane)
        if number is None:
            number = self.numbers[lane] = len(self.lanes)
            self.lanes.append(lane)
            self.doubtful.append(self.moves.doubtful(lane))
            self.wrong.append(self.law.of_lane(lane) or self.law.of_rest(lane))
        return number

    def arcs(self, number: int, *, doubtful: bool) -> tuple[Arc, ...]:
        """Every move of a lane."""
        slot = 2 * number + doubtful
        known = self._arcs.get(slot)
        if known is None:
            moves = self.moves.of(self.lanes[number], doubtful=doubtful)
            known = self._arcs[slot] = tuple(
                Arc(self.label(m.label), self.number(m.lane), m.effect, m.wrong) for m in moves
            )
        return known

    def label(self, text: str) -> int:
        """The number of a label, with the lane's name."""
        told = f"{self.name}: {text}"
        if told not in self.labels:
            self.labels.append(told)
        return self.labels.index(told)

    def deaths(self, number: int) -> tuple[int, int]:
        """The lane after a kill: with the disk as it was synced, and with everything on it."""
        known = self._deaths.get(number)
        if known is None:
            lane = self.lanes[number]
            lost, kept = killed(lane, kept=False), killed(lane, kept=True)
            known = self._deaths[number] = (self.number(lost), self.number(kept))
        return known

    def synced(self, number: int) -> int:
        """The lane with everything on the disk."""
        return self.number(synced(self.lanes[number]))

    def restarted(self, number: int) -> int:
        """The lane in a new process."""
        return self.number(self.moves.restarted(self.lanes[number]))


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    states: int
    depth: int
    lanes: tuple[int, int]
    #: Different steps of the real desk that were taken.
    steps: int
    #: Whether every reachable state was visited.
    complete: bool
    #: The broken invariant and the way to it; empty when none was.
    wrong: str = ""
    path: tuple[str, ...] = ()


#: The orders of the model: one that may be changed and canceled, and one beside it.
BIGGER = (Intent("A", 2, changed=3), Intent("B", 1))
SMALLER = (Intent("A", 2, changed=1), Intent("B", 1))
ALONE = (Intent("A", 2, changed=3), Intent("none", 0))


def search(
    most: int, *, dedup: Dedup = Dedup.SERVER, intents: tuple[Intent, Intent] = BIGGER
) -> Found:
    """Visit up to `most` distinct states, or until an invariant is broken."""
    benches = [Bench(intent, dedup, laws.of_change) for intent in intents]
    told = logging.getLogger("fillwright")
    before = told.level
    told.setLevel(logging.CRITICAL + 1)  # millions of steps, each with a story
    try:
        return _Walk(benches, dedup).run(most)
    finally:
        told.setLevel(before)
        for bench in benches:
            bench.close()


class _Walk:
    """One search."""

    def __init__(self, benches: list[Bench], dedup: Dedup) -> None:
        self._benches = benches
        self._labels = ["killed, the newest records lost", "killed", "restarted"]
        self._a, self._b = (self._side(bench, dedup) for bench in benches)
        self._keys = array("Q")
        self._parents = array("L")
        self._by = array("H")
        self._known: set[int] = set()

    def _side(self, bench: Bench, dedup: Dedup) -> Side:
        moves = Moves(bench, dedup)
        return Side(bench.intent.name, moves, laws.Laws(moves), self._labels)

    def run(self, most: int) -> Found:
        """Walk."""
        a, b = self._a, self._b
        start = a.number(Lane()) << _BITS | b.number(Lane())
        self._add(start, 0, 0)
        depth, level_ends, at = 0, 1, 0
        while at < len(self._keys):
            if at == level_ends:
                depth, level_ends = depth + 1, len(self._keys)
            key = self._keys[at]
            one, two = key >> _BITS, key & _MASK
            for label, left, right, broken in self._next(one, two):
                after = left << _BITS | right
                wrong = broken or a.wrong[left] or b.wrong[right]
                if wrong:
                    path = (*self._path(at), self._labels[label])
                    return self._found(depth + 1, complete=False, wrong=wrong, path=path)
                if after not in self._known:
                    self._add(after, at, label)
            if len(self._keys) >= most:
                return self._found(depth + 1, complete=False)
            at += 1
        return self._found(depth, complete=True)

    def _next(self, one: int, two: int) -> Iterator[tuple[int, int, int, str]]:
        a, b = self._a, self._b
        for label, lane, effect, wrong in a.arcs(one, doubtful=b.doubtful[two]):
            yield label, lane, self._beside(b, two, effect), wrong
        for label, lane, effect, wrong in b.arcs(two, doubtful=a.doubtful[one]):
            yield label, self._beside(a, one, effect), lane, wrong
        if not a.lanes[one].up:
            yield 2, a.restarted(one), b.restarted(two), ""
            return
        (a_lost, a_kept), (b_lost, b_kept) = a.deaths(one), b.deaths(two)
        yield 1, a_kept, b_kept, ""
        if (a_lost, b_lost) != (a_kept, b_kept):
            yield 0, a_lost, b_lost, ""

    def _beside(self, side: Side, number: int, effect: Effect) -> int:
        if effect is Effect.NONE:
            return number
        return side.synced(number) if effect is Effect.SYNC else side.deaths(number)[1]

    def _add(self, key: int, parent: int, label: int) -> None:
        self._known.add(key)
        self._keys.append(key)
        self._parents.append(parent)
        self._by.append(label)

    def _path(self, at: int) -> tuple[str, ...]:
        path = []
        while at:
            path.append(self._labels[self._by[at]])
            at = self._parents[at]
        return tuple(reversed(path))

    def _found(
        self, depth: int, *, complete: bool, wrong: str = "", path: tuple[str, ...] = ()
    ) -> Found:
        lanes = len(self._a.lanes), len(self._b.lanes)
        steps = sum(bench.steps for bench in self._benches)
        return Found(len(self._keys), depth, lanes, steps, complete, wrong, path)
