"""The real Alpaca adapter, and alpaca-py with it, inside the deterministic simulation.

`TRY_ALPACA_SEEDS` and `TRY_ALPACA_FROM` make it look further: three a second, all must be clean.
"""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fillwright.testing.simulation import Case, Knobs, Outcome, backend_at, described, run
from fillwright.testing.simulation.command import main
from fillwright_alpaca.simulated import AlpacaBackend
from simulation.faults_of_alpaca import BACKEND, CASES, MUTANTS
from simulation.planting import mutant, planted

FIRST = int(os.environ.get("TRY_ALPACA_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("TRY_ALPACA_SEEDS", "60")))
KEPT = {file.stem: file for file in sorted(CASES.glob("*.json"))}
PROGRAM = """
import sys
from fillwright.testing.simulation import run
from fillwright_alpaca.simulated import AlpacaBackend
for seed in map(int, sys.argv[1:]):
    print(run(seed, make_backend=AlpacaBackend).digest)
"""
#: Faults of every kind on the wire and the stream.
REPEATED = (3, 11)
#: A scenario in which orders leave, whatever else the seed draws.
CALM = [f"--knob={name}=0" for name in Knobs.draw(0).turned_on]
TWICE = mutant(
    "submit_is_sent_twice",
    "each submit leaves twice",
    (
        "fillwright_alpaca.executor:AlpacaExecutor.submit",
        "    proof = proof_of(outcome)\n",
        (
            "    outcome = await self._exchange.send(Lane.SUBMIT, request)\n"
            "    proof = proof_of(outcome)\n"
        ),
    ),
)


def told(outcome: Outcome) -> str:
    """Everything that somebody needs to look into it; empty when nothing broke."""
    return "\n".join(described(outcome)) if outcome.fault is not None else ""


def lived(seed: int, knobs: Knobs | None = None) -> Outcome:
    return run(seed, knobs, AlpacaBackend)


# ---------------------------------------------------------------------- seeds


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, 10))
def test_drawn_scenarios_are_clean(first: int) -> None:
    """Each seed is a bad day at Alpaca, in Alpaca's own bytes; no order may be doubled or lost."""
    for seed in range(first, min(first + 10, SEEDS.stop)):
        assert told(lived(seed)) == ""


def test_a_calm_day_is_calm() -> None:
    """What is in doubt, or unreadable, without a fault would be so every day."""
    outcome = lived(0, Knobs(moves=3))
    lines = [line for line in outcome.trace.lines() if "doubt" in line or "wire" in line]

    assert told(outcome) == ""
    assert lines == []


@pytest.mark.parametrize("file", KEPT.values(), ids=KEPT)
def test_what_was_mended_stays_mended(file: Path) -> None:
    """A fault that came back was never understood."""
    assert told(Case.read(file).run()) == ""


# ---------------------------------------------------------------------- the same again


def test_a_seed_repeats_itself() -> None:
    """A violation that does not come again cannot be looked into."""
    for seed in REPEATED:
        first, second = lived(seed), lived(seed)

        assert list(first.trace.lines()) == list(second.trace.lines())
        assert (first.digest, first.steps) == (second.digest, second.steps)


def test_another_hash_seed_is_the_same_scenario() -> None:
    """An order that comes from hashes differs in each process: nobody else could replay it."""
    found = []
    for hash_seed in ("1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, REPEATED)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        found.append(done.stdout.split())

    assert found[0] == found[1]
    assert len(found[0]) == len(REPEATED)


# ---------------------------------------------------------------------- its power


@pytest.mark.parametrize("file", KEPT.values(), ids=KEPT)
def test_a_fault_of_the_adapter_is_found(file: Path) -> None:
    """A scenario that a wrong adapter passes proves nothing about the right one."""
    case = Case.read(file)
    changes = [change for one in MUTANTS if one.name in case.mutants for change in one.changes]
    assert changes
    with planted(*changes):
        outcome = case.run()

    assert outcome.broken == case.broke


# ---------------------------------------------------------------------- what it stands on


def test_no_secret_comes_into_a_timeline() -> None:
    """A timeline is shown to others, and here there is a secret to be shown."""
    backends = []

    def make(*given: object) -> AlpacaBackend:
        backends.append(AlpacaBackend(*given))
        return backends[0]

    knobs = Knobs.model_validate({"lost_answers": 60, "disconnects": 25, "garbled_answers": 25})
    lines = "\n".join(run(5, knobs, make).trace.lines())
    account = backends[0]._account

    assert "order_sent" in lines
    assert account.secret not in lines
    assert account.key not in lines


def test_no_thread_is_left_with_half_a_call() -> None:
    """A process that dies in a call would leave its thread behind, one for each scenario."""
    knobs = Knobs.model_validate({"kills": 6, "fragile": 20, "latency": 900, "slow_reads": 25})
    lived(1, knobs)
    before = threading.active_count()
    for seed in range(2, 4):
        lived(seed, knobs)

    assert threading.active_count() <= before + 2


# ---------------------------------------------------------------------- the command


def test_the_command_takes_the_backend_by_its_path(tmp_path: Path) -> None:
    """Whoever writes an adapter must be able to put it in without a change of ours."""
    out = io.StringIO()
    words = ["run", "--seeds", "1", "--no-shrink", "--backend", BACKEND, *CALM]
    with planted(*TWICE.changes):
        code = main([*words, "--save", str(tmp_path)], out)
    [file] = tmp_path.glob("*.json")

    assert code == 1
    assert "one_request_for_each_call" in out.getvalue()
    assert Case.read(file).backend == BACKEND
    assert main(["replay", "--case", str(file)], io.StringIO()) == 0


@pytest.mark.parametrize(
    "path",
    ["nowhere", "fillwright_nowhere:A", "fillwright_alpaca.simulated:Nobody", "sys:path"],
)
def test_a_wrong_path_is_one_sentence(path: str) -> None:
    """A traceback says nothing to whoever misspelt a name, and a pipeline must not go on."""
    err = io.StringIO()
    code = main(["run", "--seeds", "1", "--backend", path], io.StringIO(), err)

    assert code == 2
    assert err.getvalue().startswith("--backend: ")
    assert err.getvalue().count("\n") == 1


def test_no_path_is_the_fake_broker() -> None:
    """Cases that were kept before there was another backend must mean what they meant."""
    assert backend_at("").__name__ == "FakeBackend"
