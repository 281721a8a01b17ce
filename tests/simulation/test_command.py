"""The simulation from a shell."""

import io
import json
from pathlib import Path

import pytest

from fillwright.testing.simulation.command import main
from simulation.faults_of_ours import MUTANTS
from simulation.planting import planted

BROKEN = next(one for one in MUTANTS if one.name == "no_fsync")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def called(*words: str, screen: bool = False) -> tuple[int, str]:
    out = Screen() if screen else io.StringIO()
    return main(words, out), out.getvalue()


def test_a_clean_run_ends_with_zero() -> None:
    """A pipeline goes by the exit code."""
    code, said = called("run", "--seeds", "3")

    assert code == 0
    assert "3 of 3 seeds" in said
    assert "0 violations" in said
    assert "\r" not in said


def test_a_screen_sees_it_go_on() -> None:
    """A thousand seeds take a minute; silence for a minute looks like a hang."""
    _, said = called("run", "--seeds", "2", screen=True)

    assert said.count("\r") == 3
    assert "1 of 2 seeds" in said
    assert "a second" in said


def test_a_violation_ends_with_one_and_is_kept(tmp_path: Path) -> None:
    """Who comes in the morning must find the smallest case, not a seed number."""
    with planted(*BROKEN.changes):
        code, said = called("run", "--seeds", "2", "--save", str(tmp_path))
    kept = [json.loads(file.read_text()) for file in tmp_path.glob("*.json")]

    assert code == 1
    assert "seed 0: I1/I17 intent_before_action" in said
    assert "shrunk in" in said
    assert [case["broke"] for case in kept] == ["I1/I17 intent_before_action"]


def test_a_seed_is_replayed_with_its_timeline() -> None:
    """A seed number says nothing to anybody."""
    code, said = called("replay", "3")

    assert code == 0
    assert "seed      3" in said
    assert "machine     #1 runs" in said
    assert "order_staged" in said


def test_a_case_is_replayed(tmp_path: Path) -> None:
    """What was kept must be looked at in the same way."""
    with planted(*BROKEN.changes):
        called("run", "--seeds", "1", "--save", str(tmp_path))
    [file] = tmp_path.glob("*.json")

    assert called("replay", "--case", str(file))[0] == 0
    with planted(*BROKEN.changes):
        assert called("replay", "--case", str(file))[0] == 1


def test_a_knob_is_turned_by_hand() -> None:
    """Looking into a failure begins with turning something off."""
    _, said = called("replay", "3", "--knob", "orders=0", "--knob", "fifo")

    assert "orders=0 fifo" in said
    assert "order_staged" not in said


@pytest.mark.parametrize("words", [("replay",), ("run", "--seeds", "none")])
def test_bad_input_is_told_apart(words: tuple[str, ...]) -> None:
    """A typing error is not a violation."""
    try:
        code, _ = called(*words)
    except SystemExit as end:
        code = int(str(end.code))

    assert code == 2
