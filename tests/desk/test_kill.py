"""A real process with a real plan is killed with SIGKILL, again and again, and goes on each time.

`TRY_KILLS` says how many times (0: at every point that there is). A failure names its
points; `TRY_KILL_AT='["before journal commit 5"]'` dies at them again.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.kill_client import Worker, deaths, told

WORKER = Path(__file__).with_name("kill_worker.py")
KILLS = int(os.environ.get("TRY_KILLS", "170"))
#: Where every single point is tried: each record as it is taken, and each write to the disk.
EACH = ("before journal append", "before journal commit", "after journal commit")
OTHERS = (
    "after journal append",
    "before journal insert",
    "after journal insert",
    "before ledger fold",
    "after ledger fold",
    "before request",
    "after request",
    "before arrival",
    "after arrival",
    "before venue write",
    "after venue write",
)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("kill")
    folder.chmod(0o700)
    made = Worker(WORKER, folder)
    yield made
    made.close()


def plans(points: dict[str, int]) -> list[list[str]]:
    """Which points to die at: every write, a part of the others, any time, and twice in a row."""
    each = [[f"{name} {n + 1}"] for name in EACH for n in range(points[name])]
    rest = [[f"{name} {n + 1}"] for name in OTHERS for n in range(points[name])]
    anyhow = [[f"random {0.02 + 0.009 * n:.3f}"] for n in range(0, 40, 3)]
    twice = [[one[0], other[0]] for one, other in zip(each[::9], rest[::17], strict=False)]
    if not KILLS:
        return [*each, *rest, *anyhow, *twice]
    left = max(KILLS - len(each) - len(anyhow) - len(twice), 1)
    return [*each, *rest[:: max(len(rest) // left, 1)], *anyhow, *twice]


@pytest.mark.timeout(1800)
def test_a_killed_plan_goes_on_and_repeats_nothing(worker: Worker) -> None:
    """An order sent twice, a fill forgotten, a plan that never ends: a crash is no excuse."""
    whole = worker.cycle([])
    assert told(whole, whole["result"]) == ""
    assert whole["result"]["status"] == "SUCCESS"
    asked = os.environ.get("TRY_KILL_AT")
    chosen = [json.loads(asked)] if asked else plans(whole["points"])

    answers = [worker.cycle(kills) for kills in chosen]

    wrong = [said for answer in answers if (said := told(answer, whole["result"]))]
    assert not wrong, "\n".join(wrong)
    assert asked or sum(map(deaths, answers)) >= len(chosen) * 0.85, "too few runs were killed"
