"""Kill a real process with a real plan, as often as wanted: `python -m machines.kills`.

Each cycle is a fresh account: one to three runs die by SIGKILL, the last one finishes. Everything
is drawn from the seed; when a process really stood where is the machine's own affair. A violation
names its points, `TRY_KILL_AT` of tests/desk/test_kill.py dies at them again.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desk.kill_client import Worker, deaths, told

TESTS = Path(__file__).parents[1]
WORKERS = {
    "fake": TESTS / "desk" / "kill_worker.py",
    "alpaca": TESTS / "fillwright_alpaca" / "kill_alpaca.py",
}
#: How kills are shared out where both are wanted: a cycle over sockets costs several times as much.
SHARES = {"fake": 3, "alpaca": 1}
#: One cycle in so many dies at any time, and one in so many more than once.
ANYHOW = 5
AGAIN = 8


@dataclass
class Tally:
    """What came of the kills against one broker."""

    broker: str
    seconds: float = 0.0
    #: Of the runs that died and finished, without those of the broker's server.
    cpu_seconds: float = 0.0
    cycles: int = 0
    kills: int = 0
    #: Points that the run never came to: each run takes its own time.
    missed: int = 0
    #: How many died at each kind of point.
    died_at: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    #: All is as it must be, and the plan ended in another way: a slow machine runs into deadlines.
    otherwise: list[str] = field(default_factory=list)

    def add(self, answer: dict[str, Any], wanted: dict[str, Any]) -> None:
        """Count one cycle."""
        self.cycles += 1
        self.kills += deaths(answer)
        self.cpu_seconds = answer["cpu"]
        for point, end in zip(answer["kills"], answer["ends"], strict=True):
            if end == "ended":
                self.missed += 1
            else:
                self.died_at[point.rpartition(" ")[0]] += 1
        if answer["problems"]:
            self.violations.append(told(answer, wanted))
        elif answer["result"] != wanted:
            self.otherwise.append(told(answer, wanted))

    def line(self) -> str:
        """The progress so far."""
        rate = self.kills / self.seconds if self.seconds else 0.0
        return (
            f"{self.broker}: {self.kills} kills in {self.cycles} cycles, {self.seconds:.0f} s "
            f"({rate:.2f} a second), {len(self.violations)} violations, "
            f"{len(self.otherwise)} ended in another way"
        )


def points(seen: dict[str, int], longest: float, chance: random.Random) -> Iterator[list[str]]:
    """Where the runs of one cycle die: each point once in a random order, and then again."""
    each = [f"{name} {n + 1}" for name in sorted(seen) for n in range(seen[name])]
    while True:
        chance.shuffle(each)
        for point in each:
            anyhow = f"random {chance.uniform(0.0, longest):.3f}"
            kills = [anyhow if chance.randrange(ANYHOW) == 0 else point]
            while chance.randrange(AGAIN) == 0 and len(kills) < 3:
                kills.append(chance.choice(each))
            yield kills


def kill(broker: str, wanted: int, given: argparse.Namespace) -> Tally:
    """Kill as often against this broker, and count."""
    folder = Path(tempfile.mkdtemp(prefix=f"kills-{broker}-"))
    tally = _killed(broker, wanted, given, folder)
    if tally.violations:
        print(f"what they left is in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return tally


def _killed(broker: str, wanted: int, given: argparse.Namespace, folder: Path) -> Tally:
    tally = Tally(broker)
    worker = Worker(WORKERS[broker], folder)
    try:
        # The first run of a process is the slowest: the second says how long one takes.
        worker.cycle([])
        began = time.monotonic()
        whole = worker.cycle([])
        longest = time.monotonic() - began
        if said := told(whole, whole["result"]):
            tally.violations.append(said)
            return tally
        began = time.monotonic()
        for kills in points(whole["points"], longest, random.Random(given.seed)):
            tally.add(worker.cycle(kills), whole["result"])
            tally.seconds = time.monotonic() - began
            over = tally.kills >= wanted or tally.seconds > given.minutes * 60
            if tally.cycles % 10 == 0 or over:
                print(tally.line(), file=sys.stderr, flush=True)
            if over:
                return tally
    finally:
        worker.close()
    return tally


def report(tallies: Sequence[Tally], seed: int) -> dict[str, Any]:
    """Everything as one JSON document."""
    return {
        "seed": seed,
        "kills": sum(one.kills for one in tallies),
        "violations": [said for one in tallies for said in one.violations],
        "brokers": [
            {**vars(one), "died_at": dict(one.died_at), "violations": len(one.violations)}
            for one in tallies
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, print the report, and answer 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="machines.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="SIGKILLs in total")
    parser.add_argument("--against", choices=(*WORKERS, "both"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e6, help="stop then, however many")
    parser.add_argument("--report", type=Path, help="write the JSON report here, too")
    given = parser.parse_args(arguments)
    brokers = list(WORKERS) if given.against == "both" else [given.against]
    parts = sum(SHARES[broker] for broker in brokers)
    shares = [-(-given.kills * SHARES[broker] // parts) for broker in brokers]
    # A thread waits for its own process, which does the work.
    with ThreadPoolExecutor(len(brokers)) as pool:
        tallies = list(pool.map(kill, brokers, shares, [given] * len(brokers)))
    document = json.dumps(report(tallies, given.seed), indent=2)
    print(document)
    if given.report:
        given.report.write_text(document + "\n")
    return 1 if any(one.violations for one in tallies) else 0


if __name__ == "__main__":
    raise SystemExit(main())
