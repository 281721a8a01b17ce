"""Faults of our own, to prove that the simulation would find them.

From the folder of the tests, `python -m simulation.faults_of_ours` looks for every one of them, or
for those that are named, seed by seed from 0 on. With `--write` it keeps what it found in
`found.json`, and makes docs/explanation/planted-faults.md of that.
"""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from fillwright.testing.simulation import Chances, Knobs, run
from fillwright.testing.simulation.controls import drawn
from simulation import (
    faults_of_books,
    faults_of_controls,
    faults_of_process,
    faults_of_requests,
)
from simulation.planting import Mutant, planted

ROOMS: Sequence[ModuleType] = (
    faults_of_requests,
    faults_of_books,
    faults_of_process,
    faults_of_controls,
)
MUTANTS: Sequence[Mutant] = tuple(one for room in ROOMS for one in room.MUTANTS)
#: Within so many seeds each one must be found.
WITHIN = 1000
KEPT = Path(__file__).parent / "found.json"
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "planted-faults.md"
_HEAD = """# Planted faults

How it is known that the simulation would find a fault: {count} faults of our own are planted in the
desk, the gate and the standard controls, one at a time and only in tests, and each one must be
found. Each is a mistake that execution systems have really made, a few characters in one function.

A fault is found by a seed that breaks an invariant with it and is clean without it. Seeds are
tried in order from 0, with the knobs that each draws for itself; passed over are those that turn
off what the fault needs. All {count} are found within {within} seeds, half of them within {median};
the one that takes longest is found by seed {most}.

The table is made by `python -m simulation.faults_of_ours --write` in the folder of the tests. A
test replays every row: the seed must break the invariant that is named with the fault planted, and
be clean without it. So each of these faults fails the tests of any change that brings it in. What
the numbers in the third column mean stands in `fillwright.testing.simulation.invariants`.

Seconds are processor seconds on one shared core; what they measure is how rare the day is on which
a fault hurts.
"""


class Found(NamedTuple):
    """When a fault of ours was found, and by what."""

    name: str
    #: None when none of them found it.
    seed: int | None
    #: How many were tried.
    seeds: int
    broke: str
    seconds: float


def look_for(one: Mutant, seeds: Iterable[int] = range(WITHIN)) -> Found:
    """Run seeds until one is broken that is not without the fault."""
    began = time.process_time()
    count = 0
    for count, seed in enumerate(seeds, start=1):
        if not reaches(seed, one):
            continue
        with planted(*one.changes):
            outcome = run(seed)
        if outcome.fault is not None and run(seed).fault is None:
            return Found(one.name, seed, count, outcome.broken, time.process_time() - began)
    return Found(one.name, None, count, "", time.process_time() - began)


def reaches(seed: int, one: Mutant) -> bool:
    """Whether the text that the fault changes may be run with this seed at all."""
    knobs = Knobs.draw(seed)
    tables = drawn(knobs, Chances(seed))
    return not one.only or any(getattr(knobs, name, name in tables) for name in one.only)


def _look_for(name: str, seeds: int) -> Found:
    return look_for(next(one for one in MUTANTS if one.name == name), range(seeds))


def kept() -> Mapping[str, Found]:
    """What the last whole search found, by name."""
    told = json.loads(KEPT.read_text(encoding="utf-8"))
    return {name: Found(name, **facts) for name, facts in told.items()}


def keep(found: Iterable[Found]) -> None:
    """Write it down, beside what was found of the others."""
    known = dict(kept()) if KEPT.exists() else {}
    known |= {one.name: one for one in found}
    rows = [
        f"{json.dumps(one.name)}: {json.dumps(_facts(known[one.name]))}"
        for one in MUTANTS
        if one.name in known
    ]
    KEPT.write_text("{\n  " + ",\n  ".join(rows) + "\n}\n", encoding="utf-8")


def _facts(one: Found) -> dict[str, object]:
    facts = one._asdict() | {"seconds": round(one.seconds, 1)}
    return {name: value for name, value in facts.items() if name != "name"}


def page(found: Mapping[str, Found]) -> str:
    """The whole page."""
    seeds = sorted(one.seeds for one in found.values())
    head = _HEAD.format(
        count=len(found), within=WITHIN, median=seeds[len(seeds) // 2], most=seeds[-1] - 1
    )
    return "\n".join([head, *_tables(found)])


def _tables(found: Mapping[str, Found]) -> Iterator[str]:
    for room in ROOMS:
        title = (room.__doc__ or "").strip().rstrip(".")
        yield f"## {title}\n"
        yield "| planted | harm | broke | found by seed | within seeds | seconds |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for one in room.MUTANTS:
            if one.name in found:
                yield row(one, found[one.name])
        yield ""


def row(one: Mutant, found: Found) -> str:
    """One fault in one line."""
    seed = "not found" if found.seed is None else found.seed
    facts = (found.broke, seed, found.seeds, f"{found.seconds:.1f}")
    return f"| `{one.name}` | {one.harm} | {' | '.join(map(str, facts))} |"


def main(arguments: Sequence[str]) -> int:
    """Look for them; 1 when one was not found."""
    parser = ArgumentParser(prog="python -m simulation.faults_of_ours", description=__doc__)
    parser.add_argument("names", nargs="*", help="which faults; all of them")
    parser.add_argument("--seeds", type=int, default=WITHIN, help=f"how many ({WITHIN})")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (1)")
    parser.add_argument("--write", action="store_true", help="keep it, and make the page of it")
    given = parser.parse_args(arguments)
    wanted = {one.name: one for one in MUTANTS if not given.names or one.name in given.names}
    unknown = set(given.names) - wanted.keys()
    if unknown:
        parser.error(f"there is no fault called {', '.join(sorted(unknown))}")
    found = []
    for count, one in enumerate(_searched(list(wanted), given.seeds, given.jobs), start=1):
        found.append(one)
        if given.write and one.seed is not None:
            keep([one])
        print(f"{count:3} of {len(wanted)} {row(wanted[one.name], one)}", flush=True)
    if given.write:
        PAGE.write_text(page(kept()), encoding="utf-8")
    missing = [one.name for one in found if one.seed is None]
    if missing:
        print(f"not found within {given.seeds} seeds: {', '.join(missing)}")
    return int(bool(missing))


def _searched(names: Sequence[str], seeds: int, jobs: int) -> Iterator[Found]:
    if jobs < 2:  # one process is this one
        yield from (_look_for(name, seeds) for name in names)
        return
    with ProcessPoolExecutor(jobs) as pool:
        tasks = [pool.submit(_look_for, name, seeds) for name in names]
        yield from (task.result() for task in as_completed(tasks))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
