"""The simulation from a shell."""

import io
import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from fillwright.testing.simulation import Knobs, Outcome, command, progress, run
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
    return main(words, out, out), out.getvalue()


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


def test_a_report_holds_the_figures(tmp_path: Path) -> None:
    """A figure that nobody can look up again is a claim."""
    file = tmp_path / "report.json"
    code, said = called("run", "--seeds", "3", "--report", str(file))
    report = json.loads(file.read_text())

    assert code == 0
    assert "seeds              3: 0 to 2" in said
    assert (report["seeds"], report["finished"], report["violations"]) == (3, [[0, 3]], [])
    assert report["virtual_seconds"] > 60
    assert report["counts"]["requests"]["submit"] > 3


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """A night that ends early must not begin anew, nor count a seed twice."""
    state, whole = tmp_path / "state.json", tmp_path / "whole.json"
    called("run", "--seeds", "2", "--state", str(state))
    _, said = called("run", "--seeds", "4", "--state", str(state))
    called("run", "--seeds", "4", "--report", str(whole))
    parts, once = (json.loads(file.read_text()) for file in (state, whole))

    assert "4 of 4 seeds" in said
    assert parts["finished"] == [[0, 4]]
    assert parts["counts"] == once["counts"]
    assert parts["adoption_milliseconds"] == once["adoption_milliseconds"]


def test_two_processes_count_what_one_does(tmp_path: Path) -> None:
    """A seed that is lost between workers was never tried."""
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    called("run", "--seeds", "3", "--report", str(one))
    code, _ = called("run", "--seeds", "3", "--jobs", "2", "--report", str(two))
    alone, shared = (json.loads(file.read_text()) for file in (one, two))

    assert code == 0
    assert shared["finished"] == [[0, 3]]
    assert shared["counts"] == alone["counts"]


def test_a_violation_is_kept_in_the_state(tmp_path: Path) -> None:
    """A run that goes on must not forget what it had found."""
    state = tmp_path / "state.json"
    with planted(*BROKEN.changes):
        called("run", "--seeds", "1", "--no-shrink", "--state", str(state))
    code, said = called("run", "--seeds", "2", "--no-shrink", "--state", str(state))

    assert code == 1
    assert "1 violations" in said
    assert "seed 0: I1/I17 intent_before_action" in said


def test_reports_of_parts_are_added_up(tmp_path: Path) -> None:
    """A night on two machines is one figure only when nothing is counted twice."""
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    called("run", "--seeds", "2", "--report", str(one))
    called("run", "--seeds", "1", "--from", "2", "--report", str(two))

    assert called("sum", str(one), str(two))[0] == 0
    assert "3: 0 to 2" in called("sum", str(one), str(two))[1]
    assert called("sum", str(one), str(one)) == (
        2,
        "reports: seeds 0 to 1 are counted in two of them\n",
    )


def test_a_run_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gives it a night wants the machine back in the morning, and the figures."""
    monkeypatch.setattr(command, "_MINUTE", 0)
    state = tmp_path / "state.json"
    code, said = called("run", "--seeds", "5", "--minutes", "1", "--state", str(state))

    assert code == 130
    assert "1 of 5 seeds" in said
    assert json.loads(state.read_text())["finished"] == [[0, 1]]


def test_a_run_that_is_told_to_end_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that strikes inside a scenario must neither be lost nor lose the figures."""

    def told(seed: int, *given: object) -> Outcome:
        os.kill(os.getpid(), signal.SIGTERM)
        return run(seed, *given)

    monkeypatch.setattr(command, "run", told)
    state, before = tmp_path / "state.json", signal.getsignal(signal.SIGTERM)
    code, _ = called("run", "--seeds", "5", "--state", str(state))

    assert code == 130
    assert json.loads(state.read_text())["finished"] == [[0, 1]]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_run_that_was_told_to_end_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that go on for a minute write where the next run does."""
    tried = tmp_path / "tried"
    parent = os.getpid()

    def told(seed: int, *given: object) -> Outcome:
        with tried.open("a") as file:
            file.write(f"{seed}\n")
        os.kill(parent, signal.SIGTERM)
        return run(seed, Knobs(orders=1, horizon=1))

    monkeypatch.setattr(command, "run", told)
    monkeypatch.setattr(command, "_CHUNK", 1)
    code, _ = called("run", "--seeds", "100", "--jobs", "2")

    assert code == 130
    assert multiprocessing.active_children() == []
    assert len(tried.read_text().splitlines()) < 50


def test_where_there_is_no_screen_it_tells_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of a night that says nothing until the morning cannot be watched."""
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    _, said = called("run", "--seeds", "2")

    assert "1 of 2 seeds" in said
    assert "left" in said


BAD = {
    "no seed": (("replay",), "name a seed"),
    "a word for a number": (("run", "--seeds", "none"), "'none' is not a whole number"),
    "a negative number": (("run", "--seeds", "-3"), "'-3' is not a whole number"),
    "a negative seed": (("run", "--from", "-3"), "'-3' is not a whole number"),
    "no seeds": (("run", "--seeds", "0"), "at least 1"),
    "no process": (("run", "--jobs", "0"), "at least 1"),
    "another verb": (("walk",), "invalid choice"),
    "an unknown knob": (("run", "--knob", "halt=1"), "Did you mean halts?"),
    "a word for a knob": (("run", "--knob", "halts=many"), "'many' is not a whole number"),
    "too much of a knob": (("replay", "3", "--knob", "halts=99"), "less than or equal to 20"),
    "a missing case": (("replay", "--case", "/nowhere.json"), "cannot be read"),
    "a missing report": (("sum", "/nowhere.json"), "cannot be read"),
    "a report that cannot be": (("run", "--report", "/nowhere/r.json"), "cannot be written"),
    "a state that cannot be": (("run", "--state", "/nowhere/r.json"), "cannot be written"),
}


@pytest.mark.parametrize(("words", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    """A typing error is not a violation, and a traceback tells nobody what to type instead."""
    code, said = called(*words)

    assert code == 2
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"seed": "none"}', "\0"])
@pytest.mark.parametrize("words", [("replay", "--case"), ("sum",), ("run", "--state")])
def test_a_broken_file_is_one_sentence(words: tuple[str, ...], text: str, tmp_path: Path) -> None:
    """A file that was cut must not end in a traceback, nor be written over."""
    file = tmp_path / "broken.json"
    file.write_text(text)
    code, said = called(*words, str(file))

    assert code == 2
    assert str(file) in said
    assert said.count("\n") == 1
    assert file.read_text() == text


def test_a_folder_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    """What breaks after an hour must find the place where it is kept."""
    file = tmp_path / "file"
    file.touch()
    code, said = called("run", "--seeds", "1", "--save", str(file / "cases"))

    assert code == 2
    assert "cannot be made" in said
