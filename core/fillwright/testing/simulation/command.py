"""The simulation from a shell: run many seeds, replay one, shrink what broke."""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from fillwright.testing.simulation.cases import Case, described, vector
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.run import Outcome, run
from fillwright.testing.simulation.shrink import Shrunk, shrink

#: Seeds that a worker takes at a time.
_CHUNK: Final = 20
_BAR: Final = 24
#: How many different faults are shrunk and shown; the others are only named.
_SHOWN: Final = 3


@dataclass(frozen=True)
class Broken:
    """A seed that broke something, as a worker tells it."""

    seed: int
    name: str
    text: str


@dataclass
class Tally:
    """How far a run is."""

    seeds: int
    out: TextIO
    done: int = 0
    broken: list[Broken] = field(default_factory=list)
    #: A screen is told while it goes on, a file only at the end.
    began: float = field(default_factory=time.monotonic)

    @property
    def line(self) -> str:
        """Bar, count, rate and violations in one line."""
        filled = int(_BAR * self.done / max(self.seeds, 1))
        bar = "#" * filled + "-" * (_BAR - filled)
        rate = self.done / max(time.monotonic() - self.began, 0.001)
        return (
            f"[{bar}] {self.done} of {self.seeds} seeds, {rate:.1f} a second, "
            f"{len(self.broken)} violations"
        )

    def show(self) -> None:
        """Draw the line anew, on a screen."""
        if self.out.isatty():
            self.out.write(f"\r{self.line}\x1b[K")
            self.out.flush()

    def finish(self) -> None:
        """Leave the last line standing."""
        start = "\r" if self.out.isatty() else ""
        self.out.write(f"{start}{self.line}\n")


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Do what the arguments say; 1 when something broke."""
    given = _parser().parse_args(arguments)
    commands = {"run": _run, "replay": _replay}
    return commands[given.command](given, out or sys.stdout)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m fillwright.testing.simulation",
        description="Try the desk against a broker, a disk and a network that fail, by seed.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    many = commands.add_parser("run", help="try many seeds")
    many.add_argument("--seeds", type=int, default=200, help="how many (200)")
    many.add_argument("--from", type=int, default=0, dest="first", help="the first one (0)")
    many.add_argument("--jobs", type=int, default=1, help="processes at a time (1)")
    many.add_argument("--save", type=Path, help="a folder for the shrunk cases of what breaks")
    many.add_argument("--no-shrink", action="store_true", help="show what breaks as it is")
    one = commands.add_parser("replay", help="show what happens with one seed")
    one.add_argument("seed", type=int, nargs="?", help="the seed, with its own knobs")
    one.add_argument("--case", type=Path, help="a case that was saved, instead of a seed")
    one.add_argument("--shrink", action="store_true", help="look for a smaller scenario first")
    for each in (many, one):
        each.add_argument(
            "--knob", action="append", default=[], metavar="NAME=NUMBER", help="turn a knob"
        )
    return parser


def _run(given: Namespace, out: TextIO) -> int:
    tally = Tally(given.seeds, out)
    turned = _turned(given.knob)
    chunks = [
        (first, min(first + _CHUNK, given.first + given.seeds), turned)
        for first in range(given.first, given.first + given.seeds, _CHUNK)
    ]
    for done, broken in _tried(chunks, given.jobs):
        tally.done += done
        tally.broken += broken
        tally.show()
    tally.finish()
    found = sorted(tally.broken, key=lambda each: each.seed)
    out.writelines(f"seed {one.seed}: {one.text}\n" for one in found)
    _explain(tally.broken, turned, given, out)
    return 1 if tally.broken else 0


def _tried(
    chunks: Sequence[tuple[int, int, dict[str, int]]], jobs: int
) -> Iterator[tuple[int, list[Broken]]]:
    if jobs < 2:  # noqa: PLR2004  # one process is this one
        for chunk in chunks:
            yield from (try_seeds((seed, seed + 1, chunk[2])) for seed in range(*chunk[:2]))
        return
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(jobs))
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        for done in as_completed([pool.submit(try_seeds, chunk) for chunk in chunks]):
            yield done.result()


def try_seeds(chunk: tuple[int, int, dict[str, int]]) -> tuple[int, list[Broken]]:
    """Run some seeds: how many they were, and what broke."""
    first, end, turned = chunk
    broken = []
    for seed in range(first, end):
        outcome = run(seed, Knobs.draw(seed).but(**turned))
        if outcome.fault is not None:
            broken.append(Broken(seed, outcome.broken, str(outcome.fault)))
    return end - first, broken


def _explain(
    broken: Sequence[Broken], turned: dict[str, int], given: Namespace, out: TextIO
) -> None:
    """Shrink the first of each kind, show it, and keep it where somebody asked for that."""
    kinds: dict[str, Broken] = {}
    for one in sorted(broken, key=lambda each: each.seed):
        kinds.setdefault(one.name, one)
    for one in list(kinds.values())[:_SHOWN]:
        outcome = run(one.seed, Knobs.draw(one.seed).but(**turned))
        if not given.no_shrink:
            outcome = _shrunk(outcome, out)
        out.write("\n" + "\n".join(described(outcome)) + "\n")
        if given.save is not None:
            out.write(f"kept in   {Case.of(outcome).save(given.save)}\n")


def _replay(given: Namespace, out: TextIO) -> int:
    if given.case is not None:
        case = Case.read(given.case)
        seed, knobs = case.seed, case.knobs
    elif given.seed is not None:
        seed, knobs = given.seed, Knobs.draw(given.seed)
    else:
        out.write("name a seed, or a saved case with --case\n")
        return 2
    outcome = run(seed, knobs.but(**_turned(given.knob)))
    if given.shrink and outcome.fault is not None:
        outcome = _shrunk(outcome, out)
    out.write("\n".join(described(outcome, lines=None)) + "\n")
    return 0 if outcome.fault is None else 1


def _shrunk(outcome: Outcome, out: TextIO) -> Outcome:
    def tell(found: Shrunk) -> None:
        if out.isatty():
            out.write(f"\rshrinking, {found.runs} runs: {vector(found.outcome.knobs)[:90]}\x1b[K")
            out.flush()

    found = shrink(outcome, tell=tell)
    out.write(f"\nshrunk in {found.runs} runs\n")
    return found.outcome


def _turned(words: Sequence[str]) -> dict[str, int]:
    turned = {}
    for word in words:
        name, _, number = word.partition("=")
        turned[name] = int(number or "1")
    return turned
