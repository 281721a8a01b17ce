"""The kill suite over real sockets: the real alpaca-py, a server process, and SIGKILL.

`TRY_KILLS` and `TRY_KILL_AT` work as in tests/desk/test_kill.py.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.kill_client import Worker, deaths, told

HERE = Path(__file__)
ALPACA = HERE.with_name("kill_alpaca.py")
FAKE = HERE.parents[1] / "desk" / "kill_worker.py"
KILLS = int(os.environ.get("TRY_KILLS", "40"))
POINTS = (
    "before request",
    "after request",
    "after journal commit",
    "before journal commit",
    "after ledger fold",
)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("kill-alpaca")
    folder.chmod(0o700)
    made = Worker(ALPACA, folder)
    yield made
    made.close()


@pytest.fixture
def fake_worker(tmp_path: Path) -> Iterator[Worker]:
    tmp_path.chmod(0o700)
    made = Worker(FAKE, tmp_path)
    yield made
    made.close()


def plans(points: dict[str, int]) -> list[list[str]]:
    """Every part of the points evenly, any time, and twice in a row."""
    each = [[f"{name} {n + 1}"] for name in POINTS for n in range(points[name])]
    anyhow = [[f"random {0.05 + 0.05 * n:.3f}"] for n in range(max(KILLS // 8, 1))]
    twice = [[one[0], other[0]] for one, other in zip(each[::23], each[::31], strict=False)][:3]
    left = max(KILLS - len(anyhow) - len(twice), 1)
    return [*(each if not KILLS else each[:: max(len(each) // left, 1)]), *anyhow, *twice]


@pytest.mark.timeout(1800)
def test_a_killed_plan_goes_on_and_the_result_is_the_fake_brokers(
    worker: Worker, fake_worker: Worker
) -> None:
    """Only the config changes: an order twice, a fill forgotten, or another result is a lie."""
    whole = worker.cycle([])
    assert told(whole, whole["result"]) == ""
    assert whole["result"]["status"] == "SUCCESS"
    assert fake_worker.cycle([])["result"] == whole["result"]
    asked = os.environ.get("TRY_KILL_AT")
    chosen = [json.loads(asked)] if asked else plans(whole["points"])

    answers = [worker.cycle(kills) for kills in chosen]

    wrong = [said for answer in answers if (said := told(answer, whole["result"]))]
    assert not wrong, "\n".join(wrong)
    assert asked or sum(map(deaths, answers)) >= len(chosen) * 0.85, "too few runs were killed"
