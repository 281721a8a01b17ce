"""Run the whole search: `python -m fillwright.testing.simulation.search [--states N]`."""

import argparse
import sys
from time import perf_counter

from fillwright.protocols import Dedup
from fillwright.testing.simulation.search.walk import BIGGER, SMALLER, Found, search

MODELS = (
    ("replace to more, ids refused twice", Dedup.SERVER, BIGGER, 1),
    ("replace to less, ids refused twice", Dedup.SERVER, SMALLER, 4),
    ("replace to more, ids may repeat", Dedup.TAG_ONLY, BIGGER, 4),
)


def main(arguments: list[str] | None = None) -> int:
    """Search each model; 1 when an invariant was broken."""
    parser = argparse.ArgumentParser(prog="fillwright.testing.simulation.search")
    parser.add_argument(
        "--states",
        type=int,
        default=1_000_000,
        help="distinct states of the first model; the others visit a quarter of that",
    )
    states = parser.parse_args(arguments).states
    sound = True
    for name, dedup, intents, part in MODELS:
        began = perf_counter()
        found = search(states // part, dedup=dedup, intents=intents)
        _tell(f"{name}: {_figures(found)} in {perf_counter() - began:.0f} s")
        if found.wrong:
            sound = False
            _tell(f"  BROKEN {found.wrong}")
            _tell("\n".join(f"  {number}. {move}" for number, move in enumerate(found.path, 1)))
    return 0 if sound else 1


def _figures(found: Found) -> str:
    one, two = found.lanes
    scope = "all of them" if found.complete else f"the nearest, to depth {found.depth}"
    return (
        f"{found.states} states ({scope}), {one} and {two} lanes, "
        f"{found.steps} different steps of the real desk"
    )


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
