"""The simulation from a shell: run many seeds, replay one, shrink what broke, add up reports."""

import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NoReturn, TextIO

from fillwright.errors import BadInput
from fillwright.testing.simulation.backend import MakeBackend, backend_at
from fillwright.testing.simulation.cases import Case, described, vector
from fillwright.testing.simulation.figures import Figures
from fillwright.testing.simulation.given import natural, positive, turned
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.own import OwnChecks, own_checks
from fillwright.testing.simulation.progress import Progress
from fillwright.testing.simulation.report import Broken, Report
from fillwright.testing.simulation.run import Outcome, run
from fillwright.testing.simulation.shrink import Shrunk, shrink

#: Seeds that a worker takes at a time.
_CHUNK: Final = 20
#: After so many of those a fresh worker takes its place: memory that SQLite and the allocator
#: keep would else add up over a night.
_LIFETIME: Final = 50
#: How many different faults are shrunk and shown; the others are only named.
_SHOWN: Final = 3
#: How often the state of a long run is written, in seconds.
_SAVED_EVERY: Final = 20.0
_MINUTE: Final = 60
_BAD_INPUT: Final = 2
_STOPPED: Final = 130


@dataclass(frozen=True)
class Chunk:
    """Some seeds for a worker."""

    first: int
    end: int
    turned: dict[str, int]
    #: The import path of the backend.
    backend: str
    #: The path of a desk.toml.
    desk: str


def main(
    arguments: Sequence[str] | None = None, out: TextIO | None = None, err: TextIO | None = None
) -> int:
    """Do what the arguments say; 1 when something broke, 2 when they cannot be used."""
    try:
        given = _parser().parse_args(arguments)
        commands = {"run": _run, "replay": _replay, "sum": _sum}
        return commands[given.command](given, out or sys.stdout)
    except BadInput as fault:
        (err or sys.stderr).write(f"{fault}\n")
        return _BAD_INPUT


class _Parser(ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(self.prog, message, f"See {self.prog} --help")


def _parser() -> ArgumentParser:
    parser = _Parser(
        prog="python -m fillwright.testing.simulation",
        description="Try the desk against a broker, a disk and a network that fail, by seed.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    many = commands.add_parser("run", help="try many seeds")
    many.add_argument("--seeds", type=positive, default=200, help="how many (200)")
    many.add_argument("--from", type=natural, default=0, dest="first", help="the first one (0)")
    many.add_argument("--jobs", type=positive, default=1, help="processes at a time (1)")
    many.add_argument("--minutes", type=positive, default=0, help="stop when these are over")
    many.add_argument("--save", type=Path, help="a folder for the shrunk cases of what breaks")
    many.add_argument("--no-shrink", action="store_true", help="show what breaks as it is")
    many.add_argument("--report", type=Path, help="a file for the figures, as JSON")
    many.add_argument(
        "--state",
        type=Path,
        help="a report that is kept while it goes on; with one that is there, go on from it",
    )
    one = commands.add_parser("replay", help="show what happens with one seed")
    one.add_argument("seed", type=natural, nargs="?", help="the seed, with its own knobs")
    one.add_argument("--case", type=Path, help="a case that was saved, instead of a seed")
    one.add_argument("--shrink", action="store_true", help="look for a smaller scenario first")
    for each in (many, one):
        each.add_argument(
            "--knob", action="append", default=[], metavar="NAME=NUMBER", help="turn a knob"
        )
        each.add_argument(
            "--backend",
            default="",
            metavar="MODULE:NAME",
            help="a broker to try instead of the fake one",
        )
        each.add_argument(
            "--desk",
            default="",
            metavar="DESK.TOML",
            help="ask the checks that it names, in place of the standard controls",
        )
    several = commands.add_parser("sum", help="add up the reports of several runs")
    several.add_argument("reports", type=Path, nargs="+", help="files that runs wrote")
    return parser


# ---------------------------------------------------------------------- run


def _run(given: Namespace, out: TextIO) -> int:
    backend_at(given.backend)
    own_checks(given.desk)
    done = _begun(given)
    first, end = given.first, given.first + given.seeds
    missing = list(done.missing(first, end))
    left = sum(high - low for low, high in missing)
    before = given.seeds - left
    progress = Progress(given.seeds, out, done=before, before=before)
    progress.violations = len(done.broken)
    # Who is told to end in good order ends behind the scenario that runs, and keeps what it has.
    before_us = signal.signal(signal.SIGTERM, progress.stop)
    try:
        stopped = not _go_on(missing, done, progress, given)
    finally:
        signal.signal(signal.SIGTERM, before_us)
    progress.say(progress.line)
    found = sorted(done.broken, key=lambda each: each.seed)
    out.writelines(f"{line}\n" for line in done.lines())
    out.writelines(f"seed {one.seed}: {one.text}\n" for one in found)
    for file in filter(None, (given.state, given.report)):
        done.save(file)
    if stopped:
        return _STOPPED
    _explain(found, dict(done.knobs), given, out)
    return 1 if found else 0


def _begun(given: Namespace) -> Report:
    """The report to go on with; what cannot be written later is told now."""
    done = Report(turned(given.knob), given.backend, given.desk)
    if given.state is not None and given.state.exists():
        earlier = Report.read(given.state)
        earlier.join(done)
        done = earlier
    for file in filter(None, (given.state, given.report)):
        done.save(file)
    if given.save is not None:
        _make_folder(given.save)
    return done


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise BadInput(str(folder), f"the folder cannot be made: {fault.strerror}") from fault


def _go_on(
    missing: Sequence[tuple[int, int]], done: Report, progress: Progress, given: Namespace
) -> bool:
    """Try what is missing; False when somebody stopped it."""
    chunks = [
        Chunk(first, min(first + _CHUNK, end), dict(done.knobs), done.backend, done.desk)
        for low, end in missing
        for first in range(low, end, _CHUNK)
    ]
    saved = began = time.monotonic()
    try:
        for chunk, figures, broken in _tried(chunks, given.jobs):
            done.add(chunk.first, chunk.end, figures, broken)
            for one in broken:
                progress.say(f"seed {one.seed}: {one.text}")
            progress.done += chunk.end - chunk.first
            progress.violations = len(done.broken)
            progress.show()
            if given.state is not None and time.monotonic() - saved > _SAVED_EVERY:
                saved = time.monotonic()
                done.save(given.state)
            over = given.minutes and time.monotonic() - began > given.minutes * _MINUTE
            if over or progress.stopped:
                return False
    except KeyboardInterrupt:
        return False
    return True


#: Some seeds that were tried, what happened with them, and what broke.
Tried = tuple[Chunk, Figures, list[Broken]]


def _tried(chunks: Sequence[Chunk], jobs: int) -> Iterator[Tried]:
    if jobs < 2:  # noqa: PLR2004  # one process is this one
        for chunk in chunks:
            yield from (
                try_seeds(replace(chunk, first=seed, end=seed + 1))
                for seed in range(chunk.first, chunk.end)
            )
        return
    # A pool that replaces its own workers can stand still for ever on 3.11 (cpython 115634).
    for first in range(0, len(chunks), jobs * _LIFETIME):
        with ProcessPoolExecutor(jobs) as pool:
            some = chunks[first : first + jobs * _LIFETIME]
            tried = [pool.submit(try_seeds, chunk) for chunk in some]
            try:
                for done in as_completed(tried):
                    yield done.result()
            finally:
                # What has not begun is not tried any more; what has begun is waited for.
                for one in tried:
                    one.cancel()


def try_seeds(chunk: Chunk) -> Tried:
    """Run some seeds."""
    figures, broken, began = Figures(), [], time.process_time()
    for seed in range(chunk.first, chunk.end):
        knobs = Knobs.draw(seed).but(**chunk.turned)
        outcome = run(seed, knobs, backend_at(chunk.backend), own_checks(chunk.desk))
        figures.add(outcome.figures)
        if outcome.fault is not None:
            broken.append(Broken(seed, outcome.broken, str(outcome.fault)))
    figures.cpu = time.process_time() - began
    return chunk, figures, broken


def _explain(
    broken: Sequence[Broken], turned: dict[str, int], given: Namespace, out: TextIO
) -> None:
    """Shrink the first of each kind, show it, and keep it where somebody asked for that."""
    kinds: dict[str, Broken] = {}
    for one in broken:
        kinds.setdefault(one.name, one)
    for one in list(kinds.values())[:_SHOWN]:
        make_backend, own = backend_at(given.backend), own_checks(given.desk)
        outcome = run(one.seed, Knobs.draw(one.seed).but(**turned), make_backend, own)
        if not given.no_shrink:
            outcome = _shrunk(outcome, make_backend, own, out)
        out.write("\n" + "\n".join(described(outcome)) + "\n")
        if given.save is not None:
            case = Case.of(outcome, backend=given.backend, desk=given.desk)
            out.write(f"kept in   {case.save(given.save)}\n")


# ---------------------------------------------------------------------- the others


def _replay(given: Namespace, out: TextIO) -> int:
    if given.case is not None:
        case = Case.read(given.case)
        seed, knobs = case.seed, case.knobs
        backend, desk = given.backend or case.backend, given.desk or case.desk
    elif given.seed is not None:
        seed, knobs = given.seed, Knobs.draw(given.seed)
        backend, desk = given.backend, given.desk
    else:
        raise BadInput("replay", "name a seed, or a saved case with --case")
    make_backend, own = backend_at(backend), own_checks(desk)
    outcome = run(seed, knobs.but(**turned(given.knob)), make_backend, own)
    if given.shrink and outcome.fault is not None:
        outcome = _shrunk(outcome, make_backend, own, out)
    out.write("\n".join(described(outcome, lines=None)) + "\n")
    return 0 if outcome.fault is None else 1


def _shrunk(
    outcome: Outcome, make_backend: MakeBackend, own: OwnChecks | None, out: TextIO
) -> Outcome:
    def tell(found: Shrunk) -> None:
        if out.isatty():
            out.write(f"\rshrinking, {found.runs} runs: {vector(found.outcome.knobs)[:90]}\x1b[K")
            out.flush()

    found = shrink(outcome, tell=tell, make_backend=make_backend, own=own)
    out.write(f"\nshrunk in {found.runs} runs\n")
    return found.outcome


def _sum(given: Namespace, out: TextIO) -> int:
    first, *others = map(Report.read, given.reports)
    for other in others:
        first.join(other)
    out.write("\n".join(first.lines()) + "\n")
    out.writelines(f"seed {one.seed}: {one.text}\n" for one in first.broken)
    return 1 if first.broken else 0
