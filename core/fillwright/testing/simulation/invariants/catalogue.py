"""The catalogue of what must hold: each invariant is one function that raises `Violation`.

The numbers are those of the guarantees, I1 to I25; a number with a dot is a paragraph there, and
one with a C is a standard control.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from inspect import getdoc
from typing import ParamSpec

P = ParamSpec("P")


class When(StrEnum):
    """At which moment an invariant is looked at."""

    #: When a request is about to reach the broker.
    BROKER = "B"
    #: At every transition.
    TRANSITION = "T"
    #: When everything came to rest.
    QUIESCENCE = "Q"


class Violation(AssertionError):
    """Something does not hold; `invariant` names what."""

    def __init__(self, text: str, invariant: str = "") -> None:
        self.text = text
        self.invariant = invariant
        super().__init__(f"{invariant}: {text}" if invariant else text)


@dataclass(frozen=True, slots=True)
class Invariant:
    """One entry of the catalogue."""

    numbers: tuple[str, ...]
    when: When
    name: str
    text: str

    def __str__(self) -> str:
        return f"{'/'.join(self.numbers)} {self.name}"


#: Every invariant that is code here, in the order in which it is written down.
CATALOGUE: list[Invariant] = []


def invariant(when: When, *numbers: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Enter a function into the catalogue, and put its name on what it raises."""

    def enter(function: Callable[P, None]) -> Callable[P, None]:
        name = function.__name__
        entry = Invariant(numbers, when, name, getdoc(function) or "")
        CATALOGUE.append(entry)

        @wraps(function)
        def checked(*given: P.args, **named: P.kwargs) -> None:
            try:
                function(*given, **named)
            except Violation as fault:
                raise Violation(fault.text, str(entry)) from None

        return checked

    return enter


#: What this world cannot show, and the tests that do: by number, what is missing here and where.
ELSEWHERE: dict[str, tuple[str, tuple[str, ...]]] = {
    "I20": (
        "no secret is planted here: the fake broker has no credentials",
        ("tests/logs/test_logs.py", "tests/config/test_load.py"),
    ),
    "I21": (
        "the three agreements of live mode are config and adapter facts; here only the endpoint",
        ("tests/desk/test_last_step.py", "tests/config/test_load.py"),
    ),
    "I23": (
        "there are no sockets and no threads here; tasks, timers and the journal are looked at",
        ("tests/desk/test_stopping.py", "tests/cli/test_stopping.py"),
    ),
    "I24": (
        "two runs of a seed, and two hash seeds, need two runs",
        ("tests/simulation/test_determinism.py",),
    ),
    "I25": (
        "a plugin that blocks its thread cannot be simulated; one that raises is",
        ("tests/desk/test_halts_and_plugins.py", "tests/plugins/test_registry.py"),
    ),
}
