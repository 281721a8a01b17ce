"""Checks of a desk.toml in the simulation: asked in every process, obeyed, and found out."""

from io import StringIO
from pathlib import Path

import pytest

from fillwright.errors import BadInput
from fillwright.testing.simulation import Case, Knobs, OwnChecks, own_checks, run
from fillwright.testing.simulation.command import main
from fillwright.testing.simulation.report import Report
from simulation.faults_of_ours import MUTANTS
from simulation.planting import planted

HEAD = """
from decimal import Decimal

from fillwright import ALLOW, Halt, Reject, Resize, Scope, Warn, hookimpl
"""
#: Nothing in KO leaves, not even what reduces.
NO_KO = """
@hookimpl
def check_order(order, book):
    return Reject("NO_KO", measured="KO", limit="others") if order.symbol == "KO" else ALLOW
"""
#: Forgets that a market order has no price.
PRICED = """
@hookimpl
def check_order(order, book):
    price = order.limit_price
    return ALLOW if price * 2 > 1 else Reject("CHEAP", measured=price, limit="0.5")
"""
#: Remembers in the module what a new process does not know.
COUNTED = """
asked = []

@hookimpl
def check_order(order, book):
    asked.append(order.symbol)
    return ALLOW if len(asked) < 9 else Reject("TOO_MANY", measured=len(asked), limit=8)
"""
#: The first order in MSFT is to stop everything.
HALTS = """
@hookimpl
def check_order(order, book):
    if order.symbol != "MSFT":
        return ALLOW
    return Halt("NO_MSFT", scope=Scope.DESK, measured="MSFT", limit="others")
"""
SMALLER = """
@hookimpl
def check_order(order, book):
    if order.quantity is None or order.quantity <= 2:
        return ALLOW
    return Resize("TWO", quantity=Decimal(2), measured=order.quantity, limit="2")
"""
WATCHES = """
@hookimpl
def check_order(order, book):
    return ALLOW

@hookimpl
def check_execution(order, execution, book):
    return Warn("SEEN", measured=execution.quantity, limit="0")

@hookimpl
def order_changed(order, anomalies):
    raise RuntimeError("an observer that fails")
"""
_SENT = "sent, those of plans included"
MUTANT = {one.name: one for one in MUTANTS}


def desk(folder: Path, check: str, more: str = "") -> Path:
    """A desk.toml with one check in a file beside it."""
    (folder / "mine.py").write_text(HEAD + check, encoding="utf-8")
    file = folder / "desk.toml"
    file.write_text(
        f'mode = "paper"\nbroker = "fake"\njournal = "desk.db"\nchecks = ["./mine.py"]\n{more}',
        encoding="utf-8",
    )
    return file


def own(folder: Path, check: str, more: str = "") -> OwnChecks:
    found = own_checks(str(desk(folder, check, more)))
    assert found is not None
    return found


def called(*arguments: object) -> tuple[int, str]:
    said = StringIO()
    code = main([str(one) for one in arguments], said, said)
    return code, said.getvalue()


def test_what_a_check_refuses_never_leaves(tmp_path: Path) -> None:
    """A check that is loaded and not asked is worse than none: somebody relies on it."""
    checks = own(tmp_path, NO_KO)
    for seed in range(6):
        outcome = run(seed, Knobs(orders=20, kills=2), own=checks)
        assert outcome.fault is None, outcome.fault
        assert outcome.figures.group("own checks")["reject by mine"] > 0


@pytest.mark.parametrize(
    ("fault", "check", "broke"),
    [
        ("last_check_is_not_asked", NO_KO, "every_control_allowed_it"),
        ("halt_of_a_check_is_not_latched", HALTS, "a_controls_halt_holds"),
    ],
)
def test_a_gate_that_does_not_obey_it_is_found(
    tmp_path: Path, fault: str, check: str, broke: str
) -> None:
    """Checks of its own are what a house trusts; the simulation must look at them as well."""
    checks = own(tmp_path, check)
    with planted(*MUTANT[fault].changes):
        found = [run(seed, Knobs(orders=20), own=checks).broken for seed in range(3)]

    assert any(name.endswith(broke) for name in found), found


def test_a_check_that_raises_is_found_with_its_seed(tmp_path: Path) -> None:
    """It refuses whatever it cannot judge: the first day on which that matters is a bad one."""
    file, kept = desk(tmp_path, PRICED), tmp_path / "kept"
    code, said = called("run", "--seeds", 3, "--desk", file, "--save", kept)

    assert code == 1
    assert "I9 an_own_check_answers: mine: CHECK_RAISED, TypeError" in said
    (case,) = map(Case.read, kept.iterdir())
    assert case.run().broken == case.broke
    (tmp_path / "mine.py").write_text(HEAD + NO_KO, encoding="utf-8")
    assert case.run().fault is None


@pytest.mark.parametrize("answer", ["None", "True", "Reject('', measured=1, limit=0)"])
def test_an_answer_that_is_no_verdict_is_found(tmp_path: Path, answer: str) -> None:
    """`return` forgotten in one branch refuses everything that goes through it."""
    check = f"\n@hookimpl\ndef check_order(order, book):\n    return {answer}\n"
    outcome = run(1, Knobs(), own=own(tmp_path, check))

    assert outcome.broken == "I9 an_own_check_answers"


def test_each_process_begins_with_a_new_one(tmp_path: Path) -> None:
    """What a module remembers outlives no real process, so no limit may rest on it."""
    checks = own(tmp_path, COUNTED)
    first, again = (run(5, Knobs(orders=24, kills=3), own=checks) for _ in range(2))
    alone = run(5, Knobs(orders=24), own=checks)

    assert first.fault is None
    assert first.digest == again.digest
    allowed = [one.figures.group("own checks")["allow"] for one in (alone, first)]
    assert allowed[0] == 8
    assert allowed[1] > 8


def test_what_it_makes_smaller_leaves_smaller(tmp_path: Path) -> None:
    """A desk that takes a resize in its file must be tried as one that does."""
    refused = run(0, Knobs(), own=own(tmp_path, SMALLER))
    own_checks.cache_clear()
    taken = run(0, Knobs(), own=own(tmp_path, SMALLER, "[desk]\nallow_resize = true\n"))

    assert (refused.fault, taken.fault) == (None, None)
    before, after = (one.figures.group("orders")[_SENT] for one in (refused, taken))
    assert before < after


def test_those_behind_a_fill_are_asked_too(tmp_path: Path) -> None:
    """A post-trade check or an observer that fails in silence watches nothing."""
    outcome = run(0, Knobs(), own=own(tmp_path, WATCHES))

    assert outcome.broken == "I9 an_own_check_answers"
    assert "RuntimeError" in str(outcome.fault)
    quiet = run(0, Knobs(), own=own(tmp_path, WATCHES.replace("raise", "return ")))
    assert quiet.fault is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "desk.toml"),
        ("mode = ", "desk.toml"),
        ('mode = "paper"\nbroker = "fake"\njournal = "j"\nchecks = ["./none.py"]', "none.py"),
        ('mode = "paper"\nbroker = "fake"\njournal = "j"\nchecks = []', "checks"),
    ],
)
def test_a_file_that_no_desk_would_open_with_is_refused(
    tmp_path: Path, text: str | None, words: str
) -> None:
    """A night of clean seeds, and none of them asked what was to be tried."""
    file = tmp_path / "desk.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    for command in (("run", "--seeds", 1), ("replay", 1)):
        code, said = called(*command, "--desk", file)
        assert code == 2
        assert words in said
        assert said.count("\n") == 1, said


def test_reports_of_other_checks_are_not_added_up(tmp_path: Path) -> None:
    """Half of the seeds of a total tried something else."""
    state = tmp_path / "state.json"
    assert called("run", "--seeds", 1, "--desk", desk(tmp_path, NO_KO), "--state", state)[0] == 0
    code, said = called("run", "--seeds", 2, "--state", state)

    assert code == 2
    assert "another desk.toml" in said
    with pytest.raises(BadInput):
        Report().join(Report.read(state))
