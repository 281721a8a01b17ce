"""Two runs of one seed are the same only while nothing asks the machine itself."""

from pathlib import Path

import pytest

from simulation.lint import findings, read

CORE = Path(__file__).parents[2] / "core" / "fillwright"
#: Where something else than the ports is asked, and why no scenario depends on it. A path that
#: ends in a slash is a whole room.
ALLOWED = {
    "clock.py": "the system's own clock, ids and chance: what every other room is handed",
    "cli/": "the process entry; no scenario runs it",
    "door.py": "a loop in a thread of its own, for programs without one",
    "logs.py": "a lock for the register of secrets; a scenario has one thread",
    "history/log.py": "a lock for readers in the checks' thread; a scenario has one thread",
    "journal/sqlite.py": "closing waits for the writer; the loop of a scenario calls it inline",
    "journal/writer.py": "the thread that commits; a scenario has a writer on its loop",
    "risk/asking.py": "the thread of the checks; a scenario plays it on its loop",
    "desk/asides.py": "the thread of the post-execution checks; a scenario has none",
    "testing/chance.py": "chance from a seed",
    "testing/simulation/": "the world outside: chance from a seed, sleep on the loop's own time",
    "testing/paper_server/": "a server in a thread of its own, for tests over sockets",
}


def test_nothing_but_the_ports_gives_time_chance_or_order() -> None:
    """One look at the wall clock, or one loop over a set, and a seed proves nothing any more."""
    astray = [str(one) for one in findings(CORE) if not _allowed(one.file)]

    assert astray == []


def test_every_exception_is_still_one() -> None:
    """An exception that nobody needs hides the next one."""
    found = [one.file for one in findings(CORE)]
    idle = [place for place in ALLOWED if not any(_within(file, place) for file in found)]

    assert idle == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import Random",
        "import uuid",
        "from datetime import datetime\nnow = datetime.now()",
        "import os\nos.urandom(8)",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "for x in {1, 2}: pass",
        "def f(a: set[int]):\n    return [x for x in a]",
        "class A:\n    a: frozenset[str]\n    def f(self):\n        for x in self.a: pass",
        "def f(a, b):\n    return list(set(a) | set(b))",
        "def f(a: set[str]):\n    return ', '.join(a)",
        "def f(a: set[int]):\n    g(*a)",
        "def f(a: dict):\n    b = set(a)\n    return dict.fromkeys(b)",
        "def f(a: set[int]):\n    return tuple(x for x in a - {1})",
    ],
)
def test_what_must_be_found_is_found(source: str) -> None:
    """A lint that sees nothing is as good as none."""
    assert len(read(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)",
        "def f(a: set[int]):\n    return sorted(a)",
        "def f(a: set[int]):\n    return len(a), sum(a), 1 in a, any(x for x in a)",
        "def f(a: set[int]):\n    return {x + 1 for x in a}",
        "def f(a: list[int]):\n    for x in a: pass\ndef g(a: set[int]):\n    return 1 in a",
        "def f(names, table: frozenset[str]):\n    return dict.fromkeys(names, table)",
        "def f(a: dict[str, int]):\n    for x in a: pass",
    ],
)
def test_what_is_harmless_is_not_found(source: str) -> None:
    """A lint that cries wolf gets a longer list of exceptions each week."""
    assert read(source) == []


def _allowed(file: str) -> bool:
    return any(_within(file, place) for place in ALLOWED)


def _within(file: str, place: str) -> bool:
    return file.startswith(place) if place.endswith("/") else file == place
