"""A desk is stopped by SIGSTOP in the middle of a plan, and another takes its journal over.

`TRY_PAUSES` says how many more points are tried, drawn at random; a failure names its job.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk.kill_client import Worker

PAUSES = int(os.environ.get("TRY_PAUSES", "0"))
#: In seconds: the paused request's own time is not up when it goes on.
LONG = 30
#: Up to here the paused process has not looked for the last time.
BEFORE = (
    {"stop_at": "after journal commit 6", "way": "told"},
    {"stop_at": "after look 7", "way": "removed", "patience": LONG},
    {"stop_at": "before body 8", "way": "removed", "patience": LONG},
)
#: How often the first one is paused until its journal is not being written just then.
TRIES = 6
WAYS = ("told", "removed")


@pytest.fixture(scope="module")
def pausing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("pause")
    folder.chmod(0o700)
    made = Worker(Path(__file__).with_name("pausing.py"), folder)
    yield made
    made.close()


def taken_over(pausing: Worker, job: dict[str, Any]) -> dict[str, Any]:
    """A trial whose second process got the journal.

    Where the first one's writing thread stood in a transaction, it did not (see below).
    """
    for _ in range(TRIES):
        answer = pausing.cycle(job)
        assert answer["stopped"]
        if "in the middle of a write" not in answer["second"]["err"]:
            break
        assert answer["problems"] == []
    assert answer["second"]["code"] == 0
    return answer


def sound(answer: dict[str, Any]) -> None:
    """The plan is carried out once, whoever did it."""
    assert answer["problems"] == []
    finished = [n for n in ("first", "second", "again") if answer.get(n, {}).get("code") == 0]
    assert len(finished) == 1, answer
    assert json.loads(answer[finished[0]]["out"])["status"] == "SUCCESS"


def fenced(answer: dict[str, Any]) -> None:
    """The paused process says what happened to it."""
    first = answer["first"]
    told = json.loads(first["out"])["error"]
    assert (told["kind"], first["code"]) == ("Fenced", 1 if told["sent"] else 2)
    assert f"error: {told['message']}" in first["err"].splitlines()
    assert "was taken over (epoch " in told["message"]
    assert "Traceback" not in first["err"]
    if told["sent"]:
        assert told["message"].endswith("; the process that took over goes on")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("job", BEFORE, ids=lambda job: job["stop_at"].replace(" ", "-"))
def test_a_paused_process_that_was_replaced_sends_nothing(pausing: Worker, job: Any) -> None:
    """It wakes with an order in its hand that its successor has already carried out."""
    answer = taken_over(pausing, job)

    assert [seen for seen in answer["after"] if seen["status"] is not None] == []
    fenced(answer)
    sound(answer)


@pytest.mark.timeout(300)
def test_a_request_that_was_past_the_last_look_is_refused_by_the_broker(pausing: Worker) -> None:
    """No look is so late that nothing comes after it: the same id must still be one order."""
    job = {"stop_at": "after body 4", "way": "removed", "patience": LONG}
    answer = taken_over(pausing, job)

    (late,) = answer["after"]
    assert late["status"] == 422
    ids = Counter(seen["client_order_id"] for seen in answer["between"])
    assert ids[late["client_order_id"]] == 1
    fenced(answer)
    sound(answer)


@pytest.mark.timeout(300)
def test_a_journal_that_is_being_written_cannot_be_taken_over(pausing: Worker) -> None:
    """Two would write at once, and the half of a record would be taken for the whole."""
    answer = pausing.cycle({"stop_at": "after journal insert 5", "way": "told"})

    assert answer["stopped"]
    second = answer["second"]
    assert (answer["between"], second["code"]) == ([], 2)
    assert "in the middle of a write" in second["err"]
    # Nobody took over: the first one works on, and says itself what came of the plan.
    assert answer["first"]["code"] in (0, 3)
    assert answer["problems"] == []


@pytest.mark.timeout(300)
def test_a_pause_alone_delays_the_plan_and_changes_nothing(pausing: Worker) -> None:
    """A laptop that was closed sends minutes later what was decided on other prices, or twice."""
    answer = pausing.cycle({"stop_at": "before body 9", "way": "nobody"})

    assert answer["stopped"]
    assert answer["first"]["code"] in (0, 3)
    taken = Counter(one["client_order_id"] for one in answer["after"] if one["status"] == 200)
    assert set(taken.values()) == {1}
    assert answer["problems"] == []


@pytest.mark.skipif(not PAUSES, reason="TRY_PAUSES says how many")
@pytest.mark.timeout(7200)
def test_wherever_it_is_paused(pausing: Worker) -> None:
    """One place that nobody thought of sends an order behind its successor's back."""
    chance = random.Random(PAUSES)
    seen = pausing.cycle({"stop_at": "", "way": "nobody"})["points"]
    each = [f"{name} {n + 1}" for name in sorted(seen) for n in range(seen[name])]
    stopped = 0
    for point in chance.sample(each, min(PAUSES, len(each))):
        job = {"stop_at": point, "way": chance.choice(WAYS), "patience": LONG}
        answer = pausing.cycle(job)
        stopped += answer["stopped"]
        done = [one for one in answer["after"] if one["status"] == 200]
        # Where it was not stopped, or was writing just then, nobody took over.
        taken = answer["stopped"] and answer["second"]["code"] == 0
        assert not taken or done == [], (job, answer)
        assert answer["problems"] == [], (job, answer)
    assert stopped > min(PAUSES, len(each)) / 2
