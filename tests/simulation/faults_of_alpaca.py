"""Faults put into Alpaca's adapter, each of which a scenario with its bytes must find.

    python -m simulation.faults_of_alpaca [--from SEED] [--seeds N] [--knob NAME=NUMBER] [NAME...]

in the folder of the tests looks for the smallest scenario of each and keeps it as a case.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

from fillwright.testing.simulation import Case, Knobs, backend_at, run, shrink
from simulation.planting import Mutant, mutant, planted

BACKEND = "fillwright_alpaca.simulated:AlpacaBackend"
CASES = Path(__file__).parent / "regressions" / "alpaca"
_ROOM = "fillwright_alpaca"

MUTANTS: tuple[Mutant, ...] = (
    mutant(
        "submit_is_retried",
        "a gateway's timeout is answered with the same request once more",
        (
            f"{_ROOM}.executor:AlpacaExecutor.submit",
            "    proof = proof_of(outcome)\n",
            (
                "    if isinstance(outcome, Reply) and outcome.status == 504:\n"
                "        outcome = await self._exchange.send(Lane.SUBMIT, request)\n"
                "    proof = proof_of(outcome)\n"
            ),
        ),
    ),
    mutant(
        "unfound_is_rejected",
        "an order that the books do not show yet is called rejected",
        (
            f"{_ROOM}.executor:AlpacaExecutor.submit",
            "    raise refusal(name, _SUBMIT, outcome, proof)\n",
            (
                "    if proof is Proof.IN_DOUBT and await self._questions.find(name) is None:\n"
                "        raise OrderRejected(name, 'find 404', 'order not found')\n"
                "    raise refusal(name, _SUBMIT, outcome, proof)\n"
            ),
        ),
    ),
    mutant(
        "restart_drops_fills",
        "behind a bookmark of an earlier process nothing is told",
        (
            f"{_ROOM}.fills:Fills.since",
            "    news = [",
            (
                "    if cursor is not None and cursor not in self._told:\n"
                "        found = []\n"
                "    news = ["
            ),
        ),
    ),
    mutant(
        "page_is_rejection",
        "a page of a proxy is read as the broker's no",
        (
            f"{_ROOM}.executor:proof_of",
            "Proof.IN_DOUBT)\n",
            "Proof.REJECTED)\n",
        ),
    ),
    mutant(
        "silence_is_not_sent",
        "a request without an answer counts as one that never left",
        (
            f"{_ROOM}.executor:proof_of",
            "Proof.IN_DOUBT if outcome.sent else Proof.NOT_SENT",
            "Proof.NOT_SENT",
        ),
    ),
    # ------------------------------------------------ those that were there until a seed found them
    mutant(
        "late_books_make_strangers",
        "a fill whose order is not shown yet becomes a stranger's, for good",
        (f"{_ROOM}.fills:Fills._ask_for", " < BOOKS_WITHIN:", " < 0:"),
    ),
    mutant(
        "null_names_make_strangers",
        "an order that was once shown without our id has none for ever",
        (
            f"{_ROOM}.fills:Fills._is_named",
            "names is not None and names.client_order_id is not None",
            "names is not None",
        ),
    ),
    mutant(
        "fill_behind_a_bust_is_lost",
        "what fills the place of a busted fill is taken for it",
        (
            f"{_ROOM}.tape:Tape._judged",
            " and not _was_taken_back(other, one, listed)",
            "",
        ),
    ),
    mutant(
        "bust_before_its_fill",
        "a bust of the same moment is read before its fill, and undoes nothing",
        (f"{_ROOM}.fills:_in_order", "place(one), ", ""),
    ),
    mutant(
        "bust_behind_fills",
        "a bust is read behind a fill of its moment, so that the order seems filled, for good",
        (f"{_ROOM}.fills:_in_order", "== one.at else 0", "== one.at else 2"),
    ),
)


def look_for(one: Mutant, seeds: range, knobs: dict[str, int]) -> Case | None:
    """A small scenario that finds it, and is clean without it."""
    make_backend = backend_at(BACKEND)
    for seed in seeds:
        with planted(*one.changes):
            outcome = run(seed, Knobs.draw(seed).but(**knobs), make_backend)
            if outcome.fault is None:
                continue
            found = shrink(outcome, most_runs=60, make_backend=make_backend).outcome
        case = Case.of(found, found=one.harm, backend=BACKEND)
        case = case.model_copy(update={"mutants": (one.name,)})
        if case.run().fault is None:
            return case
    return None


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--knob", action="append", default=[])
    given = parser.parse_args()
    knobs = {name: int(number) for name, _, number in (k.partition("=") for k in given.knob)}
    for one in MUTANTS:
        if given.names and one.name not in given.names:
            continue
        seeds = range(given.first, given.first + given.seeds)
        case = look_for(one, seeds, knobs)
        if case is None:
            sys.stdout.write(f"{one.name}: not found\n")
            continue
        file = case.save(CASES)
        kept = file.with_name(f"{one.name.replace('_', '-')}.json")
        file.replace(kept)
        sys.stdout.write(f"{one.name}: seed {case.seed}, {case.broke}, in {kept.name}\n")


if __name__ == "__main__":
    main()
