"""A real process, a real journal, a real SIGKILL: no order twice, no execution missing.

The venue's file outlives the desk's process, as a broker does. FILLWRIGHT's own commands use the
same rooms; here the process is forked so that hundreds of deaths take minutes.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

NURSERY = Path(__file__).parent / "nursery.py"
#: How many random deaths; the deaths at every journal write and every request come on top.
RANDOM_DEATHS = int(os.environ.get("SIGKILL_RANDOM_DEATHS", "90"))
#: About as many as an undisturbed run of the example plan makes; a point beyond kills nobody.
APPENDS = 84
COMMITS = 14
SUBMITS = 13
#: What must be reached in all, in deaths of a real process.
DEATHS = 200


class Nursery:
    """One forking process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(NURSERY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, point: dict) -> dict:
        folder.mkdir(exist_ok=True)
        command = json.dumps({"folder": str(folder), "point": point})
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def nurseries() -> Iterator[list[Nursery]]:
    both = [Nursery(), Nursery()]
    yield both
    for one in both:
        one.close()


def points() -> list[list[dict]]:
    """Each entry is a life: where the process dies, once or twice, before it may finish."""
    chance = random.Random(20261123)
    commits = [
        [{"kind": "commit", "at": n, "after": after}]
        for n in range(1, COMMITS + 1)
        for after in (False, True)
    ]
    appends = [[{"kind": "append", "at": n, "after": True}] for n in range(1, APPENDS + 1)]
    submits = [
        [{"kind": "submit", "at": n, "after": after}]
        for n in range(1, SUBMITS + 1)
        for after in (False, True)
    ]
    times = [
        [{"kind": "time", "seconds": round(chance.uniform(0.01, 0.3), 3)}]
        for _ in range(RANDOM_DEATHS)
    ]
    again = [
        [{"kind": "commit", "at": n, "after": True}, {"kind": "commit", "at": m, "after": False}]
        for n in (3, 6, 9)
        for m in (2, 3, 4, 5)
    ]
    return [*commits, *appends, *submits, *times, *again]


def finished(nursery: Nursery, folder: Path, life: list[dict]) -> tuple[int, dict]:
    """Die as told, then run the same plan again until it is done."""
    deaths = 0
    for point in life:
        answer = nursery.run(folder, point)
        assert not answer["fault"], (life, answer["fault"])
        deaths += answer["killed"]
    answer = nursery.run(folder, {"kind": "none"})
    assert answer["done"], (life, answer)
    return deaths, answer["done"]


def judge(life: list[dict], done: dict, undisturbed: dict) -> None:
    """What must hold however often the process died; `life` says how to see it again."""
    told = Counter(client_order_id for client_order_id, *_ in done["orders"])
    assert max(told.values()) == 1, (life, "a client order id twice at the venue")
    assert len(done["orders"]) == done["intents"], (life, "an order without an intent")
    assert Counter(done["booked"]) == Counter(done["executions"]), (life, "executions differ")
    assert done["positions"] == done["held"], (life, "positions differ")
    assert done["ledger_cash"] == done["cash"], (life, "cash differs")
    assert done["status"] == undisturbed["status"] == "SUCCESS", (life, done["status"])
    assert done["held"] == undisturbed["held"], (life, "not the same end as undisturbed")
    assert [o[1:] for o in sorted(done["orders"])] == [o[1:] for o in sorted(undisturbed["orders"])]


@pytest.mark.timeout(1500)
def test_no_death_repeats_or_loses_anything(nurseries: list[Nursery], tmp_path: Path) -> None:
    """An order sent twice after a crash is money lost; a fill forgotten is a position unknown."""
    _, undisturbed = finished(nurseries[0], tmp_path / "undisturbed", [])
    lives = points()

    def half(which: int) -> int:
        deaths = 0
        for number in range(which, len(lives), 2):
            life = lives[number]
            died, done = finished(nurseries[which], tmp_path / f"life-{number}", life)
            judge(life, done, undisturbed)
            deaths += died
        return deaths

    with ThreadPoolExecutor(2) as pool:
        deaths = sum(pool.map(half, (0, 1)))

    assert len(undisturbed["orders"]) == SUBMITS
    assert deaths >= DEATHS, deaths
