"""What a seed turns on: the scenario's size, and how often each fault strikes.

Rules:
1. Every knob is a whole number, and zero (or false) is off, so that a failure can be shrunk by
   turning knobs off and down.
2. Most seeds turn on a few knobs, so that one fault is seen alone as well as among others; some
   turn on none.
"""

from random import Random
from typing import Any, Final, Self

from pydantic import Field

from fillwright.types import Value

#: Chances in percent from which a seed draws.
_CHANCES: Final = (1, 3, 10, 25, 60)


def _percent() -> Any:  # noqa: ANN401  # pydantic reads a field where its default stands
    return Field(default=0, ge=0, le=100)


def _count(most: int) -> Any:  # noqa: ANN401
    return Field(default=0, ge=0, le=most)


class Knobs(Value):
    """One scenario's settings: chances are in percent, counts say how often in one scenario."""

    # ------------------------------------------------ the scenario
    orders: int = Field(default=6, ge=0, le=200)
    #: How long the chaos lasts, in seconds.
    horizon: int = Field(default=20, ge=0, le=600)
    #: Run what is ready in the order in which it became ready.
    fifo: bool = False
    #: Orders that come with two legs.
    brackets: int = _percent()
    cancels: int = _percent()
    replaces: int = _percent()
    #: The same intent again, at once, later, and after a restart.
    repeats: int = _percent()
    #: The same intent with other content.
    conflicts: int = _count(20)
    halts: int = _count(20)
    plans: int = _count(3)
    #: Orders that somebody else places in the account.
    strangers: int = _count(20)

    # ------------------------------------------------ the broker
    #: Its server does not refuse an id that it knows.
    tag_only: bool = False
    #: Longest way there and back, in milliseconds.
    latency: int = Field(default=0, ge=0, le=5000)
    #: Steps for which a cancel or replace is pending.
    pending_steps: int = _count(5)
    #: Requests that it takes in a minute; 0 is as many as come.
    rate: int = Field(default=0, ge=0, le=100_000)
    #: What its staff does: fills by hand, busts, corrections, cancels, rejects, suspends.
    staff: int = _count(50)
    #: How often the touch moves.
    moves: int = _count(50)
    #: The market closes in the middle of the scenario.
    closing: bool = False

    # ------------------------------------------------ requests
    lost_requests: int = _percent()
    lost_answers: int = _percent()
    late_requests: int = _percent()
    slow_requests: int = _percent()
    doubled_requests: int = _percent()
    garbled_answers: int = _percent()
    not_sent: int = _percent()
    rejects: int = _percent()
    rate_limited: int = _percent()

    # ------------------------------------------------ questions
    lagging_reads: int = _percent()
    #: The list of executions alone is late, behind all others.
    lagging_fills: int = _percent()
    unanswered_reads: int = _percent()
    slow_reads: int = _percent()
    garbled_reads: int = _percent()

    # ------------------------------------------------ the stream
    lost_reports: int = _percent()
    doubled_reports: int = _percent()
    late_reports: int = _percent()
    swapped_reports: int = _percent()
    gaps: int = _percent()
    disconnects: int = _percent()
    silences: int = _percent()
    #: Old reports come again after a connect.
    replays: int = _percent()
    #: The iterator itself fails.
    broken_streams: int = _percent()

    # ------------------------------------------------ the process
    kills: int = _count(10)
    #: Chance of dying at each point of the journal and the wire, until the kills are used up.
    fragile: int = _percent()
    drains: int = _count(10)
    #: Another process takes the journal over while this one goes on.
    takeovers: int = _count(5)
    #: Callers that are cancelled while they wait.
    canceled_callers: int = _count(20)
    jumps: int = _count(10)

    # ------------------------------------------------ the disk
    #: Longest commit, in milliseconds.
    disk_latency: int = Field(default=0, ge=0, le=5000)
    #: Commits that fail: no room, an error on write, an error on fsync.
    disk_faults: int = _percent()
    #: Openings that find it read-only, or locked.
    closed_disk: int = _percent()
    #: The journal is the SQLite file itself, in a folder of its own.
    file: bool = False

    # ------------------------------------------------ plugins
    #: Orders whose check raises, or answers None, NaN or something else than a verdict.
    bad_checks: int = _percent()
    #: Orders whose check never answers.
    hung_checks: int = _percent()
    #: Orders that a check refuses, or halts on.
    stern_checks: int = _percent()
    #: Post-execution checks and observers that raise.
    bad_watchers: int = _percent()
    #: The standard controls are asked as well; so many of them have limits that bind.
    controls: int = _percent()

    @classmethod
    def draw(cls, seed: int) -> Self:
        """The knobs of a seed."""
        # A test wants repeatable numbers, not secret ones.
        chance = Random(f"knobs/{seed}")  # noqa: S311
        drawn: dict[str, int | bool] = {"moves": chance.choice((0, 3, 10))}
        if chance.random() < _CALM:
            return cls.model_validate(drawn)
        share = chance.choice((0.1, 0.25, 0.5))
        for name, values in _DRAWS.items():
            if chance.random() < share:
                drawn[name] = chance.choice(values)
        if chance.random() < _THEMED:
            drawn |= chance.choice(_THEMES)
        drawn = _with_controls(drawn, seed)
        if drawn.get("fragile") and not drawn.get("kills"):
            drawn["kills"] = chance.choice(_DRAWS["kills"])
        return cls.model_validate(drawn)

    @property
    def turned_on(self) -> tuple[str, ...]:
        """The names of the faults and habits that are not off."""
        return tuple(name for name in (*_DRAWS, *_BESIDE) if getattr(self, name))

    def but(self, **changes: int) -> Self:
        """The same with some knobs turned."""
        return type(self).model_validate(self.model_dump() | changes)


def _with_controls(drawn: dict[str, int | bool], seed: int) -> dict[str, int | bool]:
    """The standard controls, by a chance of their own: what other seeds draw stays as it is.

    Among many faults nearly every order is refused, so most have few.
    """
    chance = Random(f"knobs/controls/{seed}")  # noqa: S311
    if chance.random() >= _CONTROLLED:
        return drawn
    few: dict[str, int] = {}
    if chance.random() < _FEW_FAULTS:
        drawn, few = {"moves": drawn["moves"]}, chance.choice(_BESIDE_CONTROLS)
    controlled = {
        "controls": chance.choice((5, 15, 25)),
        "orders": chance.choice((12, 18, 24)),
        "replaces": chance.choice((0, 60, 100)),
    }
    return drawn | controlled | few


#: What only seeds with the standard controls turn on.
_BESIDE: Final = ("controls", "lagging_fills")
#: Seeds with the standard controls, and those of them that have few faults beside.
_CONTROLLED: Final = 0.3
_FEW_FAULTS: Final = 0.7
_BESIDE_CONTROLS: Final[tuple[dict[str, int], ...]] = (
    {},
    {"latency": 400, "disk_latency": 20},
    {"latency": 50, "cancels": 60, "pending_steps": 1},
    {"kills": 3, "fragile": 5, "repeats": 20},
    {"kills": 2, "lost_reports": 60, "lagging_fills": 60},
    {"lost_answers": 25, "latency": 50},
    {"disconnects": 10, "gaps": 3},
    {"unanswered_reads": 10, "latency": 5},
    {"not_sent": 25, "rejects": 10},
    {"plans": 1, "rate": 300},
    {"takeovers": 4, "latency": 50, "disk_latency": 20},
    # Longer than an order may wait for its turn.
    {"jumps": 6, "not_sent": 100, "horizon": 40},
    # More than the broker takes in that time, and nobody but the broker in the way.
    {"controls": 0, "orders": 70, "rate": 80, "horizon": 5, "replaces": 0},
)
#: Seeds in which nothing goes wrong.
_CALM: Final = 0.05
#: Seeds with a theme: faults that hurt most when they come together.
_THEMED: Final = 0.4
_THEMES: Final[tuple[dict[str, int], ...]] = (
    # Neither answer, nor stream, nor books tell that an order arrived.
    {"lost_answers": 60, "lagging_reads": 60, "lost_reports": 60, "tag_only": 0},
    {"garbled_answers": 60, "lagging_reads": 60, "silences": 60},
    {"late_requests": 60, "lagging_reads": 60, "silences": 25, "tag_only": 0},
    # A process that hardly lives.
    {"kills": 6, "fragile": 10, "disk_latency": 20, "repeats": 100},
    {"kills": 4, "fragile": 5, "plans": 1, "lost_answers": 25},
    # Everything takes its time, and halts come in between.
    {"halts": 4, "latency": 400, "disk_latency": 300, "repeats": 20, "kills": 4},
    {"cancels": 100, "replaces": 60, "latency": 400, "pending_steps": 1, "slow_requests": 25},
    # The broker changes its mind, and nobody hears it.
    {"staff": 15, "lost_reports": 60, "kills": 2, "replaces": 100, "cancels": 60},
    {"orders": 24, "rate": 150, "horizon": 10, "cancels": 60},
    {"takeovers": 2, "repeats": 100, "disk_latency": 300, "latency": 50},
)
#: From what each knob is drawn; sizes and the order of callbacks are not drawn.
_DRAWS: Final[dict[str, tuple[int, ...]]] = {
    "brackets": (20, 100),
    "cancels": (20, 60, 100),
    "replaces": (20, 60, 100),
    "repeats": (20, 100),
    "conflicts": (1, 3),
    "halts": (1, 2, 4),
    "plans": (1,),
    "strangers": (1, 3),
    "tag_only": (1,),
    "latency": (5, 50, 400, 900),
    "pending_steps": (1, 3),
    "rate": (150, 300, 1000),
    "staff": (2, 6, 15),
    "closing": (1,),
    "lost_requests": _CHANCES,
    "lost_answers": _CHANCES,
    "late_requests": _CHANCES,
    "slow_requests": _CHANCES,
    "doubled_requests": _CHANCES,
    "garbled_answers": _CHANCES,
    "not_sent": _CHANCES,
    "rejects": _CHANCES,
    "rate_limited": _CHANCES,
    "lagging_reads": _CHANCES,
    "unanswered_reads": _CHANCES,
    "slow_reads": _CHANCES,
    "garbled_reads": _CHANCES,
    "lost_reports": _CHANCES,
    "doubled_reports": _CHANCES,
    "late_reports": _CHANCES,
    "swapped_reports": _CHANCES,
    "gaps": _CHANCES,
    "disconnects": _CHANCES,
    "silences": _CHANCES,
    "replays": (25, 100),
    "broken_streams": (1, 5),
    "kills": (1, 2, 4),
    "fragile": (1, 5, 20),
    "drains": (1, 2),
    "takeovers": (1,),
    "canceled_callers": (1, 4),
    "jumps": (1, 3),
    "disk_latency": (1, 20, 300),
    "disk_faults": (1, 5),
    "closed_disk": (10, 50),
    "file": (1,),
    "bad_checks": (10, 50),
    "hung_checks": (5,),
    "stern_checks": (10, 50),
    "bad_watchers": (20, 100),
}
