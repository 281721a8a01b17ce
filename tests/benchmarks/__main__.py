"""The command of the benchmarks; `run.py` says how to call it."""

import argparse
import logging
import sys
from typing import TextIO

from benchmarks import chains, scenario, table

_COUNTS = (1_000, 10_000)
_FULL = (1_000, 10_000, 100_000)
_QUICK = (200,)


def main() -> None:
    parser = argparse.ArgumentParser(prog="run.py")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="200 orders, one round")
    size.add_argument("--full", action="store_true", help="100,000 orders as well")
    size.add_argument("--chains", action="store_true", help="the chains of checks alone")
    size.add_argument("--scenario", action="store_true", help="a day of the simulation alone")
    parser.add_argument("--rounds", type=int, help="how often each line is measured")
    given = parser.parse_args()
    counts = _QUICK if given.quick else _FULL if given.full else _COUNTS
    rounds = given.rounds or (1 if given.quick else 3)
    # A desk that opens and closes says so; here that is noise between the lines.
    logging.disable(logging.WARNING)
    if given.chains:
        _say(sys.stdout, chains.report(chains.SIZES["usual"]))
        return
    if given.scenario:
        _say(sys.stdout, scenario.report(scenario.SIZES["usual"]))
        return
    lines = table.lines(counts)
    found = table.run(lines, rounds, lambda text: _say(sys.stderr, text))
    _say(sys.stdout, table.shown(lines, found))
    _say(sys.stderr, "the chains of checks")
    size = "quick" if given.quick else "full" if given.full else "usual"
    _say(sys.stdout, chains.report(chains.SIZES[size]))


def _say(stream: TextIO, text: str) -> None:
    print(text, file=stream, flush=True)


if __name__ == "__main__":
    main()
